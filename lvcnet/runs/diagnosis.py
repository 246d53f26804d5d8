"""What is wrong with a training, and what to do about it: one sentence each, from what its run keeps.

A low mean hides a category that was never learned, and a curve does not say by itself whether it ended too early or too late.
Everything is judged by held-out labels, which every run has, and by the evaluation where there is one. Predictions that
collapsed have a module of their own (`lvcnet.masks.collapse`); what was said there is not said again. What the constants
rest on is in docs/training-plan.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, linear_regression
from typing import Any

from lvcnet.masks.collapse import COLLAPSE_ADVICE, collapse, collapsed_categories, images_of
from lvcnet.runs.directory import RESUMABLE
from lvcnet.runs.held_out import held_out_curves
from lvcnet.text import counted
from lvcnet.trained import CLEAN

UNLEARNED = 0.1
"""Foreground IoU below which a category counts as not learned: any rough blob in the right place has more."""
HALF = 0.5
"""Foreground IoU that is at least half of what any training can reach: from there on a category is learned."""
FEWEST_CHECKS = 8
"""Checks on held-out images below which a curve says nothing."""
RISING = 0.01
"""By how much the last quarter of the checks has to be better than the quarter before for a curve to rise still."""
FORGOTTEN = 0.02
"""By how much the last quarter of the checks has to lie below the best quarter for labels to be memorised."""
MARGIN = 4.0
"""Both differences also have to exceed so many of their standard errors, which grow with the scatter of the checks."""
SHOWN_WHILE_RUNNING = 0.5
"""Share of its steps from which on a category that a running training has not found is named."""
LONGER = "train longer, import the data at a larger --size, or look whether its labels are right"
NAMED = 4
"""Categories that one sentence names."""

Rows = Sequence[Mapping[str, Any]]
"""The lines of a metrics.jsonl."""


def diagnose(
    config: Mapping[str, Any],
    status: Mapping[str, Any],
    rows: Rows,
    evaluation: Mapping[str, Any] | None = None,
) -> list[str]:
    """What went wrong, a sentence each without a full stop.

    Args:
        config, status: of the run.
        rows: the lines of its metrics.jsonl.
        evaluation: of one of its checkpoints, which the sentences are then about; None if there is none.
    """
    state = status["state"]
    length = length_of(config, status, rows, evaluation)
    if state == "queued" or (state == "running" and length.share < SHOWN_WHILE_RUNNING):
        return []
    of_last = evaluation is None or evaluation.get("checkpoint", "last") == "last"
    found = _weak_categories(length, held_out_curves(rows) if of_last else {}, evaluation)
    if of_last and state != "running":
        found += curve_problems(rows, stopped=state in RESUMABLE, clean=config.get("labels") == CLEAN)
    return found


def planned_steps(config: Mapping[str, Any]) -> int | None:
    """The steps of the training plan that a run keeps; None where it keeps none."""
    for choice in (config.get("plan") or {}).get("choices", []):
        if choice.get("name") == "steps":
            return int(choice["value"])
    return None


@dataclass(frozen=True)
class Length:
    """How long the weights that are judged were trained.

    Attributes:
        done, asked, planned: steps that they learned from, that the run was to have, that its training plan says; None where
            that is not known.
        epoch, epochs: the same in epochs, which every run knows.
        state: of the run.
        checkpoint: the weights, `last` or `best`.
    """

    done: int | None
    asked: int | None
    planned: int | None
    epoch: int
    epochs: int
    state: str
    checkpoint: str = "last"

    @property
    def share(self) -> float:
        """How much of the training is done."""
        return self.epoch / self.epochs if self.epochs else 0.0

    @property
    def short(self) -> bool:
        """Whether fewer steps were done than the plan says."""
        return self.done is not None and self.planned is not None and self.done < self.planned

    def in_words(self, advice: str = LONGER) -> str:
        """How long that was, and what to do: where that was too short to train longer, else `advice`."""
        steps = self.done is not None
        done, asked = (self.done or 0, self.asked or 0) if steps else (self.epoch, self.epochs)
        unit, stopped, last = "step" if steps else "epoch", self.state in RESUMABLE, self.checkpoint == "last"
        of = f" of {asked:,}" if done < asked else ""
        if last:
            words = f"trained {done:,}{of} {unit}{'s'[: bool(of) or done != 1]}"
        else:
            words = f"checkpoint {self.checkpoint} is of {unit} {done:,}{of}"
        if self.planned and steps and asked < self.planned:
            return f"{words}, the training plan says {self.planned:,}: train that long (preset auto)"
        if self.state == "running":
            return f"{words} so far"
        if stopped:
            return f"{words}: resume it"
        return f"{words}: {advice if last or not of else 'judge checkpoint last instead'}"


def length_of(
    config: Mapping[str, Any],
    status: Mapping[str, Any],
    rows: Rows,
    evaluation: Mapping[str, Any] | None = None,
) -> Length:
    """How long the weights of an evaluation were trained, by default the last ones of a run."""
    checkpoint = str((evaluation or {}).get("checkpoint", "last"))
    epoch = int(status.get("epoch", 0))
    done = status.get("step")
    if evaluation and (checkpoint != "last" or done is None):
        epoch = int(evaluation["epoch"])
        done = next((row.get("step") for row in rows if row["epoch"] == epoch), None)
    return Length(
        done=None if done is None else int(done),
        asked=status.get("steps") or config.get("steps") or status.get("step"),
        planned=planned_steps(config),
        epoch=epoch,
        epochs=int(status.get("epochs", 0)),
        state=status["state"],
        checkpoint=checkpoint,
    )


def collapse_sentence(length: Length, evaluation: Mapping[str, Any] | None) -> str | None:
    """How predictions collapsed, that nothing is concluded from their figures, and what to do; None if they did not.

    The subject, the run, comes before it.
    """
    found = collapse(evaluation) if evaluation else None
    if found is None:
        return None
    return f"{found}: nothing is concluded from its figures; {length.in_words(COLLAPSE_ADVICE)}"


def curve_problems(rows: Rows, stopped: bool = False, clean: bool = True) -> list[str]:
    """Whether agreement with held-out labels still rises at the end, or fell while the loss fell on.

    Args:
        rows: the lines of metrics.jsonl.
        stopped: whether the training can be resumed.
        clean: whether its labels count as truth. Agreement with others may rise while outlines get worse, and the other way
            round, so that less is concluded from it.

    >>> rising = [{"epoch": n, "validation_iou": 0.5 + 0.02 * n, "loss": 1 - 0.05 * n} for n in range(1, 9)]
    >>> curve_problems(rising)[0].split(":")[0]
    'Agreement with held-out labels still rises at the end (IoU 0.61 to 0.65 in the last quarter)'
    """
    checks = [row for row in rows if row.get("validation_iou") is not None]
    scores = [float(row["validation_iou"]) for row in checks]
    if len(scores) < FEWEST_CHECKS:
        return []
    quarter = len(scores) // 4
    last, before = fmean(scores[-quarter:]), fmean(scores[-2 * quarter : -quarter])
    if rises(scores):
        do = (
            "train it for longer"
            if clean
            else "training it for longer may help; judge that on labels that you trust"
        )
        return [
            f"Agreement with held-out labels still {'rose when it stopped' if stopped else 'rises at the end'}"
            f" (IoU {before:.2f} to {last:.2f} in the last quarter): {'resume it' if stopped else do}"
        ]
    means = [fmean(scores[start : start + quarter]) for start in range(len(scores) - quarter + 1)]
    best = max(range(len(means)), key=means.__getitem__)
    loss = [float(row.get("loss") or 0.0) for row in checks]
    fell = means[best] - last > max(FORGOTTEN, _margin(scores))
    if not fell or fmean(loss[-quarter:]) >= fmean(loss[best : best + quarter]):
        return []
    said = (
        f"Agreement with held-out labels fell from IoU {means[best]:.2f} in epochs {checks[best]['epoch']} to"
        f" {checks[best + quarter - 1]['epoch']} to {last:.2f} at the end while the loss went on falling"
    )
    if not clean:
        return [
            f"{said}: it may memorise its labels. Held-out labels err as well, so compare checkpoints best and last on"
            " labels that you trust"
        ]
    do = "Rather than resuming it, use" if stopped else "Train it for fewer steps, or use"
    return [f"{said}: it memorises its labels. {do} --checkpoint best"]


def rises(scores: Sequence[float]) -> bool:
    """Whether the last quarter of some checks is better than the quarter before, by more than their scatter explains.

    >>> rises([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]), rises([0.6, 0.5, 0.62, 0.55, 0.5, 0.58, 0.57, 0.61])
    (True, False)
    """
    if len(scores) < FEWEST_CHECKS:
        return False
    quarter = len(scores) // 4
    gain = fmean(scores[-quarter:]) - fmean(scores[-2 * quarter : -quarter])
    return gain > max(RISING, _margin(scores))


def _margin(scores: Sequence[float]) -> float:
    """By how much the means of two quarters of some checks may differ by chance."""
    return MARGIN * _scatter(scores) * sqrt(2 / (len(scores) // 4))


def _scatter(scores: Sequence[float]) -> float:
    """Standard deviation of single checks about their course: the larger of two estimates, as each misses something.

    From second differences, which a steady rise leaves at 0, and, as these are small where neighbours err alike, about a line
    through the second half.
    """
    later = scores[len(scores) // 4 :]
    bends = [
        first - 2 * middle + last for first, middle, last in zip(later, later[1:], later[2:], strict=False)
    ]
    half = scores[len(scores) // 2 :]
    line = linear_regression(range(len(half)), half)
    rest = [value - line.intercept - line.slope * place for place, value in enumerate(half)]
    squares = sum(one**2 for one in rest) / (len(half) - 2)
    return sqrt(max(fmean(one**2 for one in bends) / 6, squares))


def _weak_categories(
    length: Length, curves: Mapping[str, Sequence[float]], evaluation: Mapping[str, Any] | None
) -> list[str]:
    """Categories that are not learned, or perhaps not enough: one sentence for those that are alike."""
    measured, collapsed = _measured(evaluation), collapsed_categories(evaluation)
    alike: dict[tuple[str, str, str], dict[str, float]] = {}
    for name in dict.fromkeys([*measured, *curves]):
        curve = curves.get(name, ())
        score, where = measured.get(name) or (_recent(curve), "held-out labels")
        verdict = _verdict(score, rises(curve), length)
        if verdict and name not in collapsed:
            alike.setdefault((*verdict, where), {})[name] = score
    return [
        f"{_listed(found)} {'are' if len(found) > 1 else 'is'} {what}: IoU"
        f" {', '.join(f'{score:.2f}' for score in list(found.values())[:NAMED])} on {where}{rising}; {length.in_words()}"
        for (what, rising, where), found in alike.items()
    ]


def _verdict(score: float, rising: bool, length: Length) -> tuple[str, str] | None:
    """What is wrong with a category of this IoU, and whether it rises; None if nothing is."""
    running = length.state == "running"
    still = " and still rising" if rising else ""
    if score < UNLEARNED:
        return "not learned yet" if running else "not learned", still
    if score >= HALF or running or not (rising or length.short):
        return None
    return "barely learned" if rising else "perhaps learned in part only", still


def _measured(evaluation: Mapping[str, Any] | None) -> dict[str, tuple[float, str]]:
    """Category -> its IoU in an evaluation, and on what; where that is known, of the images that show it only."""
    found = {}
    for name, means in ((evaluation or {}).get("per_category") or {}).items():
        shown = ((evaluation or {}).get("shown") or {}).get(name) or {
            "images": images_of(evaluation or {}),
            "iou": means.get("iou"),
        }
        if shown["iou"] is not None:
            found[name] = (float(shown["iou"]), _images(evaluation or {}, int(shown["images"])))
    return found


def _images(evaluation: Mapping[str, Any], count: int) -> str:
    """On what an evaluation was made, as far as it is not what is usual."""
    against = str(evaluation.get("against", CLEAN))
    labels = "" if against == CLEAN else f" with {against} labels"
    return f"{counted(count, str(evaluation.get('split', 'test')) + ' image')}{labels}"


def _recent(scores: Sequence[float]) -> float:
    """The mean of the last quarter of some checks."""
    return fmean(scores[-max(1, len(scores) // 4) :])


def _listed(names: Mapping[str, float]) -> str:
    """Names in quotes, of many the first few."""
    first, more = list(names)[:NAMED], len(names) - NAMED
    return ", ".join(map(repr, first)) + (f" and {more} more" if more > 0 else "")
