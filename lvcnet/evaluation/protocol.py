"""The protocol: which images, which labels, which averages.

Symbols: N test images, C categories, H x W pixels of the working grid.

Metrics are computed per image and category, then averaged over both. Nothing is selected here: threshold 0.5, the
last epoch unless `best` is asked for.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.claims import using
from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.data.summary import iou_to_clean
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.alike import labels_now, same_labels
from lvcnet.evaluation.own_size import image_files, measured_at_own_size
from lvcnet.evaluation.robustness import best_last_gap
from lvcnet.evaluation.statistics import mean_sd
from lvcnet.files import keyed_rng
from lvcnet.frames import Frames
from lvcnet.inference.predictor import Predictor
from lvcnet.masks.collapse import mask_facts
from lvcnet.masks.metrics import ROUND_METRICS, image_metrics
from lvcnet.progress import Report, part_of
from lvcnet.runs.directory import ACTIVE, RunDirectory
from lvcnet.runs.locks import evaluation_lock
from lvcnet.runs.store import is_demo
from lvcnet.thresholds import THRESHOLD
from lvcnet.training.checkpoint import data_of, read_facts

ROUNDS = 5
ROUND_IMAGES = 50

GRID = "grid px"
"""The unit of distances in evaluations of before format 2."""

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]


def evaluate_masks(
    predicted: BoolArray,
    reference: BoolArray,
    keys: Sequence[str],
    categories: Sequence[str],
    seed: int = 0,
    report: Report | None = None,
    counts: BoolArray | None = None,
    sizes: FloatArray | None = None,
    unit: str = "px",
    frames: Frames | None = None,
) -> dict[str, Any]:
    """All metrics of a set of masks, as a JSON-able dictionary.

    Args:
        predicted: (N, C, H, W) bool.
        reference: (N, C, H, W) bool.
        keys: N image keys.
        categories: C names.
        seed: keys the draws of the rounds.
        report: called with (images done, images).
        counts: (N, C, H, W) bool, the pixels that are measured; all by default.
        sizes: (N, 2) height and width of a pixel in `unit`; default 1.
        unit: of distances: px of the original images, or mm.
        frames: (N, 2) rows and columns that hold each image; default all.

    Returns:
        Each metric's mean over images and categories at the top level, `unit`, `tolerance` (how large a pixel of the grid, its
        longer side, is in that unit, on average), then `rounds`, `per_category`, `per_image`, and
        under `masks` what tells a collapse (`lvcnet.masks.collapse`), and under `shown` for each category how many images show
        it, and the mean IoU over these (None where none does): the other means count what is rightly left empty as 1.
    """
    if counts is None:
        counts = np.ones_like(reference)
    predicted, reference = predicted & counts, reference & counts
    values = image_metrics(predicted, reference, report, sizes, frames)
    sizes = np.ones((len(keys), 2)) if sizes is None else sizes
    found = averaged(values, keys, categories, seed, sizes, unit)
    shown = {
        category: _where_shown(values["iou"][:, c], reference[:, c].max(axis=(1, 2)))
        for c, category in enumerate(categories)
    }
    return {**found, "masks": mask_facts(predicted, reference, counts, categories), "shown": shown}


def averaged(
    values: dict[str, FloatArray],
    keys: Sequence[str],
    categories: Sequence[str],
    seed: int,
    sizes: FloatArray,
    unit: str,
) -> dict[str, Any]:
    """What `evaluate_masks` returns of (N, C) metrics, but for `masks` and `shown`; the arguments are its own."""
    return {
        "unit": unit,
        "tolerance": float(sizes.max(axis=1).mean()),
        **{name: float(table.mean()) for name, table in values.items()},
        "rounds": random_rounds(values, seed),
        "per_category": {
            category: {name: float(table[:, c].mean()) for name, table in values.items()}
            for c, category in enumerate(categories)
        },
        "per_image": [
            {"key": key, **{name: float(table[n].mean()) for name, table in values.items()}}
            for n, key in enumerate(keys)
        ],
    }


def _where_shown(scores: FloatArray, shown: BoolArray) -> dict[str, Any]:
    """How many of N images show a category, and the mean of its scores over these."""
    return {"images": int(shown.sum()), "iou": float(scores[shown].mean()) if shown.any() else None}


def in_pixels(evaluation: Mapping[str, Any], dataset: Dataset | None) -> dict[str, Any]:
    """An evaluation, if it is of before with distances in pixels of the images where those of the working grid are just that.

    Args:
        evaluation: as `RunDirectory.evaluation` gives it.
        dataset: what it was measured on; None if it is gone.
    """
    if evaluation["unit"] != GRID or dataset is None:
        return dict(evaluation)
    rows = dataset.indices(str(evaluation["split"]))
    same = not dataset.stretched and bool((dataset.pixel_sizes(rows) == 1).all())
    return {**evaluation, **({"unit": "px", "tolerance": 1.0} if same else {})}


def random_rounds(values: dict[str, FloatArray], seed: int = 0) -> dict[str, Any]:
    """The paper's measurement: 5 rounds of 50 random test images, mean and sd (n - 1) over the rounds.

    Within a round no image occurs twice. With 50 test images or fewer every round would be the same, so each draws
    80 % of them; `images` says how many, `note` that it differs from the paper. The rounds overlap, so the sd says how
    much the choice of test images matters, not how certain the mean is.

    Args:
        values: metric -> (N, C).
        seed: keys the draws.
    """
    total = len(values["miou"])
    enough = total > ROUND_IMAGES
    size = ROUND_IMAGES if enough else max(1, round(0.8 * total))
    draws = [keyed_rng(seed, "round", number).permutation(total)[:size] for number in range(ROUNDS)]
    result: dict[str, Any] = {"rounds": ROUNDS, "images": size, "of": total}
    if not enough:
        result["note"] = f"only {total} test images: each round draws 80 % of them instead of {ROUND_IMAGES}"
    for name in ROUND_METRICS:
        means = [float(values[name][draw].mean()) for draw in draws]
        mean, sd = mean_sd(means)
        result[name] = {"mean": mean, "sd": sd, "values": means}
    return result


def evaluate_run(
    run: RunDirectory,
    which: str = "last",
    against: str = CLEAN,
    split: str = "test",
    device: str = "auto",
    report: Report | None = None,
    outlines: str | None = None,
    images: Path | None = None,
) -> dict[str, Any]:
    """Predict the images of a split with a run's checkpoint and measure against a label set.

    The result of the default choice (last checkpoint, clean labels, test images) becomes the evaluation.json of a run
    that is done. A cancelled run can be measured too, but keeps no result that would be outdated when it is resumed.

    Args:
        run: a run that is not queued or running.
        which: checkpoint, `last` or `best`.
        against: label set that counts as truth: clean, or level1 as in the paper.
        split: test or train.
        device: auto, cpu, cuda, cuda:N or mps.
        report: called with (done, total) images, each counted when it is predicted and when it is measured.
        outlines: measure at the images' own size: full, with outlines at the edges there, or grid, upsampled from the working
            grid. By default it is measured on the working grid, as every comparison is.
        images: folder of the image files, where it is not the one they were imported from.

    Raises:
        LvcnetError: if the run is not finished, has no checkpoint, the data changed since the training,
            `against` covers no image of the split, or an image file is not there.
        Busy: if another process makes the evaluation.json of this run.
    """
    state = run.status()["state"]
    if state in ACTIVE:
        raise LvcnetError(f"run {run.name!r} is {state}: evaluate it when it has finished")
    as_usual = (which, against, split, outlines) == ("last", CLEAN, "test", None)
    kept = state == "done" and as_usual and not is_demo(run)
    what = "it is being evaluated"
    with using("run", run.path, what), evaluation_lock(run) if kept else nullcontext():
        result = _evaluate(run, which, against, split, device, report, outlines, images)
        if kept:
            run.write_evaluation(result)
    return result


def _evaluate(
    run: RunDirectory,
    which: str,
    against: str,
    split: str,
    device: str,
    report: Report | None,
    outlines: str | None,
    images: Path | None,
) -> dict[str, Any]:
    started = time.perf_counter()
    config = run.config()
    dataset = Dataset.load(config["dataset"])
    what = f"run {run.name}: it is being evaluated"
    with using("data set", dataset.folder, what, [against, config["labels"]]):
        fingerprint, rows = check_fingerprint(run, dataset), _covered_rows(dataset, against, split)
        paths = None if outlines is None else image_files(dataset, rows.tolist(), images)
        predictor = Predictor(run, which, device, outlines or "grid")
        if paths is None:
            found = _on_the_grid(config["labels"], dataset, rows, predictor, against, split, report)
        else:
            found = _at_own_size(dataset, rows, predictor, against, paths, report)
    result = {
        **_head(run, dataset, predictor, which),
        "fingerprint": fingerprint,
        "against": against,
        "split": split,
        "images": len(rows),
        **found,
    }
    result["seconds"] = time.perf_counter() - started
    return result


def _at_own_size(
    dataset: Dataset,
    rows: NDArray[np.intp],
    predictor: Predictor,
    against: str,
    paths: Sequence[Path],
    report: Report | None,
) -> dict[str, Any]:
    unit, keys = dataset.unit(rows), [dataset.items[row].key for row in rows]
    values, predicted, reference, sizes = measured_at_own_size(
        dataset, against, rows, predictor, paths, unit, report
    )
    facts = mask_facts(predicted, reference, dataset.labels(against).valid(rows), dataset.categories)
    found = averaged(values, keys, dataset.categories, 0, sizes, unit)
    return {"outlines": predictor.outlines, **found, "masks": facts}


def _on_the_grid(
    labels: str,
    dataset: Dataset,
    rows: NDArray[np.intp],
    predictor: Predictor,
    against: str,
    split: str,
    report: Report | None,
) -> dict[str, Any]:
    reference = dataset.labels(against)
    as_trained = (against, split) == (CLEAN, "test")
    recovered = len(_quality_rows(dataset, labels)) if as_trained else 0
    predict, measure, recover = (
        part_of(report, start, 2 * len(rows) + recovered) for start in (0, len(rows), 2 * len(rows))
    )
    predicted = predictor.predict_masks(dataset.images[rows], dataset.frames[rows], report=predict)
    unit = dataset.unit(rows)
    found = evaluate_masks(
        predicted,
        reference.masks[rows],
        [dataset.items[row].key for row in rows],
        dataset.categories,
        report=measure,
        counts=reference.valid(rows),
        sizes=dataset.pixel_sizes(rows, unit),
        unit=unit,
        frames=dataset.frames[rows],
    )
    if as_trained:
        found["label_recovery"] = label_recovery(dataset, labels, predictor, recover)
    return found


def _head(run: RunDirectory, dataset: Dataset, predictor: Predictor, which: str) -> dict[str, Any]:
    """What an evaluation says of the run and its data."""
    config = run.config()
    return {
        "run": run.name,
        "dataset": dataset.name,
        "method": config["method"],
        "labels": config["labels"],
        "label_iou": _trained_label_iou(dataset, config),
        "seed": config["seed"],
        "checkpoint": which,
        "epoch": read_facts(run, which)["epoch"],
        "parameters": predictor.method.parameters(),
        "training_seconds": sum(float(row.get("seconds", 0.0)) for row in run.metrics()),
        "best_last_gap": best_last_gap(run.metrics()),
        "categories": dataset.categories,
        "threshold": THRESHOLD,
        "size": dataset.size,
        "grid": list(dataset.grid),
    }


def check_fingerprint(run: RunDirectory, dataset: Dataset) -> str:
    """The data set's fingerprint, which must be the one the run was trained on.

    Raises:
        LvcnetError: if images, splits, categories or clean labels changed since.
    """
    found, expected = dataset.fingerprint(), data_of(run)["fingerprint"]
    if found != expected:
        raise LvcnetError(
            f"data set {dataset.name!r} changed since run {run.name!r} was trained (fingerprint {found}, then"
            f" {expected}): its test images may have been training images; train it again"
        )
    return found


def label_iou(dataset: Dataset, name: str) -> float | None:
    """How good the labels were: mean foreground IoU with the clean ones, as a noise level's target is defined.

    Over the training images that both label sets cover and the pixels that both say something about; None where the data
    set has no such images or labels.
    """
    rows = _quality_rows(dataset, name)
    return iou_to_clean(dataset.labels(name), dataset.labels(CLEAN), rows) if len(rows) else None


def _trained_label_iou(dataset: Dataset, config: Mapping[str, Any]) -> float | None:
    """`label_iou` of the labels a run learned from; None if they were made again or deleted since."""
    name = config["labels"]
    known = name in dataset.label_names() and same_labels(config, labels_now(dataset, name))
    return label_iou(dataset, name) if known else None


def label_recovery(
    dataset: Dataset, name: str, predictor: Predictor, report: Report | None = None
) -> float | None:
    """How good the labels are if predictions take their place: as `label_iou`, on the same images and pixels.

    The difference from `label_iou` is what a network that learned from labels `name` repairs of them.
    """
    rows = _quality_rows(dataset, name)
    if not len(rows):
        return None
    labels = dataset.labels(name)
    masks = labels.masks.copy()
    masks[rows] = predictor.predict_masks(dataset.images[rows], dataset.frames[rows], report=report)
    return iou_to_clean(replace(labels, masks=masks), dataset.labels(CLEAN), rows)


def _quality_rows(dataset: Dataset, name: str) -> NDArray[np.intp]:
    """Training images that labels `name` and the clean ones cover, with clean foreground; none without such labels."""
    if not {CLEAN, name} <= set(dataset.label_names()):
        return np.zeros(0, dtype=np.intp)
    labels, clean = dataset.labels(name), dataset.labels(CLEAN)
    rows = dataset.indices("train")
    return rows[labels.covered[rows] & clean.covered[rows] & clean.masks[rows].any(axis=(1, 2, 3))]


def _covered_rows(dataset: Dataset, against: str, split: str) -> NDArray[np.intp]:
    rows = dataset.indices(split)
    if not len(rows):
        raise LvcnetError(
            f"data set {dataset.name!r} has no {split} images: measure on the other split (`--split`)"
        )
    rows = rows[dataset.labels(against).covered[rows]]
    if not len(rows):
        raise LvcnetError(
            f"label set {against!r} of data set {dataset.name!r} covers none of its {split} images:"
            " measure against clean, or make it again so that it does (`lvcnet noise --include-test`)"
        )
    return rows
