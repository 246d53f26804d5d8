"""What it changes that images keep their proportions: U-Net on clean labels, on a true and on a square grid.

    python benchmarks/proportions.py --shared DIR [--output FILE]

DIR holds the folder mandible with `images` and COCO files: panoramic radiographs of about 512 x 210. Both runs have the same
images, outlines, longer side, steps and seed; the second data set is stretched to a square, as all were before. Distances of
both are in pixels of the original images. IoU is over the pixels of the own grid, and, so that both are asked the same, of
masks at the images' own size with the outlines as pycocotools draws them.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from round_trip import SETS, Masks, full_masks
from shown import shown_command

from lvcnet.comparison.formats import markdown_table
from lvcnet.data.dataset import CLEAN, Dataset, LabelSet
from lvcnet.data.images import mask_to_working_grid, read_image, to_working_grid
from lvcnet.data.importing.importer import import_coco
from lvcnet.evaluation.protocol import evaluate_run
from lvcnet.inference.predictor import Predictor
from lvcnet.runs.directory import RunDirectory
from lvcnet.training.checkpoint import build_method
from lvcnet.training.commit import current_commit
from lvcnet.training.config import TrainConfig, build_config
from lvcnet.training.feed import Feed
from lvcnet.training.plan import start_settings
from lvcnet.training.run import create_run, train

NAME = "mandible"
TIMED = 12
"""Steps of each that are timed, taking turns."""
CPU = torch.device("cpu")


def main(given: Sequence[str] | None = None) -> None:
    """Print and write markdown."""
    given = sys.argv[1:] if given is None else given
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--size", type=int, default=128, help="longer side of the grid")
    parser.add_argument(
        "--epochs",
        type=int,
        default=72,
        help="of each training; so many steps as the phantom of profile cpu gets",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="write the text there, too")
    options = parser.parse_args(given)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as home:
        os.environ["LVCNET_HOME"] = home
        folder = options.shared / NAME
        datasets = both(folder, options.size)
        originals = full_masks(folder / SETS[NAME][1])
        rows = [
            row(dataset, config, originals, folder / "images", seconds)
            for (dataset, config), seconds in zip(
                settings(datasets, options.epochs, options.seed), step_seconds(datasets), strict=True
            )
        ]
    header = ["grid", "fingerprint", "IoU", "IoU at the images' size", "HD95 (px)", "ASSD (px)"]
    lines = [
        "# Images in their own proportions",
        "",
        f"Command: `{shown_command('proportions.py', given)}`; commit {current_commit()}; seed {options.seed}; {NAME}, clean"
        f" labels, U-Net, preset quick (width 16), {options.epochs} epochs; one thread.",
        "",
        "One training each, on the same images and outlines; what the columns are says [the script](../proportions.py).",
        f"Seconds a step: median of {TIMED} of each, taking turns.",
        "",
        markdown_table([*header, "seconds a step"], rows),
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if options.output:
        options.output.write_text(text)


def both(folder: Path, size: int) -> list[Dataset]:
    """The data set as it is imported, and stretched to a square, as it was before."""
    train_file, test_file = (folder / file for file in SETS[NAME])
    true = import_coco(f"{NAME}-true", folder / "images", train_file, test_file, size=size)
    masks = full_masks(train_file) | full_masks(test_file)
    square, sources = (size, size), [str(item.source) for item in true.items]
    images = np.stack(
        [to_working_grid(read_image(folder / "images" / name).pixels, square) for name in sources]
    )
    stretched = Dataset(f"{NAME}-square", true.categories, true.items, images, stretched=True)
    drawn = [
        [mask_to_working_grid(masks[name, category], square) for category in true.categories]
        for name in sources
    ]
    stretched.add_labels(LabelSet(CLEAN, np.array(drawn), np.ones(len(true), dtype=bool)))
    for dataset in (true, stretched):
        dataset.save()
    return [true, stretched]


def settings(datasets: Sequence[Dataset], epochs: int, seed: int) -> list[tuple[Dataset, TrainConfig]]:
    """The data sets with the configurations of their trainings."""
    shared = {
        "method": "unet",
        "labels": CLEAN,
        "epochs": epochs,
        "seed": seed,
        "device": "cpu",
        "threads": 1,
    }
    return [
        (one, build_config(start_settings("quick", one), {**shared, "dataset": one.name})) for one in datasets
    ]


def row(dataset: Dataset, config: TrainConfig, originals: Masks, images: Path, seconds: float) -> list[str]:
    """Train, measure, and what is printed about it."""
    run = create_run(config)
    train(run)
    found = evaluate_run(run, device="cpu")
    return [
        f"{dataset.grid[1]} x {dataset.grid[0]}{', stretched' if dataset.stretched else ''}",
        dataset.fingerprint(),
        f"{found['iou']:.4f}",
        f"{full_iou(dataset, run, originals, images):.4f}",
        f"{found['hd95']:.2f}",
        f"{found['assd']:.2f}",
        f"{seconds:.3f}",
    ]


def full_iou(dataset: Dataset, run: RunDirectory, originals: Masks, images: Path) -> float:
    """Mean IoU over the test images and their categories at their own size."""
    predictor = Predictor(run, device="cpu")
    scores = []
    for number in dataset.indices("test"):
        name = str(dataset.items[number].source)
        masks = predictor.predict_image(read_image(images / name).pixels).mask
        for category, mask in zip(dataset.categories, masks, strict=True):
            truth = originals[name, category]
            scores.append(float((mask & truth).sum() / (mask | truth).sum()))
    return float(np.mean(scores))


def step_seconds(datasets: Sequence[Dataset]) -> list[float]:
    """Median seconds of a training step on each data set; they take turns, whatever else the machine does."""
    parts = []
    for dataset, config in settings(datasets, 1, 0):
        method = build_method(config, len(dataset.categories), CPU)
        parts.append((method, next(iter(Feed(dataset, config, CPU).batches(1)))))
    taken: list[list[float]] = [[] for _ in parts]
    for turn in range(TIMED + 2):
        for (method, batch), times in zip(parts, taken, strict=True):
            start = time.perf_counter()
            method.step(batch)
            if turn > 1:
                times.append(time.perf_counter() - start)
    return [statistics.median(times) for times in taken]


if __name__ == "__main__":
    main()
