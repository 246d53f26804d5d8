"""An audit from its trainings to its result: two methods train on the same folds and judge what they left out.

The trainings are ordinary runs and the judgements ordinary corrections, so that an audit which was stopped goes on where it
was, and its images can be reviewed.
"""

from collections.abc import Sequence
from dataclasses import replace

from lvcnet.correction.audit import Audit, audit_labels
from lvcnet.correction.store import Correction, check_free, find_correction, list_corrections
from lvcnet.data.dataset import labels_digest
from lvcnet.errors import LvcnetError
from lvcnet.jobs import launch
from lvcnet.jobs.correct import Prepared, Request, judge, prepare
from lvcnet.jobs.foreground import run_sweep
from lvcnet.progress import Stages


def audit(requests: Sequence[Request], device: str, stage: Stages, workers: int | None = None) -> Audit:
    """Train what is left to train, judge what is not judged, and say what both found.

    Args:
        requests: one judgement a method, of the same labels and folds.
        device: auto, cpu, cuda, cuda:N or mps.
        stage: progress of training, of each judging and of the measuring.
        workers: trainings at a time; by default as many as the queue starts.

    Raises:
        LvcnetError: if the labels cannot be audited, or naming the runs that did not finish.
        KeyboardInterrupt: after Ctrl-C, once all trainers have stopped.
    """
    prepared = [prepare(replace(one, name=f"audit-{one.correction}"), overwrite=True) for one in requests]
    report = stage("Training the folds")
    plan = [cell for one in prepared for cell in one.plan]
    problems = run_sweep(
        plan, workers or launch.slots(), False, lambda now: report(now.epochs_done, now.epochs)
    )
    if problems:
        reasons = "; ".join(f"{run}: {problem}" for run, problem in problems.items())
        raise LvcnetError(f"not all folds were trained ({reasons}): the same audit tries them again")
    judged = [_judgement(one, device, stage) for one in prepared]
    last = prepared[-1]
    return audit_labels(last.dataset, last.request.labels, judged, stage("Measuring the labels"))


def _judgement(prepared: Prepared, device: str, stage: Stages) -> Correction:
    """The judgement by these runs: the one that is there, or a new one.

    Raises:
        LvcnetError: if one by other runs is there, about which people decided.
    """
    name = prepared.request.correction
    if name in list_corrections():
        there = find_correction(name)
        runs = [cell.name for cell in prepared.plan]
        now = labels_digest(prepared.dataset.labels(prepared.request.labels))
        if (there.head["runs"], there.head["labels_digest"]) == (runs, now):
            return there
        check_free(name, overwrite=not there.decisions.verdicts())
    return judge(prepared, device, True, stage(f"Judging by {prepared.request.method}"))
