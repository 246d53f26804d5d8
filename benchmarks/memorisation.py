"""When single outlines are learned by heart: agreement with clean test labels while networks learn noisy ones.

    python benchmarks/memorisation.py --workspace DIR --data hips,mandible

Trains nothing: it reads the learning curves of the runs that benchmarks/robustness.py made in the workspace. Their check on
clean test labels decides nothing while they learn; here it says at which part of a training a network knows the object best.
LVC-Net plus repairs its labels when it knows how they scatter, from a quarter of its training on (lvcnet.models.conventions),
which was set on such curves of mandible and chest at level 4.
"""

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from robustness import RESULTS, split
from shown import shown_command

from lvcnet.comparison.formats import markdown_section
from lvcnet.comparison.tables import NOTHING, Table
from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.errors import LvcnetError
from lvcnet.files import write_atomic
from lvcnet.methods import method_title
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import list_runs
from lvcnet.training.commit import current_commit

PARTS = (0.1, 0.15, 0.2, 0.25, 0.35, 0.5, 0.75, 1.0)
"""Fractions of a training that are shown: the check nearest to each."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Read and write."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workspace", type=Path, required=True, help="data sets and runs (LVCNET_HOME)")
    parser.add_argument("--data", required=True, help="data sets, separated by commas")
    parser.add_argument("--methods", default="unet,lvcnet-plus", help="default: %(default)s")
    parser.add_argument("--output", type=Path, default=RESULTS / "memorisation.md")
    options = parser.parse_args(given)
    os.environ["LVCNET_HOME"] = str(options.workspace.absolute())
    names = split(options.data)
    curves = read_curves(list_runs(demo=False), names, split(options.methods))
    if not curves:
        raise LvcnetError(
            f"no finished run of {options.data} in {options.workspace}: run robustness.py first"
        )
    prints = ", ".join(f"{name} {Dataset.load(name).fingerprint()}" for name in names)
    text = "\n".join(
        [
            "# When outlines are learned by heart",
            "",
            f"`{shown_command('memorisation.py', given)}`, commit {current_commit()}, data {prints}.",
            "",
            markdown_section(table(curves)),
            "",
        ]
    )
    print(text)
    write_atomic(options.output, text.encode())


Curve = list[tuple[float, float]]
"""Part of the training that is done, foreground IoU on the monitored clean test images."""


def read_curves(
    runs: Sequence[RunDirectory], names: Sequence[str], methods: Sequence[str]
) -> dict[tuple[str, str, str], list[Curve]]:
    """The curves of every finished run of a preset-auto training, by data set, labels and method."""
    found: dict[tuple[str, str, str], list[Curve]] = defaultdict(list)
    for run in runs:
        config = run.config()
        wanted = config["dataset"] in names and config["method"] in methods and not overridden(config)
        if wanted and run.status()["state"] == "done":
            rows = [row for row in run.metrics() if row.get("test_iou") is not None]
            steps = rows[-1]["step"]
            found[config["dataset"], config["labels"], config["method"]].append(
                [(row["step"] / steps, float(row["test_iou"])) for row in rows]
            )
    return found


def overridden(config: dict[str, Any]) -> dict[str, Any]:
    """What of the training plan a run was not trained by."""
    return dict((config.get("plan") or {}).get("overridden") or {})


def at(curves: Sequence[Curve], part: float) -> float:
    """Mean IoU over runs at the check nearest to a part of the training.

    >>> round(at([[(0.1, 0.5), (0.2, 0.7)], [(0.1, 0.6), (0.2, 0.9)]], 0.19), 3)
    0.8
    """
    return fmean(min(curve, key=lambda point: abs(point[0] - part))[1] for curve in curves)


def table(curves: dict[tuple[str, str, str], list[Curve]]) -> Table:
    """Data, labels and method by part of the training, the best part and what the last step has lost to it."""
    rows = []
    for (name, labels, method), each in sorted(
        curves.items(), key=lambda item: (item[0][0], item[0][1] != CLEAN, item[0])
    ):
        parts = sorted({point[0] for point in each[0]})
        best = max(parts, key=lambda part: at(each, part))
        shown = [f"{at(each, part):.3f}" for part in PARTS]
        lost = at(each, best) - at(each, 1.0)
        rows.append(
            [
                name,
                labels,
                method_title(method),
                *shown,
                f"{best:.2f}",
                f"{100 * lost:.1f}" if lost else NOTHING,
                str(len(each)),
            ]
        )
    return Table(
        "Foreground IoU on clean test labels by part of the training",
        "Mean over seeds, of up to 64 test images; lost: points from the best check to the last one. LVC-Net plus shows T.",
        ["Data set", "Labels", "Method", *(f"{part:g}" for part in PARTS), "Best at", "Lost", "Seeds"],
        rows,
    )


if __name__ == "__main__":
    try:
        main()
    except LvcnetError as error:
        sys.exit(f"memorisation: {error}")
