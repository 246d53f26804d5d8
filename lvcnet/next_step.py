"""What to do next in this workspace, in the order of the work: data, noise, training, evaluation, comparison."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from lvcnet import workspace
from lvcnet.data.dataset import Dataset, list_datasets
from lvcnet.data.naming import NOISE
from lvcnet.errors import LvcnetError
from lvcnet.runs.directory import ACTIVE, RunDirectory
from lvcnet.runs.store import is_demo, list_runs

Kind = Literal[
    "make data", "see the demo", "watch", "evaluate", "compare", "train another", "make noise", "train"
]


@dataclass(frozen=True)
class Step:
    """What to do next.

    Attributes:
        kind: what it is.
        why: in a sentence or two.
        command: the command that does it, without the word `lvcnet`.
        about: the data set or run that it is about: `dataset` or `run` -> name.
    """

    kind: Kind
    why: str
    command: list[str]
    about: Mapping[str, str] = field(default_factory=dict)


def next_step(
    runs: Sequence[RunDirectory] | None = None, load: Callable[[str], Dataset] = Dataset.load
) -> Step:
    """The next step.

    Args:
        runs: those there are; by default all of the workspace and of the demo.
        load: reads a data set; what raises `LvcnetError` there is damaged and does not count.
    """
    runs = list_runs() if runs is None else runs
    noise = {name: found for name in list_datasets() if (found := _noisy_labels(name, load)) is not None}
    mine = [name for name in noise if (workspace.datasets_dir() / name).is_dir()]
    own = [run for run in runs if not is_demo(run)]
    if not noise:
        why = "There is no data set yet. Phantom radiographs take seconds and need no files."
        return Step("make data", why, ["data", "phantom", "hips"])
    if runs and not own and not mine:
        why = "Start with the runs that ship with the lab: which method keeps its quality as its labels get worse?"
        dataset = runs[0].config()["dataset"]
        return Step("see the demo", why, ["compare", dataset], {"dataset": dataset})
    return _after_trainings(own) or _before_training(noise, mine)


def _after_trainings(own: Sequence[RunDirectory]) -> Step | None:
    """What the user's own runs ask for; None if they ask for nothing."""
    states = Counter(run.status()["state"] for run in own)
    if active := [run for run in own if run.status()["state"] in ACTIVE]:
        count = f"{len(active)} training{'' if len(active) == 1 else 's'}"
        why = f"{count} on the way: see the curves grow, or cancel and resume."
        return Step("watch", why, ["runs"], {"run": active[0].name})
    judged = [run for run in own if run.has_evaluation()]
    if states["done"] and not judged:
        name = next(run.name for run in own if run.status()["state"] == "done")
        why = f"Run {name} is done. Measure it on the clean test labels."
        return Step("evaluate", why, ["evaluate", name], {"run": name})
    if len(judged) > 1:
        dataset = Counter(run.config()["dataset"] for run in judged).most_common(1)[0][0]
        why = "Several of your trainings are done: which method kept its quality?"
        return Step("compare", why, ["compare", dataset], {"dataset": dataset})
    if judged:
        why = "One of your trainings is done. Train a second method or noise level to have something to compare."
        return Step("train another", why, ["train", "--like", judged[0].name, "--method", _other(judged[0])])
    return None


def _before_training(noise: Mapping[str, Sequence[str]], mine: Sequence[str]) -> Step:
    """What the data sets ask for: noise, then a training. `noise`: data set -> its noisy label sets."""
    names = mine or list(noise)
    noisy = [name for name in names if noise[name]]
    if not noisy:
        why = "Your data set has clean labels only. Make noisy ones, so that there is something to withstand."
        return Step("make noise", why, ["noise", names[0]], {"dataset": names[0]})
    why = "Data and noisy labels are there. Train a method on a noise level; it runs in the background."
    labels = noise[noisy[0]][-1]
    return Step("train", why, ["train", noisy[0], "--labels", labels, "--queue"], {"dataset": noisy[0]})


def _noisy_labels(name: str, load: Callable[[str], Dataset]) -> list[str] | None:
    """Label sets with noise of a data set; None if it cannot be read."""
    try:
        dataset = load(name)
    except LvcnetError:
        return None
    found = []
    for labels in dataset.opinions():
        with suppress(LvcnetError):  # a damaged label set is none
            found += [labels] if dataset.manifest(labels).get("kind") == NOISE else []
    return found


def _other(run: RunDirectory) -> str:
    """A method to set beside a run's: the plain network, or beside that the method of this project."""
    return "lvcnet-plus" if run.config()["method"] == "unet" else "unet"
