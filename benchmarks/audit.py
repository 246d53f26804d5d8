"""Does the audit's interval hold the truth? `python benchmarks/audit.py --workspace DIR hips64 --labels clean level1 ...`.

Audits label sets of a data set whose clean labels are known, and compares the estimated label quality with the labels' true
IoU, per label set: the interval, what edges say, what they should say (which part of the disagreement is the labels' fault),
and the verdict. Trainings that the workspace has are used again.
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np
from shown import shown_command

from lvcnet.comparison.formats import markdown_section
from lvcnet.comparison.tables import NOTHING, Table
from lvcnet.correction.audit import Audit
from lvcnet.correction.audit_words import verdict
from lvcnet.correction.store import find_correction
from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.files import write_atomic
from lvcnet.jobs.audit_request import AuditRequest
from lvcnet.masks.overlap import iou
from lvcnet.progress import Report
from lvcnet.training.commit import current_commit
from lvcnet.training.config import parse_settings


def main() -> int:
    """Parse the options, audit, write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("--labels", nargs="+", required=True)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    os.environ["LVCNET_HOME"] = str(options.workspace)
    dataset = Dataset.load(options.dataset)
    rows = []
    for labels in options.labels:
        request = AuditRequest(
            dataset.name,
            labels,
            options.folds,
            options.preset,
            options.seed,
            options.steps,
            parse_settings(options.set),
        )
        rows.append(line(dataset, request.run(stage)))
    text = f"# The audit where the truth is known\n\n{header(dataset)}\n\n{markdown_section(table(rows))}\n"
    print(text)
    if options.output:
        write_atomic(options.output, text.encode())
    return 0


def stage(title: str) -> Report:
    """Names the part of the work."""
    print(title, file=sys.stderr)
    return lambda done, total: None


def header(dataset: Dataset) -> str:
    """What was done to what, and by which code."""
    return (
        f"Command: `{shown_command('audit.py', sys.argv[1:])}`; commit {current_commit()}; data set {dataset.name},"
        f" fingerprint {dataset.fingerprint()[:12]}, {len(dataset.indices('train'))} training images of {dataset.size} px."
    )


def line(dataset: Dataset, found: Audit) -> list[str]:
    """One label set: truth and estimate."""
    rows = np.array([dataset.index(row["key"]) for row in found.ranked])
    label, clean = dataset.labels(found.labels).masks[rows], dataset.labels(CLEAN).masks[rows]
    first, second = (
        np.stack([find_correction(name).proposal(row["key"]) for row in found.ranked])
        for name in found.corrections
    )
    odd = (first == second) & (first != label)
    fault = float((odd & (label != clean)).sum() / max(1, odd.sum()))
    true, quality = float(iou(label, clean).mean()), found.quality
    agreed = [f"{value:.2f}" for value in (iou(label, first).mean(), iou(label, second).mean())]
    start = [found.labels, f"{true:.3f}", *agreed, f"{iou(first, second).mean():.2f}"]
    if quality is None:
        return [*start, NOTHING, NOTHING, NOTHING, f"{fault:.2f}", verdict(found).sentence]
    holds = quality.low <= true <= quality.high
    share = NOTHING if quality.share is None else f"{quality.share:.2f}"
    interval = f"{quality.low:.3f} to {quality.high:.3f}"
    return [*start, interval, "yes" if holds else "no", share, f"{fault:.2f}", verdict(found).sentence]


def table(rows: list[list[str]]) -> Table:
    """All label sets."""
    note = (
        "True: mean IoU of the labels with the clean ones. Then the IoU of the labels with U-Net's and with LVC-Net plus's"
        " predictions out of fold, and of these with each other. Edges: the share of the decided disagreement that they give to"
        " the methods; fault: the share of the pixels where both methods agree against the label that really is the label's"
        " error, before displaced predictions are moved."
    )
    names = ["Labels", "True", "U-Net", "LVC-Net plus", "Both", "Interval", "Holds it", "Edges", "Fault"]
    return Table("Estimated label quality", note, [*names, "Verdict"], rows)


if __name__ == "__main__":
    sys.exit(main())
