"""What the lab does, as `lvcnet` commands: lists of arguments, without the word `lvcnet`."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from lvcnet import formats
from lvcnet.comparison.where import Where
from lvcnet.data.dataset import CLEAN
from lvcnet.data.facts import Filters
from lvcnet.training.config import TrainConfig


def phantom(name: str, train: int, test: int, size: int, seed: int) -> list[str]:
    """`lvcnet data phantom`."""
    return [
        *("data", "phantom", name, "--train", str(train), "--test", str(test)),
        *("--size", str(size), "--seed", str(seed)),
    ]


def import_data(name: str, options: Mapping[str, bool | str | Sequence[str]]) -> list[str]:
    """`lvcnet data import`; empty options are left out, a true one is a flag.

    >>> import_data("jaws", {"images": "png", "test": "", "labels": ["dentist2=c.json"], "accept-self-crossing": True})
    ['data', 'import', 'jaws', '--images', 'png', '--labels', 'dentist2=c.json', '--accept-self-crossing']
    """
    arguments = ["data", "import", name]
    for option, value in options.items():
        if isinstance(value, bool):
            arguments += [f"--{option}"] if value else []
            continue
        for one in [value] if isinstance(value, str) else value:
            if one:
                arguments += [f"--{option}", one]
    return arguments


def noise(
    dataset: str, levels: Sequence[int], family: str, seed: int, bias: float, fraction: float, test: bool
) -> list[str]:
    """`lvcnet noise`; what has its default value is left out.

    >>> noise("hips", [3, 4], "polygon", 1, 0.0, 1.0, False)
    ['noise', 'hips', '--levels', '3,4', '--seed', '1']
    """
    return [
        *("noise", dataset, "--levels", ",".join(map(str, levels))),
        *(("--family", family) if family != "polygon" else ()),
        *(("--seed", str(seed)) if seed else ()),
        *(("--bias", f"{bias:g}") if bias else ()),
        *(("--fraction", f"{fraction:g}") if fraction < 1 else ()),
        *(("--include-test",) if test else ()),
    ]


def images(dataset: str, labels: str, filters: Filters) -> list[str]:
    """`lvcnet data images`; what has its default value is left out.

    >>> images("hips", "level3", Filters(split="train", foreground=(0.1, 0.3), components=(2, None), order="worst"))[3:]
    ['--labels', 'level3', '--split', 'train', '--foreground', '0.1-0.3', '--components', '2-', '--order', 'worst']
    """
    least, most = filters.components
    flag = {None: (), True: ("--labelled",), False: ("--not-labelled",)}[filters.labelled]
    return [
        *("data", "images", dataset),
        *(("--labels", labels) if labels != CLEAN else ()),
        *(("--split", filters.split) if filters.split else ()),
        *flag,
        *(("--text", filters.text) if filters.text.strip() else ()),
        *(("--foreground", "{:g}-{:g}".format(*filters.foreground)) if filters.foreground != (0, 1) else ()),
        *(("--components", f"{least}-{'' if most is None else most}") if (least, most) != (0, None) else ()),
        *(("--order", filters.order) if filters.order != "stored" else ()),
    ]


def correct(
    dataset: str, labels: str, method: str, folds: int, seed: int, preset: str, epochs: int | None, name: str
) -> list[str]:
    """`lvcnet correct`; what has its default value is left out.

    >>> correct("hips", "level3", "unet", 5, 0, "quick", None, "")
    ['correct', 'hips', '--labels', 'level3', '--method', 'unet', '--folds', '5']
    """
    return [
        *("correct", dataset, "--labels", labels, "--method", method, "--folds", str(folds)),
        *(("--seed", str(seed)) if seed else ()),
        *(("--preset", preset) if preset != "quick" else ()),
        *(("--epochs", str(epochs)) if epochs is not None else ()),
        *(("--name", name) if name else ()),
    ]


def correct_apply(
    correction: str,
    labels: str,
    rule: str,
    ignore_disputed: bool = False,
    overwrite: bool = False,
    drafts: str | None = None,
) -> list[str]:
    """`lvcnet correct-apply`.

    >>> correct_apply("mine", "corrected-level3", "reviewed")
    ['correct-apply', 'mine', '--as', 'corrected-level3', '--accept', 'reviewed']
    """
    flags = {"--ignore-disputed": ignore_disputed, "--overwrite": overwrite}
    chosen = [flag for flag, on in flags.items() if on]
    settled = ["--drafts", drafts] if drafts else []
    return ["correct-apply", correction, "--as", labels, "--accept", rule, *settled, *chosen]


def two_label_sets(command: str, dataset: str, first: str, second: str, split: str | None) -> list[str]:
    """`lvcnet agree` or `lvcnet siding`.

    >>> two_label_sets("agree", "jaws", "clean", "dentist2", "test")
    ['agree', 'jaws', 'clean', 'dentist2', '--split', 'test']
    """
    return [command, dataset, first, second, *(("--split", split) if split else ())]


def consensus(dataset: str, label_sets: Sequence[str], vote: str, name: str) -> list[str]:
    """`lvcnet consensus`.

    >>> consensus("jaws", ["clean", "dentist2"], "staple", "both")
    ['consensus', 'jaws', 'clean', 'dentist2', '--vote', 'staple', '--as', 'both']
    """
    return ["consensus", dataset, *label_sets, "--vote", vote, "--as", name]


def export(dataset: str, labels: str, format: str, output: str) -> list[str]:
    """`lvcnet data export`.

    >>> export("hips", "level3", "masks", "masks.zip")[3:]
    ['--labels', 'level3', '--format', 'masks', '--output', 'masks.zip']
    """
    chosen = ["--format", format] if format != "coco" else []
    return ["data", "export", dataset, "--labels", labels, *chosen, "--output", output]


def compare(dataset: str, metric: str, where: Where) -> list[str]:
    """`lvcnet compare`.

    >>> compare("hips", "iou", {"epochs": 80})
    ['compare', 'hips', '--metric', 'iou', '--where', 'epochs=80']
    """
    return ["compare", dataset, "--metric", metric, *_where(where)]


def plan(dataset: str, budget: float, where: Where) -> list[str]:
    """`lvcnet plan`.

    >>> plan("hips", 10000, {})
    ['plan', 'hips', '--budget', '10000']
    """
    return ["plan", dataset, "--budget", f"{budget:.0f}", *_where(where)]


def _where(where: Where) -> list[str]:
    return [part for name, value in where.items() for part in ("--where", f"{name}={as_yaml(value)}")]


def train(config: TrainConfig, start: Sequence[str], changes: Mapping[str, Any]) -> list[str]:
    """`lvcnet train`; `start` is where the settings come from, `changes` is what differs from there.

    >>> train(TrainConfig(dataset="hips", method="fcn"), ["--like", "first"], {"epochs": 5})[:8]
    ['train', 'hips', '--method', 'fcn', '--labels', 'clean', '--like', 'first']
    """
    return [
        *("train", config.dataset, "--method", config.method, "--labels", config.labels),
        *(*start, "--seed", str(config.seed), *settings(changes), "--queue"),
    ]


def sweep(
    dataset: str,
    methods: Sequence[str],
    labels: Sequence[str],
    seeds: Sequence[int],
    start: Sequence[str],
    changes: Mapping[str, Any],
) -> list[str]:
    """`lvcnet sweep`."""
    return [
        *("sweep", dataset, "--methods", ",".join(methods), "--labels", ",".join(labels)),
        *("--seeds", ",".join(map(str, seeds)), *start, *settings(changes), "--queue"),
    ]


def settings(changes: Mapping[str, Any]) -> list[str]:
    """`--epochs` and `--set` for what differs from the preset; `options` entry by entry.

    >>> settings({"epochs": 5, "augment": False, "options": {"warps": 2}})
    ['--epochs', '5', '--set', 'augment=false', '--set', 'options.warps=2']
    """
    arguments: list[str] = []
    for key, value in changes.items():
        if key == "epochs":
            arguments += ["--epochs", str(value)]
        elif key == "options":
            for option, chosen in value.items():
                arguments += ["--set", f"options.{option}={as_yaml(chosen)}"]
        else:
            arguments += ["--set", f"{key}={as_yaml(value)}"]
    return arguments


def as_yaml(value: Any) -> str:
    """A scalar as the command line takes it.

    >>> as_yaml(True), as_yaml(0.002), as_yaml("paper")
    ('true', '0.002', 'paper')
    """
    return yaml.safe_dump(value).splitlines()[0]


def config_yaml(config: TrainConfig) -> str:
    """The whole configuration, to be kept and given to `lvcnet train --config`; `SweepConfig.to_yaml` is that of a sweep."""
    return yaml.safe_dump(formats.CONFIG.stamped(config.model_dump()), sort_keys=False)
