"""The protocol: averages by hand, the rounds, and what a run's evaluation checks."""

import json
from dataclasses import replace

import numpy as np
import pytest

from lvcnet import formats
from lvcnet.data.dataset import Dataset, LabelSet
from lvcnet.data.summary import iou_to_clean
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.protocol import _covered_rows, evaluate_masks, evaluate_run, label_iou, random_rounds
from lvcnet.evaluation.robustness import area_under_curve, best_last_gap, retention, share, step_seconds
from lvcnet.masks.metrics import METRICS


def test_means_are_over_images_and_categories_by_hand() -> None:
    reference = np.ones((2, 2, 4, 4), dtype=bool)
    predicted = reference.copy()
    predicted[0, 0, 2:] = False  # IoU 1/2, the other three 1
    result = evaluate_masks(predicted, reference, ["a", "b"], ["left", "right"])
    assert result["iou"] == pytest.approx(0.875)
    assert result["per_category"]["left"]["iou"] == pytest.approx(0.75)
    assert result["per_category"]["right"]["iou"] == 1.0
    assert [(row["key"], row["iou"]) for row in result["per_image"]] == [("a", 0.75), ("b", 1.0)]


def test_images_without_a_category_do_not_hide_that_it_is_never_found() -> None:
    reference = np.zeros((4, 2, 4, 4), dtype=bool)
    reference[0, 0] = True
    result = evaluate_masks(np.zeros_like(reference), reference, list("abcd"), ["rare", "never"])
    assert result["per_category"]["rare"]["iou"] == 0.75
    assert result["shown"] == {"rare": {"images": 1, "iou": 0.0}, "never": {"images": 0, "iou": None}}


def test_rounds_of_fifty_without_replacement() -> None:
    # with one image of a hundred that counts, a round's mean is 0 or 1/50, never 2/50
    marked = np.zeros((100, 1))
    marked[17] = 1.0
    rounds = random_rounds({"precision": marked, "recall": marked, "miou": np.ones((100, 1))})
    assert (rounds["rounds"], rounds["images"], rounds["of"]) == (5, 50, 100)
    assert set(rounds["recall"]["values"]) <= {0.0, 1 / 50}
    assert len(rounds["recall"]["values"]) == 5
    assert (rounds["miou"]["mean"], rounds["miou"]["sd"]) == (1.0, 0.0)
    assert "note" not in rounds


def test_rounds_are_keyed_and_differ_from_each_other() -> None:
    values = dict.fromkeys(("precision", "recall", "miou"), np.arange(80.0)[:, None])
    assert random_rounds(values, 3) == random_rounds(values, 3)
    assert random_rounds(values, 3) != random_rounds(values, 4)
    assert len(set(random_rounds(values, 3)["miou"]["values"])) == 5


@pytest.mark.parametrize(("total", "size"), [(50, 40), (10, 8), (1, 1)])
def test_few_images_give_smaller_rounds_and_say_so(total: int, size: int) -> None:
    rounds = random_rounds(dict.fromkeys(("precision", "recall", "miou"), np.ones((total, 1))))
    assert rounds["images"] == size
    assert str(total) in rounds["note"]


def test_evaluate_run_by_hand(make_run) -> None:
    # test image n: predicted 8 columns, clean 8 - n of them: precision = IoU = (8 - n) / 8, recall 1
    run = make_run("lvcnet", "level4")
    result = evaluate_run(run)
    assert result["precision"] == pytest.approx(np.mean([(8 - n) / 8 for n in range(6)]))
    assert result["iou"] == pytest.approx(result["precision"])
    assert result["recall"] == 1.0
    assert set(METRICS) <= set(result)
    assert (result["label_iou"], result["images"], result["epoch"], result["parameters"]) == (0.5, 6, 3, 7)
    assert result["best_last_gap"] == pytest.approx(0.05)
    assert result["training_seconds"] == 6.0
    assert result["label_recovery"] == 1.0  # the training images' clean masks are what is bright
    assert run.evaluation() == formats.EVALUATION.stamped(json.loads(json.dumps(result)))


def test_ignored_pixels_are_not_measured(make_run, tiny: Dataset) -> None:
    """Columns 4 to 11 are predicted and 4 to 11 - n are right in image n; from column 10 on nothing counts."""
    clean = tiny.labels("clean")
    ignored = np.zeros_like(clean.masks)
    ignored[..., 10:] = True
    tiny.add_labels(LabelSet("partly", clean.masks, clean.covered, {}, ignored))
    result = evaluate_run(make_run("lvcnet"), against="partly")
    assert result["iou"] == pytest.approx((6 + 6 + 6 + 5 + 4 + 3) / 36)


def test_label_recovery_is_measured_on_the_images_and_masks_of_label_iou(make_run, tiny: Dataset) -> None:
    covered = np.zeros(len(tiny), dtype=bool)
    covered[:2] = True  # the same two of four training images for both
    tiny.add_labels(LabelSet("half", tiny.labels("level4").masks, covered))
    result = evaluate_run(make_run("fcn", "half"))
    assert result["label_iou"] == 0.5
    assert result["label_recovery"] == 0.75  # two of eight columns are missing
    assert "label_recovery" not in evaluate_run(make_run("fcn", "half", seed=1), split="train")


def test_pixels_that_a_label_set_ignores_tell_nothing_of_its_quality(make_run, tiny: Dataset) -> None:
    """As the data page counts: labels that are wrong only where they say nothing are right."""
    clean, rows = tiny.labels("clean"), tiny.indices("train")
    masks, ignored = clean.masks.copy(), np.zeros_like(clean.masks)
    masks[..., :6], ignored[..., :6] = True, True
    tiny.add_labels(LabelSet("disputed", masks, clean.covered, {}, ignored))
    labels = tiny.labels("disputed")
    assert label_iou(tiny, "disputed") == iou_to_clean(labels, clean, rows) == 1.0
    # the two columns that fcn misses are among them
    assert evaluate_run(make_run("fcn", "disputed"))["label_recovery"] == 1.0


def test_only_the_default_measurement_of_a_finished_run_is_kept(make_run) -> None:
    run = make_run()
    evaluate_run(run, against="level1")
    evaluate_run(run, split="train")
    assert run.evaluation() is None
    cancelled = make_run(seed=1, state="cancelled")
    assert evaluate_run(cancelled)["images"] == 6
    assert cancelled.evaluation() is None


def test_progress_is_reported(make_run) -> None:
    seen: list[tuple[int, int]] = []
    evaluate_run(make_run(), report=lambda done, total: seen.append((done, total)))
    # 6 test images are predicted and measured, then 4 training images are predicted.
    assert seen == [(6, 16), (12, 16), (16, 16)]


def test_labels_that_cover_no_test_image_are_refused(make_run) -> None:
    with pytest.raises(LvcnetError, match="covers none of its test images"):
        evaluate_run(make_run(), against="level4")


def test_running_runs_are_refused(make_run) -> None:
    with pytest.raises(LvcnetError, match="is running"):
        evaluate_run(make_run(state="running"))


def test_changed_data_are_refused(make_run, tiny: Dataset) -> None:
    run = make_run()
    clean = tiny.labels("clean")
    tiny.add_labels(replace(clean, masks=~clean.masks))
    with pytest.raises(LvcnetError, match="changed since run"):
        evaluate_run(run)


def test_label_iou_is_none_without_common_training_images(tiny: Dataset) -> None:
    nothing = np.zeros(len(tiny), dtype=bool)
    tiny.add_labels(LabelSet("empty", tiny.labels("clean").masks, nothing))
    assert label_iou(tiny, "empty") is None
    assert label_iou(tiny, "gone") is None


def test_robustness_by_hand() -> None:
    assert retention({1: 0.8, 4: 0.4}, 4) == 0.5
    assert retention({4: 0.4}, 4) is None
    assert area_under_curve([0.9, 0.5, 0.7], [0.9, 0.3, 0.7]) == pytest.approx((0.5 + 0.8) / 2)
    assert area_under_curve([0.9], [0.9]) is None
    assert best_last_gap([{"test_iou": 0.8}, {"test_iou": None}, {"test_iou": 0.6}]) == pytest.approx(0.2)
    assert best_last_gap([{"loss": 1.0}]) is None
    assert share(0.4, 0.8) == 0.5
    assert share(0.4, 0.0) is None
    assert step_seconds([{"images_per_second": 4.0}, {"loss": 1.0}, {"images_per_second": 6.0}], 10) == 2.0
    assert step_seconds([{"loss": 1.0}], 16) is None


def test_a_data_set_without_test_images_says_so(make_run, tiny: Dataset) -> None:
    for item in tiny.items:
        object.__setattr__(item, "split", "train")
    with pytest.raises(LvcnetError, match="has no test images"):
        _covered_rows(tiny, "clean", "test")
