"""What must be in a run's JSON files, so that nothing that reads them has to expect anything else.

Each check returns what it was given, or raises TypeError, ValueError or KeyError: to be used inside `lvcnet.damage.reading`.
Further keys are allowed: other versions write them.
"""

from typing import Any

from lvcnet.damage import check_types, is_number
from lvcnet.masks.metrics import METRICS, ROUND_METRICS

STATES = ("queued", "running", "done", "failed", "cancelled", "interrupted")
NUMBER = (int, float)
INT_OR_NONE = (int, type(None))
NUMBER_OR_NONE = (int, float, type(None))
TEXT_OR_NONE = (str, type(None))
COUNTS = ("epoch", "epochs", "step", "steps")
"""Of a run's status: done, and in all."""
MOST_PROCESSES = 2**31
VERDICTS = ("on", "beside", "none")
"""Of `lvcnet.masks.displacement.Verdict`, which would load scipy for a list of runs."""
ALWAYS = (*ROUND_METRICS, "iou")
"""What every evaluation holds; other metrics may be younger than it, and are then missing from it altogether."""


def check_config(value: Any) -> dict[str, Any]:
    """config.json: what was asked for, and from which data."""
    config = check_types(
        value,
        ("dataset", "labels", "method"),
        dataset=str,
        labels=str,
        method=str,
        epochs=INT_OR_NONE,
        steps=INT_OR_NONE,
        epoch_steps=int,
        seed=int,
        batch_size=int,
        options=dict,
        data=dict,
        plan=dict,
    )
    check_types(config.get("plan", {}), size=dict, choices=list, overridden=dict)
    data = check_types(
        config.get("data", {}),
        fingerprint=str,
        size=int,
        categories=list,
        labels=(dict, type(None)),
        labels_digest=TEXT_OR_NONE,
    )
    check_texts(data.get("categories", []), "categories")
    if config.get("steps") is not None and config.get("epoch_steps", 0) < 1:
        raise ValueError("steps without epoch_steps")
    return config


def check_status(value: Any) -> dict[str, Any]:
    """status.json: state, process and times."""
    moments = (
        "created",
        "updated",
        "started",
        "ended",
        "seconds_per_epoch",
        "seconds_per_step",
        "pid_create_time",
    )
    texts = ("error", "evaluation_error", "message", "launcher", "device")
    status = check_types(
        value,
        ("state",),
        state=str,
        **dict.fromkeys(COUNTS, int),
        pid=INT_OR_NONE,
        **dict.fromkeys(moments, NUMBER_OR_NONE),
        **dict.fromkeys(texts, TEXT_OR_NONE),
    )
    if status["state"] not in STATES:
        raise ValueError(f"state {status['state']!r}")
    negative = [name for name in (*moments, *COUNTS) if (status.get(name) or 0) < 0]
    if negative or not 0 <= (status.get("pid") or 0) < MOST_PROCESSES:
        raise ValueError(f"{negative[0] if negative else 'pid'} is out of range")
    if any(status.get(name, 0) is None for name in ("created", "updated")):
        raise TypeError("created or updated is null")
    return status


def check_evaluation(value: Any) -> dict[str, Any]:
    """evaluation.json: its metrics as means, over the paper's rounds, by category and by image."""
    numbers: dict[str, tuple[type, ...]] = dict.fromkeys(METRICS, NUMBER)
    evaluation = check_types(
        value,
        (
            *("dataset", "fingerprint", "split", "against", "epoch", "images", "parameters"),
            *("training_seconds", "rounds", "per_category", "per_image", *ALWAYS),
        ),
        dataset=str,
        fingerprint=str,
        split=str,
        against=str,
        epoch=int,
        images=int,
        parameters=int,
        training_seconds=NUMBER,
        label_iou=NUMBER_OR_NONE,
        best_last_gap=NUMBER_OR_NONE,
        label_recovery=NUMBER_OR_NONE,
        rounds=dict,
        per_category=dict,
        per_image=list,
        categories=list,
        masks=dict,
        shown=dict,
        unit=str,
        tolerance=NUMBER,
        **numbers,
    )
    _check_rounds(evaluation["rounds"])
    measured = [name for name in METRICS if name in evaluation]
    for row in evaluation["per_image"]:
        if not all(type(row[name]) is float and is_number(row[name]) for name in measured):
            check_types(row, measured, **numbers)
        if not isinstance(row["key"], str):
            raise TypeError("the key of an image is no text")
    for means in evaluation["per_category"].values():
        check_types(means, measured, **numbers)
    for facts in evaluation.get("shown", {}).values():
        check_types(facts, ("images", "iou"), images=int, iou=NUMBER_OR_NONE)
    for kinds in evaluation.get("masks", {}).values():
        for seen, of in check_types(kinds).values():
            if not is_number(seen) or not is_number(of):
                raise TypeError("a count of masks is no number")
    return evaluation


def check_displacement(value: Any) -> dict[str, Any]:
    """displacement.json: by category how far its outlines lay beside their edge, and by how much they were moved."""
    kept = check_types(value, ("asked", "categories"), asked=str, categories=dict, mm_a_pixel=NUMBER_OR_NONE)
    numbers = ("px", "low", "high", "limit", "window", "moved_px")
    for one in kept["categories"].values():
        check_types(
            one,
            (*numbers, "verdict", "images", "sentence"),
            verdict=str,
            images=int,
            sentence=str,
            caution=TEXT_OR_NONE,
            **dict.fromkeys(numbers, NUMBER),
        )
        if one["verdict"] not in VERDICTS:
            raise ValueError(f"verdict {one['verdict']!r}")
    return kept


def is_metrics_row(row: Any) -> bool:
    """Whether a line of metrics.jsonl can be used: an epoch, and numbers."""
    return (
        isinstance(row, dict)
        and type(row.get("epoch")) is int
        and row["epoch"] >= 0
        and all(one is None or is_number(one) for one in row.values())
    )


def check_texts(values: list[Any], name: str) -> None:
    """A list of text only."""
    if not all(isinstance(one, str) for one in values):
        raise TypeError(f"{name} are not all text")


def _check_rounds(rounds: dict[str, Any]) -> None:
    check_types(
        rounds,
        ("rounds", "images", "of", *ROUND_METRICS),
        rounds=int,
        images=int,
        of=int,
        note=str,
        **dict.fromkeys(ROUND_METRICS, dict),
    )
    for name in ROUND_METRICS:
        found = check_types(rounds[name], ("mean", "sd", "values"), mean=NUMBER, sd=NUMBER, values=list)
        if not all(is_number(one) for one in found["values"]):
            raise TypeError(f"the values of {name} are not all numbers")
