"""What comes back of outlines through import and export:

    python benchmarks/round_trip.py --shared DIR [--sizes 64,128,256] [--output FILE]

DIR holds the folders mandible, chest and ultrasound, each with `images` and COCO files. They are imported at working sizes
and exported as COCO again; what pycocotools draws of the export is compared with what it draws of the original, category by
category and image by image, at the full size of the image.

- untouched: the imported label set as it is.
- flipped: a label set in which one pixel of the first category is flipped in every image: that category, and the others.
- smooth: a label set of which no outline was kept, so that all are drawn anew from the working grid.
- stairs: the pixels of the working grid at full size, as exports were before outlines were kept.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from shown import shown_command

from lvcnet.comparison.formats import markdown_table
from lvcnet.correction.apply import with_outlines
from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.data.formats.coco import write_coco
from lvcnet.data.images import mask_to_full_resolution
from lvcnet.data.importing.importer import import_coco
from lvcnet.files import read_json
from lvcnet.masks.overlap import iou
from lvcnet.training.commit import current_commit

SETS = {
    "mandible": ("dentist1_train.json", "dentist1_test.json"),
    "chest": ("train.json", "test.json"),
    "ultrasound": ("train.json", "test.json"),
}
SIZES = "64,128,256"
Masks = dict[tuple[str, str], NDArray[np.bool_]]
Scores = list[tuple[float, float]]
"""IoU, and share by which the area is too large."""


def main(given: Sequence[str] | None = None) -> None:
    """Print and write markdown."""
    given = sys.argv[1:] if given is None else given
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--sets", default=",".join(SETS), help="which of them, by commas")
    parser.add_argument("--sizes", default=SIZES, help="working sizes, by commas")
    parser.add_argument("--output", type=Path, help="write the text there, too")
    options = parser.parse_args(given)
    rows, prints = [], []
    for name in options.sets.split(","):
        for size in map(int, options.sizes.split(",")):
            dataset, originals = imported(options.shared / name, name, size)
            rows.append([name, str(size), str(len(originals)), *cells(dataset, originals)])
            prints.append(
                f"{name} at {size} px ({dataset.grid[1]} x {dataset.grid[0]}) {dataset.fingerprint()}"
            )
            print(" ".join(rows[-1]), file=sys.stderr, flush=True)
    kinds = ["untouched", "flipped: the others", "flipped: itself", "stairs", "smooth"]
    header = ["data set", "size", "outlines", *kinds, "area of stairs", "of smooth"]
    lines = [
        "# Outlines through import and export",
        "",
        f"Command: `{shown_command('round_trip.py', given)}`; commit {current_commit()}; no random numbers; fingerprints: "
        + ", ".join(prints)
        + ".",
        "",
        "IoU with the original outlines at the full size of the images, mean (least), over images and categories; what each",
        "column is says [the script](../round_trip.py). Area: mean of how much larger than the original it is.",
        "",
        markdown_table(header, rows),
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if options.output:
        options.output.write_text(text)


def imported(folder: Path, name: str, size: int) -> tuple[Dataset, Masks]:
    """A data set at a working size, and the masks of its files."""
    train, test = (folder / file for file in SETS[name])
    dataset = import_coco(name, folder / "images", train, test, size=size)
    return dataset, full_masks(train) | full_masks(test)


def full_masks(path: Path) -> Masks:
    """The masks of a COCO file by image and category, (H, W), as pycocotools draws them."""
    content = read_json(path)
    images = {image["id"]: image for image in content["images"]}
    names = {category["id"]: category["name"] for category in content["categories"]}
    masks: Masks = {}
    for one in content["annotations"]:
        image, segmentation = images[one["image_id"]], one["segmentation"]
        height, width = image["height"], image["width"]
        if isinstance(segmentation, dict) and isinstance(segmentation["counts"], str):
            encoded = segmentation
        else:
            found = coco_mask.frPyObjects(segmentation, height, width)
            encoded = coco_mask.merge(found) if isinstance(found, list) else found
        drawn = coco_mask.decode(encoded).astype(bool)
        place = image["file_name"], names[one["category_id"]]
        masks[place] = masks.get(place, np.zeros_like(drawn)) | drawn
    return masks


def cells(dataset: Dataset, originals: Masks) -> list[str]:
    """The cells of a row: IoU of each kind of export, and the areas of what is drawn anew."""
    clean = dataset.labels(CLEAN)
    flipped = clean.masks.copy()
    first = flipped[:, 0].reshape(len(dataset), -1)
    first[np.arange(len(dataset)), first.argmax(axis=1)] ^= True
    assert clean.drawn is not None
    anew = replace(clean.drawn, images=(b"",) * len(dataset))
    dataset.add_labels(with_outlines(dataset, clean, replace(clean, name="flipped", masks=flipped)))
    dataset.add_labels(replace(clean, name="anew", drawn=anew))
    exports = {name: exported(dataset, name) for name in (CLEAN, "flipped", "anew")}
    others = {place: mask for place, mask in originals.items() if place[1] != dataset.categories[0]}
    itself = {place: mask for place, mask in originals.items() if place not in others}
    stairs, smooth = scores(originals, enlarged(dataset)), scores(originals, exports["anew"])
    return [
        in_words(scores(originals, exports[CLEAN])),
        in_words(scores(others, exports["flipped"])),
        in_words(scores(itself, exports["flipped"])),
        in_words(stairs),
        in_words(smooth),
        *(f"{100 * np.mean([area for _, area in found]):+.2f} %" for found in (stairs, smooth)),
    ]


def exported(dataset: Dataset, labels: str) -> Masks:
    """The masks of a label set's export."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.json"
        write_coco(dataset, labels, path)
        return full_masks(path)


def enlarged(dataset: Dataset) -> Masks:
    """The masks of the working grid at the sizes of the images, pixel by pixel."""
    return {
        (str(item.source), category): mask_to_full_resolution(mask, item.height, item.width)
        for row, item in enumerate(dataset.items)
        for category, mask in zip(dataset.categories, dataset.masks(CLEAN, row), strict=True)
    }


def scores(originals: Masks, found: Masks) -> Scores:
    """IoU and relative error of the area of each original that is not empty."""
    rows: Scores = []
    for place, mask in originals.items():
        if mask.any():
            other = found.get(place, np.zeros_like(mask))
            rows.append((float(iou(mask, other)), float(other.sum() / mask.sum() - 1)))
    return rows


def in_words(found: Scores) -> str:
    """Mean and least IoU; three digits, rounded down, so that 1.000 is all of it."""
    if not found:
        return "—"
    ious = np.floor(np.array([iou for iou, _ in found]) * 10_000) / 10_000
    return f"{ious.mean():.4f} ({ious.min():.3f})"


if __name__ == "__main__":
    main()
