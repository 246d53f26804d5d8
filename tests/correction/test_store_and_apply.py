"""A correction on disk, and accepted proposals as a label set."""

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from lvcnet import workspace
from lvcnet.correction.apply import accepted_keys, apply_correction, read_report, verdicts_by
from lvcnet.correction.decisions import Verdict
from lvcnet.correction.folds import add_fold_labels
from lvcnet.correction.store import (
    CHECKSUMS,
    Correction,
    CorrectionWriter,
    find_correction,
    list_corrections,
    worst_first,
)
from lvcnet.data.dataset import Dataset, LabelSet, labels_digest
from lvcnet.data.exporter import export_labels
from lvcnet.data.importing.importer import import_masks
from lvcnet.errors import DamagedError, LvcnetError
from lvcnet.files import digest
from tests.correction.conftest import SIZE, square


def accepting(*keys: str) -> dict[str, Verdict]:
    return {key: Verdict(decision="accept") for key in keys}


def test_what_was_written_is_read(correction: Correction, dataset: Dataset) -> None:
    again = find_correction("mine")
    assert list_corrections() == ["mine"]
    np.testing.assert_array_equal(again.proposal("image-2")[0], square())
    np.testing.assert_allclose(again.probability("image-3")[0], np.where(square(), 0.8, 0.1), atol=0.5 / 255)
    suspicious = again.suspicion("image-0", dataset.labels("second").masks[0])
    assert (suspicious > 0.5).sum() == 16, "a column of 8 pixels on either side"
    with pytest.raises(LvcnetError, match="has not judged an image 'image-9'"):
        again.proposal("image-9")


@pytest.mark.parametrize("shape", [(2, 1, 3, 3), (3, 2, 5, 5), (1, 3, 8, 8)])
def test_masks_of_any_size_survive_packing(shape: tuple[int, int, int, int]) -> None:
    probability = np.random.default_rng(0).random(shape)
    writer = CorrectionWriter("odd", shape)
    writer.write(np.arange(shape[0]), probability)
    stored = writer.finish({"images": [{"key": str(n)} for n in range(shape[0])]})
    for n in range(shape[0]):
        np.testing.assert_array_equal(stored.proposal(str(n)), probability[n] >= 0.5)


@pytest.mark.parametrize(
    ("file", "read"), [("proposals.npy", "proposal"), ("probability.npy", "probability")]
)
def test_one_flipped_bit_costs_the_image_that_it_is_in(correction: Correction, file: str, read: str) -> None:
    path = correction.folder / file
    content = bytearray(path.read_bytes())
    content[-1] ^= 1  # of the last image
    path.write_bytes(bytes(content))
    damaged = find_correction("mine")
    *others, last = [row["key"] for row in damaged.rows]
    for key in others:
        getattr(damaged, read)(key)
    with pytest.raises(
        DamagedError, match=f"{file} is damaged .image '{last}' is not what was written.: put back"
    ):
        getattr(damaged, read)(last)


def test_a_correction_of_before_there_were_checksums_is_read(correction: Correction) -> None:
    path = correction.folder / "correction.json"
    head = json.loads(path.read_text())
    names = set(CHECKSUMS.values())
    head["images"] = [
        {name: value for name, value in row.items() if name not in names} for row in head["images"]
    ]
    path.write_text(json.dumps({**head, "format": 1}))
    np.testing.assert_array_equal(find_correction("mine").proposal("image-2")[0], square())


def test_an_unfinished_correction_is_none(correction: Correction) -> None:
    CorrectionWriter("half", (1, 1, 4, 4))
    assert list_corrections() == ["mine"]
    with pytest.raises(LvcnetError, match="no correction 'half': known are mine"):
        find_correction("half")
    with pytest.raises(LvcnetError, match="--overwrite"):
        CorrectionWriter("mine", (1, 1, 4, 4))
    assert len(find_correction("mine").rows) == 4


def test_overwriting_replaces_all_of_it(correction: Correction) -> None:
    writer = CorrectionWriter("mine", (1, 1, 4, 4), overwrite=True)
    assert len(find_correction("mine").rows) == 4, "the old one stays until the new one is whole"
    writer.write(np.zeros(1, dtype=np.intp), np.ones((1, 1, 4, 4)))
    writer.finish({"images": [{"key": "new"}]})
    assert find_correction("mine").proposal("new").all()
    assert [path.name for path in workspace.corrections_dir().glob("[!.]*")] == ["mine"]


def test_a_newer_format_is_refused(correction: Correction) -> None:
    path = correction.folder / "correction.json"
    path.write_text(json.dumps(correction.head | {"format": 99}))
    with pytest.raises(LvcnetError, match="format 99"):
        find_correction("mine")


def test_rules_accept_the_worst_labels(correction: Correction) -> None:
    ranking = ["image-1", "image-2", "image-0", "image-3"]
    assert [row["key"] for row in worst_first(correction.rows)] == ranking
    assert accepted_keys(correction, "all") == ranking
    assert accepted_keys(correction, "worst=2") == ranking[:2]
    assert accepted_keys(correction, "worst=9") == ranking
    assert accepted_keys(correction, "below=0.5") == ranking[:2]


@pytest.mark.parametrize("rule", ["", "some", "worst", "worst=0", "worst=-1", "below=2", "below=x", "all=1"])
def test_other_rules_are_refused(correction: Correction, rule: str) -> None:
    with pytest.raises(LvcnetError, match="use confident, reviewed, all, none, worst=N"):
        accepted_keys(correction, rule)


def test_accepted_proposals_replace_labels_and_the_original_stays(
    correction: Correction, dataset: Dataset
) -> None:
    files = [dataset.folder / "labels" / "second.npz"]
    before = [path.read_bytes() for path in files]
    report = apply_correction(correction, dataset, "better", accepting("image-2", "image-1"), "worst=2")
    assert [path.read_bytes() for path in files] == before
    stored = Dataset.load("squares")
    labels, source = stored.labels("better"), stored.labels("second")
    np.testing.assert_array_equal(labels.masks[[1, 2], 0], np.stack([square(), square()]))
    np.testing.assert_array_equal(labels.masks[[0, 3]], source.masks[[0, 3]])
    np.testing.assert_array_equal(labels.covered, source.covered)
    assert labels.manifest == {
        "kind": "correction",
        "source": "second",
        "correction": "mine",
        "method": "unet",
        "runs": ["a", "b"],
        "rule": "worst=2",
        "reviewers": [],
        "decisions": {"accept": 2, "undecided": 2},
        "accepted": ["image-1", "image-2"],
        "ignored_share": 0.0,
        "masks": digest(
            [np.packbits(part).tobytes() for part in (labels.masks, np.zeros_like(labels.masks))]
        ),
    }
    assert labels.ignored is None
    assert [row["decision"] for row in report["images"]] == ["accept", "accept", "undecided", "undecided"]


def test_disputed_pixels_are_ignored_where_nothing_is_decided(
    correction: Correction, dataset: Dataset
) -> None:
    """Label and proposal are 8 px squares shifted by 1 px: a column of 8 px on either side of each."""
    verdicts = {**accepting("image-1"), "image-2": Verdict(decision="reject")}
    report = apply_correction(correction, dataset, "doubted", verdicts, ignore_disputed=True)
    labels = Dataset.load("squares").labels("doubted")
    assert labels.ignored is not None
    assert labels.ignored.sum(axis=(1, 2, 3))[:4].tolist() == [16, 0, 0, 16], "decided: 1 and 2"
    np.testing.assert_array_equal(labels.ignored[0, 0], square() ^ labels.masks[0, 0])
    assert report["ignored_share"] == pytest.approx(32 / (labels.covered.sum() * SIZE**2))


def test_what_is_ignored_stays_ignored_until_it_is_repaired(correction: Correction, dataset: Dataset) -> None:
    nothing = verdicts_by(correction, "none")
    apply_correction(correction, dataset, "doubted", nothing, "none", ignore_disputed=True)
    folds = add_fold_labels(dataset, "doubted", 2)
    doubted = dataset.labels("doubted").ignored
    assert all(np.array_equal(dataset.labels(fold.labels).ignored, doubted) for fold in folds)


def test_the_change_report_as_json_and_csv(correction: Correction, dataset: Dataset) -> None:
    report = apply_correction(correction, dataset, "better", accepting("image-1"))
    changes = workspace.corrections_dir() / "mine" / "changes"
    assert json.loads((changes / "better.json").read_text()) == {"format": 1, **report}
    with (changes / "better.csv").open() as stream:
        accepted, *kept = csv.DictReader(stream)
    assert (accepted["key"], accepted["decision"]) == ("image-1", "accept")
    assert float(accepted["iou_old_new"]) == pytest.approx(56 / 72)
    assert float(accepted["area_change"]) == 0
    assert float(accepted["clean_iou_old"]) == pytest.approx(56 / 72)
    assert float(accepted["clean_iou_new"]) == 1
    assert all(
        float(row["iou_old_new"]) == 1 and row["clean_iou_new"] == row["clean_iou_old"] for row in kept
    )


def test_the_report_is_part_of_the_label_set_and_its_copies_come_back(
    correction: Correction, dataset: Dataset
) -> None:
    report = apply_correction(correction, dataset, "better", accepting("image-1"))
    changes = workspace.corrections_dir() / "mine" / "changes"
    copies = {path.name: path.read_bytes() for path in changes.iterdir()}
    shutil.rmtree(changes)
    stored = Dataset.load("squares")
    assert stored.labels("better").report == {"format": 1, **report}
    assert read_report(correction, stored, "better") == {"format": 1, **report}
    assert {path.name: path.read_bytes() for path in changes.iterdir()} == copies
    (changes / "better.csv").unlink()
    assert apply_correction(correction, Dataset.load("squares"), "better", accepting("image-1")) == report
    assert {path.name: path.read_bytes() for path in changes.iterdir()} == copies


def test_a_report_of_a_former_version_is_still_read(correction: Correction, dataset: Dataset) -> None:
    report = apply_correction(correction, dataset, "better", accepting("image-1"))
    dataset.add_labels(replace(dataset.labels("better"), report=None))
    assert read_report(correction, Dataset.load("squares"), "better") == {"format": 1, **report}


def test_labels_that_changed_since_are_not_corrected(correction: Correction, dataset: Dataset) -> None:
    source = dataset.labels("second")
    dataset.add_labels(LabelSet("second", source.masks[:, :, ::-1].copy(), source.covered))
    with pytest.raises(LvcnetError, match="changed since"):
        apply_correction(correction, dataset, "better", accepting("image-1"))
    assert "better" not in dataset.label_names()


def test_only_corrected_label_sets_can_be_replaced(correction: Correction, dataset: Dataset) -> None:
    for name in ("second", "clean"):
        with pytest.raises(LvcnetError, match="choose another name"):
            apply_correction(correction, dataset, name, accepting("image-1"), overwrite=True)
    apply_correction(correction, dataset, "better", accepting("image-1"))
    with pytest.raises(LvcnetError, match="choose another name"):
        apply_correction(correction, dataset, "better", accepting("image-2"))
    report = apply_correction(correction, dataset, "better", accepting("image-2"), overwrite=True)
    assert report["accepted"] == ["image-2"]


def test_nothing_and_unknown_images_cannot_be_accepted(correction: Correction, dataset: Dataset) -> None:
    with pytest.raises(LvcnetError, match="accept at least one"):
        apply_correction(correction, dataset, "better", accepting())
    with pytest.raises(LvcnetError, match="has not judged image-77"):
        apply_correction(correction, dataset, "better", accepting("image-77"))


def test_labels_that_lost_everything_are_named(dataset: Dataset) -> None:
    writer = CorrectionWriter("empty", (2, 1, SIZE, SIZE))
    writer.write(np.arange(2), np.stack([np.zeros((1, SIZE, SIZE)), square(0, 0, 3)[None] * 1.0]))
    rows = [{"key": f"image-{n}", "quality": 0.5, "disagreement_px": 1.0} for n in range(2)]
    head = {
        "dataset": "squares",
        "labels": "second",
        "labels_digest": labels_digest(dataset.labels("second")),
    }
    correction = writer.finish({**head, "method": "unet", "runs": ["a"], "images": rows})
    report = apply_correction(correction, dataset, "better", accepting("image-0", "image-1"))
    assert report["emptied"] == ["image-0"]
    assert [row["area_change"] for row in report["images"]] == [-1.0, (9 - 64) / 64]


def test_corrected_labels_come_back_from_an_export(
    correction: Correction, dataset: Dataset, tmp_path
) -> None:
    apply_correction(correction, dataset, "better", accepting("image-1"))
    export_labels(dataset, "better", tmp_path / "masks", "masks", images=tmp_path / "images")
    back = import_masks(
        "back", tmp_path / "images", tmp_path / "masks", size=SIZE, test_fraction=0.25, seed=0
    )
    corrected = dataset.labels("better").masks
    keys = {item.key.removesuffix(".png"): row for row, item in enumerate(back.items)}
    for row in range(4):
        np.testing.assert_array_equal(back.labels("clean").masks[keys[f"image-{row}"]], corrected[row])
