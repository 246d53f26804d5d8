"""One run in one line: what lists and tables show of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lvcnet.masks.collapse import MARK
from lvcnet.runs.about import read_about
from lvcnet.runs.diagnosis import collapse_sentence, diagnose, length_of
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import is_demo
from lvcnet.text import counted
from lvcnet.trained import epochs_of, network_of, trained

EXPLAINED = 3
"""Collapsed runs, and lost epochs, that are named one by one."""


@dataclass(frozen=True)
class RunSummary:
    """What `lvcnet runs` and the lab's list show of a run.

    Attributes:
        step, steps: done and in all; None before its first epoch is over, and for runs of before they were recorded.
        progress: fraction of the epochs that are done.
        iou: foreground IoU on the test images, None before the evaluation.
        seconds_left: of a running run, None before its first epoch is over.
        note: why it stopped or failed.
        demo: whether it ships with the project.
        title: what its owner calls it; empty if nothing.
        user_note: what its owner wrote about it; empty if nothing.
        commit: of the project that it was made with; None where that is not known.
        collapsed: how its predictions collapsed, so that nothing is concluded from `iou`, and what to do; None if they did not.
        overridden: settings in which it is not trained by the training plan that it keeps; None for runs that keep none.
        displacement: what was measured of outlines before training and moved back (displacement.json); None: nothing.
        diagnoses: what else went wrong while it learned, and what to do, a sentence each (lvcnet.runs.diagnosis).
    """

    run: str
    state: str
    dataset: str
    labels: str
    method: str
    network: str
    seed: int
    epoch: int
    epochs: int
    step: int | None
    steps: int | None
    progress: float
    iou: float | None
    seconds_left: float | None
    created: float
    note: str | None
    demo: bool
    title: str
    user_note: str
    commit: str | None
    collapsed: str | None
    overridden: dict[str, Any] | None
    displacement: dict[str, Any] | None
    diagnoses: list[str]

    @property
    def trained(self) -> str:
        """The method, with its network if that is not the usual one."""
        return trained(vars(self))

    @property
    def shown_iou(self) -> str | None:
        """The IoU with three digits, marked where nothing is concluded from it."""
        return None if self.iou is None else f"{self.iou:.3f}{MARK if self.collapsed else ''}"


def summarise(run: RunDirectory) -> RunSummary:
    """Read a run's files.

    Raises:
        LvcnetError: if one of them is broken.
    """
    config, status, evaluation = run.config(), run.status(), run.evaluation()
    about = read_about(run)
    rows = run.metrics()
    epochs = epochs_of(config)
    epoch = min(int(status.get("epoch", 0)), epochs)
    return RunSummary(
        run=run.name,
        state=status["state"],
        dataset=config.get("dataset", ""),
        labels=config.get("labels", ""),
        method=config.get("method", ""),
        network=network_of(config),
        seed=int(config.get("seed", 0)),
        epoch=epoch,
        epochs=epochs,
        step=status.get("step"),
        steps=status.get("steps"),
        progress=epoch / epochs if epochs else 0.0,
        iou=evaluation.get("iou") if evaluation else None,
        seconds_left=seconds_left(status, epochs - epoch),
        created=float(status.get("created", 0.0)),
        note=status.get("error") or status.get("evaluation_error") or status.get("message"),
        demo=is_demo(run),
        title=about.title,
        user_note=about.note,
        commit=config.get("commit"),
        collapsed=collapse_sentence(length_of(config, status, rows, evaluation), evaluation),
        overridden=config.get("plan", {}).get("overridden"),
        displacement=run.displacement(),
        diagnoses=diagnose(config, status, rows, evaluation),
    )


def collapse_notes(summaries: Sequence[RunSummary]) -> list[str]:
    """What the mark behind an IoU means: of the first few runs each, then how many more there are."""
    found = [f"{MARK.strip()} {one.run} {one.collapsed}." for one in summaries if one.collapsed]
    more = len(found) - EXPLAINED
    return found[:EXPLAINED] + ([f"{MARK.strip()} {more} more collapsed likewise."] if more > 0 else [])


def diagnosis_notes(summaries: Sequence[RunSummary]) -> list[str]:
    """The diagnoses of the first few runs that have any, a line each, then how many more runs there are."""
    told = [one for one in summaries if one.diagnoses]
    found = [f"{one.run}: {sentence}." for one in told[:EXPLAINED] for sentence in one.diagnoses]
    more = len(told) - EXPLAINED
    return found + ([f"Of {counted(more, 'more run')} lvcnet runs --json says it."] if more > 0 else [])


def moved_notes(summaries: Sequence[RunSummary]) -> list[str]:
    """By how much outlines were moved before training, of the first few runs a line each, then how many more there are."""
    found = [
        f"{one.run}: {moved_in_words(one.displacement)} before training."
        for one in summaries
        if moved_in_words(one.displacement)
    ]
    more = len(found) - EXPLAINED
    return found[:EXPLAINED] + ([f"{more} more are said by lvcnet runs --json."] if more > 0 else [])


def moved_in_words(kept: Mapping[str, Any] | None) -> str:
    """What displacement.json says was moved; empty where nothing was.

    >>> moved_in_words({"categories": {"lungs": {"moved_px": 5.46}, "heart": {"moved_px": -1.2}, "rib": {"moved_px": 0.0}}})
    'outlines moved inwards by 5.5 px (lungs), outwards by 1.2 px (heart)'
    """
    categories = kept["categories"] if kept else {}
    moves = [
        f"{'inwards' if one['moved_px'] > 0 else 'outwards'} by {abs(one['moved_px']):.1f} px ({name})"
        for name, one in categories.items()
        if one["moved_px"]
    ]
    return f"outlines moved {', '.join(moves)}" if moves else ""


def lost_epochs_note(run: RunDirectory) -> str | None:
    """Which epochs the curves of a run lack because their lines cannot be read; None where none does."""
    lost = run.lost_epochs()
    if not lost:
        return None
    named = ", ".join(map(str, lost[:EXPLAINED])) + (
        f" and {len(lost) - EXPLAINED} more" if lost[EXPLAINED:] else ""
    )
    return f"metrics.jsonl has no readable line of epoch {named}: what was there is damaged or gone"


def seconds_left(status: dict[str, Any], epochs_left: int) -> float | None:
    """What the epochs that are left will take if each takes as long as the last one; None if it does not run."""
    each = status.get("seconds_per_epoch")
    return float(each) * epochs_left if status["state"] == "running" and each else None


def format_seconds(seconds: float | None) -> str | None:
    """A duration in the two largest units that matter.

    >>> [format_seconds(value) for value in (None, 4.2, 90, 3599, 3700, 200_000)]
    [None, '4 s', '1 min 30 s', '59 min 59 s', '1 h 1 min', '2 d 7 h']
    """
    if seconds is None:
        return None
    rest = round(seconds)
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count or parts or unit == "s":
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])
