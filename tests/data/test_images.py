"""Image files of every kind as grey values, and the way to the working grid and back."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from scipy import ndimage

from lvcnet.data.images import (
    mask_to_full_resolution,
    mask_to_original,
    mask_to_working_grid,
    read_image,
    to_working_grid,
)
from lvcnet.errors import LvcnetError

RAMP = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20


def saved(picture: Image.Image, format: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, format, **options)
    return stream.getvalue()


def test_eight_bit_grey_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "ramp.png"
    path.write_bytes(saved(Image.fromarray(RAMP)))
    radiograph = read_image(path)
    assert radiograph.pixels.dtype == np.float32
    np.testing.assert_allclose(radiograph.pixels, RAMP / 255, atol=1e-7)
    assert radiograph.spacing_mm is None


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "CMYK"])
def test_grey_pictures_in_colour_modes_keep_their_values(mode: str) -> None:
    content = saved(Image.fromarray(RAMP).convert(mode), "TIFF")
    np.testing.assert_allclose(read_image(content).pixels, RAMP / 255, atol=1.01 / 255)


def test_colour_becomes_luma() -> None:
    picture = Image.fromarray(np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], dtype=np.uint8))
    np.testing.assert_allclose(read_image(saved(picture)).pixels, [[0.299, 0.587, 0.114]], atol=0.5 / 255)


def test_palette_files_show_their_colours_not_their_indices() -> None:
    picture = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), mode="P")
    picture.putpalette([200, 200, 200, 10, 10, 10])
    np.testing.assert_allclose(read_image(saved(picture)).pixels, [[200 / 255, 10 / 255]], atol=1e-6)


def test_one_bit() -> None:
    picture = Image.fromarray(np.array([[0, 255]], dtype=np.uint8)).convert("1")
    assert read_image(saved(picture)).pixels.tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bit_is_windowed_to_its_percentiles(format: str) -> None:
    values = np.arange(1001, dtype=np.uint16).reshape(7, 143) * 10 + 20_000
    pixels = read_image(saved(Image.fromarray(values), format)).pixels
    # percentiles 0.5 and 99.5 of 0..1000 are 5 and 995
    assert pixels.ravel()[[5, 500, 995]].tolist() == pytest.approx([0, 0.5, 1], abs=1e-6)
    assert (pixels.min(), pixels.max()) == (0, 1)


def test_a_constant_sixteen_bit_image_is_black() -> None:
    assert not read_image(saved(Image.fromarray(np.full((3, 3), 900, dtype=np.uint16)))).pixels.any()


def test_exif_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show the file turned by 90 degrees clockwise
    content = saved(Image.fromarray(np.repeat(RAMP, 8, 0).repeat(8, 1)), "JPEG", exif=exif, quality=95)
    expected = np.rot90(np.repeat(RAMP, 8, 0).repeat(8, 1), -1) / 255
    pixels = read_image(content).pixels
    assert pixels.shape == (32, 24)
    np.testing.assert_allclose(pixels, expected, atol=0.03)


@pytest.mark.parametrize(
    ("values", "options"),
    [
        (np.array([[-100, 0, 100]], dtype=np.int8), {}),
        (np.array([[-30_000, 0, 30_000]], dtype=np.int16), {}),
        (np.array([[0, 2**31, 2**32 - 1]], dtype=np.uint32), {}),
        (np.array([[0.25, 0.5, 0.75]], dtype=np.float64), {}),
        (np.array([[65_535, 32_768, 0]], dtype=np.uint16), {"photometric": "miniswhite"}),
        (np.array([[255, 128, 0]], dtype=np.uint8), {"photometric": "miniswhite"}),
    ],
    ids=["int8", "int16", "uint32", "float64", "white is zero, 16 bit", "white is zero, 8 bit"],
)
def test_tiff_numbers_of_every_kind_keep_their_order(
    tmp_path: Path, values: np.ndarray, options: dict[str, str]
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.repeat(values.repeat(9, 0), 9, 1), **options)
    pixels = read_image(tmp_path / "a.tif").pixels
    assert pixels[4, [4, 13, 22]].tolist() == pytest.approx([0, 0.5, 1], abs=0.01)


def test_a_tiff_of_a_kind_that_nobody_reads_says_what_to_save(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 4), dtype=np.complex64))
    with pytest.raises(LvcnetError, match="save grey values of 8 or 16 bits"):
        read_image(tmp_path / "a.tif")


def test_what_was_decided_in_reading_is_noted(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    assert "EXIF" in read_image(saved(Image.fromarray(RAMP), "JPEG", exif=exif)).notes[0]
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((3, 8, 9), dtype=np.uint8), photometric="minisblack")
    (note,) = read_image(tmp_path / "a.tif").notes
    assert note.startswith("it has several pages: the first was read")
    assert read_image(saved(Image.fromarray(RAMP))).notes == ()


def test_streams_are_read_like_files() -> None:
    content = saved(Image.fromarray(RAMP))
    np.testing.assert_array_equal(read_image(io.BytesIO(content)).pixels, read_image(content).pixels)


@pytest.mark.parametrize(
    "content",
    [b"", b"not an image", saved(Image.fromarray(RAMP))[:45], saved(Image.fromarray(RAMP), "GIF")],
    ids=["empty", "text", "cut off", "gif"],
)
def test_files_that_are_no_usable_image(content: bytes) -> None:
    with pytest.raises(LvcnetError, match=r"x\.png cannot be read as an image.*use PNG"):
        read_image(content, "x.png")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(LvcnetError, match=r"none\.png cannot be read: No such file"):
        read_image(tmp_path / "none.png")


def test_a_header_that_claims_too_many_pixels_is_refused_before_decoding() -> None:
    content = bytearray(saved(Image.fromarray(RAMP)))
    content[16:24] = struct.pack(">II", 60_000, 60_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    with pytest.raises(LvcnetError):
        read_image(bytes(content), "bomb.png")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_large_but_not_monstrous_images_are_refused_too() -> None:
    picture = Image.new("1", (11_000, 11_000))
    with pytest.raises(LvcnetError, match="11000 x 11000 pixels: at most 100,000,000"):
        read_image(saved(picture), "large.png")


def test_shrinking_averages_areas() -> None:
    pixels = np.array([[0, 0.2, 1, 1], [0.4, 0.6, 1, 1], [0, 0, 0, 0.4], [0, 0, 0, 0]])
    assert to_working_grid(pixels, (2, 2)).tolist() == [[round(0.3 * 255), 255], [0, round(0.1 * 255)]]


def test_each_axis_shrinks_or_grows_by_itself() -> None:
    pixels = np.array([[0.0, 1, 0, 1, 0, 1, 0, 1], [1, 1, 1, 1, 0, 0, 0, 0]])
    # along x pairs are averaged; along y two rows become four, interpolated
    expected = np.array(
        [[0.5, 0.5, 0.5, 0.5], [0.625, 0.625, 0.375, 0.375], [0.875, 0.875, 0.125, 0.125], [1, 1, 0, 0]]
    )
    np.testing.assert_allclose(to_working_grid(pixels, (4, 4)), expected * 255, atol=0.51)


def test_half_covered_counts_as_covered() -> None:
    mask = np.zeros((4, 4), dtype=bool)
    mask[0, :2] = mask[0, 2] = True
    assert mask_to_working_grid(mask, (2, 2)).tolist() == [[True, False], [False, False]]


def test_fractional_overlaps() -> None:
    # three pixels to two: the middle one belongs half to each, 1 + 0.5 of 1.5 and 0.5 of 1.5
    mask = np.array([[True, True, False]] * 3)
    assert mask_to_working_grid(mask, (2, 2)).tolist() == [[True, False]] * 2
    assert mask_to_working_grid(~mask, (2, 2)).tolist() == [[False, True]] * 2


def test_probabilities_keep_pixel_edges_in_place() -> None:
    step = np.array([[0, 1], [0, 1]], dtype=np.float32)
    np.testing.assert_allclose(mask_to_original(step, 2, 4), [[0, 0.25, 0.75, 1]] * 2)
    assert mask_to_original(step, 3, 5).shape == (3, 5)


@settings(max_examples=50, deadline=None)
@given(arrays(bool, (6, 6)), st.integers(1, 4), st.integers(1, 4))
def test_full_resolution_round_trip_is_exact_for_whole_ratios(
    mask: np.ndarray, down: int, right: int
) -> None:
    full = mask_to_full_resolution(mask, 6 * down, 6 * right)
    np.testing.assert_array_equal(full, mask.repeat(down, 0).repeat(right, 1))
    np.testing.assert_array_equal(mask_to_working_grid(full, (6, 6)), mask)


@pytest.mark.parametrize(("height", "width"), [(215, 512), (150, 160), (129, 129), (1000, 333)])
def test_full_resolution_round_trip_for_other_ratios(height: int, width: int) -> None:
    mask = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=(128, 128)), 3) > 0
    back = mask_to_working_grid(mask_to_full_resolution(mask, height, width), (128, 128))
    assert (mask & back).sum() / (mask | back).sum() > 0.999
