"""One call for each step of the work: what `import lvcnet as lv` offers beside data sets and predictors.

Each function is named after the command that does the same (`lvcnet train`, `lvcnet evaluate` ...) and does it through the
same functions. Data sets, runs and corrections are given as objects or by name; work that takes long tells `report` how far
it is (`lv.progress_bar` makes one), and ends at once when that raises. Errors that the caller can mend are `lv.LvcnetError`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lvcnet.comparison.collect import collect
from lvcnet.comparison.where import parse_where
from lvcnet.data import exporter
from lvcnet.data.dataset import CLEAN, Dataset, find_dataset, list_datasets
from lvcnet.data.naming import chosen
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.protocol import evaluate_run
from lvcnet.inference.batch import predict_files
from lvcnet.inference.export import DEFAULT_FORMATS, check_formats
from lvcnet.inference.own_files import find_images
from lvcnet.inference.predictor import Predictor
from lvcnet.jobs import check_resumable, launch
from lvcnet.jobs.correct import Request, judge, prepare, train_folds
from lvcnet.jobs.foreground import SweepProgress, run_sweep
from lvcnet.jobs.sweep_config import planned_sweep
from lvcnet.progress import Report
from lvcnet.results import Comparison, Correction
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import find_run
from lvcnet.thresholds import THRESHOLD, check_threshold
from lvcnet.trained import METHOD, PRESET
from lvcnet.training import run as training
from lvcnet.training.config import build_config, merge_settings
from lvcnet.training.plan import start_settings

Data = Dataset | str | Path
"""A data set, its name, or its folder."""
Run = RunDirectory | str
"""A run, or its name."""
Files = Sequence[Path | str] | Path | str


def train(
    dataset: Data,
    method: str = METHOD,
    labels: str | int = CLEAN,
    *,
    preset: str = PRESET,
    epochs: int | None = None,
    steps: int | None = None,
    seed: int = 0,
    device: str = "auto",
    name: str | None = None,
    report: Report | None = None,
    **settings: Any,
) -> RunDirectory:
    """Train a method on a label set, here and now; the run is written to the workspace, and `resume` continues it.

    Args:
        dataset: a data set that is saved.
        method: fcn, unet, lvcnet, lvcnet-plus, lvcnet-paper, or one that a plug-in offers.
        labels: name of a label set, or the number of a noise level.
        preset: settings to start from: auto (the training plan), quick (400 steps) or paper.
        epochs, steps: length, in passes over the training images or in steps.
        seed: keys initial weights, order and augmentation.
        device: auto, cpu, cuda, cuda:N or mps.
        name: of the run; by default made from what it is.
        report: called with (steps done, steps in all).
        settings: further settings of `TrainConfig`, as width=32 or options={"warps": 2}.

    Returns:
        The run: `status()`, `metrics()` (one row an epoch), `log_tail()`; for `evaluate` and `Predictor`.

    Raises:
        LvcnetError: for settings that are unknown, out of range or do not fit the data.
        KeyboardInterrupt: after Ctrl-C, once the state is saved.

    Example:
        run = lv.train("hips", "lvcnet-plus", labels="level3", epochs=40, width=32)
    """
    asked: dict[str, Any] = {"dataset": _name(dataset), "method": method, "labels": _labels(dataset, labels)}
    asked |= {"seed": seed, "device": device} | _given(epochs, steps)
    start = start_settings(preset, _data(dataset), asked["labels"])
    return _train(training.create_run(build_config(start, settings, asked), name), False, report)


def resume(run: Run, *, report: Report | None = None) -> RunDirectory:
    """Continue a cancelled, interrupted or failed run from its last saved state, to the end that it would have had.

    Args:
        run: the run.
        report: called with (steps done, steps in all).

    Raises:
        LvcnetError: if the run is not one that can be continued, or its data changed.
        KeyboardInterrupt: after Ctrl-C, once the state is saved.

    Example:
        lv.resume("hips-unet-level3-s0")
    """
    stopped = _run(run)
    check_resumable(stopped)
    stopped.clear_cancel()
    return _train(stopped, True, report)


def sweep(
    dataset: Data,
    methods: Sequence[str] | None = None,
    labels: Sequence[str | int] | None = None,
    seeds: Sequence[int] = (0,),
    *,
    preset: str = PRESET,
    epochs: int | None = None,
    steps: int | None = None,
    workers: int | None = None,
    evaluate: bool = True,
    retry_failed: bool = False,
    report: Report | None = None,
    **settings: Any,
) -> list[RunDirectory]:
    """Train a grid of methods, label sets and seeds, a few processes at a time; what is done already is not done again.

    Args:
        dataset: a data set that is saved.
        methods: default all.
        labels: label sets or noise levels; default levels 1 to 4.
        seeds: how often all is done.
        preset: settings to start from.
        epochs, steps: length, in passes over the training images or in steps.
        workers: trainings at a time; default LVCNET_WORKERS, or by the number of cores.
        evaluate: evaluate each run when it is done.
        retry_failed: try failed runs again.
        report: called with (epochs done, epochs in all).
        settings: further settings of `TrainConfig`, the same in all runs.

    Returns:
        The runs of the grid, those of earlier calls included.

    Raises:
        LvcnetError: for what does not exist, or naming the runs that did not come to their end; the others did.
        KeyboardInterrupt: after Ctrl-C, once all trainers have saved their states; the same call continues.

    Example:
        runs = lv.sweep("hips", ["unet", "lvcnet-plus"], labels=[1, 4], seeds=[0, 1, 2])
    """
    asked: dict[str, Any] = {"dataset": _name(dataset), "seeds": list(seeds)}
    asked |= {"methods": list(methods)} if methods is not None else {}
    asked |= {"labels": [str(one) for one in labels]} if labels is not None else {}
    grid = planned_sweep(preset, {"settings": settings}, {"settings": _given(epochs, steps)}, asked)
    plan = grid.plan(retry_failed)
    problems = run_sweep(plan, workers or launch.slots(), evaluate, _epochs(report))
    if problems:
        reasons = "; ".join(f"{run}: {problem}" for run, problem in problems.items())
        raise LvcnetError(
            f"not all runs came to their end ({reasons}): the same call tries those that stopped again"
        )
    return [cell.run for cell in plan]


def evaluate(
    run: Run,
    *,
    checkpoint: str = "last",
    against: str = CLEAN,
    split: str = "test",
    device: str = "auto",
    outlines: str | None = None,
    images: str | Path | None = None,
    report: Report | None = None,
) -> dict[str, Any]:
    """Measure a run on the test images: all metrics, and the paper's 5 rounds of 50 images.

    Args:
        run: a run that is done.
        checkpoint: last, or best by held-out noisy labels.
        against: label set that counts as truth.
        split: test or train.
        device: auto, cpu, cuda, cuda:N or mps.
        outlines: measure at the images' own size: full, at the edges there, or grid, upsampled; by default on the working grid.
        images: folder of the image files, where it is not the one they were imported from.
        report: called with (done, total) images.

    Returns:
        Metric -> mean over images and categories (`iou`, `dice`, `hd95` in pixels ...), and under `per_image`,
        `per_category` and `rounds` the same in detail; that of the default choice is kept with the run.

    Raises:
        LvcnetError: if the run is not done, or its data changed since.

    Example:
        lv.evaluate(run)["iou"]
    """
    folder = None if images is None else Path(images)
    return evaluate_run(_run(run), checkpoint, against, split, device, report, outlines, folder)


def compare(
    dataset: Data,
    *,
    metric: str = "iou",
    where: Mapping[str, Any] | None = None,
    evaluate: bool = True,
    device: str = "auto",
    report: Report | None = None,
) -> Comparison:
    """Methods x label sets on the clean test labels, with intervals, paired tests and the paper's Table 1 beside them.

    Args:
        dataset: whose runs.
        metric: a key of `lvcnet.evaluation.metrics.METRICS`.
        where: settings that a run must have to count, as {"epochs": 80}; default those that most runs have.
        evaluate: evaluate runs that are done and have no evaluation yet.
        device: for that.
        report: called with (runs done, runs in all).

    Returns:
        `table()` and `report()` as Markdown, `frame()` as a DataFrame; `cells`, `differences`, `skipped` with reasons.

    Raises:
        LvcnetError: for an unknown metric, or if there is no run to compare.

    Example:
        print(lv.compare("hips", where={"epochs": 40}).table())
    """
    asked = parse_where(f"{name}={json.dumps(value)}" for name, value in (where or {}).items())
    found = collect(_name(dataset), None, metric, evaluate, device, report=report, where=asked)
    return Comparison(**vars(found))


def predict(
    run: Run,
    images: Files,
    output: Path | str,
    *,
    threshold: float = THRESHOLD,
    formats: Sequence[str] = DEFAULT_FORMATS,
    anonymise: bool = False,
    outlines: str = "full",
    checkpoint: str = "last",
    device: str = "auto",
    report: Report | None = None,
) -> dict[str, Any]:
    """Segment and measure radiographs at their own size, and write masks, pictures and tables (`segment_file`: in memory).

    Args:
        run: a run with a checkpoint.
        images: PNG, JPEG, TIFF, BMP or DICOM files, or folders of them.
        output: folder for the results.
        threshold: probability from which on a pixel is foreground.
        formats: from masks, probabilities, overlay, coco, labelme, dicom-seg and csv.
        anonymise: leave patient data out of DICOM SEG; no other format holds any.
        outlines: full, at the edges that the image shows at its own size, or grid, upsampled.
        checkpoint: last or best.
        device: auto, cpu, cuda, cuda:N or mps.
        report: called with (images done, in all).

    Returns:
        `predictions` (files and measurements of each image), `problems` and `left_out` with reasons.

    Raises:
        LvcnetError: if there is no image, or a format or threshold is not possible.

    Example:
        lv.predict(run, ["hip.png", "radiographs"], "out", formats=["masks", "csv"])
    """
    check_threshold(threshold)
    kinds = check_formats(formats)
    found = find_images([Path(path) for path in ([images] if isinstance(images, Path | str) else images)])
    predictor = Predictor(_run(run), checkpoint, device, outlines)
    written = predict_files(predictor, found.images, Path(output), threshold, kinds, report, anonymise)
    left_out = [{"image": str(path), "reason": reason} for path, reason in found.left_out]
    return {**written, "left_out": left_out}


def correct(
    dataset: Data,
    labels: str | int,
    method: str = METHOD,
    *,
    folds: int = 5,
    preset: str = PRESET,
    epochs: int | None = None,
    steps: int | None = None,
    seed: int = 0,
    device: str = "auto",
    workers: int | None = None,
    name: str | None = None,
    overwrite: bool = False,
    report: Report | None = None,
    **settings: Any,
) -> Correction:
    """Find labels that look wrong and propose others, by trainings that never saw the label they judge.

    Args:
        dataset: a data set that is saved; one that ships with the project is copied to the workspace first.
        labels: label set to judge, or the number of a noise level.
        method: of the trainings.
        folds: number of trainings; each judges the images that it left out.
        preset: settings to start from.
        epochs, steps: length, in passes over the training images or in steps.
        seed: keys initial weights, order and augmentation.
        device: auto, cpu, cuda, cuda:N or mps.
        workers: trainings at a time; default LVCNET_WORKERS, or by the number of cores.
        name: of the correction; by default made from what it is.
        overwrite: replace a correction of that name, with its decisions.
        report: called with (epochs done, epochs in all), then with (images judged, images in all).
        settings: further settings of `TrainConfig`.

    Returns:
        The judgement: `frame()` ranks the labels, `proposal(key)` is a (C, H, W) mask, `apply(name)` makes the repaired
        label set; people decide image by image in the lab, or with `lvcnet review`.

    Raises:
        LvcnetError: if the labels cannot be split into so many folds, a training failed, or the name is taken.
        KeyboardInterrupt: after Ctrl-C, once all trainers have saved their states; the same call continues.

    Example:
        found = lv.correct("hips", "level3", folds=5)
    """
    judged, asked = _labels(dataset, labels), {"device": device, **_given(epochs, steps)}
    merged = merge_settings(start_settings(preset, _data(dataset), judged), settings, asked)
    request = Request(_name(dataset), judged, method, folds, seed, merged, name or "")
    prepared = prepare(request, overwrite)
    train_folds(prepared, workers, _epochs(report))
    return Correction(judge(prepared, device, overwrite, report).folder)


def export_labels(
    dataset: Data,
    labels: str,
    output: Path | str,
    *,
    format: str = "coco",
    split: str | None = None,
    images: Path | str | None = None,
    overwrite: bool = False,
) -> int:
    """Write a label set at the size of the original images.

    Args:
        dataset: where the label set is.
        labels: which.
        output: file (coco), or folder or .zip file (labelme, masks).
        format: coco, labelme or masks.
        split: only this split: train or test.
        images: also write the images there as PNG, for data without image files.
        overwrite: write over what is there.

    Returns:
        Number of images written about.

    Raises:
        LvcnetError: for an unknown format, an output that exists, or a label set that covers no image.

    Example:
        lv.export_labels("hips", "corrected-level3", "corrected.json")
    """
    beside = None if images is None else Path(images)
    return exporter.export_labels(_data(dataset), labels, Path(output), format, split, beside, overwrite)


def _train(run: RunDirectory, resumed: bool, report: Report | None) -> RunDirectory:
    run.update_status(launcher="foreground")
    if training.train(run, resumed, report) == "interrupted":
        raise KeyboardInterrupt(f"run {run.name} has saved its state: lv.resume({run.name!r}) continues")
    return run


def _run(run: Run) -> RunDirectory:
    return find_run(run) if isinstance(run, str) else run


def _data(dataset: Data) -> Dataset:
    return dataset if isinstance(dataset, Dataset) else Dataset.load(dataset)


def _labels(dataset: Data, labels: str | int) -> str:
    return chosen(_data(dataset), str(labels))


def _name(dataset: Data) -> str:
    """What settings and runs call a data set: its name, or its folder where the name means another one or none.

    Raises:
        LvcnetError: if it exists in memory only.
    """
    if not isinstance(dataset, Dataset):
        return str(dataset)
    if dataset.folder is None:
        raise LvcnetError(
            f"data set {dataset.name!r} is in memory only, and trainings read it from the workspace: call save() first"
        )
    known = dataset.name in list_datasets() and find_dataset(dataset.name) == dataset.folder
    return dataset.name if known else str(dataset.folder)


def _given(epochs: int | None, steps: int | None) -> dict[str, Any]:
    return {name: value for name, value in (("epochs", epochs), ("steps", steps)) if value is not None}


def _epochs(report: Report | None) -> Callable[[SweepProgress], None] | None:
    return None if report is None else lambda now: report(now.epochs_done, now.epochs)
