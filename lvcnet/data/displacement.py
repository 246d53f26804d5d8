"""How far the outlines of a label set lie beside the edges of its images, what is said of it, and labels moved back."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.data.dataset import Dataset
from lvcnet.data.label_sets import LabelSet, labels_digest
from lvcnet.data.outlines.layers import with_outlines
from lvcnet.errors import LvcnetError
from lvcnet.files import check_name
from lvcnet.masks.displacement import Displacement, Verdict, measure_displacement, moved
from lvcnet.progress import Report, part_of

KIND = "moved"
"""`kind` in the manifest of label sets whose outlines were moved back."""
MOST_IMAGES = 200
"""Images that are looked at, evenly through the training images: more do not narrow the interval that counts."""
COSTS = "where outlines are good that costs up to 13 points of IoU"
"""What moving costs that a convention may explain: clean outlines of mandible and chest (benchmarks/results/displacement.md)."""


def displacements(
    dataset: Dataset, labels: str, rows: NDArray[np.intp] | None = None, report: Report | None = None
) -> dict[str, Displacement]:
    """What the images say about the outlines of every category, by its name; in px of the working grid.

    Args:
        dataset: with the images.
        labels: name of the label set; no clean label takes part.
        rows: images to look at; by default the training images that it covers.
        report: called with (done, total), outlines of an image each.

    Raises:
        LvcnetError: if there is no such label set.
    """
    chosen = dataset.labels(labels)
    rows = dataset.indices("train") if rows is None else rows
    rows = rows[chosen.covered[rows]]
    if len(rows) > MOST_IMAGES:
        rows = rows[np.linspace(0, len(rows) - 1, MOST_IMAGES).astype(np.intp)]
    images = [dataset.image(row) for row in rows]
    places = [(row, *dataset.place(row)) for row in rows]
    found = {}
    for channel, name in enumerate(dataset.categories):
        masks = [chosen.masks[row, channel, down, across] for row, down, across in places]
        valid = None
        if chosen.ignored is not None:
            valid = [~chosen.ignored[row, channel, down, across] for row, down, across in places]
        part = part_of(report, channel * len(rows), len(dataset.categories) * len(rows))
        found[name] = measure_displacement(images, masks, valid, part)
    return found


def moved_back(
    masks: NDArray[np.bool_],
    frames: NDArray[np.intp],
    found: dict[str, Displacement],
    belong_on_edges: bool = False,
    ignored: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Masks (N, C, H, W) whose displaced categories are moved back onto their edges; all others as they are.

    Args:
        masks: (N, C, H, W).
        frames: (N, 2) rows and columns that hold each image.
        found: what `displacements` says of each of the C categories, in their order.
        belong_on_edges: whether small displacements are taken back, too (`Displacement.shift`).
        ignored: (N, C, H, W), pixels about which the masks say nothing; None where they say something everywhere.
    """
    result = masks.copy()
    for channel, one in enumerate(found.values()):
        shift = one.shift(belong_on_edges)
        if not shift:
            continue
        for number, (height, width) in enumerate(frames):
            place = number, channel, slice(height), slice(width)
            mask, silent = np.ascontiguousarray(masks[place]), None if ignored is None else ignored[place]
            result[place] = moved(mask, shift, one.window, silent)
    return result if ignored is None else result & ~ignored


def moved_labels(
    dataset: Dataset,
    labels: str,
    name: str,
    found: dict[str, Displacement] | None = None,
    belong_on_edges: bool = False,
    overwrite: bool = False,
) -> LabelSet | None:
    """A label set made of another one by moving its displaced outlines back; add it with `dataset.add_labels`.

    Without being told, only what no convention explains is moved: a category whose whole interval lies farther beside the
    edge than people may draw on purpose (`Displacement.limit`). Its manifest says what was moved, by how much and why.

    Args:
        dataset: with the images.
        labels: name of the label set that is moved; it stays as it is.
        name: of the new one.
        found: what `displacements` says of it, where that is at hand.
        belong_on_edges: told so by a person: small displacements are moved, too.
        overwrite: replace an earlier label set of that name that was made so.

    Returns:
        The label set; None where there is nothing to move.

    Raises:
        LvcnetError: if there is no such label set, or the name is taken.
    """
    _check_free(dataset, labels, name, overwrite)
    source = dataset.labels(labels)
    found = displacements(dataset, labels) if found is None else found
    shifts = {category: one.shift(belong_on_edges) for category, one in found.items()}
    if not any(shifts.values()):
        return None
    masks = moved_back(source.masks, dataset.frames, found, belong_on_edges, source.ignored)
    manifest: dict[str, Any] = {
        "kind": KIND,
        "source": source.name,
        "source_digest": labels_digest(source),
        "belong_on_edges": belong_on_edges,
        "rule": "told that outlines belong on edges" if belong_on_edges else "beyond any convention",
        "moved_px": shifts,
        "displacement": {category: one.as_json() for category, one in found.items()},
    }
    moved_set = LabelSet(name, masks, source.covered.copy(), manifest, source.ignored)
    return with_outlines(dataset, source, moved_set)


def _check_free(dataset: Dataset, labels: str, name: str, overwrite: bool) -> None:
    check_name(name, "label set")
    if name == labels:
        raise LvcnetError(f"label set {name!r} is the one to move: choose another name for the result")
    if name in dataset.label_names() and not (overwrite and dataset.manifest(name).get("kind") == KIND):
        raise LvcnetError(
            f"label set {name!r} exists: choose another name (only labels that were moved before can be replaced, with"
            " --overwrite)"
        )


def mm_a_pixel(dataset: Dataset) -> float | None:
    """Mean size of a pixel of the working grid in mm; None where a file does not say."""
    rows = dataset.indices("train")
    if not len(rows) or dataset.unit(rows) != "mm":
        return None
    return float(dataset.pixel_sizes(rows, "mm").mean())


def sentence(name: str, found: Displacement, mm: float | None = None) -> str:
    """What a displacement means, in words; `mm` is the size of a pixel.

    >>> sentence("lungs", Displacement(5.5, 5.1, 5.9, 1.5, Verdict.BESIDE, 60), 0.5)
    'lungs: outlined 5.5 px (5.1 to 5.9; 2.8 mm) outside their edge, more than a convention explains'
    >>> sentence("nerve", Displacement(0.0, 0.0, 0.0, 1.5, Verdict.NONE, 60))
    'nerve: no one edge explains the outlines'
    """
    if found.verdict is Verdict.NONE:
        return f"{name}: no one edge explains the outlines"
    if found.low <= 0 <= found.high:
        return f"{name}: outlines lie on their edge ({found.low:+.1f} to {found.high:+.1f} px)"
    size = "" if mm is None else f"; {abs(found.px) * mm:.1f} mm"
    low, high = sorted((abs(found.low), abs(found.high)))
    side = "outside" if found.px > 0 else "inside"
    end = (
        "more than a convention explains"
        if found.verdict is Verdict.BESIDE
        else "which a convention may explain"
    )
    return f"{name}: outlined {abs(found.px):.1f} px ({low:.1f} to {high:.1f}{size}) {side} their edge, {end}"


def caution(name: str, found: Displacement, belong_on_edges: bool) -> str | None:
    """What to know of a category that is moved only because somebody said that outlines belong on edges; None of others.

    >>> caution("heart", Displacement(0.8, 0.5, 1.0, 1.5, Verdict.ON, 60), True)
    'heart: a convention may explain 0.8 px; where outlines are good that costs up to 13 points of IoU'
    """
    if found.verdict is not Verdict.ON or not found.shift(belong_on_edges):
        return None
    return f"{name}: a convention may explain {abs(found.px):.1f} px; {COSTS}"


def told(
    found: Mapping[str, Displacement], belong_on_edges: bool, mm: float | None = None
) -> dict[str, dict[str, Any]]:
    """What is said of each category, JSON-able: the measurement, a sentence, by how much it is moved, and a caution.

    Args:
        found: what `displacements` says.
        belong_on_edges: whether a person said so.
        mm: size of a pixel of the working grid.
    """
    return {
        name: {
            **one.as_json(),
            "sentence": sentence(name, one, mm),
            "moved_px": one.shift(belong_on_edges),
            "caution": caution(name, one, belong_on_edges),
        }
        for name, one in found.items()
    }
