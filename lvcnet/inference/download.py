"""Segmentations of one radiograph as one file to download."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from lvcnet.drawing.palette import run_colours
from lvcnet.files import rows_to_csv, write_atomic, write_json
from lvcnet.inference.export import CocoPredictions, names_in, write_image_files, write_overlay
from lvcnet.inference.segmentation import Segmentation, measurement_rows, summarise


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
    for result, colour in zip(results, run_colours([result.method for result in results]), strict=True):
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


def _write_files(
    result: Segmentation, format: str, opacity: float, colour: str, folder: Path, anonymise: bool
) -> list[str]:
    """Write one run's files of one format; returns their names."""
    stem = Path(result.name).stem
    folder.mkdir(parents=True, exist_ok=True)
    if format == "overlay":  # as it is on the screen, in the run's colour
        write_overlay(result, folder / f"{stem}_overlay.png", opacity, colour)
        return [f"{stem}_overlay.png"]
    if format == "coco":
        coco = CocoPredictions(result.categories, result.origin)
        coco.add(result.name, result)
        write_json(folder / f"{stem}-coco.json", coco.content)
        return [f"{stem}-coco.json"]
    return names_in(write_image_files(result, folder, stem, [format], anonymise))
