"""The importer: what it makes of good files, and every problem it must find before anything is imported."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lvcnet.data.exporter import export_labels
from lvcnet.data.importing import importer
from lvcnet.data.importing.annotated import import_warnings
from lvcnet.data.importing.importer import ImportProblems, import_coco, import_labelme, import_masks
from lvcnet.data.importing.options import Settings
from lvcnet.errors import LvcnetError
from lvcnet.masks import outlines
from tests.data.conftest import CocoFolder

Content = dict[str, Any]


def problems_of(coco: CocoFolder, content: Any, **options: Any) -> list[str]:
    with pytest.raises(ImportProblems) as caught:
        import_coco("set", coco.images, coco.write(content), size=20, **options)
    return [str(problem) for problem in caught.value.problems]


def test_masks_and_images_land_on_the_working_grid(coco: CocoFolder) -> None:
    train, test = coco.write(coco.content("ab")), coco.write(coco.content("cd"), "test.json")
    seen: list[tuple[int, int]] = []
    dataset = import_coco("set", coco.images, train, test, size=20, report=lambda *step: seen.append(step))
    assert [(item.key, item.split) for item in dataset.items] == [
        ("a", "train"),
        ("b", "train"),
        ("c", "test"),
        ("d", "test"),
    ]
    assert (dataset.items[0].width, dataset.items[0].height, dataset.items[0].source) == (40, 20, "a.png")
    assert dataset.images.dtype == np.uint8
    assert dataset.images[:, 0, 0].tolist() == [0, 40, 80, 120]
    assert dataset.grid == (12, 20), "10 x 20, and rows are a multiple of 4, which divides 20 and 32"
    expected = np.zeros((12, 20), dtype=bool)
    expected[1:6, 2:12] = True  # x and y are halved
    np.testing.assert_array_equal(dataset.labels("clean").masks[0, 0], expected)
    assert dataset.labels("clean").covered.all()
    assert seen[-4:] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert dataset.folder is None


def test_many_small_shapes_cost_their_own_pixels_and_can_be_cancelled(
    coco: CocoFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The boxes that are decoded, and not the image, are what each shape costs."""
    decoded, decode = [0], outlines.coco_mask.decode

    def counted(encoded: Any) -> np.ndarray:
        drawn = decode(encoded)
        decoded[0] += drawn.size
        return drawn

    monkeypatch.setattr(outlines.coco_mask, "decode", counted)
    content = coco.content("a")
    (first,) = content["annotations"]
    square = [20, 10, 22, 10, 22, 12, 20, 12]
    content["annotations"] = [{**first, "id": id, "segmentation": [square]} for id in range(1, 501)]
    path = coco.write(content)
    dataset = import_coco("set", coco.images, path, size=40, test_fraction=0)
    assert dataset.labels("clean").masks[0, 0].sum() > 0
    assert decoded[0] == 500 * 4 * 4  # the square and a pixel around it; the image has 800

    class Cancelled(Exception):
        pass

    def report(done: int, total: int) -> None:
        if decoded[0]:
            raise Cancelled

    decoded[0] = 0
    with pytest.raises(Cancelled):
        import_coco("set", coco.images, path, size=40, test_fraction=0, report=report)
    assert decoded[0] == (importer.SHAPES_BETWEEN - 1) * 4 * 4


def test_several_annotations_of_a_category_are_united_and_categories_may_overlap(coco: CocoFolder) -> None:
    content = coco.content("ab")
    content["categories"].append({"id": 9, "name": "tooth"})
    for id, category, x in ((10, 1, 20), (11, 9, 4)):
        outline = [x, 2, x + 10, 2, x + 10, 12, x, 12]
        content["annotations"].append(
            {"id": id, "image_id": 1, "category_id": category, "segmentation": [outline]}
        )
    dataset = import_coco("set", coco.images, coco.write(content), size=40)
    bone, tooth = dataset.labels("clean").masks[dataset.index("a")]
    assert dataset.categories == ["bone", "tooth"]
    assert bone.any(axis=0).tolist() == [4 <= x < 30 for x in range(40)]
    assert (bone & tooth).sum() == tooth.sum() > 0


def test_an_ignore_category_becomes_pixels_that_say_nothing(coco: CocoFolder) -> None:
    """The bone covers columns 4 to 23; from column 20 on nothing counts, for any category."""
    content = coco.content("ab")
    content["categories"].append({"id": 9, "name": "unclear"})
    outline = [20, 0, 40, 0, 40, 20, 20, 20]
    content["annotations"].append({"id": 10, "image_id": 1, "category_id": 9, "segmentation": [outline]})
    dataset = import_coco("set", coco.images, coco.write(content), size=40, ignore="unclear")
    labels, a, b = dataset.labels("clean"), dataset.index("a"), dataset.index("b")
    assert dataset.categories == ["bone"]
    assert labels.ignored is not None
    assert labels.ignored[a, 0, :20].all(axis=0).tolist() == [x >= 20 for x in range(40)]
    assert not labels.ignored[b].any()
    assert labels.masks[a, 0].any(axis=0).tolist() == [4 <= x < 20 for x in range(40)]
    seen = import_coco("set", coco.images, coco.write(content), size=40, categories=["bone"])
    assert seen.fingerprint() != dataset.fingerprint(), "what counts decides results"
    (problem,) = problems_of(coco, content, ignore="fog")
    assert problem.startswith("--ignore: unknown category 'fog'")
    assert "declares bone, unclear" in problem


def test_categories_can_be_chosen_and_ordered(coco: CocoFolder) -> None:
    content = coco.content("ab")
    content["categories"] += [{"id": 2, "name": "x"}, {"id": 3, "name": "y"}]
    dataset = import_coco("set", coco.images, coco.write(content), categories=["y", "bone"], size=20)
    assert dataset.categories == ["y", "bone"]
    assert dataset.labels("clean").masks.any(axis=(0, 2, 3)).tolist() == [False, True]


def test_a_second_annotator_is_matched_by_file_name(coco: CocoFolder) -> None:
    other = coco.content("ba")
    other["annotations"][1]["segmentation"] = [[0, 0, 40, 0, 40, 20, 0, 20]]  # image a
    labels = {"dentist2": [coco.write(other, "other.json")]}
    dataset = import_coco("set", coco.images, coco.write(coco.content("abc")), labels=labels, size=20)
    second = dataset.labels("dentist2")
    assert [second.covered[dataset.index(key)] for key in "abc"] == [True, True, False]
    assert dataset.masks("dentist2", dataset.index("a")).all()
    assert not second.masks[dataset.index("c")].any()
    assert second.manifest["family"] == "annotator"


def test_splitting_by_name_does_not_depend_on_the_other_images(coco: CocoFolder) -> None:
    names = [f"{letter}{number}" for letter in "ab" for number in range(20)]
    for name in names:
        Image.fromarray(np.zeros((20, 40), dtype=np.uint8)).save(coco.images / f"{name}.png")

    def splits(chosen: list[str], seed: int = 0) -> dict[str, str]:
        content = coco.content("".join("a" for _ in chosen))
        for image, name in zip(content["images"], chosen, strict=True):
            image["file_name"] = f"{name}.png"
        dataset = import_coco("set", coco.images, coco.write(content), size=20, seed=seed)
        return {item.key: item.split for item in dataset.items}

    everything, fewer = splits(names), splits(names[::-1][5:])
    assert all(everything[name] == split for name, split in fewer.items())
    assert 3 <= list(everything.values()).count("test") <= 18
    assert splits(names, seed=1) != everything
    for pair in (names[:2], names[2:4], names[4:6]):
        assert sorted(splits(pair).values()) == ["test", "train"]


def test_test_fraction_zero_keeps_everything_for_training(coco: CocoFolder) -> None:
    dataset = import_coco("set", coco.images, coco.write(coco.content("abcd")), size=20, test_fraction=0)
    assert {item.split for item in dataset.items} == {"train"}


def test_equal_names_in_subfolders_get_distinct_keys(coco: CocoFolder) -> None:
    (coco.images / "sub").mkdir()
    for name in ("sub/a.png", "a.jpg"):
        Image.fromarray(np.zeros((20, 40), dtype=np.uint8)).save(coco.images / name)
    content = coco.content("abcd")
    for image, name in zip(content["images"], ("a.png", "sub\\a.png", "a.jpg", "b.png"), strict=True):
        image["file_name"] = name
    dataset = import_coco("set", coco.images, coco.write(content), size=20)
    assert [item.key for item in dataset.items] == ["a.png", "sub__a", "a.jpg", "b"]


def edit(part: str, position: int, **values: Any) -> Callable[[Content], None]:
    return lambda content: content[part][position].update(values)


def drop(part: str, position: int, key: str) -> Callable[[Content], None]:
    return lambda content: content[part][position].pop(key) and None


BROKEN = {
    "missing file": (edit("images", 0, file_name="z.png"), "z.png does not exist"),
    "climbing out": (edit("images", 0, file_name="../../etc/passwd"), "leads out of the image folder"),
    "climbing out, Windows": (edit("images", 0, file_name="..\\a.png"), "leads out of the image folder"),
    "absolute": (edit("images", 0, file_name="/etc/passwd"), "leads out of the image folder"),
    "drive": (edit("images", 0, file_name="C:\\a.png"), "leads out of the image folder"),
    "no file name": (drop("images", 0, "file_name"), "is not the name of a file"),
    "other size": (edit("images", 0, width=41), "a.png is 40 x 20, the annotation says 41 x 20"),
    "size swapped": (edit("images", 0, width=20, height=40), "says 20 x 40"),
    "no size": (drop("images", 0, "width"), "size None x 20 (width x height) is not valid"),
    "enormous size": (edit("images", 0, width=10**400), "x 20 (width x height) is not valid"),
    "file twice": (edit("images", 1, file_name="a.png"), "'a.png' occurs more than once"),
    "image id twice": (edit("images", 1, id=1), "image id 1 occurs more than once"),
    "annotation id twice": (edit("annotations", 1, id=1), "annotation id 1 occurs more than once"),
    "category id twice": (
        lambda content: content["categories"].append({"id": 1, "name": "tooth"}),
        "category id 1 occurs more than once",
    ),
    "category name twice": (
        lambda content: content["categories"].append({"id": 2, "name": "bone"}),
        "name 'bone' occurs more than once",
    ),
    "no id": (drop("images", 1, "id"), "image at position 1: has no integer id"),
    "entry is no object": (lambda content: content["annotations"].append(3), "position 3: has no integer id"),
    "unknown image": (edit("annotations", 0, image_id=77), "image_id 77 is not among the images"),
    "unknown category": (
        edit("annotations", 0, category_id=5),
        "unknown category 5 (the file declares 1 bone)",
    ),
    "no segmentation": (drop("annotations", 0, "segmentation"), "has no segmentation"),
    "no polygon": (edit("annotations", 0, segmentation=[]), "the polygon is empty"),
    "empty polygon": (edit("annotations", 0, segmentation=[[]]), "the polygon is empty"),
    "flat polygon": (edit("annotations", 0, segmentation=[[1, 1, 5, 5, 9, 9]]), "its area is 0"),
    "two points": (edit("annotations", 0, segmentation=[[1, 1, 5, 5]]), "has 2 points"),
    "crossing": (
        edit("annotations", 0, segmentation=[[0, 0, 9, 9, 9, 0, 0, 9]]),
        "the polygon crosses itself",
    ),
    "not a number": (edit("annotations", 0, segmentation=[[0, 0, 9, float("nan"), 9, 0]]), "not numbers"),
    "outside": (
        edit("annotations", 0, segmentation=[[90, 90, 99, 90, 99, 99]]),
        "entirely outside the image",
    ),
    "run lengths of another size": (
        edit("annotations", 0, segmentation={"size": [40, 20], "counts": [800]}),
        "has size [40, 20], the image [20, 40]",
    ),
    "run lengths too short": (
        edit("annotations", 0, segmentation={"size": [20, 40], "counts": [3]}),
        "do not add up to the 800 pixels",
    ),
    "no category": (lambda content: content["categories"].clear(), "declares no category"),
    "no image": (
        lambda content: (content["images"].clear(), content["annotations"].clear()),
        "holds no image",
    ),
    "no list": (lambda content: content.pop("annotations"), "has no list of annotations"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_each_problem_is_found(coco: CocoFolder, case: str) -> None:
    change, message = BROKEN[case]
    content = coco.content("abc")
    change(content)
    assert any(message in problem for problem in problems_of(coco, content))


def test_all_problems_are_listed_at_once_and_nothing_is_imported(
    coco: CocoFolder, workspace_home: Path
) -> None:
    content = coco.content("abcd")
    edit("images", 0, file_name="z.png")(content)
    edit("images", 1, width=41)(content)
    edit("annotations", 2, segmentation=[[0, 0, 9, 9, 9, 0, 0, 9]])(content)
    edit("annotations", 3, category_id=5)(content)
    (coco.images / "d.png").write_bytes(b"broken")
    found = problems_of(coco, content)
    assert len(found) == 5
    for expected in (
        "z.png does not exist",
        "41 x 20",
        "crosses itself",
        "unknown category 5",
        "d.png cannot be read",
    ):
        assert sum(expected in problem for problem in found) == 1
    assert not workspace_home.exists()


def test_the_message_says_how_many_and_lists_errors_before_warnings(coco: CocoFolder) -> None:
    content = coco.content("ab")
    edit("annotations", 0, segmentation=[[-5, 0, 9, 0, 9, 9]])(content)
    edit("annotations", 1, segmentation=[[]])(content)
    with pytest.raises(ImportProblems) as caught:
        import_coco("set", coco.images, coco.write(content), size=20)
    head, error, warning = str(caught.value).splitlines()
    assert head == "nothing was imported: 1 problem found"
    assert error.startswith("  error: train.json, annotation 2 (b.png): the polygon is empty")
    assert warning.startswith("  warning: train.json, annotation 1 (a.png): the polygon reaches 5 px out")


def test_warnings_do_not_stop_the_import_but_are_kept(coco: CocoFolder) -> None:
    content = coco.content("ab")
    edit("annotations", 0, segmentation=[[-5, 2, 20, 2, 20, 12, -5, 12]])(content)
    dataset = import_coco("set", coco.images, coco.write(content), size=20)
    (warning,) = import_warnings(dataset.source)
    assert "reaches 5 px out" in warning.what
    assert (warning.image, warning.blocking) == ("a.png", False)
    assert dataset.labels("clean").masks[dataset.index("a"), 0, 5].tolist() == [x < 10 for x in range(20)]


def test_self_crossing_outlines_can_be_accepted(coco: CocoFolder) -> None:
    content = coco.content("ab")
    edit("annotations", 0, segmentation=[[0, 0, 20, 20, 20, 0, 0, 20]])(content)
    dataset = import_coco("set", coco.images, coco.write(content), size=20, accept_self_crossing=True)
    assert "crosses itself" in str(import_warnings(dataset.source)[0])
    # two triangles of 100 px each on the 20 x 40 image, whose sides are halved
    assert dataset.labels("clean").masks[dataset.index("a")].sum() == pytest.approx(50, abs=10)


def test_a_category_without_annotations_is_a_warning(coco: CocoFolder) -> None:
    content = coco.content("ab")
    content["categories"].append({"id": 2, "name": "tooth"})
    dataset = import_coco("set", coco.images, coco.write(content), size=20)
    assert any("'tooth' has no annotation" in warning.what for warning in import_warnings(dataset.source))


def test_an_image_in_both_splits_is_a_problem(coco: CocoFolder) -> None:
    test = coco.write(coco.content("bc"), "test.json")
    (problem,) = problems_of(coco, coco.content("ab"), test=test)
    assert "b.png is in the training file too" in problem


def test_problems_of_all_files_are_joined(coco: CocoFolder) -> None:
    test, other = coco.content("cd"), coco.content("ab")
    edit("annotations", 0, category_id=4)(test)
    edit("images", 1, height=10)(other)
    labels = {"second": [coco.write(other, "other.json")]}
    found = problems_of(coco, coco.content("ab"), test=coco.write(test, "test.json"), labels=labels)
    assert sum("test.json" in problem for problem in found) == 1
    assert sum("other.json" in problem and "says 40 x 10" in problem for problem in found) == 1


def test_test_annotations_of_a_category_that_training_lacks(coco: CocoFolder) -> None:
    test = coco.content("cd")
    test["categories"][0]["name"] = "tooth"
    path = coco.write(test, "test.json")
    assert any("unknown category 'tooth'" in one for one in problems_of(coco, coco.content("ab"), test=path))


def test_unknown_category_asked_for(coco: CocoFolder) -> None:
    (problem,) = problems_of(coco, coco.content("ab"), categories=["bone", "skull"])
    assert "unknown category 'skull'" in problem
    assert "declares bone" in problem


def test_a_label_set_of_other_images(coco: CocoFolder) -> None:
    labels = {"second": [coco.write(coco.content("cd"), "other.json")]}
    (problem,) = problems_of(coco, coco.content("ab"), labels=labels)
    assert "covers none of the images" in problem


def test_a_label_set_that_covers_some_is_a_warning(coco: CocoFolder) -> None:
    labels = {"second": [coco.write(coco.content("ad"), "other.json")]}
    train, test = coco.write(coco.content("ab")), coco.write(coco.content("c"), "test.json")
    dataset = import_coco("set", coco.images, train, test, labels, size=20)
    bare, strangers = sorted(
        map(str, import_warnings(dataset.source)), key=lambda text: "left out" in text and "not in" in text
    )
    assert "1 training images are not covered, first b.png" in bare
    assert "1 of its images are not in the data set, first d.png" in strangers


def test_a_label_set_that_lists_an_image_twice(coco: CocoFolder) -> None:
    paths = [coco.write(coco.content("ab"), "one.json"), coco.write(coco.content("a"), "two.json")]
    (problem,) = problems_of(coco, coco.content("ab"), labels={"second": paths})
    assert "label set 'second' has a.png twice" in problem


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "is not valid JSON"), ("[]", "has no list of"), ('{"images": 3}', "has no list of")],
)
def test_files_that_are_not_coco(coco: CocoFolder, text: str, message: str) -> None:
    assert any(message in problem for problem in problems_of(coco, text))


def test_a_missing_annotation_file_is_listed_with_the_rest(coco: CocoFolder) -> None:
    content = coco.content("ab")
    edit("images", 0, file_name="z.png")(content)
    found = problems_of(coco, content, test=coco.folder / "none.json")
    assert any("none.json" in problem and "does not exist" in problem for problem in found)
    assert any("z.png" in problem for problem in found)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 4}, "size 4: choose 16 to 2048"),
        ({"test_fraction": 1.0}, "test fraction"),
        ({"categories": []}, "categories"),
        ({"categories": ["bone", "bone"]}, "name each category once"),
        ({"labels": {"clean": []}}, "use another name"),
        ({"labels": {"a/b": []}}, "not a usable name"),
    ],
)
def test_options_out_of_range(coco: CocoFolder, options: dict[str, Any], message: str) -> None:
    with pytest.raises(LvcnetError, match=message):
        import_coco("set", coco.images, coco.write(coco.content("ab")), **options)


def test_one_image_cannot_be_split(coco: CocoFolder) -> None:
    (problem,) = problems_of(coco, coco.content("a"))
    assert "2 are needed" in problem
    assert "--test-fraction 0" in problem


def test_the_mandible_radiographs(mandible: Path) -> None:
    files = {name: mandible / f"dentist{name}.json" for name in ("1_train", "1_test", "2_train", "2_test")}
    labels = {"dentist2": [files["2_train"], files["2_test"]]}
    dataset = import_coco("mandible", mandible / "images", files["1_train"], files["1_test"], labels)
    assert (len(dataset.indices("train")), len(dataset.indices("test"))) == (80, 36)
    first, second = dataset.labels("clean").masks, dataset.labels("dentist2").masks
    dice = 2 * (first & second).sum(axis=(1, 2, 3)) / (first.sum(axis=(1, 2, 3)) + second.sum(axis=(1, 2, 3)))
    assert dice.mean() == pytest.approx(0.981, abs=0.001)
    assert (dice[:20] == 1).all()
    assert dataset.source["warnings"] == []


def test_a_missing_image_folder_is_one_problem(coco: CocoFolder) -> None:
    with pytest.raises(ImportProblems) as caught:
        import_coco("set", coco.images / "none", coco.write(coco.content("ab")))
    assert ["the image folder does not exist" in str(problem) for problem in caught.value.problems] == [True]


def _split_by_folder(coco: CocoFolder, *folders: str) -> tuple[dict[str, str], list[str]]:
    """Splits by folder of an import whose images lie in `folders`, and its warnings."""
    content = coco.content("abcd"[: len(folders)])
    for image, folder in zip(content["images"], folders, strict=True):
        (coco.images / folder).mkdir()
        (coco.images / image["file_name"]).rename(coco.images / folder / image["file_name"])
        image["file_name"] = f"{folder}/{image['file_name']}"
    dataset = import_coco("set", coco.images, coco.write(content), size=20)
    splits = {folder: item.split for folder, item in zip(folders, dataset.items, strict=True)}
    return splits, [str(problem) for problem in import_warnings(dataset.source)]


def test_a_validation_folder_never_puts_test_images_into_training(coco: CocoFolder) -> None:
    splits, warnings = _split_by_folder(coco, "train", "val", "test")
    assert splits == {"train": "train", "val": "train", "test": "test"}
    assert any("validation folder are in the train split" in warning for warning in warnings)


def test_without_a_test_folder_the_validation_folder_is_the_test_split(coco: CocoFolder) -> None:
    splits, warnings = _split_by_folder(coco, "Training", "valid")
    assert splits == {"Training": "train", "valid": "test"}
    assert any("validation folder are in the test split" in warning for warning in warnings)


def test_objects_that_the_working_grid_cannot_hold_are_warned_about(coco: CocoFolder) -> None:
    """Two pixels of 40 x 20 are less than half of one of the 20 x 20 pixels, which are 2 px wide and 1 px high."""
    content = coco.content("ab")
    content["categories"].append({"id": 9, "name": "nodule"})
    spot = {"image_id": 2, "category_id": 9, "segmentation": [[10, 5, 11, 5, 11, 6, 10, 6]]}
    content["annotations"].append({"id": 10, **spot})
    dataset = import_coco("set", coco.images, coco.write(content), size=16)
    assert not dataset.labels("clean").masks[:, 1].any()
    (warning,) = map(str, import_warnings(dataset.source))
    assert "in 1 of its images category 'nodule' loses more than half of its area" in warning
    assert (
        "working grid of 16 pixels, first b.png (its objects are too small for the grid: import with"
        in warning
    )
    assert not import_coco("set", coco.images, coco.write(content), size=40).source["warnings"]


def test_images_that_are_turned_are_named_once_and_explain_a_wrong_size(coco: CocoFolder) -> None:
    for name, orientation in (("a", 3), ("b", 3)):
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(np.zeros((20, 40), np.uint8)).save(coco.images / f"{name}.png", exif=exif)
    dataset = import_coco("set", coco.images, coco.write(coco.content("ab")), size=20)
    (warning,) = map(str, import_warnings(dataset.source))
    assert "image 1 and 1 more: it is turned as its EXIF entry asks for" in warning
    exif[0x0112] = 6
    Image.fromarray(np.zeros((20, 40), np.uint8)).save(coco.images / "a.png", exif=exif)
    problems = problems_of(coco, coco.content("ab"))
    assert (
        "the annotation says 40 x 20 (its EXIF entry turns it: annotate it as viewers show it" in problems[0]
    )


@pytest.mark.parametrize("format", ["coco", "masks", "labelme"])
def test_ignored_pixels_survive_export_and_import(coco: CocoFolder, tmp_path: Path, format: str) -> None:
    """What other tools would otherwise take for background."""
    content = coco.content("ab")
    content["categories"].append({"id": 9, "name": "void"})
    band = {"image_id": 1, "category_id": 9, "segmentation": [[20, 0, 40, 0, 40, 20, 20, 20]]}
    content["annotations"].append({"id": 10, **band})
    dataset = import_coco("set", coco.images, coco.write(content), size=20, ignore="void", test_fraction=0)
    output = tmp_path / "out"
    export_labels(dataset, "clean", output, format, images=output if format == "labelme" else None)
    shared: Settings = {"size": 20, "ignore": "void", "test_fraction": 0}
    for name in "cd":
        (coco.images / f"{name}.png").unlink()
    if format == "coco":
        back = import_coco("back", coco.images, output, **shared)
    elif format == "masks":
        back = import_masks("back", coco.images, output, **shared)
    else:
        back = import_labelme("back", output, **shared)
    assert back.categories == ["bone"]
    before, after = dataset.labels("clean"), back.labels("clean")
    assert before.ignored is not None
    assert after.ignored is not None
    np.testing.assert_array_equal(after.masks, before.masks)
    np.testing.assert_array_equal(after.ignored, before.ignored)
    assert before.ignored.sum() == 10 * 10


@pytest.mark.parametrize(("thick", "size"), [(100, 128), (40, 224), (4, 256)])
def test_without_a_size_the_thinnest_structure_gets_its_pixels(tmp_path: Path, thick: int, size: int) -> None:
    """8 px of 40 in 1,000 are 200, and the next multiple of 32 is 224; of 100 px 80, where 128 is the least."""
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    mask = np.zeros((600, 1000), np.uint8)
    mask[200 : 200 + thick, 100:900] = 255
    for name in ("a.png", "b.png"):
        Image.fromarray(np.full((600, 1000), 90, np.uint8)).save(tmp_path / "images" / name)
        Image.fromarray(mask).save(tmp_path / "masks" / name)
    dataset = import_masks("set", tmp_path / "images", tmp_path / "masks", test_fraction=0)
    assert dataset.size == size
    given = import_masks("set", tmp_path / "images", tmp_path / "masks", test_fraction=0, size=64)
    assert given.size == 64


def test_an_automatic_size_does_not_look_at_test_images(tmp_path: Path) -> None:
    """The test image's line is 4 px thin, the training image's bar 100 px."""
    for split, thick in (("train", 100), ("test", 4)):
        mask = np.zeros((600, 1000), np.uint8)
        mask[200 : 200 + thick, 100:900] = 255
        for folder, pixels in (("images", np.full_like(mask, 90)), ("masks", mask)):
            (tmp_path / folder / split).mkdir(parents=True)
            Image.fromarray(pixels).save(tmp_path / folder / split / f"{split}-1.png")
    dataset = import_masks("set", tmp_path / "images", tmp_path / "masks")
    assert ([item.split for item in dataset.items], dataset.size) == (["test", "train"], 128)
