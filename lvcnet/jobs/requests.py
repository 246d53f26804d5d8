"""Which trainings are wanted: of `lvcnet train`, `sweep`, `correct`, `reproduce`, and of the lab's forms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from lvcnet import formats
from lvcnet.errors import LvcnetError
from lvcnet.requests import PATH, WORDS, Argument, Form, Option, Request
from lvcnet.text import split_list
from lvcnet.trained import METHOD, PRESET
from lvcnet.training.config import merge_settings, parse_settings, read_yaml, write_settings

if TYPE_CHECKING:
    from lvcnet.jobs.correct import Request as Judgement
    from lvcnet.jobs.sweep_config import SweepConfig
    from lvcnet.runs.directory import RunDirectory
    from lvcnet.training.config import TrainConfig
    from lvcnet.training.plan import TrainingPlan

SETTINGS = Form(parse_settings, write_settings, repeated=True)
KEY_VALUE = "KEY=VALUE"
PRESETS_IN_WORDS = (
    "Settings to start from: auto (the training plan), quick (the plan with 400 steps) or paper (the paper's scale)."
    f" [default: {PRESET}]"
)


def methods_in_words() -> str:
    """The help of `--method`."""
    from lvcnet.methods import METHODS

    return f"{METHODS.in_words()}."


def networks_in_words() -> str:
    """The help of `--network`."""
    from lvcnet.models import NETWORKS

    return f"{NETWORKS.in_words()}; fcn is a method of its own. [default: unet]"


@dataclass(frozen=True)
class TrainRequest(Request):
    """One run. What is not given has its default from the run to copy, the file or the preset.

    Attributes:
        dataset: name or folder of the data set; may come from `like` or `config`.
        method, network, epochs, steps, seed, device: settings of `TrainConfig`.
        level: noise level 1 to 5, or clean.
        labels: any label set by name, instead.
        preset: settings to start from.
        like: run whose settings to start from; a preset wins over it.
        config: file with settings, which win over both.
        settings: further settings, which win over the file.
        name: of the run; by default made from what it is.
        queue: train in the background.
    """

    COMMAND = ("train",)

    dataset: Annotated[
        str | None,
        Argument("Name of the data set; `lvcnet data list` lists them. Optional with --like or --config."),
    ] = None
    method: Annotated[str | None, Option("--method", lambda: f"{methods_in_words()} [default: {METHOD}]")] = (
        None
    )
    network: Annotated[str | None, Option("--network", networks_in_words)] = None
    level: Annotated[str | None, Option("--level", "Noise level 1 to 5, or clean. [default: clean]")] = None
    labels: Annotated[
        str | None, Option("--labels", "Any label set by name, instead of --level; 3 is noise level 3.")
    ] = None
    preset: Annotated[
        str | None,
        Option("--preset", PRESETS_IN_WORDS),
    ] = None
    like: Annotated[
        str | None,
        Option("--like", "Start from all settings of this run; everything else given wins.", metavar="RUN"),
    ] = None
    config: Annotated[
        Path | None, Option("--config", "YAML file with settings; wins over the preset.", PATH)
    ] = None
    seed: Annotated[int | None, Option("--seed", "Keys initial weights, order and augmentation.")] = None
    epochs: Annotated[int | None, Option("--epochs", "Passes over the training images.")] = None
    steps: Annotated[int | None, Option("--steps", "Training steps, instead of epochs.")] = None
    device: Annotated[str | None, Option("--device", "auto, cpu, cuda, cuda:N or mps.")] = None
    settings: Annotated[
        Mapping[str, Any],
        Option("--set", "One setting; repeat for more, e.g. options.warps=2.", SETTINGS, metavar=KEY_VALUE),
    ] = field(default_factory=dict)
    name: Annotated[str | None, Option("--name", "Name of the run; by default made from what it is.")] = None
    queue: Annotated[bool, Option("--queue", "Train in the background, by the queue.")] = False

    def settled(self) -> "TrainConfig":
        """The whole configuration.

        Raises:
            LvcnetError: if nothing says what to learn from, or naming what is unknown, out of range or contradicts.
        """
        from lvcnet.training.config import build_config

        given = {"dataset": self.dataset, "labels": self.label_set(), "method": self.method}
        given |= {"network": self.network, "epochs": self.epochs, "steps": self.steps}  # type: ignore[dict-item]
        given |= {"seed": self.seed, "device": self.device}  # type: ignore[dict-item]
        explicit = {key: value for key, value in given.items() if value is not None}
        from_file = read_yaml(self.config) if self.config else {}
        if self.dataset is None and self.like is None and "dataset" not in from_file:
            raise LvcnetError(
                "nothing says what to learn from: give a DATASET, a file that names one with --config FILE, or a run to"
                " copy with --like RUN"
            )
        config = build_config(*self._layers(from_file, self.settings, explicit))
        if word := self.level or self.labels:
            from lvcnet.data.dataset import Dataset
            from lvcnet.data.naming import chosen

            chosen(Dataset.load(config.dataset), word)
        return config

    def _layers(self, *given: Mapping[str, Any]) -> "list[dict[str, Any]]":
        """What the configuration is made of, from below: a run's settings, a preset, auto where neither is named, and `given`."""
        from lvcnet.data.dataset import CLEAN
        from lvcnet.jobs.like import settings_like
        from lvcnet.runs.store import find_run
        from lvcnet.training.plan import start_settings

        layers = [dict(one) for one in given]
        copied = [settings_like(find_run(self.like), self.method)] if self.like is not None else []
        preset = self.preset or (None if copied else PRESET)
        if preset is None:
            return [*copied, *layers]
        about = merge_settings(*copied, *layers)
        return [
            *copied,
            start_settings(preset, str(about["dataset"]), str(about.get("labels", CLEAN))),
            *layers,
        ]

    def create(self) -> "RunDirectory":
        """Make the run; it waits in the queue already where that is wanted.

        Raises:
            LvcnetError: as `settled`, or if the data do not allow it or the name is taken.
        """
        from lvcnet import jobs
        from lvcnet.training.run import create_run

        run = create_run(self.settled(), self.name)
        if self.queue:
            jobs.submit(run)
        return run

    def label_set(self) -> str | None:
        """The label set that `level` or `labels` names; None if neither was given.

        Raises:
            LvcnetError: if both were given, or the level does not exist.
        """
        from lvcnet.data.dataset import CLEAN
        from lvcnet.data.naming import parse
        from lvcnet.noise.levels import LEVEL_TARGETS

        if self.level is None:
            return None if self.labels is None else parse(self.labels)
        if self.labels is not None:
            raise LvcnetError(
                f"--level {self.level} and --labels {self.labels} name two label sets: give one of them"
            )
        levels = [*map(str, LEVEL_TARGETS)]
        if self.level not in (CLEAN, *levels):
            raise LvcnetError(
                f"--level {self.level!r} does not exist: use {', '.join(levels)} or clean, or name a label set with --labels"
            )
        return parse(self.level)


def read_seeds(text: str) -> tuple[int, ...]:
    """Seeds as numbers.

    Raises:
        LvcnetError: if one is no whole number.
    """
    from lvcnet.jobs.sweep_config import parse_seeds

    return tuple(parse_seeds(split_list(text)))


def write_seeds(seeds: Sequence[int]) -> str:
    """The way back."""
    return ",".join(map(str, seeds))


def sweep_methods_in_words() -> str:
    """The help of `--methods`."""
    from lvcnet.methods import COMPARED, METHODS

    return f"Methods, separated by commas: {METHODS.in_words()}. [default: {','.join(COMPARED)}]"


def sweep_networks_in_words() -> str:
    """The help of `--network`."""
    from lvcnet.models import NETWORKS

    return f"Network of all runs: {NETWORKS.in_words()}. [default: unet]"


@dataclass(frozen=True)
class TrainingPlanRequest(Request):
    """The training plan of a label set."""

    COMMAND = ("training-plan",)

    dataset: Annotated[str, Argument("Name of the data set; `lvcnet data list` lists them.")]
    labels: Annotated[str, Option("--labels", "Label set to learn from; 3 is noise level 3.")] = "clean"

    def run(self) -> "TrainingPlan":
        """Measure the data and derive the plan.

        Raises:
            LvcnetError: for an unknown data set or label set, or one that covers no training image.
        """
        from lvcnet.data.dataset import Dataset
        from lvcnet.data.naming import chosen
        from lvcnet.training.plan import plan_training

        data = Dataset.load(self.dataset)
        return plan_training(data, chosen(data, self.labels))


@dataclass(frozen=True)
class SweepRequest(Request):
    """A grid of runs. What is not given has its default from the file or the preset."""

    COMMAND = ("sweep",)

    dataset: Annotated[
        str | None,
        Argument("Name of the data set; `lvcnet data list` lists them. Optional with --config."),
    ] = None
    config: Annotated[
        Path | None,
        Option(
            "--config",
            "YAML file with dataset, methods, labels, seeds and settings; what is given here as well wins.",
            PATH,
        ),
    ] = None
    methods: Annotated[tuple[str, ...] | None, Option("--methods", sweep_methods_in_words, WORDS)] = None
    labels: Annotated[
        tuple[str, ...] | None,
        Option(
            "--labels",
            "Label sets; 3 is noise level 3. E.g. clean,1,2,dentist2. [default: 1,2,3,4]",
            WORDS,
            former="--levels",
        ),
    ] = None
    seeds: Annotated[
        tuple[int, ...] | None,
        Option("--seeds", "Seeds, separated by commas. [default: 0]", Form(read_seeds, write_seeds)),
    ] = None
    preset: Annotated[str | None, Option("--preset", PRESETS_IN_WORDS)] = None
    network: Annotated[str | None, Option("--network", sweep_networks_in_words)] = None
    epochs: Annotated[int | None, Option("--epochs", "Passes over the training images.")] = None
    steps: Annotated[int | None, Option("--steps", "Training steps, instead of epochs.")] = None
    settings: Annotated[
        Mapping[str, Any],
        Option("--set", "One setting; can be repeated.", SETTINGS, metavar=KEY_VALUE),
    ] = field(default_factory=dict)
    queue: Annotated[bool, Option("--queue", "In the background, by the queue, and return at once.")] = False
    retry_failed: Annotated[bool, Option("--retry-failed", "Try failed runs again.")] = False
    evaluate: Annotated[bool, Option("--evaluate/--no-evaluate", "Evaluate each run when it is done.")] = True

    def settled(self) -> "SweepConfig":
        """The whole sweep.

        Raises:
            LvcnetError: if nothing says which data set, or naming everything that is unknown or out of range.
        """
        from lvcnet.jobs.sweep_config import planned_sweep

        lists = {"dataset": self.dataset, "methods": self.methods, "labels": self.labels, "seeds": self.seeds}
        explicit = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in lists.items()
            if value is not None
        }
        same = {"network": self.network, "epochs": self.epochs, "steps": self.steps}
        return planned_sweep(
            self.preset,
            self._from_file(),
            {"settings": dict(self.settings)},
            {"settings": {name: value for name, value in same.items() if value is not None}},
            explicit,
        )

    def _from_file(self) -> dict[str, Any]:
        """What the file says about the sweep."""
        found = read_yaml(self.config, formats.SWEEP) if self.config is not None else {}
        if self.dataset is None and "dataset" not in found:
            where = (
                f"add `dataset: NAME` to {self.config}"
                if self.config
                else "give a file that does with --config FILE"
            )
            raise LvcnetError(f"nothing says which data set to sweep: give a DATASET, or {where}")
        return found


@dataclass(frozen=True)
class CorrectRequest(Request):
    """Labels to judge by trainings that never saw them."""

    COMMAND = ("correct",)

    dataset: Annotated[str, Argument("Name of the data set; `lvcnet data list` lists them.")]
    labels: Annotated[str, Option("--labels", "Label set to judge, e.g. level3 or dentist2.")]
    method: Annotated[
        str, Option("--method", lambda: f"Method that judges: {methods_in_words()}", always=True)
    ] = METHOD
    folds: Annotated[
        int, Option("--folds", "Trainings; each judges the images that it left out.", always=True)
    ] = 5
    seed: Annotated[int, Option("--seed", "Keys initial weights, order and augmentation.")] = 0
    preset: Annotated[str, Option("--preset", PRESETS_IN_WORDS)] = PRESET
    epochs: Annotated[int | None, Option("--epochs", "Passes over the training images.")] = None
    steps: Annotated[int | None, Option("--steps", "Training steps, instead of epochs.")] = None
    settings: Annotated[
        Mapping[str, Any],
        Option("--set", "One setting; can be repeated.", SETTINGS, metavar=KEY_VALUE),
    ] = field(default_factory=dict)
    device: Annotated[str, Option("--device", "auto, cpu, cuda, cuda:N or mps.")] = "auto"
    name: Annotated[
        str | None, Option("--name", "Name of the correction; by default made from what it is.")
    ] = None
    overwrite: Annotated[bool, Option("--overwrite", "Replace a correction of that name.")] = False
    queue: Annotated[
        bool,
        Option("--queue", "Only train, in the background; judge by the same command later."),
    ] = False

    def settled(self) -> "Judgement":
        """What is kept while the folds train.

        Raises:
            LvcnetError: for an unknown preset, data set or label set.
        """
        from lvcnet.data.dataset import Dataset
        from lvcnet.data.naming import chosen
        from lvcnet.jobs.correct import Request as Judgement
        from lvcnet.training.plan import start_settings

        explicit: dict[str, Any] = {"device": self.device}
        explicit |= {"epochs": self.epochs} if self.epochs is not None else {}
        explicit |= {"steps": self.steps} if self.steps is not None else {}
        data = Dataset.load(self.dataset)
        judged = chosen(data, self.labels)
        merged = merge_settings(start_settings(self.preset, data, judged), dict(self.settings), explicit)
        return Judgement(self.dataset, judged, self.method, self.folds, self.seed, merged, self.name or "")


@dataclass(frozen=True)
class ReproduceRequest(Request):
    """A run to train again, or to compare with another one."""

    COMMAND = ("reproduce",)

    run: Annotated[str, Argument("Name of the run; `lvcnet runs` lists them.")]
    name: Annotated[
        str | None, Option("--name", "Name of the new run; by default the old one with -again.")
    ] = None
    against: Annotated[
        str | None, Option("--with", "Train nothing: compare with this run, e.g. a resumed one.")
    ] = None
