"""Traits of a data set: what is measured before a training plan is made of it (lvcnet.training.plan).

Only training images and the labels that are to be learned from count: clean labels are not looked at where noisy ones are
learned, nor are test images ever.

Symbols: C categories, h x w the part of the working grid that holds an image.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.data.working_size import working_size
from lvcnet.errors import LvcnetError
from lvcnet.files import stable_hash
from lvcnet.masks.parts import label_parts

MOST_IMAGES = 200
"""That are measured; of more, those that a hash of the key chooses."""
SPECK = 0.05
"""Share of a category's area in an image below which a part is a speck, and no structure."""
COMMON = 0.05
"""Share of the images from which on a category is common."""


@dataclass(frozen=True)
class CategoryTraits:
    """One category in the images that were measured; what is None is not known, because none shows it.

    Attributes:
        name: of the category.
        presence: share of the images that show it.
        area: median share of the image that it covers where it is shown.
        thickness: median over its parts of the diameter of the largest disc that fits in, in pixels of the working grid.
        original_thickness: the same in pixels of the original images.
        parts: median number of parts in an image that shows it, without specks.
    """

    name: str
    presence: float
    area: float | None = None
    thickness: float | None = None
    original_thickness: float | None = None
    parts: float | None = None


@dataclass(frozen=True)
class Traits:
    """A data set as a training on one of its label sets sees it.

    Attributes:
        labels: name of the label set.
        images: training images that it covers.
        measured: how many of them were measured.
        size: longer side of the working grid in pixels.
        original: median width and height of the original images.
        longest: longer side of the largest original image in pixels.
        aspect: median of width over height.
        spacing_mm: median row and column spacing of the original pixels; None where a file does not tell.
        brightness: mean of all pixels, of 0 to 1.
        contrast: median standard deviation within an image, of the same unit.
        categories: C entries.
    """

    labels: str
    images: int
    measured: int
    size: int
    original: tuple[int, int]
    longest: int
    aspect: float
    spacing_mm: tuple[float, float] | None
    brightness: float
    contrast: float
    categories: tuple[CategoryTraits, ...]

    @property
    def common(self) -> tuple[CategoryTraits, ...]:
        """See `common`."""
        return common(self.categories)

    @property
    def thinnest(self) -> CategoryTraits | None:
        """The common category whose parts are thinnest; None without any foreground."""
        return thinnest(self.categories)

    @property
    def rarest(self) -> CategoryTraits | None:
        """The common category with the fewest pixels: presence times area; None without any foreground."""
        return min(self.common, key=lambda one: one.presence * (one.area or 0.0), default=None)

    @property
    def wanted_size(self) -> int:
        """The working size that the thinnest common structure asks for."""
        thin = self.thinnest
        share = thin.thickness / self.size if thin and thin.thickness else None
        return working_size(share, self.longest)

    def as_json(self) -> dict[str, Any]:
        """All of it, JSON-able."""
        return asdict(self)


def common(categories: Sequence[CategoryTraits]) -> tuple[CategoryTraits, ...]:
    """Categories that are common; all that are shown at all where none is."""
    shown = tuple(one for one in categories if one.presence)
    return tuple(one for one in shown if one.presence >= COMMON) or shown


def thinnest(categories: Sequence[CategoryTraits]) -> CategoryTraits | None:
    """The common category whose parts are thinnest; None without any foreground."""
    return min(common(categories), key=lambda one: one.thickness or np.inf, default=None)


def measure(dataset: Dataset, labels_name: str = CLEAN) -> Traits:
    """The traits of a data set for a training on one of its label sets.

    Raises:
        LvcnetError: if there is no such label set, or it covers no training image.
    """
    labels = dataset.labels(labels_name)
    rows = dataset.indices("train")
    rows = rows[labels.covered[rows]]
    if not len(rows):
        raise LvcnetError(
            f"label set {labels_name!r} of data set {dataset.name!r} covers no training image: nothing can be planned"
        )
    chosen = sorted(rows, key=lambda row: stable_hash(f"traits {dataset.items[row].key}"))[:MOST_IMAGES]
    items = [dataset.items[row] for row in chosen]
    pixels = [dataset.image(row) / 255 for row in chosen]
    spacings = [item.spacing_mm for item in items]
    known = [spacing for spacing in spacings if spacing is not None]
    found = [CategoryMeter(name) for name in dataset.categories]
    for row, item in zip(chosen, items, strict=True):
        scale = max(item.height, item.width) / max(dataset.frames[row])
        for category, mask in zip(found, dataset.masks(labels_name, row), strict=True):
            category.add(mask, scale)
    return Traits(
        labels=labels_name,
        images=len(rows),
        measured=len(chosen),
        size=dataset.size,
        original=(_middle([item.width for item in items]), _middle([item.height for item in items])),
        longest=max(max(item.width, item.height) for item in items),
        aspect=float(np.median([item.width / item.height for item in items])),
        spacing_mm=_spacing(known) if len(known) == len(spacings) else None,
        brightness=float(np.mean([image.mean() for image in pixels])),
        contrast=float(np.median([image.std() for image in pixels])),
        categories=tuple(category.traits(len(chosen)) for category in found),
    )


class CategoryMeter:
    """What is known of a category so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.areas: list[float] = []
        self.counts: list[int] = []
        self.thicknesses: list[float] = []
        self.originals: list[float] = []

    def add(self, mask: NDArray[np.bool_], scale: float) -> None:
        """One more image; `scale` is original pixels a pixel of the grid."""
        if not mask.any():
            return
        found = thicknesses(mask)
        self.areas.append(float(mask.mean()))
        self.counts.append(len(found))
        self.thicknesses += found
        self.originals += [scale * one for one in found]

    def traits(self, images: int) -> CategoryTraits:
        """Of so many images in all."""
        if not self.areas:
            return CategoryTraits(self.name, 0.0)
        middles = [
            float(np.median(one)) for one in (self.areas, self.thicknesses, self.originals, self.counts)
        ]
        return CategoryTraits(self.name, len(self.areas) / images, *middles)


def thicknesses(mask: NDArray[np.bool_]) -> list[float]:
    """Diameter in pixels of the largest disc in every part of a (h, w) mask that is no speck; some where any is foreground.

    Beyond the border nothing goes on: what is cut off there is as thick as what is seen of it.

    >>> bars = np.zeros((12, 20), bool); bars[2:5] = True; bars[8:10, 4:18] = True; bars[11, 19] = True
    >>> thicknesses(bars)
    [3.0, 2.0]
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return []
    mask = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    numbers, count = label_parts(mask)
    areas = np.bincount(numbers.ravel(), minlength=count + 1)[1:]
    # On a grid twice as fine every width is even, so that the distance of its middle from outside is all of it.
    fine = np.pad(mask.repeat(2, axis=0).repeat(2, axis=1), 1).astype(np.uint8)
    depth = cv2.distanceTransform(fine, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    deepest = np.zeros(count + 1)
    np.maximum.at(deepest, numbers.repeat(2, axis=0).repeat(2, axis=1).ravel(), depth.ravel())
    return [float(deepest[part + 1]) for part in range(count) if areas[part] >= SPECK * areas.sum()]


def _middle(values: Sequence[int]) -> int:
    return int(np.median(values))


def _spacing(known: Sequence[tuple[float, float]]) -> tuple[float, float]:
    rows, columns = np.median(known, axis=0).tolist()
    return rows, columns
