"""What is wrong with a training, and what to do about it: one sentence each, from what its run keeps.

A low mean hides a category that was never learned, and a curve does not say by itself whether it ended too early or too late.
Predictions that collapsed have a module of their own (`lvcnet.masks.collapse`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lvcnet.masks.collapse import images_of
from lvcnet.text import counted

UNLEARNED = 0.1
"""Foreground IoU below which a category counts as not learned: any rough blob in the right place has more."""
FEWEST_CHECKS = 8
"""Checks on held-out images below which a curve says nothing."""
RISING = 0.01
"""By how much the last quarter of the checks has to be better than the quarter before for a curve to rise still."""
FORGOTTEN = 0.02
"""IoU by which the last quarter of the checks has to lie below the best check for labels to be memorised."""


def unlearned(
    config: Mapping[str, Any], evaluation: Mapping[str, Any] | None, status: Mapping[str, Any]
) -> list[str]:
    """Categories that the network does not find on the images it was evaluated on."""
    if not evaluation:
        return []
    on = counted(images_of(evaluation), "image")
    found = [
        f"{name!r} is not learned: IoU {float(means['iou']):.2f} on {on}"
        for name, means in (evaluation.get("per_category") or {}).items()
        if float(means.get("iou", 1.0)) < UNLEARNED
    ]
    if not found:
        return []
    done, planned = status.get("step"), planned_steps(config)
    trained = f"trained {done:,} steps" if done else "trained too briefly or without seeing it"
    if planned and done and done < planned:
        return [
            f"{one}; {trained}, the training plan says {planned:,}: train that long (preset auto)"
            for one in found
        ]
    do = "train longer, import the data at a larger --size, or look whether its labels are right"
    return [f"{one}; {trained}: {do}" for one in found]


def planned_steps(config: Mapping[str, Any]) -> int | None:
    """The steps of the training plan that a run keeps; None where it keeps none."""
    for choice in (config.get("plan") or {}).get("choices", []):
        if choice.get("name") == "steps":
            return int(choice["value"])
    return None


def curve_problems(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Whether the agreement with held-out labels still rises at the end, or fell while the loss fell on.

    >>> rising = [{"epoch": n, "validation_iou": 0.5 + 0.02 * n, "loss": 1 - 0.05 * n} for n in range(1, 9)]
    >>> curve_problems(rising)[0].split(":")[0]
    'Agreement with held-out labels still rises at the end (IoU 0.61 to 0.65 in the last quarter)'
    """
    checks = [row for row in rows if row.get("validation_iou") is not None]
    if len(checks) < FEWEST_CHECKS:
        return []
    quarter = len(checks) // 4
    scores = [float(row["validation_iou"]) for row in checks]
    before, last = _mean(scores[-2 * quarter : -quarter]), _mean(scores[-quarter:])
    if last - before > RISING:
        return [
            "Agreement with held-out labels still rises at the end"
            f" (IoU {before:.2f} to {last:.2f} in the last quarter): train it for longer"
        ]
    best = max(range(len(scores)), key=scores.__getitem__)
    loss = [float(row.get("loss", 0.0)) for row in checks]
    if scores[best] - last > FORGOTTEN and _mean(loss[-quarter:]) < loss[best]:
        return [
            f"Agreement with held-out labels fell from IoU {scores[best]:.2f} in epoch {checks[best]['epoch']} to {last:.2f}"
            " while the loss went on falling: it memorises its labels. Train it for fewer steps, or use --checkpoint best"
        ]
    return []


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
