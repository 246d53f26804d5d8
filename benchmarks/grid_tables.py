"""What a grid of trainings rests on: data, length, every run with its commit, and how biased outlines were measured."""

import math
from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from displacement import true_displacement
from targets import BIASED, Displaced

from lvcnet.comparison.cells import method_name
from lvcnet.comparison.tables import NOTHING, Table
from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.jobs.sweep import PlannedRun
from lvcnet.training.commit import current_commit
from lvcnet.training.config import TrainConfig


def commits(plan: Sequence[PlannedRun]) -> str:
    """With which commit this was written and with which ones the runs were made, where these are others."""
    made = [cell.run.config().get("commit") for cell in plan if cell.run.exists()]
    counts = Counter(str(commit or "unknown") for commit in made)
    now = str(current_commit())
    if set(counts) <= {now}:
        return f"commit {now}"
    trained = ", ".join(f"{commit} ({count})" for commit, count in counts.most_common())
    return f"written at commit {now}, runs made at {trained}"


def data_table(datasets: Sequence[Dataset], plan: Sequence[PlannedRun]) -> Table:
    """What was trained and measured on."""
    rows = []
    for dataset in datasets:
        config = next(cell.config for cell in plan if cell.config.dataset == dataset.name)
        images = len(dataset.indices("train"))
        rows.append(
            [
                dataset.name,
                "phantom" if dataset.source.get("kind") == "phantom" else "imported",
                str(images),
                str(len(dataset.indices("test"))),
                f"{dataset.size} px",
                dataset.fingerprint(),
                str(config.epoch_count),
                str(config.steps or config.epoch_count * steps_an_epoch(images, config)),
                str(config.width),
            ]
        )
    header = [
        "Data set",
        "Kind",
        "Training images",
        "Test images",
        "Size",
        "Fingerprint",
        "Epochs",
        "Steps",
        "Width",
    ]
    return Table("Data and training", "The same for all methods.", header, rows)


def run_table(plan: Sequence[PlannedRun]) -> Table:
    """Every planned run, those that failed or were never made among them."""
    rows = []
    for cell in plan:
        made = cell.run.exists()
        rows.append(
            [
                cell.name,
                method_name(cell.config.model_dump()),
                cell.config.labels,
                str(cell.config.seed),
                cell.run.status()["state"] if made else "not made",
                str(cell.run.config().get("commit") or NOTHING) if made else NOTHING,
            ]
        )
    return Table(
        "Runs",
        "Every run of the grid, also those that failed; the commit is the one it was made with.",
        ["Run", "Method", "Labels", "Seed", "State", "Commit"],
        rows,
    )


def epochs_for(images: int, reference: int, config: TrainConfig) -> int:
    """Epochs that give `images` training images as many steps as `reference` images, but no fewer than planned.

    >>> [epochs_for(images, 300, TrainConfig(dataset="any")) for images in (80, 300, 1464)]
    [80, 20, 20]
    """
    wanted = config.epoch_count * steps_an_epoch(reference, config)
    return max(config.epoch_count, math.ceil(wanted / steps_an_epoch(images, config)))


def steps_an_epoch(images: int, config: TrainConfig) -> int:
    """Batches of an epoch, as `lvcnet.training.feed.Feed` makes them: without the images that are held out."""
    return max(1, (images - int(config.validation * images)) // config.batch_size)


def displaced(plan: Sequence[PlannedRun]) -> list[Displaced]:
    """How far the biased outlines of every data set and category lie outside of the clean ones, and what runs measured of it."""
    found = []
    for name in dict.fromkeys(cell.config.dataset for cell in plan):
        cells = [cell for cell in plan if (cell.config.dataset, cell.config.labels) == (name, BIASED)]
        kept = [one["categories"] for cell in cells if cell.run.exists() and (one := cell.run.displacement())]
        if not kept:
            continue
        dataset = Dataset.load(name)
        rows = dataset.indices("train")
        for channel, category in enumerate(dataset.categories):
            drawn, clean = (dataset.labels(labels).masks[rows, channel] for labels in (BIASED, CLEAN))
            both = drawn.any(axis=(1, 2)) & clean.any(axis=(1, 2))
            true = true_displacement(drawn[both], clean[both])
            found.append(Displaced(name, category, true, fmean(one[category]["px"] for one in kept)))
    return found
