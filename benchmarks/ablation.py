"""What each part of LVC-Net is worth: one training a switch, against the same method as it is.

    python benchmarks/ablation.py --workspace DIR --data hips --level 4
    python benchmarks/ablation.py --workspace DIR --data mandible --level 3 --parts method,cue,steps

Trains what is missing through `lvcnet sweep`, with the profile `cpu` of robustness.py, and writes a table. Switches of the
transform that leave the training of `lvcnet` alone (number of warps, window, gate) cost no training of it: see
transform_ablation.py. In LVC-Net plus they change what is learned, so they are here.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from robustness import RESULTS, Progress, complete_evaluations, parse_method, plan_data, prepare_data, split
from robustness import parse_options as robustness_options
from shown import shown_command

from lvcnet.comparison.cells import BASELINE, Cell, Comparison, method_name
from lvcnet.comparison.collect import collect
from lvcnet.comparison.formats import markdown_section
from lvcnet.comparison.scores import evaluations_of, image_scores
from lvcnet.comparison.tables import NOTHING, Table
from lvcnet.data import naming
from lvcnet.data.dataset import Dataset
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.statistics import paired_bootstrap
from lvcnet.files import write_atomic
from lvcnet.jobs.foreground import run_sweep
from lvcnet.jobs.launch import slots
from lvcnet.jobs.sweep import PlannedRun
from lvcnet.methods import method_title
from lvcnet.models.blocks import BLOCKS
from lvcnet.training.commit import current_commit

METRIC = "iou"
PARTS = {
    "method": ("Methods as they are", ["unet", "lvcnet", "lvcnet-paper", "lvcnet-plus"]),
    "cue": (
        "What the cue is: without LVC generator, without polarity, read on the edge wherever people draw",
        [
            "lvcnet generator=false",
            "lvcnet-plus generator=false",
            "lvcnet-plus polarity=false",
            "lvcnet-plus displaced=false",
        ],
    ),
    "steps": (
        "How often and how far the boundary moves, without the growing gate (agreement), and region evidence while training"
        " (evidence) and predicting (settle)",
        [
            *(f"lvcnet-plus warps={number}" for number in (0, 1, 8)),
            *(f"lvcnet-plus step={pixels}" for pixels in (1, 4)),
            "lvcnet-plus agreement=0",
            "lvcnet-plus evidence=0",
            "lvcnet-plus settle=0",
            "lvcnet-plus warps=0 evidence=0 settle=0",
        ],
    ),
    "paper": (
        "The printed method: its losses as they must be read, Eq. 3 without division, without the terms that it adds, and"
        " in which order it is trained",
        [
            "lvcnet-paper printed_losses=false",
            "lvcnet-paper normalised=false",
            *(f"lvcnet-paper {term}_weight=0" for term in ("stray", "guidance", "edge")),
            *(f"lvcnet-paper training={order}" for order in ("joint", "successive")),
        ],
    ),
}
"""Part -> what it asks, and the variants that answer it."""
BLOCK_METHODS = ["unet", "lvcnet", "lvcnet-plus"]


@dataclass(frozen=True)
class Group:
    """One table: the runs of some variants, all else being equal."""

    title: str
    note: str
    methods: list[str]
    plan: list[PlannedRun]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is missing, evaluate, write."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = parse_options(given)
    os.environ["LVCNET_HOME"] = str(options.workspace.absolute())
    if not options.report_only:
        prepare_data(options.data, [options.level])
    groups = list(plan_groups(options))
    plan = list({cell.name: cell for group in groups for cell in group.plan}.values())
    problems = {} if options.report_only else run_sweep(plan, options.workers or slots(), report=Progress())
    complete_evaluations(plan)
    text = "\n\n".join(
        [
            f"# Ablation: {options.data}, {naming.parse(options.level)}",
            f"Command: `{shown_command('ablation.py', given)}`; commit {current_commit()}; fingerprint"
            f" {Dataset.load(options.data).fingerprint()}.",
            "Foreground IoU on clean test labels, last epoch. Changes are paired with the same method without the switch, on"
            " the same images and seeds, in points; with one seed their intervals speak for other images, not for other"
            " trainings. Label recovery: IoU of the predictions on the training images with their clean labels.",
            *(f"Note: {name}: {problem}." for name, problem in problems.items()),
            *(f"Note: {note}." for note in options.note),
            *(markdown_section(group_table(group, options)) for group in groups),
        ]
    )
    write_atomic(options.output, f"{text}\n".encode())
    print(f"wrote {options.output}")


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workspace", type=Path, required=True, help="data sets and runs (LVCNET_HOME)")
    parser.add_argument("--data", default="hips", help="data set; default: the phantom")
    parser.add_argument("--level", default="4", help="noise level or label set")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--parts", default=",".join([*PARTS, "blocks"]), help="default: all, %(default)s")
    parser.add_argument(
        "--only", metavar="SWITCH", help="of the parts, the variants with this switch, such as warps=0"
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one setting more")
    parser.add_argument("--workers", type=int, help="trainings at a time; default by cores")
    parser.add_argument("--report-only", action="store_true", help="train nothing, report what there is")
    parser.add_argument("--note", action="append", default=[], help="a remark for readers; can be repeated")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args(arguments)
    unknown = set(split(options.parts)) - {*PARTS, "blocks"}
    if unknown:
        parser.error(f"unknown part {', '.join(sorted(unknown))}: choose of {', '.join([*PARTS, 'blocks'])}")
    if options.output is None:
        options.output = RESULTS / f"ablation-{options.data}-{naming.parse(options.level)}.md"
    return options


def plan_groups(options: argparse.Namespace) -> Iterable[Group]:
    """The chosen parts; with every switch the plain methods that it is compared with."""
    for part in split(options.parts):
        if part == "blocks":
            for block in BLOCKS:
                title = f"Blocks of the trunk: {block}"
                yield Group(title, "", BLOCK_METHODS, plan(options, BLOCK_METHODS, [f"block={block}"]))
        else:
            note, methods = PARTS[part]
            methods = [method for method in methods if not options.only or options.only in method.split()]
            if not methods:
                continue
            plain = {method.partition(" ")[0] for method in methods}
            title = f"{part[0].upper()}{part[1:]}"
            yield Group(title, f"{note}.", methods, plan(options, [*sorted(plain - {*methods}), *methods]))


def plan(
    options: argparse.Namespace, methods: Sequence[str], settings: Sequence[str] = ()
) -> list[PlannedRun]:
    """The runs of variants, as robustness.py plans them."""
    words = ["--workspace", str(options.workspace), "--labels", options.level, "--seeds", options.seeds]
    words += ["--methods", ",".join(methods)]
    words += [word for setting in [*options.set, *settings] for word in ("--set", setting)]
    return plan_data(options.data, robustness_options(words))


def group_table(group: Group, options: argparse.Namespace) -> Table:
    """One row a variant, also for those that were not trained."""
    labels, made = naming.parse(options.level), [cell.run for cell in group.plan if cell.run.exists()]
    try:
        comparison = collect(options.data, made, METRIC)
        cells = [comparison.cell(named(method), labels) for method in group.methods]
    except LvcnetError:  # no run is done
        comparison, cells = None, [None] * len(group.methods)
    rows = [
        row(comparison, cell) if comparison and cell else missing(method)
        for method, cell in zip(group.methods, cells, strict=True)
    ]
    header = ["Variant", "IoU", "Change (points)", "95 % interval", "Against", "Label recovery", "Seeds"]
    return Table(group.title, group.note, header, rows)


def named(method: str) -> str:
    """A variant as comparisons name it.

    >>> named("lvcnet-plus warps=1 polarity=false")
    'lvcnet-plus polarity=False warps=1'
    """
    name, settings = parse_method(method)
    return method_name({"method": name, **settings})


def row(comparison: Comparison, cell: Cell) -> list[str]:
    """A variant against its plain method, and a plain method against U-Net."""
    name, switched, _ = cell.method.partition(" ")
    other = comparison.cell(name if switched else BASELINE, cell.labels)
    change, interval, against = NOTHING, NOTHING, NOTHING
    if other is not None and other is not cell and set(other.runs) == set(cell.runs):
        found = paired_bootstrap(scores(cell), scores(other))
        change, against = f"{100 * found.mean:+.1f}", method_title(other.method)
        interval = f"{100 * found.low:+.1f} to {100 * found.high:+.1f}"
    recovery = f"{np.mean(cell.recovery):.3f}" if cell.recovery else NOTHING
    return [
        method_title(cell.method),
        f"{cell.mean(METRIC):.3f}",
        change,
        interval,
        against,
        recovery,
        str(len(cell.runs)),
    ]


def missing(method: str) -> list[str]:
    """The row of a variant that was not trained."""
    return [method_title(named(method)), "not trained", *[NOTHING] * 5]


def scores(cell: Cell) -> np.ndarray:
    """(S, n) scores by seed and image."""
    tables = [image_scores([evaluation], METRIC) for evaluation in evaluations_of(cell)]
    return np.array([[table[key] for key in sorted(tables[0])] for table in tables])


if __name__ == "__main__":
    try:
        main()
    except LvcnetError as error:
        sys.exit(f"ablation: {error}")
    except KeyboardInterrupt:
        sys.exit("ablation: interrupted; the same command goes on")
