"""What the inference app computes: a radiograph and a run in, pictures, areas and files out.

Symbols: H, W size of the radiograph in pixels; S the network's working grid; C categories.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lab import overlays
from lab.palette import category_colours, method_title
from lvcnet import workspace
from lvcnet.data.coco import masks_to_annotations
from lvcnet.data.images import SUFFIXES, Radiograph, read_image
from lvcnet.errors import LvcnetError
from lvcnet.files import write_json
from lvcnet.inference.predictor import Prediction, Predictor
from lvcnet.models.maps import MAP_TITLES, title
from lvcnet.runs.store import find_run, is_demo, list_runs

CACHED_PREDICTORS = 4


@dataclass(frozen=True)
class Segmentation:
    """One radiograph, segmented.

    Attributes:
        file: the file's name.
        run: name of the run.
        radiograph: pixels (H, W) in [0, 1] and their spacing.
        prediction: at the radiograph's own size, with all maps.
    """

    file: str
    run: str
    radiograph: Radiograph
    prediction: Prediction

    @property
    def name(self) -> str:
        """The file's name without its ending, for downloads."""
        return Path(self.file).stem

    def masks(self, threshold: float) -> NDArray[np.bool_]:
        """(C, H, W): probability at or above `threshold`."""
        return self.prediction.probability >= threshold


def run_choices() -> list[tuple[str, str]]:
    """(label, name) of every finished run: the user's own, newest first, then the demo runs, LVC-Net's before the others."""
    finished = [
        run for run in list_runs() if run.status()["state"] == "done" and any(run.checkpoints.glob("last.*"))
    ]
    finished.sort(key=lambda run: (is_demo(run), is_demo(run) and run.config()["method"] != "lvcnet"))
    choices = []
    for run in finished:
        config = run.config()
        demo = ", demo" if is_demo(run) else ""
        choices.append(
            (f"{method_title(config['method'])}: {run.name} (labels {config['labels']}{demo})", run.name)
        )
    return choices


def samples() -> list[Path]:
    """The sample radiographs that ship with the project."""
    return sorted(path for path in (workspace.assets_dir() / "samples").glob("*") if path.suffix in SUFFIXES)


def segment(path: Path, run: str) -> Segmentation:
    """Read a radiograph and let a run segment it.

    Raises:
        LvcnetError: for a file that is no radiograph we can read, or a run that cannot predict.
    """
    if not run:
        raise LvcnetError("no run was chosen: choose one, or train one on the train page first")
    radiograph = read_image(path, name=path.name)
    return Segmentation(path.name, run, radiograph, load_predictor(run).predict_image(radiograph.pixels))


def load_predictor(run: str) -> Predictor:
    """The run's predictor; the last few stay in memory until their checkpoint changes."""
    directory = find_run(run)
    changed = max((file.stat().st_mtime_ns for file in directory.checkpoints.glob("last.*")), default=0)
    return _load_predictor(directory.path, changed)


def summary(result: Segmentation, threshold: float) -> dict[str, Any]:
    """JSON-able answer: image size, spacing and, by category, the area in pixels, mm2 and as a fraction."""
    spacing = result.radiograph.spacing_mm
    masks = result.masks(threshold)
    return {
        "image": result.file,
        "run": result.run,
        "threshold": threshold,
        "height": masks.shape[1],
        "width": masks.shape[2],
        "spacing_mm": list(spacing) if spacing else None,
        "categories": [
            {
                "name": name,
                "area_px": int(mask.sum()),
                "area_mm2": round(float(mask.sum()) * spacing[0] * spacing[1], 2) if spacing else None,
                "fraction": round(float(mask.mean()), 4),
            }
            for name, mask in zip(result.prediction.categories, masks, strict=True)
        ],
    }


def overlay(result: Segmentation, threshold: float, opacity: float) -> overlays.Rgb:
    """(H, W, 3): the radiograph with every category tinted and outlined."""
    colours = category_colours(len(result.prediction.categories))
    return overlays.masks_over(result.radiograph.pixels, result.masks(threshold), colours, opacity)


def map_pictures(result: Segmentation) -> list[tuple[overlays.Rgb, str]]:
    """(picture, caption) of every map the method has, in the order of the paper's figure, in the image's shape."""
    prediction = result.prediction
    order = {name: number for number, name in enumerate(MAP_TITLES)}
    named = sorted(prediction.maps.named.items(), key=lambda item: (order.get(item[0], len(order)), item[0]))
    pictures = [(overlays.to_rgb(prediction.working), "As the network sees it")]
    for name, tensor in [*named, ("prediction", prediction.maps.prediction)]:
        heading = "Prediction" if name == "prediction" else title(name).removesuffix(" (px)")
        values = tensor[0].numpy()
        for channel, layer in enumerate(values):
            category = f", {prediction.categories[channel]}" if len(values) > 1 else ""
            picture, scale = _map_picture(name, layer)
            pictures.append((picture, f"{heading}{category}{scale}"))
    height, width = result.radiograph.pixels.shape
    return [(_in_shape(picture, height, width), caption) for picture, caption in pictures]


def write_masks(result: Segmentation, threshold: float, folder: Path) -> Path:
    """Write the mask at the image's own size: 8-bit PNG, 255 inside.

    Categories may overlap, so with several of them it is a multi-page TIFF, one page a category, in their order.

    Returns:
        the file's path.
    """
    pages = [Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)) for mask in result.masks(threshold)]
    if len(pages) == 1:
        path = folder / f"{result.name}-mask.png"
        pages[0].save(path)
        return path
    path = folder / f"{result.name}-masks.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:], compression="tiff_deflate")
    return path


def write_overlay(result: Segmentation, threshold: float, opacity: float, folder: Path) -> Path:
    """Write the overlay at the image's own size as PNG; returns its path."""
    path = folder / f"{result.name}-overlay.png"
    Image.fromarray(overlay(result, threshold, opacity)).save(path)
    return path


def write_coco(result: Segmentation, threshold: float, folder: Path) -> Path:
    """Write the outlines at the image's own size as a COCO data set of one image; returns its path."""
    masks, names = result.masks(threshold), result.prediction.categories
    ids = list(range(1, len(names) + 1))
    image = {"id": 1, "file_name": result.file, "height": masks.shape[1], "width": masks.shape[2]}
    path = folder / f"{result.name}-coco.json"
    write_json(
        path,
        {
            "info": {
                "description": f"{result.file} segmented by run {result.run} at threshold {threshold:g}"
            },
            "images": [image],
            "annotations": masks_to_annotations(masks, 1, 1, ids),
            "categories": [{"id": number, "name": name} for number, name in zip(ids, names, strict=True)],
        },
    )
    return path


@lru_cache(maxsize=CACHED_PREDICTORS)
def _load_predictor(path: Path, changed: int) -> Predictor:
    """`changed` is when the checkpoint was written: part of the key, so that a retrained run is read again."""
    return Predictor(find_run(path.name), which="last", device="auto")


def _map_picture(name: str, layer: NDArray[Any]) -> tuple[overlays.Rgb, str]:
    """(S, S) values or a (2, S, S) vector field as a picture, and what its brightest colour stands for."""
    if layer.ndim == 3:
        return overlays.directions(layer), f", up to {np.hypot(layer[0], layer[1]).max():.1f} px"
    if name in ("trunk", "prediction") or name.startswith("warp"):
        return overlays.heat(layer, highest=1.0), ""
    return overlays.heat(layer), f", up to {layer.max():.2g}"


def _in_shape(picture: overlays.Rgb, height: int, width: int) -> overlays.Rgb:
    """A picture of the square working grid in the radiograph's proportions, 512 pixels on the longer side."""
    scale = 512 / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
