"""Data sets that nothing was tuned on, for `lvcnet noise` and `lvcnet sweep`:

    LVCNET_HOME=DIR python benchmarks/untuned_data.py beside
    LVCNET_HOME=DIR python benchmarks/untuned_data.py close
    LVCNET_HOME=DIR python benchmarks/untuned_data.py brain --atlas FOLDER

`beside`: the phantom, outlined one pixel outside the bone all around, as careful annotators may do; its images and splits
are those of `lvcnet data phantom hips --train 300 --test 100 --size 128 --seed 0`.

`close`: the phantom twice as large, cut out around its larger bone: a large organ, partly beyond the image's border, whose
outlines err twice as far in pixels at the same IoU.

`brain`: white matter in slices of the MNI152 2009a template, another organ, another modality, and with stronger edges
beside the ones that matter. FOLDER holds `mni_icbm152_t1_*.nii.gz` and `mni_icbm152_wm_*.nii.gz`, which come with the
Python package nilearn (nilearn/datasets/data); reading them needs nibabel. One template is one brain: training and
test slices come from different blocks of it, and noise of a scan is added to what is the average of many.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lvcnet.data.dataset import CLEAN, Dataset, Item, LabelSet
from lvcnet.data.phantom.make import make_phantom
from lvcnet.masks.parts import label_parts

SIZE = 128
SCAN_NOISE = 0.03
BLOCK = "tttttttgeeeg"
"""Of twelve slices seven train and three test; one between them is left out on either side."""
LEAST_PIXELS = 600


def main() -> None:
    """Make one of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", choices=["beside", "close", "brain"])
    parser.add_argument("--atlas", type=Path, help="folder of the template, for brain")
    options = parser.parse_args()
    if options.data == "brain" and not options.atlas:
        parser.error("brain needs --atlas FOLDER")
    make = {"beside": beside, "close": close, "brain": lambda: brain(options.atlas)}
    dataset = make[options.data]()
    dataset.save()
    print(f"{dataset.name}: {len(dataset.items)} images, fingerprint {dataset.fingerprint()}")


def beside() -> Dataset:
    """The phantom with clean masks that are one pixel wider."""
    phantom = make_phantom("beside", train=300, test=100, size=SIZE, seed=0)
    clean = phantom.labels(CLEAN).masks
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    wider = [[cv2.dilate(mask.astype(np.uint8), cross) for mask in masks] for masks in clean]
    dataset = Dataset("beside", phantom.categories, phantom.items, phantom.images)
    dataset.add_labels(LabelSet(CLEAN, np.array(wider, dtype=bool), np.ones(len(clean), dtype=bool)))
    return dataset


def close() -> Dataset:
    """Quarters of large phantoms, centred on the centroid of the largest piece of bone."""
    phantom = make_phantom("close", train=300, test=100, size=2 * SIZE, seed=0)
    masks = phantom.labels(CLEAN).masks
    cuts = [_around(_largest_piece(mask[0])) for mask in masks]
    items = [Item(item.key, item.split, SIZE, SIZE) for item in phantom.items]
    images = [image[cut] for image, cut in zip(phantom.images, cuts, strict=True)]
    dataset = Dataset("close", phantom.categories, items, np.array(images))
    cut_masks = np.array([mask[:, *cut] for mask, cut in zip(masks, cuts, strict=True)])
    dataset.add_labels(LabelSet(CLEAN, cut_masks, np.ones(len(items), dtype=bool)))
    return dataset


def _largest_piece(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    pieces, _ = label_parts(mask, 4)
    areas = np.bincount(pieces.ravel())
    areas[0] = 0
    return np.asarray(pieces == areas.argmax())


def _around(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """A window of the working size around the centroid of a mask, inside the image."""
    starts = [
        min(max(0, int(middle) - SIZE // 2), length - SIZE)
        for middle, length in zip(ndimage.center_of_mass(mask), mask.shape, strict=True)
    ]
    down, across = (slice(start, start + SIZE) for start in starts)
    return down, across


def brain(folder: Path) -> Dataset:
    """Slices in all three directions that hold enough white matter."""
    template, matter = (_volume(folder, part) for part in ("t1", "wm"))
    rng = np.random.default_rng(0)
    items, images, masks = [], [], []
    for axis, letter in enumerate("sca"):
        for number in range(template.shape[axis]):
            mask, part = np.take(matter, number, axis) > 0.5, BLOCK[number % len(BLOCK)]
            if part == "g" or mask.sum() < LEAST_PIXELS:
                continue
            image = np.take(template, number, axis)
            image = 255 * np.clip(image + rng.normal(0, SCAN_NOISE, image.shape), 0, 1)
            split = "test" if part == "e" else "train"
            items.append(Item(f"{split}-{letter}{number:03d}", split, *image.shape))
            images.append(_small(image, cv2.INTER_AREA).round().astype(np.uint8))
            masks.append(_small(mask.astype(np.float32), cv2.INTER_AREA) >= 0.5)
    dataset = Dataset("brain", ["white matter"], items, np.array(images))
    dataset.add_labels(LabelSet(CLEAN, np.array(masks)[:, None], np.ones(len(items), dtype=bool)))
    return dataset


def _volume(folder: Path, part: str) -> NDArray[np.float64]:
    import nibabel  # only for this data set, and not a dependency of the project

    path = next(folder.glob(f"mni_icbm152_{part}_*.nii.gz"))
    volume = np.asarray(nibabel.load(path).get_fdata())
    return volume / volume.max()


def _small(slice_: NDArray[np.floating], how: int) -> NDArray[np.floating]:
    return np.asarray(cv2.resize(np.rot90(slice_), (SIZE, SIZE), interpolation=how))


if __name__ == "__main__":
    main()
