"""Start a run from what another one was asked for."""

from typing import Any

from lvcnet.errors import LvcnetError
from lvcnet.methods import METHODS
from lvcnet.runs.directory import RunDirectory
from lvcnet.training.config import TrainConfig, build_config


def settings_like(run: RunDirectory, method: str | None = None) -> dict[str, Any]:
    """All settings of a run, as the lowest layer of a new configuration.

    Args:
        run: in any state; nothing of what it learned is taken over.
        method: the new run's method; another one than the run's cannot read its `options`, which are left out.

    Raises:
        LvcnetError: if the run's settings are not ones that this version knows.
    """
    stored = run.config()
    known = {name: stored[name] for name in TrainConfig.model_fields if name in stored}
    try:
        settings = build_config(known).model_dump()
        if method is not None and method != settings["method"]:
            settings["options"] = {}
        elif spec := METHODS.get(settings["method"]):
            spec.read_options(settings["options"])
    except LvcnetError as error:
        raise LvcnetError(f"run {run.name!r} cannot be copied: {error}") from None
    return settings
