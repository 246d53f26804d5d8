"""What every annotation reader hands to the importer: images with their shapes, and all problems found on the way.

Symbols: H, W size of the original image in pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lvcnet.data.radiograph import MOST_PIXELS, MOST_SIDE
from lvcnet.errors import LvcnetError
from lvcnet.files import rows_to_csv

LONGEST_NAME = 255
"""Bytes of a file's name, on all usual file systems."""
MOST_LISTED = 10
SELF_CROSSING = "self-crossing"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the user's files.

    Attributes:
        where: file and entry.
        what: what was found.
        fix: what to do about it.
        blocking: False for a warning: the import goes on.
        kind: set where the importer treats a problem specially (`self-crossing`).
        image: file name of the image that it is about, where it is about one.
    """

    where: str
    what: str
    fix: str = ""
    blocking: bool = True
    kind: str = ""
    image: str = ""

    def __str__(self) -> str:
        """One line.

        >>> str(Problem("a.json, annotation 3", "the polygon is empty", "delete it"))
        'a.json, annotation 3: the polygon is empty (delete it)'
        """
        place, fix = self.where and f"{self.where}: ", self.fix and f" ({self.fix})"
        return f"{place}{self.what}{fix}"

    def row(self) -> dict[str, str]:
        """What a report says about it; `warning` did not stop the import."""
        severity = "error" if self.blocking else "warning"
        place = {"image": self.image, "where": self.where}
        return {"severity": severity, **place, "what": self.what, "fix": self.fix}


class ImportProblems(LvcnetError):
    """Everything that keeps the data from being imported, in one go; nothing was imported.

    Attributes:
        problems: all problems, blocking ones first, then warnings.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: not problem.blocking)
        errors = sum(problem.blocking for problem in self.problems)
        lines = [f"{'error' if problem.blocking else 'warning'}: {problem}" for problem in self.problems]
        head = f"nothing was imported: {errors} problem{'s' if errors != 1 else ''} found"
        super().__init__("\n  ".join([head, *lines]))


def import_warnings(source: Mapping[str, Any]) -> list[Problem]:
    """What the import of a data set warned about, from its `source`."""
    return [
        Problem("", kept, blocking=False)  # as they were kept at first
        if isinstance(kept, str)
        else Problem(kept["where"], kept["what"], kept["fix"], blocking=False, image=kept["image"])
        for kept in source.get("warnings", [])
    ]


def problems_csv(problems: Sequence[Problem]) -> str:
    """A report of an import: one line a problem."""
    return rows_to_csv([problem.row() for problem in problems], list(Problem("", "").row()))


class Shape(Protocol):
    """One annotation that can be drawn."""

    def paint(self, mask: NDArray[np.bool_]) -> None:
        """Set what is inside in a (H, W) mask, at the cost of the shape and not of the image where that is possible.

        Raises:
            LvcnetError: if it cannot be drawn at this size.
        """


@dataclass
class AnnotatedImage:
    """One image as an annotation file describes it; nothing is drawn yet.

    Attributes:
        file_name: relative posix path: what identifies the image across annotation files.
        where: for messages.
        image: the image's file or bytes; None if the annotation file names no usable one.
        height: H as declared, where the format declares it.
        width: W as declared.
        shapes: by category; several shapes of a category are united.
        entry: what the file says about the image itself, as lvcnet.data.outlines.drawn keeps it.
        kept: category and entry of each shape in the order of the file; None where pixels are all there is.
    """

    file_name: str
    where: str
    image: Path | bytes | None
    height: int | None = None
    width: int | None = None
    shapes: dict[str, list[Shape]] = field(default_factory=dict)
    entry: bytes = b"{}"
    kept: list[tuple[str | None, bytes]] | None = None


@dataclass
class Annotations:
    """Content of one annotation file or folder.

    Attributes:
        origin: file or folder.
        categories: names in the order of the file.
        images: in the order of the file.
        problems: everything found while reading.
        file: what the file says about no single image.
    """

    origin: str
    categories: list[str] = field(default_factory=list)
    images: list[AnnotatedImage] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    file: dict[str, Any] = field(default_factory=dict)


def relative_name(file_name: object) -> str:
    """A file name from an annotation file as a relative posix path that stays inside its folder.

    Raises:
        LvcnetError: if it is absolute, climbs out with '..', or is no name that a file can have.

    >>> relative_name("a\\\\b.png"), relative_name("./c.png")
    ('a/b.png', 'c.png')
    """
    if not isinstance(file_name, str) or not file_name.strip() or "\0" in file_name:
        raise LvcnetError(f"file_name {file_name!r} is not the name of a file")
    path = PurePosixPath(file_name.replace("\\", "/"))
    has_drive = len(path.parts[0]) >= 2 and path.parts[0][1] == ":" if path.parts else False
    if path.is_absolute() or ".." in path.parts or has_drive or not path.parts:
        raise LvcnetError(f"file_name {file_name!r} leads out of the image folder")
    if not is_text(file_name) or any(len(part.encode()) > LONGEST_NAME for part in path.parts):
        raise LvcnetError(f"file_name {file_name[:60]!r} is too long or holds broken characters")
    return path.as_posix()


def is_text(text: str) -> bool:
    """Whether a string can be written; JSON may hold halves of characters.

    >>> is_text("Hüfte"), is_text(chr(0xD800))
    (True, False)
    """
    return not any("\ud800" <= character <= "\udfff" for character in text)


def listed(names: Sequence[str]) -> str:
    """Names for a message, the first of many.

    >>> listed(["a", "b"]), listed([]), listed([str(number) for number in range(12)])
    ('a, b', 'none', '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more')
    """
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return (", ".join(names[:MOST_LISTED]) or "none") + more


def declared_size(height: object, width: object) -> tuple[int, int]:
    """H and W as an annotation file declares them.

    Raises:
        LvcnetError: unless both are whole numbers that an image can have.

    >>> declared_size(256.0, 40)
    (256, 40)
    """
    height, width = (
        int(side) if isinstance(side, float) and side.is_integer() else side for side in (height, width)
    )
    if (
        type(height) is not int
        or type(width) is not int
        or not (0 < height <= MOST_SIDE and 0 < width <= MOST_SIDE and height * width <= MOST_PIXELS)
    ):
        raise LvcnetError(f"size {width!s:.20} x {height!s:.20} (width x height) is not valid")
    return height, width


def find_image(folder: Path, file_name: str) -> Path:
    """The image file of that name below `folder`.

    Raises:
        LvcnetError: if there is no such file.
    """
    path = folder / file_name
    if not path.is_file():
        raise LvcnetError(f"image {path} does not exist")
    return path
