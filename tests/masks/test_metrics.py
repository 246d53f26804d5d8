"""Metrics: values worked out by hand, properties, and agreement with brute force."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from lvcnet.errors import LvcnetError
from lvcnet.masks.metrics import METRICS, boundary_iou, image_metrics

masks_8x8 = arrays(bool, (1, 2, 8, 8))


def rectangle(size: int, top: int, left: int, height: int, width: int) -> np.ndarray:
    mask = np.zeros((1, 1, size, size), dtype=bool)
    mask[..., top : top + height, left : left + width] = True
    return mask


def single(predicted: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    return {name: float(value[0, 0]) for name, value in image_metrics(predicted, reference).items()}


def blobs(count: int, size: int = 48) -> np.ndarray:
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:size, :size]
    result = np.zeros((count, 1, size, size), dtype=bool)
    for mask in result[:, 0]:
        for _ in range(3):
            cy, cx, ry, rx = rng.uniform(0.2, 0.8, 4) * size * [1, 1, 0.3, 0.3]
            mask |= ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1
    return result


def outline_by_loop(mask: np.ndarray) -> np.ndarray:
    """(K, 2) rows and columns of a mask (H, W)'s pixels that have a 4-neighbour outside the mask or the image."""
    padded = np.pad(mask, 1)
    return np.array(
        [
            (y - 1, x - 1)
            for y, x in np.argwhere(padded)
            if not (padded[y - 1, x] and padded[y + 1, x] and padded[y, x - 1] and padded[y, x + 1])
        ]
    )


def test_overlap_of_two_rectangles_by_hand() -> None:
    # 3x4 and 3x4 pixels, shifted by one column: 9 common, 3 + 3 apart, 64 - 15 = 49 outside both
    values = single(rectangle(8, 2, 2, 3, 4), rectangle(8, 2, 3, 3, 4))
    assert values["precision"] == pytest.approx(9 / 12)
    assert values["recall"] == pytest.approx(9 / 12)
    assert values["iou"] == pytest.approx(9 / 15)
    assert values["dice"] == pytest.approx(18 / 24)
    assert values["miou"] == pytest.approx((9 / 15 + 49 / 55) / 2)


def test_precision_and_recall_are_not_confused() -> None:
    # the prediction is the left half of the reference
    values = single(rectangle(8, 2, 2, 4, 2), rectangle(8, 2, 2, 4, 4))
    assert values["precision"] == 1.0
    assert values["recall"] == 0.5


def test_outline_is_the_ring_by_hand() -> None:
    # the ring of a 3x3 square around its centre pixel: 4 px at 1, 4 at the root of 2; back 1
    values = single(rectangle(7, 2, 2, 3, 3), rectangle(7, 3, 3, 1, 1))
    assert values["nsd_1px"] == pytest.approx(5 / 9)
    assert values["assd"] == pytest.approx((4 + 4 * 2**0.5 + 1) / 9)


def test_outline_looks_at_four_neighbours() -> None:
    # the centre of a plus has its 4 neighbours inside and its diagonal ones outside: it is not part of the outline
    plus = rectangle(7, 3, 2, 1, 3) | rectangle(7, 2, 3, 3, 1)
    values = single(plus, rectangle(7, 3, 3, 1, 1))
    assert (values["nsd_1px"], values["assd"]) == (1.0, 1.0)


def test_outline_includes_the_image_border() -> None:
    # a full 5x5 image and its centre: 16 px of border, of which 4 lie at 2, 8 at root 5, 4 at root 8; back 2
    values = single(np.ones((1, 1, 5, 5), dtype=bool), rectangle(5, 2, 2, 1, 1))
    assert values["nsd_2px"] == pytest.approx(5 / 17)
    assert values["assd"] == pytest.approx((4 * 2 + 8 * 5**0.5 + 4 * 8**0.5 + 2) / 17)


def test_boundary_iou_by_hand() -> None:
    # 2 % of the diagonal of 32 x 32 is 0.9, so the bands are one pixel wide: rings of 20 px around 6 x 6 squares,
    # one column apart. They share 5 px of the top row and 5 of the bottom row: 10 of 20 + 20 - 10.
    first, second = rectangle(32, 2, 2, 6, 6), rectangle(32, 2, 3, 6, 6)
    assert float(boundary_iou(first, second)[0, 0]) == pytest.approx(10 / 30)


def test_boundary_iou_band_is_four_pixels_at_128() -> None:
    # a 40 x 40 square against itself with a hole of 32 x 32: the bands of 4 px coincide only on the outside
    square, holed = rectangle(128, 20, 20, 40, 40), rectangle(128, 20, 20, 40, 40)
    holed[..., 24:56, 24:56] = False
    assert float(boundary_iou(square, holed)[0, 0]) == 1.0
    holed[..., 23:57, 23:57] = False
    assert float(boundary_iou(square, holed)[0, 0]) == pytest.approx((40**2 - 34**2) / (40**2 - 32**2))


def test_surface_metrics_of_two_points_by_hand() -> None:
    values = single(rectangle(16, 3, 3, 1, 1), rectangle(16, 3, 5, 1, 1))
    assert (values["nsd_1px"], values["nsd_2px"]) == (0.0, 1.0)
    assert (values["hd95"], values["assd"]) == (2.0, 2.0)


def test_surface_metrics_of_lines_by_hand() -> None:
    # 1x1 at x = 0 against 1x4 at x = 0..3: there 0; back 0, 1, 2, 3
    values = single(rectangle(16, 3, 0, 1, 1), rectangle(16, 3, 0, 1, 4))
    assert values["nsd_1px"] == pytest.approx(3 / 5)
    assert values["nsd_2px"] == pytest.approx(4 / 5)
    assert values["assd"] == pytest.approx(6 / 5)
    assert values["hd95"] == pytest.approx(
        2.85
    )  # 95 % of the way from 0 to 3, linear between order statistics


@pytest.mark.parametrize("swap", [False, True])
def test_one_empty_mask_scores_zero_and_the_diagonal(swap: bool) -> None:
    pair = [rectangle(6, 1, 1, 2, 2), np.zeros((1, 1, 6, 6), dtype=bool)]
    values = single(*(reversed(pair) if swap else pair))
    for name in ("precision", "recall", "iou", "dice", "boundary_iou", "nsd_1px", "nsd_2px"):
        assert values[name] == 0.0, name
    assert values["miou"] == pytest.approx((0 + 32 / 36) / 2)
    assert values["hd95"] == values["assd"] == pytest.approx(6 * 2**0.5)


@pytest.mark.filterwarnings("error")
def test_empty_masks_do_not_move_or_change_the_others() -> None:
    # every combination of empty and not in one batch (2, 2) gives what each pair gives alone, without MONAI's warnings
    empty, left, right = rectangle(8, 0, 0, 0, 0), rectangle(8, 1, 1, 3, 3), rectangle(8, 2, 3, 4, 4)
    pairs = [(left, empty), (left, right), (empty, empty), (empty, right)]
    first = np.concatenate([pair[0] for pair in pairs]).reshape(2, 2, 8, 8)
    second = np.concatenate([pair[1] for pair in pairs]).reshape(2, 2, 8, 8)
    together = image_metrics(first, second)
    for index, pair in enumerate(pairs):
        assert {name: float(value.flat[index]) for name, value in together.items()} == single(*pair)


@pytest.mark.parametrize("fill", [False, True])
def test_equal_empty_and_equal_full_masks_are_perfect(fill: bool) -> None:
    mask = np.full((1, 1, 5, 6), fill)
    assert single(mask, mask) == {name: 0.0 if METRICS[name].lower_is_better else 1.0 for name in METRICS}


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(LvcnetError, match=r"\(N, C, H, W\)"):
        image_metrics(np.zeros((1, 1, 4, 4), dtype=bool), np.zeros((1, 1, 4, 5), dtype=bool))


@given(masks_8x8, masks_8x8)
@settings(max_examples=60, deadline=None)
def test_ranges_and_symmetry(first: np.ndarray, second: np.ndarray) -> None:
    there, back = image_metrics(first, second), image_metrics(second, first)
    for name, values in there.items():
        upper = 8 * 2**0.5 if METRICS[name].lower_is_better else 1.0
        assert values.shape == (1, 2)
        assert (values >= 0).all()
        assert (values <= upper + 1e-9).all()
        if name not in ("precision", "recall"):
            np.testing.assert_allclose(values, back[name], rtol=1e-5)  # MONAI's single precision
    np.testing.assert_allclose(there["precision"], back["recall"])
    np.testing.assert_allclose(there["dice"], 2 * there["iou"] / (1 + there["iou"]))


@given(masks_8x8)
@settings(max_examples=30, deadline=None)
def test_identity(mask: np.ndarray) -> None:
    for name, values in image_metrics(mask, mask).items():
        assert (values == (0.0 if METRICS[name].lower_is_better else 1.0)).all()


@pytest.mark.parametrize("touching", [False, True])
def test_surface_metrics_agree_with_brute_force(touching: bool) -> None:
    first, second = blobs(4), blobs(5)[1:]
    if touching:
        first, second = first[..., 16:40, 10:44], second[..., 16:40, 10:44]
        assert first[..., 0, :].any(), "the cut must leave masks that touch the border"
    values = image_metrics(first, second)
    for n in range(len(first)):
        a, b = outline_by_loop(first[n, 0]), outline_by_loop(second[n, 0])
        table = np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))
        there, back = table.min(1), table.min(0)
        both = np.concatenate([there, back])
        expected = {
            "nsd_1px": (both <= 1).mean(),
            "nsd_2px": (both <= 2).mean(),
            "hd95": max(np.percentile(there, 95), np.percentile(back, 95)),
            "assd": both.mean(),
        }
        for name, value in expected.items():
            assert values[name][n, 0] == pytest.approx(value, rel=1e-5), name  # MONAI's single precision


def test_importing_the_metrics_does_not_import_monai() -> None:
    # it takes seconds, and `lvcnet --help` and the lab import the metrics for their names
    code = "import sys, lvcnet.masks.metrics; sys.exit('monai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
