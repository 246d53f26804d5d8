"""Many radiographs, one run: a file that cannot be segmented is reported, and the others go on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lvcnet.errors import LvcnetError, foreign
from lvcnet.files import rows_to_csv, write_atomic, write_json
from lvcnet.inference.export import (
    DEFAULT_FORMATS,
    CocoPredictions,
    check_formats,
    planned_names,
    unique_stems,
    write_file,
    write_image_files,
)
from lvcnet.inference.own_files import check_overwrites
from lvcnet.inference.predictor import Predictor
from lvcnet.inference.segmentation import (
    Segmentation,
    failed_row,
    measurement_rows,
    segment_file,
    summarise,
)
from lvcnet.progress import Report
from lvcnet.thresholds import THRESHOLD

SHARED = {"coco": "predictions.json", "csv": "measurements.csv"}
"""Files for all images together, by format."""


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


def segment_files(
    predictor: Predictor,
    paths: Sequence[Path],
    folder: Path,
    threshold: float = THRESHOLD,
    formats: Sequence[str] = DEFAULT_FORMATS,
    names: Sequence[str] | None = None,
    anonymise: bool = False,
) -> Iterator[Outcome]:
    """Segment files one after the other and write everything into `folder`, one image in memory at a time.

    Whatever goes wrong with a file while it is read, segmented or written costs that file, or that format of it, only.
    A caller that stops taking outcomes has cancelled the rest; the files for all images together are written last.

    Args:
        predictor: of the run.
        paths: the radiographs.
        folder: for the results.
        threshold: a pixel belongs to a mask from this probability on.
        formats: keys of `FORMATS`.
        names: what to call the images; default the files' names, or the paths where names meet.
        anonymise: leave patient data out of DICOM SEG; no other format holds any.

    Raises:
        LvcnetError: if a format does not exist, the folder cannot be written to, or a radiograph would be overwritten.
    """
    chosen = check_formats(formats)
    called = list(names) if names is not None else image_names(paths)
    stems = unique_stems([Path(name) for name in called])
    planned = [folder / name for stem in stems for name in planned_names(predictor.categories, stem, chosen)]
    shared = [folder / name for format, name in SHARED.items() if format in chosen]
    check_overwrites(planned, shared, paths)
    _make(folder)
    coco = CocoPredictions(
        predictor.categories,
        f"run {predictor.run.name}, threshold {threshold:g}, outlines {predictor.outlines}",
    )
    rows: list[dict[str, Any]] = []
    for path, stem, name in zip(paths, stems, called, strict=True):
        try:
            with foreign(
                f"{name} cannot be segmented", "take it out of the batch, or save it in another format"
            ):
                result = segment_file(predictor, path, name, threshold)
                summary = summarise(result)
        except LvcnetError as error:
            outcome = Outcome(
                name, False, {}, [failed_row(predictor, name, threshold, str(error))], str(error)
            )
        else:
            outcome = _written(result, summary, folder, stem, chosen, coco, anonymise)
        rows += outcome.rows
        yield outcome
    if "coco" in chosen:
        write_file(folder / SHARED["coco"], write_json, coco.content)
    if "csv" in chosen:
        write_file(folder / SHARED["csv"], write_atomic, rows_to_csv(rows).encode(errors="backslashreplace"))


def predict_files(
    predictor: Predictor,
    paths: Sequence[Path],
    folder: Path,
    threshold: float = THRESHOLD,
    formats: Sequence[str] = DEFAULT_FORMATS,
    report: Report | None = None,
    anonymise: bool = False,
) -> dict[str, Any]:
    """`segment_files` from beginning to end.

    Returns:
        `predictions`: for each image its files, measurements and notes, `problems`: for each image with a problem what it
        was, and under `coco` and `csv` the names of the files for all images together, where they were asked for.
    """
    predictions: list[dict[str, Any]] = []
    problems: list[dict[str, str]] = []
    names = [str(path) for path in paths]
    outcomes = segment_files(predictor, paths, folder, threshold, formats, anonymise=anonymise)
    for number, outcome in enumerate(outcomes, start=1):
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
    shared = {name: file for name, file in SHARED.items() if name in formats}
    return {**shared, "predictions": predictions, "problems": problems}


def image_names(paths: Sequence[Path]) -> list[str]:
    """Names that are unique, as COCO asks for: bare file names, or the paths as given where bare names meet."""
    names = [path.name for path in paths]
    return names if len(set(names)) == len(names) else [path.as_posix() for path in paths]


def _written(
    result: Segmentation,
    summary: dict[str, Any],
    folder: Path,
    stem: str,
    formats: Sequence[str],
    coco: CocoPredictions,
    anonymise: bool,
) -> Outcome:
    """Write one image's files; a format that cannot be written is a problem and keeps the others."""
    files: dict[str, Any] = {}
    problems: list[str] = []
    for format in formats:
        try:
            with foreign(f"{result.name} cannot be written as {format}", "take another format"):
                if format == "coco":
                    coco.add(result.name, result)
                files |= write_image_files(result, folder, stem, [format], anonymise)
        except LvcnetError as error:
            problems.append(str(error))
    problem = "; ".join(problems)
    rows = measurement_rows(summary, problem)
    return Outcome(result.name, True, files, rows, problem, result.radiograph.notes)


def _make(folder: Path) -> None:
    """Make the folder for the results, so that nothing is segmented in vain.

    Raises:
        LvcnetError: if that is not possible.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LvcnetError(f"{folder} cannot be written to: {error.strerror or error}") from None
