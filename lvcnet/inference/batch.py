"""Many radiographs, one run: a file that cannot be segmented is reported, and the others go on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lvcnet.data.images import is_image_file
from lvcnet.errors import LvcnetError
from lvcnet.files import rows_to_csv, write_atomic, write_json
from lvcnet.inference.export import (
    DEFAULT_FORMATS,
    CocoPredictions,
    check_formats,
    unique_stems,
    write_file,
    write_image_files,
)
from lvcnet.inference.predictor import THRESHOLD, Predictor
from lvcnet.inference.segmentation import (
    Segmentation,
    failed_row,
    measurement_rows,
    segment_file,
    summarise,
)
from lvcnet.progress import Report

COCO_NAME = "predictions.json"
CSV_NAME = "measurements.csv"


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes:
        image: its name.
        segmented: False if it could not even be read.
        files: what was written, as `write_image_files` says it.
        rows: of the table of measurements, one a category; a single one without numbers if it was not segmented.
        problem: what went wrong; empty if nothing did.
        notes: what was decided in reading the file.
    """

    image: str
    segmented: bool
    files: dict[str, Any]
    rows: list[dict[str, Any]]
    problem: str = ""
    notes: tuple[str, ...] = ()


def find_images(given: Sequence[Path]) -> list[Path]:
    """The files given, and for a folder all radiographs in it and below, in the order of their names.

    In folders only files count that are images by their ending or DICOM by their content.

    Raises:
        LvcnetError: if something does not exist or a folder holds no radiograph.
    """
    missing = [str(path) for path in given if not path.exists()]
    if missing:
        raise LvcnetError(f"no such file: {', '.join(missing)}; nothing was predicted")
    found: list[Path] = []
    for path in given:
        inside = sorted(filter(is_image_file, path.rglob("*"))) if path.is_dir() else [path]
        if not inside:
            raise LvcnetError(f"{path} holds no PNG, JPEG, TIFF, BMP or DICOM file; nothing was predicted")
        found += [file for file in inside if file not in found]
    return found


def segment_files(
    predictor: Predictor,
    paths: Sequence[Path],
    folder: Path,
    threshold: float = THRESHOLD,
    formats: Sequence[str] = DEFAULT_FORMATS,
    names: Sequence[str] | None = None,
) -> Iterator[Outcome]:
    """Segment files one after the other and write everything into `folder`, one image in memory at a time.

    A caller that stops taking outcomes has cancelled the rest; the files for all images together are written last.

    Args:
        predictor: of the run.
        paths: the radiographs.
        folder: for the results.
        threshold: a pixel belongs to a mask from this probability on.
        formats: keys of `FORMATS`.
        names: what to call the images; default the files' names, or the paths where names meet.

    Raises:
        LvcnetError: if a format does not exist or the folder cannot be written to.
    """
    chosen = check_formats(formats)
    called = list(names) if names is not None else image_names(paths)
    coco = CocoPredictions(predictor.categories, f"run {predictor.run.name}, threshold {threshold:g}")
    rows: list[dict[str, Any]] = []
    for path, stem, name in zip(paths, unique_stems([Path(name) for name in called]), called, strict=True):
        try:
            result = segment_file(predictor, path, name, threshold)
        except LvcnetError as error:
            outcome = Outcome(
                name, False, {}, [failed_row(predictor, name, threshold, str(error))], str(error)
            )
        else:
            coco.add(name, result)
            outcome = _written(result, folder, stem, chosen)
        rows += outcome.rows
        yield outcome
    if "coco" in chosen:
        write_file(folder / COCO_NAME, write_json, coco.content)
    if "csv" in chosen:
        write_file(folder / CSV_NAME, write_atomic, rows_to_csv(rows).encode())


def predict_files(
    predictor: Predictor,
    paths: Sequence[Path],
    folder: Path,
    threshold: float = THRESHOLD,
    formats: Sequence[str] = DEFAULT_FORMATS,
    report: Report | None = None,
) -> dict[str, Any]:
    """`segment_files` from beginning to end.

    Returns:
        `predictions`: for each image its files, measurements and notes, `problems`: for each image with a problem what it
        was, and under `coco` and `csv` the names of the files for all images together, where they were asked for.
    """
    predictions: list[dict[str, Any]] = []
    problems: list[dict[str, str]] = []
    names = [str(path) for path in paths]
    for number, outcome in enumerate(segment_files(predictor, paths, folder, threshold, formats), start=1):
        image = names[number - 1]
        if outcome.segmented:
            notes = list(outcome.notes)
            predictions.append(
                {"image": image, **outcome.files, "measurements": outcome.rows, "notes": notes}
            )
        if outcome.problem:
            problems.append({"image": image, "problem": outcome.problem})
        if report:
            report(number, len(paths))
    shared = {name: file for name, file in (("coco", COCO_NAME), ("csv", CSV_NAME)) if name in formats}
    return {**shared, "predictions": predictions, "problems": problems}


def image_names(paths: Sequence[Path]) -> list[str]:
    """Names that are unique, as COCO asks for: bare file names, or the paths as given where bare names meet."""
    names = [path.name for path in paths]
    return names if len(set(names)) == len(names) else [path.as_posix() for path in paths]


def _written(result: Segmentation, folder: Path, stem: str, formats: Sequence[str]) -> Outcome:
    """Write one image's files; an image that does not allow a DICOM SEG keeps the others."""
    problem = ""
    files = write_image_files(result, folder, stem, [name for name in formats if name != "dicom-seg"])
    if "dicom-seg" in formats:
        try:
            files |= write_image_files(result, folder, stem, ["dicom-seg"])
        except LvcnetError as error:
            problem = str(error)
    rows = measurement_rows(summarise(result), problem)
    return Outcome(result.name, True, files, rows, problem, result.radiograph.notes)
