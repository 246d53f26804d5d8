"""The preview of a level: what the label set made with the same settings holds."""

import numpy as np
import pytest

from lvcnet.data.dataset import CLEAN, Dataset, LabelSet
from lvcnet.errors import LvcnetError
from lvcnet.noise.calibrate import make_noisy_labels, quality_of
from lvcnet.noise.levels import LEVEL_TARGETS
from lvcnet.noise.preview import preview
from tests.noise.helpers import make_dataset


@pytest.fixture
def dataset() -> Dataset:
    return make_dataset([f"i{number}" for number in range(12)])


@pytest.mark.parametrize("family", ["polygon", "shift"])
def test_an_estimate_on_all_images_is_what_the_label_set_gets(dataset: Dataset, family: str) -> None:
    made = make_noisy_labels(dataset, 3, family=family, seed=4)
    key = dataset.items[5].key
    shown = preview(dataset, key, 3, family, seed=4)
    assert not shown.exact
    assert shown.strength == made.manifest["strength"]  # 12 images are fewer than a sample
    np.testing.assert_array_equal(shown.masks, made.masks[5])


def test_the_strength_of_a_label_set_with_the_same_settings_is_used(dataset: Dataset) -> None:
    made = make_noisy_labels(dataset, 2)
    made.manifest["strength"] = 0.0
    dataset.add_labels(made)
    shown = preview(dataset, "i1", 2)
    assert (shown.exact, shown.strength, shown.unit) == (True, 0.0, "px")
    np.testing.assert_array_equal(shown.masks, dataset.labels(CLEAN).masks[1])
    assert not preview(dataset, "i1", 2, seed=1).exact
    assert not preview(dataset, "i1", 3).exact
    clean = dataset.labels(CLEAN)
    dataset.add_labels(
        LabelSet(CLEAN, clean.masks[..., ::-1].copy(), clean.covered)
    )  # other data: another strength
    assert not preview(dataset, "i1", 2).exact


def test_stronger_levels_agree_less(dataset: Dataset) -> None:
    clean = dataset.labels(CLEAN).masks[:1]
    ious = [quality_of(clean, preview(dataset, "i0", level).masks[None]).mean_iou for level in LEVEL_TARGETS]
    assert ious == sorted(ious, reverse=True)


def test_what_cannot_be_shown_is_explained(dataset: Dataset) -> None:
    covered = np.ones(12, dtype=bool)
    covered[0] = False
    dataset.add_labels(LabelSet(CLEAN, dataset.labels(CLEAN).masks, covered))
    with pytest.raises(LvcnetError, match="no clean label"):
        preview(dataset, "i0", 1)
    with pytest.raises(LvcnetError, match="noise level 9"):
        preview(dataset, "i1", 9)
    with pytest.raises(LvcnetError, match="leave bias at 0"):
        preview(dataset, "i1", 1, "drop", bias=1.0)
