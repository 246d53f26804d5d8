"""A sweep as one validated object, so that it can be kept as a file: data set, methods, label sets, seeds, settings."""

from collections.abc import Sequence
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from lvcnet import formats
from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.data.naming import chosen
from lvcnet.errors import LvcnetError
from lvcnet.jobs.sweep import PlannedRun, plan_sweep
from lvcnet.methods import COMPARED
from lvcnet.trained import PRESET
from lvcnet.training.config import MOST, TrainConfig, build_config, merge_settings, validated
from lvcnet.training.plan import start_settings

GRID = {"dataset": "dataset", "labels": "labels", "method": "methods", "seed": "seeds"}
"""Settings of a run that the sweep decides, and what decides them."""
SETTINGS = [name for name in TrainConfig.model_fields if name not in GRID]


class SweepConfig(BaseModel):
    """Everything that decides which runs a sweep has; `settings` are the same in all of them."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    dataset: str = Field(description="name of the data set")
    methods: list[str] = Field(list(COMPARED), description="what is compared")
    labels: list[str] = Field(
        ["1", "2", "3", "4"],
        description="noise levels or label sets: 1 or level1 are the same; clean; dentist2",
    )
    seeds: list[Annotated[int, Field(ge=0, le=MOST)]] = Field([0], description="how often all is done")
    settings: dict[str, Any] = Field(
        default_factory=dict, description="what differs from the default settings"
    )

    def plan(self, retry_failed: bool = False) -> list[PlannedRun]:
        """The runs, see `plan_sweep`."""
        return plan_sweep(self.dataset, self.methods, self.labels, self.seeds, self.settings, retry_failed)

    def to_yaml(self) -> str:
        """With every setting, so that the file means the same when defaults or presets change."""
        whole = build_config(self.settings, {"dataset": self.dataset}).model_dump(exclude=set(GRID))
        lists = yaml.safe_dump(
            self.model_dump(exclude={"settings"}), sort_keys=False, default_flow_style=None
        )
        head = yaml.safe_dump({formats.KEY: formats.SWEEP.version})
        return head + lists + yaml.safe_dump({"settings": whole}, sort_keys=False)


def build_sweep(*layers: dict[str, Any]) -> SweepConfig:
    """Merge what is known about a sweep (later layers win, `settings` name by name) and validate it.

    Raises:
        LvcnetError: naming everything that is unknown or out of range, the settings included.
    """
    groups = [layer.get("settings") or {} for layer in layers]
    for group in groups:
        if not isinstance(group, dict):
            raise LvcnetError(
                f"settings: {group!r} is not a group of settings: write e.g. `epochs: 5` below it"
            )
    merged = {name: value for layer in layers for name, value in layer.items()}
    sweep = validated(SweepConfig, {**merged, "settings": merge_settings(*groups)}, "the sweep")
    for name in sweep.settings.keys() & GRID:
        raise LvcnetError(
            f"settings.{name} differs between the runs of a sweep: write `{GRID[name]}:` beside the settings"
        )
    whole = {**sweep.settings, "dataset": sweep.dataset}
    validated(TrainConfig, whole, "the sweep", group=("settings",), names=SETTINGS)
    return sweep


def planned_sweep(preset: str | None, *layers: dict[str, Any]) -> SweepConfig:
    """As `build_sweep`, on top of a preset.

    All runs have one plan, that of the first label set, so that they differ in nothing but what the sweep is about.

    Args:
        preset: by default auto.
        layers: what is known about the sweep; later ones win.

    Raises:
        LvcnetError: as `build_sweep`, and for an unknown data set or label set.
    """
    asked = build_sweep(*layers)
    data = Dataset.load(asked.dataset)
    first = chosen(data, asked.labels[0]) if asked.labels else CLEAN
    return build_sweep({"settings": start_settings(preset or PRESET, data, first)}, *layers)


def parse_seeds(texts: Sequence[str]) -> list[int]:
    """Seeds as numbers.

    Raises:
        LvcnetError: if one is not a whole number from 0 to `MOST`.

    >>> parse_seeds(["0", "12"])
    [0, 12]
    """
    wrong = [text for text in texts if not text.isdecimal() or len(text) > 10 or int(text) > MOST]
    if wrong:
        raise LvcnetError(
            f"seed {wrong[0][:20]!r} is not a whole number from 0 to {MOST}: use for instance 0, 1 and 2"
        )
    return [int(text) for text in texts]
