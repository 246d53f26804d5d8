"""Label repair in the background: fold trainings in the queue, and what is to be judged when they are done.

A request is a small file, `corrections/NAME.request.json`, until its labels are judged; the trainings are ordinary runs.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lvcnet import formats, workspace
from lvcnet.correction.build import build_correction
from lvcnet.correction.folds import Fold, add_fold_labels, split_folds
from lvcnet.correction.store import Correction, check_free
from lvcnet.data.dataset import Dataset
from lvcnet.data.upkeep import own_copy
from lvcnet.errors import LvcnetError
from lvcnet.files import read_json, write_json
from lvcnet.jobs import launch, queue
from lvcnet.jobs.foreground import SweepProgress, progress, queue_sweep, run_sweep
from lvcnet.jobs.sweep import PlannedRun, plan_sweep
from lvcnet.progress import Report
from lvcnet.runs.directory import ACTIVE
from lvcnet.trained import METHOD
from lvcnet.training.config import build_config
from lvcnet.training.run import check_config

SUFFIX = ".request.json"


@dataclass(frozen=True)
class Request:
    """Which labels are to be judged, and by what.

    Attributes:
        dataset: name of a data set.
        labels: the label set to judge.
        method: method of the judges.
        folds: number of trainings.
        seed: of the trainings.
        settings: what differs from the default settings of a training.
        name: of the correction; by default made from what it is.
    """

    dataset: str
    labels: str
    method: str = METHOD
    folds: int = 5
    seed: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    name: str = ""

    @property
    def correction(self) -> str:
        """The correction's name."""
        return self.name or f"{self.dataset}-{self.labels}-{self.method}-s{self.seed}"

    @property
    def path(self) -> Path:
        """Where the request is kept while its runs train."""
        return workspace.corrections_dir() / f"{self.correction}{SUFFIX}"


@dataclass(frozen=True)
class Prepared:
    """A request whose folds are made and whose runs are planned."""

    request: Request
    dataset: Dataset
    folds: Sequence[Fold]
    plan: list[PlannedRun]


def prepare(request: Request, overwrite: bool = False) -> Prepared:
    """Check a request, make its fold label sets and plan its trainings.

    A data set that ships with the project is copied to the workspace, as folds are label sets.

    Raises:
        LvcnetError: if anything about it cannot be; nothing is written then.
    """
    check_free(request.correction, overwrite)
    data, judged = Dataset.load(request.dataset), request.labels
    wanted = {"dataset": data.name, "method": request.method, "labels": judged, "seed": request.seed}
    check_config(build_config(request.settings, wanted), data)
    split_folds(data, judged, request.folds)  # refuses what cannot be split before anything is copied
    data = own_copy(data)
    folds = add_fold_labels(data, judged, request.folds)
    names = [fold.labels for fold in folds]
    plan = plan_sweep(data.name, [request.method], names, [request.seed], request.settings, retry_failed=True)
    return Prepared(request, data, folds, plan)


def queue_request(request: Request, overwrite: bool = False) -> list[str]:
    """Train the folds in the background and remember what to judge then; the names of the queued runs.

    Raises:
        LvcnetError: as `prepare`.
    """
    prepared = prepare(request, overwrite)
    write_json(request.path, formats.REQUEST.stamped(asdict(request)))
    return queue_sweep(prepared.plan, evaluate=False)


def train_folds(
    prepared: Prepared, workers: int | None = None, report: Callable[[SweepProgress], None] | None = None
) -> None:
    """Train what is left to do here and now, `workers` folds at a time (default: `launch.slots`).

    Raises:
        LvcnetError: naming the runs that did not finish.
        KeyboardInterrupt: after Ctrl-C, once all trainers have stopped.
    """
    problems = run_sweep(prepared.plan, workers or launch.slots(), False, report)
    if problems:
        reasons = "; ".join(f"{run}: {problem}" for run, problem in problems.items())
        raise LvcnetError(f"not all folds were trained ({reasons}): the same command tries them again")


def judge(
    prepared: Prepared, device: str = "auto", overwrite: bool = False, report: Report | None = None
) -> Correction:
    """Judge the labels by the trained folds; the request is then fulfilled.

    Raises:
        LvcnetError: if a fold is not trained yet; as `build_correction`.
    """
    request, plan = prepared.request, prepared.plan
    runs = [cell.run for cell in plan]
    correction = build_correction(
        request.correction, prepared.dataset, request.labels, prepared.folds, runs, device, overwrite, report
    )
    request.path.unlink(missing_ok=True)
    return correction


def list_requests() -> list[Request]:
    """Requests whose labels are not judged yet, by name."""
    found = []
    for path in sorted(workspace.corrections_dir().glob(f"*{SUFFIX}")):
        try:
            content = formats.REQUEST.current(read_json(path), path)
            found.append(Request(**{name: content[name] for name in content if name != formats.KEY}))
        except (LvcnetError, TypeError):  # a file of another kind must not hide the others
            continue
    return found


def request_progress(prepared: Prepared) -> SweepProgress:
    """How far the fold trainings are."""
    return progress(prepared.plan, launch.slots())


def cancel_request(request: Request) -> None:
    """Cancel the fold trainings that wait or run and forget the request; finished runs stay.

    Raises:
        LvcnetError: if there is no such request.
    """
    if not request.path.exists():
        raise LvcnetError(
            f"there is no request for correction {request.correction!r}: it is judged or cancelled"
        )
    request.path.unlink()
    for cell in prepare(request, overwrite=True).plan:
        if cell.state in ACTIVE:
            queue.cancel(cell.run)
