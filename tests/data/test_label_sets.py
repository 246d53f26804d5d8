import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvcnet import formats
from lvcnet.data.dataset import Dataset, LabelSet, labels_digest
from lvcnet.data.label_sets import LabelFolder
from lvcnet.data.outlines.drawn import Drawn
from lvcnet.errors import DamagedError, LvcnetError
from lvcnet.folders import TakenError
from tests.data.test_coco import small_dataset


def as_format_1(folder: Path, name: str) -> None:
    """Write a label set as it was first: masks in one file, manifest in another."""
    with np.load(folder / f"{name}.npz") as stored:
        arrays: dict[str, Any] = {key: stored[key] for key in stored.files if key != "manifest"}
        manifest = json.loads(stored["manifest"].tobytes())["manifest"]
    np.savez_compressed(folder / f"{name}.npz", **arrays)
    (folder / f"{name}.json").write_text(json.dumps(manifest))


def test_manifest_and_masks_are_one_file() -> None:
    folder = small_dataset(16, 16).save()
    assert sorted(path.name for path in (folder / "labels").glob("[!.]*")) == ["clean.npz", "second.npz"]


def test_a_label_set_of_format_1_is_read_and_replaced_as_a_whole() -> None:
    folder = small_dataset(16, 16).save()
    before = Dataset.load("small").labels("clean")
    as_format_1(folder / "labels", "clean")
    dataset = Dataset.load("small")
    assert dataset.manifest("clean") == before.manifest
    assert np.array_equal(dataset.labels("clean").masks, before.masks)
    dataset.add_labels(replace(before, manifest={"family": "other"}))
    assert not (folder / "labels" / "clean.json").exists()
    assert Dataset.load("small").manifest("clean") == {"family": "other"}


def test_who_looked_before_another_wrote_is_told() -> None:
    small_dataset(16, 16).save()
    mine, yours = Dataset.load("small"), Dataset.load("small")
    clean = mine.labels("clean")
    yours.add_labels(LabelSet("level3", clean.masks, clean.covered, {"seed": 1}))
    with pytest.raises(TakenError, match="'level3' was made, replaced or deleted meanwhile"):
        mine.add_labels(LabelSet("level3", ~clean.masks, clean.covered, {"seed": 2}))
    assert Dataset.load("small").manifest("level3") == {"seed": 1}
    assert mine.manifest("level3") == {"seed": 1}  # what is stored, not what was refused
    Dataset.load("small").add_labels(LabelSet("level3", ~clean.masks, clean.covered, {"seed": 2}))
    assert Dataset.load("small").manifest("level3") == {"seed": 2}


def test_a_newer_label_set_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = small_dataset(16, 16)
    with monkeypatch.context() as patch:
        patch.setattr("lvcnet.formats.LABELS", replace(formats.LABELS, version=99))
        dataset.save()
    with pytest.raises(LvcnetError, match=r"format 99: this version reads up to 3; upgrade lvcnet"):
        Dataset.load("small").labels("clean")


def test_what_killed_writers_left_goes_with_the_next_write() -> None:
    folder = small_dataset(16, 16).save() / "labels"
    left, fresh = folder / f".clean.npz.{'a' * 32}", folder / f".clean.npz.{'b' * 32}"
    left.touch()
    fresh.touch()
    os.utime(left, (0, 0))
    dataset = Dataset.load("small")
    dataset.add_labels(replace(dataset.labels("clean"), name="other"))
    assert not left.exists()
    assert fresh.exists()


def test_every_flipped_bit_of_a_label_set_is_found_or_changes_nothing() -> None:
    """Masks, manifest, report and outlines have checksums in the file; that no part of it disappears is checked by the reader."""
    made = small_dataset(4, 4)
    clean = made.labels("clean")
    drawn = Drawn(
        "coco", "clean", {"a": 1}, (b'{"entry": {}, "shapes": []}', b""), (frozenset("b"), frozenset())
    )
    report = {"format": 1, "rows": [1, 2]}
    made.add_labels(replace(clean, name="all", ignored=clean.masks, report=report, drawn=drawn))
    path = made.save() / "labels" / "all.npz"
    dataset, content = Dataset.load("small"), path.read_bytes()
    want, found = dataset.labels("all"), 0
    folder = LabelFolder(path.parent)
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)
        try:
            got = folder.read("all")
        except DamagedError:
            found += 1
            continue
        assert labels_digest(got) == labels_digest(want), place
        assert (got.manifest, got.report, got.drawn) == (want.manifest, want.report, want.drawn), place
        assert got.ignored is not None, place
    assert found > len(content) // 2
