"""What a folder of somebody's annotated images holds: COCO, Labelme, masks or a plug-in's format, and which file is which.

COCO      any folders; `train` and `test` in a file's or its folder's name tell the splits, other words tell
          annotators: a_train.json, a_test.json and b_train.json are the clean labels of a and a label set b
Labelme   JSON files beside their images; folders train and test give the split
masks     a folder images and a folder masks side by side
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from lvcnet.data.formats.specs import FORMATS
from lvcnet.data.images import SUFFIXES, is_image_file
from lvcnet.data.importing.annotated import ImportProblems, Problem
from lvcnet.errors import LvcnetError, foreign
from lvcnet.files import NAME_PATTERN, Row, read_json, write_json

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "jpegimages", "xrays", "xray", "radiographs", "data")
MASK_FOLDERS = (
    *("masks", "mask", "labels", "label", "segmentations", "segmentation", "annotations"),
    *("gt", "groundtruth", "ground_truth", "segmentationclass"),
)
SPLIT_WORDS = {"train": "train", "training": "train", "test": "test", "valid": "valid", "val": "valid"}
PLAIN_GROUPS = ("", "clean", "annotations", "instances", "coco", "labels", "annotations coco")
"""Names of COCO files that name no annotator: these labels are the clean ones where others are there, too."""
EXPECTED = "expected COCO JSON, Labelme JSON beside the images, or folders images and masks"


@dataclass(frozen=True)
class Contents:
    """What was recognised, and what would be made of it.

    Attributes:
        kind: name of the format.
        images: folder that image names are relative to; for Labelme the folder of everything.
        count: image files below it.
        train: COCO file of the training images, or of all images.
        test: COCO file of the test images.
        labels: further label sets: name to COCO files of the same images.
        masks: folder of the masks.
        annotations: what a plug-in reads.
        rows: for people: each part, what it is, what becomes of it.
        warnings: what is left out.
    """

    kind: str
    images: Path
    count: int
    train: Path | None = None
    test: Path | None = None
    labels: dict[str, list[Path]] = field(default_factory=dict)
    masks: Path | None = None
    annotations: Path | None = None
    rows: list[Row] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class _Coco:
    """One COCO file: its content, annotator and split by name, and the folder its images lie in."""

    path: Path
    content: dict[str, Any]
    group: str
    split: str

    def images(self) -> list[dict[str, Any]]:
        """Entries of images that have a name; the others are for the importer to report."""
        entries = self.content.get("images")
        return [
            entry
            for entry in (entries if isinstance(entries, list) else [])
            if isinstance(entry, dict) and isinstance(entry.get("file_name"), str)
        ]


def recognise(folder: Path) -> Contents:
    """Look at all files below `folder` and decide.

    COCO files whose image names are relative to folders of their own (train/, test/) are rewritten to name them from
    one folder, and JSON files that are no annotations are removed where they would count as broken Labelme files; so
    `folder` must be a copy.

    Raises:
        LvcnetError: if there are no images, no annotations, or several kinds of them.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    images = [path for path in files if is_image_file(path)]
    if claimed := _claimed(folder, images):
        return claimed
    jsons = _read_all(folder, [path for path in files if path.suffix.lower() == ".json"])
    coco = {path: content for path, content in jsons.items() if _is_coco(content)}
    labelme = {path: content for path, content in jsons.items() if _is_labelme(content)}
    if coco and labelme:
        raise LvcnetError(
            f"{_counted(coco, 'COCO file')} and {_counted(labelme, 'Labelme file')} were found:"
            " keep one kind of annotation"
        )
    known = {*images, *coco, *labelme}
    others = [path for path in files if path not in known]
    if coco:
        return _coco(folder, images, coco, others)
    if labelme:
        return _labelme(folder, images, labelme, others)
    if not images:
        raise LvcnetError(f"no image was found: use {', '.join(SUFFIXES)}")
    return _masks(folder, images, others)


def _claimed(folder: Path, images: list[Path]) -> Contents | None:
    """What a plug-in recognises as its own; None where none does.

    Raises:
        LvcnetError: if several do.
    """
    found: dict[str, Path] = {}
    for name, spec in FORMATS.items():
        if spec.recognise is not None:
            with foreign(f"format {name!r} cannot look into the zip", "mend it, or uninstall what added it"):
                if (path := spec.recognise(folder)) is not None:
                    found[name] = path
    if len(found) > 1:
        raise LvcnetError(
            f"the zip is taken for {' and for '.join(found)}: import it with --from FORMAT=PATH"
        )
    for name, path in found.items():
        rows = [
            _row(folder, path, FORMATS[name].title, "clean labels"),
            _row(folder, folder, "Images", f"{len(images)} files"),
        ]
        return Contents(name, folder, len(images), annotations=path, rows=rows)
    return None


def _coco(folder: Path, images: list[Path], found: dict[Path, Any], others: list[Path]) -> Contents:
    read = [_Coco(path, content, *_words(path, folder)) for path, content in found.items()]
    base = _common_base(folder, images, read)
    groups: dict[str, dict[str, Path]] = defaultdict(dict)
    for one in read:
        if one.split in groups[one.group]:
            raise LvcnetError(
                f"{groups[one.group][one.split].relative_to(folder)} and {one.path.relative_to(folder)} both"
                f" look like the {one.split or 'only'} annotations: put `train` and `test` into their names"
            )
        groups[one.group][one.split] = one.path
    names = sorted(groups, key=lambda name: (name not in PLAIN_GROUPS, "train" not in groups[name], name))
    clean, warnings = dict(groups[names[0]]), _left_out(folder, others)
    train = clean.pop("train", None) or clean.pop("", None) or clean.pop(sorted(clean)[0])
    test = clean.pop("test", None) or clean.pop("valid", None)
    for path in clean.values():
        fix = "merge it into the training file to use it"
        warnings.append(Problem(str(path.relative_to(folder)), "is left out, it is a third split", fix))
    labels = {_label_name(name): list(groups[name].values()) for name in names[1:]}
    rows = [_row(folder, base, "Images", f"{len(images)} files")]
    rows.append(_row(folder, train, "COCO, clean labels", f"{_annotated(found[train])}, to train"))
    if test is not None:
        rows.append(_row(folder, test, "COCO, clean labels", f"{_annotated(found[test])}, to test"))
    for label, paths in labels.items():
        rows += [_row(folder, path, f"COCO, label set {label}", _annotated(found[path])) for path in paths]
    return Contents("coco", base, len(images), train, test, labels, rows=rows, warnings=warnings)


def _labelme(folder: Path, images: list[Path], found: dict[Path, Any], others: list[Path]) -> Contents:
    base = _deepest_common([*found, *images] if any(map(_climbs, found.values())) else list(found))
    for path in others:  # read_labelme takes every JSON file for one of Labelme's
        if path.suffix.lower() == ".json":
            path.unlink()
    rows = [
        _row(folder, base, "Labelme files", f"{len(found)}, clean labels"),
        _row(folder, base, "Images", f"{len(images)} files" if images else "embedded in the Labelme files"),
    ]
    return Contents("labelme", base, len(images), rows=rows, warnings=_left_out(folder, others))


def _masks(folder: Path, images: list[Path], others: list[Path]) -> Contents:
    found = _folders(path.relative_to(folder) for path in images)
    pairs = [
        (folder / beside, folder / masks)
        for masks in sorted(found, key=lambda path: (len(path.parts), path))
        if masks.name.lower() in MASK_FOLDERS
        for beside in sorted(found)
        if beside.parent == masks.parent and beside.name.lower() in IMAGE_FOLDERS
    ]
    if not pairs:
        raise _not_annotated([path.relative_to(folder) for path in images])
    if len(pairs) > 1:
        second = pairs[1][1].relative_to(folder)
        raise LvcnetError(
            f"{pairs[0][1].relative_to(folder)} and {second} both look like masks: put splits into folders"
            " images/train, images/test, masks/train, masks/test"
        )
    beside, masks = pairs[0]
    pictures, drawn = ([path for path in images if path.is_relative_to(part)] for part in (beside, masks))
    strangers = sorted({*images} - {*pictures, *drawn})
    rows = [
        _row(folder, beside, "Images", f"{len(pictures)} files"),
        _row(folder, masks, "Masks", f"{len(drawn)} files, clean labels"),
    ]
    warnings = _left_out(folder, others + strangers)
    return Contents("masks", beside, len(pictures), masks=masks, rows=rows, warnings=warnings)


def check_annotated(names: Sequence[str]) -> None:
    """Refuse files that, by their names alone, hold no annotations: neither JSON nor a folder of masks.

    Args:
        names: relative to the folder of all.

    Raises:
        LvcnetError: as `recognise` would.
    """
    paths = [PurePosixPath(name) for name in names]
    images = [path for path in paths if path.suffix.lower() in SUFFIXES]
    by_name = any(path.suffix.lower() == ".json" for path in paths) or _folders(paths, MASK_FOLDERS)
    by_plug_ins = any(spec.recognise is not None for spec in FORMATS.values())  # their names are not known
    if images and not (by_name or by_plug_ins):
        raise _not_annotated(images)


def _folders(
    paths: Iterable[PurePath], called: Sequence[str] = (*IMAGE_FOLDERS, *MASK_FOLDERS)
) -> set[PurePath]:
    """The folders above some relative paths that are called so, whatever the capitals."""
    return {
        parent
        for above in {path.parent for path in paths}
        for parent in (above, *above.parents)
        if parent.name.lower() in called
    }


def _not_annotated(images: Sequence[PurePath]) -> LvcnetError:
    held = ", ".join(sorted({path.parent.as_posix() for path in images}))[:200]
    return LvcnetError(
        f"{_counted(images, 'image')} but no annotations were found (folders: {held}): {EXPECTED}"
    )


def _common_base(folder: Path, images: list[Path], read: list[_Coco]) -> Path:
    """The folder that the names in all COCO files are relative to, after rewriting those that have one of their own."""
    homes = {one.path: _home(folder, images, one) for one in read}
    base = _deepest_common([home / "any" for home in homes.values()])
    for one in read:
        prefix = homes[one.path].relative_to(base).as_posix()
        if prefix != ".":
            for image in one.images():
                image["file_name"] = f"{prefix}/{image['file_name']}"
            write_json(one.path, one.content)
    return base


def _home(folder: Path, images: list[Path], one: _Coco) -> Path:
    """The folder below which most of a COCO file's images are found; where none is, the file's own."""
    names = {image["file_name"].replace("\\", "/") for image in one.images()}
    votes: Counter[Path] = Counter()
    for path in images:
        for parent in path.parents:
            if not parent.is_relative_to(folder):
                break
            if path.relative_to(parent).as_posix() in names:
                votes[parent] += 1
    if not votes:
        return next(
            (path for path in one.path.parent.iterdir() if path.name in IMAGE_FOLDERS), one.path.parent
        )
    beside = one.path.parent
    return max(votes, key=lambda path: (votes[path], path == beside, -len(path.parts), str(path)))


def _words(path: Path, folder: Path) -> tuple[str, str]:
    """Annotator and split that a COCO file's name tells, its folder's name where the file's does not tell a split.

    >>> _words(Path("z/dentist2_train.json"), Path("z")), _words(Path("z/test/_annotations.coco.json"), Path("z"))
    (('dentist2', 'train'), ('annotations coco', 'test'))
    """
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", path.stem) if part]
    above = path.relative_to(folder).parts[:-1]
    splits = [found for part in (*above, *parts) if (found := _split_word(part))]
    group = " ".join(part for part in parts if not _split_word(part))
    return group, splits[-1] if splits else ""


def _split_word(part: str) -> str | None:
    """The split a word tells: `train2017` is `train`."""
    return SPLIT_WORDS.get(part.lower().rstrip("0123456789"))


def _label_name(group: str) -> str:
    name = re.sub(r"\W+", "-", group, flags=re.ASCII).strip("-") or "second"
    return name if NAME_PATTERN.fullmatch(name) and name != "clean" else f"other-{name}"


def _left_out(folder: Path, others: list[Path]) -> list[Problem]:
    if not others:
        return []
    first = others[0].relative_to(folder)
    what = f"{_counted(others, 'file')} left out, first {first}"
    return [Problem("the zip", what, "neither an image nor an annotation", blocking=False)]


def _deepest_common(paths: list[Path]) -> Path:
    """The deepest folder that holds all of `paths`."""
    folders = [path.parent for path in paths]
    return next(
        parent
        for parent in [folders[0], *folders[0].parents]
        if all(folder.is_relative_to(parent) for folder in folders)
    )


def _read_all(folder: Path, paths: list[Path]) -> dict[Path, Any]:
    """The content of all JSON files.

    Raises:
        ImportProblems: names those that are none; whether they matter cannot be told.
    """
    contents, problems = {}, []
    for path in paths:
        try:
            contents[path] = read_json(path)
        except LvcnetError as error:
            what = str(error).removeprefix(f"{path} ")
            problems.append(Problem(path.relative_to(folder).as_posix(), what, "mend it or leave it out"))
    if problems:
        raise ImportProblems(problems)
    return contents


def _is_coco(content: Any) -> bool:
    """Whether it means to be a COCO file: a list that is missing is for the importer to report."""
    parts = ("images", "annotations", "categories")
    return isinstance(content, dict) and sum(isinstance(content.get(part), list) for part in parts) >= 2


def _is_labelme(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get("shapes"), list)


def _climbs(content: dict[str, Any]) -> bool:
    """Whether a Labelme file's image lies beside its folder: `../images/a.png`."""
    return ".." in re.split(r"[/\\]", str(content.get("imagePath")))


def _annotated(content: dict[str, Any]) -> str:
    images, outlines = (
        entries if isinstance(entries := content.get(part), list) else []
        for part in ("images", "annotations")
    )
    return f"{_counted(images, 'image')}, {_counted(outlines, 'outline')}"


def _counted(things: Any, thing: str) -> str:
    return f"{len(things)} {thing}{'' if len(things) == 1 else 's'}"


def _row(folder: Path, path: Path, what: str, becomes: str) -> Row:
    name = path.relative_to(folder).as_posix()
    return {"Part": "(top of the zip)" if name == "." else name, "What": what, "Content": becomes}
