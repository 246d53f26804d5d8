"""A correction leaves the outlines alone that it does not change: from the imported file to the export, over a chain."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from lvcnet.correction.apply import apply_correction, report_csv
from lvcnet.correction.decisions import Verdict
from lvcnet.correction.reviewed import encode_masks
from lvcnet.correction.store import Correction, CorrectionWriter
from lvcnet.data.dataset import Dataset, labels_digest
from lvcnet.data.exporter import export_labels
from lvcnet.data.importing.importer import import_coco
from lvcnet.data.outlines.layers import count_outlines
from lvcnet.files import read_json
from tests.data.conftest import CocoFolder

SIZE = 16


@pytest.fixture
def imported(tmp_path: Path) -> Dataset:
    """Images a to d with a bone each, and a tooth with odd corners."""
    (tmp_path / "coco").mkdir()
    coco = CocoFolder(tmp_path / "coco")
    content = coco.content("abcd")
    content["categories"].append({"id": 2, "name": "tooth"})
    content["annotations"] += [
        {
            "id": 10 + n,
            "image_id": n,
            "category_id": 2,
            "segmentation": [[25.3, 3, 38.25, 4.5, 30, 18]],
            "by": "A",
        }
        for n in range(1, 5)
    ]
    dataset = import_coco("teeth", coco.images, coco.write(content), size=SIZE, test_fraction=0)
    dataset.save()
    return dataset


def judged(dataset: Dataset, labels: str, name: str) -> Correction:
    """A judgement that proposes the bone one column further right, and the tooth as it is."""
    masks = dataset.labels(labels).masks.copy()
    masks[:, 0] = np.roll(masks[:, 0], 1, axis=-1)
    writer = CorrectionWriter(name, masks.shape)
    writer.write(np.arange(len(masks)), masks.astype(np.float64))
    rows = [{"key": item.key, "quality": 0.5, "disagreement_px": 1.0} for item in dataset.items]
    head = {"dataset": dataset.name, "labels": labels, "labels_digest": labels_digest(dataset.labels(labels))}
    return writer.finish({**head, "method": "unet", "runs": ["a"], "images": rows})


def annotations(dataset: Dataset, labels: str, folder: Path) -> dict[int, dict]:
    path = folder / f"{labels}.json"
    export_labels(dataset, labels, path)
    return {one["id"]: one for one in read_json(path)["annotations"]}


def test_what_no_decision_changed_is_exported_as_it_was_imported(imported: Dataset, tmp_path: Path) -> None:
    correction = judged(imported, "clean", "first")
    verdicts = {"a": Verdict(decision="accept"), "b": Verdict(decision="reject")}
    report = apply_correction(correction, imported, "better", verdicts)
    assert report["drawn_in"] == "clean"
    untouched = {row["key"]: row["untouched"] for row in report["images"]}
    assert untouched == {"a": ["tooth"], **{key: ["bone", "tooth"] for key in "bcd"}}
    table = list(csv.DictReader(io.StringIO(report_csv(report))))
    assert {row["key"]: row["untouched"] for row in table}["b"] == "bone; tooth"
    stored = Dataset.load("teeth")
    before, after = annotations(stored, "clean", tmp_path), annotations(stored, "better", tmp_path)
    assert {id: one for id, one in after.items() if id in before} == {
        id: one for id, one in before.items() if id != 1
    }
    assert count_outlines(stored, "better") == (7, 1)


def test_a_drawing_by_hand_changes_its_category_only_and_a_chain_goes_back_to_what_was_imported(
    imported: Dataset, tmp_path: Path
) -> None:
    apply_correction(
        judged(imported, "clean", "first"), imported, "better", {"a": Verdict(decision="accept")}
    )
    drawn = imported.masks("better", 1).copy()
    drawn[1, 5, 12] ^= True
    edited = Verdict(decision="edited", details={"masks": encode_masks(drawn)})
    report = apply_correction(judged(imported, "better", "second"), imported, "best", {"b": edited})
    untouched = {row["key"]: row["untouched"] for row in report["images"]}
    assert untouched == {"a": ["tooth"], "b": ["bone"], "c": ["bone", "tooth"], "d": ["bone", "tooth"]}
    (imported.folder / "labels" / "better.npz").unlink()  # the chain does not need it any more
    stored = Dataset.load("teeth")
    before, after = annotations(stored, "clean", tmp_path), annotations(stored, "best", tmp_path)
    assert {id for id, one in after.items() if before.get(id) == one} == {2, 3, 4, 11, 13, 14}


def test_disputed_pixels_leave_an_outline_as_it_was_drawn(imported: Dataset, tmp_path: Path) -> None:
    correction = judged(imported, "clean", "first")
    report = apply_correction(correction, imported, "careful", {}, rule="none", ignore_disputed=True)
    assert report["ignored_share"] > 0
    before = annotations(imported, "clean", tmp_path)
    assert annotations(Dataset.load("teeth"), "careful", tmp_path) == before
