"""The audit as one call of `import lvcnet as lv`: what a label set is worth, and whether repair would help."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lvcnet.correction import audit as findings
from lvcnet.correction.audit_words import verdict
from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.figures.audit import audit_report
from lvcnet.files import write_atomic
from lvcnet.jobs.audit_request import FOLDS, AuditRequest
from lvcnet.progress import Report
from lvcnet.trained import PRESET


class Audit(findings.Audit):
    """What `audit` finds; a notebook shows it as the report."""

    @property
    def verdict(self) -> str:
        """What to do, in one sentence."""
        return verdict(self).sentence

    def to_html(self, path: Path | str | None = None) -> str:
        """The whole report.

        Args:
            path: also write it to this file, which opens without a network.
        """
        page = audit_report(self)
        if path is not None:
            write_atomic(Path(path), page.encode())
        return page

    _repr_html_ = to_html


def audit(
    dataset: Dataset | str | Path,
    labels: str | int = CLEAN,
    *,
    folds: int = FOLDS,
    preset: str = PRESET,
    seed: int = 0,
    steps: int | None = None,
    device: str = "auto",
    workers: int | None = None,
    report: Report | None = None,
    **settings: Any,
) -> Audit:
    """Say what labels are worth, which to look at first, and whether repair would help; no clean label takes part.

    Args:
        dataset: a data set that is saved.
        labels: label set to audit, or the number of a noise level.
        folds: trainings of U-Net and of LVC-Net plus; each judges the images that it left out.
        preset: settings to start from: auto (the training plan) or quick.
        seed: keys initial weights, order and augmentation.
        steps: length of each training.
        device: auto, cpu, cuda, cuda:N or mps.
        workers: trainings at a time; default LVCNET_WORKERS, or by the number of cores.
        report: called with (done, total) of training, then of judging.
        settings: further settings of `TrainConfig`.

    Returns:
        `verdict`, `quality` (estimate with interval), `categories`, `ranked` (images, the first to look at first), `repair`.

    Raises:
        LvcnetError: if the labels cannot be split into so many folds, or a training failed.
        KeyboardInterrupt: after Ctrl-C, once all trainers have saved their states; the same call continues.

    Example:
        lv.audit("hips", "level3").verdict
    """
    name = dataset.name if isinstance(dataset, Dataset) else str(dataset)
    request = AuditRequest(name, str(labels), folds, preset, seed, steps, settings, device)
    return Audit(**vars(request.run(_same(report), workers)))


def _same(report: Report | None) -> Callable[[str], Report]:
    """The same report in every part of the work."""
    return lambda title: report or (lambda done, total: None)
