"""Overlays, worked out by hand on 4 x 4 pixels."""

import numpy as np
import pytest

from lvcnet.drawing import overlays
from lvcnet.drawing.palette import (
    CATEGORY_COLOURS,
    DIRECTION_COLOURS,
    LABEL_COLOURS,
    category_colours,
    method_colour,
    rgb,
)
from lvcnet.methods import METHODS, method_title

SQUARE = np.array([[0, 0, 0, 0], [0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1]], dtype=bool)


def test_floats_are_scaled_and_clipped_and_bytes_kept() -> None:
    grey = overlays.to_rgb(np.array([[-1.0, 0.0, 0.5, 1.0, 2.0]]))
    assert grey.dtype == np.uint8
    assert grey[0].tolist() == [[0, 0, 0], [0, 0, 0], [128, 128, 128], [255, 255, 255], [255, 255, 255]]
    assert overlays.to_rgb(np.array([[7]], dtype=np.uint8)).tolist() == [[[7, 7, 7]]]


def test_the_outline_is_the_inner_rim_and_closes_at_the_images_edge() -> None:
    rim = SQUARE.copy()
    rim[2, 2] = False
    assert np.array_equal(overlays.outline(SQUARE), rim)
    assert np.array_equal(overlays.outline(SQUARE, thickness=2), SQUARE)
    assert not overlays.outline(np.zeros((4, 4), dtype=bool)).any()


def test_paint_mixes_by_opacity_and_leaves_its_input_alone() -> None:
    picture = np.full((4, 4, 3), 100, dtype=np.uint8)
    painted = overlays.paint(picture, SQUARE, "#C8000A", opacity=0.25)
    assert painted[1, 1].tolist() == [125, 75, 78]  # .75 * 100 + .25 * (200, 0, 10), half to even
    assert painted[0, 0].tolist() == [100, 100, 100]
    assert (picture == 100).all()
    assert np.array_equal(overlays.paint(picture, SQUARE, "#FFFFFF", opacity=0.0), picture)


def test_masks_tint_areas_and_draw_solid_outlines() -> None:
    picture = overlays.masks_over(np.zeros((4, 4)), SQUARE[None], ["#0000FF"], opacity=0.4, line=1)
    assert picture[1, 1].tolist() == [0, 0, 255]
    assert picture[2, 2].tolist() == [0, 0, 102]
    assert picture[0, 0].tolist() == [0, 0, 0]


def test_overlapping_categories_mix_in_order() -> None:
    masks = np.stack([SQUARE, SQUARE])
    picture = overlays.masks_over(np.zeros((4, 4)), masks, ["#FF0000", "#0000FF"], opacity=0.5, line=0)
    assert picture[2, 2].tolist() == [64, 0, 128]


def test_a_missing_colour_is_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        overlays.masks_over(np.zeros((4, 4)), SQUARE[None], [])


def test_errors_show_missed_extra_and_the_true_outline() -> None:
    truth, prediction = np.zeros((2, 4, 4), dtype=bool)
    truth[1:4, 0:3] = True
    prediction[2, 1:4] = True
    picture = overlays.errors_over(np.zeros((4, 4)), prediction, truth, opacity=1.0)
    assert picture[2, 3].tolist() == list(rgb(LABEL_COLOURS["extra"]))
    assert picture[2, 1].tolist() == [0, 0, 0]  # found and inside: neither tinted nor outline
    assert picture[1, 0].tolist() == list(rgb(LABEL_COLOURS["clean"]))
    missed = overlays.errors_over(np.zeros((4, 4)), np.zeros((4, 4), dtype=bool), truth, opacity=1.0)
    assert missed[2, 1].tolist() == list(rgb(LABEL_COLOURS["missed"]))


def test_heat_runs_from_black_to_its_top() -> None:
    low, middle, high, beyond = overlays.heat(np.array([[0.0, 0.5, 1.0, 5.0]]), highest=1.0)[0].astype(int)
    assert low.sum() < middle.sum() < high.sum()
    assert high.tolist() == beyond.tolist()
    assert (overlays.heat(np.zeros((2, 2))) == overlays.heat(np.zeros((2, 2)), 1.0)).all()


def test_directions_have_the_colour_of_their_angle_and_the_brightness_of_their_length() -> None:
    four = [[2.0, 0.0], [0.0, 2.0], [-2.0, 0.0], [0.0, -2.0]]
    picture = overlays.directions(np.array([*four, [0.0, 0.0], [1.0, 0.0]]).T.reshape(2, 1, 6))[0]
    assert picture[:4].tolist() == [list(rgb(colour)) for colour in DIRECTION_COLOURS]
    assert picture[4:].tolist() == [[0, 0, 0], [round(value / 2) for value in rgb(DIRECTION_COLOURS[0])]]
    between = overlays.directions(np.array([1.0, 1.0]).reshape(2, 1, 1))[0, 0].astype(int)
    assert between == pytest.approx(np.mean([rgb(colour) for colour in DIRECTION_COLOURS[:2]], axis=0), abs=1)


def test_the_wheel_shows_each_direction_where_it_points() -> None:
    wheel = overlays.direction_wheel(101)
    edges = [wheel[50, 100], wheel[100, 50], wheel[50, 0], wheel[0, 50]]
    for found, colour in zip(edges, DIRECTION_COLOURS, strict=True):
        assert found[:3].astype(int) == pytest.approx(np.array(rgb(colour)), abs=4)
    assert (wheel[50, 50].tolist(), wheel[0, 0, 3]) == ([0, 0, 0, 255], 0)


def test_small_pictures_grow_by_a_whole_factor_and_large_ones_shrink() -> None:
    small = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    grown = overlays.fit(small, smallest=5)
    assert grown.shape == (6, 6, 3)
    assert (grown[:3, 3:] == small[0, 1]).all()
    assert overlays.fit(np.zeros((300, 100, 3), dtype=np.uint8), largest=150).shape == (150, 50, 3)
    assert overlays.fit(np.zeros((600, 600, 3), dtype=np.uint8)).shape == (600, 600, 3)


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    parts = [value / 255 for value in rgb(colour)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2."""
    bright, dark = sorted([luminance(one), luminance(other)], reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("method", [*METHODS.own, "coteaching", "gce", "unet network=segnet"])
@pytest.mark.parametrize("ground", ["#FFFFFF", "#0F141A"])
def test_method_colours_are_readable_in_both_themes(method: str, ground: str) -> None:
    assert contrast(method_colour(method), ground) >= 3.0


@pytest.mark.parametrize("colour", [*CATEGORY_COLOURS, *LABEL_COLOURS.values()])
def test_label_colours_stand_out_on_dark_radiographs(colour: str) -> None:
    assert contrast(colour, "#202020") >= 3.0


def test_names_and_colours_of_methods_are_stable() -> None:
    assert method_title("lvcnet") == "LVC-Net"
    assert method_title("co-teaching") == "Co teaching"
    assert len({method_colour(name) for name in METHODS.own}) == len(METHODS.own)
    assert category_colours(7)[6] == category_colours(7)[0]
