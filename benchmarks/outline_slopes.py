"""How steep a boundary is that knows how outlines scatter: what `HALF_TRUST` was set on.

    python benchmarks/outline_slopes.py --workspace DIR --data hips,mandible

No network is trained. Of every image, many noisy masks are drawn at the strength that a level of the data set has; their mean is
what a perfect label head would say. How steep it is (`models.conventions.Trust`) is printed for each category and level, with
the trust that follows, and the IoU of the mean's mask with the clean one: what a network that learns nothing but labels can reach
at most. Data sets are of the workspace, with their noise levels (`lvcnet noise`).
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from shown import shown_command

from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.files import write_atomic
from lvcnet.masks.overlap import iou
from lvcnet.models.conventions import HALF_TRUST, Trust
from lvcnet.noise import create_family
from lvcnet.training.commit import current_commit

RESULTS = Path(__file__).resolve().parent / "results"
IMAGES, DRAWS = 12, 24


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workspace", type=Path, required=True, help="data sets (LVCNET_HOME)")
    parser.add_argument("--data", default="hips", help="data sets, separated by commas")
    parser.add_argument("--levels", default="1,4", help="noise levels, separated by commas")
    parser.add_argument("--output", type=Path, default=RESULTS / "outline-slopes.md")
    options = parser.parse_args(given)
    os.environ["LVCNET_HOME"] = str(options.workspace.absolute())
    rows, prints = [], []
    for name in options.data.split(","):
        dataset = Dataset.load(name)
        prints.append(f"{name} {dataset.fingerprint()}")
        for level in options.levels.split(","):
            rows += [f"| {name} | {level} | {row} |" for row in measure(dataset, f"level{level}")]
    text = "\n".join(
        [
            "# How steep the mean of noisy outlines is",
            "",
            f"`{shown_command('outline_slopes.py', given)}`, commit {current_commit()}, data {', '.join(prints)}.",
            f"{DRAWS} noisy masks of each of {IMAGES} training images, seed 0; slopes in probability a pixel of the grid.",
            f"Trust is half at {HALF_TRUST}. The last column is what a network that learns nothing but labels reaches at most.",
            "",
            "| data | level | category | slope | trust | IoU of the mean label |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )
    print(text)
    write_atomic(options.output, text.encode())


def measure(dataset: Dataset, labels: str) -> list[str]:
    """Category, slope, trust and IoU of the mean label, a row each."""
    manifest, clean = dataset.labels(labels).manifest, dataset.labels(CLEAN).masks
    family = create_family(str(manifest["family"]))
    rows = []
    for category, name in enumerate(dataset.categories):
        trust, overlaps = Trust(1, momentum=1.0), []
        means = []
        for row in dataset.indices("train")[:IMAGES]:
            mask = clean[row, category]
            if mask.any():
                noisy = [
                    family.apply(mask, manifest["strength"], np.random.default_rng([row, draw]), 0.0)
                    for draw in range(DRAWS)
                ]
                means.append(np.mean(noisy, axis=0))
                overlaps.append(float(iou(means[-1] >= 0.5, mask)))
        trust.observe(torch.tensor(np.array(means), dtype=torch.float32).unsqueeze(1), 0.0)
        rows.append(
            f"{name} | {trust.slope.item():.3f} | {trust.shares().item():.2f} | {np.mean(overlaps):.3f}"
        )
    return rows


if __name__ == "__main__":
    main()
