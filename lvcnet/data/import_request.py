"""Which import is wanted: of `lvcnet data import` and the data page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

from lvcnet.data.importing.options import Options, Settings
from lvcnet.data.requests import NEW, SIZE
from lvcnet.errors import LvcnetError
from lvcnet.progress import Report
from lvcnet.requests import PATH, WORDS, Argument, Form, Option, Request
from lvcnet.text import split_list

if TYPE_CHECKING:
    from lvcnet.data.dataset import Dataset

AUTO = "auto"
LabelPaths = Mapping[str, tuple[Path, ...]]


def read_labels(values: list[str]) -> dict[str, tuple[Path, ...]]:
    """`dentist2=c.json,d.json` to name and files.

    Raises:
        LvcnetError: if a value has another form or repeats a name.
    """
    labels: dict[str, tuple[Path, ...]] = {}
    for value in values:
        name, _, paths = value.partition("=")
        if not name.strip() or not split_list(paths):
            raise LvcnetError(f"--labels {value!r}: write NAME=PATH or NAME=PATH,PATH")
        if name.strip() in labels:
            raise LvcnetError(f"--labels gives {name.strip()!r} twice: join its files with a comma")
        labels[name.strip()] = tuple(Path(path) for path in split_list(paths))
    return labels


def write_labels(labels: LabelPaths) -> list[str]:
    """The way back.

    >>> write_labels({"dentist2": (Path("c.json"), Path("d.json"))})
    ['dentist2=c.json,d.json']
    """
    return [f"{name}={','.join(map(str, paths))}" for name, paths in labels.items()]


def read_size(text: str) -> int | None:
    """`auto` or pixels.

    Raises:
        LvcnetError: if it is neither.

    >>> read_size("auto"), read_size("192")
    (None, 192)
    """
    if text == AUTO:
        return None
    if not text.isdecimal():
        raise LvcnetError(f"--size {text!r} is no size: write {AUTO}, or the longer side in pixels, e.g. 192")
    return int(text)


@dataclass(frozen=True)
class ImportRequest(Request):
    """A data set of annotated images from other tools: of one kind of annotation, with all it needs."""

    COMMAND = ("data", "import")

    name: Annotated[str, Argument(NEW)]
    images: Annotated[Path | None, Option("--images", "Folder of the image files.", PATH, metavar="DIR")] = (
        None
    )
    train: Annotated[
        Path | None, Option("--train", "COCO file of the training images.", PATH, metavar="FILE")
    ] = None
    test: Annotated[
        Path | None,
        Option("--test", "COCO file of the test images; else a share is set aside.", PATH, metavar="FILE"),
    ] = None
    labelme: Annotated[
        Path | None, Option("--labelme", "Folder of Labelme files beside their images.", PATH, metavar="DIR")
    ] = None
    masks: Annotated[
        Path | None,
        Option(
            "--masks",
            "Folder of mask images named like the images, or one subfolder a category.",
            PATH,
            metavar="DIR",
        ),
    ] = None
    zip: Annotated[
        Path | None,
        Option("--zip", "A zip of images with COCO, Labelme or mask annotations.", PATH, metavar="FILE"),
    ] = None
    source: Annotated[
        str | None,
        Option("--from", "Annotations in a format that a plug-in reads: FORMAT=PATH.", metavar="FORMAT=PATH"),
    ] = None
    labels: Annotated[
        LabelPaths,
        Option(
            "--labels",
            "A further label set of the same images, NAME=PATH[,PATH]; can be repeated.",
            Form(read_labels, write_labels, repeated=True),
            metavar="NAME=PATHS",
        ),
    ] = field(default_factory=dict)
    size: Annotated[
        int | None,
        Option(
            "--size",
            f"{SIZE[:-1]}; auto gives the thinnest common structure enough pixels, from 128 to 256. [default: {AUTO}]",
            Form(read_size, str),
        ),
    ] = Options.size
    categories: Annotated[
        tuple[str, ...] | None,
        Option("--categories", "Categories to import, in this order: a,b. Default all.", WORDS),
    ] = None
    test_fraction: Annotated[
        float | None,
        Option("--test-fraction", "Share set aside as test images without --test (default 0.25)."),
    ] = None
    seed: Annotated[int, Option("--seed", "Seed of that choice.")] = 0
    accept_self_crossing: Annotated[
        bool,
        Option("--accept-self-crossing", "Warn about outlines that cross themselves, do not stop."),
    ] = False
    ignore: Annotated[
        str | None,
        Option(
            "--ignore",
            "A category that marks pixels about which the annotation says nothing: no training and no metric sees them.",
        ),
    ] = None

    def settings(self) -> Settings:
        """What all kinds of annotation have in common."""
        settings: Settings = {
            "size": self.size,
            "seed": self.seed,
            "accept_self_crossing": self.accept_self_crossing,
            "ignore": self.ignore,
        }
        if self.categories is not None:
            settings["categories"] = list(self.categories)
        if self.test_fraction is not None:
            settings["test_fraction"] = self.test_fraction
        return settings

    def allowed(self, allow: Callable[[str], Path]) -> "ImportRequest":
        """The same with the paths that `allow` makes of those given; it raises `LvcnetError` for one it does not allow."""

        def path(given: Path | None) -> Path | None:
            return None if given is None else allow(str(given))

        format, separator, place = (self.source or "").partition("=")
        return replace(
            self,
            images=path(self.images),
            train=path(self.train),
            test=path(self.test),
            labelme=path(self.labelme),
            masks=path(self.masks),
            zip=path(self.zip),
            labels={name: tuple(allow(str(one)) for one in paths) for name, paths in self.labels.items()},
            source=f"{format}={allow(place)}" if separator else self.source,
        )

    def check(self) -> None:
        """Refuse what cannot be meant before anything is read.

        Raises:
            LvcnetError: for options that exclude each other or lack another one, or are out of range.
        """
        if self.test_fraction is not None and self.test is not None:
            raise LvcnetError("--test-fraction and --test exclude each other: drop one")
        Options(**self.settings()).check()
        self._check_sources()
        if self.zip is not None and self.labels:
            raise LvcnetError(
                "--labels goes with paths: put the second annotator's file into the zip, named after them"
            )

    def _check_sources(self) -> None:
        """Exactly one format, with all it needs."""
        kinds = {
            "--train": self.train,
            "--labelme": self.labelme,
            "--masks": self.masks,
            "--zip": self.zip,
            "--from": self.source,
        }
        given = [option for option, path in kinds.items() if path]
        if len(given) > 1:
            raise LvcnetError(f"{' and '.join(given)} exclude each other: give one kind of annotation")
        if not given:
            raise LvcnetError(
                "no annotations given: add --train FILE (COCO), --labelme DIR, --masks DIR or --zip FILE"
            )
        if self.test and not self.train:
            raise LvcnetError(f"--test is a COCO file and does not go with {given[0]}: drop it")
        if self.zip and self.images:
            raise LvcnetError("--zip holds the images: drop --images")
        if self.labelme and self.images:
            raise LvcnetError("--labelme reads the images beside its files: drop --images")
        if self.source and (self.images or "=" not in self.source):
            raise LvcnetError(
                f"--from {self.source!r}: write FORMAT=PATH, without --images: the annotations name them"
            )
        if not (self.labelme or self.zip or self.source or self.images):
            raise LvcnetError(f"{given[0]} needs --images DIR, the folder of the image files")

    def run(self, report: Report | None = None, archive: BinaryIO | None = None) -> "Dataset":
        """Read everything; the data set is not saved yet.

        Args:
            report: called with (images done, images).
            archive: the zip itself, where it was uploaded.

        Raises:
            LvcnetError: as `check`, or `ImportProblems` with all that is wrong.
        """
        from lvcnet.data.importing.archive import import_zip
        from lvcnet.data.importing.importer import import_coco, import_from, import_labelme, import_masks

        self.check()
        settings, extras = self.settings(), {name: list(paths) for name, paths in self.labels.items()}
        if self.zip is not None:
            return import_zip(self.name, archive or self.zip, report, **settings)
        if self.source is not None:
            format, _, path = self.source.partition("=")
            return import_from(self.name, format, Path(path), extras, report, **settings)
        if self.labelme is not None:
            return import_labelme(self.name, self.labelme, extras, report, **settings)
        assert self.images is not None
        if self.masks is not None:
            return import_masks(self.name, self.images, self.masks, extras, report, **settings)
        assert self.train is not None
        return import_coco(self.name, self.images, self.train, self.test, extras, report, **settings)
