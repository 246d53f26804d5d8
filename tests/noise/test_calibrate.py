"""Calibration meets its targets, touches no test label, and its draws depend on keys alone."""

from typing import Any

import numpy as np
import pytest

from lvcnet.data.dataset import CLEAN, Dataset, LabelSet
from lvcnet.errors import LvcnetError
from lvcnet.noise import create_family
from lvcnet.noise.calibrate import (
    TOLERANCE,
    Setting,
    calibrate,
    check_setting,
    default_name,
    make_noisy_labels,
    quality_of,
)
from lvcnet.noise.levels import LEVEL_TARGETS, target_of
from tests.noise.helpers import make_dataset, shapes


def setting(**changes: object) -> Setting:
    values: dict[str, object] = {"family": create_family("polygon"), "seed": 0, "level": 3, "target": 0.82}
    return Setting(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("level", LEVEL_TARGETS)
def test_polygon_reaches_every_level(dataset: Dataset, level: int) -> None:
    labels = make_noisy_labels(dataset, level)
    clean, train = dataset.labels(CLEAN).masks, dataset.indices("train")
    both = (clean & labels.masks)[train].sum(axis=(2, 3))
    either = (clean | labels.masks)[train].sum(axis=(2, 3))
    assert abs((both / either).mean() - LEVEL_TARGETS[level]) <= TOLERANCE
    assert labels.name == f"level{level}"
    assert labels.manifest["mean_iou"] == pytest.approx((both / either).mean())
    assert labels.manifest["sd_iou"] == pytest.approx((both / either).std())


def test_level_5_is_reached_on_structures_of_a_few_pixels_and_refused_where_it_cannot_be() -> None:
    """Discs of 3 to 5 pixels radius; the tightest box of the family leaves IoU .64 of them."""
    down, across = np.mgrid[:64, :64]
    far = (down - 32) ** 2 + (across - 30) ** 2
    discs = np.stack([far <= radius**2 for radius in (3, 4, 5) for _ in range(8)])[:, None]
    keys = [f"disc{number}" for number in range(len(discs))]
    strength, _ = calibrate(setting(level=5, target=0.60), discs, keys)
    noisy = np.stack(
        [
            setting(level=5, target=0.60).corrupt(mask, key, strength)
            for mask, key in zip(discs, keys, strict=True)
        ]
    )
    assert abs(quality_of(discs, noisy).mean_iou - 0.60) <= TOLERANCE
    with pytest.raises(LvcnetError, match=r"box cannot reach a mean IoU of 0\.6 here"):
        calibrate(setting(family=create_family("box"), level=5, target=0.60), discs, keys)


@pytest.mark.parametrize("family", ["morphology", "shift", "markov", "box", "drop"])
def test_other_families_reach_a_target(dataset: Dataset, family: str) -> None:
    labels = make_noisy_labels(dataset, 2, family=family)
    assert abs(labels.manifest["mean_iou"] - 0.90) <= TOLERANCE
    assert labels.name == f"level2-{family}"


def test_manifest_tells_where_the_labels_come_from(dataset: Dataset) -> None:
    manifest = make_noisy_labels(dataset, target_iou=0.85, seed=7, bias=0.5, fraction=0.8).manifest
    expected = {
        "kind": "noise",
        "family": "polygon",
        "level": None,
        "target_iou": 0.85,
        "unit": "px",
        "seed": 7,
        "bias": 0.5,
        "fraction": 0.8,
        "calibrated_on": 60,
        "include_test": False,
        "dataset": "shapes",
        "fingerprint": dataset.fingerprint(),
    }
    assert {key: manifest[key] for key in expected} == expected
    assert manifest["area_change"] > 0
    assert manifest["strength"] > 0
    assert manifest["iterations"] >= 1


def test_noise_replaces_noise_and_nothing_else() -> None:
    dataset = make_dataset([f"i{number}" for number in range(6)])
    clean = dataset.labels(CLEAN)
    dataset.add_labels(LabelSet("level4-shift", clean.masks, clean.covered, {"kind": "noise"}))
    dataset.add_labels(make_noisy_labels(dataset, 4, family="shift"))
    assert dataset.manifest("level4-shift")["level"] == 4
    dataset.add_labels(LabelSet("level2", clean.masks, clean.covered, {"kind": "import"}))
    with pytest.raises(
        LvcnetError, match=r"'level2' .* is not noise, and noise of that name would replace it"
    ):
        make_noisy_labels(dataset, 2)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ((None, 0.9, "polygon", 0, 0, 1), "target0.9"),
        ((1, None, "polygon", 0, -0.5, 1), "level1-shrink0.5"),
        ((1, None, "shift", 0, 1, 0.5), "level1-shift-grow1-fraction0.5"),
    ],
)
def test_names_keep_variants_apart(given: tuple[Any, ...], name: str) -> None:
    assert default_name(check_setting(*given)) == name


def test_a_name_can_be_given(dataset: Dataset) -> None:
    assert make_noisy_labels(dataset, 1, name="sloppy").name == "sloppy"


def test_noise_never_touches_test_labels(dataset: Dataset) -> None:
    labels = make_noisy_labels(dataset, 3)
    test = dataset.indices("test")
    assert not labels.covered[test].any()
    assert not labels.masks[test].any()
    assert labels.covered[dataset.indices("train")].all()


def test_include_test_applies_the_same_strength_there(dataset: Dataset) -> None:
    plain, both = make_noisy_labels(dataset, 3), make_noisy_labels(dataset, 3, include_test=True)
    train, test = dataset.indices("train"), dataset.indices("test")
    assert both.covered.all()
    assert both.manifest["strength"] == plain.manifest["strength"]
    np.testing.assert_array_equal(plain.masks[train], both.masks[train])
    quality = quality_of(dataset.labels(CLEAN).masks[test], both.masks[test])
    assert quality.mean_iou == pytest.approx(0.82, abs=0.05)


def test_noise_of_an_image_depends_on_its_key_alone() -> None:
    few, many = make_dataset(["a", "b", "c"]), make_dataset(["new", "c", "b", "more", "a"])
    for key in ("a", "b", "c"):
        one, other = (
            setting().corrupt(data.labels(CLEAN).masks[data.index(key)], key, 3.0) for data in (few, many)
        )
        np.testing.assert_array_equal(one, other)


def test_order_of_images_changes_nothing() -> None:
    keys = [f"image{number}" for number in range(12)]
    forward, backward = (
        make_noisy_labels(make_dataset(keys), 3),
        make_noisy_labels(make_dataset(keys[::-1]), 3),
    )
    assert forward.manifest["strength"] == pytest.approx(backward.manifest["strength"], rel=1e-9)
    np.testing.assert_array_equal(forward.masks, backward.masks[::-1])


def test_seed_level_image_and_category_have_their_own_draws() -> None:
    mask = shapes("a")[0]
    twice = np.stack([mask, mask])
    base = setting().corrupt(twice, "a", 3.0)
    assert (base[0] != base[1]).any()
    for other, key in ((setting(seed=1), "a"), (setting(level=4), "a"), (setting(), "b")):
        assert (other.corrupt(twice, key, 3.0)[0] != base[0]).any()


def test_category_without_foreground_stays_empty_and_does_not_count() -> None:
    masks = shapes("a")
    masks[1] = False
    noisy = setting().corrupt(masks, "a", 3.0)
    assert noisy[0].any()
    assert not noisy[1].any()
    assert quality_of(masks[None], noisy[None]).count == 1


def test_fraction_is_keyed_by_image_and_shared_by_levels() -> None:
    keys = [f"image{number}" for number in range(400)]
    chosen = [setting(fraction=0.3).affects(key) for key in keys]
    assert np.mean(chosen) == pytest.approx(0.3, abs=0.07)
    assert chosen == [setting(fraction=0.3, level=1).affects(key) for key in keys]
    wider = [setting(fraction=0.6).affects(key) for key in keys]
    assert all(late for early, late in zip(chosen, wider, strict=True) if early)


def test_fraction_leaves_the_other_images_clean(dataset: Dataset) -> None:
    labels = make_noisy_labels(dataset, 2, fraction=0.5)
    clean = dataset.labels(CLEAN).masks
    for row in dataset.indices("train"):
        affected = setting(fraction=0.5).affects(dataset.items[row].key)
        assert (labels.masks[row] != clean[row]).any() == affected


def test_quality_by_hand() -> None:
    clean, noisy = np.zeros((1, 2, 4, 4), bool), np.zeros((1, 2, 4, 4), bool)
    clean[0, 0, :2], noisy[0, 0, 1:3] = True, True  # rows 0-1 against 1-2: IoU 4/12, same area
    clean[0, 1, 0], noisy[0, 1, :2] = True, True  # row 0 against 0-1: IoU 4/8, area doubled
    quality = quality_of(clean, noisy)
    assert quality.mean_iou == pytest.approx((1 / 3 + 1 / 2) / 2)
    assert quality.sd_iou == pytest.approx(1 / 12)
    assert quality.area_change == pytest.approx(0.5)


def test_unreachable_target_says_what_is_reached(dataset: Dataset) -> None:
    with pytest.raises(
        LvcnetError, match=r"box cannot reach a mean IoU of 0.1 here: it reaches 0\.\d+ to 1.000"
    ):
        make_noisy_labels(dataset, target_iou=0.1, family="box")


def test_jumping_family_says_so() -> None:
    """With one object, `drop` gives IoU 1 or 0 and nothing in between."""
    clean = shapes("a")[None, 1:]
    with pytest.raises(LvcnetError, match=r"drop jumps from mean IoU 1\.000 to 0\.000"):
        calibrate(setting(family=create_family("drop")), clean, ["a"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "either a noise level or a target"),
        ({"level": 3, "target_iou": 0.8}, "either a noise level or a target"),
        ({"level": 6}, "noise level 6 does not exist: choose one of 1, 2, 3, 4, 5"),
        ({"target_iou": 1.0}, "target IoU 1 is out of range"),
        ({"target_iou": 0.0}, "target IoU 0 is out of range"),
        ({"level": 1, "bias": 2.0}, "bias 2 is out of range"),
        ({"level": 1, "fraction": 0.0}, "fraction 0 is out of range"),
        ({"level": 1, "family": "box", "bias": 0.5}, "box has its own direction"),
        ({"level": 1, "family": "scribble"}, "'scribble' does not exist"),
        ({"level": 1, "seed": -1}, "seed -1 is negative"),
    ],
)
def test_bad_arguments(dataset: Dataset, arguments: dict[str, float], message: str) -> None:
    with pytest.raises(LvcnetError, match=message):
        make_noisy_labels(dataset, **arguments)  # type: ignore[arg-type]


def test_empty_training_masks_are_refused() -> None:
    empty = make_dataset(["a"])
    empty.add_labels(LabelSet(CLEAN, np.zeros_like(empty.labels(CLEAN).masks), np.ones(1, bool)))
    with pytest.raises(LvcnetError, match="no training image with clean foreground"):
        make_noisy_labels(empty, 1)


def test_targets_are_the_protocols() -> None:
    assert [target_of(level) for level in (1, 2, 3, 4, 5)] == [0.96, 0.90, 0.82, 0.72, 0.60]


def test_ignored_pixels_are_left_out_when_the_strength_is_chosen(dataset: Dataset) -> None:
    """The lower half of every image is ignored: what is left must meet the target all the same."""
    clean = dataset.labels(CLEAN)
    ignored = np.zeros_like(clean.masks)
    ignored[..., clean.masks.shape[-1] // 2 :, :] = True
    dataset.add_labels(LabelSet(CLEAN, clean.masks & ~ignored, clean.covered, {}, ignored))
    labels = make_noisy_labels(dataset, 3, family="shift")
    rows = dataset.indices("train")
    assert quality_of(dataset.labels(CLEAN).masks[rows], labels.masks[rows]).mean_iou == pytest.approx(
        0.82, abs=0.005
    )
