"""What the inference app computes: a radiograph and runs in, pictures and files out.

Symbols: H, W size of the radiograph in pixels; h, w the image on the network's working grid; C categories.
"""

import shutil
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lvcnet import workspace
from lvcnet.data.images import SUFFIXES, read_image
from lvcnet.drawing import overlays
from lvcnet.drawing.palette import category_colours, run_colours
from lvcnet.errors import LvcnetError
from lvcnet.files import rows_to_csv, write_atomic, write_json
from lvcnet.inference.export import CocoPredictions, names_in, write_image_files, write_picture
from lvcnet.inference.predictor import Predictor
from lvcnet.inference.segmentation import Segmentation, measurement_rows, segment_radiograph, summarise
from lvcnet.masks.blocks import blocks_with_margin
from lvcnet.methods import method_title
from lvcnet.models.maps import MAP_TITLES, title
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import find_run, is_demo, list_runs
from lvcnet.trained import trained

MOST_RUNS = 6
CACHED_PREDICTORS = MOST_RUNS
SHOWN_FIRST = ("unet", "lvcnet-plus")
"""Methods of the demo that are shown side by side until somebody chooses."""


def finished_runs() -> list[RunDirectory]:
    """Every run that can predict: the user's own, newest first, then the demo runs, LVC-Net's before the others."""
    finished = [
        run for run in list_runs() if run.status()["state"] == "done" and any(run.checkpoints.glob("last.*"))
    ]
    finished.sort(key=lambda run: (is_demo(run), is_demo(run) and run.config()["method"] != "lvcnet"))
    return finished


def run_choices() -> list[tuple[str, str]]:
    """(label, name) of every finished run."""
    choices = []
    for run in finished_runs():
        config = run.config()
        demo = ", demo" if is_demo(run) else ""
        choices.append(
            (f"{method_title(trained(config))}: {run.name} (labels {config['labels']}{demo})", run.name)
        )
    return choices


def first_runs() -> list[str]:
    """What is chosen until somebody chooses: the user's newest run, else two methods of the demo on the same labels."""
    runs = finished_runs()
    if not runs or not is_demo(runs[0]):
        return [run.name for run in runs[:1]]
    by_labels: dict[str, dict[str, str]] = {}
    for run in runs:
        config = run.config()
        by_labels.setdefault(config["labels"], {})[trained(config)] = run.name
    for _, named in sorted(
        by_labels.items(), reverse=True
    ):  # the roughest labels tell the methods apart best
        if all(method in named for method in SHOWN_FIRST):
            return [named[method] for method in SHOWN_FIRST]
    return [runs[0].name]


def samples() -> list[Path]:
    """The sample radiographs that ship with the project."""
    return sorted(path for path in (workspace.assets_dir() / "samples").glob("*") if path.suffix in SUFFIXES)


def segment_runs(path: Path, runs: Sequence[str]) -> Iterator[Segmentation]:
    """Read a radiograph and let one run after the other segment it.

    Raises:
        LvcnetError: for a file that is no radiograph we can read, or runs that cannot predict or are too many.
    """
    chosen = checked_runs(runs)
    radiograph = read_image(path, name=path.name)
    for run in chosen:
        yield segment_radiograph(load_predictor(run), radiograph, path, path.name)


def checked_runs(runs: Sequence[str]) -> list[str]:
    """The runs.

    Raises:
        LvcnetError: if there are none, too many, or one of them does not exist.
    """
    if not runs:
        raise LvcnetError("no run was chosen: choose one, or train one on the train page first")
    if len(runs) > MOST_RUNS:
        raise LvcnetError(f"{len(runs)} runs were chosen: at most {MOST_RUNS} are shown at once; remove some")
    return [find_run(run).name for run in runs]


def load_predictor(run: str) -> Predictor:
    """The run's predictor; the last few stay in memory until their checkpoint changes."""
    directory = find_run(run)
    changed = max((file.stat().st_mtime_ns for file in directory.checkpoints.glob("last.*")), default=0)
    return _load_predictor(directory.path, changed)


def caption(result: Segmentation) -> str:
    """Which run a picture is of."""
    return f"{method_title(result.method)}: {result.run}"


def colours(results: Sequence[Segmentation]) -> list[str]:
    """One colour a run, that of its method where no run before it has the same."""
    return run_colours([result.method for result in results])


def plain(result: Segmentation) -> overlays.Rgb:
    """The radiograph, for a screen."""
    return overlays.fit(overlays.to_rgb(overlays.reduced(result.radiograph.pixels)))


def preview(path: Path) -> overlays.Rgb:
    """A radiograph that was not segmented yet, for a screen.

    Raises:
        LvcnetError: for a file that is no radiograph we can read.
    """
    pixels = read_image(path, name=path.name).pixels
    return overlays.fit(overlays.to_rgb(overlays.reduced(pixels)))


def picture(result: Segmentation, opacity: float, colour: str) -> overlays.Rgb:
    """The radiograph with every category tinted and outlined, for a screen; a single category has the run's colour."""
    pixels, masks = overlays.reduced(result.radiograph.pixels), overlays.reduced_masks(result.masks)
    return overlays.fit(overlays.masks_over(pixels, masks, _category_colours(result, colour), opacity))


def all_outlines(results: Sequence[Segmentation]) -> overlays.Rgb:
    """The outlines of all runs on one radiograph, for a screen, each in its run's colour."""
    pixels = overlays.reduced(results[0].radiograph.pixels)
    drawn = overlays.fit(
        overlays.to_rgb(pixels), smallest=1024
    )  # fine enough for lines that run side by side
    thickness = overlays.line_width(drawn.shape)
    for result, colour in zip(results, colours(results), strict=True):
        for mask in overlays.reduced_masks(result.masks):
            enlarged = cv2.resize(mask.astype(np.uint8), drawn.shape[1::-1], interpolation=cv2.INTER_NEAREST)
            drawn = overlays.paint(drawn, overlays.outline(enlarged > 0, thickness), colour)
    return drawn


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
            drawn, scale = _map_picture(name, layer)
            pictures.append((drawn, f"{heading}{category}{scale}"))
    height, width = result.radiograph.pixels.shape
    return [(_in_shape(drawn, height, width), text) for drawn, text in pictures]


def write_download(
    results: Sequence[Segmentation], format: str, opacity: float, folder: Path, anonymise: bool = False
) -> Path:
    """One file to download: what a single run has one of, else a zip, with a folder for each of several runs.

    Args:
        results: of one radiograph.
        format: a key of `lvcnet.inference.export.FORMATS`.
        opacity: of the overlay.
        folder: an empty one.
        anonymise: leave patient data out of DICOM SEG; no other format holds any.

    Raises:
        LvcnetError: if the radiograph does not allow the format.
    """
    stem = Path(results[0].name).stem
    if format == "csv":
        rows = [row for result in results for row in measurement_rows(summarise(result))]
        write_atomic(folder / f"{stem}-measurements.csv", rows_to_csv(rows).encode())
        return folder / f"{stem}-measurements.csv"
    content = folder / "content"
    for result, colour in zip(results, colours(results), strict=True):
        place = content / result.run if len(results) > 1 else content
        _write_files(result, format, opacity, colour, place, anonymise)
    files = [path for path in content.rglob("*") if path.is_file()]
    if len(files) == 1:
        return files[0]
    return zipped(content, folder / f"{stem}-{format}.zip")


def zipped(content: Path, path: Path) -> Path:
    """A folder as a zip file; the folder is deleted."""
    shutil.make_archive(str(path.with_suffix("")), "zip", content)
    shutil.rmtree(content)
    return path


def write_overlay(result: Segmentation, opacity: float, colour: str, path: Path) -> None:
    """Write the overlay at the image's own size as PNG."""
    pixels, named = result.radiograph.pixels, _category_colours(result, colour)
    height, width = pixels.shape
    line = overlays.line_width(pixels.shape)
    drawn = (
        overlays.masks_over(pixels[around], result.masks[:, around], named, opacity, line)[middle]
        for _, around, middle in blocks_with_margin(height, width, line)
    )
    write_picture(path, drawn, height, width)


def _write_files(
    result: Segmentation, format: str, opacity: float, colour: str, folder: Path, anonymise: bool
) -> list[str]:
    """Write one run's files of one format; returns their names."""
    stem = Path(result.name).stem
    folder.mkdir(parents=True, exist_ok=True)
    if format == "overlay":  # as it is on the screen, in the run's colour
        write_overlay(result, opacity, colour, folder / f"{stem}_overlay.png")
        return [f"{stem}_overlay.png"]
    if format == "coco":
        coco = CocoPredictions(result.categories, result.origin)
        coco.add(result.name, result)
        write_json(folder / f"{stem}-coco.json", coco.content)
        return [f"{stem}-coco.json"]
    return names_in(write_image_files(result, folder, stem, [format], anonymise))


def _category_colours(result: Segmentation, colour: str) -> list[str]:
    return [colour] if len(result.categories) == 1 else category_colours(len(result.categories))


@lru_cache(maxsize=CACHED_PREDICTORS)
def _load_predictor(path: Path, changed: int) -> Predictor:
    """`changed` is when the checkpoint was written: part of the key, so that a retrained run is read again."""
    return Predictor(find_run(path.name), which="last", device="auto")


def _map_picture(name: str, layer: NDArray[Any]) -> tuple[overlays.Rgb, str]:
    """(h, w) values or a (2, h, w) vector field as a picture, and what its brightest colour stands for."""
    if layer.ndim == 3:
        return overlays.directions(layer), f", up to {np.hypot(layer[0], layer[1]).max():.1f} px"
    if name in ("trunk", "prediction") or name.startswith("warp"):
        return overlays.heat(layer, highest=1.0), ""
    return overlays.heat(layer), f", up to {layer.max():.2g}"


def _in_shape(picture: overlays.Rgb, height: int, width: int) -> overlays.Rgb:
    """A picture of the working grid in the radiograph's proportions, 512 pixels on the longer side."""
    scale = 512 / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
