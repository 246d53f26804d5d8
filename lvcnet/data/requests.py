"""What is wanted of data sets: of `lvcnet data ...` and the data page; `import_request` is about imports."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from lvcnet.data.dataset import CLEAN
from lvcnet.data.facts import ORDERS, Filters
from lvcnet.errors import LvcnetError
from lvcnet.progress import Report
from lvcnet.requests import PATH, Argument, Form, Option, Request

if TYPE_CHECKING:
    from lvcnet.data.dataset import Dataset
    from lvcnet.data.facts import ImageFacts
    from lvcnet.frames import Size

DATA_SET = "Name of the data set; `lvcnet data list` lists them."
NEW = "Name of the new data set."
SIZE = "Longer side of the working grid in pixels; images keep their proportions."
SPLIT = Option("--split", "Only this split: train or test.")
LOW_HIGH = "LOW-HIGH"


@dataclass(frozen=True)
class PhantomRequest(Request):
    """A data set of rendered radiographs."""

    COMMAND = ("data", "phantom")

    name: Annotated[str, Argument(NEW)]
    train: Annotated[int, Option("--train", "Training images.", always=True)] = 300
    test: Annotated[int, Option("--test", "Test images.", always=True)] = 100
    size: Annotated[int, Option("--size", SIZE, always=True)] = 128
    seed: Annotated[
        int, Option("--seed", "Each image depends on it and on its own number alone.", always=True)
    ] = 0

    def run(self, report: Report | None = None) -> "Dataset":
        """Render the images; they are not saved yet.

        Raises:
            LvcnetError: for a count or size out of range.
        """
        from lvcnet.data.phantom.make import make_phantom

        return make_phantom(self.name, self.train, self.test, self.size, self.seed, report)


@dataclass(frozen=True)
class ShowRequest(Request):
    """The summary of a data set, its traits and its training plan."""

    COMMAND = ("data", "show")

    name: Annotated[str, Argument(DATA_SET)]
    labels: Annotated[str, Option("--labels", "Label set that traits and training plan are about.")] = CLEAN


@dataclass(frozen=True)
class Outlines:
    """What the images say about the outlines of a label set.

    Attributes:
        dataset: its name.
        labels: the label set.
        grid: rows and columns of the working grid.
        mm_a_pixel: size of its pixels; None where the files do not say.
        displacement: by category, as `lvcnet.data.displacement.told`.
        made: name of the label set that was made of it, if one was.
    """

    dataset: str
    labels: str
    grid: "Size"
    mm_a_pixel: float | None
    displacement: dict[str, dict[str, Any]]
    made: str | None

    @property
    def moved(self) -> list[str]:
        """Categories that are, or would be, moved."""
        return [name for name, one in self.displacement.items() if one["moved_px"]]

    def as_json(self) -> dict[str, Any]:
        """All but the grid."""
        return {name: value for name, value in vars(self).items() if name != "grid"}


@dataclass(frozen=True)
class DisplacementRequest(Request):
    """How far outlines lie beside the edges of their images, and a label set whose outlines are moved back.

    Attributes:
        dataset: its name.
        labels: whose outlines.
        move: name of the label set to make of them; none is made where there is nothing to move.
        belong_on_edges: whether displacements that a convention may explain are moved, too.
        overwrite: replace an earlier label set of that name that was made so.
    """

    COMMAND = ("displacement",)

    dataset: Annotated[str, Argument(DATA_SET)]
    labels: Annotated[str, Option("--labels", "Label set whose outlines are measured.", always=True)] = CLEAN
    move: Annotated[
        str | None, Option("--move", "Make a label set of this name whose outlines are moved back.")
    ] = None
    belong_on_edges: Annotated[
        bool,
        Option(
            "--belong-on-edges",
            "Outlines belong on edges: move also what a convention may explain, not only what none explains; where outlines"
            " are good that costs up to 13 points of IoU.",
        ),
    ] = False
    overwrite: Annotated[
        bool, Option("--overwrite", "Replace an earlier label set of that name that was made so.")
    ] = False

    def run(self, report: Report | None = None) -> "Outlines":
        """What the images say about each category, and the label set that was added, if one was asked for and anything moved.

        Args:
            report: called with (done, total), outlines of an image each.

        Raises:
            LvcnetError: if there is no such label set, or the name is taken.
        """
        from lvcnet.claims import using
        from lvcnet.data.dataset import Dataset
        from lvcnet.data.displacement import displacements, mm_a_pixel, moved_labels, told
        from lvcnet.data.naming import chosen
        from lvcnet.data.upkeep import own_copy

        dataset = Dataset.load(self.dataset)
        labels = chosen(dataset, self.labels)
        with using("data set", dataset.folder, "its outlines are being measured", [labels]):
            found, mm = displacements(dataset, labels, report=report), mm_a_pixel(dataset)
            said = told(found, self.belong_on_edges, mm)
            if self.move is None:
                return Outlines(dataset.name, labels, dataset.grid, mm, said, None)
            made = moved_labels(dataset, labels, self.move, found, self.belong_on_edges, self.overwrite)
            if made is not None:
                own_copy(dataset).add_labels(made)
        return Outlines(dataset.name, labels, dataset.grid, mm, said, None if made is None else made.name)


def written_formats() -> str:
    """The help of `--format`."""
    from lvcnet.data.formats.specs import written

    return f"One of {', '.join(written())}."


@dataclass(frozen=True)
class ExportRequest(Request):
    """A label set as a file."""

    COMMAND = ("data", "export")

    name: Annotated[str, Argument(DATA_SET)]
    output: Annotated[
        Path, Option("--output", "File (coco), or folder or .zip file (labelme, masks) to write.", PATH)
    ]
    labels: Annotated[str, Option("--labels", "Label set to export.", always=True)] = CLEAN
    format: Annotated[str, Option("--format", written_formats)] = "coco"
    split: Annotated[str | None, SPLIT] = None
    images: Annotated[
        Path | None,
        Option(
            "--images",
            "Also write the images here as PNG, for data without image files.",
            PATH,
            metavar="DIR",
        ),
    ] = None
    overwrite: Annotated[bool, Option("--overwrite", "Write over what is there.")] = False

    def run(self) -> int:
        """Write the label set; the number of images written about.

        Raises:
            LvcnetError: as `export_labels`.
        """
        from lvcnet.data.dataset import Dataset
        from lvcnet.data.exporter import export_labels

        dataset = Dataset.load(self.name)
        return export_labels(
            dataset, self.labels, self.output, self.format, self.split, self.images, self.overwrite
        )


def read_range(text: str, option: str) -> tuple[float | None, float | None]:
    """`0.1-0.4`, `2-`, `-3` or `2` to ends; None is an open one.

    Raises:
        LvcnetError: if it has another form.

    >>> read_range("0.1-0.4", "--foreground"), read_range("2-", "--components"), read_range("2", "--components")
    ((0.1, 0.4), (2.0, None), (2.0, 2.0))
    """
    low, dash, high = text.partition("-")
    try:
        ends = [float(end) if end.strip() else None for end in (low, high if dash else low)]
    except ValueError:
        raise LvcnetError(f"{option} {text!r} is not a range: write LOW-HIGH, for example 2-3") from None
    return ends[0], ends[1]


def read_shares(text: str) -> tuple[float, float]:
    """The ends of `--foreground`."""
    low, high = read_range(text, "--foreground")
    return low or 0.0, 1.0 if high is None else high


def read_counts(text: str) -> tuple[int, int | None]:
    """The ends of `--components`.

    Raises:
        LvcnetError: if they are no whole numbers.
    """
    least, most = read_range(text, "--components")
    if any(end is not None and not end.is_integer() for end in (least, most)):
        raise LvcnetError(f"--components {text!r}: write whole numbers, for example 2-3")
    return int(least or 0), None if most is None else int(most)


def write_range(ends: Sequence[float | None]) -> str:
    """The way back; never as 1e-05, whose minus would end a number.

    >>> write_range((0.1, 0.4)), write_range((2, None)), write_range((0.00001, 1.0))
    ('0.1-0.4', '2-', '0.00001-1')
    """
    texts = ["" if end is None else f"{end:.12f}".rstrip("0").rstrip(".") for end in ends]
    return "-".join(texts)


@dataclass(frozen=True)
class ImagesRequest(Request):
    """Facts about single images, and choosing among them."""

    COMMAND = ("data", "images")

    name: Annotated[str, Argument(DATA_SET)]
    labels: Annotated[str, Option("--labels", "Label set that the facts are about.")] = CLEAN
    split: Annotated[str | None, SPLIT] = None
    labelled: Annotated[
        bool | None,
        Option("--labelled/--not-labelled", "Only images that the label set covers, or does not."),
    ] = None
    text: Annotated[str, Option("--text", "Part of the image's key.")] = ""
    foreground: Annotated[
        tuple[float, float],
        Option(
            "--foreground",
            "Least and most share of foreground.",
            Form(read_shares, write_range),
            metavar=LOW_HIGH,
        ),
    ] = (0.0, 1.0)
    components: Annotated[
        tuple[int, int | None],
        Option(
            "--components",
            "Least and most number of components; '2-' is open.",
            Form(read_counts, write_range),
            metavar=LOW_HIGH,
        ),
    ] = (0, None)
    order: Annotated[str, Option("--order", f"One of {', '.join(ORDERS)}.")] = "stored"

    @property
    def filters(self) -> Filters:
        """What passes, and in which order."""
        return Filters(self.split, self.labelled, self.text, self.foreground, self.components, self.order)

    def run(self) -> "list[ImageFacts]":
        """The facts of the images that pass.

        Raises:
            LvcnetError: for an unknown split or order, or a range from large to small.
        """
        from lvcnet.data.dataset import Dataset
        from lvcnet.data.facts import image_facts, select

        return select(image_facts(Dataset.load(self.name), self.labels), self.filters)
