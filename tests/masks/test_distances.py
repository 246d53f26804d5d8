"""HD95, ASSD and surface Dice in the unit of a pixel's size, where a pixel is not a square as well."""

import numpy as np
import pytest

from lvcnet.data.images import mask_to_working_grid
from lvcnet.frames import frame_of
from lvcnet.masks.metrics import METRICS, image_metrics, surface_metrics


def square(top: int, left: int, side: int = 6, shape: tuple[int, int] = (24, 40)) -> np.ndarray:
    mask = np.zeros((1, 1, *shape), dtype=bool)
    mask[0, 0, top : top + side, left : left + side] = True
    return mask


def disc(radius: float, height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width] + 0.5
    inside: np.ndarray = (x - width / 2) ** 2 + (y - height / 2) ** 2 <= radius**2
    return inside


@pytest.mark.parametrize(
    ("sizes", "down", "right", "expected"),
    [
        ((1.0, 1.0), 0, 12, 12.0),  # far apart: outlines are as far from each other as the squares are moved
        ((4.0, 4.0), 0, 12, 48.0),
        ((1.6, 4.0), 0, 12, 48.0),  # a pixel that is wider than high: along rows its width counts
        ((1.6, 4.0), 12, 0, 19.2),  # and along columns its height
        ((0.5, 0.25), 12, 0, 6.0),  # mm
    ],
)
def test_hd95_of_shifted_squares(sizes: tuple[float, float], down: int, right: int, expected: float) -> None:
    found = surface_metrics(square(2, 2), square(2 + down, 2 + right), np.array([sizes]))
    assert found["hd95"][0, 0] == pytest.approx(expected)


def test_an_empty_mask_is_a_diagonal_away_in_the_unit_of_the_pixel() -> None:
    found = surface_metrics(np.zeros_like(square(2, 2)), square(2, 2), np.array([[0.5, 0.25]]))
    assert found["hd95"][0, 0] == pytest.approx(np.hypot(24 * 0.5, 40 * 0.25))
    assert surface_metrics(*[np.zeros((1, 1, 4, 4), dtype=bool)] * 2, np.array([[3.0, 3.0]]))["assd"] == 0


@pytest.mark.parametrize("size", [0.3, 1.0, 4.015625, 17.3])
def test_square_pixels_of_any_size_change_no_surface_dice(size: float) -> None:
    one, two = square(2, 2), square(3, 4)
    plain, sized = image_metrics(one, two), image_metrics(one, two, sizes=np.full((1, 2), size))
    for name, values in plain.items():
        times = size if METRICS[name].unit else 1
        assert sized[name] == pytest.approx(values * times, rel=1e-5), name


def test_the_tolerance_is_the_longer_side_of_a_pixel() -> None:
    """Moved by 2 rows of 1.5 px: within the 3 px that a pixel is wide, as far as one column."""
    sizes = np.array([[1.5, 3.0]])
    assert surface_metrics(square(2, 2), square(4, 2), sizes)["nsd_1px"] == 1
    assert surface_metrics(square(2, 2), square(2, 4), sizes)["nsd_1px"] < 1


@pytest.mark.parametrize("stretched", [False, True])
def test_a_disc_that_is_drawn_too_large_is_as_far_out_in_the_image_whatever_its_grid(stretched: bool) -> None:
    """Radius 40 instead of 32 in an image of 100 x 300: 8 px everywhere, on squares and on pixels of 1.6 x 4.7."""
    frame = (64, 64) if stretched else frame_of(100, 300, 96)
    one, two = (mask_to_working_grid(disc(radius, 100, 300), frame)[None, None] for radius in (32.0, 40.0))
    sizes = np.array([[100 / frame[0], 300 / frame[1]]])
    found = surface_metrics(one, two, sizes)
    assert found["assd"][0, 0] == pytest.approx(8, abs=1.2)
    assert found["hd95"][0, 0] == pytest.approx(8, abs=4.8)
    on_the_grid = surface_metrics(one, two)
    assert abs(on_the_grid["assd"][0, 0] - 8) > 3


def test_what_is_beyond_an_image_is_cut_off_before_anything_is_measured() -> None:
    """Images of two shapes in one grid, with predictions in the padding: as if each were measured by itself."""
    rng = np.random.default_rng(0)
    masks = rng.random((2, 3, 2, 16, 24)) > 0.5
    frames, sizes = np.array([[16, 10], [7, 24], [16, 10]]), np.array([[2.0, 2.0], [1.0, 1.5], [3.0, 3.0]])
    together = image_metrics(*masks, sizes=sizes, frames=frames)
    for n, (height, width) in enumerate(frames):
        alone = image_metrics(*(one[n : n + 1, :, :height, :width] for one in masks), sizes=sizes[n : n + 1])
        for name, values in alone.items():
            np.testing.assert_allclose(together[name][n], values[0], err_msg=name)


def test_titles_say_the_unit() -> None:
    assert METRICS["assd"].titled("mm") == "ASSD (mm)"
    assert METRICS["hd95"].titled("grid px") == "HD95 (grid px)"
    assert [METRICS[name].titled("mm") for name in ("nsd_1px", "iou")] == [
        "Surface Dice (1 grid px)",
        "IoU (foreground)",
    ]
