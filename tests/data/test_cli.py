"""`lvcnet data ...` as a person or a script calls it: output, exit status, and one clear line for every mistake."""

import csv
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvcnet.cli import main
from lvcnet.data.dataset import Dataset
from tests.data.conftest import CocoFolder
from tests.data.test_coco import small_dataset

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call `lvcnet` with arguments; gives exit status, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["lvcnet", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
        captured = capsys.readouterr()
        # where stderr is no terminal, a progress bar leaves an empty line
        return status, captured.out, captured.err.lstrip("\n")

    return call


def answer(result: tuple[int, str, str]) -> Any:
    """The one JSON object on stdout of a call that went well."""
    status, out, err = result
    assert status == 0, err
    assert out.count("\n") == 1
    return json.loads(out)


def coco_options(coco: CocoFolder) -> list[object]:
    train, test = coco.write(coco.content("ab")), coco.write(coco.content("cd"), "test.json")
    return ["--images", coco.images, "--train", train, "--test", test, "--size", 20]


def test_import_show_list_and_delete(run: Run, coco: CocoFolder) -> None:
    other = coco.write(coco.content("abcd"), "other.json")
    summary = answer(
        run("data", "import", "set", *coco_options(coco), "--labels", f"second={other}", "--json")
    )
    assert (summary["train"], summary["test"], summary["size"]) == (2, 2, 20)
    assert summary["foreground"] == {"bone": pytest.approx(100 / 400)}
    assert summary["original_sizes"] == [[40, 20], [40, 20]]
    assert {row["name"]: row["iou_train"] for row in summary["labels"]} == {"clean": 1.0, "second": 1.0}
    assert {row["name"]: row["outlines"] for row in summary["labels"]} == {"clean": "all", "second": "all"}
    assert answer(run("data", "show", "set", "--json")) == summary
    names = {row["name"]: row["labels"] for row in answer(run("data", "list", "--json"))["datasets"]}
    assert names["set"] == ["clean", "second"]
    assert answer(run("data", "delete", "set", "--yes", "--json"))["deleted"] == "set"
    status, _, err = run("data", "show", "set")
    assert (status, err.count("\n")) == (2, 1)
    assert "there is no data set 'set'" in err


def test_tables_for_people(run: Run, coco: CocoFolder) -> None:
    status, out, _ = run("data", "import", "set", *coco_options(coco))
    assert status == 0
    for expected in (
        "4 (2 train, 2 test)",
        "20 x 12",
        "40 x 20",
        "25.0%",
        "clean",
        Dataset.load("set").fingerprint(),
    ):
        assert expected in out
    assert "set" in run("data", "list")[1]


def test_phantom(run: Run) -> None:
    summary = answer(run("data", "phantom", "hips", "--train", 2, "--test", 1, "--size", 32, "--json"))
    assert (summary["train"], summary["test"], summary["size"]) == (2, 1, 32)
    status, _, err = run("data", "phantom", "hips", "--train", 2, "--test", 1)
    assert status == 2
    assert "'hips' exists" in err


def test_import_problems_come_one_a_line_and_leave_nothing(
    run: Run, coco: CocoFolder, workspace_home: Path
) -> None:
    content = coco.content("ab")
    content["images"][0]["file_name"] = "../a.png"
    content["annotations"][1]["segmentation"] = [[]]
    status, out, err = run(
        "data", "import", "set", "--images", coco.images, "--train", coco.write(content), "--json"
    )
    assert (status, out) == (2, "")
    lines = err.strip().splitlines()
    assert len(lines) == 3
    assert "nothing was imported: 2 problems found" in lines[0]
    assert not (workspace_home / "datasets").exists()


def test_warnings_go_to_stderr(run: Run, coco: CocoFolder) -> None:
    content = coco.content("ab")
    content["annotations"][0]["segmentation"] = [[-3, 2, 24, 2, 24, 12, -3, 12]]
    result = run(
        "data",
        "import",
        "set",
        "--images",
        coco.images,
        "--train",
        coco.write(content),
        "--size",
        20,
        "--json",
    )
    assert len(answer(result)["source"]["warnings"]) == 1
    assert result[2].startswith("warning: train.json, annotation 1 (a.png)")


def test_importing_over_a_data_set_is_refused_before_the_work(run: Run, coco: CocoFolder) -> None:
    assert run("data", "import", "set", *coco_options(coco))[0] == 0
    status, _, err = run("data", "import", "set", "--images", "none", "--train", "none.json")
    assert status == 2
    assert "data set 'set' exists" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "no annotations given"),
        (["--train", "a", "--labelme", "b"], "--train and --labelme exclude each other"),
        (["--labelme", "b", "--masks", "c"], "--labelme and --masks exclude each other"),
        (["--train", "a"], "--train needs --images"),
        (["--masks", "a"], "--masks needs --images"),
        (["--labelme", "a", "--images", "b"], "drop --images"),
        (["--labelme", "a", "--test", "b"], "--test is a COCO file"),
        (["--test", "b", "--images", "c"], "no annotations given"),
        (["--images", "c", "--train", "a", "--test", "b", "--test-fraction", "0.5"], "exclude each other"),
        (["--images", "c", "--train", "a", "--labels", "x.json"], "write NAME=PATH"),
        (["--images", "c", "--train", "a", "--labels", "x="], "write NAME=PATH"),
        (["--images", "c", "--train", "a", "--labels", "x=a", "--labels", "x=b"], "gives 'x' twice"),
        (["--images", "c", "--train", "a", "--size", "3"], "size 3"),
        (["--images", "c", "--train", "a", "--categories", ","], "name each category once"),
    ],
)
def test_options_that_conflict(run: Run, options: list[str], message: str) -> None:
    status, out, err = run("data", "import", "set", *options)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("data", "import", "set", "--nonsense"),
        ("data", "show"),
        ("data", "phantom", "x", "--train", "many"),
        ("data", "unknown"),
        ("data", "export", "set"),
    ],
)
def test_usage_errors_exit_2(run: Run, arguments: Sequence[str]) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("lvcnet: ")


@pytest.mark.parametrize("name", ["../set", "", ".hidden", "a/b"])
def test_names_cannot_leave_the_workspace(run: Run, name: str) -> None:
    for arguments in (
        ("import", name, "--images", "a", "--train", "b"),
        ("phantom", name),
        ("delete", name, "--yes"),
    ):
        status, _, err = run("data", *arguments)
        assert status == 2
        assert "not a usable name" in err


@pytest.mark.parametrize("command", ["phantom", "import", "list", "show", "export", "delete"])
def test_every_command_has_help_with_an_example(run: Run, command: str) -> None:
    status, out, _ = run("data", command, "--help")
    assert status == 0
    assert "Example: lvcnet data " + command in " ".join(out.split())


def test_export(run: Run, tmp_path: Path) -> None:
    small_dataset(32, 48).save()
    output = tmp_path / "out" / "clean.json"
    told = answer(run("data", "export", "small", "--output", output, "--split", "test", "--json"))
    assert (told["images"], told["format"], told["output"]) == (1, "coco", str(output))
    assert told["outlines"] == {"as_imported": 0, "drawn_anew": 1}
    assert [image["file_name"] for image in json.loads(output.read_text())["images"]] == ["b.png"]
    status, _, err = run("data", "export", "small", "--output", output)
    assert status == 2
    assert "--overwrite" in err
    assert run("data", "export", "small", "--output", output, "--overwrite")[0] == 0
    assert len(json.loads(output.read_text())["images"]) == 2


@pytest.mark.parametrize("format", ["labelme", "masks"])
def test_export_and_import_again(run: Run, tmp_path: Path, format: str) -> None:
    dataset = small_dataset(32, 48)
    dataset.save()
    output = tmp_path / "out"
    images = output if format == "labelme" else tmp_path / "images"
    assert run("data", "export", "small", "--output", output, "--format", format, "--images", images)[0] == 0
    source = ["--labelme", output] if format == "labelme" else ["--masks", output, "--images", images]
    answer(run("data", "import", "back", *source, "--size", 16, "--json"))
    back = Dataset.load("back")
    rows = [back.index(item.key) for item in dataset.items]
    np.testing.assert_array_equal(back.labels("clean").masks[rows], dataset.labels("clean").masks)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--labels", "level9"], "no label set 'level9'"),
        (["--format", "yolo"], "choose one of coco, labelme, masks"),
        (["--split", "validation"], "choose one of train, test"),
        (["--labels", "second", "--split", "test"], "covers no image of test"),
    ],
)
def test_exports_that_cannot_be(run: Run, tmp_path: Path, options: list[str], message: str) -> None:
    small_dataset(16, 16).save()
    status, _, err = run("data", "export", "small", "--output", tmp_path / "x.json", *options)
    assert (status, err.count("\n")) == (2, 1)
    assert message in err


def test_delete_asks_for_yes(run: Run) -> None:
    small_dataset(16, 16).save()
    status, _, err = run("data", "delete", "small")
    assert status == 2
    assert "--yes" in err
    assert len(Dataset.load("small")) == 2


def test_a_zip_is_imported_and_what_was_recognised_is_told(
    run: Run, coco: CocoFolder, tmp_path: Path
) -> None:
    packed = tmp_path / "bones.zip"
    with zipfile.ZipFile(packed, "w") as written:
        written.write(coco.write(coco.content("ab")), "train.json")
        written.write(coco.write(coco.content("cd"), "test.json"), "test.json")
        for path in coco.images.iterdir():
            written.write(path, f"images/{path.name}")
    status, out, _ = run("data", "import", "one", "--zip", packed, "--size", 20)
    assert status == 0
    assert "COCO, clean labels" in out
    assert "2 images, 2 outlines, to test" in out
    summary = answer(run("data", "import", "two", "--zip", packed, "--size", 20, "--json"))
    assert summary["source"]["zip"] == "bones.zip"
    assert (
        summary["fingerprint"]
        == answer(run("data", "import", "three", *coco_options(coco), "--json"))["fingerprint"]
    )
    for option, message in (("--images", "drop --images"), ("--labels", "put the second annotator")):
        status, _, err = run("data", "import", "four", "--zip", packed, option, f"x={packed}")
        assert (status, message in err) == (2, True)


def read_report(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_report_lists_what_stops_an_import_and_what_it_warns_about(
    run: Run, coco: CocoFolder, tmp_path: Path
) -> None:
    """Image a's outline reaches out by 3 px, which is a warning; b's has no known category; z.png is not there."""
    content, report = coco.content("abz"), tmp_path / "found" / "problems.csv"
    content["annotations"][0]["segmentation"] = [[-3, 2, 24, 2, 24, 12, -3, 12]]
    content["annotations"][1]["category_id"] = 7
    options = ["--images", coco.images, "--size", 20, "--report", report]
    status, _, err = run("data", "import", "set", "--train", coco.write(content), *options)
    assert (status, "2 problems found" in err) == (2, True)
    rows = read_report(report)
    assert [(row["severity"], row["image"]) for row in rows] == [
        ("error", "z.png"), ("error", "b.png"), ("warning", "a.png"),
    ]  # fmt: skip
    assert rows[1] == {
        "severity": "error",
        "image": "b.png",
        "where": "train.json, annotation 2",
        "what": "unknown category 7",
        "fix": "the file declares 1 bone",
    }
    content = coco.content("ab")
    content["annotations"][0]["segmentation"] = [[-3, 2, 24, 2, 24, 12, -3, 12]]
    answer(run("data", "import", "set", "--train", coco.write(content), *options, "--json"))
    (row,) = read_report(report)
    assert (row["severity"], row["image"], row["fix"]) == (
        "warning", "a.png", "it was clipped at the border",
    )  # fmt: skip
    answer(run("data", "import", "fine", "--train", coco.write(coco.content("ab")), *options, "--json"))
    assert report.read_text() == "severity,image,where,what,fix\n"
    empty = tmp_path / "empty.zip"
    zipfile.ZipFile(empty, "w").close()
    assert run("data", "import", "none", "--zip", empty, "--report", report)[0] == 2
    assert "holds no file" in read_report(report)[0]["what"]


def test_traits_and_training_plan_are_shown_and_the_plan_is_a_file_to_train_by(
    run: Run, tmp_path: Path
) -> None:
    assert run("data", "phantom", "hips", "--train", "6", "--test", "2", "--size", "32")[0] == 0
    shown = answer(run("data", "show", "hips", "--json"))
    (bone,) = shown["traits"]["categories"]
    assert (bone["name"], bone["presence"], shown["traits"]["images"]) == ("innominate bone", 1.0, 6)
    choices = {one["name"]: one for one in shown["training_plan"]["choices"]}
    assert choices["steps"]["value"] == 800
    assert "innominate bone" in choices["steps"]["reason"]
    text = run("data", "show", "hips")[1]
    assert "Training plan (preset auto)" in text
    assert "import again" not in text  # they are as large as they were rendered
    file = tmp_path / "training-plan.yaml"
    planned = answer(run("training-plan", "hips", "--output", file, "--json"))
    assert planned["training_plan"] == shown["training_plan"]
    assert planned["costs"].keys() == {"unet", "lvcnet-plus"}
    assert min(planned["costs"].values()) > 0
    assert "On this device" in run("training-plan", "hips")[1]
    tiny = ["--set", "width=4", "--set", "depth=2", "--steps", "2", "--device", "cpu"]
    status, out, _ = run("train", "--config", file, *tiny)
    assert status == 0
    assert "Trained otherwise: " in out
    assert "width 4 instead of 16" in out
    (trained,) = [one for one in answer(run("runs", "--json"))["runs"] if not one["demo"]]
    assert trained["overridden"] == {"width": 4, "depth": 2, "steps": 2}
    assert run("training-plan", "hips", "--labels", "level3")[0] == 2
