"""What the inference app's buttons, sliders and lists do: segment once, draw again, write files.

A function whose name begins with on_ is called by Gradio, with the values of components, and returns new ones.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from lab import overlays, segment, segment_tables
from lab.escaping import plain
from lab.inference_api import (
    batch_outcomes,
    given_file,
    given_files,
    output_folder,
    shows_errors,
    shows_errors_of_steps,
)
from lvcnet.data.dicom_seg import source_header
from lvcnet.errors import LvcnetError
from lvcnet.inference.batch import Outcome
from lvcnet.inference.segmentation import Segmentation

EMPTY = "Choose a radiograph and one or more runs, then press Segment; a sample starts at once."
DOWNLOADS = {
    "masks": "Mask PNG",
    "overlay": "Overlay PNG",
    "coco": "COCO JSON",
    "labelme": "Labelme JSON",
    "dicom-seg": "DICOM SEG",
    "csv": "Measurements CSV",
}
RADIOGRAPH = -1
"""On one side of before and after: the radiograph itself, and not the run of that position."""


@shows_errors_of_steps
def on_segment(
    file: str | None, runs: list[str] | None, progress: gr.Progress = gr.Progress()
) -> Iterator[Any]:
    """The button: predict once, and be stoppable between two runs; threshold and opacity only draw again.

    A click that comes before the page has listed its runs means the runs that the list will open with.
    """
    path, chosen = given_file(file), runs or segment.first_runs()
    results: list[Segmentation] = []
    progress((0, len(chosen) or 1), desc="Segmenting", unit="runs")
    for result in segment.segment_runs(path, chosen):
        results.append(result)
        progress((len(results), len(chosen)), desc="Segmenting", unit="runs")
        yield gr.skip() if len(results) < len(chosen) else results


def on_predicted(results: list[Segmentation]) -> tuple[Any, ...]:
    """What can be chosen and downloaded now that there are results."""
    several = len(results) > 1
    named = [(segment.caption(result), number) for number, result in enumerate(results)]
    problem = _seg_problem(results)
    buttons = [gr.Button(interactive=format != "dicom-seg" or not problem) for format in DOWNLOADS]
    return (
        gr.Dropdown(choices=[("Radiograph", RADIOGRAPH), *named], value=RADIOGRAPH, visible=several),
        gr.Dropdown(choices=[("Radiograph", RADIOGRAPH), *named], value=len(results) - 1, visible=several),
        gr.Dropdown(choices=named, value=len(results) - 1, visible=several),
        gr.Markdown(plain(f"No DICOM SEG: {problem}.") if problem else "", visible=bool(problem)),
        *buttons,
    )


@shows_errors
def on_draw(
    results: list[Segmentation] | None, threshold: float, opacity: float, left: int, right: int
) -> tuple[Any, ...]:
    """Overlays, before and after, and tables for what was predicted."""
    if not results:
        return gr.skip(), gr.skip(), gr.skip(), f"<p>{EMPTY}</p>"
    cut = [result.at(threshold) for result in results]
    drawn = [
        segment.picture(result, opacity, colour)
        for result, colour in zip(cut, segment.colours(cut), strict=True)
    ]
    side_by_side = [
        *((picture, segment.caption(result)) for picture, result in zip(drawn, cut, strict=True)),
        (segment.all_outlines(cut), "Outlines of all runs"),
    ]
    plain = segment.plain(cut[0])
    # another result may have fewer runs than the one that the two sides were chosen for
    sides = [plain if side == RADIOGRAPH or side >= len(drawn) else drawn[side] for side in (left, right)]
    several = len(cut) > 1
    return (
        gr.Image(drawn[0], visible=not several, alt_text=f"Overlay: {segment.caption(cut[0])}"),
        gr.Gallery(
            side_by_side if several else [], visible=several, columns=2 if len(side_by_side) == 4 else 3
        ),
        (sides[0], sides[1]),
        segment_tables.measurements_table(cut) + segment_tables.agreement_table(cut),
    )


def on_maps(results: list[Segmentation] | None, shown: int) -> list[tuple[overlays.Rgb, str]]:
    """The gallery of maps of one of the runs."""
    return segment.map_pictures(results[min(shown, len(results) - 1)]) if results else []


@shows_errors
def on_download(format: str, results: list[Segmentation] | None, threshold: float, opacity: float) -> str:
    """Write one format of what is on the screen."""
    if not results:
        raise LvcnetError(f"nothing was segmented yet: {EMPTY[0].lower()}{EMPTY[1:]}")
    cut = [result.at(threshold) for result in results]
    return str(segment.write_download(cut, format, opacity, output_folder()))


@shows_errors_of_steps
def on_batch(
    files: Sequence[str] | None, run: str | None, threshold: float, formats: Sequence[str]
) -> Iterator[tuple[Any, Any]]:
    """Segment several files, showing after each how far it is; who cancels stops it there."""
    paths = given_files(files)
    content = output_folder() / "content"
    outcomes: list[Outcome] = []
    yield segment_tables.batch_table(outcomes, len(paths)), None
    for outcome in batch_outcomes(paths, run or "", threshold, formats, content):
        outcomes.append(outcome)
        yield segment_tables.batch_table(outcomes, len(paths)), gr.skip()
    archive = segment.zipped(content, content.with_name("segmented.zip"))
    yield segment_tables.batch_table(outcomes, len(paths)), str(archive)


def on_load(request: gr.Request) -> tuple[gr.Dropdown, gr.Dropdown]:
    """Runs may have finished since the page was opened last; `?run=NAME,NAME` in the address chooses some."""
    choices = segment.run_choices()
    names = [name for _, name in choices]
    asked = [name for name in (request.query_params.get("run") or "").split(",") if name in names]
    chosen = asked[: segment.MOST_RUNS] or segment.first_runs()
    return (
        gr.Dropdown(choices=choices, value=chosen),
        gr.Dropdown(choices=choices, value=chosen[-1] if chosen else None),
    )


def on_sample(event: gr.SelectData) -> str:
    """A click on a sample chooses its file."""
    return str(segment.samples()[event.index])


def _seg_problem(results: Sequence[Segmentation]) -> str:
    """Why there can be no DICOM SEG of these results; empty if there can."""
    try:
        source_header(results[0].path)
    except LvcnetError as error:
        return str(error)
    return ""
