"""The data set folder: what is written comes back, and what does not fit is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lvcnet import files, workspace
from lvcnet.data import dataset as dataset_module
from lvcnet.data import label_sets
from lvcnet.data.dataset import Dataset, LabelSet, find_dataset, list_datasets
from lvcnet.data.summary import iou_to_clean, summarise
from lvcnet.errors import LvcnetError
from tests.data.test_coco import small_dataset


def test_what_is_saved_comes_back(workspace_home: Path) -> None:
    dataset = small_dataset(32, 48)
    dataset.items[0] = replace(dataset.items[0], spacing_mm=(0.1, 0.2))
    folder = dataset.save()
    assert folder == workspace_home / "datasets" / "small"
    back = Dataset.load("small")
    assert (back.items, back.categories, back.size) == (dataset.items, ["bone", "tooth"], 16)
    assert back.images.dtype == np.uint8
    assert back.label_names() == ["clean", "second"]
    for name in back.label_names():
        np.testing.assert_array_equal(back.labels(name).masks, dataset.labels(name).masks)
        np.testing.assert_array_equal(back.labels(name).covered, dataset.labels(name).covered)
    assert back.manifest("clean") == {"family": "original"}
    assert back.fingerprint() == dataset.fingerprint()
    assert list_datasets().count("small") == 1


def test_a_saved_data_set_is_never_overwritten() -> None:
    small_dataset(16, 16).save()
    with pytest.raises(LvcnetError, match="exists"):
        small_dataset(16, 16).save()


def test_label_sets_added_later_are_stored_at_once() -> None:
    dataset = small_dataset(16, 16)
    dataset.save()
    dataset.add_labels(replace(dataset.labels("clean"), name="level3"))
    assert Dataset.load("small").label_names() == ["clean", "level3", "second"]


def test_the_fingerprint_follows_images_clean_labels_and_splits_alone() -> None:
    dataset = small_dataset(16, 16)
    before = dataset.fingerprint()
    dataset.add_labels(replace(dataset.labels("clean"), name="level3"))
    assert dataset.fingerprint() == before
    dataset.items[0] = replace(dataset.items[0], split="test")
    assert dataset.fingerprint() != before
    dataset.items[0] = replace(dataset.items[0], split="train")
    dataset.images[0, 0, 0] += 1
    assert dataset.fingerprint() != before


def test_ignored_pixels_come_back() -> None:
    dataset = small_dataset(16, 16)
    clean = dataset.labels("clean")
    ignored = np.random.default_rng(0).random(clean.masks.shape) < 0.3
    dataset.add_labels(LabelSet("doubted", clean.masks, clean.covered, {}, ignored))
    dataset.save()
    again = Dataset.load(dataset.name)
    np.testing.assert_array_equal(again.labels("doubted").ignored, ignored)
    assert again.labels("clean").ignored is None
    with pytest.raises(LvcnetError, match="the data set needs"):
        dataset.add_labels(LabelSet("wrong", clean.masks, clean.covered, {}, ignored[:1]))


def test_a_label_set_of_another_shape_is_refused() -> None:
    dataset = small_dataset(16, 16)
    with pytest.raises(LvcnetError, match="the data set needs"):
        dataset.add_labels(LabelSet("x", np.zeros((2, 1, 16, 16), dtype=bool), np.ones(2, dtype=bool)))


def test_a_newer_format_is_refused() -> None:
    folder = small_dataset(16, 16).save()
    head = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps({**head, "format": 99}))
    with pytest.raises(LvcnetError, match="upgrade lvcnet"):
        Dataset.load("small")


def test_unknown_names() -> None:
    dataset = small_dataset(16, 16)
    for call in (
        lambda: Dataset.load("none"),
        lambda: find_dataset("none"),
        lambda: dataset.labels("none"),
        lambda: dataset.index("none"),
        lambda: dataset.indices("none"),
    ):
        with pytest.raises(LvcnetError, match="none"):
            call()


def test_iou_to_clean_by_hand() -> None:
    masks = np.zeros((3, 1, 4, 4), dtype=bool)
    masks[0, 0, :2] = True  # 8 px
    other = masks.copy()
    other[0, 0, 1] = False  # 4 of 8 px: IoU 0.5; images 1 and 2 show nothing and do not count
    everywhere = np.ones(3, dtype=bool)
    clean = LabelSet("clean", masks, everywhere)
    noisy = LabelSet("noisy", other, np.array([True, True, False]))
    assert iou_to_clean(noisy, clean, np.arange(3)) == 0.5
    assert iou_to_clean(noisy, clean, np.array([1])) is None
    assert iou_to_clean(noisy, clean, np.array([2])) is None


def test_summary_counts_what_each_label_set_covers() -> None:
    summary = summarise(small_dataset(32, 32))
    second = next(row for row in summary["labels"] if row["name"] == "second")
    assert (second["covered_train"], second["covered_test"]) == (1, 0)
    assert (second["iou_train"], second["iou_test"]) == (1.0, None)
    # bone: 10 x 11 less a hole of 3 x 4 in one of two images
    assert summary["foreground"]["bone"] == pytest.approx((110 - 12) / 2 / 256)
    json.dumps(summary)


def test_the_demo_data_set_cannot_be_changed() -> None:
    name = next(
        iter(
            sorted(path.parent.name for path in (workspace.assets_dir() / "datasets").glob("*/dataset.json"))
        )
    )
    demo = Dataset.load(workspace.assets_dir() / "datasets" / name)
    with pytest.raises(LvcnetError, match="ships with the project"):
        demo.add_labels(demo.labels("clean"))


@pytest.mark.parametrize("writes", range(4))
def test_saving_that_is_interrupted_leaves_nothing(
    writes: int, workspace_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C before each of the four files: images, head, two label sets."""
    left = [writes]

    def write(path: Path, content: bytes) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    with monkeypatch.context() as patch:
        for module in (dataset_module, label_sets, files):
            patch.setattr(module, "write_atomic", write)
        with pytest.raises(KeyboardInterrupt):
            small_dataset(16, 16).save()
    assert left == [0]
    assert list((workspace_home / "datasets").iterdir()) == []
    small_dataset(16, 16).save()
    assert list_datasets().count("small") == 1


def test_saving_can_be_cancelled_between_label_sets(workspace_home: Path) -> None:
    seen = []

    def report(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 2:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        small_dataset(16, 16).save(report=report)
    assert seen == [(1, 2), (2, 2)]
    assert list((workspace_home / "datasets").iterdir()) == []
