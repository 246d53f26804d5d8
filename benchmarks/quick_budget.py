"""Does preset quick learn every category, and is it said where it does not?

    python benchmarks/quick_budget.py --workspace DIR --data hips,mandible,chest,ultrasound

trains by preset quick what is missing beside the plan-sized runs of benchmarks/robustness.py (the same options), and compares
category by category: a category counts as learned where its IoU on clean test labels is more than half of what the plan reaches.
Where it is not, the report quotes what `lvcnet runs` and the lab say of the run; that sentence never sees a clean label of a
training image, nor the plan-sized run.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from robustness import RESULTS, Progress, complete_evaluations, parse_options, plan_data, prepare_data, split
from shown import shown_command

from lvcnet.comparison.formats import markdown_section
from lvcnet.comparison.tables import NOTHING, Table
from lvcnet.data.dataset import Dataset
from lvcnet.errors import LvcnetError
from lvcnet.files import write_atomic
from lvcnet.jobs.foreground import run_sweep
from lvcnet.jobs.launch import slots
from lvcnet.jobs.sweep import PlannedRun
from lvcnet.methods import method_title
from lvcnet.runs.summary import summarise
from lvcnet.training.commit import current_commit

LEARNED = 0.5
"""Share of the IoU that the plan reaches above which a category is learned."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is missing, compare, write."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = parse_options(given)
    os.environ["LVCNET_HOME"] = str(options.workspace.absolute())
    names, pairs = split(options.data), []
    for name in names:
        if not options.report_only:
            prepare_data(name, split(options.labels))
        sizes = {}
        for profile in ("cpu", "plan"):
            options.profile = profile
            sizes[profile] = plan_data(name, options)
        pairs += list(zip(sizes["cpu"], sizes["plan"], strict=True))
    if not options.report_only:
        run_sweep([cell for pair in pairs for cell in pair], options.workers or slots(), report=Progress())
    complete_evaluations([cell for pair in pairs for cell in pair])
    prints = ", ".join(f"{name} {Dataset.load(name).fingerprint()}" for name in names)
    output: Path = options.output if options.output.suffix else RESULTS / "quick-budget.md"
    text = "\n".join(
        [
            "# What preset quick learns",
            "",
            f"`{shown_command('quick_budget.py', given)}`, commit {current_commit()}, data {prints}.",
            "",
            markdown_section(table(pairs)),
            "",
        ]
    )
    print(text)
    write_atomic(output, text.encode())


def table(pairs: Sequence[tuple[PlannedRun, PlannedRun]]) -> Table:
    """A row a run of preset quick and category: IoU, what the plan reaches, whether it is learned, and what is said."""
    rows = []
    for quick, planned in pairs:
        reached = [cell.run.evaluation() if cell.run.exists() else None for cell in (quick, planned)]
        if reached[0] is None or reached[1] is None:
            continue
        said = summarise(quick.run).diagnoses
        for category, means in reached[0]["per_category"].items():
            short, full = float(means["iou"]), float(reached[1]["per_category"][category]["iou"])
            learned = short > LEARNED * full
            sentence = " ".join(one for one in said if repr(category) in one)
            rows.append(
                [
                    quick.config.dataset,
                    quick.config.labels,
                    method_title(quick.config.method),
                    str(quick.config.seed),
                    category,
                    f"{short:.3f}",
                    f"{full:.3f}",
                    "yes" if learned else "no",
                    sentence or NOTHING,
                ]
            )
    return Table(
        "Quick against the plan",
        f"IoU on clean test labels, last step; learned: more than {LEARNED:.0%} of what the plan reaches.",
        ["Data set", "Labels", "Method", "Seed", "Category", "Quick", "Plan", "Learned", "What the lab says"],
        rows,
    )


if __name__ == "__main__":
    try:
        main()
    except LvcnetError as error:
        sys.exit(f"quick_budget: {error}")
    except KeyboardInterrupt:
        sys.exit("quick_budget: interrupted; the same command goes on")
