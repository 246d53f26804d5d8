"""Where two outlines differ: which of them lies on stronger edges of the image. Symbols: see `lvcnet.correction`.

A region is a 4-connected set of pixels that only one of the two label sets calls foreground. Its border consists of
pixel edges; across each, one of the two outlines runs: that of the first label set if its label changes there, that of
the second if its does. Edges across which both change tell nothing and are left out. The region is given to the label
set whose part of the border lies on stronger image edges in the mean, if the two means differ by more than the standard
error of that difference; otherwise, and where one of the two has no part (an object that only one of them drew), it is
undecided.

This is a hint, not truth: a strong edge may belong to another structure, and where the anatomy has no visible edge the
cue says nothing.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lvcnet.correction.agreement import common_rows, compared_masks
from lvcnet.cues.edges import initial_edges, near_boundary
from lvcnet.data.dataset import Dataset
from lvcnet.errors import LvcnetError
from lvcnet.files import Row
from lvcnet.inference.predictor import Predictor
from lvcnet.masks.parts import label_parts
from lvcnet.progress import Report
from lvcnet.runs.directory import RunDirectory

NOWHERE, FIRST, SECOND, UNDECIDED = range(4)
"""Values of a map of sides: no disagreement, or whom the cue sides with."""
SIDES = {"first": FIRST, "second": SECOND, "undecided": UNDECIDED}
NOTE = "A hint, not truth: the outline on stronger edges is not always the right one."
BATCH = 32
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.floating[Any]]
SideMap = NDArray[np.uint8]


def edge_support(
    dataset: Dataset,
    first: str,
    second: str,
    split: str | None = None,
    run: RunDirectory | None = None,
    report: Report | None = None,
) -> Row:
    """Edge support: whom the image sides with, over all images that both label sets cover.

    Args:
        dataset: the data set.
        first: a label set.
        second: another one.
        split: only this split; default all images.
        run: a finished run; its predicted boundary then takes the place of the image's edges.
        report: called with (images done, images).

    Returns:
        JSON-able: `area_px`, the area of disagreement; `share` of it that goes to `first`, `second` and `undecided`
        (None without disagreement); the same `per_category`; `images_won`, how many images give more area to either;
        `per_image` with the three areas, the most disputed first; `evidence` and `note`.

    Raises:
        LvcnetError: if both are the same, no image is covered by both, or the run knows other categories.
    """
    rows = common_rows(dataset, first, second, split)
    strength = Strength(dataset, run)
    counts = np.zeros((len(rows), len(dataset.categories), len(SIDES)), dtype=np.int64)
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        maps = side_maps(strength(batch), *compared_masks(dataset, first, second, batch))
        for place, side in enumerate(SIDES.values()):
            counts[start : start + len(batch), :, place] = (maps == side).sum(axis=(2, 3))
        if report:
            report(start + len(batch), len(rows))
    areas = counts.sum(axis=1)
    images = [
        {
            "key": dataset.items[row].key,
            "area_px": int(area.sum()),
            **dict(zip(SIDES, area.tolist(), strict=True)),
        }
        for row, area in zip(rows, areas, strict=True)
    ]
    return {
        "dataset": dataset.name,
        "first": first,
        "second": second,
        "split": split,
        "evidence": strength.name,
        "note": NOTE,
        "images": len(rows),
        **_shares(areas.sum(axis=0)),
        "images_won": {
            "first": int((areas[:, 0] > areas[:, 1]).sum()),
            "second": int((areas[:, 1] > areas[:, 0]).sum()),
        },
        "per_category": {
            category: _shares(counts[:, c].sum(axis=0)) for c, category in enumerate(dataset.categories)
        },
        "per_image": sorted(images, key=lambda image: (-image["area_px"], image["key"])),
    }


def per_image_rows(agreed: Row, sided: Row) -> list[Row]:
    """What `agreement` and `edge_support` say about each image, in one row an image, worst Dice first."""
    areas = {row["key"]: row for row in sided["per_image"]}
    return [
        {
            **row,
            "disagreement_px": areas[row["key"]]["area_px"],
            **{f"{side}_px": areas[row["key"]][side] for side in SIDES},
        }
        for row in agreed["per_image"]
    ]


class Strength:
    """How strong the edges of images are: the project's Sobel cue, or a run's predicted boundary.

    Args:
        dataset: where the images are.
        run: a finished run, or None for the images' own edges.

    Raises:
        LvcnetError: if the run predicts other categories.
    """

    def __init__(self, dataset: Dataset, run: RunDirectory | None = None) -> None:
        self.images, self.frames, self.inside = dataset.images, dataset.frames, dataset.inside
        self.predictor = Predictor(run, device="cpu") if run else None
        self.name = "edges of the image (Sobel)"
        if run and self.predictor:
            self.name = f"predicted boundary of run {run.name} (learned from {run.config()['labels']})"
            of_run = (self.predictor.size, self.predictor.stretched and dataset.stretched)
            if self.predictor.categories != dataset.categories or of_run != (dataset.size, dataset.stretched):
                raise LvcnetError(
                    f"run {run.name!r} predicts {', '.join(self.predictor.categories)} at {self.predictor.size} px,"
                    f" data set {dataset.name!r} has {', '.join(dataset.categories)} at {dataset.size} px: name a run"
                    " that was trained on this data set, or none"
                )

    def __call__(self, rows: NDArray[np.intp]) -> FloatArray:
        """(N, C or 1, H, W) in [0, 1] for the images at `rows`."""
        if self.predictor:
            maps = self.predictor.predict_array(self.images[rows], self.frames[rows])
            return near_boundary(maps.prediction.float()).numpy()
        images = torch.from_numpy(self.images[rows]).float().div(255).unsqueeze(1)
        within = None if self.inside is None else torch.from_numpy(self.inside[rows]).float()
        return initial_edges(images, inside=within).numpy()


def side_maps(strength: FloatArray, first: BoolArray, second: BoolArray) -> SideMap:
    """Whom every region of disagreement goes to.

    Args:
        strength: (N, C or 1, H, W) how strong an edge is at each pixel.
        first: (N, C, H, W) masks.
        second: (N, C, H, W) masks.

    Returns:
        (N, C, H, W) of NOWHERE, FIRST, SECOND and UNDECIDED.
    """
    result = np.zeros(first.shape, dtype=np.uint8)
    for n, c in np.ndindex(first.shape[:2]):
        result[n, c] = side_map(strength[n, min(c, strength.shape[1] - 1)], first[n, c], second[n, c])
    return result


def side_map(strength: FloatArray, first: BoolArray, second: BoolArray) -> SideMap:
    """The same for one image and category, (H, W).

    >>> edge = np.tile([0.0, 0.0, 0.0, 1.0, 1.0, 0.0], (2, 1))  # between columns 3 and 4
    >>> one, two = (np.tile(np.arange(6) < width, (2, 1)) for width in (2, 4))
    >>> side_map(edge, one, two)[0].tolist()
    [0, 0, 2, 2, 0, 0]
    """
    only_first, count = label_parts(first & ~second, 4)
    only_second, more = label_parts(second & ~first, 4)
    regions = np.where(only_second > 0, only_second.astype(np.intp) + count, only_first)
    moments = np.zeros(
        (2, 3, 1 + count + more)
    )  # owner of the outline; number, sum and sum of squares; region
    for axis in (0, 1):
        here, there = (slice(None, -1), slice(1, None)) if axis == 0 else (np.s_[:, :-1], np.s_[:, 1:])
        middle = (strength[here].astype(float) + strength[there]) / 2
        changes = [mask[here] != mask[there] for mask in (first, second)]
        for owner, (mine, others) in enumerate([changes, changes[::-1]]):
            along = mine & ~others  # then just one of the two pixels is in a region
            region, values = np.maximum(regions[here], regions[there])[along], middle[along]
            for place, weights in enumerate((np.ones_like(values), values, values**2)):
                moments[owner, place] += np.bincount(region, weights, moments.shape[2])
    return _decide(moments)[regions]


def _decide(moments: FloatArray) -> SideMap:
    """Sides (R,) of regions from their (2, 3, R) moments; region 0 is where there is none.

    One variance is taken for both parts, as in Student's test, so that a part of a single pixel edge can be compared.
    """
    number, total, squares = moments[:, 0], moments[:, 1], moments[:, 2]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = total / number
        within = np.maximum(squares - total**2 / number, 0).sum(axis=0)
        error = np.sqrt(within / (number.sum(axis=0) - 2) * (1 / number).sum(axis=0))
    difference = means[0] - means[1]
    sides = np.full(moments.shape[2], UNDECIDED, dtype=np.uint8)
    # comparisons with NaN (no border of its own, or too few pixel edges to know the error) are false
    sides[difference > np.maximum(error, 1e-9)] = FIRST
    sides[-difference > np.maximum(error, 1e-9)] = SECOND
    sides[0] = NOWHERE
    return sides


def _shares(areas: NDArray[np.integer[Any]]) -> Row:
    """Total of (3,) areas, and the share of each side."""
    total = int(areas.sum())
    return {
        "area_px": total,
        "share": {
            side: int(area) / total if total else None for side, area in zip(SIDES, areas, strict=True)
        },
    }
