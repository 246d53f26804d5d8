"""Mask folders in their three layouts, and the way back."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lvcnet.data.dataset import Dataset, Item, LabelSet
from lvcnet.data.exporter import export_labels
from lvcnet.data.importing.importer import ImportProblems, import_masks
from lvcnet.errors import LvcnetError
from tests.data.test_coco import small_dataset
from tests.data.test_dicom import dicom

LEFT = np.zeros((16, 16), dtype=np.uint8)
LEFT[:, :6] = 1
TOP = np.zeros((16, 16), dtype=np.uint8)
TOP[:4] = 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        save(tmp_path / "images" / f"{name}.png", np.zeros((16, 16), dtype=np.uint8))
    return tmp_path


def save(path: Path, pixels: np.ndarray, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def imported(folder: Path, **options: Any) -> Dataset:
    return import_masks("set", folder / "images", folder / "masks", size=16, test_fraction=0, **options)


def problems_of(folder: Path, **options: Any) -> list[str]:
    with pytest.raises(ImportProblems) as caught:
        imported(folder, **options)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("value", [1, 255])
def test_binary_masks(folder: Path, value: int) -> None:
    save(folder / "masks" / "a.png", LEFT * value)
    save(folder / "masks" / "b.png", LEFT * 0)
    dataset = imported(folder)
    assert dataset.categories == ["foreground"]
    np.testing.assert_array_equal(dataset.labels("clean").masks[:, 0], [LEFT > 0, LEFT < 0])
    assert dataset.labels("clean").covered.all()
    assert imported(folder, categories=["femur"]).categories == ["femur"]


def test_numbered_masks(folder: Path) -> None:
    numbered = np.where(LEFT > 0, 1, np.where(TOP > 0, 2, 0)).astype(np.uint8)
    save(folder / "masks" / "a.png", numbered)
    save(folder / "masks" / "b.tif", TOP)
    dataset = imported(folder, categories=["femur", "tibia"])
    np.testing.assert_array_equal(
        dataset.labels("clean").masks, [[numbered == 1, numbered == 2], [TOP == 1, TOP == 2]]
    )
    assert imported(folder).categories == ["1", "2"]


def test_palette_masks_give_their_indices(folder: Path) -> None:
    palette = Image.fromarray(LEFT, mode="P")
    palette.putpalette([0, 0, 0, 250, 30, 30])
    (folder / "masks").mkdir()
    for name in "ab":
        palette.save(folder / "masks" / f"{name}.png")
    np.testing.assert_array_equal(imported(folder).labels("clean").masks[0, 0], LEFT > 0)


def test_a_folder_a_category_may_overlap_and_miss_files(folder: Path) -> None:
    save(folder / "masks" / "femur" / "a.png", LEFT * 255)
    save(folder / "masks" / "tibia" / "a.png", np.stack([TOP * 255] * 3, axis=-1))
    save(folder / "masks" / "femur" / "b.png", LEFT * 0)
    dataset = imported(folder)
    assert dataset.categories == ["femur", "tibia"]
    none = LEFT < 0
    np.testing.assert_array_equal(dataset.labels("clean").masks, [[LEFT > 0, TOP > 0], [none, none]])
    assert imported(folder, categories=["tibia"]).labels("clean").masks.shape == (2, 1, 16, 16)


def test_folders_called_train_and_test_are_no_categories(tmp_path: Path) -> None:
    for name in ("train/a.png", "test/b.png"):
        save(tmp_path / "images" / name, LEFT)
        save(tmp_path / "masks" / name, LEFT * 255)
    dataset = import_masks("set", tmp_path / "images", tmp_path / "masks", size=16)
    assert dataset.categories == ["foreground"]
    assert {item.key: item.split for item in dataset.items} == {"train__a": "train", "test__b": "test"}


def test_a_second_annotator(folder: Path) -> None:
    for name in "ab":
        save(folder / "masks" / f"{name}.png", LEFT * 255)
        save(folder / "second" / f"{name}.png", TOP * 255)
    dataset = imported(folder, labels={"second": [folder / "second"]})
    np.testing.assert_array_equal(dataset.labels("second").masks[0, 0], TOP > 0)


@pytest.mark.parametrize(
    ("pixels", "options", "message"),
    [
        (np.zeros((16, 15), dtype=np.uint8), {}, "a.png is 16 x 16, the annotation says 15 x 16"),
        (np.arange(256, dtype=np.uint8).reshape(16, 16), {}, "has 255 values: these are no categories"),
        (LEFT + TOP * 3, {"categories": ["bone"]}, "has 3 values besides 0: one is expected"),
        (LEFT * 7, {"categories": ["femur", "tibia"]}, "unknown category value 7"),
        (np.stack([LEFT, TOP, TOP], axis=-1), {}, "is in colour"),
    ],
    ids=["size", "grey values", "not binary", "unknown value", "colour"],
)
def test_masks_that_cannot_be_used(
    folder: Path, pixels: np.ndarray, options: dict[str, Any], message: str
) -> None:
    save(folder / "masks" / "a.png", pixels)
    save(folder / "masks" / "b.png", LEFT)
    assert any(message in problem for problem in problems_of(folder, **options))


def test_missing_and_damaged_masks_are_listed_together(folder: Path) -> None:
    (folder / "masks").mkdir()
    (folder / "masks" / "b.png").write_bytes(b"no image")
    found = problems_of(folder)
    assert any("a.png does not exist" in problem for problem in found)
    assert any("b.png cannot be read as an image" in problem for problem in found)


def test_missing_folders(tmp_path: Path) -> None:
    found = problems_of(tmp_path)
    assert any("the image folder does not exist" in problem for problem in found)
    assert any("the mask folder does not exist" in problem for problem in found)


def test_written_folders_come_back_with_the_same_masks(tmp_path: Path) -> None:
    dataset = small_dataset(37, 53)
    export_labels(dataset, "clean", tmp_path / "masks", "masks", images=tmp_path / "images")
    back = import_masks("back", tmp_path / "images", tmp_path / "masks", size=16)
    rows = [back.index(item.key) for item in dataset.items]
    np.testing.assert_array_equal(back.labels("clean").masks[rows], dataset.labels("clean").masks)


def test_smoothed_masks_are_not_taken_for_categories(folder: Path) -> None:
    """40 grey values at the edges, as resizing leaves them, are fewer than the most categories there may be."""
    edge = np.zeros((16, 16), dtype=np.uint8)
    edge.flat[:40], edge[8:] = np.arange(3, 203, 5), 255
    for name in "ab":
        save(folder / "masks" / f"{name}.png", edge)
    (problem,) = problems_of(folder)
    assert "41 values up to 255: these are no categories (save without smoothing" in problem


def test_fractions_are_refused_and_whole_floats_are_not(folder: Path) -> None:
    save(folder / "masks" / "b.tif", LEFT.astype(np.float32))
    save(folder / "masks" / "a.tif", LEFT.astype(np.float32) / 2)
    (problem,) = problems_of(folder)
    assert "holds fractions such as 0.5: save whole category numbers" in problem
    save(folder / "masks" / "a.tif", LEFT.astype(np.float32))
    assert imported(folder).labels("clean").masks.sum() == 2 * LEFT.sum()


@pytest.mark.parametrize("colour", [0, 255])
def test_where_only_alpha_tells_the_mask_is_what_is_opaque(folder: Path, colour: int) -> None:
    flat = np.full_like(LEFT, colour)
    for name in "ab":
        save(folder / "masks" / f"{name}.png", np.dstack([flat, flat, flat, LEFT * 255]))
    np.testing.assert_array_equal(imported(folder).labels("clean").masks[0, 0], LEFT > 0)


def test_a_jpeg_mask_is_named_with_its_remedy(folder: Path) -> None:
    for name in "ab":
        save(folder / "masks" / f"{name}.jpg", LEFT * 255)
    assert all(
        "JPEG changes the values at edges: save it as PNG" in problem for problem in problems_of(folder)
    )


@pytest.mark.parametrize("format", ["masks", "labelme"])
def test_images_that_would_share_a_file_are_not_written_over_each_other(tmp_path: Path, format: str) -> None:
    items = [Item("a.png", "train", 16, 16, "s/a.png"), Item("a.jpg", "train", 16, 16, "s/a.jpg")]
    dataset = Dataset("set", ["bone"], items, np.zeros((2, 16, 16), np.uint8))
    dataset.add_labels(LabelSet("clean", np.stack([LEFT, TOP])[:, None] > 0, np.ones(2, bool)))
    with pytest.raises(
        LvcnetError, match=r"s/a\.png and s/a\.jpg would share the file s/a\.\w+: export as coco"
    ):
        export_labels(dataset, "clean", tmp_path / "out", format)
    assert not (tmp_path / "out").exists()


def test_categories_never_leave_the_folder_or_share_one(tmp_path: Path) -> None:
    names = ["..", "a/b", "a_b", "A_B"]
    dataset = Dataset("set", names, [Item("x", "train", 16, 16)], np.zeros((1, 16, 16), np.uint8))
    dataset.add_labels(LabelSet("clean", np.zeros((1, 4, 16, 16), bool), np.ones(1, bool)))
    export_labels(dataset, "clean", tmp_path / "deep" / "out", "masks")
    written = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png"))
    assert written == [f"deep/out/{name}/x.png" for name in ("A_B-4", "_..", "a_b-3", "a_b")]


def test_dicom_files_without_an_ending_are_images_and_keep_their_whole_names(folder: Path) -> None:
    """Two slices whose names differ behind the last dot only, as UIDs do; a text file beside them is no image."""
    names = ("1.2.840.10", "1.2.840.11", "IM0001")
    for number, name in enumerate(names):
        (folder / "images" / name).write_bytes(dicom(np.full((16, 16), number, dtype=np.uint16)))
    (folder / "images" / "notes.txt").write_text("hello")
    for name, mask in zip(("a", "b", *names), (LEFT, LEFT, LEFT, TOP, LEFT * 0), strict=True):
        save(folder / "masks" / f"{name}.png", mask)
    dataset = imported(folder)
    assert [item.key for item in dataset.items] == [*names[:2], "IM0001", "a", "b"]
    expected = [LEFT.sum(), TOP.sum(), 0, LEFT.sum(), LEFT.sum()]
    assert dataset.labels("clean").masks.sum(axis=(1, 2, 3)).tolist() == expected
    export_labels(dataset, "clean", folder / "out", "masks")
    assert (folder / "out" / "foreground" / "1.2.840.11.png").is_file()
