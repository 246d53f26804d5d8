"""Formats of label files: what writes and reads them; other packages add theirs as `lvcnet.formats`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lvcnet.data.dataset import Dataset
from lvcnet.data.formats.coco import write_coco
from lvcnet.data.formats.labelme import write_labelme
from lvcnet.data.formats.mask_folders import write_masks
from lvcnet.data.importing.annotated import Annotations
from lvcnet.plugins import Registry

Writer = Callable[[Dataset, str, Path, str | None], None]
"""Data set, name of the label set, file or folder to write, split (None: all)."""
Reader = Callable[[Path], Annotations]
"""File or folder of annotations -> images with their files and shapes, and all problems."""
Recogniser = Callable[[Path], Path | None]
"""Folder of an unpacked zip -> the file or folder in it that `read` takes; None where it holds no such annotations."""


@dataclass(frozen=True)
class FormatSpec:
    """A format to choose by name.

    Attributes:
        name: what the command line calls it.
        title: what pages call it.
        summary: one line for people.
        write: writes a label set at the size of the original images; None if it is only read.
        suffix: of the one file that it writes; empty where it writes a folder, which is downloaded as a zip.
        read: reads annotations that name their images; None for formats of the house, whose images lie elsewhere and
            which have options of their own.
        recognise: finds such annotations in a zip, with `read`; it is asked before the formats of the house, so it must be
            sure. None where zips are not recognised, and for the house (`lvcnet/data/importing/contents.py`).
    """

    name: str
    title: str
    summary: str
    write: Writer | None = None
    suffix: str = ""
    read: Reader | None = None
    recognise: Recogniser | None = None

    @property
    def ending(self) -> str:
        """Of a download."""
        return self.suffix or ".zip"

    @property
    def mime(self) -> str:
        """Media type of a download."""
        types = {".json": "application/json", ".zip": "application/zip"}
        return types.get(self.ending, "application/octet-stream")


FORMATS: Registry[FormatSpec] = Registry(
    "format",
    "lvcnet.formats",
    FormatSpec,
    (
        FormatSpec(
            "coco",
            "COCO",
            "One file: polygons, or run lengths where a region has holes.",
            write_coco,
            ".json",
        ),
        FormatSpec(
            "labelme",
            "Labelme",
            "One JSON file an image, to lie beside the images; untouched shapes and keys that are not ours are kept.",
            write_labelme,
        ),
        FormatSpec(
            "masks",
            "Masks",
            "A folder a category of black and white PNG files named like the images.",
            write_masks,
        ),
    ),
)
"""Every format by its name."""


def written() -> list[str]:
    """Names of the formats that can be written."""
    return [spec.name for spec in FORMATS.values() if spec.write is not None]


def read_by_plug_ins() -> list[str]:
    """Names of the formats that can be read by path alone."""
    return [spec.name for spec in FORMATS.values() if spec.read is not None]
