"""Procedural AP hip radiographs: the data set that comes with the project.

One category: both innominate bones, with the obturator foramina as holes. Every image depends only on (seed, key,
size). Shape and pose depend only on (seed, key), so one key shows the same person at every size.

Symbols: N images, S side of an image in pixels.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from lvcnet.data.dataset import CLEAN, Dataset, Item, LabelSet
from lvcnet.data.phantom.anatomy import draw_normal, draw_skeleton
from lvcnet.data.phantom.physics import add_marker, collimate, develop, expose
from lvcnet.data.phantom.projection import View, project_bones
from lvcnet.data.phantom.tissue import project_tissue
from lvcnet.errors import LvcnetError
from lvcnet.files import keyed_rng
from lvcnet.progress import Report

CATEGORIES = ("innominate bone",)
SIZES = (32, 1024)
SUPERSAMPLING = 3


def make_phantom(
    name: str,
    train: int,
    test: int,
    size: int = 128,
    seed: int = 0,
    report: Report | None = None,
) -> Dataset:
    """Render a data set in memory, with the exact masks as label set `clean`; it is not saved.

    Args:
        name: name of the data set.
        train: number of training images, at least 1.
        test: number of test images, at least 0.
        size: S.
        seed: keys all images.
        report: called with (images done, images in all) after each image.

    Raises:
        LvcnetError: for a size or a number of images that is not possible.
    """
    if train < 1 or test < 0:
        raise LvcnetError(f"{train} training and {test} test images: give at least 1 and 0")
    _check(seed, size)
    items = [
        Item(key=f"{split}-{number:04d}", split=split, height=size, width=size)
        for split, count in (("train", train), ("test", test))
        for number in range(1, count + 1)
    ]
    images = np.empty((len(items), size, size), dtype=np.uint8)
    masks = np.empty((len(items), len(CATEGORIES), size, size), dtype=np.bool_)
    for row, item in enumerate(items):
        images[row], masks[row] = render(seed, item.key, size)
        if report is not None:
            report(row + 1, len(items))
    source = {"kind": "phantom", "train": train, "test": test, "size": size, "seed": seed}
    dataset = Dataset(name, list(CATEGORIES), items, images, source)
    dataset.add_labels(LabelSet(CLEAN, masks, np.ones(len(items), dtype=np.bool_), {"family": "exact"}))
    return dataset


def render(seed: int, key: str, size: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """One radiograph (S, S) and its mask (1, S, S): pixels at least half covered by innominate bone.

    Raises:
        LvcnetError: for a size outside 32..1024 or a negative seed.
    """
    _check(seed, size)
    view = _draw_view(keyed_rng(seed, "phantom", key, "view"), size)
    skeleton = draw_skeleton(keyed_rng(seed, "phantom", key, "skeleton"))
    bones = project_bones(skeleton, view, keyed_rng(seed, "phantom", key, "bones"))
    tissue = project_tissue(view, keyed_rng(seed, "phantom", key, "tissue"))
    covered = cv2.resize(bones.innominate.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA)
    mask = covered >= 0.5
    energy = expose(bones, tissue, view, size, keyed_rng(seed, "phantom", key, "exposure", size))
    display = keyed_rng(seed, "phantom", key, "display")
    image = add_marker(collimate(develop(energy, view, display), mask, display), display)
    return np.round(255 * image).astype(np.uint8), mask[None]


def _draw_view(rng: np.random.Generator, size: int) -> View:
    return View(
        grid=SUPERSAMPLING * size,
        field=draw_normal(rng, 37.8, 1.5, 34.5, 42.0),
        centre=(float(rng.normal(0, 0.6)), float(rng.normal(-2.6, 0.8))),
        angle=float(np.deg2rad(rng.normal(0, 2.5))),
    )


def _check(seed: int, size: int) -> None:
    if not SIZES[0] <= size <= SIZES[1]:
        raise LvcnetError(f"size {size} is not possible: choose {SIZES[0]} to {SIZES[1]} pixels, e.g. 128")
    if seed < 0:
        raise LvcnetError(f"seed {seed} is negative: use 0 or a positive whole number")
