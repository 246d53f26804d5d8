"""The working size of an import that is given none: what its thinnest common structure asks for.

It is measured on a few training images, whose clean outlines are drawn once more than the import itself draws them.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import numpy as np

from lvcnet.data.importing.annotated import AnnotatedImage
from lvcnet.data.traits import CategoryMeter, thinnest
from lvcnet.data.working_size import working_size
from lvcnet.errors import LvcnetError
from lvcnet.files import stable_hash
from lvcnet.progress import Report

MOST_IMAGES = 24
"""That are measured."""
MEASURED_AT = 512
"""Longer side in pixels from which on only every second pixel is looked at, or fewer: enough to tell what is thin."""


def auto_size(
    rows: Sequence[tuple[AnnotatedImage, str]],
    clean: Mapping[str, AnnotatedImage],
    categories: Sequence[str],
    size_of: Callable[[AnnotatedImage], tuple[int, int] | None],
    report: Report | None = None,
) -> int:
    """Longer side of the working grid in pixels.

    Args:
        rows: images with their split.
        clean: file name -> image with the outlines to learn from.
        categories: that are imported.
        size_of: height and width of an image; None where it cannot be read, which the import itself reports.
        report: called between images, so that it can stop the import.
    """
    names = [image.file_name for image, split in rows if split == "train" and image.file_name in clean]
    chosen = sorted(names, key=lambda name: stable_hash(f"size {name}"))[:MOST_IMAGES]
    meters = [CategoryMeter(category) for category in categories]
    longest = 0
    for name in chosen:
        if report is not None:
            report(0, 0)
        size = size_of(clean[name])
        if size is None:
            continue
        longest, step = max(longest, *size), max(1, max(size) // MEASURED_AT)
        for meter in meters:
            full = np.zeros(size, dtype=bool)
            for shape in clean[name].shapes.get(meter.name, []):
                with suppress(LvcnetError):
                    shape.paint(full)
            seen = full[::step, ::step]
            meter.add(seen, 1 / max(seen.shape))  # thickness is then a share of the longer side
    thin = thinnest([meter.traits(max(1, len(chosen))) for meter in meters])
    return working_size(thin.original_thickness if thin else None, longest)
