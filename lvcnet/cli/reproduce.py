"""The command that trains a run again to see whether the same comes out: reproduce."""

import math
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import typer

from lvcnet.cli.options import Json
from lvcnet.cli.output import print_json, progress_bar, screen, visible
from lvcnet.cli.requests import takes
from lvcnet.errors import INTERRUPTED
from lvcnet.jobs.reproduce import (
    Differences,
    check_reproducible,
    differences,
    environment_changes,
    reproduce,
)
from lvcnet.jobs.requests import ReproduceRequest
from lvcnet.runs.store import find_run


@takes
def reproduce_run(request: ReproduceRequest, as_json: Json = False) -> None:
    """Train a run again and say what differs: environment, data, settings, curves, weights, evaluation.

    Before it trains it says what is not as it was then, and stops if the data changed. Exit status 0 if the same came
    out bit for bit, else 1. Ctrl-C leaves a run that can be resumed and compared by --with.

    Example: `lvcnet reproduce hips-unet-level3-s0`
    """
    run, against = request.run, request.against
    first = find_run(run)
    if against is None:
        check_reproducible(first)
        _say_before(run, environment_changes(first))
        with progress_bar(f"Training {run} again") as report:
            second, state = reproduce(first, request.name, report)
        if state != "done":
            sys.stderr.write(
                f"lvcnet: {second.name} is {state}; go on with `lvcnet resume {second.name}` and"
                f" `lvcnet reproduce {run} --with {second.name}`\n"
            )
            raise typer.Exit(INTERRUPTED)
    else:
        second = find_run(against)
    found = differences(first, second)
    if as_json:
        weights = None if found.weights == math.inf else found.weights
        print_json({**asdict(found), "weights": weights, "equal": found.equal})
    else:
        for line in report_lines(found):
            screen.print(line, highlight=False)
    if not found.equal:
        raise typer.Exit(1)


def _say_before(run: str, changes: Mapping[str, tuple[Any, Any]] | None) -> None:
    """On stderr, so that `--json` stays alone on stdout."""
    if changes is None:
        said = f"{run} did not record its environment: whether this one is the same cannot be said"
    elif changes:
        said = f"not as it was when {run} was trained: {_listed(changes)}"
    else:
        said = f"same data and environment as when {run} was trained"
    sys.stderr.write(visible(f"{said}\n"))


def report_lines(found: Differences) -> list[str]:
    """What differs, a line each, and the verdict."""
    weights = {
        None: "not compared: one of the two has no last checkpoint",
        0.0: "equal to the bit",
        math.inf: "different networks",
    }.get(found.weights, f"differ by at most {found.weights:.3g}" if found.weights else "")
    curves, measured = "equal", "not compared: one of the two is not evaluated"
    if found.curves is not None:
        curves = f"differ from epoch {found.curves.epoch} on: {_listed(found.curves.columns)}"
    if found.evaluation is not None:
        measured = _listed(found.evaluation) or "equal"
    verdict = "reproduces" if found.equal else "does not reproduce"
    return [
        f"Environment: {'not recorded' if found.environment is None else _listed(found.environment) or 'equal'}",
        f"Data: {_listed(found.data) or 'equal'}",
        f"Settings: {_listed(found.config) or 'equal'}",
        f"Curves: {curves}",
        f"Weights: {weights}",
        f"Evaluation: {measured}",
        f"{found.other} {verdict} {found.run}" + (" bit for bit." if found.equal else "."),
    ]


def _listed(pairs: Mapping[str, tuple[Any, Any]]) -> str:
    return ", ".join(f"{name} {_shown(one)} -> {_shown(other)}" for name, (one, other) in pairs.items())


def _shown(value: Any) -> str:
    return f"{value:.8g}" if isinstance(value, float) else "none" if value is None else str(value)


def register(app: typer.Typer) -> None:
    """Add this module's command to `app`."""
    app.command("reproduce")(reproduce_run)
