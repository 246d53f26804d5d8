"""Outlines at the images' own size: upsampled from the working grid, and moved to edges that only the image shows.

    python benchmarks/full_resolution.py RUN... [--split test] [--count 12] [--rendered DIR] [--output FILE]

Runs of imported data are measured on images and outlines as they were imported, at their own size; runs of the phantom on the
same persons rendered at 512 px, which are kept in DIR. Distances, and the tolerance of surface Dice, are in pixels of the images.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from shown import shown_command

from lvcnet.comparison.formats import markdown_table
from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.data.images import mask_to_original, read_image
from lvcnet.data.outlines.layers import image_layers
from lvcnet.data.outlines.shapes import painted
from lvcnet.data.phantom.make import render
from lvcnet.files import keyed_rng
from lvcnet.inference.predictor import Prediction, Predictor
from lvcnet.masks.metrics import surface_metrics
from lvcnet.masks.overlap import iou
from lvcnet.training.commit import current_commit

SIDE = 512
"""Of a rendered phantom."""
SCORES = ("nsd_1px", "hd95", "assd")
Case = tuple[NDArray[np.float32], NDArray[np.bool_]]
"""Pixels (H, W) and masks (C, H, W)."""
WAYS = ("nearest", "bilinear (`grid`)", "moved (`full`)")


def main(given: Sequence[str] | None = None) -> None:
    """Print and write markdown."""
    given = sys.argv[1:] if given is None else given
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", help="names of finished runs")
    parser.add_argument("--split", default="test", help="whose images: test or train")
    parser.add_argument("--count", type=int, default=12, help="images of each, drawn by the seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rendered", type=Path, default=Path("rendered"), help="folder of rendered phantoms")
    parser.add_argument("--output", type=Path, help="write the text there, too")
    options = parser.parse_args(given)
    rows = []
    for name in options.runs:
        rows += measured(Predictor(name), options.split, options.count, options.seed, options.rendered)
        print(rows[-len(WAYS) :], flush=True)
    columns = ["run", "data", "images", "outlines", "IoU", "HD95 (px)", "ASSD (px)", "surface Dice, 1 px"]
    text = f"""# Outlines at the images' own size

Command: `{shown_command("full_resolution.py", given)}`; commit {current_commit()}; seed {options.seed}; {options.split} images.

{markdown_table(columns, rows)}
"""
    print(text)
    if options.output:
        options.output.write_text(text)


def measured(predictor: Predictor, split: str, count: int, seed: int, folder: Path) -> list[list[str]]:
    """A row for each way from the working grid to the image's own."""
    dataset = Dataset.load(predictor.run.config()["dataset"])
    rows = dataset.indices(split)
    if dataset.source.get("kind") == "phantom":
        chosen = rows[:count]
    else:
        chosen = np.sort(keyed_rng(seed, "full resolution", dataset.name).permutation(rows)[:count])
    found: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    for pixels, reference in cases(dataset, chosen.tolist(), folder):
        prediction = predictor.predict_image(pixels)
        for way, masks in zip(WAYS, ways(prediction), strict=True):
            scores = surface_metrics(masks[None], reference[None], None, list(SCORES))
            found[way].append(
                [
                    float(iou(masks[None], reference[None]).mean()),
                    *(float(scores[one].mean()) for one in SCORES),
                ]
            )
    about = [f"{predictor.run.name}", f"{dataset.name} ({dataset.fingerprint()[:12]})", str(len(chosen))]
    return [
        [*about, way, f"{mean[0]:.4f}", f"{mean[2]:.2f}", f"{mean[3]:.2f}", f"{mean[1]:.3f}"]
        for way, mean in ((way, np.mean(found[way], axis=0)) for way in WAYS)
    ]


def ways(prediction: Prediction) -> Iterator[NDArray[np.bool_]]:
    """Masks (C, H, W), in the order of `WAYS`."""
    known = prediction.maps.prediction[0].numpy()
    size = prediction.height, prediction.width
    yield np.stack(
        [
            cv2.resize(one, size[::-1], interpolation=cv2.INTER_NEAREST) >= prediction.threshold
            for one in known
        ]
    )
    yield np.stack([mask_to_original(one, *size) >= prediction.threshold for one in known])
    yield prediction.mask


def cases(dataset: Dataset, rows: Sequence[int], folder: Path) -> Iterator[Case]:
    """Images and clean masks at the images' own size."""
    if dataset.source.get("kind") == "phantom":
        for row in rows:
            yield phantom(int(dataset.source["seed"]), dataset.items[row].key, folder)
        return
    images = Path(dataset.source["images"])
    for row, image in zip(rows, image_layers(dataset, CLEAN, rows), strict=True):
        item = dataset.items[row]
        layers = image.layers[: len(dataset.categories)]
        masks = [painted(layer.shapes(), item.height, item.width) for layer in layers]
        yield read_image(images / str(item.source)).pixels, np.stack(masks)


def phantom(seed: int, key: str, folder: Path) -> Case:
    """A person of the phantom at 512 px, rendered once."""
    image, mask = folder / "img" / f"{key}.png", folder / "mask" / f"{key}.png"
    if not (image.exists() and mask.exists()):
        image.parent.mkdir(parents=True, exist_ok=True)
        mask.parent.mkdir(exist_ok=True)
        pixels, masks = render(seed, key, SIDE)
        cv2.imwrite(str(image), pixels)
        cv2.imwrite(str(mask), masks[0].astype(np.uint8) * 255)
    return read_image(image).pixels, (read_image(mask).pixels > 0.5)[None]


if __name__ == "__main__":
    main()
