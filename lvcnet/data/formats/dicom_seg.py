"""Masks of a DICOM radiograph as a DICOM Segmentation (SEG) object that refers to it.

Symbols: C categories, H x W the radiograph's size in pixels.
"""

import io
import secrets
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray

from lvcnet import __version__
from lvcnet.data.dicom_header import read_header
from lvcnet.data.images import is_dicom
from lvcnet.errors import LvcnetError, foreign
from lvcnet.masks.blocks import row_blocks

NAMING = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
"""What a segmentation refers to."""

MAY_BE_EMPTY = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
)
"""What the standard asks for in every object but allows to be empty."""

GEOMETRY = (
    "SOPClassUID",
    "Modality",
    "Rows",
    "Columns",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "NumberOfFrames",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "SliceThickness",
)
"""What an anonymised segmentation keeps of its radiograph."""

SECRET = secrets.token_hex(32)
"""Of this process: what new UIDs depend on besides the old ones."""

LONGEST_TEXT = 64
"""Characters of a DICOM long string."""


def dicom_seg(
    path: Path,
    masks: NDArray[np.bool_],
    categories: Sequence[str],
    description: str,
    anonymise: bool = False,
) -> bytes:
    """The content of a SEG file: binary, one segment a category, also where a mask is empty.

    Args:
        path: the radiograph that the masks belong to.
        masks: (C, H, W) bool.
        categories: C names.
        description: where the masks come from.
        anonymise: leave out who the patient is, see `without_patient`.

    Raises:
        LvcnetError: if the radiograph is no DICOM file, has several frames, or does not name its study.
    """
    source = source_header(path)
    if anonymise:
        source = without_patient(source)
    with foreign(f"{path.name} does not allow a DICOM SEG", "take COCO, Labelme or PNG masks instead"):
        _check_size(source, masks)
        # highdicom takes six times the masks' memory; so it sees one pixel of them, and they are packed here
        source.Rows = source.Columns = 1
        segmentation = segmentation_of(source, masks[:, :1, :1], categories, description)
        segmentation.Rows, segmentation.Columns = masks.shape[1:]
        segmentation.PixelData = _packed(masks)
        segmentation.SegmentsOverlap = "YES" if _overlap(masks) else "NO"
        if anonymise:
            segmentation.PatientIdentityRemoved = "YES"
            segmentation.DeidentificationMethod = "Only geometry of the source kept, UIDs replaced"
        return _encoded(segmentation)


def segmentation_of(
    source: pydicom.Dataset, masks: NDArray[np.bool_], categories: Sequence[str], description: str
) -> pydicom.Dataset:
    """highdicom's segmentation object of a radiograph, as `source_header` gives it, with all its pixels."""
    # imported here, and not above, because few commands need it and it takes a third of a second
    from highdicom.seg import Segmentation

    return Segmentation(
        [source],
        masks.transpose(1, 2, 0)[None].astype(np.uint8),
        "BINARY",
        _descriptions(categories),
        series_instance_uid=pydicom.uid.generate_uid(),
        series_number=300,
        sop_instance_uid=pydicom.uid.generate_uid(),
        instance_number=1,
        manufacturer="LVC-Net Lab",
        manufacturer_model_name="LVC-Net Lab",
        software_versions=__version__,
        device_serial_number="0",
        content_label="SEGMENTATION",
        content_description=description[:LONGEST_TEXT],
        omit_empty_frames=False,
    )


def _check_size(source: pydicom.Dataset, masks: NDArray[np.bool_]) -> None:
    """Refuse masks of another size than the radiograph's.

    Raises:
        LvcnetError: says both.
    """
    if (source.Rows, source.Columns) != masks.shape[1:]:
        height, width = masks.shape[1:]
        raise LvcnetError(
            f"masks of {width} x {height} do not fit a radiograph of {source.Columns} x {source.Rows}: segment it again"
        )


def _packed(masks: NDArray[np.bool_]) -> bytes:
    """A bit for each pixel, frame after frame, the lowest bit first (PS3.5 section 8.1.1), in an even number of bytes."""
    content = np.packbits(masks, bitorder="little").tobytes()
    return content + bytes(len(content) % 2)


def _overlap(masks: NDArray[np.bool_]) -> bool:
    """Whether a pixel belongs to several masks."""
    blocks = row_blocks(*masks.shape[1:])
    return any(bool((masks[:, rows].sum(axis=0) > 1).any()) for rows in blocks)


def _encoded(segmentation: pydicom.Dataset) -> bytes:
    segmentation.SpecificCharacterSet = "ISO_IR 192"  # category names may hold anything
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    if "SliceThickness" not in shared.get("PixelMeasuresSequence", [{"SliceThickness": 0}])[0]:
        # a projection has no slices; without them highdicom does not read its own measures, and the standard
        # does not ask for any in an object that refers to its image
        del shared.PixelMeasuresSequence
    stream = io.BytesIO()
    segmentation.save_as(stream)
    return stream.getvalue()


def source_header(path: Path) -> pydicom.Dataset:
    """The radiograph without its pixels, completed to what a segmentation copies.

    Raises:
        LvcnetError: if a segmentation cannot refer to it; the message says why.
    """
    with foreign(f"{path.name} cannot be read again", "segment it once more"), path.open("rb") as stream:
        if not is_dicom(stream.read(132), path.name):
            raise LvcnetError(
                f"{path.name} is not a DICOM file: a DICOM SEG refers to the image it belongs to; take COCO,"
                " Labelme or PNG masks instead"
            )
        header = read_header(stream, path.name, pixels=False)
        return _completed(header, path.name)


def without_patient(header: pydicom.Dataset) -> pydicom.Dataset:
    """What a segmentation needs of a radiograph and nothing about its patient, with new UIDs in place of all others.

    What is kept is listed, not what goes: so no attribute that nobody thought of stays. The same UID becomes the same new one
    as long as the process lives, so that the images of a study stay together; nobody can compute the way back.
    Stricter than the Basic Profile of PS3.15 (table E.1-1) in what a segmentation copies.

    Args:
        header: as `source_header` gives it.
    """
    kept = pydicom.Dataset()
    for keyword in GEOMETRY:
        if keyword in header:
            kept[keyword] = header[keyword]
    for keyword in (*NAMING[1:], "FrameOfReferenceUID"):
        if header.get(keyword):
            setattr(kept, keyword, pydicom.uid.generate_uid(entropy_srcs=[SECRET, str(header.get(keyword))]))
    for keyword in MAY_BE_EMPTY:
        setattr(kept, keyword, "")
    kept.file_meta = pydicom.dataset.FileMetaDataset()
    kept.file_meta.TransferSyntaxUID = header.file_meta.TransferSyntaxUID
    return kept


def _completed(header: pydicom.Dataset, name: str) -> pydicom.Dataset:
    """The header with all that a segmentation copies.

    Raises:
        LvcnetError: if a segmentation cannot refer to it.
    """
    missing = [keyword for keyword in NAMING if not header.get(keyword)]
    if missing:
        raise LvcnetError(
            f"{name} has no {', '.join(missing)}: a DICOM SEG cannot refer to it; take COCO, Labelme or PNG masks instead"
        )
    if int(header.get("NumberOfFrames") or 1) > 1:
        raise LvcnetError(
            f"{name} has {header.NumberOfFrames} frames: a DICOM SEG is written for single images only"
        )
    for keyword in MAY_BE_EMPTY:
        if keyword not in header:
            setattr(header, keyword, "")
    return header


def _descriptions(categories: Sequence[str]) -> list[object]:
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.seg import SegmentDescription
    from highdicom.sr import CodedConcept

    structure = CodedConcept("91723000", "SCT", "Anatomical structure")
    intelligence = CodedConcept("123109", "DCM", "Artificial Intelligence")
    algorithm = AlgorithmIdentificationSequence("LVC-Net Lab", intelligence, __version__)
    return [
        SegmentDescription(
            number,
            name[:LONGEST_TEXT],
            structure,
            structure,
            "AUTOMATIC",
            algorithm_identification=algorithm,
        )
        for number, name in enumerate(categories, start=1)
    ]
