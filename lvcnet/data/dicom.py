"""DICOM radiographs to grey values in [0, 1].

Symbols: H, W size in pixels. The order is that of the standard (PS3.3 C.11): modality LUT or rescale, then VOI LUT or
window, then the inversion that MONOCHROME1 asks for; colours by luma, those of a palette looked up before. Several
frames: the first is read, with what an enhanced object says about it.

All of that maps a stored value to a grey value, whatever pixel it is in. So it is done once for every value that occurs,
and then looked up: an image of 100 million pixels needs little more memory than its stored and its grey values.
"""

from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.pixels import apply_color_lut, apply_modality_lut, pixel_array
from pydicom.pixels.processing import apply_voi

from lvcnet.data.dicom_header import check_kind, finite_numbers, read_header
from lvcnet.data.radiograph import (
    Radiograph,
    check_pixel_count,
    histogram,
    look_up,
    robust_window,
    several,
)
from lvcnet.errors import LvcnetError, foreign
from lvcnet.masks.blocks import row_blocks

Values = NDArray[Any]
Voi = Callable[[Values], Values]
FRAME_GROUPS = ("PixelMeasuresSequence", "PixelValueTransformationSequence", "FrameVOILUTSequence")
"""Where enhanced objects keep spacing, rescale and window of a frame."""
LUMA = np.array([0.299, 0.587, 0.114])
NARROWEST_MM, WIDEST_MM = 1e-4, 1e3
"""Pixels of a radiograph are neither smaller nor larger."""
LARGEST_VALUE = 1e30
"""No unit of a detector needs more, and all arithmetic after it stays within the numbers."""
STRETCHED = "the 0.5 to 99.5 percentiles of its values were taken instead"


def read_dicom(stream: BinaryIO, name: str) -> Radiograph:
    """Read a DICOM file.

    Args:
        stream: the file, from its beginning.
        name: what to call it in messages.

    Raises:
        LvcnetError: if it is damaged, holds no radiograph, is compressed in a way that this installation cannot read, or
            states something that is no number where one is needed.
    """
    with foreign(f"{name} cannot be read as DICOM", "save it again, or as PNG"):
        header = read_header(stream, name)
        check_kind(header, name)
        if "Rows" not in header or "Columns" not in header or "PixelData" not in header:
            raise LvcnetError(f"{name} holds no DICOM image: choose the file of a radiograph")
        check_pixel_count(int(header.Rows), int(header.Columns), name)
        _flatten(header)
        for keyword in ("RescaleSlope", "RescaleIntercept"):
            finite_numbers(header, keyword, name)
        notes: list[str] = []
        frames = int(header.get("NumberOfFrames") or 1)
        if frames > 1:
            notes.append(several(f"{frames} frames"))
        spacing = _spacing(header, name, notes)
        voi = _voi(header, name, notes)
    with foreign(
        f"{name} cannot be decoded",
        "save it uncompressed and try again, or, for JPEG, install the packages pylibjpeg and pylibjpeg-libjpeg",
    ):
        stored = pixel_array(header, index=0)
        del header.PixelData  # the encoded pixels go before there are grey values
        check_pixel_count(stored.shape[0], stored.shape[1], name)
    with foreign(f"{name} cannot be read as DICOM", "save it again, or as PNG"):
        pixels = _grey(header, stored, voi, name, notes)
    return Radiograph(pixels, spacing, tuple(notes))


def window(values: NDArray[np.floating], center: float, width: float, function: str) -> NDArray[np.float64]:
    """The VOI window of PS3.3 C.11.2.1, scaled to [0, 1].

    Args:
        values: any shape, after the modality LUT.
        center: window centre.
        width: window width.
        function: LINEAR, LINEAR_EXACT or SIGMOID.

    Raises:
        LvcnetError: for a width or function that the standard does not know.

    >>> window(np.array([0.0, 49.5, 99.0]), 50, 100, "LINEAR").tolist()
    [0.0, 0.5, 1.0]
    """
    if width < 1 if function == "LINEAR" else width <= 0:
        raise LvcnetError(f"DICOM window of width {width:g}: the standard asks for at least 1")
    if function == "SIGMOID":
        sigmoid: NDArray[np.float64] = 1 / (1 + np.exp(np.clip(-4 * (values - center) / width, -500, 500)))
        return sigmoid
    if function not in ("LINEAR", "LINEAR_EXACT"):
        raise LvcnetError(f"DICOM window function {function!r}: known are LINEAR, LINEAR_EXACT and SIGMOID")
    if function == "LINEAR":
        # a window of width 1 is a threshold: the tiny divisor keeps the formula
        center, width = center - 0.5, max(width - 1, 1e-9)
    linear: NDArray[np.float64] = np.clip((values - center) / width + 0.5, 0, 1)
    return linear


def _grey(
    header: pydicom.Dataset, stored: Values, voi: Voi | None, name: str, notes: list[str]
) -> NDArray[np.float32]:
    """(H, W) float32 in [0, 1] of stored values (H, W) or, in colour, (H, W, channels)."""
    if header.get("PhotometricInterpretation") == "PALETTE COLOR" or stored.ndim == 3:
        return _luma(header, stored)
    inverted = header.get("PhotometricInterpretation") == "MONOCHROME1"
    if stored.dtype.itemsize > 2:
        grey = _wide(header, stored, voi, name)
        if inverted:
            np.subtract(1, grey, out=grey)
        grey[_padding(header, stored)] = 0
        return grey
    least, counts = histogram(stored)
    levels = (np.arange(len(counts)) + least).astype(stored.dtype)
    valid = ~_padding(header, levels)
    table = _presented(header, levels, counts * valid, voi, name, notes)
    return look_up(stored, least, np.where(valid, 1 - table if inverted else table, 0))


def _luma(header: pydicom.Dataset, stored: Values) -> NDArray[np.float32]:
    """(H, W) float32 of colours, those of a palette looked up."""
    palette = header.get("PhotometricInterpretation") == "PALETTE COLOR"
    bits = int(header.RedPaletteColorLookupTableDescriptor[2]) if palette else int(header.BitsStored)
    height, width = stored.shape[:2]
    grey = np.empty((height, width), dtype=np.float32)
    for rows in row_blocks(height, width):
        colours = apply_color_lut(stored[rows], header) if palette else stored[rows]
        grey[rows] = np.clip(colours[..., :3] @ LUMA / (2**bits - 1), 0, 1)
    return grey


def _flatten(header: pydicom.Dataset) -> None:
    """Put what an enhanced object says about its first frame where other objects say it of the whole image."""
    for place in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for name in FRAME_GROUPS if header.get(place) else ():
            for element in (header[place][0].get(name) or [()])[0]:
                if element.keyword and element.keyword not in header:
                    header.add(element)


def _padding(header: pydicom.Dataset, stored: Values) -> NDArray[np.bool_]:
    """Where nothing was measured, by one stored value or a range of them."""
    first, last = header.get("PixelPaddingValue"), header.get("PixelPaddingRangeLimit")
    if not isinstance(first, int):
        return np.zeros(stored.shape, dtype=np.bool_)
    low, high = sorted((first, last if isinstance(last, int) else first))
    return (stored >= low) & (stored <= high)


def _voi(header: pydicom.Dataset, name: str, notes: list[str]) -> Voi | None:
    """What maps values after the modality LUT to [0, 1]: table, window, or None for their percentiles."""
    centers, widths = (finite_numbers(header, keyword, name) for keyword in ("WindowCenter", "WindowWidth"))
    if header.get("VOILUTSequence"):
        bits = int(header.VOILUTSequence[0].LUTDescriptor[2])
        return lambda values: apply_voi(values.astype(np.int64), header) / (2.0**bits - 1)
    if not centers or not widths:
        return None
    center, width = centers[0], widths[0]
    function = str(header.get("VOILUTFunction") or "LINEAR").upper()
    if width <= 0:
        notes.append(f"its window has the width {width:g}, which shows nothing: {STRETCHED}")
        return None
    if width < 1 and function == "LINEAR":
        notes.append(f"its window has the width {width:g}, less than 1: LINEAR_EXACT was taken for LINEAR")
        function = "LINEAR_EXACT"
    return lambda values: window(values.astype(np.float64), center, width, function)


def _presented(
    header: pydicom.Dataset, levels: Values, counts: Values, voi: Voi | None, name: str, notes: list[str]
) -> Values:
    """Each level, a stored value that occurs so often as it counts, through modality LUT and VOI, to [0, 1]."""
    values = _rescaled(header, levels, name)
    if voi is not None:
        with np.errstate(all="ignore"):
            grey = np.nan_to_num(voi(values))
        shown = grey[counts > 0]
        if shown.size < 2 or np.ptp(shown) > 0:
            return grey
        notes.append(f"its window leaves a single grey value: {STRETCHED}")
    elif _is_plain(header) and values is levels:
        return levels / (2.0 ** int(header.BitsStored) - 1)
    return robust_window(values.astype(np.float64), counts)


def _wide(header: pydicom.Dataset, stored: Values, voi: Voi | None, name: str) -> NDArray[np.float32]:
    """As `_presented`, for the pixels of an image whose values are too many for a table."""
    grey = np.empty(stored.shape, dtype=np.float32)
    for rows in row_blocks(stored.shape[0], stored.shape[1]):
        values = _rescaled(header, stored[rows], name)
        grey[rows] = values if voi is None else np.nan_to_num(voi(values))
    return robust_window(grey, ~_padding(header, stored)) if voi is None else grey


def _rescaled(header: pydicom.Dataset, stored: Values, name: str) -> Values:
    """Stored values through the modality LUT or rescale.

    Raises:
        LvcnetError: if that leads out of the numbers.
    """
    with np.errstate(all="ignore"):
        values: Values = apply_modality_lut(stored, header)
    if not (np.isfinite(values) & (np.abs(values) <= LARGEST_VALUE)).all():
        raise LvcnetError(
            f"{name} has a rescale slope and intercept that lead to values without bounds: mend its header"
        )
    return values


def _is_plain(header: pydicom.Dataset) -> bool:
    """Whether stored values are grey values already, of at most 8 bits."""
    return int(header.BitsStored) <= 8 and int(header.PixelRepresentation) == 0


def _spacing(header: pydicom.Dataset, name: str, notes: list[str]) -> tuple[float, float] | None:
    """PixelSpacing (calibrated), else ImagerPixelSpacing (at the detector), in mm."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        values = finite_numbers(header, keyword, name)
        if len(values) == 2 and all(NARROWEST_MM <= value <= WIDEST_MM for value in values):
            return values[0], values[1]
        if values:
            given = "\\".join(f"{value:g}" for value in values)
            notes.append(f"its {keyword} is {given}, which is no distance of pixels: it was left aside")
    return None
