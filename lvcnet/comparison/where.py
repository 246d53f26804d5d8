"""Which runs a comparison is about, where the user says so: `--where epochs=80`, and the same choice on the page.

Runs that were not trained alike are never pooled; without a choice those that most runs were trained like count.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from lvcnet.errors import LvcnetError
from lvcnet.evaluation.alike import MAY_DIFFER, MEANT, Config
from lvcnet.trained import network_of
from lvcnet.training.config import TrainConfig, parse_settings

Where = Mapping[str, Any]
"""Setting of a run -> the value it must have; settings of a method as `options.NAME`."""


def parse_where(conditions: Iterable[str]) -> dict[str, Any]:
    """`["epochs=80", "options.warps=2"]` as settings and values.

    Raises:
        LvcnetError: for an unknown setting, or a value that it cannot have.

    >>> parse_where(["epochs=80", "options.warps=2", "learning_rate=2e-3"])
    {'epochs': 80, 'options.warps': 2, 'learning_rate': 0.002}
    """
    conditions = list(conditions)
    given = parse_settings(conditions, "--where")
    options = given.pop("options", {})
    if not isinstance(options, dict):
        raise LvcnetError(f"where options={options!r} is not one setting: write e.g. options.warps=2")
    nested = {name: value for name, value in given.items() if isinstance(value, dict)}
    if unknown := [name for name in given if name not in TrainConfig.model_fields or name in nested]:
        raise LvcnetError(
            f"where {unknown[0]} is no setting of a run: choose one of {', '.join(TrainConfig.model_fields)},"
            " or options.NAME"
        )
    found = {name: _valid(name, value) for name, value in given.items()}
    found |= {f"options.{name}": value for name, value in options.items()}
    return {name: found[name] for name in (one.partition("=")[0].strip() for one in conditions)}


def _valid(name: str, value: Any) -> Any:
    """The value as a run would record it."""
    kind: Any = TrainConfig.model_fields[name].annotation
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise LvcnetError(f"where {name}={value!r}: {error.errors()[0]['msg']}") from None


def unlike(config: Config, where: Where) -> str | None:
    """Why a run is not one that was asked for; None if it is.

    >>> unlike({"epochs": 20, "options": {"warps": 2}}, {"epochs": 80, "options.warps": 2})
    'its epochs is 20, not 80'
    """
    for name, value in where.items():
        found = _setting(config, name)
        if found != value:
            said = f"is {found}" if found is not None else "is not recorded or the default"
            return f"its {name} {said}, not {value}"
    return None


def _setting(config: Config, name: str) -> Any:
    if name == "network":
        return network_of(config)
    group, _, option = name.partition(".")
    return (config.get("options") or {}).get(option) if option else config.get(group, MEANT.get(group))


def varying(configs: Iterable[Config]) -> dict[str, list[Any]]:
    """Settings that decide an outcome and of which runs have several values, with these values in order.

    >>> varying([{"epochs": 80, "width": 16}, {"epochs": 20, "width": 16, "seed": 1}])
    {'epochs': [20, 80]}
    """
    known = list(configs)
    found = {}
    for name in TrainConfig.model_fields:
        values = (
            {value for config in known if (value := config.get(name, MEANT.get(name))) is not None}
            if name not in MAY_DIFFER
            else ()
        )
        if len(values) > 1:
            found[name] = sorted(values, key=lambda value: (str(type(value)), value))
    return found


def in_words(where: Where) -> str:
    """A choice as part of a sentence.

    >>> in_words({"epochs": 80, "width": 16})
    'epochs 80, width 16'
    """
    return ", ".join(f"{name} {value}" for name, value in where.items())
