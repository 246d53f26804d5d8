"""What a training needs to know: one validated object, one YAML preset a situation.

Order of precedence, last wins: defaults, preset, config file, `--set key=value`, explicit options.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lvcnet import formats
from lvcnet.data.dataset import CLEAN
from lvcnet.errors import LvcnetError
from lvcnet.trained import METHOD, NETWORK, PRESET, epochs_of
from lvcnet.training.bounded_yaml import load_yaml

PRESETS = Path(__file__).parent / "presets"
Model = TypeVar("Model", bound=BaseModel)
MOST = 2**32 - 1
"""Largest whole number of a setting: what every generator takes as a seed, and what a run can be read with again."""
LENGTHS = ("epochs", "steps")
"""Settings of which one says how long a training is."""
USUAL_EPOCHS = 20
"""Of a training that says neither, as all did before there were steps."""


@dataclass(frozen=True)
class Length:
    """How long a training is.

    Attributes:
        steps: in all.
        epoch: steps of an epoch, which is what lies between two lines of the learning curve.
        one_pass: steps in which every training image is seen once.
    """

    steps: int
    epoch: int
    one_pass: int

    @property
    def epochs(self) -> int:
        """Epochs in all; the last one may be shorter.

        >>> Length(steps=420, epoch=50, one_pass=12).epochs
        9
        """
        return math.ceil(self.steps / self.epoch)


class TrainConfig(BaseModel):
    """Everything that decides the outcome of a run, and nothing else."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=(), allow_inf_nan=False)

    dataset: str = Field(description="name of the data set")
    labels: str = Field(CLEAN, description="label set to learn from, e.g. clean, level3, dentist2")
    method: str = Field(
        METHOD, description="how it learns: unet, lvcnet-plus ...; `lvcnet train --help` lists all"
    )
    seed: int = Field(0, ge=0, le=MOST, description="keys initial weights, order of images and augmentation")

    network: str = Field(NETWORK, description="network that is trained: unet, segnet, r2unet ...")
    width: int = Field(16, ge=4, le=256, description="channels of the first stage")
    depth: int = Field(4, ge=2, le=6, description="how often the trunk halves the resolution")
    block: Literal["plain", "residual", "recurrent"] = Field(
        "plain", description="building block of the trunk"
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="the method's own settings, e.g. generator, warps"
    )

    steps: int | None = Field(
        None, ge=1, le=MOST, description="length of the training in steps, whatever the number of images"
    )
    epochs: int | None = Field(
        None, ge=1, le=MOST, description="length in passes over the training images, instead of steps"
    )
    epoch_steps: int = Field(
        50, ge=1, le=MOST, description="steps of an epoch where the length is given in steps"
    )
    batch_size: int = Field(16, ge=1, le=MOST, description="images a step")
    loss: Literal["ce", "ce+dice"] = Field(
        "ce", description="of logits with labels: ce (cross-entropy), or ce+dice, which small structures need"
    )
    optimizer: Literal["adam", "sgd"] = Field("adam", description="adam (AdamW) or sgd (momentum 0.9)")
    learning_rate: float = Field(2e-3, gt=0, le=1e6, description="initial learning rate")
    schedule: Literal["cosine", "constant"] = Field(
        "cosine", description="cosine falls to 1 % of the initial rate"
    )
    weight_decay: float = Field(1e-4, ge=0, le=1e6, description="decoupled for adam")
    ema: float = Field(
        0.99, ge=0, lt=1, description="decay of the moving average that predicts; 0 turns it off"
    )
    augment: bool = Field(True, description="flip, small affine and intensity changes, drawn on the device")
    jitter: float = Field(
        1.0, ge=0, le=3, description="how far augmentation moves: at 1 up to 10 degrees, 10 % zoom, 5 % shift"
    )
    flip: bool = Field(
        True,
        description="left-right mirroring as part of the augmentation; left categories become right ones",
    )

    device: str = Field("auto", description="auto, cpu, cuda, cuda:N or mps")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="auto takes bf16 where it is faster"
    )
    threads: int = Field(0, ge=0, le=MOST, description="CPU threads; 0 leaves the choice to the caller")
    validation: float = Field(
        0.1, ge=0, le=0.5, description="share of training images held out, with noisy labels"
    )
    validate_every: int = Field(
        1, ge=1, le=MOST, description="epochs between two checks on held-out and test images"
    )
    snapshot_every: int = Field(4, ge=1, le=MOST, description="epochs between two snapshots of the maps")
    snapshot_images: int = Field(
        4, ge=0, le=16, description="how many fixed images the snapshots show, half of them test images"
    )

    @model_validator(mode="before")
    @classmethod
    def _one_length(cls, values: Any) -> Any:
        if isinstance(values, dict) and all(values.get(name) is None for name in LENGTHS):
            return {**values, "epochs": USUAL_EPOCHS}
        return values

    @model_validator(mode="after")
    def _not_both(self) -> "TrainConfig":
        if self.steps is not None and self.epochs is not None:
            raise ValueError("epochs and steps both say how long the training is: give one of them")
        return self

    def length(self, images: int) -> Length:
        """How long the training on so many images is. The last, smaller batch of a pass is left out unless it is the only one.

        >>> TrainConfig(dataset="hips", epochs=2).length(40), TrainConfig(dataset="hips", steps=90).length(8)
        (Length(steps=4, epoch=2, one_pass=2), Length(steps=90, epoch=50, one_pass=1))
        """
        one_pass = max(1, images // self.batch_size)
        if self.steps is not None:
            return Length(self.steps, self.epoch_steps, one_pass)
        return Length((self.epochs or USUAL_EPOCHS) * one_pass, one_pass, one_pass)

    @property
    def epoch_count(self) -> int:
        """Epochs of the training, that is lines of its learning curve, whatever they are counted in."""
        return epochs_of(self.model_dump())

    def run_name(self) -> str:
        """What a run is called that is given no name, whether its data set was named or given by its folder.

        >>> TrainConfig(dataset="hips", labels="level3", network="segnet").run_name()
        'hips-lvcnet-plus-segnet-level3-s0'
        """
        network = [self.network] if self.network != NETWORK else []
        return "-".join([Path(self.dataset).name, self.method, *network, self.labels, f"s{self.seed}"])

    def to_yaml(self) -> str:
        """The whole configuration, to be kept and given to `lvcnet train --config`."""
        return yaml.safe_dump(formats.CONFIG.stamped(self.model_dump()), sort_keys=False)


def list_presets() -> list[str]:
    """Names of the presets that ship with the project, the usual one first and the largest last."""
    names = {path.stem for path in PRESETS.glob("*.yaml")}
    return sorted(names, key=lambda name: (name != PRESET, name == "paper", name))


def read_yaml(path: Path, kind: formats.Format = formats.CONFIG) -> dict[str, Any]:
    """A YAML mapping from `path`, without its version: one that a person wrote needs none.

    Raises:
        LvcnetError: if the file cannot be read, does not hold settings by name, or is of a newer version.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise LvcnetError(f"configuration file {path} does not exist") from None
    except OSError as error:
        raise LvcnetError(f"configuration file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise LvcnetError(f"{path} is not valid YAML: {error}") from None
    value = load_yaml(text, str(path)) or {}
    if not isinstance(value, dict):
        raise LvcnetError(f"{path} must hold `key: value` lines, not a {type(value).__name__}")
    content = kind.current({str(name): setting for name, setting in value.items()}, path)
    return {name: setting for name, setting in content.items() if name != formats.KEY}


def read_preset(name: str) -> dict[str, Any]:
    """The settings of a preset.

    Raises:
        LvcnetError: for an unknown name.
    """
    if name not in list_presets():
        raise LvcnetError(f"preset {name!r} does not exist: choose one of {', '.join(list_presets())}")
    return read_yaml(PRESETS / f"{name}.yaml")


def parse_settings(settings: list[str], option: str = "--set") -> dict[str, Any]:
    """`["width=32", "options.warps=2"]` as nested settings; values are read as YAML.

    Raises:
        LvcnetError: for an entry without '=', a value that is not YAML, or a name that is also used as a group.
    """
    result: dict[str, Any] = {}
    for setting in settings:
        key, separator, value = setting.partition("=")
        if not separator or not key:
            raise LvcnetError(
                f"{option} {setting!r} is not of the form key=value, e.g. {option} width=32 or {option} options.warps=2"
            )
        *parents, leaf = key.strip().split(".")
        target = result
        for parent in parents:
            target = target.setdefault(parent, {})
            if not isinstance(target, dict):
                raise LvcnetError(
                    f"{option} {setting!r}: {parent!r} was given a value of its own: drop one of the two"
                )
        target[leaf] = load_yaml(value, f"{option} {setting!r:.100}: the value")
    return result


def write_settings(settings: Mapping[str, Any], group: str = "") -> list[str]:
    """Settings as `parse_settings` reads them.

    >>> write_settings({"augment": False, "options": {"warps": 2}})
    ['augment=false', 'options.warps=2']
    """
    texts: list[str] = []
    for name, value in settings.items():
        nested = isinstance(value, dict) and value
        texts += write_settings(value, f"{group}{name}.") if nested else [f"{group}{name}={as_yaml(value)}"]
    return texts


def as_yaml(value: Any) -> str:
    r"""A value in one line, as the command line takes it.

    >>> as_yaml(True), as_yaml(0.002), as_yaml("paper"), as_yaml("1")
    ('true', '0.002', 'paper', "'1'")
    """
    quoted = isinstance(value, str) and not value.isprintable()  # else a line break would be one
    style = '"' if quoted else None
    text = yaml.safe_dump(value, default_style=style, default_flow_style=True, width=math.inf)
    return str(text).splitlines()[0]


def merge_settings(*layers: dict[str, Any]) -> dict[str, Any]:
    """All settings, of which later layers win; `options` are merged key by key, and `steps` of a later layer take the place
    of `epochs`, as the other way round.

    Raises:
        LvcnetError: if `options` is not a mapping.

    >>> merge_settings({"steps": 400, "width": 16}, {"epochs": 3})
    {'steps': None, 'width': 16, 'options': {}, 'epochs': 3}
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        options = layer.get("options") or {}
        if not isinstance(options, dict):
            raise LvcnetError(f"options: {options!r} is not a group of settings: write e.g. options.warps=2")
        if any(layer.get(name) is not None for name in LENGTHS):
            merged |= {name: None for name in LENGTHS if name in merged}
        merged = {**merged, **layer, "options": {**merged.get("options", {}), **options}}
    return merged


def build_config(*layers: dict[str, Any]) -> TrainConfig:
    """Merge settings (later layers win, `options` key by key) and validate them.

    Raises:
        LvcnetError: naming every setting that is unknown or out of range.
    """
    return validated(TrainConfig, merge_settings(*layers), "the configuration")


def validated(
    model: type[Model],
    values: dict[str, Any],
    what: str,
    group: tuple[str, ...] = (),
    names: Iterable[str] | None = None,
) -> Model:
    """`values` as a model.

    Args:
        model: says what is allowed.
        values: settings by name.
        what: is not valid, for the message.
        group: where the settings are, for the message.
        names: what to offer where a name is unknown; by default all of the model.

    Raises:
        LvcnetError: naming every setting that is unknown or out of range.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in (*group, *item['loc']))}: {item['msg']}"
            for item in error.errors()
        ]
        unknown = any(item["type"] == "extra_forbidden" for item in error.errors())
        allowed = f" (allowed: {', '.join(names or model.model_fields)})" if unknown else ""
        raise LvcnetError(f"{what} is not valid: {'; '.join(problems)}{allowed}") from None
