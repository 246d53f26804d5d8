"""What the overview page says: where the next step is done, the mechanism in pictures, the headline result."""

from collections import Counter
from contextlib import suppress

import numpy as np
import streamlit as st

from lab.draw import pictures
from lvcnet.comparison.cells import Comparison
from lvcnet.comparison.collect import collect
from lvcnet.drawing import overlays
from lvcnet.drawing.palette import LABEL_COLOURS
from lvcnet.errors import LvcnetError
from lvcnet.masks.collapse import collapse, mask_facts
from lvcnet.methods import shows_cues
from lvcnet.next_step import Kind
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.snapshots import Snapshot, read_snapshot, snapshot_epochs
from lvcnet.runs.store import is_demo
from lvcnet.thresholds import THRESHOLD

MECHANISM: tuple[tuple[str, str], ...] = (
    (
        "1. Learn from rough outlines",
        "A U-Net trunk learns what to segment. From coarse labels it learns their coarse outlines, too.",
    ),
    (
        "2. Find local visual cues",
        "Edges that the image itself shows, weighed by where outlines usually run: the LVCs.",
    ),
    (
        "3. Point to the edge",
        "Around the predicted boundary, the cues nearby say from where each pixel should be sampled:"
        " guidance, and offsets learned from it.",
    ),
    (
        "4. Warp in small steps",
        "The prediction is resampled along the offsets a few times, and its boundary snaps onto the edge.",
    ),
)


PLACES: dict[Kind, tuple[str, str, dict[str, str]]] = {
    "make data": ("data", "Create phantom radiographs", {"view": "phantom"}),
    "see the demo": ("compare", "See the demo comparison", {}),
    "watch": ("runs", "Watch", {}),
    "evaluate": ("runs", "Evaluate it", {}),
    "compare": ("compare", "Compare them", {}),
    "train another": ("train", "Train another one", {}),
    "make noise": ("noise", "Make noisy labels", {}),
    "train": ("train", "Start a training", {}),
}
"""The page that does a step, what the link to it says, and what is in its address beside what the step is about."""


def headline(runs: list[RunDirectory]) -> Comparison | None:
    """The comparison on the data set with the most evaluated runs; the user's own data before the demo's."""
    evaluated = [run for run in runs if run.has_evaluation()]
    own = [run for run in evaluated if not is_demo(run)]
    counts = Counter(run.config()["dataset"] for run in own or evaluated)
    if not counts:
        return None
    stamp = tuple(
        (str(run.path), (run.path / "evaluation.json").stat().st_mtime_ns)
        for run in sorted(evaluated, key=_name)
    )
    return _collect(counts.most_common(1)[0][0], stamp)


def mechanism_pictures(runs: list[RunDirectory]) -> tuple[str, list[overlays.Rgb]] | None:
    """The four steps on a test image, as the newest finished LVC-Net run sees them that did not collapse; None without one."""
    for run in runs:
        if not shows_cues(run.config()["method"]) or run.status()["state"] != "done":
            continue
        if epochs := snapshot_epochs(run.snapshots):
            with suppress(LvcnetError):  # one that is damaged is not drawn; the page names what is
                snapshot, evaluation = read_snapshot(run.snapshots, epochs[-1]), run.evaluation()
                drawable = {"trunk", "lvc", "offsets"} <= set(snapshot.maps) and len(snapshot.images)
                if drawable and not _collapsed(snapshot) and not (evaluation and collapse(evaluation)):
                    return run.name, _draw_mechanism(snapshot)
    return None


def _collapsed(snapshot: Snapshot) -> bool:
    """Whether nothing, everything or always the same is predicted on the images to be drawn."""
    names = [str(number) for number in range(snapshot.clean.shape[1])]
    counts = np.ones_like(snapshot.clean)
    return bool(
        collapse({"masks": mask_facts(snapshot.prediction >= THRESHOLD, snapshot.clean, counts, names)})
    )


def _draw_mechanism(snapshot: Snapshot) -> list[overlays.Rgb]:
    row = len(snapshot.images) - 1
    side = pictures.SIDE
    seen = snapshot.cut(row)
    image = pictures.enlarged(seen.images[0], side)
    truth = pictures.enlarged_mask(seen.clean[0, 0], side)
    times = pictures.factor(max(seen.images.shape[1:]), side)
    stages = []
    for values in (seen.maps["trunk"][0, 0], seen.prediction[0, 0]):
        picture = overlays.paint(image, overlays.outline(truth, 2), LABEL_COLOURS["clean"])
        mask = pictures.enlarged_mask(values >= THRESHOLD, side)
        stages.append(overlays.paint(picture, overlays.outline(mask, 2), LABEL_COLOURS["prediction"]))
    maps = [
        overlays.heat(seen.maps["lvc"][0, 0]),
        overlays.directions(seen.maps["offsets"][0, 0]),
    ]
    large = [np.repeat(np.repeat(layer, times, axis=0), times, axis=1) for layer in maps]
    return [stages[0], *large, stages[1]]


def _name(run: RunDirectory) -> str:
    return run.name


@st.cache_data(max_entries=8, show_spinner="Comparing the runs")
def _collect(dataset: str, stamp: tuple[tuple[str, int], ...]) -> Comparison | None:
    try:
        return collect(dataset)
    except LvcnetError:
        return None
