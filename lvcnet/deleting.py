"""Delete runs, data sets, label sets and corrections: say what depends on them, refuse what is in use, keep it in the trash."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lvcnet import jobs, workspace
from lvcnet.claims import claims, guard
from lvcnet.correction.store import find_correction, list_corrections
from lvcnet.data.dataset import CLEAN, Dataset, find_dataset
from lvcnet.errors import LvcnetError
from lvcnet.files import check_name
from lvcnet.jobs.correct import list_requests
from lvcnet.jobs.daemon import worker_pid
from lvcnet.runs.directory import ACTIVE, RunDirectory
from lvcnet.runs.store import find_run, is_demo, list_runs
from lvcnet.trash import Entry, discard, folder_size

NAMED = 8
"""Names that a sentence lists; the rest is counted."""


@dataclass(frozen=True)
class Deletion:
    """What deleting one thing would mean. Making it changes nothing.

    Attributes:
        kind: run, data set, label set or correction.
        name: of the thing.
        dependents: sentences about what was made of it or with it, and what becomes of that.
        users: who uses it right now, and what to do; it is not deleted as long as there are any.
        path: what would be moved.
        dataset: of a label set.
    """

    kind: str
    name: str
    dependents: list[str]
    users: list[str]
    path: Path
    dataset: str = ""

    @property
    def size(self) -> int:
        """Bytes that stay on disk until the trash is emptied."""
        return folder_size(self.path) if self.path.is_dir() else self.path.stat().st_size

    def carry_out(self, by: str | None = None) -> Entry:
        """Move it into the trash.

        Args:
            by: who wants it gone, where somebody signed in; otherwise the system's user.

        Raises:
            LvcnetError: if it is used, which is looked up again, or gone.
        """
        return _CARRIERS[self.kind](self, by)


def plan_run(name: str) -> Deletion:
    """What deleting a run means.

    Raises:
        LvcnetError: if there is none, or it ships with the project.
    """
    run = find_run(name)
    if is_demo(run):
        raise LvcnetError(f"run {name!r} ships with the project and cannot be deleted")
    made = [other for other in list_corrections() if name in _head(other).get("runs", [])]
    dependents = _counted("correction", made, "judged with it: kept")
    return Deletion("run", name, dependents, _users_of_run(run), run.path)


def plan_dataset(name: str) -> Deletion:
    """What deleting a data set means.

    Raises:
        LvcnetError: if the workspace has none of that name.
    """
    folder = workspace.datasets_dir() / check_name(name, "data set")
    if not (folder / "dataset.json").is_file():
        if workspace.is_shipped(find_dataset(name)):
            raise LvcnetError(f"data set {name!r} ships with the project and cannot be deleted")
        raise LvcnetError(f"there is no data set {name!r} in {workspace.datasets_dir()}")
    runs = list_runs(name, demo=False)
    labels = sorted(path.stem for path in (folder / "labels").glob("*.npz"))
    corrections = [other for other in list_corrections() if _head(other).get("dataset") == name]
    dependents = [
        *_counted("label set", labels, "deleted with it"),
        *_counted(
            "run", [run.name for run in runs], "trained on it: kept, but not evaluated again without it"
        ),
        *_counted("correction", corrections, "of its labels: kept, but of no use without it"),
    ]
    return Deletion("data set", name, dependents, _users_of_data(name), folder)


def plan_labels(dataset: str, name: str) -> Deletion:
    """What deleting a label set of a data set means.

    Raises:
        LvcnetError: if there is none, if it is `clean`, or the data set ships with the project.
    """
    data = Dataset.load(dataset)
    manifests = {other: data.manifest(other) for other in data.label_names()}
    if data.is_demo:
        raise LvcnetError(f"data set {dataset!r} ships with the project: its label sets cannot be deleted")
    if name not in manifests or data.folder is None:
        raise LvcnetError(f"data set {dataset!r} has no label set {name!r}: it has {', '.join(manifests)}")
    if name == CLEAN:
        raise LvcnetError(f"the clean labels judge every method: delete the data set {dataset!r} as a whole")
    runs = [run for run in list_runs(dataset, demo=False) if run.config().get("labels") == name]
    made = [
        other
        for other, manifest in manifests.items()
        if name == manifest.get("source") or name in manifest.get("sources", [])
    ]
    corrections = [
        other
        for other in list_corrections()
        if (_head(other).get("dataset"), _head(other).get("labels")) == (dataset, name)
    ]
    dependents = [
        *_counted("run", [run.name for run in runs], "trained on it: kept"),
        *_counted("label set", made, "made of it: kept"),
        *_counted("correction", corrections, "of it: kept, but of no use without it"),
    ]
    path = data.folder / "labels" / f"{name}.npz"
    return Deletion("label set", name, dependents, _users_of_data(dataset, name), path, dataset)


def plan_correction(name: str) -> Deletion:
    """What deleting a correction means.

    Raises:
        LvcnetError: if there is none, or it ships with the project.
    """
    correction = find_correction(name)
    if correction.is_demo:
        raise LvcnetError(f"correction {name!r} ships with the project and cannot be deleted")
    decided, made = len(correction.decisions.verdicts()), []
    drawn = sorted({draft.key for draft in correction.decisions.drafts.open()})
    try:
        data = Dataset.load(correction.head["dataset"])
        made = [other for other in data.label_names() if data.manifest(other).get("correction") == name]
    except LvcnetError:  # its data set is gone, and with it what was made
        pass
    dependents = [
        *([f"its decisions about {decided} images are deleted with it"] if decided else []),
        *_counted("image", drawn, "with a draft that nobody accepted: the draft is deleted with it"),
        *_counted("label set", made, "made of it: kept"),
    ]
    users = [str(claim) for claim in claims("correction", name)]
    return Deletion("correction", name, dependents, users, correction.folder)


def refuse_used(plan: Deletion) -> None:
    """Say who uses a thing.

    Raises:
        LvcnetError: if anybody does.
    """
    if plan.users:
        raise LvcnetError(f"{plan.kind} {plan.name!r} is in use: {'; '.join(plan.users)}")


def _delete_run(plan: Deletion, by: str | None) -> Entry:
    run = RunDirectory(plan.path)
    with guard("run", plan.name), run.edit_status():  # nobody starts or resumes it meanwhile
        refuse_used(plan_run(plan.name))
        return discard("run", plan.name, run.path, by=by)


def _delete_data(plan: Deletion, by: str | None) -> Entry:
    jobs.recover()  # a run whose trainer died does not use it
    with guard("data set", plan.name):
        refuse_used(plan_dataset(plan.name))
        return discard("data set", plan.name, plan.path, by=by)


def _delete_labels(plan: Deletion, by: str | None) -> Entry:
    jobs.recover()
    with guard("data set", plan.dataset), guard("label set", plan.name):
        refuse_used(plan_labels(plan.dataset, plan.name))
        beside = plan.path.with_suffix(".json")
        return discard("label set", plan.name, plan.path, [beside] if beside.exists() else [], by=by)


def _delete_correction(plan: Deletion, by: str | None) -> Entry:
    with guard("correction", plan.name):
        refuse_used(plan_correction(plan.name))
        return discard("correction", plan.name, plan.path, by=by)


_CARRIERS: dict[str, Callable[[Deletion, str | None], Entry]] = {
    "run": _delete_run,
    "data set": _delete_data,
    "label set": _delete_labels,
    "correction": _delete_correction,
}


def _users_of_run(run: RunDirectory) -> list[str]:
    state = run.status()["state"]
    if state in ACTIVE:
        return [f"it is {state}: cancel it first with `lvcnet cancel {run.name}`"]
    if users := [str(claim) for claim in claims("run", run.name)]:
        return users
    return ["it is being evaluated: wait until that is done"] if _soon_evaluated(run) else []


def _users_of_data(dataset: str, labels: str | None = None) -> list[str]:
    """Who works with a data set (or with one of its label sets), and runs and corrections that wait to."""
    users = []
    for run in list_runs(dataset, demo=False):
        if labels is None or run.config().get("labels") == labels:
            users += [f"run {run.name}: {user}" for user in _users_of_run(run)]
    users += [
        f"correction {request.correction} is being made of it: wait for it, or cancel it on the page Correct"
        for request in list_requests()
        if request.dataset == dataset and labels in (None, request.labels)
    ]
    for claim in claims("data set", dataset):
        known = any(user.startswith(f"{claim.subject}:") for user in users)
        if not known and (labels is None or labels in claim.labels):
            users.append(str(claim))
    return users[:NAMED] + ([f"and {len(users) - NAMED} more"] if len(users) > NAMED else [])


def _soon_evaluated(run: RunDirectory) -> bool:
    """Whether the worker is about to evaluate a run."""
    return run.to_evaluate() and worker_pid() is not None


def _head(correction: str) -> dict[str, Any]:
    try:
        return find_correction(correction).head
    except LvcnetError:  # a damaged one depends on nothing that is known
        return {}


def _counted(thing: str, names: Sequence[str], what: str) -> list[str]:
    """One sentence about some things of a kind, or none.

    >>> _counted("run", ["a", "b"], "trained on it: kept")
    ['2 runs (a, b) trained on it: kept']
    """
    if not names:
        return []
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    plural = "" if len(names) == 1 else "s"
    return [f"{len(names)} {thing}{plural} ({', '.join(names[:NAMED])}{more}) {what}"]
