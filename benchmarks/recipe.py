"""Is the plan's U-Net a strong one? It beside MONAI's BasicUNet and DynUNet, trained alike, as one command.

    python benchmarks/recipe.py --workspace DIR --data hips,mandible,chest,ultrasound --workers 8

trains what is missing by each data set's training plan: the same images, batches, steps, augmentation, loss and working size
for all networks. DynUNet has nnU-Net's 2-D settings and learns in two ways, by the plan's optimiser and by nnU-Net's; the
better one counts. Stopped or started again, it goes on where it was. Writes benchmarks/results/recipe.md: foreground IoU and
Dice on clean test labels after the last step, and whether U-Net is within one point of the best.

Data sets are named; the phantom and noise levels are made where they are missing, as by benchmarks/robustness.py. `--workers`
trainings share the GPU, if there is one.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch
from grid_tables import commits, data_table
from robustness import RESULTS, Progress, complete_evaluations, label_set, prepare_data, split
from shown import shown_command

from lvcnet.comparison.formats import markdown_section
from lvcnet.comparison.tables import NOTHING, Table, summary
from lvcnet.data.dataset import Dataset
from lvcnet.errors import LvcnetError
from lvcnet.files import write_atomic
from lvcnet.jobs.foreground import run_sweep
from lvcnet.jobs.launch import slots
from lvcnet.jobs.sweep import PlannedRun, plan_sweep
from lvcnet.methods import method_title
from lvcnet.runs.locks import SHARED
from lvcnet.training.checkpoint import build_method
from lvcnet.training.config import merge_settings, parse_settings
from lvcnet.training.environment import recorded
from lvcnet.training.plan import start_settings

HERE = Path(__file__).resolve().parent
OURS = "unet"
RIVALS = ("monai-basicunet", "monai-dynunet", "monai-dynunet-nnunet")
ON_A_GRID = RIVALS[1:]
"""Methods with an option that says how often the grid is halved."""
POINT = 0.01
"""What U-Net may be below the best."""


@dataclass(frozen=True)
class Result:
    """One network on one data set and label set: a value a seed."""

    iou: list[float]
    dice: list[float]
    parameters: int
    seconds: list[float]
    steps: int


Cells = dict[tuple[str, str], dict[str, list[PlannedRun]]]
"""Runs by data set and label set, and then by method."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is missing, evaluate, write."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = parse_options(given)
    os.environ["LVCNET_HOME"] = str(options.workspace.absolute())
    workers = options.workers or slots()
    os.environ.setdefault(SHARED, str(workers))
    offer_plug_in()
    names, labels = split(options.data), split(options.labels)
    if not options.report_only:
        for name in names:
            prepare_data(name, labels)
    plan = [cell for name in names for cell in plan_data(name, options)]
    plan.sort(key=lambda cell: cell.config.seed)
    notes: list[str] = []
    if not options.report_only:
        problems = run_sweep(plan, workers, report=Progress())
        notes += [f"{name}: {problem}" for name, problem in problems.items()]
    complete_evaluations(plan)
    text = report(shown_command("recipe.py", given), plan, notes)
    try:
        write_atomic(options.output, text.encode())
    except OSError as error:
        raise LvcnetError(f"{options.output} cannot be written: {error.strerror}") from None
    print(f"wrote {options.output}")


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workspace", type=Path, required=True, help="data sets and runs (LVCNET_HOME)")
    parser.add_argument("--data", default="hips", help="data sets, separated by commas; default: %(default)s")
    parser.add_argument("--labels", default="clean,4", help="label sets; 4 is noise level 4")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one setting more")
    parser.add_argument("--workers", type=int, help="trainings at a time; default by cores")
    parser.add_argument("--retry-failed", action="store_true", help="try failed runs again")
    parser.add_argument("--report-only", action="store_true", help="train nothing, report what there is")
    parser.add_argument("--output", type=Path, default=RESULTS / "recipe.md")
    return parser.parse_args(arguments)


def offer_plug_in() -> None:
    """Let this process and those it starts find MONAI's networks, as if they were installed."""
    folders = [str(HERE / "plug_in"), str(HERE)]
    sys.path += [folder for folder in folders if folder not in sys.path]
    known = [str(HERE.parent), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(filter(None, [*known, *folders])))


def plan_data(name: str, options: argparse.Namespace) -> list[PlannedRun]:
    """All runs of one data set, by one plan."""
    data = Dataset.load(name)
    labels = [label_set(word) for word in split(options.labels)]
    given = {"device": options.device, "threads": 1}
    settings = merge_settings(start_settings("auto", data, labels[0]), given, parse_settings(options.set))
    seeds = [int(seed) for seed in split(options.seeds)]
    plan = []
    for method in (OURS, *RIVALS):
        own = {"options": {"halvings": [halvings(side) for side in data.grid]}} if method in ON_A_GRID else {}
        plan += plan_sweep(name, [method], labels, seeds, merge_settings(settings, own), options.retry_failed)
    return plan


def halvings(side: int) -> int:
    """How often nnU-Net halves a side of the working grid."""
    from monai_networks import halvings as by_nnunet  # MONAI takes seconds to import

    return by_nnunet(side)


def report(command: str, plan: Sequence[PlannedRun], notes: Sequence[str]) -> str:
    """The report as Markdown.

    Raises:
        LvcnetError: if no run has been evaluated.
    """
    cells: Cells = {}
    for cell in plan:
        place = cells.setdefault((cell.config.dataset, cell.config.labels), {})
        place.setdefault(cell.config.method, []).append(cell)
    found = {
        place: {method: result for method, runs in by.items() if (result := result_of(runs))}
        for place, by in cells.items()
    }
    if not any(found.values()):
        raise LvcnetError(f"nothing to report: {'; '.join(notes) or 'no run has been evaluated'}")
    datasets = [Dataset.load(name) for name in dict.fromkeys(name for name, _ in cells)]
    parts = [
        "# The recipe: U-Net by the plan beside MONAI's networks",
        f"Command: `{command}`; {commits(plan)}; {device_of(plan)}.",
        *(f"Note: {note}." for note in notes),
        markdown_section(verdict_table(found)),
        markdown_section(result_table(found)),
        markdown_section(data_table(datasets, plan)),
    ]
    return "\n\n".join(parts) + "\n"


def device_of(plan: Sequence[PlannedRun]) -> str:
    """What it was trained on."""
    noted = [entry for cell in plan if cell.run.exists() for entry in recorded(cell.run)]
    return f"trained on {', '.join(sorted({str(one.get('gpu') or one.get('cpu')) for one in noted}))}"


def result_of(runs: Sequence[PlannedRun]) -> Result | None:
    """What the seeds of one network gave; None if none of them is evaluated."""
    done = [(one, found) for one in runs if one.run.exists() and (found := one.run.evaluation()) is not None]
    if not done:
        return None
    config = runs[0].config
    method = build_method(config, len(Dataset.load(config.dataset).categories), torch.device("cpu"))
    curves = [one.run.metrics() for one, _ in done]
    return Result(
        [found["iou"] for _, found in done],
        [found["dice"] for _, found in done],
        method.parameters(),
        [sum(row["seconds"] for row in curve) for curve in curves],
        max(row["step"] for curve in curves for row in curve),
    )


def verdict_table(found: dict[tuple[str, str], dict[str, Result]]) -> Table:
    """Where U-Net is within a point of the best rival."""
    rows = []
    for (data, labels), results in found.items():
        rivals = {method: fmean(one.iou) for method, one in results.items() if method != OURS}
        if OURS not in results or not rivals:
            rows.append([data, labels, NOTHING, NOTHING, NOTHING, "not measured"])
            continue
        best = max(rivals, key=lambda method: rivals[method])
        ours = fmean(results[OURS].iou)
        missing = "" if set(RIVALS) <= set(rivals) else ", not all rivals measured"
        rows.append(
            [
                *(data, labels, f"{ours:.3f}", f"{rivals[best]:.3f} ({method_title(best)})"),
                f"{100 * (ours - rivals[best]):+.1f}",
                ("yes" if ours >= rivals[best] - POINT else "no") + missing,
            ]
        )
    return Table(
        "Within one point of the best",
        "Foreground IoU on clean test labels after the last step, mean over seeds.",
        ["Data set", "Labels", "U-Net", "Best rival", "Points", "Within 1 point"],
        rows,
    )


def result_table(found: dict[tuple[str, str], dict[str, Result]]) -> Table:
    """Every network."""
    rows = [
        [
            *(data, labels, method_title(method), summary(one.iou), summary(one.dice), str(one.steps)),
            *(f"{one.parameters / 1e6:.2f} M", f"{fmean(one.seconds):.0f}"),
        ]
        for (data, labels), results in found.items()
        for method, one in results.items()
    ]
    return Table(
        "All networks",
        "Trained with the same images, batches, steps, augmentation and loss. Seconds are those of training, with several"
        " trainings at a time.",
        ["Data set", "Labels", "Network", "IoU", "Dice", "Steps", "Weights", "Seconds"],
        rows,
    )


if __name__ == "__main__":
    try:
        main()
    except LvcnetError as error:
        sys.exit(f"recipe: {error}")
    except KeyboardInterrupt:
        sys.exit("recipe: interrupted; the same command goes on")
