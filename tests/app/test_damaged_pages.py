"""A damaged file on every page: no exception, the item is named, and the sound ones are there."""

import shutil
from pathlib import Path

import pytest

from lab.inference.segment import run_choices
from lvcnet.data.upkeep import add_checksum
from lvcnet.runs.directory import RunDirectory
from tests.app.conftest import OpenPage
from tests.conftest import ROOT

KEPT = ROOT / "tests" / "fixtures" / "workspace-1"
DATA = ("overview", "data", "noise", "train", "compare", "correct")
RUNS = ("overview", "runs", "compare", "inspect_run", "inference")


@pytest.fixture
def two(workspace_home: Path) -> Path:
    """A workspace with a second data set, run and correction, which get damaged."""
    shutil.copytree(KEPT, workspace_home)
    for folder, name in (("datasets", "hips"), ("runs", "plus"), ("corrections", "judged")):
        shutil.copytree(workspace_home / folder / name, workspace_home / folder / "bad")
    return workspace_home


def warned(open_page: OpenPage, key: str, **query: str) -> str:
    page = open_page(key, **query)
    return " ".join(one.value for one in (*page.warning, *page.error))


@pytest.mark.parametrize("content", [b"", b"null"])
@pytest.mark.parametrize("file", ["images.npy", "dataset.json", "labels/level3.npz"])
def test_a_data_set(two: Path, open_page: OpenPage, file: str, content: bytes) -> None:
    (two / "datasets" / "bad" / file).write_bytes(content)
    for key in DATA:
        assert "bad" in warned(open_page, key), key
    assert "hips" in open_page("data").selectbox(key="pick-dataset").options


USING_ITS_MASKS: list[tuple[str, dict[str, str]]] = [
    ("data", {"labels": "level3"}),
    ("data", {"view": "agreement", "first": "clean", "second": "level3"}),
    ("noise", {}),
    ("train", {"labels": "level3"}),  # the training plan follows from them
]
LOOKING_AT_IT = [
    *USING_ITS_MASKS,
    ("data", {"view": "export"}),
    ("compare", {}),
    ("correct", {}),
    ("overview", {}),
]


@pytest.mark.parametrize("file", ["images.npy", "labels/level3.npz"])
def test_one_flipped_bit_of_a_data_set(two: Path, open_page: OpenPage, file: str) -> None:
    path = two / "datasets" / "bad" / file
    if file == "images.npy":
        add_checksum(two / "datasets" / "bad")  # the kept workspace is of before there was one
    content, said = bytearray(path.read_bytes()), f"{path} is damaged"
    content[len(content) // 2] ^= 8
    path.write_bytes(content)
    # All pages read all images, and the masks of the label set that they show.
    where = [
        (key, query) for key, query in LOOKING_AT_IT if said in warned(open_page, key, dataset="bad", **query)
    ]
    assert where == (LOOKING_AT_IT if file == "images.npy" else USING_ITS_MASKS)
    if file != "images.npy":
        assert not [
            key for key, query in LOOKING_AT_IT if said in warned(open_page, key, dataset="hips", **query)
        ]
    assert "hips" in open_page("data").selectbox(key="pick-dataset").options


@pytest.mark.parametrize("content", [b"", b"{}"])
@pytest.mark.parametrize("file", ["config.json", "status.json", "evaluation.json"])
def test_a_run(two: Path, open_page: OpenPage, file: str, content: bytes) -> None:
    (two / "runs" / "bad" / file).write_bytes(content)
    for key in RUNS:
        assert "bad" in warned(open_page, key), key
    assert "plus" in {name for _, name in run_choices()}


def test_a_damaged_evaluation_is_made_again(two: Path, open_page: OpenPage) -> None:
    run = RunDirectory(two / "runs" / "bad")
    (run.path / "evaluation.json").write_bytes(b"{")
    page = open_page("runs", run="bad")
    assert page.button(key="evaluate-bad").label == "Evaluate again"


@pytest.mark.parametrize("file", ["correction.json", "proposals.npy", "probability.npy", "decisions.sqlite"])
def test_a_correction(two: Path, open_page: OpenPage, file: str) -> None:
    (two / "corrections" / "bad" / file).write_bytes(b"{")
    for key in ("overview", "correct"):
        assert "bad" in warned(open_page, key), key
    assert open_page("correct").selectbox(key="pick-correction").value == "judged"
