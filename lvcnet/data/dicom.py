"""DICOM radiographs to grey values in [0, 1].

Symbols: H, W size in pixels. The order is that of the standard (PS3.3 C.11): modality LUT or rescale, then VOI LUT or
window, then the inversion that MONOCHROME1 asks for; colours by luma, those of a palette looked up before. Several
frames: the first is read, with what an enhanced object says about it.
"""

import io
import zlib
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.errors import InvalidDicomError
from pydicom.pixels import apply_color_lut, apply_modality_lut, pixel_array
from pydicom.pixels.processing import apply_voi

from lvcnet.data.radiograph import Radiograph, check_pixel_count, robust_window, several
from lvcnet.errors import LvcnetError

FRAME_GROUPS = ("PixelMeasuresSequence", "PixelValueTransformationSequence", "FrameVOILUTSequence")
"""Where enhanced objects keep spacing, rescale and window of a frame."""
LUMA = np.array([0.299, 0.587, 0.114])


def read_dicom(content: bytes, name: str) -> Radiograph:
    """Read a DICOM file.

    Args:
        content: the whole file.
        name: what to call it in messages.

    Raises:
        LvcnetError: if it is damaged, holds no image, or is compressed in a way that this installation cannot read.
    """
    try:
        header = pydicom.dcmread(io.BytesIO(content), force=content[128:132] != b"DICM")
        if "Rows" not in header or "Columns" not in header or "PixelData" not in header:
            raise LvcnetError(f"{name} holds no DICOM image: choose the file of a radiograph")
        check_pixel_count(int(header.Rows), int(header.Columns), name)
        _flatten(header)
        frames = several(int(header.get("NumberOfFrames") or 1), "frames")
        return Radiograph(_grey(header), _spacing(header), frames)
    except (InvalidDicomError, ValueError, TypeError, AttributeError, KeyError, EOFError, OSError) as error:
        raise LvcnetError(f"{name} cannot be read as DICOM: {_first_line(error)}") from error
    except (RuntimeError, NotImplementedError, zlib.error, MemoryError) as error:
        reason = _first_line(error)
        raise LvcnetError(
            f"{name} cannot be decoded ({reason}): save it uncompressed and try again, or, for JPEG, install the packages"
            " pylibjpeg and pylibjpeg-libjpeg"
        ) from error


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


def _grey(header: pydicom.Dataset) -> NDArray[np.float32]:
    stored = pixel_array(header, index=0)
    bits = int(header.BitsStored)
    if header.get("PhotometricInterpretation") == "PALETTE COLOR":
        stored, bits = apply_color_lut(stored, header), int(header.RedPaletteColorLookupTableDescriptor[2])
    if stored.ndim == 3:
        luma: NDArray[np.float32] = np.clip(stored[..., :3] @ LUMA / (2**bits - 1), 0, 1).astype(np.float32)
        return luma
    valid = ~_padding(header, stored)
    grey = _presented(header, stored, valid)
    if header.get("PhotometricInterpretation") == "MONOCHROME1":
        grey = 1 - grey
    return np.where(valid, grey, 0).astype(np.float32)


def _flatten(header: pydicom.Dataset) -> None:
    """Put what an enhanced object says about its first frame where other objects say it of the whole image."""
    for place in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for name in FRAME_GROUPS if header.get(place) else ():
            for element in (header[place][0].get(name) or [()])[0]:
                if element.keyword and element.keyword not in header:
                    header.add(element)


def _padding(header: pydicom.Dataset, stored: NDArray[Any]) -> NDArray[np.bool_]:
    """(H, W): where nothing was measured, by one stored value or a range of them."""
    first, last = header.get("PixelPaddingValue"), header.get("PixelPaddingRangeLimit")
    if not isinstance(first, int):
        return np.zeros(stored.shape, dtype=np.bool_)
    low, high = sorted((first, last if isinstance(last, int) else first))
    return (stored >= low) & (stored <= high)


def _presented(header: pydicom.Dataset, stored: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[Any]:
    """Stored values (H, W) through modality LUT and VOI LUT or window, to [0, 1]."""
    values: NDArray[Any] = apply_modality_lut(stored, header)
    if header.get("VOILUTSequence"):
        bits = int(header.VOILUTSequence[0].LUTDescriptor[2])
        looked_up: NDArray[Any] = apply_voi(values.astype(np.int64), header)
        return looked_up / (2.0**bits - 1)
    center, width = _first(header.get("WindowCenter")), _first(header.get("WindowWidth"))
    if center is not None and width is not None:
        function = str(header.get("VOILUTFunction") or "LINEAR").upper()
        return window(values.astype(np.float64), center, width, function)
    if int(header.BitsStored) <= 8 and int(header.PixelRepresentation) == 0 and values is stored:
        return stored / (2.0 ** int(header.BitsStored) - 1)
    return robust_window(values.astype(np.float64), valid)


def _first(value: Any) -> float | None:
    """The first of one or several window values."""
    if value is None or value == "":
        return None
    if isinstance(value, pydicom.multival.MultiValue):
        value = value[0] if len(value) else None
    return None if value is None else float(value)


def _spacing(header: pydicom.Dataset) -> tuple[float, float] | None:
    """PixelSpacing (calibrated), else ImagerPixelSpacing (at the detector), in mm."""
    for attribute in ("PixelSpacing", "ImagerPixelSpacing"):
        value = header.get(attribute)
        if isinstance(value, pydicom.multival.MultiValue) and len(value) == 2 and min(map(float, value)) > 0:
            return float(value[0]), float(value[1])
    return None


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
