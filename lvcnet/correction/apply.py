"""Accepted proposals as a label set like any other, and a report of what changed. Symbols: see `lvcnet.correction`."""

import csv
import io
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.correction.folds import labels_digest
from lvcnet.correction.store import Correction, worst_first
from lvcnet.data.dataset import Dataset, LabelSet
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.metrics import overlap_metrics
from lvcnet.files import check_name, write_atomic, write_json

KIND = "correction"
COLUMNS = ("key", "decision", "quality", "disagreement_px", "iou_old_new", "area_change")
CLEAN_COLUMNS = ("clean_iou_old", "clean_iou_new")
Row = dict[str, Any]


def accepted_keys(correction: Correction, rule: str) -> list[str]:
    """The images whose proposal a rule accepts, worst label first.

    Args:
        correction: the judgement.
        rule: `all`, `worst=N` (the N labels of lowest quality) or `below=Q` (all labels of a quality below Q).

    Raises:
        LvcnetError: for another rule.
    """
    ranked = worst_first(correction.rows)
    kind, _, value = rule.partition("=")
    if rule == "all":
        return [row["key"] for row in ranked]
    if kind == "worst" and value.isdigit() and int(value) > 0:
        return [row["key"] for row in ranked[: int(value)]]
    threshold = _fraction(value) if kind == "below" else None
    if threshold is None:
        raise LvcnetError(
            f"rule {rule!r} does not exist: use all, worst=N with a whole number, or below=Q with 0 < Q <= 1"
        )
    return [row["key"] for row in ranked if row["quality"] < threshold]


def apply_correction(
    correction: Correction,
    dataset: Dataset,
    name: str,
    keys: Collection[str],
    rule: str | None = None,
    overwrite: bool = False,
) -> Row:
    """Store the judged label set with the proposals of `keys` in place of its masks; the original stays as it is.

    Args:
        correction: the judgement.
        dataset: the data set it is about.
        name: of the new label set.
        keys: the images whose proposal is accepted.
        rule: how they were chosen, for the record.
        overwrite: replace an earlier corrected label set of that name.

    Returns:
        The change report, which is also written to the correction's `changes/` as JSON and CSV. `emptied` names the
        images that lost their whole label, which a poorly trained method may propose.

    Raises:
        LvcnetError: if the labels changed since they were judged, a key was not judged, nothing is accepted, or the
            name is taken.
    """
    source = dataset.labels(correction.head["labels"])
    _check(correction, dataset, source, name, keys, overwrite)
    accepted = set(keys)
    masks = source.masks.copy()
    changes = []
    for row in worst_first(correction.rows):
        place = dataset.index(row["key"])
        if row["key"] in accepted:
            masks[place] = correction.proposal(row["key"])
        changes.append(_change(row, row["key"] in accepted, source.masks[place], masks[place]))
    manifest = {
        "kind": KIND,
        "source": source.name,
        "correction": correction.name,
        "method": correction.head["method"],
        "runs": correction.head["runs"],
        "rule": rule,
        "accepted": [change["key"] for change in changes if change["decision"] == "accepted"],
    }
    dataset.add_labels(LabelSet(name, masks, source.covered.copy(), manifest))
    emptied = [change["key"] for change in changes if change["area_change"] == -1]
    report = {"dataset": dataset.name, "labels": name, **manifest, "emptied": emptied, "images": changes}
    write_report(correction, name, report)
    return report


def write_report(correction: Correction, name: str, report: Row) -> None:
    """Write `changes/NAME.json` and `.csv`, atomically."""
    folder = correction.folder / "changes"
    write_json(folder / f"{name}.json", report)
    stream = io.StringIO()
    columns = [*COLUMNS, *(CLEAN_COLUMNS if any(CLEAN_COLUMNS[0] in row for row in report["images"]) else ())]
    writer = csv.DictWriter(stream, fieldnames=columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(report["images"])
    write_atomic(folder / f"{name}.csv", stream.getvalue().encode())


def _change(row: Row, accepted: bool, old: NDArray[np.bool_], new: NDArray[np.bool_]) -> Row:
    """What happened to one image; areas and IoU of (C, H, W) masks, mean IoU over categories."""
    area = int(old.sum())
    change = {
        "key": row["key"],
        "decision": "accepted" if accepted else "kept",
        "quality": row["quality"],
        "disagreement_px": row["disagreement_px"],
        "iou_old_new": float(overlap_metrics(old[None], new[None])["iou"].mean()),
        "area_change": (int(new.sum()) - area) / area if area else None,
    }
    if "label_clean_iou" in row:
        change["clean_iou_old"] = row["label_clean_iou"]
        change["clean_iou_new"] = row["proposal_clean_iou" if accepted else "label_clean_iou"]
    return change


def _check(
    correction: Correction,
    dataset: Dataset,
    source: LabelSet,
    name: str,
    keys: Collection[str],
    overwrite: bool,
) -> None:
    check_name(name, "label set")
    if (
        dataset.name != correction.head["dataset"]
        or labels_digest(source) != correction.head["labels_digest"]
    ):
        raise LvcnetError(
            f"correction {correction.name!r} is about labels {source.name!r} of data set {correction.head['dataset']!r}"
            " as they were then, and they changed since: judge them again with `lvcnet correct`"
        )
    if not keys:
        raise LvcnetError(
            "no proposal is accepted, so the labels would stay as they are: accept at least one"
        )
    unknown = sorted(set(keys) - {row["key"] for row in correction.rows})
    if unknown:
        raise LvcnetError(f"correction {correction.name!r} has not judged {', '.join(unknown[:5])}")
    if name in dataset.label_names() and not (overwrite and dataset.manifest(name).get("kind") == KIND):
        raise LvcnetError(
            f"label set {name!r} exists: choose another name (only corrected label sets can be replaced, with"
            " --overwrite)"
        )


def _fraction(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value <= 1 else None
