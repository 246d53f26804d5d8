"""The robustness table: data x method x noise level x seed, as one command.

    python benchmarks/robustness.py --workspace DIR --data hips,mandible

trains what is missing by the code of `lvcnet sweep` (stopped or started again, it goes on where it was), evaluates it,
and writes benchmarks/results/robustness.md and .html: Table 1 with the paper's figures, foreground IoU, paired intervals,
retention, outlines, label recovery, best minus last epoch, cost, and what issue targets ask for.

Data sets are named. The phantom is rendered if it is missing, and so are its noise levels and any other set's; your own
radiographs are imported once (`--labels` may name a second annotator, too), for instance panoramic ones of two dentists:

    LVCNET_HOME=DIR lvcnet data import mandible --images FOLDER/images --train FOLDER/dentist1_train.json \\
        --test FOLDER/dentist1_test.json --labels dentist2=FOLDER/dentist2_train.json,FOLDER/dentist2_test.json

Methods may carry options: `--methods "unet,lvcnet,lvcnet generator=false"`. `--labels dilated` are outlines that lie outside
by a Markov walk, label IoU .65. Cells are trained in the order of what they decide: by seed, and within a seed the labels of the
targets first.

Profile `plan`: each data set by its training plan (`lvcnet training-plan`). Profile `cpu`: preset quick, that plan with 400
steps; two to four minutes a run and core. Profile `gpu`: the paper's own scale, 1464 training and 366 test phantoms (data set
`pelvis`) and preset paper's 1200 epochs, for which you should have one; a data set with fewer training images gets as many
steps, that is more epochs, where the preset counts in epochs.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grid_tables import commits, data_table, displaced, epochs_for, run_table
from shown import shown_command
from targets import retention_table, target_table, verdicts

from lvcnet.comparison.cells import Comparison, method_name
from lvcnet.comparison.collect import collect
from lvcnet.comparison.formats import markdown_section, to_markdown
from lvcnet.comparison.tables import Table
from lvcnet.comparison.timing import Timing, time_methods, timing_table
from lvcnet.data import naming
from lvcnet.data.dataset import CLEAN, Dataset, list_datasets
from lvcnet.data.phantom.make import make_phantom
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.protocol import evaluate_run
from lvcnet.figures.html import html_page, paragraph, table_block
from lvcnet.figures.report import comparison_blocks
from lvcnet.files import write_atomic
from lvcnet.jobs.foreground import SweepProgress, run_sweep
from lvcnet.jobs.launch import slots
from lvcnet.jobs.sweep import PlannedRun, plan_sweep
from lvcnet.methods import COMPARED, shows_cues
from lvcnet.noise.calibrate import check_setting, default_name, make_noisy_labels
from lvcnet.training.config import (
    TrainConfig,
    build_config,
    merge_settings,
    parse_settings,
)
from lvcnet.training.plan import start_settings

RESULTS = Path(__file__).resolve().parent / "results"
PHANTOMS = {"hips": (300, 100), "pelvis": (1464, 366)}
"""Data sets that are rendered if they are missing: training and test images."""
SIZE = 128


@dataclass(frozen=True)
class Profile:
    """How large a benchmark is: the preset of its trainings and the phantom whose number of steps all data sets get."""

    preset: str
    phantom: str


PROFILES = {
    "plan": Profile("auto", "hips"),
    "cpu": Profile("quick", "hips"),
    "gpu": Profile("paper", "pelvis"),
}
DILATED = "dilated"
"""What the biased labels are called on the command line."""
BIASED = check_setting(None, 0.65, "markov", 0, 1.0, 1.0)
"""Outlines that lie outside by a Markov walk."""
DECIDING = ("level1", "level4", CLEAN, default_name(BIASED), "level5", "level3", "level2")
"""Label sets in the order of what they decide; any others come last."""


@dataclass(frozen=True)
class Results:
    """Everything that is written: the command, what was planned, and what came out."""

    command: str
    plan: list[PlannedRun]
    comparisons: dict[str, Comparison]
    timings: dict[str, Timing]
    notes: list[str]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is missing, evaluate, write."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = parse_options(given)
    os.environ["LVCNET_HOME"] = str(options.workspace.absolute())
    names = split(options.data or PROFILES[options.profile].phantom)
    if not options.report_only:
        for name in names:
            prepare_data(name, split(options.labels))
    plan = [cell for name in names for cell in plan_data(name, options)]
    plan.sort(key=decides)
    notes = list(options.note)
    if not options.report_only:
        problems = run_sweep(plan, options.workers or slots(), report=Progress())
        notes += [f"{name}: {problem}" for name, problem in problems.items()]
    complete_evaluations(plan)
    comparisons = collect_all(names, plan, notes)
    timings = time_plan(plan) if options.time else {}
    write(Results(shown_command("robustness.py", given), plan, comparisons, timings, notes), options.output)


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workspace", type=Path, required=True, help="data sets and runs (LVCNET_HOME)")
    parser.add_argument("--data", help="data sets, separated by commas; default: the profile's phantom")
    parser.add_argument("--methods", default=",".join(COMPARED), help="default: %(default)s")
    parser.add_argument(
        "--labels", "--levels", default="clean,1,3,4,5,dilated", help="label sets; 1 is noise level 1"
    )
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--profile", choices=list(PROFILES), default="plan")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one setting more")
    parser.add_argument("--workers", type=int, help="trainings at a time; default by cores")
    parser.add_argument("--retry-failed", action="store_true", help="try failed runs again")
    parser.add_argument("--report-only", action="store_true", help="train nothing, report what there is")
    parser.add_argument("--note", action="append", default=[], help="a remark for readers; can be repeated")
    parser.add_argument("--time", action="store_true", help="time all methods side by side, too: minutes")
    parser.add_argument(
        "--output", type=Path, default=RESULTS / "robustness", help="written with .md and .html"
    )
    return parser.parse_args(arguments)


def split(values: str) -> list[str]:
    """Values between commas."""
    return [value.strip() for value in values.split(",") if value.strip()]


def prepare_data(name: str, levels: Sequence[str]) -> None:
    """Render the phantom and make noise levels, where they are missing.

    Raises:
        LvcnetError: if the data set is neither here nor a phantom.
    """
    if name in PHANTOMS and name not in list_datasets():
        train, test = PHANTOMS[name]
        print(f"rendering {train} + {test} phantoms for {name}", file=sys.stderr)
        make_phantom(name, train, test, SIZE).save()
    dataset = Dataset.load(name)
    for level in levels:
        if level.isdigit() and naming.parse(level) not in dataset.label_names():
            print(f"calibrating level {level} of {name}", file=sys.stderr)
            dataset.add_labels(make_noisy_labels(dataset, int(level)))
        elif level == DILATED and label_set(level) not in dataset.label_names():
            print(f"calibrating {label_set(level)} of {name}", file=sys.stderr)
            dataset.add_labels(
                make_noisy_labels(dataset, None, BIASED.target, BIASED.family.name, bias=BIASED.bias)
            )


def label_set(word: str) -> str:
    """The label set that a word of --labels means.

    >>> label_set("4"), label_set("dentist2")
    ('level4', 'dentist2')
    """
    return default_name(BIASED) if word == DILATED else naming.parse(word)


def decides(cell: PlannedRun) -> tuple[int, int]:
    """What is trained first: a seed of everything, and of it the labels of the targets."""
    labels = cell.config.labels
    return cell.config.seed, DECIDING.index(labels) if labels in DECIDING else len(DECIDING)


def plan_data(name: str, options: argparse.Namespace) -> list[PlannedRun]:
    """All runs of one data set."""
    profile = PROFILES[options.profile]
    labels = [label_set(word) for word in split(options.labels)]
    first = labels[0]
    chosen = merge_settings(start_settings(profile.preset, name, first), parse_settings(options.set))
    if "epochs" not in parse_settings(options.set) and chosen.get("steps") is None:
        images = len(Dataset.load(name).indices("train"))
        chosen["epochs"] = epochs_for(
            images, PHANTOMS[profile.phantom][0], build_config(chosen, {"dataset": name})
        )
    seeds = [int(seed) for seed in split(options.seeds)]
    plan = []
    for method in split(options.methods):
        kind, settings = parse_method(method)
        settings = merge_settings(chosen, settings)
        plan += plan_sweep(name, [kind], labels, seeds, settings, options.retry_failed)
    return plan


def parse_method(text: str) -> tuple[str, dict[str, Any]]:
    """A method with options as its name and settings.

    >>> parse_method("lvcnet generator=false warps=2")
    ('lvcnet', {'options': {'generator': False, 'warps': 2}})
    """
    name, *options = text.split()
    return name, parse_settings([f"options.{option}" for option in options])


class Progress:
    """Prints a line whenever a run has ended."""

    def __init__(self) -> None:
        self.done = -1

    def __call__(self, now: SweepProgress) -> None:
        """Called by the sweep twice a second."""
        if now.runs_done == self.done:
            return
        self.done = now.runs_done
        left = "" if now.seconds_left is None else f", about {now.seconds_left / 60:.0f} minutes left"
        print(f"{now.runs_done}/{now.runs} runs{left}; training {', '.join(now.running)}", file=sys.stderr)


def complete_evaluations(plan: Sequence[PlannedRun]) -> None:
    """Evaluate finished runs whose evaluation is missing or from before it held all that the report shows."""
    for cell in plan:
        run = cell.run
        if (
            not run.exists()
            or run.status()["state"] != "done"
            or not any(run.checkpoints.glob("last.safetensors"))
        ):
            continue
        if "label_recovery" not in (run.evaluation() or {}):
            print(f"evaluating {run.name}", file=sys.stderr)
            evaluate_run(run)


def collect_all(names: Sequence[str], plan: Sequence[PlannedRun], notes: list[str]) -> dict[str, Comparison]:
    """A comparison a data set, of the planned runs alone; what cannot be compared becomes a note."""
    found = {}
    for name in names:
        runs = [cell.run for cell in plan if cell.config.dataset == name and cell.run.exists()]
        try:
            found[name] = collect(name, runs)
        except LvcnetError as error:
            notes.append(str(error))
    if not found:
        raise LvcnetError(f"nothing to report: {'; '.join(notes)}")
    return found


def time_plan(plan: Sequence[PlannedRun]) -> dict[str, Timing]:
    """Every method of the plan, side by side on its first data set's noisiest labels."""
    first = plan[0].config.dataset
    configs: dict[str, TrainConfig] = {}
    for cell in plan:
        if cell.config.dataset == first and cell.config.labels != CLEAN:
            configs[method_name(cell.config.model_dump())] = cell.config
    print(f"timing {', '.join(configs)}", file=sys.stderr)
    return time_methods(configs, Dataset.load(first))


def write(results: Results, stem: Path) -> None:
    """Write STEM.md and STEM.html.

    Raises:
        LvcnetError: if they cannot be written.
    """
    for suffix, text in ((".md", as_markdown(results)), (".html", as_html(results))):
        path = stem.with_name(stem.name + suffix)
        try:
            write_atomic(path, text.encode())
        except OSError as error:
            raise LvcnetError(f"{path} cannot be written: {error.strerror}") from None
        print(f"wrote {path}")


def as_markdown(results: Results) -> str:
    """The report as Markdown."""
    parts = [
        "# Robustness to label noise",
        f"Command: `{results.command}`; {commits(results.plan)}.",
        *(f"Note: {note}." for note in results.notes),
        *(markdown_section(table) for table in leading_tables(results)),
        *(to_markdown(comparison).rstrip("\n") for comparison in results.comparisons.values()),
        markdown_section(run_table(results.plan)),
    ]
    return "\n\n".join(parts) + "\n"


def as_html(results: Results) -> str:
    """The same with figures."""
    blocks = [
        paragraph(f"Command: {results.command}; {commits(results.plan)}."),
        *(paragraph(f"Note: {note}.", "note") for note in results.notes),
        *(table_block(table) for table in leading_tables(results)),
    ]
    for name, comparison in results.comparisons.items():
        blocks += [f"<h2>{name}</h2>", *comparison_blocks(comparison)]
    return html_page("Robustness to label noise", [*blocks, table_block(run_table(results.plan))])


def leading_tables(results: Results) -> list[Table]:
    """What concerns all data sets: targets where LVC-Net is part of it, data, time."""
    datasets = {name: Dataset.load(name) for name in results.comparisons}
    phantoms = [name for name, dataset in datasets.items() if dataset.source.get("kind") == "phantom"]
    timing = [timing_table(results.timings)] if results.timings else []
    ours = [cell for cell in results.plan if shows_cues(cell.config.method)]
    judged = verdicts(results.comparisons, phantoms, results.timings, displaced(results.plan)) if ours else []
    targets = [target_table(judged)] if ours else []
    return [
        *targets,
        retention_table(results.comparisons),
        data_table(list(datasets.values()), results.plan),
        *timing,
    ]


if __name__ == "__main__":
    try:
        main()
    except LvcnetError as error:
        sys.exit(f"robustness: {error}")
    except KeyboardInterrupt:
        sys.exit("robustness: interrupted; the same command goes on")
