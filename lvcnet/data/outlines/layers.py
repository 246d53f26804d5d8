"""What is written about an image: its layers, each as it was drawn, or, where it has changed, drawn anew.

A layer is a category, or the pixels to be ignored. Symbols:
H, W original size, h, w its frame on the working grid, L layers of a label set.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lvcnet.data.dataset import CLEAN, Dataset, LabelSet
from lvcnet.data.images import mask_to_working_grid, named_like
from lvcnet.data.importing.annotated import Shape
from lvcnet.data.label_sets import changed_layers
from lvcnet.data.outlines.drawn import Drawn, DrawnImage, Entry
from lvcnet.data.outlines.shapes import READERS, painted
from lvcnet.data.outlines.smooth import smooth_shapes
from lvcnet.data.outlines.splice import spliced
from lvcnet.data.outlines.untouched import untouched
from lvcnet.errors import LvcnetError

IGNORE = "ignore"


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer of one image.

    Attributes:
        name: of it.
        mask: (h, w) bool.
        height: H.
        width: W.
        format: of `entries`.
        entries: the annotations of the imported file.
        is_kept: whether they are still the whole truth.
    """

    name: str
    mask: NDArray[np.bool_]
    height: int
    width: int
    format: str
    entries: list[Entry]
    is_kept: bool

    def parts(self) -> tuple[list[Entry], list[Shape]]:
        """The annotations that are as they were, and shapes at the size of the image for the rest.

        Raises:
            LvcnetError: if what was kept of it is damaged.
        """
        if self.is_kept:
            return self.entries, []
        before = [self._shape(entry) for entry in self.entries]
        stays, rest = untouched(before, self.mask, self.height, self.width)
        moved = [shape for shape, one in zip(before, stays, strict=True) if not one]
        anew = spliced(moved, rest, self.height, self.width)
        old = [shape for shape, one in zip(before, stays, strict=True) if one]
        if old:
            drawn = mask_to_working_grid(painted([*old, *anew], self.height, self.width), self.mask.shape)
            if (drawn != self.mask).any():  # two objects share a pixel of the grid
                return [], smooth_shapes(self.mask, self.height, self.width)
        return [entry for entry, one in zip(self.entries, stays, strict=True) if one], anew

    def shapes(self) -> list[Shape]:
        """All its shapes at the size of the image."""
        entries, anew = self.parts()
        return [*(self._shape(entry) for entry in entries), *anew]

    def _shape(self, entry: Entry) -> Shape:
        shape, problems = READERS[self.format](entry, self.height, self.width, self.name)
        if shape is None:
            raise LvcnetError(f"an outline that was kept is damaged ({problems[0]}): import it again")
        return shape


@dataclass(frozen=True, eq=False)
class ImageLayers:
    """One image.

    Attributes:
        entry: what the imported file says about the image itself, where it is of the format that is to be written.
        entries: its annotations there, in order.
        layers: in the order of `layer_names`.
    """

    entry: Entry
    entries: list[Entry]
    layers: list[Layer]


def covered_rows(dataset: Dataset, labels_name: str, split: str | None = None) -> list[int]:
    """Rows of a split (None: all) that a label set has an opinion about."""
    covered = dataset.labels(labels_name).covered
    rows = range(len(dataset)) if split is None else dataset.indices(split).tolist()
    return [row for row in rows if covered[row]]


def file_name(dataset: Dataset, row: int) -> str:
    """Name of the original image file, relative to the image folder; a PNG for images that never had a file."""
    item = dataset.items[row]
    return item.source or f"{item.key}.png"


def files_beside(dataset: Dataset, rows: Sequence[int], suffix: str) -> list[Path]:
    """The files that belong to some images one by one: named like them but for their ending.

    Raises:
        LvcnetError: if two of them would be one file.
    """
    owners: dict[str, str] = {}
    for row in rows:
        name = file_name(dataset, row)
        other = owners.setdefault(named_like(name, suffix), name)
        if other != name:
            raise LvcnetError(
                f"images {other} and {name} would share the file {named_like(name, suffix)}:"
                " export as coco, or rename one and import again"
            )
    return [Path(name) for name in owners]


def outlines_of(dataset: Dataset, labels_name: str) -> Drawn | None:
    """The outlines that a label set goes back to, with what has changed since; None where none were kept.

    A label set that does not say where it comes from is compared with the annotation itself.
    """
    labels = dataset.labels(labels_name)
    if labels.drawn is not None or CLEAN not in dataset.label_names():
        return labels.drawn
    clean = dataset.labels(CLEAN)
    if clean.drawn is None:
        return None
    return clean.drawn.after(changed_layers(clean, labels), [*dataset.categories, ignore_name(dataset)])


def with_outlines(dataset: Dataset, source: LabelSet, labels: LabelSet) -> LabelSet:
    """The labels with the outlines that their source goes back to, and which of those have changed."""
    if source.drawn is None:
        return labels
    layers = [*dataset.categories, ignore_name(dataset)]
    return replace(labels, drawn=source.drawn.after(changed_layers(source, labels), layers))


def ignore_name(dataset: Dataset) -> str:
    """What the layer of ignored pixels is called: as the category that they were imported from."""
    name = str(dataset.source.get("ignore") or IGNORE)
    return name if name not in dataset.categories else f"{name} (no category)"


def layer_names(dataset: Dataset, labels_name: str) -> list[str]:
    """What is written about each image: the categories, and behind them what is ignored, where there is such a thing.

    Files of other tools know categories only. Pixels that the label set ignores in all of them are written as one of
    their own, by the name that they were imported with; import them with `--ignore` again.
    """
    ignored = dataset.labels(labels_name).ignored
    if ignored is None or not ignored.all(axis=1).any():
        return dataset.categories
    return [*dataset.categories, ignore_name(dataset)]


def image_layers(
    dataset: Dataset, labels_name: str, rows: Sequence[int], format: str = ""
) -> Iterator[ImageLayers]:
    """What is written about some images.

    Args:
        dataset: where the label set is.
        labels_name: which.
        rows: of the images.
        format: of the files that are to be written; of another one than the imported files, nothing of these fits but shapes.
    """
    labels, drawn = dataset.labels(labels_name), outlines_of(dataset, labels_name)
    names, came_as = layer_names(dataset, labels_name), drawn.format if drawn else ""
    for row in rows:
        item, place = dataset.items[row], dataset.place(row)
        masks = list(dataset.masks(labels_name, row))
        if len(names) > len(masks):
            assert labels.ignored is not None
            masks.append(labels.ignored[row].all(axis=0)[place])
        image = drawn.image(row) if drawn else None
        layers = []
        for name, mask in zip(names, masks, strict=True):
            is_kept = drawn is not None and drawn.is_kept(row, name)
            entries = image.of(name) if image else []
            layers.append(Layer(name, mask, item.height, item.width, came_as, entries, is_kept))
        if image is None or came_as != format:
            image = DrawnImage({}, [])
        yield ImageLayers(image.entry, [entry for _, entry in image.shapes], layers)


def count_outlines(dataset: Dataset, labels_name: str, split: str | None = None) -> tuple[int, int]:
    """How many layers of images an export writes as they were imported, and how many anew; empty ones do not count."""
    kept = anew = 0
    for image in image_layers(dataset, labels_name, covered_rows(dataset, labels_name, split)):
        kept += sum(layer.is_kept and bool(layer.entries) for layer in image.layers)
        anew += sum(not layer.is_kept and bool(layer.mask.any()) for layer in image.layers)
    return kept, anew
