"""DICOM SEG files, read back by highdicom and by pydicom alone."""

import io
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from PIL import Image

from lab.samples import write_dicom
from lvcnet.data.formats.dicom_seg import dicom_seg, segmentation_of, source_header
from lvcnet.errors import LvcnetError

CATEGORIES = ["Hüftbein", "femur"]


@pytest.fixture
def radiograph(tmp_path: Path) -> Path:
    path = tmp_path / "hip.dcm"
    write_dicom(path, np.zeros((37, 61), np.uint8), 0.5)
    return path


@pytest.fixture
def masks() -> np.ndarray:
    """Two categories that overlap, of a size that does not fill whole bytes."""
    masks = np.zeros((2, 37, 61), bool)
    masks[0, 5:20, 7:30] = True
    masks[1, 15:36, 20:61] = True
    return masks


def test_highdicom_reads_the_same_masks_by_the_source_image(radiograph: Path, masks: np.ndarray) -> None:
    content = dicom_seg(radiograph, masks, CATEGORIES, "run tiny, threshold 0.5")
    found = highdicom.seg.segread(io.BytesIO(content))
    source = pydicom.dcmread(radiograph)
    pixels = found.get_pixels_by_source_instance([source.SOPInstanceUID])
    np.testing.assert_array_equal(pixels[0].transpose(2, 0, 1).astype(bool), masks)
    assert found.segmentation_type.value == "BINARY"
    assert [found.get_segment_description(number).segment_label for number in (1, 2)] == CATEGORIES


def test_pydicom_alone_reads_them_and_every_reference_holds(radiograph: Path, masks: np.ndarray) -> None:
    found = pydicom.dcmread(io.BytesIO(dicom_seg(radiograph, masks, CATEGORIES, "run tiny")))
    source = pydicom.dcmread(radiograph)
    np.testing.assert_array_equal(found.pixel_array.astype(bool), masks)
    assert found.Modality == "SEG"
    assert found.StudyInstanceUID == source.StudyInstanceUID
    assert found.SeriesInstanceUID != source.SeriesInstanceUID
    assert (found.PatientID, str(found.PatientName)) == ("PHANTOM", "Phantom^Synthetic")
    (series,) = found.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == source.SeriesInstanceUID
    (instance,) = series.ReferencedInstanceSequence
    assert instance.ReferencedSOPInstanceUID == source.SOPInstanceUID
    for frame in found.PerFrameFunctionalGroupsSequence:
        reference = frame.DerivationImageSequence[0].SourceImageSequence[0]
        assert reference.ReferencedSOPClassUID == source.SOPClassUID
        assert reference.ReferencedSOPInstanceUID == source.SOPInstanceUID


def test_an_empty_mask_keeps_its_segment(radiograph: Path, masks: np.ndarray) -> None:
    content = dicom_seg(radiograph, np.zeros_like(masks), CATEGORIES, "run tiny")
    found = highdicom.seg.segread(io.BytesIO(content))
    assert found.number_of_segments == 2
    assert not found.pixel_array.any()


def test_what_cannot_be_referred_to_is_refused(radiograph: Path, masks: np.ndarray) -> None:
    nameless = radiograph.with_name("nameless.dcm")
    source = pydicom.dcmread(radiograph)
    del source.StudyInstanceUID
    source.save_as(nameless)
    with pytest.raises(LvcnetError, match=r"nameless\.dcm has no StudyInstanceUID: .*COCO"):
        dicom_seg(nameless, masks, CATEGORIES, "")
    source = pydicom.dcmread(radiograph)
    source.NumberOfFrames = 3
    source.save_as(nameless)
    with pytest.raises(LvcnetError, match="3 frames"):
        dicom_seg(nameless, masks, CATEGORIES, "")
    plain = radiograph.with_suffix(".png")
    Image.new("L", (61, 37)).save(plain)
    with pytest.raises(LvcnetError, match=r"hip\.png is not a DICOM file"):
        dicom_seg(plain, masks, CATEGORIES, "")
    with pytest.raises(LvcnetError, match="segment it once more"):
        dicom_seg(radiograph.with_name("gone.dcm"), masks, CATEGORIES, "")
    with pytest.raises(LvcnetError, match="masks of 61 x 20 do not fit a radiograph of 61 x 37"):
        dicom_seg(radiograph, masks[:, :20], CATEGORIES, "")


@pytest.mark.parametrize("overlapping", [False, True])
def test_masks_that_are_packed_here_are_as_highdicom_packs_them(
    radiograph: Path, masks: np.ndarray, overlapping: bool
) -> None:
    given = masks if overlapping else masks & ~masks[::-1]
    ours = pydicom.dcmread(io.BytesIO(dicom_seg(radiograph, given, CATEGORIES, "run tiny")))
    theirs = segmentation_of(source_header(radiograph), given, CATEGORIES, "run tiny")
    bits = given.size
    for keyword in ("Rows", "Columns", "NumberOfFrames", "SegmentsOverlap", "BitsAllocated"):
        assert ours[keyword].value == theirs[keyword].value, keyword
    one, two = (
        np.unpackbits(np.frombuffer(found.PixelData, np.uint8), bitorder="little") for found in (ours, theirs)
    )
    assert np.array_equal(one[:bits], two[:bits])
    assert ours.SegmentsOverlap == ("YES" if (given.sum(axis=0) > 1).any() else "NO")
    assert set(ours.dir()) - {"SpecificCharacterSet"} == set(theirs.dir())


PATIENT = {
    "PatientName": "Zebrafink^Ottilie",
    "PatientID": "PID-77123",
    "PatientBirthDate": "19330704",
    "PatientSex": "F",
    "PatientAge": "091Y",
    "AccessionNumber": "ACC-99817",
    "StudyID": "STUDY-4711",
    "StudyDate": "20190817",
    "StudyTime": "101112.131415",
    "StudyDescription": "Huefte-Geheim",
    "SeriesDescription": "Serie-Geheim",
    "ReferringPhysicianName": "Physikus^Rudolf",
    "PerformingPhysicianName": "Performa^Paula",
    "OperatorsName": "Operator^Olaf",
    "InstitutionName": "Klinik-Geheim",
    "InstitutionAddress": "Geheimweg 1",
    "PatientAddress": "Wohnweg 9",
    "OtherPatientIDs": "OTHER-5511",
    "PatientComments": "Kommentar-Geheim",
    "StationName": "STATION-31",
    "DeviceSerialNumber": "SERIAL-8812",
    "AcquisitionDate": "20190818",
    "FrameOfReferenceUID": "1.2.826.0.1.3680043.9.9999.77",
}


def planted(path: Path) -> list[str]:
    """Put a patient into a radiograph, in a private element too; returns all that identifies them, UIDs included."""
    source = pydicom.dcmread(path)
    for keyword, value in PATIENT.items():
        setattr(source, keyword, value)
    source.private_block(0x0011, "SECRET VENDOR", create=True).add_new(0x01, "LO", "Privat-Geheim")
    source.save_as(path)
    uids = [str(source[name].value) for name in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")]
    texts = [value for keyword, value in PATIENT.items() if keyword != "PatientSex"]
    return [*(part for text in texts for part in text.split("^")), "SECRET VENDOR", "Privat-Geheim", *uids]


def test_an_anonymised_segmentation_holds_nothing_of_the_patient(radiograph: Path, masks: np.ndarray) -> None:
    secrets = planted(radiograph)
    named = dicom_seg(radiograph, masks, CATEGORIES, "run tiny")
    assert b"Zebrafink" in named  # without the option the segmentation is the patient's
    content = dicom_seg(radiograph, masks, CATEGORIES, "run tiny", anonymise=True)
    assert [secret for secret in secrets if secret.encode() in content] == []
    found = highdicom.seg.segread(io.BytesIO(content))
    assert [found.get(keyword) or "" for keyword in ("PatientName", "PatientID", "PatientSex")] == [
        "",
        "",
        "",
    ]
    assert found.PatientIdentityRemoved == "YES"
    np.testing.assert_array_equal(found.pixel_array.astype(bool), masks)


def test_the_same_study_gets_the_same_new_uid(radiograph: Path, masks: np.ndarray) -> None:
    planted(radiograph)
    one, two = (
        pydicom.dcmread(io.BytesIO(dicom_seg(radiograph, masks, CATEGORIES, "", anonymise=True)))
        for _ in (1, 2)
    )
    assert one.StudyInstanceUID == two.StudyInstanceUID
    assert one.SOPInstanceUID != two.SOPInstanceUID
    assert (
        one.ReferencedSeriesSequence[0].SeriesInstanceUID == two.ReferencedSeriesSequence[0].SeriesInstanceUID
    )
