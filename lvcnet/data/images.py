"""Radiograph files in, working grid and back.

Symbols: H, W original size in pixels; h, w the frame, what the image has of the working grid (see lvcnet.frames).

Eight-bit files keep their grey values. Files with more bits carry no agreed brightness, so they are windowed to their
0.5 to 99.5 percentiles, except DICOM files that bring a window of their own (see dicom.py). Of TIFF files, signed and
unsigned numbers and white as zero are told apart here, since Pillow does not.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

from lvcnet.data import dicom
from lvcnet.data.radiograph import (
    Radiograph,
    check_pixel_count,
    histogram,
    look_up,
    robust_window,
    several,
)
from lvcnet.errors import LvcnetError, foreign
from lvcnet.frames import Size
from lvcnet.masks.blocks import BLOCK, row_blocks

__all__ = [
    "Radiograph",
    "blocks_at_original",
    "is_dicom",
    "is_image_file",
    "mask_to_full_resolution",
    "mask_to_original",
    "mask_to_working_grid",
    "named_like",
    "read_image",
    "to_working_grid",
]

FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".dcm", ".dicom")
# check_pixel_count refuses what Pillow would only warn about
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
HEAD = 132
USE = "use PNG, JPEG, TIFF, BMP or DICOM"
TIFF_MAGIC = (b"II*\0", b"MM\0*")
SIGNED, WHITE_IS_ZERO = 2, 0
"""Values of the TIFF tags SampleFormat and PhotometricInterpretation."""
TURNED = "it is turned as its EXIF entry asks for: outlines must fit the picture as viewers show it"
MOST_PIXELS_A_BYTE = 1000
"""Of more than 8 bits each; a single value all over, deflated, takes a byte for 500 of 16 bits."""
NARROWEST = 64
"""Columns of a block."""
TIE = 1e-9
"""Half covered counts as covered, whatever the rounding of the overlaps."""


def read_image(source: Path | bytes | BinaryIO, name: str | None = None) -> Radiograph:
    """Read PNG, JPEG, TIFF, BMP or DICOM as grey values.

    Args:
        source: file, its content, or a binary stream.
        name: what to call it in messages; default the path.

    Raises:
        LvcnetError: if it is missing, damaged, too large, or none of these formats.
    """
    name = name or (str(source) if isinstance(source, Path) else "the uploaded file")
    try:
        with _opened(source) as stream:
            head = stream.read(HEAD)
            stream.seek(0)
            if is_dicom(head, name):
                return dicom.read_dicom(stream, name)
            with foreign(f"{name} cannot be read as an image", USE):
                return _read_picture(stream, name, head)
    except OSError as error:
        raise LvcnetError(f"{name} cannot be read: {error.strerror or error}") from None


def is_dicom(content: bytes, name: str) -> bool:
    """Whether a file is DICOM, by its first 132 bytes or the ending of its name."""
    return content[128:132] == b"DICM" or Path(name).suffix.lower() in (".dcm", ".dicom")


def is_image_file(path: Path) -> bool:
    """Whether a file is an image by the ending of its name, or, where that says nothing, a DICOM file by its content.

    Files from an archive are often called IM0001 or 1.2.840.113619.7.
    """
    if path.name.startswith(".") or path.name == "DICOMDIR" or not path.is_file():
        return False
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        with path.open("rb") as stream:
            return is_dicom(stream.read(132), "")
    except OSError:
        return False


def named_like(image: str, ending: str) -> str:
    """The name of a file that belongs to an image: with another ending, which a name without one gets.

    >>> named_like("a/b.PNG", ".json"), named_like("1.2.840.7", ".json"), named_like("IM0001", "")
    ('a/b.json', '1.2.840.7.json', 'IM0001')
    """
    path = PurePosixPath(image)
    return str(path.with_suffix(ending)) if path.suffix.lower() in SUFFIXES else f"{path}{ending}"


def to_working_grid(pixels: NDArray[np.floating], frame: Size) -> NDArray[np.uint8]:
    """Resample to a frame: area average along an axis that shrinks, linear along one that grows.

    Args:
        pixels: (H, W) in [0, 1].
        frame: h and w.

    Returns:
        (h, w) uint8.
    """
    grid: NDArray[Any] = np.ascontiguousarray(pixels, dtype=np.float32)
    for target in ((grid.shape[1], frame[0]), (frame[1], frame[0])):
        shrinks = target[0] < grid.shape[1] or target[1] < grid.shape[0]
        grid = cv2.resize(grid, target, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    working: NDArray[np.uint8] = np.clip(np.rint(grid * 255), 0, 255).astype(np.uint8)
    return working


def mask_to_working_grid(mask: NDArray[np.bool_], frame: Size) -> NDArray[np.bool_]:
    """A working pixel is foreground if the mask covers at least half of its area.

    Args:
        mask: (H, W) bool.
        frame: h and w.

    Returns:
        (h, w) bool.

    >>> mask_to_working_grid(np.array([[1, 1, 0, 0], [0, 0, 0, 1]], bool), (2, 2))
    array([[ True, False],
           [False,  True]])
    """
    rows, columns = _overlaps(mask.shape[0], frame[0]), _overlaps(mask.shape[1], frame[1])
    strips = np.zeros((frame[0], mask.shape[1]))
    for block in row_blocks(*mask.shape):  # as numbers the whole mask would take eight times its memory
        strips += rows[:, block] @ mask[block].astype(np.float64)
    covered: NDArray[np.bool_] = strips @ columns.T >= 0.5 - TIE
    return covered


def mask_to_original(probability: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Bilinear resampling that keeps the pixel edges in place.

    Args:
        probability: (h, w).
        height: H.
        width: W.

    Returns:
        (H, W) float32.
    """
    grid = np.ascontiguousarray(probability, dtype=np.float32)
    resampled: NDArray[np.float32] = cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR)
    return resampled


def blocks_at_original(
    probability: NDArray[np.float32], height: int, width: int
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """`mask_to_original` in blocks of columns (slice, (H, w) float32), equal to the bit: the whole may take 400 MB.

    OpenCV resamples along the rows first, then every column by itself.
    """
    grid = np.ascontiguousarray(probability, dtype=np.float32)
    blocks = list(_column_blocks(height, width))
    if len(blocks) == 1:
        yield blocks[0], mask_to_original(grid, height, width)
        return
    wide = mask_to_original(grid, len(grid), width)
    for columns in blocks:
        yield columns, mask_to_original(wide[:, columns], height, columns.stop - columns.start)


def _column_blocks(height: int, width: int) -> Iterator[slice]:
    """Columns in slices of about a million pixels; none is narrow, since OpenCV rounds a few columns otherwise.

    >>> list(_column_blocks(10_000, 200))
    [slice(0, 64, None), slice(64, 128, None), slice(128, 200, None)]
    """
    step = max(NARROWEST, BLOCK // height // NARROWEST * NARROWEST)
    starts = list(range(0, width - NARROWEST + 1, step)) or [0]
    return (slice(start, stop) for start, stop in zip(starts, [*starts[1:], width], strict=True))


def mask_to_full_resolution(
    mask: NDArray[np.bool_], height: int, width: int, patience: int = 8
) -> NDArray[np.bool_]:
    """A full-resolution mask that `mask_to_working_grid` takes back to `mask`.

    Each original pixel takes the value of the working pixel under its centre. That is exact where h divides H and w divides W.
    Elsewhere pixels that straddle two working pixels can tip one of them; the error is projected back until none is
    left. An original smaller than the working grid cannot hold the detail, so there some of it is lost.

    Args:
        mask: (h, w) bool.
        height: H.
        width: W.
        patience: give up after so many corrections that did not help.

    Returns:
        (H, W) bool.
    """
    nearest = [
        ((np.arange(length) + 0.5) * size / length).astype(int)
        for length, size in zip((height, width), mask.shape, strict=True)
    ]
    best: NDArray[np.bool_] = mask[np.ix_(*nearest)]
    rows, columns = _overlaps(height, mask.shape[0]), _overlaps(width, mask.shape[1])
    belief, fewest, stalled = best - 0.5, mask.size + 1, 0
    while fewest and stalled < patience:
        candidate = belief > 0
        error = mask.astype(float) - (rows @ candidate.astype(float) @ columns.T >= 0.5 - TIE)
        wrong = int(np.abs(error).sum())
        stalled += 1
        if wrong < fewest:
            best, fewest, stalled = candidate, wrong, 0
        # the weight of a pixel in the working pixel decides how much it has to give
        belief = belief + 0.25 * (rows.T / rows.max()) @ error @ (columns / columns.max())
    return best


def _overlaps(length: int, size: int) -> NDArray[np.float64]:
    """(size, length): the share of each working pixel that each original pixel covers, along one axis."""
    edges, grid = np.arange(length + 1) * (size / length), np.arange(size + 1)
    shares: NDArray[np.float64] = np.minimum(grid[1:, None], edges[None, 1:])
    shares -= np.maximum(grid[:-1, None], edges[None, :-1])
    return np.maximum(shares, 0.0, out=shares)


def _opened(source: Path | bytes | BinaryIO) -> AbstractContextManager[BinaryIO]:
    """The source as a stream; a stream that was given stays open."""
    if isinstance(source, Path):
        return source.open("rb")
    return io.BytesIO(source) if isinstance(source, bytes) else nullcontext(source)


def _read_picture(stream: BinaryIO, name: str, head: bytes) -> Radiograph:
    try:
        with Image.open(stream, formats=FORMATS) as picture:
            check_pixel_count(picture.height, picture.width, name)
            if _is_wide(picture):
                _check_backed(picture.height, picture.width, stream, name)
            notes = _notes(picture)
            return Radiograph(_grey(picture), notes=notes)
    except UnidentifiedImageError:
        if head[:4] in TIFF_MAGIC:
            stream.seek(0)
            return Radiograph(_rare_tiff(stream, name))
        raise LvcnetError(f"{name} cannot be read as an image (unknown format): {USE}") from None


def _check_backed(height: int, width: int, stream: BinaryIO, name: str) -> None:
    """Refuse numbers of more than 8 bits that the file cannot hold, such as strips that all lie at the same place.

    To sort out their percentiles takes seconds for each 100 MB, however small the file is.

    Raises:
        LvcnetError: if there are far more than any compression of a radiograph allows.
    """
    place = stream.tell()
    length = stream.seek(0, io.SEEK_END)
    stream.seek(place)
    if height * width > MOST_PIXELS_A_BYTE * length:
        raise LvcnetError(
            f"{name} claims {width} x {height} pixels and has {length:,} bytes: it is damaged or empty"
        )


def _is_wide(picture: Image.Image) -> bool:
    """Whether it has more than 8 bits."""
    return picture.mode.startswith("I") or picture.mode == "F"


def _grey(picture: Image.Image) -> NDArray[np.float32]:
    """(H, W) float32 in [0, 1]; colour by luma, more than 8 bits by the robust window."""
    signed = _tag(picture, TiffImagePlugin.SAMPLEFORMAT) == SIGNED
    white_is_zero = _tag(picture, TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == WHITE_IS_ZERO
    wide = _is_wide(picture)
    unsigned = picture.mode == "I" and picture.format == "TIFF" and not signed
    ImageOps.exif_transpose(picture, in_place=True)
    if not wide and not (picture.mode == "L" and signed):
        if picture.mode in ("P", "PA"):
            return _look_up_eight_bits(_values(picture.convert("RGB").convert("L")))
        return _look_up_eight_bits(_values(picture if picture.mode == "L" else picture.convert("L")))
    values = _values(picture)
    picture.close()  # its own copy of the pixels goes before there is another one
    if not wide:
        values = values.view(np.int8)
    elif unsigned:
        values = values.view(np.uint32)
    if values.dtype.itemsize > 2:
        grey = robust_window(values)
    else:
        least, counts = histogram(values)
        grey = look_up(values, least, robust_window(np.arange(len(counts), dtype=np.float64), counts))
    return np.subtract(1, grey, out=grey) if white_is_zero else grey


def _look_up_eight_bits(values: NDArray[np.uint8]) -> NDArray[np.float32]:
    return look_up(values, 0, np.arange(256, dtype=np.float32) / np.float32(255))


def _values(picture: Image.Image) -> NDArray[Any]:
    """(H, W) values of a picture with one channel, taken strip by strip: Pillow would hold three copies at once."""
    picture.load()
    strips = row_blocks(picture.height, picture.width)
    width, height = picture.size
    parts = (
        (rows, np.asarray(picture.crop((0, rows.start, width, min(rows.stop, height))))) for rows in strips
    )
    rows, first = next(parts)
    values = np.empty((height, width), dtype=first.dtype)
    values[rows] = first
    for rows, part in parts:
        values[rows] = part
    return values


def _tag(picture: Image.Image, number: int) -> Any:
    """A tag of a TIFF file, its first value; None where there is none."""
    value = getattr(picture, "tag_v2", {}).get(number)
    return value[0] if isinstance(value, tuple) else value


def _notes(picture: Image.Image) -> tuple[str, ...]:
    """What a user should know; pages are not counted, since that means to walk through all of them."""
    turned = picture.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9)
    more = getattr(picture, "is_animated", False)
    return ((TURNED,) if turned else ()) + ((several("several pages"),) if more else ())


def _rare_tiff(stream: BinaryIO, name: str) -> NDArray[np.float32]:
    """(H, W) float32 in [0, 1] of a TIFF file that Pillow does not know: of 64-bit floats.

    Raises:
        LvcnetError: if OpenCV does not know it either.
    """
    tags = TiffImagePlugin.ImageFileDirectory_v2(stream.read(8))
    stream.seek(tags.next)
    tags.load(stream)
    height, width = tags[TiffImagePlugin.IMAGELENGTH], tags[TiffImagePlugin.IMAGEWIDTH]
    check_pixel_count(height, width, name)
    _check_backed(height, width, stream, name)
    stream.seek(0)
    before = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        values = cv2.imdecode(np.frombuffer(stream.read(), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        values = None
    finally:
        cv2.utils.logging.setLogLevel(before)
    if values is None or values.ndim != 2:
        raise LvcnetError(
            f"{name} cannot be read as an image (a damaged TIFF file, or one of a rare kind): save grey values of 8 or"
            " 16 bits, or floats of 32, or use PNG, JPEG, BMP or DICOM"
        )
    check_pixel_count(values.shape[0], values.shape[1], name)
    return robust_window(values)
