"""What a DICOM file says about its pixels, read within bounds: kind of object, numbers, deflated content."""

import io
import math
import sys
import zlib
from typing import BinaryIO

import pydicom
from pydicom.dataset import FileDataset
from pydicom.filereader import read_dataset
from pydicom.multival import MultiValue
from pydicom.uid import DeflatedExplicitVRLittleEndian

from lvcnet.data.radiograph import MOST_PIXELS
from lvcnet.errors import LvcnetError

# pydicom's warnings quote values that are not as the standard wants them: names and numbers of patients would be logged
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE

MAGIC_AT, PIXEL_DATA = 128, 0x7FE00010
MOST_INFLATED = 2 * MOST_PIXELS + 16 * 1024**2
"""Bytes of a deflated file once inflated: the largest radiograph of 16 bits and a generous header."""
NOT_RADIOGRAPHS = {
    "1.2.840.10008.5.1.4.1.1.66.4": "a segmentation",
    "1.2.840.10008.5.1.4.1.1.66.7": "a label map segmentation",
    "1.2.840.10008.5.1.4.1.1.30": "a parametric map",
    "1.2.840.10008.5.1.4.1.1.481.2": "a dose distribution",
    "1.2.840.10008.5.1.4.1.1.481.3": "a structure set",
    "1.2.840.10008.5.1.4.1.1.77.1.6": "a microscope slide",
}
"""SOP classes of objects that have pixels or outlines but show no radiograph."""


def read_header(stream: BinaryIO, name: str, pixels: bool = True) -> pydicom.Dataset:
    """Parse a DICOM file.

    Args:
        stream: the file, from its beginning.
        name: what to call it in messages.
        pixels: keep them, still encoded.

    Raises:
        LvcnetError: if it is deflated and larger than any radiograph when inflated.
        Exception: of pydicom, whatever it is, if the file is damaged.
    """
    meta = read_meta(stream)
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        has_magic = _has_magic(stream)
        return pydicom.dcmread(stream, stop_before_pixels=not pixels, force=not has_magic)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(stream.read(), MOST_INFLATED)
    if not inflater.eof:
        if inflater.unconsumed_tail:
            raise LvcnetError(
                f"{name} inflates to more than {MOST_INFLATED / 1e6:.0f} MB: no radiograph is so large"
            )
        raise ValueError("the deflated data are cut off")
    content = io.BytesIO(inflated)
    stop = None if pixels else (lambda tag, vr, length: tag >= PIXEL_DATA)
    dataset = read_dataset(content, is_implicit_VR=False, is_little_endian=True, stop_when=stop)
    return FileDataset(content, dataset, b"\0" * MAGIC_AT, meta, False, True)


def read_meta(stream: BinaryIO) -> pydicom.Dataset:
    """The file meta information (group 2); the stream then stands behind it."""
    stream.seek(MAGIC_AT + 4 if _has_magic(stream) else 0)
    meta = read_dataset(stream, False, True, stop_when=lambda tag, vr, length: tag.group != 2)
    return pydicom.dataset.FileMetaDataset(meta)


def other_kind(stream: BinaryIO) -> str:
    """What a DICOM file holds instead of a radiograph, by its file meta information; empty if it says nothing like it."""
    if not _has_magic(stream):
        return ""
    try:
        return NOT_RADIOGRAPHS.get(str(read_meta(stream).get("MediaStorageSOPClassUID")), "")
    except Exception:  # damaged: reading the whole file will say so
        return ""


def check_kind(header: pydicom.Dataset, name: str) -> None:
    """Refuse objects that hold something else than a picture of a body.

    Raises:
        LvcnetError: says what it is.
    """
    kind = NOT_RADIOGRAPHS.get(str(header.get("SOPClassUID")))
    if kind:
        raise LvcnetError(f"{name} is {kind}, not a radiograph: choose the image that it belongs to")


def finite_numbers(header: pydicom.Dataset, keyword: str, name: str) -> list[float]:
    """The numbers that an attribute holds; none if it is missing or empty.

    A number that is written out but too large for the machine becomes the largest that is not.

    Raises:
        LvcnetError: naming the attribute, if one is infinite or no number.
    """
    try:
        value = header.get(keyword)
        given = list(value) if isinstance(value, MultiValue | list | tuple) else [value]
        numbers = [float(one) for one in given if one is not None and one != ""]
    except (TypeError, ValueError, OverflowError) as error:
        raise LvcnetError(_no_number(keyword, " ".join(str(error).split())[:80], name)) from None
    for place, number in enumerate(numbers):
        text = str(given[place])
        if math.isinf(number) and "inf" not in text.lower():
            numbers[place] = math.copysign(sys.float_info.max, number)
        elif not math.isfinite(number):
            raise LvcnetError(_no_number(keyword, text, name))
    return numbers


def _no_number(keyword: str, given: str, name: str) -> str:
    tag = pydicom.tag.Tag(keyword)
    return f"{name} has {keyword} ({tag.group:04X},{tag.element:04X}) {given}: a finite number is needed; mend its header"


def _has_magic(stream: BinaryIO) -> bool:
    """Whether DICM stands where it should; the stream is at its beginning then."""
    stream.seek(0)
    head = stream.read(MAGIC_AT + 4)
    stream.seek(0)
    return head[MAGIC_AT:] == b"DICM"
