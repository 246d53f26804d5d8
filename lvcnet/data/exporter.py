"""A label set out of a data set, in any of the formats that come in.

Symbols: H, W original size.
"""

import io
import tempfile
import zipfile
from pathlib import Path

import cv2

from lvcnet.data.dataset import Dataset
from lvcnet.data.formats.specs import FORMATS, FormatSpec, written
from lvcnet.data.outlines.layers import covered_rows, files_beside
from lvcnet.errors import LvcnetError
from lvcnet.files import write_atomic
from lvcnet.scratch import scratch_folder


def export_labels(
    dataset: Dataset,
    labels_name: str,
    output: Path,
    format: str = "coco",
    split: str | None = None,
    images: Path | None = None,
    overwrite: bool = False,
) -> int:
    """Write a label set at the size of the original images: outlines that have not changed since the import as they came.

    Args:
        dataset: where the label set is.
        labels_name: which.
        output: file (coco), or folder or .zip file (labelme, masks), as the format's `suffix` says.
        format: a key of `FORMATS`.
        split: only this split; default all.
        images: also write the images there, as `write_images` does.
        overwrite: write over what is there.

    Returns:
        Number of images written about.

    Raises:
        LvcnetError: for an unknown format, an output that exists, two images that would share a file, or a label set
            that covers no image of the split.
    """
    spec = _writable(format)
    one_file = bool(spec.suffix)
    rows = covered_rows(dataset, labels_name, split)
    if not rows:
        raise LvcnetError(
            f"label set {labels_name!r} covers no image{f' of {split}' if split else ''}: nothing to export"
        )
    zipped = not one_file and output.suffix == ".zip"
    for path, is_file in ((output, zipped or one_file), (images, False)):
        if path is not None:
            _check_output(path, is_file, overwrite)
    if zipped:
        write_atomic(output, exported_file(dataset, labels_name, format, split)[1])
    else:
        assert spec.write is not None
        spec.write(dataset, labels_name, output, split)
    if images is not None:
        write_images(dataset, rows, images)
    return len(rows)


def exported_file(
    dataset: Dataset, labels_name: str, format: str = "coco", split: str | None = None
) -> tuple[str, bytes]:
    """A label set as one file, for a download.

    Returns:
        Its name, ending in the format's suffix or .zip (the folder of labelme or masks), and its content.

    Raises:
        LvcnetError: as `export_labels`.
    """
    name = exported_name(dataset, labels_name, format)
    with tempfile.TemporaryDirectory(prefix="export-", dir=scratch_folder()) as temporary:
        output = Path(temporary) / "labels"
        export_labels(dataset, labels_name, output, format, split)
        if output.is_file():
            return name, output.read_bytes()
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(path for path in output.rglob("*") if path.is_file()):
                archive.write(path, path.relative_to(output).as_posix())
        return name, buffer.getvalue()


def exported_name(dataset: Dataset, labels_name: str, format: str) -> str:
    """What the one file of `exported_file` is called."""
    stem = f"{dataset.name}-{labels_name}"
    return f"{stem}.json" if format == "coco" else f"{stem}-{format}{_writable(format).ending}"


def _writable(format: str) -> FormatSpec:
    """The format of that name.

    Raises:
        LvcnetError: if it does not exist or is only read.
    """
    spec = FORMATS.find(format)
    if spec.write is None:
        raise LvcnetError(f"format {format!r} can only be read: choose one of {', '.join(written())}")
    return spec


def write_images(dataset: Dataset, rows: list[int], folder: Path) -> None:
    """Write images as 8-bit grey PNG of the original size, for data that has no image files (the phantom).

    A data set keeps its images on the working grid only: larger originals come back blurred.
    """
    for row, name in zip(rows, files_beside(dataset, rows, ".png"), strict=True):
        item = dataset.items[row]
        pixels = cv2.resize(dataset.image(row), (item.width, item.height), interpolation=cv2.INTER_LINEAR)
        write_atomic(folder / name, cv2.imencode(".png", pixels)[1].tobytes())


def _check_output(path: Path, is_file: bool, overwrite: bool) -> None:
    if is_file and path.is_dir():
        raise LvcnetError(f"{path} is a folder: name the file to write")
    if not is_file and path.exists() and not path.is_dir():
        raise LvcnetError(f"{path} is a file: name the folder to write to")
    if not overwrite and path.exists() and (is_file or any(path.iterdir())):
        raise LvcnetError(f"{path} exists: choose another output or add --overwrite")
