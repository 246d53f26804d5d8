"""From finished fold runs to a correction, image by image. Symbols: see `lvcnet.correction`."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.claims import using
from lvcnet.correction.against_clean import CleanCheck
from lvcnet.correction.confidence import MeanConfidence, confident_share, surely_wrong
from lvcnet.correction.folds import Fold
from lvcnet.correction.judge import judge_batch, masked_by_valid
from lvcnet.correction.store import Correction, CorrectionWriter
from lvcnet.data.dataset import CLEAN, Dataset, labels_digest
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.protocol import check_fingerprint
from lvcnet.evaluation.statistics import mean_of_known
from lvcnet.files import Row
from lvcnet.frames import by_frame
from lvcnet.inference.predictor import Predictor
from lvcnet.progress import Report
from lvcnet.runs.directory import RunDirectory

BATCH = 32


def build_correction(
    name: str,
    dataset: Dataset,
    labels: str,
    folds: Sequence[Fold],
    runs: Sequence[RunDirectory],
    device: str = "auto",
    overwrite: bool = False,
    report: Report | None = None,
) -> Correction:
    """Let every run judge the images that its fold left out, and store the result.

    Args:
        name: of the correction.
        dataset: the data set.
        labels: the label set to judge.
        folds: as `folds.add_fold_labels` made them.
        runs: one done run a fold, in the same order.
        device: auto, cpu, cuda, cuda:N or mps.
        overwrite: replace a correction of that name.
        report: called with (done, total) images.

    Raises:
        LvcnetError: if a run is not done, learned from a label that it is to judge, or the data changed since; if the
            name is taken.
    """
    what = f"correction {name} is being made of it"
    with ExitStack() as held:
        held.enter_context(
            using("data set", dataset.folder, what, [labels, *(fold.labels for fold in folds)])
        )
        for run in runs:
            held.enter_context(using("run", run.path, f"correction {name} is being judged with it"))
        return _build(name, dataset, labels, folds, runs, device, overwrite, report)


def _build(
    name: str,
    dataset: Dataset,
    labels: str,
    folds: Sequence[Fold],
    runs: Sequence[RunDirectory],
    device: str,
    overwrite: bool,
    report: Report | None,
) -> Correction:
    for fold, run in zip(folds, runs, strict=True):
        check_run(run, dataset, fold)
    rows = np.sort(np.concatenate([fold.rows for fold in folds]))
    shape = (len(rows), len(dataset.categories), *dataset.grid)
    with CorrectionWriter(name, shape, overwrite) as writer:
        opinion = dataset.labels(labels)
        check, confidence = CleanCheck(), MeanConfidence(len(dataset.categories))
        judged: dict[int, Row] = {}
        for fold, run in zip(folds, runs, strict=True):
            predictor = Predictor(run, "last", device)
            probabilities = predictor.probabilities(
                dataset.images[fold.rows], dataset.frames[fold.rows], BATCH
            )
            for start, probability in zip(range(0, len(fold.rows), BATCH), probabilities, strict=True):
                batch = fold.rows[start : start + BATCH]
                writer.write(np.searchsorted(rows, batch), probability)
                masked = masked_by_valid(probability, opinion, batch)
                found = _judge(dataset, labels, batch, masked, check)
                confidence.add(masked, opinion.masks[batch], opinion.valid(batch))
                judged |= {
                    int(row): {"key": dataset.items[row].key, "run": run.name, **one}
                    for row, one in zip(batch, found, strict=True)
                }
                if report:
                    report(len(judged), len(rows))
        thresholds = confidence.thresholds()
        for numbers in np.array_split(np.arange(len(rows)), range(BATCH, len(rows), BATCH)):
            masked = masked_by_valid(writer.read(numbers), opinion, rows[numbers])
            shares = confident_share(masked, opinion.masks[rows[numbers]], thresholds)
            for number, share in zip(numbers, shares.tolist(), strict=True):
                judged[int(rows[number])]["confident"] = share
        images = [judged[int(row)] for row in rows]
        head = _head(dataset, labels, runs) | {"thresholds": thresholds.tolist(), "images": images}
        return writer.finish(head | {"clean": _clean(check, images)})


def check_run(run: RunDirectory, dataset: Dataset, fold: Fold) -> None:
    """Make sure that a run may judge the images of a fold.

    Raises:
        LvcnetError: if it is not done, saw a label of the fold, or its data changed since.
    """
    state = run.status()["state"]
    if state != "done":
        raise LvcnetError(
            f"run {run.name!r} is {state}: labels are judged when all runs of the folds are done"
        )
    check_fingerprint(run, dataset)
    learned = run.config()["labels"]
    if run.config()["data"]["labels"] != dataset.manifest(learned):
        raise LvcnetError(f"label set {learned!r} changed since run {run.name!r} was trained: train it again")
    if dataset.labels(learned).covered[fold.rows].any():
        raise LvcnetError(
            f"run {run.name!r} learned from labels that it is to judge (label set {learned!r}): train on a label set"
            f" that leaves them out, as {fold.labels!r} does"
        )


def _judge(
    dataset: Dataset,
    labels: str,
    batch: NDArray[np.intp],
    probability: NDArray[np.float32],
    check: CleanCheck,
) -> list[Row]:
    """Rows of a batch, with their agreement with the clean labels where these are another opinion."""
    found: dict[int, Row] = {}
    clean = dataset.labels(CLEAN)
    for numbers, (height, width) in by_frame(dataset.frames[batch]):
        rows, place = batch[numbers], np.s_[..., :height, :width]
        probable, masks = probability[numbers][place], dataset.labels(labels).masks[rows][place]
        judged = judge_batch(probable, masks, dataset.categories, dataset.pixel_sizes(rows))
        known = np.flatnonzero(clean.covered[rows]) if labels != CLEAN else np.zeros(0, dtype=np.intp)
        if len(known):
            informed = check.add(probable[known], masks[known], clean.masks[rows[known]][place])
            for n, one in zip(known, informed, strict=True):
                judged[n] |= one
        found |= dict(zip(numbers.tolist(), judged, strict=True))
    return [found[number] for number in range(len(batch))]


def _clean(check: CleanCheck, images: Sequence[Row]) -> Row | None:
    """What clean labels say: `CleanCheck.result`, and `confident_iou`, after repairing labels that are surely wrong."""
    result = check.result()
    if result is None:
        return None
    wrong = surely_wrong(np.array([row["confident"] for row in images]))
    repaired = [
        row.get("proposal_clean_iou" if one else "label_clean_iou")
        for row, one in zip(images, wrong, strict=True)
    ]
    return {**result, "confident_iou": mean_of_known(repaired)}


def _head(dataset: Dataset, labels: str, runs: Sequence[RunDirectory]) -> dict[str, Any]:
    config = runs[0].config()
    return {
        "dataset": dataset.name,
        "fingerprint": dataset.fingerprint(),
        "labels": labels,
        "labels_digest": labels_digest(dataset.labels(labels)),
        "method": config["method"],
        "seed": config["seed"],
        "epochs": config["epochs"],
        "steps": config.get("steps"),
        "folds": len(runs),
        "runs": [run.name for run in runs],
        "size": dataset.size,
        "categories": dataset.categories,
    }
