"""What went wrong in a training is said in one sentence, with what to do."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lvcnet.masks.collapse import collapsed_categories
from lvcnet.runs.diagnosis import curve_problems, diagnose, planned_steps, rises
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.held_out import by_category
from lvcnet.runs.summary import diagnosis_notes, summarise

PLAN = {"plan": {"choices": [{"name": "width", "value": 16}, {"name": "steps", "value": 1500}]}}
CLEAN = {"labels": "clean", **PLAN}
QUICK = {"state": "done", "epoch": 8, "epochs": 8, "step": 240, "steps": 240}
RISING = [0.54, 0.56, 0.58, 0.60, 0.62, 0.64, 0.66, 0.68]
MEMORISING = [0.6, 0.8, 0.8, 0.78, 0.75, 0.72, 0.70, 0.70]


MORE = "Of 2 more runs lvcnet runs --json says it."


def _rows(
    scores: list[float], losses: list[float] | None = None, **categories: list[float]
) -> list[dict[str, Any]]:
    losses = losses or [1 - 0.05 * number for number in range(len(scores))]
    rows: list[dict[str, Any]] = [
        {"epoch": number, "step": 30 * number, "validation_iou": score, "loss": loss}
        for number, (score, loss) in enumerate(zip(scores, losses, strict=True), start=1)
    ]
    for place, row in enumerate(rows):
        row |= by_category(list(categories), [curve[place] for curve in categories.values()])
    return rows


def _evaluated(**changes: Any) -> dict[str, Any]:
    means = {"lungs": {"iou": 0.94}, "clavicles": {"iou": 0.05}}
    return {"images": 50, "epoch": 8, "per_category": means, **changes}


def test_a_category_is_judged_on_held_out_labels_with_the_steps_that_the_plan_says():
    rows = _rows([0.6] * 8, lungs=[0.9] * 8, clavicles=[0.0] * 8)
    assert diagnose(CLEAN, QUICK, rows) == [
        "'clavicles' is not learned: IoU 0.00 on held-out labels; trained 240 steps, the training plan says 1,500:"
        " train that long (preset auto)"
    ]


def test_an_evaluation_judges_where_there_is_one():
    (sentence,) = diagnose(CLEAN, QUICK, [], _evaluated())
    assert sentence.startswith(
        "'clavicles' is not learned: IoU 0.05 on 50 test images; trained 240 steps, the"
    )
    (other,) = diagnose(CLEAN, QUICK, [], _evaluated(against="level1", split="train", images=1))
    assert "IoU 0.05 on 1 train image with level1 labels;" in other


def test_only_images_that_show_a_category_count():
    """Of 50 images 5 show clavicles; none is found, and the 45 others count as right: IoU .90."""
    means = {"lungs": {"iou": 0.94}, "clavicles": {"iou": 0.9}}
    shown = {"lungs": {"images": 50, "iou": 0.94}, "clavicles": {"images": 5, "iou": 0.02}}
    (sentence,) = diagnose(CLEAN, QUICK, [], _evaluated(per_category=means, shown=shown))
    assert sentence.startswith("'clavicles' is not learned: IoU 0.02 on 5 test images;")


def test_a_category_below_half_of_anything_is_named_while_the_plan_says_more_steps():
    """At .42 it may be half of what the plan reaches or less; at .58 it cannot be."""
    rows = _rows([0.6] * 8, nerve=[0.42] * 8, vessel=[0.58] * 8)
    (sentence,) = diagnose(CLEAN, QUICK, rows)
    assert sentence.startswith(
        "'nerve' is perhaps learned in part only: IoU 0.42 on held-out labels; trained 240"
    )
    assert diagnose(CLEAN, {**QUICK, "step": 1500, "steps": 1500}, rows) == []


def test_a_category_that_still_rises_is_barely_learned():
    """The last quarter of the checks means .235; the quarter before .175."""
    nerve = [0.0, 0.03, 0.06, 0.10, 0.16, 0.19, 0.22, 0.25]
    (sentence,) = diagnose(CLEAN, QUICK, _rows([0.6] * 8, nerve=nerve))
    assert sentence == (
        "'nerve' is barely learned: IoU 0.23 on held-out labels and still rising; trained 240 steps, the training plan"
        " says 1,500: train that long (preset auto)"
    )
    (longer,) = diagnose(CLEAN, {**QUICK, "step": 1500, "steps": 1500}, _rows([0.6] * 8, nerve=nerve))
    assert longer.endswith(
        "trained 1,500 steps: train longer, import the data at a larger --size, or look whether its labels are right"
    )


def test_categories_that_are_alike_share_a_sentence():
    (two,) = diagnose(CLEAN, QUICK, _rows([0.0] * 8, nerve=[0.0] * 8, vessel=[0.08] * 8))
    assert two.startswith("'nerve', 'vessel' are not learned: IoU 0.00, 0.08 on held-out labels;")
    many = {f"tooth{number}": [0.0] * 8 for number in range(32)}
    (sentence,) = diagnose(CLEAN, QUICK, _rows([0.0] * 8, **many))
    assert sentence.startswith("'tooth0', 'tooth1', 'tooth2', 'tooth3' and 28 more are not learned:")


def test_a_collapsed_category_is_named_once():
    kinds = {"nothing": [50, 50], "everything": [0, 50], "same": [0, 50]}
    evaluation = _evaluated(masks={"clavicles": kinds})
    assert collapsed_categories(evaluation) == {"clavicles"}
    assert collapsed_categories(None) == set()
    assert diagnose(CLEAN, QUICK, _rows([0.6] * 8, clavicles=[0.0] * 8), evaluation) == []


def test_the_steps_of_a_checkpoint_are_its_own():
    status = {**QUICK, "step": 1500, "steps": 1500}
    best = _evaluated(checkpoint="best", epoch=3)
    (sentence,) = diagnose(CLEAN, status, _rows(MEMORISING), best)
    assert sentence.endswith("; checkpoint best is of step 90 of 1,500: judge checkpoint last instead")
    (quick,) = diagnose(CLEAN, QUICK, _rows(MEMORISING), best)
    assert quick.endswith(
        "checkpoint best is of step 90 of 240, the training plan says 1,500: train that long (preset auto)"
    )


def test_runs_that_recorded_no_steps_say_their_epochs():
    older = {"state": "done", "epoch": 20, "epochs": 20}
    (sentence,) = diagnose({"labels": "clean"}, older, [], _evaluated(epoch=20))
    assert "; trained 20 epochs: train longer, import" in sentence


@pytest.mark.parametrize("state", ["cancelled", "interrupted", "failed"])
def test_a_stopped_training_is_to_be_resumed(state):
    status = {**QUICK, "state": state, "step": 240, "steps": 1500, "epochs": 50}
    category, curve = diagnose(CLEAN, status, _rows(RISING, clavicles=[0.0] * 8))
    assert category.endswith("; trained 240 of 1,500 steps: resume it")
    assert curve == (
        "Agreement with held-out labels still rose when it stopped (IoU 0.63 to 0.67 in the last quarter): resume it"
    )
    (memorised,) = diagnose(CLEAN, status, _rows(MEMORISING))
    assert memorised.endswith("Rather than resuming it, use --checkpoint best")


def test_a_running_training_names_what_it_has_not_found_from_its_half_on():
    rows = _rows(RISING, clavicles=[0.0] * 8, nerve=[0.3] * 8)
    status = {**QUICK, "state": "running", "steps": 1500, "epochs": 50}
    assert diagnose(CLEAN, status, rows) == []
    assert diagnose(CLEAN, {**status, "epochs": 16}, rows) == [
        "'clavicles' is not learned yet: IoU 0.00 on held-out labels; trained 240 of 1,500 steps so far"
    ]
    assert diagnose(CLEAN, {**status, "state": "queued"}, rows) == []


@pytest.mark.parametrize("evaluation", [None, {}, {"per_category": {"lungs": {"iou": 0.94}}, "epoch": 8}])
def test_nothing_is_said_of_what_is_learned_or_not_measured(evaluation):
    assert diagnose(CLEAN, QUICK, [], evaluation) == []


def test_the_steps_of_a_plan():
    assert planned_steps(PLAN) == 1500
    assert planned_steps({}) is None


def test_a_curve_that_still_rises_says_so():
    """Eight checks, two a quarter: (.62 + .64) / 2 = .63 and (.66 + .68) / 2 = .67."""
    (sentence,) = curve_problems(_rows(RISING))
    assert sentence.endswith(
        "still rises at the end (IoU 0.63 to 0.67 in the last quarter): train it for longer"
    )
    (noisy,) = curve_problems(_rows(RISING), clean=False)
    assert noisy.endswith("training it for longer may help; judge that on labels that you trust")


def test_memorised_labels_are_told_from_a_loss_that_rose_too():
    """The best two checks in a row mean .80; the last two .70."""
    (sentence,) = curve_problems(_rows(MEMORISING))
    assert "fell from IoU 0.80 in epochs 2 to 3 to 0.70 at the end" in sentence
    assert sentence.endswith("it memorises its labels. Train it for fewer steps, or use --checkpoint best")
    (noisy,) = curve_problems(_rows(MEMORISING), clean=False)
    assert noisy.endswith("compare checkpoints best and last on labels that you trust")
    assert "may memorise" in noisy
    assert curve_problems(_rows(MEMORISING, [0.1 * number for number in range(8)])) == []  # diverged instead


def test_one_lucky_check_is_no_memorising():
    """A single check .04 above the last quarter raised an alarm while the best one was compared with a mean."""
    assert curve_problems(_rows([0.5, 0.7, 0.74, 0.70, 0.71, 0.69, 0.70, 0.70])) == []


@pytest.mark.parametrize("checks", [8, 12, 20, 40])
@pytest.mark.parametrize("scatter", [0.01, 0.03])
def test_scatter_alone_is_hardly_ever_an_alarm(checks, scatter):
    """Of 400 level curves with independent scatter at most 1 in 30 says anything; the rule of before: up to every one."""
    drawn = np.random.default_rng(checks).normal(0.6, scatter, (400, checks))
    assert sum(bool(curve_problems(_rows(scores.tolist()))) for scores in drawn) <= 13


def test_a_decline_larger_than_the_scatter_is_found():
    """Up to .70, then down by .12 over the rest of 20 checks, each off by .005."""
    course = np.concatenate([np.linspace(0.3, 0.7, 8), np.linspace(0.7, 0.58, 12)])
    scores = course + np.random.default_rng(0).normal(0, 0.005, 20)
    assert "it memorises" in curve_problems(_rows(scores.tolist()))[0]


def test_a_healthy_curve_a_short_one_and_one_without_held_out_images_say_nothing():
    assert curve_problems(_rows([0.5, 0.7, 0.78, 0.80, 0.81, 0.81, 0.815, 0.812])) == []
    assert curve_problems(_rows([0.5, 0.6, 0.7])) == []
    assert curve_problems([{"epoch": 1, "validation_iou": None, "loss": 1.0}] * 9) == []
    assert not rises([])


def _run(tmp_path, rows, **status) -> RunDirectory:
    run = RunDirectory(tmp_path / "run")
    run.create({"dataset": "hips", "method": "unet", "seed": 0, "epochs": 8, **CLEAN})
    for row in rows:
        run.append_metrics(row)
    run.update_status(**{**QUICK, **status})
    return run


def test_a_run_says_what_went_wrong_once_it_is_over(tmp_path):
    run = _run(tmp_path, _rows(RISING), state="running", epoch=3)
    assert summarise(run).diagnoses == []
    run.update_status(state="done")
    (sentence,) = summarise(run).diagnoses
    one = summarise(run)
    assert diagnosis_notes([one]) == [f"run: {sentence}."]
    two = replace(one, diagnoses=["first", "second"])
    found = diagnosis_notes([replace(one, diagnoses=[]), two, one, one, one, one])
    assert found == ["run: first.", "run: second.", f"run: {sentence}.", f"run: {sentence}.", MORE]


def test_a_category_whose_name_holds_anything_is_read_back(tmp_path):
    name = "left/bone: \u00e4\n"
    run = _run(tmp_path, _rows([0.6] * 8, **{name: [0.0] * 8}))
    assert (
        json.loads((run.path / "metrics.jsonl").read_text().splitlines()[0])[f"validation_iou/{name}"] == 0.0
    )
    assert summarise(run).diagnoses[0].startswith(f"{name!r} is not learned")


def test_lines_of_before_there_were_categories_still_read(tmp_path):
    rows = _rows([0.6] * 8)
    run = _run(tmp_path, rows)
    assert run.metrics() == rows
    assert summarise(run).diagnoses == []
