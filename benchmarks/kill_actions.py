"""Everything beside trainings that writes into a workspace, to be killed at every change: see kills.py.

The corrections are about squares whose proposal lies one pixel beside the label, so that applying and deciding have
something to do without a training.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from kills import Tally, at_every_change

from lvcnet import workspace
from lvcnet.correction.apply import apply_correction, read_report, verdicts_by
from lvcnet.correction.folds import labels_digest
from lvcnet.correction.store import CorrectionWriter, find_correction, list_corrections
from lvcnet.data.dataset import CLEAN, Dataset, Item, LabelSet, list_datasets
from lvcnet.data.exporter import export_labels, write_images
from lvcnet.data.formats.coco import write_coco
from lvcnet.data.importing.importer import import_coco
from lvcnet.data.phantom.make import make_phantom
from lvcnet.data.upkeep import own_copy
from lvcnet.deleting import plan_dataset
from lvcnet.files import digest
from lvcnet.noise.calibrate import make_noisy_labels
from lvcnet.progress import Report
from lvcnet.trash import find_entry, list_trash, restore

SIZE, IMAGES = 24, 6
SQUARES = "squares"
MINE = "mine"
"""Names of the data set and the correction about it."""


@dataclass(frozen=True)
class Action:
    """One way to write.

    Attributes:
        what: in words.
        act: does it, in the workspace that `LVCNET_HOME` names.
        look: a digest of all that can be read about what it changes.
        before: done to the template workspace first.
    """

    what: str
    act: Callable[[], object]
    look: Callable[[], str]
    before: Callable[[], object] = lambda: None


def kill_all_actions(folder: Path, report: Report) -> list[Tally]:
    """Kill every action at every change; one tally an action.

    Args:
        folder: an empty one; everything happens in there.
        report: called with (actions done, actions).
    """
    total = len(actions(folder))
    tallies = []
    for number in range(total):
        tallies.append(kill_one(folder / str(number), number))
        report(number + 1, total)
    return tallies


def kill_one(folder: Path, number: int) -> Tally:
    """Kill one of `actions` at every change, in a folder of its own. It changes `LVCNET_HOME`."""
    files, template = folder / "files", folder / "template"
    os.environ["LVCNET_HOME"] = str(folder / "source")
    _write_coco_files(files)
    action = actions(files)[number]
    os.environ["LVCNET_HOME"] = str(template)
    template.mkdir(parents=True)
    action.before()
    return at_every_change(action.what, template, action.act, action.look, lambda done, total: None)


def actions(files: Path) -> list[Action]:
    """All of them; `files` holds a COCO data set to import."""
    names = {"images": files / "images", "train": files / "labels.json"}
    return [
        Action("phantom", lambda: make_phantom("made", 3, 1, 32).save(), partial(data_set, "made")),
        Action("import", lambda: import_coco("made", size=SIZE, **names).save(), partial(data_set, "made")),
        Action("noise", partial(_noise, 0), partial(data_set, "made"), before=_phantom),
        Action(
            "noise, replaced",
            partial(_noise, 1),
            partial(data_set, "made"),
            before=lambda: (_phantom(), _noise(0)),
        ),
        Action("copy of the demo", lambda: own_copy(Dataset.load("hips")), partial(data_set, "hips")),
        Action("correction", partial(_correct, 0.8), _corrections, before=_squares),
        Action(
            "correction, replaced",
            partial(_correct, 0.9),
            _corrections,
            before=lambda: (_squares(), _correct(0.8)),
        ),
        Action("apply", partial(_apply, "all"), _applied, before=lambda: (_squares(), _correct(0.8))),
        Action(
            "apply, replaced",
            partial(_apply, "worst=2"),
            _applied,
            before=lambda: (_squares(), _correct(0.8), _apply("all")),
        ),
        Action("decide", _decide, _decisions, before=lambda: (_squares(), _correct(0.8))),
        Action("delete", lambda: plan_dataset(SQUARES).carry_out(), _deleted, before=_squares),
        Action("restore", lambda: restore(find_entry(SQUARES)), _deleted, before=_squares_deleted),
        *(
            Action(f"export {format}", partial(_export, format), partial(_exported, format), before=_squares)
            for format in ("coco", "labelme", "masks")
        ),
    ]


def data_set(name: str) -> str:
    """Everything that can be read of a data set."""
    if name not in list_datasets():
        return "none"
    dataset = Dataset.load(name)
    parts = [dataset.fingerprint(), repr(dataset.is_demo)]
    for labels in map(dataset.labels, dataset.label_names()):
        parts += [labels.name, labels_digest(labels), repr(sorted(labels.manifest.items()))]
    return digest(part.encode() for part in parts)


def _phantom() -> None:
    make_phantom("made", 3, 1, 32).save()


def _noise(seed: int) -> None:
    dataset = Dataset.load("made")
    dataset.add_labels(make_noisy_labels(dataset, level=3, seed=seed))


def _square(left: int) -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), dtype=bool)
    mask[6:14, left : left + 8] = True
    return mask


def _squares() -> Dataset:
    items = [
        Item(f"image-{n}", "train" if n < IMAGES - 1 else "test", SIZE, SIZE, f"image-{n}.png")
        for n in range(IMAGES)
    ]
    dataset = Dataset(SQUARES, ["square"], items, np.full((IMAGES, SIZE, SIZE), 40, np.uint8))
    everywhere = np.ones(IMAGES, dtype=bool)
    dataset.add_labels(LabelSet(CLEAN, np.tile(_square(6), (IMAGES, 1, 1, 1)), everywhere))
    dataset.add_labels(
        LabelSet("second", np.tile(_square(7), (IMAGES, 1, 1, 1)), everywhere, {"kind": "import"})
    )
    dataset.save()
    return dataset


def _squares_deleted() -> None:
    _squares()
    plan_dataset(SQUARES).carry_out()


def _deleted() -> str:
    """The data set, and what is in the trash."""
    return repr((data_set(SQUARES), [(entry.kind, entry.name) for entry in list_trash()]))


def _correct(sure: float) -> None:
    dataset = Dataset.load(SQUARES)
    writer = CorrectionWriter(MINE, (IMAGES - 1, 1, SIZE, SIZE), overwrite=True)
    probability = np.where(_square(6), sure, 0.1)[None, None]
    writer.write(np.arange(IMAGES - 1), np.repeat(probability, IMAGES - 1, axis=0))
    rows = [
        {"key": f"image-{n}", "quality": 0.1 * n, "confident": 1 - 0.1 * n, "disagreement_px": 0.5}
        | {"regions": [{"category": "square", "kind": "both"}]}
        for n in range(IMAGES - 1)
    ]
    digest_of_labels = labels_digest(dataset.labels("second"))
    writer.finish(
        {
            "dataset": SQUARES,
            "labels": "second",
            "labels_digest": digest_of_labels,
            "method": "unet",
            "runs": ["a"],
            "images": rows,
        }
    )


def _apply(rule: str) -> None:
    correction = find_correction(MINE)
    verdicts = verdicts_by(correction, rule)
    apply_correction(correction, Dataset.load(SQUARES), "repaired", verdicts, rule, overwrite=True)


def _decide() -> None:
    decisions = find_correction(MINE).decisions
    standing = decisions.standing("image-0")
    if standing is None:
        decisions.decide("image-0", "accept", "anna")


def _decisions() -> str:
    return repr(
        [(event.key, event.decision, event.reviewer) for event in find_correction(MINE).decisions.history()]
    )


def _corrections() -> str:
    if MINE not in list_corrections():
        return "none"
    correction = find_correction(MINE)
    return digest(
        [
            repr(correction.rows).encode(),
            *(correction.probability(row["key"]).tobytes() for row in correction.rows),
        ]
    )


def _applied() -> str:
    """The label set with its report and the copies of that: one never stands without the other."""
    correction, dataset = find_correction(MINE), Dataset.load(SQUARES)
    changes = correction.records / "changes"
    reports = []
    if "repaired" in dataset.label_names():
        reports = [repr(read_report(correction, dataset, "repaired")).encode()]
    reports += [path.read_bytes() for path in sorted(changes.glob("repaired.*"))]
    return digest([data_set(SQUARES).encode(), *reports])


def _export(format: str) -> None:
    output = workspace.home() / f"out-{format}{'.json' if format == 'coco' else '.zip'}"
    export_labels(Dataset.load(SQUARES), CLEAN, output, format, overwrite=True)


def _exported(format: str) -> str:
    """The names of the exported files that can be seen; their bytes hold times."""
    return repr(sorted(path.name for path in workspace.home().glob(f"out-{format}*")))


def _write_coco_files(folder: Path) -> None:
    dataset = _squares()
    write_images(dataset, list(range(IMAGES)), folder / "images")
    write_coco(dataset, CLEAN, folder / "labels.json", None)
