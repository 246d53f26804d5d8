"""DICOM files written here, with values worked out from the standard's formulas."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

from lvcnet.data.dicom import window
from lvcnet.data.images import read_image
from lvcnet.errors import LvcnetError

VALUES = np.array([[0, 100, 200], [300, 400, 500]], dtype=np.uint16)


def dicom(pixels: np.ndarray, bits: int | None = None, **attributes: Any) -> bytes:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid()
    header = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    allocated = pixels.dtype.itemsize * 8
    header.Rows, header.Columns = pixels.shape[-2:]
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated, header.BitsStored = allocated, bits or allocated
    header.HighBit = header.BitsStored - 1
    header.PixelRepresentation = int(np.issubdtype(pixels.dtype, np.signedinteger))
    header.PixelData = pixels.tobytes()
    for name, value in attributes.items():
        setattr(header, name, value)
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, header, enforce_file_format=True)
    return stream.getvalue()


def test_window() -> None:
    pixels = read_image(dicom(VALUES, 12, WindowCenter=250, WindowWidth=301)).pixels
    # LINEAR: (value - 249.5) / 300 + 0.5, cut at 0 and 1
    expected = [[0, 0.5 - 149.5 / 300, 0.5 - 49.5 / 300], [0.5 + 50.5 / 300, 1, 1]]
    np.testing.assert_allclose(pixels, np.clip(expected, 0, 1), atol=1e-6)


def test_window_after_modality_rescale() -> None:
    attributes = {"RescaleSlope": 2, "RescaleIntercept": -100, "WindowCenter": 400, "WindowWidth": 1000}
    pixels = read_image(dicom(VALUES, 12, VOILUTFunction="LINEAR_EXACT", **attributes)).pixels
    np.testing.assert_allclose(pixels, np.clip((VALUES * 2.0 - 100 - 400) / 1000 + 0.5, 0, 1), atol=1e-6)


def test_the_first_of_several_windows_counts() -> None:
    several = read_image(dicom(VALUES, 12, WindowCenter=[250, 10], WindowWidth=[301, 20])).pixels
    np.testing.assert_array_equal(
        several, read_image(dicom(VALUES, 12, WindowCenter=250, WindowWidth=301)).pixels
    )


def test_monochrome1_is_inverted() -> None:
    plain = read_image(dicom(VALUES, 12, WindowCenter=250, WindowWidth=301)).pixels
    inverted = dicom(VALUES, 12, WindowCenter=250, WindowWidth=301, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_allclose(read_image(inverted).pixels, 1 - plain, atol=1e-6)


def test_voi_lut_comes_before_the_window() -> None:
    table = pydicom.Dataset()
    table.LUTDescriptor = [4, 100, 8]
    table.LUTData = np.array([0, 51, 102, 255], dtype=np.uint16).tobytes()
    table["LUTData"].VR = "OW"
    values = np.array([[0, 100, 101], [102, 103, 4000]], dtype=np.uint16)
    content = dicom(values, 12, VOILUTSequence=[table], WindowCenter=2000, WindowWidth=1)
    np.testing.assert_allclose(read_image(content).pixels, [[0, 0, 0.2], [0.4, 1, 1]], atol=1e-6)


def test_modality_lut() -> None:
    table = pydicom.Dataset()
    table.LUTDescriptor = [3, 0, 16]
    table.ModalityLUTType = "US"
    table.LUTData = np.array([1000, 3000, 2000], dtype=np.uint16).tobytes()
    table["LUTData"].VR = "OW"
    content = dicom(
        np.array([[0, 1, 2]], dtype=np.uint16),
        12,
        ModalityLUTSequence=[table],
        VOILUTFunction="LINEAR_EXACT",
        WindowCenter=2000,
        WindowWidth=4000,
    )
    np.testing.assert_allclose(read_image(content).pixels, [[0.25, 0.75, 0.5]], atol=1e-6)


def test_signed_values_without_window_use_the_percentiles() -> None:
    values = np.arange(-500, 501, dtype=np.int16).reshape(7, 143)
    pixels = read_image(dicom(values)).pixels
    assert pixels.ravel()[[5, 500, 995]].tolist() == pytest.approx([0, 0.5, 1], abs=1e-6)


def test_eight_bit_without_window_is_kept() -> None:
    values = np.array([[0, 51], [102, 255]], dtype=np.uint8)
    np.testing.assert_allclose(read_image(dicom(values)).pixels, values / 255, atol=1e-6)


def test_padding_is_black_and_does_not_count() -> None:
    values = np.full((10, 10), 1000, dtype=np.uint16)
    values[:, 5:] = 2000
    values[0] = 60_000
    pixels = read_image(
        dicom(values, PixelPaddingValue=60_000, PhotometricInterpretation="MONOCHROME1")
    ).pixels
    assert not pixels[0].any()
    assert pixels[5, [0, 9]].tolist() == [1, 0]


def test_first_of_several_frames() -> None:
    frames = np.stack([np.full((2, 2), 51, np.uint8), np.full((2, 2), 255, np.uint8)])
    pixels = read_image(dicom(frames, NumberOfFrames=2)).pixels
    np.testing.assert_allclose(pixels, np.full((2, 2), 0.2), atol=1e-6)


def test_colour_becomes_luma() -> None:
    colours = np.array([[[255, 0, 0], [0, 255, 0]]], dtype=np.uint8)
    attributes = {"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3, "PlanarConfiguration": 0}
    content = dicom(colours, Rows=1, Columns=2, **attributes)
    np.testing.assert_allclose(read_image(content).pixels, [[0.299, 0.587]], atol=1e-6)


@pytest.mark.parametrize("attribute", ["PixelSpacing", "ImagerPixelSpacing"])
def test_spacing(attribute: str) -> None:
    assert read_image(dicom(VALUES, 12, **{attribute: [0.15, 0.2]})).spacing_mm == (0.15, 0.2)


def test_pixel_spacing_is_preferred() -> None:
    content = dicom(VALUES, 12, PixelSpacing=[0.1, 0.1], ImagerPixelSpacing=[0.2, 0.2])
    assert read_image(content).spacing_mm == (0.1, 0.1)


def test_sigmoid_window() -> None:
    values = window(np.array([0.0, 100.0]), 0, 400, "SIGMOID")
    assert values.tolist() == pytest.approx([0.5, 1 / (1 + np.exp(-1))])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (dicom(VALUES, 12)[:-4], "cannot be read as DICOM|cannot be decoded"),
        (b"\0" * 128 + b"DICM" + b"garbage", "DICOM"),
        (dicom(VALUES, 12, WindowCenter=1, WindowWidth=5, VOILUTFunction="CUBIC"), "CUBIC"),
        (dicom(VALUES, 12, Rows=60_000, Columns=60_000), "at most 100,000,000"),
    ],
    ids=["cut off", "garbage", "unknown function", "too large"],
)
def test_damaged_files(content: bytes, message: str) -> None:
    with pytest.raises(LvcnetError, match=message):
        read_image(content, "scan.dcm")


def test_a_text_file_called_dcm() -> None:
    with pytest.raises(LvcnetError, match=r"scan\.dcm"):
        read_image(b"hello, this is not DICOM at all", "scan.dcm")


def test_a_file_without_image() -> None:
    meta = dicom(VALUES, 12)
    header = pydicom.dcmread(io.BytesIO(meta))
    del header.PixelData
    stream = io.BytesIO()
    header.save_as(stream, enforce_file_format=True)
    with pytest.raises(LvcnetError, match="holds no DICOM image"):
        read_image(stream.getvalue(), "report.dcm")


def test_palette_colours_are_looked_up() -> None:
    """The palette turns the indices around: 0 is white."""
    lut = (np.arange(255, -1, -1).astype(np.uint16) * 257).tobytes()
    tables: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in ("Red", "Green", "Blue"):
        tables[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        tables[f"{colour}PaletteColorLookupTableData"] = lut
    pixels = read_image(dicom(np.array([[0, 51], [204, 255]], dtype=np.uint8), **tables)).pixels
    np.testing.assert_allclose(pixels, [[1, 0.8], [0.2, 0]], atol=1e-5)


def test_what_an_enhanced_object_says_about_its_frames_counts() -> None:
    measures, rescale, voi = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
    measures.PixelSpacing = [0.3, 0.4]
    rescale.RescaleSlope, rescale.RescaleIntercept = 1, -100
    voi.WindowCenter, voi.WindowWidth = 150, 301
    shared, frame = pydicom.Dataset(), pydicom.Dataset()
    shared.PixelMeasuresSequence, shared.PixelValueTransformationSequence = [measures], [rescale]
    frame.FrameVOILUTSequence = [voi]
    groups = {"SharedFunctionalGroupsSequence": [shared], "PerFrameFunctionalGroupsSequence": [frame, frame]}
    image = read_image(dicom(np.stack([VALUES, VALUES * 0]), 12, NumberOfFrames=2, **groups))
    plain = dicom(VALUES, 12, RescaleSlope=1, RescaleIntercept=-100, WindowCenter=150, WindowWidth=301)
    np.testing.assert_array_equal(image.pixels, read_image(plain).pixels)
    assert image.spacing_mm == (0.3, 0.4)
    assert image.notes[0].startswith("it has 2 frames: the first was read")


def test_a_range_of_padding_values_is_black_and_out_of_the_window() -> None:
    attributes = {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 150}
    pixels = read_image(dicom(VALUES, 12, **attributes)).pixels
    assert pixels[0, :2].tolist() == [0, 0]
    assert pixels[0, 2] < pixels[1, 0] < pixels[1, 2]
    # 200 and 500 are the ends of what was measured
    assert pixels[0, 2] == pytest.approx(0, abs=0.01)


def test_lossless_jpeg_says_what_run_lengths_say() -> None:
    """Lossless JPEG is what digital radiography most often compresses with; both files hold the same colours."""
    jpeg, runs = (
        read_image(Path(str(get_testdata_file(name, download=False))))
        for name in ("SC_rgb_jpeg_gdcm.dcm", "SC_rgb_rle.dcm")
    )
    assert jpeg.pixels.shape == (100, 100)
    assert jpeg.pixels.std() > 0.1
    np.testing.assert_array_equal(jpeg.pixels, runs.pixels)


NUMBERS = (
    "WindowCenter",
    "WindowWidth",
    "RescaleSlope",
    "RescaleIntercept",
    "PixelSpacing",
    "ImagerPixelSpacing",
)


def with_text(keyword: str, text: str, **attributes: Any) -> bytes:
    """A file whose attribute is the text as it stands, which pydicom itself would refuse to write."""
    usual = {"WindowCenter": 250, "WindowWidth": 301, "RescaleSlope": 1, "RescaleIntercept": 0, **attributes}
    header = pydicom.dcmread(io.BytesIO(dicom(VALUES, 12, **usual)))
    tag = pydicom.tag.Tag(keyword)
    header[tag] = pydicom.dataelem.RawDataElement(tag, "DS", len(text), text.encode(), 0, False, True)
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, header)
    return stream.getvalue()


@pytest.mark.parametrize("text", ["NaN", "inf", "-Infinity", "high"])
@pytest.mark.parametrize("keyword", NUMBERS)
def test_what_is_no_finite_number_is_refused_by_its_tag(keyword: str, text: str) -> None:
    given = f"{text}\\{text}" if "Spacing" in keyword else text
    tag = pydicom.tag.Tag(keyword)
    name = rf"scan\.dcm has {keyword} \({tag.group:04X},{tag.element:04X}\) .*{text}.*finite number"
    with pytest.raises(LvcnetError, match=name):
        read_image(with_text(keyword, given), "scan.dcm")


@pytest.mark.parametrize(
    ("keyword", "text", "note"),
    [
        ("WindowWidth", "0", "width 0"),
        ("WindowWidth", "-3", "width -3"),
        ("WindowCenter", "1e400", "a single grey value"),
        ("WindowWidth", "1e400", "a single grey value"),
        ("WindowCenter", "-1e300", "a single grey value"),
    ],
)
def test_a_window_that_shows_nothing_is_replaced_by_the_percentiles(
    keyword: str, text: str, note: str
) -> None:
    image = read_image(with_text(keyword, text))
    np.testing.assert_array_equal(image.pixels, read_image(dicom(VALUES, 12)).pixels)
    (found,) = image.notes
    assert note in found
    assert "percentiles" in found


def test_a_window_narrower_than_one_is_exact() -> None:
    """A portal image in units of dose; LINEAR would divide by a negative width."""
    image = read_image(
        dicom(VALUES, 12, RescaleSlope=0.001, RescaleIntercept=0, WindowCenter=0.25, WindowWidth=0.5)
    )
    np.testing.assert_allclose(image.pixels, VALUES / 500, atol=1e-6)
    assert "LINEAR_EXACT" in image.notes[0]


@pytest.mark.parametrize("spacing", ["0\\0", "-1\\1", "1e400\\1", "1", "1\\1\\1"])
def test_a_spacing_that_is_no_distance_is_left_aside(spacing: str) -> None:
    image = read_image(with_text("PixelSpacing", spacing, ImagerPixelSpacing=[0.2, 0.3]))
    assert image.spacing_mm == (0.2, 0.3)
    assert "PixelSpacing" in image.notes[0]


def test_a_slope_beyond_all_numbers_is_refused() -> None:
    with pytest.raises(LvcnetError, match="lead to values without bounds"):
        read_image(with_text("RescaleSlope", "1e308", RescaleIntercept=-1e308))


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [("PixelData", "OW", b"123"), ("Rows", "US", b"\2\0\0"), ("BitsStored", "US", b"\0\0")],
    ids=["pixels", "rows", "no bits"],
)
def test_whatever_pydicom_raises_is_about_the_file(keyword: str, vr: str, value: bytes) -> None:
    header = pydicom.dcmread(io.BytesIO(dicom(VALUES, 12)))
    tag = pydicom.tag.Tag(keyword)
    header[tag] = pydicom.dataelem.RawDataElement(tag, vr, len(value), value, 0, False, True)
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, header)
    with pytest.raises(LvcnetError, match=r"scan\.dcm cannot be (decoded|read as DICOM)"):
        read_image(stream.getvalue(), "scan.dcm")


@pytest.mark.parametrize("signed", [False, True])
def test_values_of_32_bits_are_read_like_those_of_16(signed: bool) -> None:
    values = np.arange(1001).reshape(7, 143) - (300 if signed else 0)
    small, large = (
        read_image(
            dicom(values.astype(f"{'i' if signed else 'u'}{width}"), PhotometricInterpretation="MONOCHROME1")
        )
        for width in (2, 4)
    )
    np.testing.assert_allclose(large.pixels, small.pixels, atol=1e-6)


def test_a_segmentation_is_no_radiograph() -> None:
    content = dicom(VALUES, 12, SOPClassUID="1.2.840.10008.5.1.4.1.1.66.4", SOPInstanceUID=generate_uid())
    with pytest.raises(LvcnetError, match="is a segmentation, not a radiograph"):
        read_image(content)
