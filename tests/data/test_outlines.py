"""Outlines that people drew come back from an export as they were, whatever the working size."""

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as coco_mask

from lvcnet.data.dataset import Dataset, LabelSet
from lvcnet.data.exporter import export_labels
from lvcnet.data.formats.mask_folders import read_values
from lvcnet.data.importing.importer import ImportProblems, import_coco, import_labelme, import_masks
from lvcnet.data.label_sets import changed_layers
from lvcnet.data.outlines.drawn import Drawn
from lvcnet.data.outlines.layers import count_outlines
from lvcnet.errors import DamagedError, LvcnetError
from lvcnet.files import read_json
from tests.data.conftest import CocoFolder
from tests.data.test_labelme import shape
from tests.data.test_labelme import write as write_labelme_file

TRIANGLE = [3.25, 2.5, 30.125, 3.0, 12.0, 17.75]


def rich(coco: CocoFolder) -> dict[str, Any]:
    """Two images with all that a COCO file may say: run lengths, a crowd, several rings, keys that nobody knows."""
    content = coco.content("ab")
    square = np.zeros((20, 40), dtype=np.uint8, order="F")
    square[3:9, 21:33] = 1
    square[5, 25] = 0
    packed = coco_mask.encode(square)
    packed = {"size": [20, 40], "counts": packed["counts"].decode()}
    runs = {"size": [20, 40], "counts": [200, 30, 570]}
    content["info"] = {"year": 2026, "description": "hips of one hospital"}
    content["licenses"] = [{"id": 5, "name": "ours"}]
    content["reader"] = {"who": ["A", "B"]}
    content["categories"] = [
        {"id": 4, "name": "tooth", "supercategory": "bone", "keypoints": ["tip"]},
        {"id": 1, "name": "bone", "colour": "#fff"},
    ]
    for image, (id, more) in zip(
        content["images"], ((11, {"license": 5}), (7, {"flickr": None})), strict=True
    ):
        image |= {"id": id, **more}
    content["annotations"] = [
        {
            "id": 90,
            "image_id": 11,
            "category_id": 1,
            "segmentation": [TRIANGLE, [1, 1, 4, 1, 4, 4]],
            "area": 1.5,
        },
        {
            "id": 13,
            "image_id": 11,
            "category_id": 4,
            "segmentation": packed,
            "iscrowd": 1,
            "bbox": [1, 2, 3, 4],
        },
        {
            "id": 14,
            "image_id": 7,
            "category_id": 1,
            "segmentation": runs,
            "attributes": {"sure": [True, None]},
        },
        {"id": 2, "image_id": 7, "category_id": 4, "segmentation": [[-3, 2, 50, 2, 20, 30]], "score": 0.1},
    ]
    return content


def by_id(entries: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    return {entry["id"]: entry for entry in entries}


def full_mask(annotations: list[dict[str, Any]], category: int, image: int) -> np.ndarray:
    """(20, 40) bool, as pycocotools draws it."""
    mask = np.zeros((20, 40), dtype=bool)
    for one in annotations:
        if (one["category_id"], one["image_id"]) == (category, image):
            found = one["segmentation"]
            if isinstance(found, list) or isinstance(found["counts"], list):
                found = coco_mask.frPyObjects(found, 20, 40)
            found = coco_mask.merge(found) if isinstance(found, list) else found
            mask |= coco_mask.decode(found).astype(bool)
    return mask


@pytest.mark.parametrize("size", [16, 40])
@pytest.mark.parametrize("stored", [False, True])
def test_a_coco_file_comes_back_with_its_keys_and_ids(coco: CocoFolder, size: int, stored: bool) -> None:
    content = rich(coco)
    dataset = import_coco("set", coco.images, coco.write(copy.deepcopy(content)), size=size, test_fraction=0)
    if stored:
        dataset.save()
        dataset = Dataset.load("set")
    export_labels(dataset, "clean", coco.folder / "out.json")
    back = read_json(coco.folder / "out.json")
    assert by_id(back["annotations"]) == by_id(content["annotations"])
    assert by_id(back["images"]) == by_id(content["images"])
    assert by_id(back["categories"]) == by_id(content["categories"])
    assert (back["licenses"], back["reader"]) == (content["licenses"], content["reader"])
    assert back["info"].items() >= content["info"].items()
    assert count_outlines(dataset, "clean") == (4, 0)


def test_only_what_has_changed_is_drawn_anew(coco: CocoFolder) -> None:
    """One pixel of one category of one image is another one: the three other outlines stay."""
    content = rich(coco)
    dataset = import_coco("set", coco.images, coco.write(copy.deepcopy(content)), size=16, test_fraction=0)
    clean = dataset.labels("clean")
    masks = clean.masks.copy()
    assert dataset.categories == ["tooth", "bone"]
    masks[0, 1, 5, 5] ^= True
    dataset.add_labels(LabelSet("edited", masks, clean.covered))
    export_labels(dataset, "edited", coco.folder / "out.json")
    back = read_json(coco.folder / "out.json")
    assert count_outlines(dataset, "edited") == (3, 1)
    kept = {id: one for id, one in by_id(content["annotations"]).items() if id != 90}
    assert {id: one for id, one in by_id(back["annotations"]).items() if id in kept} == kept
    assert not {1, 90} & set(by_id(back["annotations"])), (
        "new annotations get new numbers behind the old ones"
    )
    again = import_coco("again", coco.images, coco.write(back, "back.json"), size=16, test_fraction=0)
    np.testing.assert_array_equal(again.labels("clean").masks, masks)


def test_of_a_category_the_objects_that_have_not_changed_stay(coco: CocoFolder) -> None:
    """Three bones: one alone, and two that one annotation draws, of which one is moved; then a new one far away."""
    content = coco.content("ab")
    pair = [[22, 2, 28, 2, 28, 8, 22, 8], [32, 11, 38.5, 11, 38, 17]]
    content["annotations"][0] |= {"segmentation": [[2, 2.5, 9, 2, 9, 8.75]], "note": "alone"}
    content["annotations"].append({"id": 5, "image_id": 1, "category_id": 1, "segmentation": pair})
    dataset = import_coco("set", coco.images, coco.write(content), size=20, test_fraction=0)
    clean = dataset.labels("clean")
    moved, added = clean.masks.copy(), clean.masks.copy()
    moved[0, 0, 2:8, 11:14], moved[0, 0, 3:9, 11:14] = False, True
    added[0, 0, 15:18, 1:4] = True
    kept = {}
    for name, masks in (("moved", moved), ("added", added)):
        dataset.add_labels(LabelSet(name, masks, clean.covered))
        export_labels(dataset, name, coco.folder / f"{name}.json")
        back = read_json(coco.folder / f"{name}.json")
        kept[name] = [one for one in back["annotations"] if one in content["annotations"]]
        again = import_coco("again", coco.images, coco.write(back, "back.json"), size=20, test_fraction=0)
        np.testing.assert_array_equal(again.labels("clean").masks, masks)
    assert [one["id"] for one in kept["moved"]] == [1, 2]
    assert [one["id"] for one in kept["added"]] == [1, 5, 2]


def test_ids_that_two_files_share_are_numbered_anew(coco: CocoFolder) -> None:
    train, test = coco.content("ab"), coco.content("cd")
    test["categories"][0]["id"] = test["annotations"][0]["category_id"] = test["annotations"][1][
        "category_id"
    ] = 3
    test["annotations"][0]["note"] = "kept"
    dataset = import_coco("set", coco.images, coco.write(train), coco.write(test, "test.json"), size=16)
    export_labels(dataset, "clean", coco.folder / "out.json")
    back = read_json(coco.folder / "out.json")
    assert [image["id"] for image in back["images"]] == [1, 2, 3, 4]
    assert [one["id"] for one in back["annotations"]] == [1, 2, 3, 4]
    assert {one["category_id"] for one in back["annotations"]} == {1}
    assert back["annotations"][2]["note"] == "kept"
    assert [one["image_id"] for one in back["annotations"]] == [1, 2, 3, 4]


@pytest.mark.parametrize("format", ["coco", "labelme", "masks"])
@pytest.mark.parametrize("came_as", ["coco", "labelme", "masks"])
def test_every_format_comes_back_to_the_pixel_in_every_other(
    coco: CocoFolder, came_as: str, format: str
) -> None:
    """Through two data sets: the masks at full size are those of the first file, from a grid of 16 pixels."""
    content = rich(coco)
    content["annotations"][3]["segmentation"] = [[3, 2.5, 38, 2, 20, 19]]  # inside: pycocotools does not clip
    expected = [
        full_mask(content["annotations"], category, image) for image in (11, 7) for category in (4, 1)
    ]
    for name in "cd":
        (coco.images / f"{name}.png").unlink()
    first = import_coco("first", coco.images, coco.write(copy.deepcopy(content)), size=16, test_fraction=0)
    middle = passed_on(first, came_as, coco.images)
    last = passed_on(middle, format, coco.images)
    export_labels(last, "clean", coco.folder / "last", "masks")
    found = [read_values(coco.folder / "last" / c / f"{n}.png") > 0 for n in "ab" for c in ("tooth", "bone")]
    for got, want in zip(found, expected, strict=True):
        np.testing.assert_array_equal(got, want)


def passed_on(dataset: Dataset, format: str, images: Path) -> Dataset:
    """The data set that comes of an export, imported from files of that format at another size."""
    output = images.parent / f"{dataset.name}-{format}"
    export_labels(dataset, "clean", output, format)
    size, name = dataset.size + 3, f"{dataset.name}x"
    if format == "coco":
        return import_coco(name, images, output, size=size, test_fraction=0)
    if format == "masks":
        return import_masks(name, images, output, size=size, test_fraction=0)
    for path in images.glob("*.png"):
        (output / path.name).write_bytes(path.read_bytes())
    made = import_labelme(name, output, size=size, test_fraction=0)
    (output / "a.json").write_text("{}")  # the imported files are not needed any more
    return made


def test_labelme_shapes_come_back_without_the_imported_files(tmp_path: Path) -> None:
    shapes = [
        shape([[2.5, 2], [10, 2], [10, 10.75]], group_id=7, reader={"name": "A"}),
        shape([[22, 2], [36, 12]], "rectangle", label="cup"),
        shape([[12, 10], [15, 10]], "circle", flags={"sure": True}),
    ]
    write_labelme_file(tmp_path, "a.json", *shapes, hospital="H1", flags={"checked": True})
    before = read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_text(json.dumps({**before, "imageData": "c2VjcmV0"}))
    dataset = import_labelme("set", tmp_path, size=16, test_fraction=0)
    drawn = dataset.labels("clean").drawn
    assert drawn is not None
    assert b"c2VjcmV0" not in drawn.images[0], "images are not copied"
    (tmp_path / "a.json").unlink()
    export_labels(dataset, "clean", tmp_path / "out", "labelme")
    assert read_json(tmp_path / "out" / "a.json") == before


def test_mask_files_come_back_to_the_pixel(tmp_path: Path) -> None:
    """Numbered categories and a value to be ignored, of which a grid of 16 pixels shows little."""
    values = np.random.default_rng(0).integers(0, 4, (50, 70)).astype(np.uint8)
    for folder, content in (("images", values * 0), ("masks", values)):
        (tmp_path / folder).mkdir()
        Image.fromarray(content).save(tmp_path / folder / "a.png")
    names = ["one", "two", "void"]
    dataset = import_masks(
        "set",
        tmp_path / "images",
        tmp_path / "masks",
        size=16,
        test_fraction=0,
        categories=names,
        ignore="void",
    )
    dataset.save()
    export_labels(Dataset.load("set"), "clean", tmp_path / "out", "masks")
    for number, name in enumerate(names, start=1):
        if (tmp_path / "out" / name).exists() or name != "void":
            np.testing.assert_array_equal(
                read_values(tmp_path / "out" / name / "a.png") > 0, values == number
            )


def test_pixels_that_count_again_make_an_outline_another_one(coco: CocoFolder) -> None:
    content = coco.content("ab")
    content["categories"].append({"id": 9, "name": "void"})
    band = {"image_id": 1, "category_id": 9, "segmentation": [[20, 0, 40, 0, 40, 20, 20, 20]]}
    content["annotations"].append({"id": 10, **band})
    dataset = import_coco("set", coco.images, coco.write(content), size=20, ignore="void", test_fraction=0)
    clean = dataset.labels("clean")
    assert clean.ignored is not None
    fewer, more = np.zeros_like(clean.ignored), np.ones_like(clean.ignored)
    same = [[False, False], [False, False]]
    assert changed_layers(clean, replace(clean, name="a")).tolist() == same
    assert changed_layers(clean, replace(clean, ignored=fewer)).tolist() == [[True, True], [False, False]]
    assert changed_layers(clean, replace(clean, ignored=more)).tolist() == [[False, True], [False, True]]
    assert count_outlines(dataset, "clean") == (3, 0)


def test_a_label_set_of_an_earlier_format_opens_and_is_drawn_anew(coco: CocoFolder) -> None:
    dataset = import_coco("set", coco.images, coco.write(rich(coco)), size=16, test_fraction=0)
    clean = replace(dataset.labels("clean"), drawn=None)
    dataset.add_labels(clean)
    dataset.save()
    old = Dataset.load("set")
    export_labels(old, "clean", coco.folder / "out.json")
    assert count_outlines(old, "clean") == (0, 4)
    back = import_coco("back", coco.images, coco.folder / "out.json", size=16, test_fraction=0)
    np.testing.assert_array_equal(back.labels("clean").masks, clean.masks)


def test_entries_that_are_nested_too_deeply_are_refused_in_words(coco: CocoFolder, tmp_path: Path) -> None:
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    for part in ("annotations", "images", "categories"):
        content = coco.content("ab")
        content[part][0]["attributes"] = deep
        with pytest.raises(ImportProblems, match="is nested too deeply: at most 32 levels are kept"):
            import_coco("set", coco.images, coco.write(content), size=16)
    with pytest.raises(ImportProblems, match="is nested too deeply"):
        import_coco("set", coco.images, coco.write({**coco.content("ab"), "extra": deep}), size=16)
    write_labelme_file(tmp_path / "files", "a.json", shape([[2, 2], [9, 2], [9, 9]], note=deep))
    with pytest.raises(ImportProblems, match="is nested too deeply"):
        import_labelme("set", tmp_path / "files", size=16)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=20), max_size=5), st.lists(st.sets(st.text(max_size=3)), max_size=5))
def test_packed_outlines_come_back(images: list[bytes], changed: list[set[str]]) -> None:
    count = min(len(images), len(changed))
    names = tuple(map(frozenset, changed[:count]))
    drawn = Drawn("coco", "clean", {"info": {"a": None}}, tuple(images[:count]), names)
    head, blob = drawn.packed()
    assert Drawn.unpacked(head, blob) == drawn
    with pytest.raises(ValueError, match="do not fit"):
        Drawn.unpacked(head, blob + b"x")


@pytest.mark.parametrize(
    "content", [b"[]", b"{", b'{"entry": 3, "shapes": []}', b'{"entry": {}, "shapes": [[1]]}']
)
def test_what_is_damaged_is_said_in_words(content: bytes) -> None:
    drawn = Drawn("coco", "clean", {}, (content, b""), (frozenset(),) * 2)
    with pytest.raises(LvcnetError, match="what was kept of image 1 of label set 'clean' is damaged"):
        drawn.image(0)
    assert drawn.image(1) is None


def test_outlines_that_do_not_fit_their_masks_are_damage(coco: CocoFolder) -> None:
    dataset = import_coco("set", coco.images, coco.write(coco.content("ab")), size=16, test_fraction=0)
    clean = dataset.labels("clean")
    assert clean.drawn is not None
    fewer = replace(clean.drawn, images=clean.drawn.images[:1], changed=clean.drawn.changed[:1])
    dataset.add_labels(replace(clean, drawn=fewer))
    dataset.save()
    with pytest.raises(DamagedError, match="the outlines do not fit the masks"):
        Dataset.load("set").labels("clean")


NUMBERS = st.floats(0, 40).map(lambda number: round(number, 3))
EXTRA = st.dictionaries(
    st.text(max_size=4).filter(lambda key: key not in ("id", "image_id", "category_id", "segmentation")),
    st.none()
    | st.booleans()
    | st.text(max_size=5)
    | st.integers(-(10**9), 10**9)
    | st.lists(NUMBERS, max_size=3),
    max_size=3,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.lists(NUMBERS, min_size=6, max_size=16), EXTRA), min_size=1, max_size=4),
    st.integers(16, 64),
)
def test_whatever_can_be_imported_comes_back_as_it_was(
    coco: CocoFolder, drawn: list[tuple[list[float], dict[str, Any]]], size: int
) -> None:
    content = coco.content("ab")
    content["annotations"] = [
        {
            **more,
            "id": 3 * n,
            "image_id": 1 + n % 2,
            "category_id": 1,
            "segmentation": [ring[: len(ring) // 2 * 2]],
        }
        for n, (ring, more) in enumerate(drawn)
    ]
    try:
        dataset = import_coco(
            "set", coco.images, coco.write(content), size=size, test_fraction=0, accept_self_crossing=True
        )
    except ImportProblems:
        return
    output = coco.folder / "out.json"
    export_labels(dataset, "clean", output, overwrite=True)
    back = json.loads(output.read_text())
    assert by_id(back["annotations"]) == by_id(content["annotations"])


def test_the_mandibles_of_two_dentists_come_back(mandible: Path, tmp_path: Path) -> None:
    """Real outlines at 64 pixels: annotations are those of the files, and so both opinions have IoU 1."""
    files = {name: mandible / f"dentist{name}.json" for name in ("1_test", "2_test")}
    dataset = import_coco(
        "set", mandible / "images", files["1_test"], labels={"second": [files["2_test"]]}, size=64
    )
    for label, file in (("clean", "1_test"), ("second", "2_test")):
        export_labels(dataset, label, tmp_path / f"{label}.json")
        back, before = read_json(tmp_path / f"{label}.json"), read_json(files[file])
        assert by_id(back["annotations"]) == by_id(before["annotations"])
        assert by_id(back["images"]) == by_id(before["images"])
