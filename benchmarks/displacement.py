"""How far outlines lie beside their edge: measured from images and labels, against the truth; labels before and after.

    lvcnet noise mandible --target 0.65 --family markov --bias 1        # and so on: whatever is to be measured
    python benchmarks/displacement.py --workspace DIR --output benchmarks/results/displacement.md hips mandible chest

Every label set of these data sets is measured, or those that `--labels` names, without its clean labels. The truth is how far its
outlines lie outside of the clean ones: half the difference of both mean signed distances, outline to outline. What is measured is
how far they lie outside of the edge, and clean ones need not lie on it: `from the edge` adds to the truth where these lie.
"""

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.comparison.formats import markdown_table
from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.data.displacement import displacements, moved_back
from lvcnet.masks.displacement import Verdict
from lvcnet.masks.geometry import signed_distance
from lvcnet.masks.overlap import iou
from lvcnet.training.commit import current_commit

HEADER = [
    "Data",
    "Category",
    "Labels",
    "True px",
    "From the edge px",
    "Measured px (95 %)",
    "Verdict",
    "IoU",
    "Moved untold",
    "Told",
]
SAYS = {Verdict.ON: "may be a convention", Verdict.BESIDE: "beside", Verdict.NONE: "no one edge"}
Masks = NDArray[np.bool_]


def true_displacement(drawn: Masks, clean: Masks) -> float:
    """Mean over (N, H, W) masks, of which none is empty, of how far the drawn outlines lie outside of the clean ones, px."""
    found = []
    for one, other in zip(drawn, clean, strict=True):
        ours, theirs = signed_distance(one), signed_distance(other)
        found.append((ours[np.abs(theirs) <= 0.5].mean() - theirs[np.abs(ours) <= 0.5].mean()) / 2)
    return float(np.mean(found))


def about(name: str, manifest: dict[str, Any]) -> str:
    """Label set in words: family, bias and label IoU."""
    if name == CLEAN:
        return CLEAN
    bias = manifest.get("bias") or 0
    return f"{manifest['family']}{f' {bias:+g}' if bias else ''} {manifest['mean_iou']:.2f}"


def measured(name: str, only: list[str]) -> list[list[object]]:
    """One row a category and label set of a data set, or those of them that are named."""
    dataset = Dataset.load(name)
    rows, table = dataset.indices("train"), []
    clean, edge = dataset.labels(CLEAN).masks[rows], displacements(dataset, CLEAN)
    for labels in [one for one in dataset.label_names() if not only or one in only]:
        drawn, found = dataset.labels(labels).masks[rows], displacements(dataset, labels)
        moved = [moved_back(drawn, dataset.frames[rows], found, told) for told in (False, True)]
        for channel, (category, one) in enumerate(found.items()):
            there = drawn[:, channel].any(axis=(1, 2)) & clean[:, channel].any(axis=(1, 2))
            truth = clean[there, channel]
            before, untold, told = (
                f"{float(iou(masks[there, channel], truth).mean()):.3f}" for masks in (drawn, *moved)
            )
            interval = f"{one.px:+.1f} ({one.low:+.1f} to {one.high:+.1f})"
            true = true_displacement(drawn[there, channel], truth)
            says = about(labels, dataset.manifest(labels))
            table.append(
                [
                    name,
                    category,
                    says,
                    f"{true:+.1f}",
                    f"{true + edge[category].px:+.1f}",
                    interval,
                    SAYS[one.verdict],
                    before,
                    _new(untold, before),
                    _new(told, before),
                ]
            )
    return sorted(table, key=lambda row: (str(row[1]), row[2] != CLEAN, str(row[2])))


def _new(after: str, before: str) -> str:
    return "stays" if after == before else after


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("datasets", nargs="+")
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--labels", nargs="+", default=[], help="label sets; default all")
    asked = parser.parse_args()
    os.environ["LVCNET_HOME"] = str(asked.workspace)
    table = [row for name in asked.datasets for row in measured(name, asked.labels)]
    prints = "; ".join(
        f"data set {name}, fingerprint {Dataset.load(name).fingerprint()}" for name in asked.datasets
    )
    command = f"python benchmarks/displacement.py --workspace DIR --output {asked.output} {' '.join(asked.datasets)}"
    command += f" --labels {' '.join(asked.labels)}" if asked.labels else ""
    text = f"# Outlines beside their edge\n\nCommand: `{command}`; commit {current_commit()}; {prints}; noise of seed 0.\n\n"
    asked.output.write_text(text + markdown_table(HEADER, table) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
