"""What the inference app's buttons, sliders and lists do: segment once, draw again, write files.

A function whose name begins with on_ is called by Gradio, with the values of components, and returns new ones. Whatever
shows or writes results is given the chosen file, too, and shows nothing of another one: an answer may come late.
"""

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from lab.inference import segment
from lab.inference import tables as segment_tables
from lab.inference.api import (
    batch_outcomes,
    given_file,
    given_files,
    output_folder,
    predicted,
    shows_errors,
    shows_errors_of_steps,
)
from lab.ui.escaping import plain
from lvcnet.data.formats.dicom_seg import source_header
from lvcnet.errors import LvcnetError
from lvcnet.inference.batch import Outcome
from lvcnet.inference.download import write_download, zipped
from lvcnet.inference.export import FORMATS
from lvcnet.inference.pictures import map_pictures
from lvcnet.inference.segmentation import Segmentation

EMPTY = "Choose a radiograph and one or more runs, then press Segment; a sample starts at once."
READY = "Press Segment to see the outlines."
EMPTY_BATCH = (
    "Choose radiographs and a run, then press Segment all. Files that cannot be read do not stop the others."
)
CANCELLED = "Cancelled after the file that was under way; nothing was kept."
DOWNLOADS = {name: format.title for name, format in FORMATS.items() if format.offered}
RADIOGRAPH = -1
"""On one side of before and after: the radiograph itself, and not the run of that position."""


def on_file() -> tuple[Any, ...]:
    """Another file, or none: nothing of the one before stays, neither to see nor to download."""
    return _cleared(gr.Image(None, visible=True, alt_text=""))


def on_preview(file: str | None) -> tuple[Any, Any]:
    """The radiograph before it is segmented, or why it cannot be read."""
    if not file:
        return gr.skip(), gr.skip()
    path = Path(file)
    try:
        picture = segment.preview(path)
    except LvcnetError as error:
        return gr.Image(None), _problem(error)
    return gr.Image(picture, alt_text=f"Radiograph: {path.name}"), f"<p>{READY}</p>"


def on_start(file: str | None, results: list[Segmentation] | None) -> tuple[Any, ...]:
    """Before a file is segmented (again): only the radiograph stays."""
    known = _of(file, results)
    picture = gr.Image(segment.plain(known[0]), visible=True) if known else gr.Image(visible=True)
    return _cleared(picture)


@shows_errors_of_steps
def on_segment(
    file: str | None, runs: list[str] | None, progress: gr.Progress = gr.Progress()
) -> Iterator[Any]:
    """The button: predict once, and be stoppable between two runs; threshold and opacity only draw again.

    A click that comes before the page has listed its runs means the runs that the list will open with.
    """
    chosen = runs or segment.first_runs()
    results: list[Segmentation] = []
    progress((0, len(chosen) or 1), desc="Segmenting", unit="runs")
    try:
        for result in predicted(given_file(file), chosen):
            results.append(result)
            progress((len(results), len(chosen)), desc="Segmenting", unit="runs")
            yield (gr.skip() if len(results) < len(chosen) else results), gr.skip()
    except LvcnetError as error:
        yield None, _problem(error)  # stays when the message is gone
        raise


def on_predicted(
    file: str | None, runs: list[str] | None, results: list[Segmentation] | None
) -> tuple[Any, ...]:
    """What can be chosen and downloaded now that there are results."""
    known = _of(file, results)
    if not known:
        return (gr.skip(),) * (5 + len(DOWNLOADS))
    several = len(known) > 1
    named = [(segment.caption(result), number) for number, result in enumerate(known)]
    problem = _seg_problem(known)
    buttons = [gr.Button(interactive=format != "dicom-seg" or not problem) for format in DOWNLOADS]
    return (
        gr.Dropdown(choices=[("Radiograph", RADIOGRAPH), *named], value=RADIOGRAPH, visible=several),
        gr.Dropdown(choices=[("Radiograph", RADIOGRAPH), *named], value=len(known) - 1, visible=several),
        gr.Dropdown(choices=named, value=len(known) - 1, visible=several),
        gr.Markdown(plain(f"No DICOM SEG: {problem}.") if problem else "", visible=bool(problem)),
        on_runs(file, runs, known),
        *buttons,
    )


def on_runs(file: str | None, runs: list[str] | None, results: list[Segmentation] | None) -> gr.Markdown:
    """A note as long as what is shown is not of the runs that are chosen."""
    known = [result.run for result in _of(file, results)]
    if not known or not runs or sorted(known) == sorted(runs):
        return gr.Markdown("", visible=False)
    return gr.Markdown(f"Shown: {', '.join(known)}. Press Segment for the runs chosen now.", visible=True)


@shows_errors
def on_draw(
    file: str | None,
    results: list[Segmentation] | None,
    threshold: float,
    opacity: float,
    left: int,
    right: int,
) -> tuple[Any, ...]:
    """Overlays, before and after, and tables for what was predicted."""
    known = _of(file, results)
    if not known:
        return gr.skip(), gr.skip(), gr.skip(), gr.skip()
    cut = [result.at(threshold) for result in known]
    drawn = [
        segment.picture(result, opacity, colour)
        for result, colour in zip(cut, segment.colours(cut), strict=True)
    ]
    side_by_side = [
        *((picture, segment.caption(result)) for picture, result in zip(drawn, cut, strict=True)),
        (segment.all_outlines(cut), "Outlines of all runs"),
    ]
    radiograph = segment.plain(cut[0])
    # another result may have fewer runs than the one that the two sides were chosen for
    sides = [
        radiograph if side == RADIOGRAPH or side >= len(drawn) else drawn[side] for side in (left, right)
    ]
    several = len(cut) > 1
    return (
        gr.Image(drawn[0], visible=not several, alt_text=f"Overlay: {segment.caption(cut[0])}"),
        gr.Gallery(
            side_by_side if several else [], visible=several, columns=2 if len(side_by_side) == 4 else 3
        ),
        (sides[0], sides[1]),
        segment_tables.measurements_table(cut) + segment_tables.agreement_table(cut),
    )


def on_maps(file: str | None, results: list[Segmentation] | None, shown: int) -> Any:
    """The gallery of maps of one of the runs."""
    known = _of(file, results)
    return map_pictures(known[min(shown, len(known) - 1)]) if known else gr.skip()


@shows_errors
def on_download(
    format: str,
    file: str | None,
    results: list[Segmentation] | None,
    threshold: float,
    opacity: float,
    anonymise: bool = False,
) -> str:
    """Write one format of what is on the screen."""
    known = _of(file, results)
    if not known:
        raise LvcnetError(f"nothing was segmented yet: {EMPTY[0].lower()}{EMPTY[1:]}")
    cut = [result.at(threshold) for result in known]
    return str(write_download(cut, format, opacity, output_folder(), anonymise))


def on_files() -> tuple[Any, ...]:
    """Other files: neither the table nor the zip of those before stay."""
    return None, gr.Markdown("", visible=False), f"<p>{EMPTY_BATCH}</p>", None


@shows_errors_of_steps
def on_batch(
    files: Sequence[str] | None,
    run: str | None,
    threshold: float,
    formats: Sequence[str],
    anonymise: bool = False,
) -> Iterator[tuple[Any, Any, Any]]:
    """Segment several files, showing after each how far it is; who cancels stops it there."""
    outcomes: list[Outcome] = []
    about = f"{run}, threshold {threshold:g}"
    try:
        paths, content = given_files(files), output_folder() / "content"
        yield gr.skip(), segment_tables.batch_table(outcomes, len(paths), about), None
        for outcome in batch_outcomes(paths, run or "", threshold, formats, content, anonymise):
            outcomes.append(outcome)
            yield gr.skip(), segment_tables.batch_table(outcomes, len(paths), about), gr.skip()
    except LvcnetError as error:
        yield None, _problem(error), None
        raise
    archive = zipped(content, content.with_name("segmented.zip"))
    table = segment_tables.batch_table(outcomes, len(paths), about)
    yield (run, threshold, sorted(formats), anonymise), table, str(archive)


def on_batch_choice(
    done: tuple[str, float, list[str], bool] | None,
    run: str | None,
    threshold: float,
    formats: Sequence[str],
    anonymise: bool = False,
) -> gr.Markdown:
    """A note as long as the zip is not what is chosen."""
    if done is None or done == (run, threshold, sorted(formats), anonymise):
        return gr.Markdown("", visible=False)
    return gr.Markdown(
        f"The zip is of {done[0]} at threshold {done[1]:g}. Press Segment all for what is chosen now.",
        visible=True,
    )


def on_cancel() -> gr.Markdown:
    """What became of a batch that was cancelled."""
    return gr.Markdown(CANCELLED, visible=True)


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


def on_sample(event: gr.SelectData) -> tuple[Any, ...]:
    """A click on a sample chooses its file."""
    return str(segment.samples()[event.index]), *on_file()


def _cleared(picture: gr.Image) -> tuple[Any, ...]:
    """Everything that shows results as it was at first, but for the picture.

    The order: results, picture, comparison, before and after, table, its two sides, whose maps, the maps, two notes, the
    file of the last download, the download buttons.
    """
    sides = gr.Dropdown(choices=[("Radiograph", RADIOGRAPH)], value=RADIOGRAPH, visible=False)
    return (
        None,
        picture,
        gr.Gallery([], visible=False),
        None,
        f"<p>{EMPTY}</p>",
        sides,
        sides,
        gr.Dropdown(choices=[("", 0)], value=0, visible=False),
        [],
        gr.Markdown("", visible=False),
        gr.Markdown("", visible=False),
        None,
        *(gr.Button(interactive=False) for _ in DOWNLOADS),
    )


def _problem(error: LvcnetError) -> str:
    """Why there is no result, in the place of it."""
    return f"<p class='problem'>{escape(str(error))}</p>"


def _of(file: str | None, results: list[Segmentation] | None) -> list[Segmentation]:
    """The results, if they are of the file that is chosen now."""
    return results if results and file and results[0].path == Path(file) else []


def _seg_problem(results: Sequence[Segmentation]) -> str:
    """Why there can be no DICOM SEG of these results; empty if there can."""
    try:
        source_header(results[0].path)
    except LvcnetError as error:
        return str(error)
    return ""
