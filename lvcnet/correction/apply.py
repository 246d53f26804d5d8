"""Accepted proposals as a label set like any other, and a report of what changed. Symbols: see `lvcnet.correction`.

The report is part of the label set's file, so that one never stands without the other. `changes/NAME.json` and `.csv` in
the correction's folder are copies for people: removed before the label set is replaced, written after it, and written
anew by the next reader where a process that was killed did not come to it.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lvcnet import formats
from lvcnet.claims import using
from lvcnet.correction.confidence import surely_wrong
from lvcnet.correction.decisions import Verdict
from lvcnet.correction.reviewed import reviewed_masks
from lvcnet.correction.store import Correction, worst_first
from lvcnet.data.dataset import CLEAN, Dataset, LabelSet, labels_digest
from lvcnet.data.outlines.layers import with_outlines
from lvcnet.data.upkeep import own_copy
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.statistics import mean_of_known
from lvcnet.files import Row, check_name, digest, json_bytes, read_json, rows_to_csv, write_atomic
from lvcnet.masks.overlap import iou

KIND = "correction"
REVIEWED = "reviewed"
"""The rule that reviewers' decisions count."""
UNDECIDED = "undecided"
CHANGING = ("accept", "part", "edited")
"""Decisions that change a label."""
COLUMNS = ("key", "decision", "reviewer", "quality", "disagreement_px", "iou_old_new", "area_change")
CLEAN_COLUMNS = ("clean_iou_old", "clean_iou_new")
UNTOUCHED = "untouched"
"""Of a change: the categories whose outlines are still those of the imported file, which an export writes as they came."""
BoolArray = NDArray[np.bool_]


def accepted_keys(correction: Correction, rule: str) -> list[str]:
    """The images whose proposal a rule accepts, worst label first.

    Args:
        correction: the judgement.
        rule: `confident` (labels that are surely wrong, see `lvcnet.correction.confidence`), `all`, `none`, `worst=N`
            (the N labels of lowest quality) or `below=Q` (all labels of a quality below Q).

    Raises:
        LvcnetError: for another rule.
    """
    ranked = worst_first(correction.rows)
    if rule == "confident":
        wrong = surely_wrong(np.array([row.get("confident", 0.0) for row in ranked]))
        return [row["key"] for row, one in zip(ranked, wrong, strict=True) if one]
    kind, _, value = rule.partition("=")
    if rule in ("all", "none"):
        return [row["key"] for row in ranked if rule == "all"]
    if kind == "worst" and value.isdigit() and int(value) > 0:
        return [row["key"] for row in ranked[: int(value)]]
    threshold = _fraction(value) if kind == "below" else None
    if threshold is None:
        raise LvcnetError(
            f"rule {rule!r} does not exist: use confident, reviewed, all, none, worst=N with a whole number, or below=Q"
            " with 0 < Q <= 1"
        )
    return [row["key"] for row in ranked if row["quality"] < threshold]


def verdicts_by(correction: Correction, rule: str, strict: bool = False) -> dict[str, Verdict]:
    """What becomes of every image about which a rule or the reviewers said something.

    Args:
        correction: the judgement.
        rule: `reviewed`, or a rule of `accepted_keys`; or several, joined by `+`, of which the first that says something
            about an image counts.
        strict: refuse while an image is undecided.

    Raises:
        LvcnetError: for another rule; for `reviewed` if nothing is decided, or not all of it when `strict`.
    """
    verdicts: dict[str, Verdict] = {}
    for one in rule.split("+"):
        verdicts = {**_verdicts_by(correction, one.strip(), strict), **verdicts}
    return verdicts


def _verdicts_by(correction: Correction, rule: str, strict: bool) -> dict[str, Verdict]:
    if rule != REVIEWED:
        return {key: Verdict(decision="accept") for key in accepted_keys(correction, rule)}
    verdicts: dict[str, Verdict] = dict(correction.decisions.verdicts())
    left = len(correction.rows) - len(verdicts)
    if not verdicts or (strict and left):
        what = f"{left} of {len(correction.rows)} images are undecided" if verdicts else "nothing is decided"
        raise LvcnetError(
            f"{what} in correction {correction.name!r}: decide on the review page or with"
            f" `lvcnet review {correction.name}`"
        )
    return verdicts


def apply_correction(
    correction: Correction,
    dataset: Dataset,
    name: str,
    verdicts: Mapping[str, Verdict],
    rule: str | None = None,
    overwrite: bool = False,
    ignore_disputed: bool = False,
) -> Row:
    """Store the judged label set as verdicts repair it; the original stays as it is. Doing it again changes nothing.

    Args:
        correction: the judgement.
        dataset: the data set it is about; one that ships with the project is copied to the workspace first.
        name: of the new label set.
        verdicts: by image; labels of images without one stay as they are.
        rule: how they came about, for the record.
        overwrite: replace an earlier corrected label set of that name.
        ignore_disputed: in images without a verdict, let no method learn from pixels where label and proposal disagree.

    Returns:
        The change report, which is part of the label set, and in the correction's `changes/` as JSON and CSV. `emptied`
        names the images that lost their whole label, which a poorly trained method may propose.

    Raises:
        LvcnetError: if the labels changed since they were judged, an image was not judged, nothing is accepted, or
            the name is taken by other labels.
    """
    what, labels = f"label set {name} is being made of it", correction.head["labels"]
    with (
        using("correction", correction.folder, what),
        using("data set", dataset.folder, what, [labels]),
    ):
        return _apply(correction, dataset, name, verdicts, rule, overwrite, ignore_disputed)


def _apply(
    correction: Correction,
    dataset: Dataset,
    name: str,
    verdicts: Mapping[str, Verdict],
    rule: str | None,
    overwrite: bool,
    ignore_disputed: bool,
) -> Row:
    source = dataset.labels(correction.head["labels"])
    _check(correction, dataset, source, name)
    _check_verdicts(correction, verdicts, ignore_disputed)
    masks = source.masks.copy()
    ignored = np.zeros_like(masks) if source.ignored is None else source.ignored.copy()
    changes = []
    for row in worst_first(correction.rows):
        number, verdict = dataset.index(row["key"]), verdicts.get(row["key"])
        place = (number, slice(None), *dataset.place(number))
        label, proposal = source.masks[place], correction.proposal(row["key"])[place[1:]]
        if verdict is not None:
            masks[place] = reviewed_masks(label, proposal, verdict)
            ignored[place] &= verdict.decision not in CHANGING
        elif ignore_disputed:
            ignored[place] |= label != proposal
        clean = dataset.labels(CLEAN).masks[place] if "label_clean_iou" in row else None
        changes.append(_change(row, verdict, label, masks[place], clean))
    manifest = {
        "kind": KIND,
        "source": source.name,
        "correction": correction.name,
        "method": correction.head["method"],
        "runs": correction.head["runs"],
        "rule": rule,
        "reviewers": sorted({verdict.reviewer for verdict in verdicts.values() if verdict.reviewer}),
        "decisions": dict(Counter(change["decision"] for change in changes)),
        "accepted": [change["key"] for change in changes if change["decision"] in CHANGING],
        "ignored_share": float(ignored[source.covered].mean()),
        "masks": digest([np.packbits(part).tobytes() for part in (masks, ignored)]),
    }
    silent = ignored if ignored.any() else None
    labels = with_outlines(dataset, source, LabelSet(name, masks, source.covered.copy(), manifest, silent))
    if labels.drawn is not None:
        manifest["drawn_in"] = labels.drawn.source
        for change in changes:
            moved = labels.drawn.changed[dataset.index(change["key"])]
            change[UNTOUCHED] = [category for category in dataset.categories if category not in moved]
    emptied = [change["key"] for change in changes if change["area_change"] == -1]
    report = {"dataset": dataset.name, "labels": name, **manifest, "emptied": emptied, "images": changes}
    labels = replace(labels, report=formats.CHANGES.stamped(report))
    _store(correction, dataset, labels, overwrite)
    write_report(correction, name, report)
    return report


def _store(correction: Correction, dataset: Dataset, labels: LabelSet, overwrite: bool) -> None:
    """Add the label set, unless the very same stands there: left by a process that was killed before it said so.

    Raises:
        LvcnetError: if the name is taken by other labels.
    """
    if labels.name in dataset.label_names():
        manifest = dataset.manifest(labels.name)
        report = dataset.labels(labels.name).report if manifest == labels.manifest else None
        if report == labels.report:
            return
        if not overwrite or manifest.get("kind") != KIND:
            raise LvcnetError(
                f"label set {labels.name!r} exists: choose another name (only corrected label sets can be replaced, with"
                " --overwrite)"
            )
        if dataset.labels(labels.name).report is not None:  # else the copies are all there is
            for path in _copies(correction, labels.name):
                path.unlink(missing_ok=True)
    own_copy(dataset).add_labels(labels)


def made_labels(correction: Correction, dataset: Dataset) -> list[str]:
    """Label sets that were made of a correction."""
    manifests = {name: dataset.manifest(name) for name in dataset.label_names()}
    return [
        name
        for name, manifest in manifests.items()
        if manifest.get("kind") == KIND and manifest.get("correction") == correction.name
    ]


def read_report(correction: Correction, dataset: Dataset, name: str) -> Row:
    """The change report of a label set that was made of a correction; its copies in `changes/` are completed.

    Raises:
        LvcnetError: if there is none.
    """
    report = dataset.labels(name).report
    path = _copies(correction, name)[0]
    if report is None:  # made by a version that kept it in `changes/` only
        return formats.CHANGES.current(read_json(path), path)
    report = formats.CHANGES.current(report, path)
    with suppress(OSError):  # a disk that is full or must not be written hides no report
        write_report(correction, name, report)
    return report


def summarise_report(report: Row) -> Row:
    """Figures of a change report: `changed` images, their mean `iou_old_new`, and mean `clean_iou_old` and `_new` of all.

    The last two are None where no clean labels are known.
    """
    changed = [row for row in report["images"] if row["decision"] in CHANGING]
    return {
        "images": len(report["images"]),
        "changed": len(changed),
        "iou_old_new": mean_of_known([row["iou_old_new"] for row in changed]),
        **{name: mean_of_known([row.get(name) for row in report["images"]]) for name in CLEAN_COLUMNS},
    }


def write_report(correction: Correction, name: str, report: Row) -> None:
    """Write `changes/NAME.json` and `.csv`, each atomically and where it is not there yet."""
    contents = json_bytes(formats.CHANGES.stamped(report)), report_csv(report).encode()
    for path, content in zip(_copies(correction, name), contents, strict=True):
        if not path.exists() or path.read_bytes() != content:
            write_atomic(path, content)


def _copies(correction: Correction, name: str) -> tuple[Path, Path]:
    folder = correction.records / "changes"
    return folder / f"{name}.json", folder / f"{name}.csv"


def report_csv(report: Row) -> str:
    """The images of a change report as CSV."""
    rows = [
        {**row, UNTOUCHED: "; ".join(row[UNTOUCHED])} if UNTOUCHED in row else row for row in report["images"]
    ]
    more = [name for name in (*CLEAN_COLUMNS, UNTOUCHED) if any(name in row for row in rows)]
    return rows_to_csv(rows, [*COLUMNS, *more])


def _change(
    row: Row, verdict: Verdict | None, old: BoolArray, new: BoolArray, clean: BoolArray | None
) -> Row:
    """What happened to one image; areas and IoU of (C, H, W) masks, mean IoU over categories."""
    area = int(old.sum())
    change = {
        "key": row["key"],
        "decision": UNDECIDED if verdict is None else verdict.decision,
        "reviewer": None if verdict is None else verdict.reviewer,
        "quality": row["quality"],
        "disagreement_px": row["disagreement_px"],
        "iou_old_new": _mean_iou(old, new),
        "area_change": (int(new.sum()) - area) / area if area else None,
    }
    if clean is not None:
        there = clean.any(axis=(1, 2))
        for column, masks in zip(CLEAN_COLUMNS, (old, new), strict=True):
            change[column] = _mean_iou(masks[there], clean[there]) if there.any() else None
    return change


def _mean_iou(first: BoolArray, second: BoolArray) -> float:
    return float(iou(first, second).mean())


def _check(correction: Correction, dataset: Dataset, source: LabelSet, name: str) -> None:
    check_name(name, "label set")
    if (
        dataset.name != correction.head["dataset"]
        or labels_digest(source) != correction.head["labels_digest"]
    ):
        raise LvcnetError(
            f"correction {correction.name!r} is about labels {source.name!r} of data set {correction.head['dataset']!r}"
            " as they were then, and they changed since: judge them again with `lvcnet correct`"
        )


def _check_verdicts(correction: Correction, verdicts: Mapping[str, Verdict], ignore_disputed: bool) -> None:
    if not ignore_disputed and not any(verdict.decision in CHANGING for verdict in verdicts.values()):
        raise LvcnetError(
            "no proposal is accepted, so the labels would stay as they are: accept at least one"
        )
    unknown = sorted(set(verdicts) - {row["key"] for row in correction.rows})
    if unknown:
        raise LvcnetError(f"correction {correction.name!r} has not judged {', '.join(unknown[:5])}")


def _fraction(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value <= 1 else None
