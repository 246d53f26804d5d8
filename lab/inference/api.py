"""The inference app's endpoints for programs, `/segment` and `/segment_batch`: see docs/inference.md.

Also what they share with the buttons: errors that become messages, and folders that go after an hour.
"""

import math
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import torch

from lab.inference import segment
from lab.inference.predicting import OFFICE
from lab.inference.queue import keep_no_copy, this_call
from lvcnet.data.radiograph import Radiograph
from lvcnet.errors import LvcnetError
from lvcnet.inference.batch import Outcome
from lvcnet.inference.download import zipped
from lvcnet.inference.export import FORMATS, check_formats, unique_stems
from lvcnet.inference.predictor import Prediction
from lvcnet.inference.segmentation import Segmentation
from lvcnet.models.maps import Maps
from lvcnet.runs.store import find_run
from lvcnet.scratch import scratch_folder
from lvcnet.text import split_list
from lvcnet.thresholds import THRESHOLD, check_threshold

KEEP_SECONDS, TIDY_SECONDS = 3600, 60
"""How long answers stay, and how often it is looked for older ones."""
_tidied = -math.inf
BATCH_FORMATS = ("masks", "overlay", "coco", "csv")
TITLE = "Not segmented"
STEPS_SECONDS = 15
SEGMENT = (
    "Segment one radiograph. file: PNG, JPEG, TIFF or DICOM; run: name of a finished run, as `lvcnet runs` lists it;"
    " threshold: a pixel belongs to the mask from this probability on. Answers with the summary (size, pixel spacing, by"
    " category area, perimeter, width, height, longest diameter in px and, where the spacing is known, in mm), the mask at"
    " the image's own size (PNG, 255 inside; a zip of several for several categories) and the overlay (PNG)."
)
BATCH = (
    "Segment several radiographs with one run. files: PNG, JPEG, TIFF or DICOM; run, threshold: as for /segment; formats:"
    f" with commas, from {', '.join(FORMATS)}; anonymise: leave patient data out of DICOM SEG, no other format holds any."
    " Answers with a summary (how many were segmented, the problems of the others, all measurements) and a zip of the files."
)


def shows_errors(function: Callable[..., Any]) -> Callable[..., Any]:
    """A user's mistake becomes a message on the screen (and in the API's answer), not a traceback."""

    @wraps(function)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except LvcnetError as error:
            raise gr.Error(
                escape(str(error), quote=False), duration=None, print_exception=False, title=TITLE
            ) from None

    return wrapper


def shows_errors_of_steps(function: Callable[..., Any]) -> Callable[..., Any]:
    """`shows_errors` for a function that yields, which the app can cancel between two steps.

    Its page keeps the reason in the place of the result, so the message goes after a while.
    """

    @wraps(function)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        try:
            yield from function(*arguments, **named)
        except LvcnetError as error:
            raise gr.Error(
                escape(str(error), quote=False), duration=STEPS_SECONDS, print_exception=False, title=TITLE
            ) from None

    return wrapper


@shows_errors
def segment_api(file: str | None, run: str, threshold: float = THRESHOLD) -> tuple[dict[str, Any], str, str]:
    """Segment one radiograph.

    Args:
        file: PNG, JPEG, TIFF or DICOM.
        run: name of a finished run, as `lvcnet runs` lists it.
        threshold: a pixel belongs to the mask from this probability on, above 0 and up to 1.

    Returns:
        summary (image size, pixel spacing, by category the sizes in pixels and mm), mask file at the image's own size
        (PNG; a zip if there are several categories), overlay (PNG).
    """
    path, chosen = given_file(file), segment.checked_runs([run] if run else [])[0]
    asked = {"path": str(path), "run": chosen, "threshold": check_threshold(threshold)}
    summary, mask, overlay = _ask("answer", **asked, folder=str(output_folder()))
    return summary, mask, overlay


@shows_errors
def segment_batch_api(
    files: list[str] | None,
    run: str,
    threshold: float = THRESHOLD,
    formats: str | None = ",".join(BATCH_FORMATS),
    anonymise: bool = False,
) -> tuple[dict[str, Any], str]:
    """Segment several radiographs with one run.

    Args:
        files: PNG, JPEG, TIFF or DICOM.
        run: name of a finished run.
        threshold: a pixel belongs to the mask from this probability on, above 0 and up to 1.
        formats: with commas, as `lvcnet predict --formats` takes them.
        anonymise: leave patient data out of DICOM SEG; no other format holds any.

    Returns:
        summary (segmented, problems by image, measurements), zip of the files.
    """
    paths, cut, chosen = given_files(files), check_threshold(threshold), given_formats(formats)
    content = output_folder() / "content"
    outcomes = list(batch_outcomes(paths, run, cut, chosen, content, anonymise))
    return batch_summary(outcomes), str(zipped(content, content.with_name("segmented.zip")))


def batch_outcomes(
    paths: Sequence[Path],
    run: str,
    threshold: float,
    formats: Sequence[str],
    folder: Path,
    anonymise: bool = False,
) -> Iterator[Outcome]:
    """`segment_files` for uploads, in the process for predictions: they keep their names, numbered where two are the same.

    Raises:
        LvcnetError: if there is no such run or format.
    """
    if not run:
        raise LvcnetError("no run was chosen: choose one, or train one on the train page first")
    names = [f"{stem}{path.suffix}" for stem, path in zip(unique_stems(paths), paths, strict=True)]
    asked = {
        "paths": list(map(str, paths)),
        "run": find_run(run).name,
        "threshold": threshold,
        "formats": check_formats(formats),
        "names": names,
        "folder": str(folder),
        "anonymise": anonymise,
    }
    folder.mkdir(parents=True)
    while outcome := _ask("batch", **asked):
        yield Outcome(**{**outcome, "notes": tuple(outcome["notes"])})


def predicted(path: Path, runs: Sequence[str]) -> Iterator[Segmentation]:
    """`segment.segment_runs` in the process for predictions; pixels stay in a file, not in memory.

    Raises:
        LvcnetError: as `segment.segment_runs`.
    """
    folder = output_folder()
    for run in segment.checked_runs(runs):
        about = _ask("predict", path=str(path), run=run, folder=str(folder))
        pixels = np.load(folder / "pixels.npy", mmap_mode="r")
        with np.load(folder / f"{run}-maps.npz") as stored:
            named = {name: torch.from_numpy(stored[name]) for name in stored.files}
        maps = Maps(named.pop("prediction"), named)
        working = np.load(folder / f"{run}-working.npy")
        full = about["outlines"] == "full"
        fine = np.load(folder / f"{run}-fine.npy", mmap_mode="r") if full else None
        height, width = pixels.shape
        prediction = Prediction(maps, working, about["categories"], height, width, fine=fine)
        spacing = tuple(about["spacing"]) if about["spacing"] else None
        radiograph = Radiograph(pixels, spacing, tuple(about["notes"]))
        yield Segmentation(path, path.name, run, about["method"], radiograph, prediction)


def _ask(do: str, **given: Any) -> Any:
    """Let the process for predictions do something for the call that is being answered, as long as somebody waits for it."""
    lane, client, event = this_call()
    return OFFICE.ask(lane, client, do, lambda: event is not None and not event.alive, **given)


def batch_summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What became of a batch, ready for JSON."""
    return {
        "segmented": sum(outcome.segmented for outcome in outcomes),
        "problems": {outcome.image: outcome.problem for outcome in outcomes if outcome.problem},
        "notes": {outcome.image: list(outcome.notes) for outcome in outcomes if outcome.notes},
        "measurements": [row for outcome in outcomes if outcome.segmented for row in outcome.rows],
    }


def add_endpoints() -> None:
    """Components that nobody sees give the endpoints' inputs and outputs their types."""
    with gr.Row(visible=False):
        file = gr.File(label="file", type="filepath")
        files = gr.File(label="files", type="filepath", file_count="multiple")
        keep_no_copy(file, files)
        run = gr.Textbox(label="run")
        threshold = gr.Number(THRESHOLD, label="threshold")
        formats = gr.Textbox(",".join(BATCH_FORMATS), label="formats")
        anonymise = gr.Checkbox(False, label="anonymise")
        summary = gr.JSON(label="summary")
        mask, overlay, archive = (gr.File(label=name) for name in ("mask", "overlay", "zip"))
        gr.Button().click(
            segment_api,
            [file, run, threshold],
            [summary, mask, overlay],
            api_name="segment",
            concurrency_limit=None,
            api_description=SEGMENT,
        )
        gr.Button().click(
            segment_batch_api,
            [files, run, threshold, formats, anonymise],
            [summary, archive],
            api_name="segment_batch",
            concurrency_limit=None,
            api_description=BATCH,
        )


def given_file(file: str | None) -> Path:
    """The file.

    Raises:
        LvcnetError: if none was given.
    """
    if not file:
        raise LvcnetError("no radiograph was given: upload a PNG, JPEG, TIFF or DICOM file, or pick a sample")
    return Path(file)


def given_files(files: Sequence[str] | None) -> list[Path]:
    """The files.

    Raises:
        LvcnetError: if none was given.
    """
    if not files:
        raise LvcnetError("no radiographs were given: upload PNG, JPEG, TIFF or DICOM files")
    return [Path(file) for file in files]


def given_formats(formats: str | None) -> list[str]:
    """The formats.

    Raises:
        LvcnetError: if none was given.
    """
    if not formats:
        raise LvcnetError(f"no formats were given: name some of {', '.join(FORMATS)}, with commas")
    return split_list(formats)


def output_folder() -> Path:
    """A new folder for one answer; folders of answers that are older than an hour go."""
    global _tidied
    parent = scratch_folder() / "answers"
    parent.mkdir(exist_ok=True)
    # under load an hour leaves tens of thousands: to look at each of them in every call takes longer than the call
    if time.monotonic() - _tidied > TIDY_SECONDS:
        _tidied = time.monotonic()
        with os.scandir(parent) as answers:
            old = [answer.path for answer in answers if time.time() - answer.stat().st_mtime > KEEP_SECONDS]
        for path in old:
            shutil.rmtree(path, ignore_errors=True)
    return Path(tempfile.mkdtemp(dir=parent))
