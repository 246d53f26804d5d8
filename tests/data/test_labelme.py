"""Labelme folders: every shape type, embedded images, and the way back."""

import base64
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lvcnet.data.dataset import LabelSet
from lvcnet.data.exporter import export_labels, exported_file
from lvcnet.data.formats.labelme import read_labelme
from lvcnet.data.importing.importer import ImportProblems, import_labelme
from lvcnet.errors import LvcnetError
from tests.data.test_coco import small_dataset

POLYGON = [[4, 2], [24, 2], [24, 12], [4, 12]]


def shape(points: Any, kind: str = "polygon", label: str = "bone", **more: Any) -> dict[str, Any]:
    return {"label": label, "points": points, "shape_type": kind, "group_id": None, "flags": {}, **more}


def write(folder: Path, name: str, *shapes: dict[str, Any], image: bool = True, **more: Any) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if image:
        Image.fromarray(np.full((20, 40), 51, dtype=np.uint8)).save(path.with_suffix(".png"))
    content = {"version": "5.5.0", "shapes": list(shapes), "imagePath": f"{path.stem}.png", "imageData": None}
    path.write_text(json.dumps({**content, "imageHeight": 20, "imageWidth": 40, **more}))


def mask_of(folder: Path, *shapes: dict[str, Any]) -> np.ndarray:
    """(10, 20) mask of category `bone` after 20 x 40 was halved."""
    write(folder, "a.json", *shapes)
    dataset = import_labelme("set", folder, size=20, test_fraction=0)
    return dataset.masks("clean", 0)[dataset.categories.index("bone")]


def problems_of(folder: Path) -> list[str]:
    with pytest.raises(ImportProblems) as caught:
        import_labelme("set", folder, size=20, test_fraction=0)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    "drawn",
    [shape(POLYGON), shape(POLYGON[::2], "rectangle"), shape([POLYGON[3], POLYGON[1]], "rectangle")],
    ids=["polygon", "rectangle", "rectangle from below"],
)
def test_polygon_and_rectangle(tmp_path: Path, drawn: dict[str, Any]) -> None:
    expected = np.zeros((10, 20), dtype=bool)
    expected[1:6, 2:12] = True
    np.testing.assert_array_equal(mask_of(tmp_path, drawn), expected)


def test_a_circle_is_its_centre_and_a_point_on_it(tmp_path: Path) -> None:
    write(tmp_path, "a.json", shape([[20, 10], [28, 10]], "circle"))
    (drawn,) = read_labelme(tmp_path).images[0].shapes["bone"]
    mask = np.zeros((20, 40), dtype=bool)
    drawn.paint(mask)
    y, x = np.mgrid[:20, :40] + 0.5
    np.testing.assert_array_equal(mask, (x - 20) ** 2 + (y - 10) ** 2 < 64)


def test_shapes_of_a_label_are_united_whatever_their_group(tmp_path: Path) -> None:
    right = [[x + 10, y] for x, y in POLYGON]
    mask = mask_of(tmp_path, shape(POLYGON), shape(right, group_id=4), shape(POLYGON, label="tooth"))
    assert mask[5].tolist() == [2 <= x < 17 for x in range(20)]


def test_a_mask_shape_lies_between_its_corner_pixels(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.fromarray(np.array([[255, 255, 0, 0], [0, 0, 255, 255]], dtype=np.uint8)).save(stream, "PNG")
    mask = mask_of(
        tmp_path, shape([[6, 3], [9, 4]], "mask", mask=base64.b64encode(stream.getvalue()).decode())
    )
    assert np.argwhere(mask).tolist() == [[1, 3], [2, 4]], "a row of the mask is half a row of the grid"


def test_an_embedded_image_is_used_where_the_file_is_missing(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.fromarray(np.full((20, 40), 102, dtype=np.uint8)).save(stream, "PNG")
    data = base64.b64encode(stream.getvalue()).decode()
    write(tmp_path, "a.json", shape(POLYGON), image=False, imageData=data)
    dataset = import_labelme("set", tmp_path, size=20, test_fraction=0)
    assert (dataset.images == 102).all()


def test_folders_called_train_and_test_give_the_split(tmp_path: Path) -> None:
    for name in ("train/a.json", "train/b.json", "test/c.json"):
        write(tmp_path, name, shape(POLYGON))
    dataset = import_labelme("set", tmp_path, size=20)
    assert {item.key: item.split for item in dataset.items} == {
        "train__a": "train",
        "train__b": "train",
        "test__c": "test",
    }


def test_a_second_annotator_is_another_folder(tmp_path: Path) -> None:
    write(tmp_path / "one", "a.json", shape(POLYGON))
    write(tmp_path / "two", "a.json", shape(POLYGON[::2], "rectangle"))
    dataset = import_labelme("set", tmp_path / "one", {"two": [tmp_path / "two"]}, size=20, test_fraction=0)
    np.testing.assert_array_equal(dataset.labels("two").masks, dataset.labels("clean").masks)


@pytest.mark.parametrize(
    ("drawn", "message"),
    [
        (shape(POLYGON[:2], "line"), "a line has no area"),
        (shape(POLYGON[:1], "point"), "a point has no area"),
        (shape(POLYGON, "linestrip"), "a linestrip has no area"),
        (shape(POLYGON, "rectangle"), "the rectangle needs two points"),
        (shape([["x", 1], [2, 3]], "circle"), "the circle needs two points"),
        (shape([[5, 5], [5, 5]], "circle"), "the circle is empty"),
        (shape([]), "the polygon is empty"),
        (shape([[0, 0], [9, 9], [9, 0], [0, 9]]), "the polygon crosses itself"),
        (shape(POLYGON, label=""), "has no label"),
        (shape([[0, 0], [5, 5]], "mask", mask="!!"), "the mask is damaged"),
        (shape([[0, 0], [5, 5]], "mask"), "the mask is damaged"),
    ],
)
def test_shapes_that_cannot_be_used(tmp_path: Path, drawn: dict[str, Any], message: str) -> None:
    write(tmp_path, "a.json", shape(POLYGON), drawn)
    (problem,) = problems_of(tmp_path)
    assert message in problem
    assert problem.startswith("a.json, shape 2")


def test_problems_of_all_files_are_listed_at_once(tmp_path: Path) -> None:
    write(tmp_path, "a.json", shape(POLYGON), image=False)
    write(tmp_path, "b.json", shape(POLYGON), imagePath="../../b.png")
    write(tmp_path, "c.json", shape(POLYGON), imageWidth=41)
    write(tmp_path, "d.json", shape(POLYGON), image=False, imageData="!")
    write(tmp_path, "e.json", shape(POLYGON), imageHeight=None)
    (tmp_path / "f.json").write_text("{}")
    found = "\n".join(problems_of(tmp_path))
    for expected in (
        "a.png does not exist",
        "leads out of the image folder",
        "c.png is 40 x 20, the annotation says 41 x 20",
        "imageData is damaged",
        "40 x None (width x height) is not valid",
        "is not a Labelme file",
    ):
        assert expected in found


def test_no_file_at_all(tmp_path: Path) -> None:
    assert any("holds no Labelme file" in problem for problem in problems_of(tmp_path))
    assert any("does not exist" in problem for problem in problems_of(tmp_path / "none"))


def test_written_folders_come_back_with_the_same_masks(tmp_path: Path) -> None:
    dataset = small_dataset(37, 53)
    export_labels(dataset, "clean", tmp_path / "out", "labelme", images=tmp_path / "out")
    kinds = {entry["shape_type"] for entry in json.loads((tmp_path / "out" / "a.json").read_text())["shapes"]}
    assert kinds == {"polygon", "mask"}
    back = import_labelme("back", tmp_path / "out", size=16)
    rows = [back.index(item.key) for item in dataset.items]
    np.testing.assert_array_equal(back.labels("clean").masks[rows], dataset.labels("clean").masks)


def test_what_is_not_ours_survives_import_correction_and_export(tmp_path: Path) -> None:
    """Two bones of which one is moved, and a screw that was not imported: keys and other shapes stay."""
    moved = shape([[2, 2], [10, 2], [10, 10], [2, 10]], group_id=7, description="left", reader={"name": "A"})
    other = shape([[22, 2], [36, 2], [36, 10], [22, 10]], group_id=8)
    screw = shape([[20.5, 15], [21, 15], [21, 16.25]], label="screw", note="ours")
    same = shape([[0, 0], [7.3, 0], [7.3, 5]], label="cup", flags={"sure": True})
    write(tmp_path, "a.json", moved, screw, same, other, hospital="H1", flags={"checked": True})
    dataset = import_labelme("set", tmp_path, size=20, test_fraction=0, categories=["bone", "cup"])
    masks = dataset.labels("clean").masks.copy()
    masks[0, 0] = False
    masks[0, 0, 2:6, 2:5] = True  # x 4 to 10 and y 4 to 12 of the original, which is twice as large
    masks[0, 0, 2:5, 11:17] = True
    dataset.add_labels(LabelSet("better", masks, np.ones(1, dtype=bool)))
    export_labels(dataset, "better", tmp_path / "out", "labelme")
    content = json.loads((tmp_path / "out" / "a.json").read_text())
    assert (content["hospital"], content["flags"]) == ("H1", {"checked": True})
    shapes = content["shapes"]
    assert shapes[:2] == [screw, same], "other labels and unchanged categories keep their exact outlines"
    assert [(one["group_id"], one.get("reader")) for one in shapes[2:]] == [(7, {"name": "A"}), (8, None)]
    corners = np.array(shapes[2]["points"])
    np.testing.assert_allclose([corners.min(axis=0), corners.max(axis=0)], [[4, 4], [10, 12]], atol=0.4)
    write(tmp_path / "again", "a.json", *shapes)
    again = import_labelme("set", tmp_path / "again", size=20, test_fraction=0, categories=["bone", "cup"])
    np.testing.assert_array_equal(again.labels("clean").masks, masks)


@pytest.mark.parametrize("format", ["labelme", "masks"])
def test_a_folder_can_be_had_as_a_zip_file(tmp_path: Path, format: str) -> None:
    dataset = small_dataset(32, 64)
    export_labels(dataset, "clean", tmp_path / "folder", format)
    export_labels(dataset, "clean", tmp_path / "all.zip", format)
    name, content = exported_file(dataset, "clean", format)
    assert name == f"{dataset.name}-clean-{format}.zip"
    assert content[:2] == b"PK"
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        unzipped = {entry: archive.read(entry) for entry in archive.namelist()}
    files = [path for path in (tmp_path / "folder").rglob("*") if path.is_file()]
    assert unzipped == {path.relative_to(tmp_path / "folder").as_posix(): path.read_bytes() for path in files}
    with pytest.raises(LvcnetError, match="exists"):
        export_labels(dataset, "clean", tmp_path / "all.zip", format)


@pytest.mark.parametrize("image_path", ["../images/a.png", "..\\images\\a.png", "./../images/a.png"])
def test_images_may_lie_in_a_folder_beside_the_annotations(tmp_path: Path, image_path: str) -> None:
    write(tmp_path / "annotations", "a.json", shape(POLYGON), image=False, imagePath=image_path)
    write(tmp_path / "images", "a.json", shape(POLYGON))
    (tmp_path / "images" / "a.json").unlink()
    dataset = import_labelme("set", tmp_path, size=20, test_fraction=0)
    assert dataset.items[0].source == "images/a.png"


@pytest.mark.parametrize("image_path", ["../../a.png", "/a.png", "C:\\a.png", "..", ""])
def test_image_paths_that_lead_out_are_refused_but_an_embedded_image_is_not(
    tmp_path: Path, image_path: str
) -> None:
    write(tmp_path / "sub", "a.json", shape(POLYGON), imagePath=image_path)
    (problem,) = problems_of(tmp_path)
    assert "leads out of" in problem or "is not the name of a file" in problem
    data = base64.b64encode((tmp_path / "sub" / "a.png").read_bytes()).decode()
    write(tmp_path / "sub", "a.json", shape(POLYGON), imagePath=image_path, imageData=data)
    assert import_labelme("set", tmp_path, size=20, test_fraction=0).items[0].key == "sub__a"
