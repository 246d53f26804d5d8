"""The estimate of label quality: by hand, and what must hold whatever the numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lvcnet.correction.quality import Evidence, bounds, draws, estimate_quality
from lvcnet.masks.overlap import iou
from tests.correction.conftest import square


def evidence(
    first: float, second: float, mutual: float, labels: float, methods: float, n: int = 4
) -> Evidence:
    """The same of every image and one category."""
    values = [np.full((n, 1), value) for value in (first, second, mutual, labels, methods)]
    return not_moved(*values, shown=np.ones((n, 1), dtype=bool))


def not_moved(*values: NDArray[np.float64], shown: NDArray[np.bool_]) -> Evidence:
    """Of labels that are not displaced."""
    return Evidence(*values, shown, np.zeros(shown.shape), *values[:2])


def test_displacement_and_what_is_left_add_up() -> None:
    """Moved back, labels differ by .2 from themselves and by .1 and .3 from the methods: at least 1 - .2 - .1."""
    parts = [np.full((2, 1), value) for value in (0.3, 0.4, 0.1, 0.0, 1.0)]
    more = [np.full((2, 1), value) for value in (0.2, 0.1, 0.3)]
    found = estimate_quality(Evidence(*parts, np.ones((2, 1), dtype=bool), *more))
    assert found is not None
    assert (found.low, found.high) == (pytest.approx(0.7), pytest.approx(1 - 0.3))


def test_the_odd_one_of_three_bears_the_disagreement() -> None:
    """Predictions agree at .95, with the labels at .75: the excess is (.25 + .25 - .05) / 2 = .225."""
    sure = estimate_quality(evidence(0.25, 0.25, 0.05, 0, 10))
    assert sure is not None
    assert (sure.low, sure.high) == pytest.approx((0.75, 1 - 0.225))
    assert (sure.share, sure.against_labels, sure.images) == (1, 1, 4)
    half = estimate_quality(evidence(0.25, 0.25, 0.05, 1, 3))
    assert half is not None
    assert (half.low, half.high) == pytest.approx((0.75, 1 - 0.75 * 0.225))


def test_edges_on_the_side_of_the_labels_acquit_them() -> None:
    """Edges give a fifth to the methods: at most a fifth of the nearer method's disagreement is the labels' fault."""
    found = estimate_quality(evidence(0.2, 0.1, 0.1, 4, 1))
    assert found is not None
    assert (found.low, found.high) == pytest.approx((1 - 0.2 * 0.1, 1))
    assert found.against_labels == 0


def test_undecided_edges_leave_all_open() -> None:
    found = estimate_quality(evidence(0.2, 0.2, 0.0, 0, 0))
    assert found is not None
    assert (found.low, found.high, found.share) == (pytest.approx(0.8), 1, None)


def test_images_that_show_nothing_do_not_count() -> None:
    one, two = evidence(0.25, 0.25, 0.05, 0, 10, n=2), evidence(0, 0, 0, 0, 0, n=2)
    mixed = Evidence(
        *(np.concatenate(pair) for pair in zip(vars(one).values(), vars(two).values(), strict=True))
    )
    mixed.shown[2:] = False
    found = estimate_quality(mixed)
    assert found is not None
    assert (found.low, found.high, found.images) == (pytest.approx(0.75), pytest.approx(0.775), 2)
    mixed.shown[:] = False
    assert estimate_quality(mixed) is None


def of_masks(label: NDArray[np.bool_], first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Evidence:
    """Of (N, C, H, W) masks, with edges that lie on the methods' side."""
    there = (label != first).sum((2, 3)).astype(float)
    parts = (1 - iou(label, first), 1 - iou(label, second), 1 - iou(first, second), 0 * there, there)
    return not_moved(*parts, shown=label.any((2, 3)))


def test_identical_masks_are_as_good_as_can_be() -> None:
    same = np.tile(square(), (3, 2, 1, 1))
    found = estimate_quality(of_masks(same, same, same))
    assert found is not None
    assert (found.estimate, found.low, found.high) == (1, 1, 1)


def test_right_methods_and_edges_give_the_true_iou() -> None:
    """8 x 8 squares, drawn 1 px too far right: IoU 56 / 72 with the truth, which both methods found."""
    true, drawn = np.tile(square(), (3, 1, 1, 1)), np.tile(square(left=5), (3, 1, 1, 1))
    found = estimate_quality(of_masks(drawn, true, true))
    assert found is not None
    assert (found.low, found.high) == (pytest.approx(56 / 72), pytest.approx(56 / 72))


share = st.floats(0, 1)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(share, share, share, share, share), min_size=1, max_size=6), st.integers(0, 5))
def test_the_interval_is_an_interval(rows: list[tuple[float, ...]], seed: int) -> None:
    parts = [np.array(values)[:, None] for values in zip(*rows, strict=True)]
    parts[2] = np.clip(parts[2], abs(parts[0] - parts[1]), parts[0] + parts[1])  # a metric
    known = not_moved(*parts, shown=np.ones((len(rows), 1), dtype=bool))
    low, high, _ = bounds(known, draws(len(rows), seed, 50))
    assert (low <= high + 1e-12).all()
    found = estimate_quality(known, seed)
    assert found is not None
    assert -1e-9 <= found.low <= found.estimate + 1e-9 <= found.high + 2e-9 <= 1 + 3e-9
    assert found == estimate_quality(known, seed)
