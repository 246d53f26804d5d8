"""What the inference app shows: a radiograph and runs in, pictures out; files are written by `lvcnet.inference`.

Symbols: H, W size of the radiograph in pixels; h, w the image on the network's working grid; C categories.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from lvcnet import workspace
from lvcnet.data.images import SUFFIXES, read_image
from lvcnet.drawing import overlays
from lvcnet.drawing.palette import category_colours, run_colours
from lvcnet.errors import LvcnetError
from lvcnet.inference.finished import finished_runs, load_predictor
from lvcnet.inference.segmentation import Segmentation, segment_radiograph
from lvcnet.methods import method_title
from lvcnet.runs.store import find_run, is_demo
from lvcnet.trained import trained

MOST_RUNS = 6
SHOWN_FIRST = ("unet", "lvcnet-plus")
"""Methods of the demo that are shown side by side until somebody chooses."""


def run_choices() -> list[tuple[str, str]]:
    """(label, name) of every finished run."""
    choices = []
    for run in finished_runs():
        config = run.config()
        demo = ", demo" if is_demo(run) else ""
        choices.append(
            (f"{method_title(trained(config))}: {run.name} (labels {config['labels']}{demo})", run.name)
        )
    return choices


def first_runs() -> list[str]:
    """What is chosen until somebody chooses: the user's newest run, else two methods of the demo on the same labels."""
    runs = finished_runs()
    if not runs or not is_demo(runs[0]):
        return [run.name for run in runs[:1]]
    by_labels: dict[str, dict[str, str]] = {}
    for run in runs:
        config = run.config()
        by_labels.setdefault(config["labels"], {})[trained(config)] = run.name
    for _, named in sorted(
        by_labels.items(), reverse=True
    ):  # the roughest labels tell the methods apart best
        if all(method in named for method in SHOWN_FIRST):
            return [named[method] for method in SHOWN_FIRST]
    return [runs[0].name]


def samples() -> list[Path]:
    """The sample radiographs that ship with the project."""
    return sorted(path for path in (workspace.assets_dir() / "samples").glob("*") if path.suffix in SUFFIXES)


def segment_runs(path: Path, runs: Sequence[str]) -> Iterator[Segmentation]:
    """Read a radiograph and let one run after the other segment it.

    Raises:
        LvcnetError: for a file that is no radiograph we can read, or runs that cannot predict or are too many.
    """
    chosen = checked_runs(runs)
    radiograph = read_image(path, name=path.name)
    for run in chosen:
        yield segment_radiograph(load_predictor(run), radiograph, path, path.name)


def checked_runs(runs: Sequence[str]) -> list[str]:
    """The runs.

    Raises:
        LvcnetError: if there are none, too many, or one of them does not exist.
    """
    if not runs:
        raise LvcnetError("no run was chosen: choose one, or train one on the train page first")
    if len(runs) > MOST_RUNS:
        raise LvcnetError(f"{len(runs)} runs were chosen: at most {MOST_RUNS} are shown at once; remove some")
    return [find_run(run).name for run in runs]


def caption(result: Segmentation) -> str:
    """Which run a picture is of."""
    return f"{method_title(result.method)}: {result.run}"


def colours(results: Sequence[Segmentation]) -> list[str]:
    """One colour a run, that of its method where no run before it has the same."""
    return run_colours([result.method for result in results])


def plain(result: Segmentation) -> overlays.Rgb:
    """The radiograph, for a screen."""
    return overlays.fit(overlays.to_rgb(overlays.reduced(result.radiograph.pixels)))


def preview(path: Path) -> overlays.Rgb:
    """A radiograph that was not segmented yet, for a screen.

    Raises:
        LvcnetError: for a file that is no radiograph we can read.
    """
    pixels = read_image(path, name=path.name).pixels
    return overlays.fit(overlays.to_rgb(overlays.reduced(pixels)))


def picture(result: Segmentation, opacity: float, colour: str) -> overlays.Rgb:
    """The radiograph with every category tinted and outlined, for a screen; a single category has the run's colour."""
    pixels, masks = overlays.reduced(result.radiograph.pixels), overlays.reduced_masks(result.masks)
    return overlays.fit(overlays.masks_over(pixels, masks, _category_colours(result, colour), opacity))


def all_outlines(results: Sequence[Segmentation]) -> overlays.Rgb:
    """The outlines of all runs on one radiograph, for a screen, each in its run's colour."""
    pixels = overlays.reduced(results[0].radiograph.pixels)
    drawn = overlays.fit(
        overlays.to_rgb(pixels), smallest=1024
    )  # fine enough for lines that run side by side
    thickness = overlays.line_width(drawn.shape)
    for result, colour in zip(results, colours(results), strict=True):
        for mask in overlays.reduced_masks(result.masks):
            enlarged = cv2.resize(mask.astype(np.uint8), drawn.shape[1::-1], interpolation=cv2.INTER_NEAREST)
            drawn = overlays.paint(drawn, overlays.outline(enlarged > 0, thickness), colour)
    return drawn


def _category_colours(result: Segmentation, colour: str) -> list[str]:
    return [colour] if len(result.categories) == 1 else category_colours(len(result.categories))
