"""`lvcnet train`: one run, in the foreground or by the queue."""

from pathlib import Path
from typing import Annotated, Any

import typer

from lvcnet import jobs
from lvcnet.cli.output import print_json, progress_bar, screen
from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.data.naming import chosen, parse
from lvcnet.errors import INTERRUPTED, LvcnetError
from lvcnet.jobs.like import settings_like
from lvcnet.methods import METHODS
from lvcnet.models import NETWORKS
from lvcnet.noise.levels import LEVEL_TARGETS
from lvcnet.runs.store import find_run
from lvcnet.trained import METHOD
from lvcnet.training.config import build_config, parse_settings, read_preset, read_yaml
from lvcnet.training.run import create_run
from lvcnet.training.run import train as train_run


def register(app: typer.Typer) -> None:
    """Add this module's commands to `app`."""
    app.command()(train)


def train(
    dataset: Annotated[
        str | None,
        typer.Argument(
            help="Name of the data set; `lvcnet data list` lists them. Optional with --like or --config."
        ),
    ] = None,
    method: Annotated[str | None, typer.Option(help=f"{METHODS.in_words()}. [default: {METHOD}]")] = None,
    network: Annotated[
        str | None, typer.Option(help=f"{NETWORKS.in_words()}; fcn is a method of its own. [default: unet]")
    ] = None,
    level: Annotated[str | None, typer.Option(help="Noise level 1 to 4, or clean. [default: clean]")] = None,
    labels: Annotated[
        str | None, typer.Option(help="Any label set by name, instead of --level; 3 is noise level 3.")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="quick (the default: minutes on a laptop) or paper (the paper's scale)."),
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Start from all settings of this run; everything else given wins."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="YAML file with settings; wins over the preset.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training images.")] = None,
    seed: Annotated[int | None, typer.Option(help="Keys initial weights, order and augmentation.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="One setting, key=value; repeat for more, e.g. options.warps=2."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the run; by default made from what it is.")
    ] = None,
    in_queue: Annotated[bool, typer.Option("--queue", help="Train in the background, by the queue.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Train a method on a label set. Ctrl-C saves the state; `lvcnet resume RUN` continues.

    Example: `lvcnet train hips --method lvcnet --level 3 --preset quick`, or the same once more with another seed:
    `lvcnet train --like hips-lvcnet-level3-s0 --seed 1`
    """
    given = {"dataset": dataset, "labels": chosen_labels(level, labels), "method": method, "epochs": epochs}
    given |= {"network": network, "seed": seed, "device": device}
    explicit = {key: value for key, value in given.items() if value is not None}
    from_file = read_yaml(config) if config else {}
    if dataset is None and like is None and "dataset" not in from_file:
        raise LvcnetError(
            "nothing says what to learn from: give a DATASET, a file that names one with --config FILE, or a run to copy"
            " with --like RUN"
        )
    layers = [
        *starting_layers(preset, like, method),
        from_file,
        parse_settings(settings or []),
        explicit,
    ]
    settled = build_config(*layers)
    word = level or labels
    if word is not None:
        chosen(Dataset.load(settled.dataset), word)
    run = create_run(settled, name)
    if in_queue:
        jobs.submit(run)
        state = "queued"
    else:
        run.update_status(launcher="foreground")
        with progress_bar(f"Training {run.name}") as report:
            state = train_run(run, report=report)
    result: dict[str, Any] = {"run": run.name, "directory": str(run.path), "state": state}
    if as_json:
        print_json(result)
    else:
        screen.print(f"Run {run.name} is {state}; its files are in {run.path}")
    if state == "interrupted":
        raise typer.Exit(INTERRUPTED)


def starting_layers(preset: str | None, like: str | None, method: str | None) -> list[dict[str, Any]]:
    """What a configuration starts from: the settings of run `like`, then a preset; quick where neither was given."""
    copied = [settings_like(find_run(like), method)] if like is not None else []
    name = preset or (None if copied else "quick")
    return [*copied, read_preset(name)] if name else copied


def chosen_labels(level: str | None, labels: str | None) -> str | None:
    """The label set that `--level` or `--labels` names; None if neither was given.

    Raises:
        LvcnetError: if both were given, or the level does not exist.
    """
    if level is not None and labels is not None:
        raise LvcnetError(f"--level {level} and --labels {labels} name two label sets: give one of them")
    if level is None:
        return None if labels is None else parse(labels)
    if level not in (CLEAN, *map(str, LEVEL_TARGETS)):
        raise LvcnetError(
            f"--level {level!r} does not exist: use 1, 2, 3, 4 or clean, or name a label set with --labels"
        )
    return parse(level)
