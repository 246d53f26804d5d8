"""Two annotators, on squares worked out by hand."""

import numpy as np
import pytest

from lvcnet.correction.agreement import agreement
from lvcnet.data.dataset import Dataset, LabelSet
from lvcnet.errors import LvcnetError
from tests.correction.conftest import square


def test_one_pixel_to_the_right(make_squares) -> None:
    found = agreement(make_squares(), "clean", "second")
    assert found["images"] == 12, "test images are covered by one of the two only"
    assert found["dice"] == {"mean": pytest.approx(7 / 8), "sd": pytest.approx(0)}
    assert found["iou"]["mean"] == pytest.approx(56 / 72)
    assert found["distance_px"]["mean"] == pytest.approx(0.5)
    assert found["area_bias"] == 0
    assert found["per_category"]["square"]["dice"]["mean"] == pytest.approx(7 / 8)


def add_third(dataset: Dataset) -> None:
    """An annotator who draws image 3 two pixels larger, overlooks image 5 and skips image 8."""
    masks = dataset.labels("second").masks.copy()
    masks[3], masks[5], masks[8] = square(5, 4, 10), False, False
    dataset.add_labels(LabelSet("third", masks, np.arange(len(dataset)) % 14 != 8))


def test_worst_first_with_signed_area_bias(make_squares) -> None:
    dataset = make_squares(test=0)
    add_third(dataset)
    found = agreement(dataset, "second", "third")
    assert found["images"] == 11
    worst, next_one, *rest = found["per_image"]
    assert (worst["key"], worst["dice"], worst["area_bias"]) == ("image-5", 0.0, -1.0)
    assert (next_one["key"], next_one["dice"]) == ("image-3", pytest.approx(128 / 164))
    assert next_one["area_bias"] == pytest.approx(36 / 64)
    assert all(row["dice"] == 1 and row["area_bias"] == 0 for row in rest)
    assert found["area_bias"] == pytest.approx((36 / 64 - 1) / 11)


def test_where_the_first_drew_nothing_there_is_no_area_bias(make_squares) -> None:
    dataset = make_squares(test=0)
    add_third(dataset)
    row = agreement(dataset, "third", "second")["per_image"][0]
    assert (row["key"], row["dice"], row["area_bias"]) == ("image-5", 0.0, None)


def test_two_label_sets_with_common_images_are_needed(make_squares) -> None:
    dataset = make_squares()
    with pytest.raises(LvcnetError, match="agrees with itself"):
        agreement(dataset, "clean", "clean")
    with pytest.raises(LvcnetError, match="no image of test"):
        agreement(dataset, "clean", "second", "test")
