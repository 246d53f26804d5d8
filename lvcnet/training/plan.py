"""Training plan: the settings of a training, derived from the traits of its data, with a reason beside each.

It follows from the data alone: every method and every device trains by the same plan, so that results compare. The idea of
a fingerprint that becomes a plan is nnU-Net's (Isensee et al. 2021). What each constant was set on is in
docs/training-plan.md.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.data.traits import Traits, measure
from lvcnet.data.working_size import ENOUGH
from lvcnet.text import counted
from lvcnet.training.config import LENGTHS, TrainConfig, as_yaml, merge_settings, read_preset
from lvcnet.training.feed import split_rows
from lvcnet.training.mirror import mirrored_names

PLANNED = ("auto", "quick")
"""Presets that change a training plan, of which auto changes nothing; any other one stands for itself."""
BATCH = 16
FEWEST, MOST_FOR_RARE, MOST = 800, 2000, 3000
"""Steps: of categories that are not rare, of rare ones, and of many images."""
NOT_RARE = 0.1
"""Share of the training pixels from which on a category needs no more steps for being rare."""
PASSES = 10
"""That every training image is to be seen at least."""
CHECKS = 20
"""Checks in a training."""
WIDTH, DEPTH = 16, 4
FEW_IMAGES = 100
"""Training images below which images and labels are moved further."""
FURTHER = 1.5
Value = int | float | str | bool


@dataclass(frozen=True)
class Choice:
    """One setting, its value, and the reason in one sentence."""

    name: str
    value: Value
    reason: str


@dataclass(frozen=True)
class TrainingPlan:
    """What a training on a label set is to be like.

    Attributes:
        dataset: name.
        labels: name of the label set.
        traits: what it is derived from.
        size: the working size that the data ask for; `import_again` where the data set has less.
        choices: settings of `TrainConfig`.
    """

    dataset: str
    labels: str
    traits: Traits
    size: Choice
    choices: tuple[Choice, ...]

    @property
    def settings(self) -> dict[str, Value]:
        """The choices by name."""
        return {one.name: one.value for one in self.choices}

    @property
    def import_again(self) -> str | None:
        """What to do about a working grid that is too small; None if it is not."""
        if self.traits.size >= min(
            int(self.size.value), self.traits.longest
        ):  # the images have no more to give
            return None
        return f"imported at {self.traits.size} px: import again with --size {self.size.value}"

    def overridden(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """What a configuration does otherwise, by name; a length in epochs stands for one in steps.

        >>> plan_of({"steps": 800, "width": 16}).overridden({"epochs": 3, "steps": None, "width": 16})
        {'epochs': 3}
        """
        found = {
            name: config.get(name)
            for name, value in self.settings.items()
            if name not in (*LENGTHS, "epoch_steps") and config.get(name) != value
        }
        length = {name: config[name] for name in LENGTHS if config.get(name) is not None}
        return found | {name: value for name, value in length.items() if self.settings.get(name) != value}

    def as_json(self) -> dict[str, Any]:
        """Size and every choice with its reason, JSON-able."""
        return {"size": asdict(self.size), "choices": [asdict(one) for one in self.choices]}

    def record(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """What a run keeps of it, JSON-able: size, every choice with its reason, and what the run does otherwise."""
        return {**self.as_json(), "overridden": self.overridden(config)}

    def to_yaml(self) -> str:
        """A small file of settings with their reasons, to be read, changed and given to `lvcnet train --config`."""
        again = [f"Attention: {self.import_again}."] if self.import_again else []
        about = [
            f"Training plan of data set {self.dataset}, labels {self.labels}:"
            f" {counted(self.traits.images, 'training image')}.",
            f"Working size {self.size.value} px: {self.size.reason}",
            *again,
        ]
        lines = [*map(as_comment, about), as_line("dataset", self.dataset), as_line("labels", self.labels)]
        for one in self.choices:
            lines += [as_comment(one.reason), as_line(one.name, one.value)]
        return "\n".join(lines) + "\n"


def in_words(record: Mapping[str, Any]) -> str:
    """What a run does otherwise than the plan that it keeps, in a sentence.

    >>> in_words(plan_of({"steps": 800, "width": 16}).record({"epochs": 3, "steps": None, "width": 8}))
    'Trained otherwise: width 8 instead of 16, epochs 3 instead of 800 steps.'
    >>> in_words(plan_of({"steps": 800}).record({"steps": 800}))
    'Trained by the plan.'
    """
    planned = {one["name"]: as_yaml(one["value"]) for one in record["choices"]}
    planned["epochs"] = f"{planned.get('steps')} steps"
    parts = [
        f"{name} {as_yaml(value)} instead of {planned.get(name, 'none')}"
        for name, value in record["overridden"].items()
    ]
    return f"Trained otherwise: {', '.join(parts)}." if parts else "Trained by the plan."


def as_line(name: str, value: Value) -> str:
    """`name: value` as YAML."""
    return yaml.safe_dump({name: value}, width=math.inf).strip()


def as_comment(text: str) -> str:
    """A YAML comment that stays one line, whatever categories are called.

    >>> as_comment("bone" + chr(10) + "steps: 1 is thin.")
    '# bone steps: 1 is thin.'
    """
    return "# " + "".join(one if one.isprintable() else " " for one in text)


def plan_of(settings: Mapping[str, Value]) -> TrainingPlan:
    """A plan that says only this, for tests and examples."""
    traits = Traits(CLEAN, 1, 1, 128, (128, 128), 128, 1.0, None, 0.5, 0.1, ())
    choices = tuple(Choice(name, value, "") for name, value in settings.items())
    return TrainingPlan("any", CLEAN, traits, Choice("size", 128, ""), choices)


_PLANS: dict[tuple[Any, ...], TrainingPlan] = {}
"""Plans by the files that they were derived from: a page asks for them again and again."""


def plan_training(dataset: Dataset | str, labels: str = CLEAN) -> TrainingPlan:
    """The plan of trainings on a label set of a data set.

    Raises:
        LvcnetError: if there is no such data set or label set, or it covers no training image.
    """
    data = dataset if isinstance(dataset, Dataset) else Dataset.load(dataset)
    key = _stamp(data, labels)
    if key is None or key not in _PLANS:
        found = derive(data, labels)
        if key is None:
            return found
        _PLANS[key] = found
    return _PLANS[key]


def _stamp(data: Dataset, labels: str) -> tuple[Any, ...] | None:
    """What changes when a data set or label set is written anew; None for one that is in memory only."""
    if data.folder is None:
        return None
    files = (data.folder / "dataset.json", data.folder / "labels" / f"{labels}.npz")
    try:
        return (
            data.name,
            str(data.folder),
            labels,
            *((one.stat().st_mtime_ns, one.stat().st_ino) for one in files),
        )
    except OSError:
        return None


def start_settings(preset: str, dataset: Dataset | str, labels: str = CLEAN) -> dict[str, Any]:
    """Settings that a training starts from: those of its preset, for auto and quick on top of the training plan.

    Raises:
        LvcnetError: for an unknown preset, and as `plan_training`.
    """
    return on_plan(preset, plan_training(dataset, labels)) if preset in PLANNED else read_preset(preset)


def on_plan(preset: str, plan: TrainingPlan) -> dict[str, Any]:
    """The settings of a preset on a plan; those of a preset that does not start from one stand for themselves.

    Raises:
        LvcnetError: for an unknown preset.
    """
    own = read_preset(preset)
    return merge_settings(dict(plan.settings), own) if preset in PLANNED else own


def derive(data: Dataset, labels: str) -> TrainingPlan:
    """The plan, from what `lvcnet.data.traits` measures and nothing else."""
    traits = measure(data, labels)
    train, _ = split_rows(data, labels, float(TrainConfig.model_fields["validation"].default))
    batch = _batch(len(train))
    steps = _steps(traits, len(train), int(batch.value))
    choices = (
        batch,
        steps,
        _epoch_steps(int(steps.value)),
        _width(),
        _depth(traits.size),
        _loss(traits),
        _augment(len(train), int(steps.value), int(batch.value)),
        _flip(data, labels, train),
        _jitter(len(train)),
    )
    return TrainingPlan(data.name, labels, traits, _size(traits), choices)


def _size(traits: Traits) -> Choice:
    thinnest, size = traits.thinnest, traits.wanted_size
    if thinnest is None or thinnest.thickness is None:
        return Choice("size", size, "no label shows anything, so nothing asks for more than the least.")
    here = thinnest.thickness * size / traits.size
    enough = f"{ENOUGH:g} px are enough"
    if here < ENOUGH:
        enough = f"{ENOUGH:g} px would be better, but {size} px is the most that images or time allow"
    return Choice(
        "size",
        size,
        f"{thinnest.name}, the thinnest common structure, is {here:.0f} px thick then; {enough}.",
    )


def _batch(images: int) -> Choice:
    value = min(BATCH, max(2, images // 2))
    if value == BATCH:
        return Choice("batch_size", value, f"{BATCH} images a step, of {images} to learn from.")
    return Choice("batch_size", value, f"half of the {images} images to learn from, so that steps differ.")


def _steps(traits: Traits, images: int, batch: int) -> Choice:
    """More where a category is rare or images are many."""
    rarest, share = traits.rarest, _share(traits)
    for_rare = min(MOST_FOR_RARE, max(FEWEST, _round(FEWEST * math.sqrt(NOT_RARE / max(share, 1e-6)))))
    for_many = min(MOST, _round(PASSES * images / batch))
    if for_many > for_rare:
        times = for_many * batch / images
        return Choice(
            "steps", for_many, f"each of {images} images is seen {times:.0f} times, {batch} a step."
        )
    said = "no label shows anything"
    if rarest is not None:
        said = f"{rarest.name}, the rarest category, covers {100 * share:.1f} % of the training pixels"
    than = "would do" if for_rare > FEWEST else "do"
    return Choice("steps", for_rare, f"{said}; from {100 * NOT_RARE:.0f} % on {FEWEST} steps {than}.")


def _round(steps: float) -> int:
    """To 200, so that labels which hardly differ have one plan."""
    return max(1, round(steps / 200)) * 200


def _share(traits: Traits) -> float:
    """Of all training pixels, those of the rarest category."""
    rarest = traits.rarest
    return rarest.presence * (rarest.area or 0.0) if rarest else NOT_RARE


def _epoch_steps(steps: int) -> Choice:
    value = max(1, steps // CHECKS)
    return Choice(
        "epoch_steps", value, f"a check on held-out images every {value} steps makes {CHECKS} in all."
    )


def _width() -> Choice:
    reason = f"{WIDTH} channels learned all sets that this plan was set on; {2 * WIDTH} cost up to four times the work."
    return Choice("width", WIDTH, reason)


def _depth(size: int) -> Choice:
    reason = f"{DEPTH} halvings leave {max(1, size >> DEPTH)} px across the coarsest stage, which sees the whole image."
    return Choice("depth", DEPTH, reason)


def _loss(traits: Traits) -> Choice:
    name = traits.rarest.name if traits.rarest else "foreground"
    share = f"{100 * _share(traits):.1f} % of the pixels"
    reason = f"cross-entropy hardly weighs {name}, {share}, so that it is learned late; Dice does."
    return Choice("loss", "ce+dice", reason)


def _augment(images: int, steps: int, batch: int) -> Choice:
    times = steps * batch / images
    return Choice("augment", True, f"each image comes {times:.0f} times, and is another one each time.")


def _flip(data: Dataset, labels: str, rows: NDArray[np.intp]) -> Choice:
    mirrored = mirrored_names(data.categories, data.labels(labels).masks[rows])
    if mirrored is None:
        return Choice(
            "flip", False, "labels of mirrored images would be wrong: sides are categories of their own."
        )
    pairs = sum(number != other for number, other in enumerate(mirrored)) // 2
    said = f"{counted(pairs, 'pair')} of categories change places" if pairs else "no category is of one side"
    return Choice("flip", True, f"labels of mirrored images stay true: {said}.")


def _jitter(images: int) -> Choice:
    value = FURTHER if images < FEW_IMAGES else 1.0
    few = "are few" if images < FEW_IMAGES else "are not few"
    moved = f"up to {10 * value:g} degrees, {10 * value:g} % zoom and {5 * value:g} % shift"
    return Choice("jitter", value, f"{moved}: {images} images {few}.")
