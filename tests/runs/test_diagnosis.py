"""What went wrong in a training is said in one sentence, with what to do."""

from typing import Any

import pytest

from lvcnet.runs.diagnosis import curve_problems, planned_steps, unlearned
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.summary import diagnosis_notes, summarise

PLAN = {"plan": {"choices": [{"name": "width", "value": 16}, {"name": "steps", "value": 1500}]}}


def _rows(scores: list[float], losses: list[float] | None = None) -> list[dict[str, Any]]:
    losses = losses or [1 - 0.05 * number for number in range(len(scores))]
    return [
        {"epoch": number, "validation_iou": score, "loss": loss}
        for number, (score, loss) in enumerate(zip(scores, losses, strict=True), start=1)
    ]


def test_a_category_that_is_not_learned_is_named_with_the_steps_that_the_plan_says():
    evaluation = {"images": 50, "per_category": {"lungs": {"iou": 0.94}, "clavicles": {"iou": 0.003}}}
    assert unlearned(PLAN, evaluation, {"step": 240}) == [
        "'clavicles' is not learned: IoU 0.00 on 50 images; trained 240 steps, the training plan says 1,500:"
        " train that long (preset auto)"
    ]
    (longer,) = unlearned(PLAN, evaluation, {"step": 1500})
    assert longer.endswith(
        "train longer, import the data at a larger --size, or look whether its labels are right"
    )
    (older,) = unlearned({}, evaluation, {})
    assert "the training plan says" not in older


@pytest.mark.parametrize("evaluation", [None, {}, {"per_category": {"lungs": {"iou": 0.94}}}])
def test_nothing_is_said_of_what_is_learned_or_not_evaluated(evaluation):
    assert unlearned(PLAN, evaluation, {"step": 240}) == []


def test_the_steps_of_a_plan():
    assert planned_steps(PLAN) == 1500
    assert planned_steps({}) is None


def test_a_curve_that_still_rises_says_so():
    """Eight checks, two a quarter: (.62 + .64) / 2 = .63 and (.66 + .68) / 2 = .67."""
    (sentence,) = curve_problems(_rows([0.54, 0.56, 0.58, 0.60, 0.62, 0.64, 0.66, 0.68]))
    assert "still rises at the end (IoU 0.63 to 0.67 in the last quarter): train it for longer" in sentence


def test_memorised_labels_are_told_from_a_loss_that_rose_too():
    """The best check is the third, .80; the last two mean .70."""
    scores = [0.6, 0.7, 0.8, 0.78, 0.75, 0.72, 0.70, 0.70]
    (sentence,) = curve_problems(_rows(scores))
    assert "fell from IoU 0.80 in epoch 3 to 0.70" in sentence
    assert "--checkpoint best" in sentence
    assert curve_problems(_rows(scores, [0.1 * number for number in range(8)])) == []  # diverged instead


def test_a_healthy_curve_a_short_one_and_one_without_held_out_images_say_nothing():
    assert curve_problems(_rows([0.5, 0.7, 0.78, 0.80, 0.81, 0.81, 0.815, 0.812])) == []
    assert curve_problems(_rows([0.5, 0.6, 0.7])) == []
    assert curve_problems([{"epoch": 1, "validation_iou": None, "loss": 1.0}] * 9) == []


def test_a_finished_run_says_what_went_wrong_and_a_running_one_not_yet(tmp_path):
    run = RunDirectory(tmp_path / "run")
    run.create({"dataset": "hips", "labels": "clean", "method": "unet", "seed": 0, "epochs": 8, **PLAN})
    for row in _rows([0.54, 0.56, 0.58, 0.60, 0.62, 0.64, 0.66, 0.68]):
        run.append_metrics(row)
    assert summarise(run).diagnoses == []
    run.update_status(state="done")
    (sentence,) = summarise(run).diagnoses
    assert diagnosis_notes([summarise(run)]) == [f"run: {sentence}."]
