"""COCO in and out: run lengths against pycocotools, holes, several rings, crowds, and the way back."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from lvcnet.data.dataset import Dataset, Item, LabelSet
from lvcnet.data.exporter import write_images
from lvcnet.data.formats.coco import masks_to_annotations, read_coco, write_coco
from lvcnet.data.images import mask_to_working_grid
from lvcnet.data.importing.importer import import_coco
from lvcnet.errors import LvcnetError
from lvcnet.masks.rle import parse_run_lengths
from tests.data.conftest import CocoFolder

MASKS = arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def rings(*outlines: list[float]) -> list[list[float]]:
    return list(outlines)


def drawn(coco: CocoFolder, segmentation: Any, iscrowd: int = 0) -> np.ndarray:
    """The mask (20, 40) that one annotation gives."""
    content = coco.content("a")
    content["annotations"][0] |= {"segmentation": segmentation, "iscrowd": iscrowd}
    annotations = read_coco(coco.write(content), coco.images)
    assert annotations.problems == []
    (shape,) = annotations.images[0].shapes["bone"]
    mask = np.zeros((20, 40), dtype=bool)
    shape.paint(mask)
    return mask


@settings(max_examples=200, deadline=None)
@given(MASKS)
def test_compressed_run_lengths_as_pycocotools_writes_them(mask: np.ndarray) -> None:
    encoded = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    segmentation = {"size": list(encoded["size"]), "counts": encoded["counts"].decode()}
    np.testing.assert_array_equal(parse_run_lengths(segmentation, *mask.shape).raster(*mask.shape), mask)


def test_uncompressed_run_lengths_run_down_the_columns() -> None:
    segmentation = {"size": [2, 3], "counts": [1, 2, 3]}
    expected = [[False, True, False], [True, False, False]]
    assert parse_run_lengths(segmentation, 2, 3).raster(2, 3).tolist() == expected


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ({"size": [3, 2], "counts": [6]}, "has size"),
        ({"counts": [6]}, "has size"),
        ({"size": [2, 3], "counts": [5]}, "add up"),
        ({"size": [2, 3], "counts": [8, -2]}, "add up"),
        ({"size": [2, 3], "counts": [6.0]}, "add up"),
        ({"size": [2, 3]}, "add up"),
        ({"size": [2, 3], "counts": "~~"}, "damaged"),
        ({"size": [2, 3], "counts": "P"}, "cut off"),
        ({"size": [2, 3], "counts": "oooooooooooooooooooo"}, "damaged"),
    ],
)
def test_damaged_run_lengths(segmentation: dict[str, Any], message: str) -> None:
    with pytest.raises(LvcnetError, match=message):
        parse_run_lengths(segmentation, 2, 3)


def test_several_rings_are_united(coco: CocoFolder) -> None:
    mask = drawn(coco, rings([0, 0, 10, 0, 10, 10, 0, 10], [5, 0, 15, 0, 15, 10, 5, 10]))
    assert mask.sum() == 150
    assert mask[5, 7]


def test_a_hole_comes_as_run_lengths(coco: CocoFolder) -> None:
    mask = np.zeros((20, 40), dtype=bool)
    mask[2:12, 4:24] = True
    mask[5:8, 10:15] = False
    (annotation,) = masks_to_annotations(mask[None], 1, 1, [1])
    assert isinstance(annotation["segmentation"], dict)
    assert annotation["area"] == 200 - 15
    np.testing.assert_array_equal(drawn(coco, annotation["segmentation"]), mask)


def test_crowd_regions_count_as_foreground(coco: CocoFolder) -> None:
    counts = [20 * 3, 20, 20 * 36]
    mask = drawn(coco, {"size": [20, 40], "counts": counts}, iscrowd=1)
    assert (mask.sum(), mask[:, 3].all()) == (20, True)


def test_one_annotation_a_component_and_category() -> None:
    masks = np.zeros((2, 6, 8), dtype=bool)
    masks[0, 1:3, 1:3] = masks[0, 4:6, 5:8] = True
    masks[1, :, :2] = True
    annotations = masks_to_annotations(masks, image_id=7, first_id=11, categories=[3, 5])
    assert [(one["id"], one["image_id"], one["category_id"]) for one in annotations] == [
        (11, 7, 3),
        (12, 7, 3),
        (13, 7, 5),
    ]
    assert [one["bbox"] for one in annotations] == [[1, 1, 2, 2], [5, 4, 3, 2], [0, 0, 2, 6]]
    assert [one["area"] for one in annotations] == [4, 6, 12]


@settings(max_examples=100, deadline=None)
@given(MASKS)
def test_annotations_decode_to_the_mask_with_pycocotools(mask: np.ndarray) -> None:
    total = np.zeros(mask.shape, dtype=bool)
    for annotation in masks_to_annotations(mask[None], 1, 1, [1]):
        segmentation = annotation["segmentation"]
        encoded = segmentation
        if isinstance(segmentation, list):
            encoded = coco_mask.merge(coco_mask.frPyObjects(segmentation, *mask.shape))
        component = coco_mask.decode(encoded).astype(bool)
        assert component.sum() == annotation["area"]
        total |= component
    np.testing.assert_array_equal(total, mask)


def small_dataset(height: int, width: int) -> Dataset:
    """Two images with two overlapping categories, one with a hole; label set `second` covers image 0 alone."""
    masks = np.zeros((2, 2, 16, 16), dtype=bool)
    masks[0, 0, 2:12, 3:14] = True
    masks[0, 0, 5:8, 6:10] = False
    masks[0, 1, 4:15, 1:9] = True
    masks[1, 1, 0:3, 0:3] = masks[1, 1, 9:16, 9:16] = True
    items = [
        Item(name, split, height, width, f"{name}.png") for name, split in (("a", "train"), ("b", "test"))
    ]
    dataset = Dataset("small", ["bone", "tooth"], items, np.zeros((2, 16, 16), dtype=np.uint8))
    everywhere, first = np.array([True, True]), np.array([True, False])
    dataset.add_labels(LabelSet("clean", masks, everywhere, {"family": "original"}))
    dataset.add_labels(LabelSet("second", masks & first[:, None, None, None], first))
    return dataset


@pytest.mark.parametrize(("height", "width"), [(16, 16), (32, 64), (37, 53)])
def test_written_files_come_back_with_the_same_masks(tmp_path: Path, height: int, width: int) -> None:
    dataset = small_dataset(height, width)
    write_coco(dataset, "clean", tmp_path / "all.json")
    write_images(dataset, [0, 1], tmp_path / "images")
    back = import_coco("back", tmp_path / "images", tmp_path / "all.json", size=16)
    rows = [back.index(item.key) for item in dataset.items]
    np.testing.assert_array_equal(back.labels("clean").masks[rows], dataset.labels("clean").masks)
    assert back.categories == ["bone", "tooth"]


def test_the_official_tool_reads_what_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = small_dataset(32, 48)
    write_coco(dataset, "clean", tmp_path / "all.json", split="train")
    official = COCO(str(tmp_path / "all.json"))
    (image,) = official.loadImgs(official.getImgIds())
    assert (image["file_name"], image["width"], image["height"]) == ("a.png", 48, 32)
    bone = sum(official.annToMask(one) for one in official.loadAnns(official.getAnnIds(catIds=[1])))
    np.testing.assert_array_equal(mask_to_working_grid(bone > 0, (11, 16)), dataset.masks("clean", 0)[0])
    assert json.loads((tmp_path / "all.json").read_text())["info"]["manifest"] == {"family": "original"}


def test_images_that_a_label_set_does_not_cover_are_left_out(tmp_path: Path) -> None:
    write_coco(small_dataset(16, 16), "second", tmp_path / "second.json")
    content = json.loads((tmp_path / "second.json").read_text())
    assert [image["file_name"] for image in content["images"]] == ["a.png"]
    assert {one["image_id"] for one in content["annotations"]} == {1}
