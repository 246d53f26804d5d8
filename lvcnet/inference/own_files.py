"""What `predict` wrote itself, told from radiographs: its results are never its input, and never overwrite somebody's work.

Pictures carry a text chunk and Labelme files a key that says where they come from, DICOM SEG objects their SOP class.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lvcnet.data.dicom_header import other_kind
from lvcnet.data.images import is_image_file
from lvcnet.errors import LvcnetError

MARK = "LVC-Net Lab prediction"
PNG_HEAD = 8 + 25
"""Bytes of a PNG file before the first chunk that may be text: signature and IHDR."""
MARK_TEXT = b"Software\0" + MARK.encode()
MARK_CHUNK = b"tEXt" + MARK_TEXT
LABELME_KEY = "software"


@dataclass(frozen=True)
class Found:
    """What was found in folders.

    Attributes:
        images: radiographs, in the order given, in folders by name.
        left_out: files that are images, but no radiographs, and why.
    """

    images: list[Path]
    left_out: list[tuple[Path, str]]


def find_images(given: Sequence[Path]) -> Found:
    """The files given, and for a folder all radiographs in it and below, in the order of their names.

    In folders only files count that are images by their ending or DICOM by their content. Results of earlier predictions
    and DICOM objects that show no radiograph are left out everywhere.

    Raises:
        LvcnetError: if something does not exist or no radiograph is left.
    """
    missing = [str(path) for path in given if not path.exists()]
    if missing:
        raise LvcnetError(f"no such file: {', '.join(missing)}; nothing was predicted")
    images: dict[Path, None] = {}
    left_out: dict[Path, str] = {}
    for path in given:
        inside = sorted(filter(is_image_file, path.rglob("*"))) if path.is_dir() else [path]
        if not inside:
            raise LvcnetError(f"{path} holds no PNG, JPEG, TIFF, BMP or DICOM file; nothing was predicted")
        for file in inside:
            reason = why_no_radiograph(file)
            if reason:
                left_out[file] = reason
            else:
                images[file] = None
    if not images:
        first, reason = next(iter(left_out.items()))
        more = f" and {len(left_out) - 1} more" if len(left_out) > 1 else ""
        raise LvcnetError(f"no radiograph was found: {first} is {reason}{more}; nothing was predicted")
    return Found(list(images), list(left_out.items()))


def why_no_radiograph(path: Path) -> str:
    """What an image file is instead of a radiograph; empty if nothing speaks against it."""
    try:
        with path.open("rb") as stream:
            head = stream.read(PNG_HEAD + 4 + len(MARK_CHUNK))
            if head[PNG_HEAD + 4 :] == MARK_CHUNK:
                return "a result of `lvcnet predict`"
            return other_kind(stream)
    except OSError:  # reading it will say so
        return ""


def check_overwrites(planned: Iterable[Path], shared: Iterable[Path], images: Iterable[Path]) -> None:
    """Refuse to write over a radiograph, over a Labelme file that is not one of ours, or two results into one file.

    Args:
        planned: files that would be written for single images.
        shared: files that would be written for all images together.
        images: radiographs that are to be segmented.

    Raises:
        LvcnetError: names the file.
    """
    inputs, taken = {path.resolve() for path in images}, set(shared)
    for path in planned:
        if path in taken:
            raise LvcnetError(f"two results would be called {path}: rename one of the radiographs")
        taken.add(path)
        if path.suffix == ".json" and path.exists() and not _is_own_labelme(path):
            raise LvcnetError(
                f"{path} exists and was not written by `lvcnet predict`: choose another --output folder, or move it"
            )
    overwritten = sorted(path for path in taken if path.resolve() in inputs)
    if overwritten:
        raise LvcnetError(
            f"{overwritten[0]} is a radiograph to segment, and a result would be written over it: choose another --output"
            " folder"
        )


def _is_own_labelme(path: Path) -> bool:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get(LABELME_KEY) == MARK
