"""One damaged file costs its own item: every list names it and shows the rest."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lvcnet.data.phantom.make import make_phantom
from lvcnet.runs.directory import RunDirectory
from tests.evaluations import an_evaluation

Call = Callable[..., tuple[int, str, str]]
MUTATIONS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "zeros": lambda content: bytes(len(content)),
    "null": lambda content: b"null",
    "list": lambda content: b"[1]",
}


def two_of_each(home: Path) -> None:
    for name in ("bad", "good"):
        make_phantom(name, 2, 1, 32).save()
        run = RunDirectory(home / "runs" / name)
        run.create({"dataset": name, "labels": "clean", "method": "unet", "epochs": 1, "seed": 0})
        run.update_status(state="done", epoch=1)
        run.write_evaluation(an_evaluation())


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("file", ["images.npy", "dataset.json", "labels/clean.npz"])
def test_a_damaged_data_set_hides_no_other(
    file: str, mutation: str, workspace_home: Path, no_demo: None, lvcnet: Call
) -> None:
    two_of_each(workspace_home)
    path = workspace_home / "datasets" / "bad" / file
    path.write_bytes(MUTATIONS[mutation](path.read_bytes()))
    status, out, _ = lvcnet("data", "list", "--json")
    answer = json.loads(out)
    assert status == 0
    assert "good" in [row["name"] for row in answer["datasets"]]
    assert [one["name"].partition("/")[0] for one in answer["damaged"]] == ["bad"]
    assert str(path) in answer["damaged"][0]["problem"]
    assert lvcnet("data", "list")[2].startswith("lvcnet: damaged: ")
    status, _, err = lvcnet("data", "show", "bad")
    assert status == 2
    assert err.count("\n") == 1
    assert lvcnet("data", "show", "good")[0] == 0


def flip(path: Path) -> None:
    """Another bit in the middle of a file, whose size and head stay as they are."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 8
    path.write_bytes(content)


@pytest.mark.parametrize("file", ["images.npy", "labels/clean.npz"])
def test_one_flipped_bit_is_noticed_and_costs_its_own_item(
    file: str, workspace_home: Path, no_demo: None, lvcnet: Call
) -> None:
    two_of_each(workspace_home)
    flip(path := workspace_home / "datasets" / "bad" / file)
    _, out, _ = lvcnet("data", "list", "--json")
    answer = json.loads(out)
    assert "good" in [row["name"] for row in answer["datasets"]]
    assert [one["name"].partition("/")[0] for one in answer["damaged"]] == ["bad"]
    assert f"{path} is damaged" in answer["damaged"][0]["problem"]
    _, out, _ = lvcnet("doctor", "--json")
    (found,) = [one for one in json.loads(out)["findings"] if one["area"] == "contents"]
    assert str(path) in found["what"]
    assert "put back a copy of it, or delete" in found["do"]
    for command in (("train", "bad", "--epochs", "1"), ("data", "show", "bad"), ("noise", "bad")):
        status, _, err = lvcnet(*command)
        assert (status, err.count("\n")) == (2, 1), command
        assert f"{path} is damaged" in err, command
    assert lvcnet("data", "show", "good")[0] == 0


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("file", ["config.json", "status.json", "evaluation.json"])
def test_a_damaged_run_hides_no_other(
    file: str, mutation: str, workspace_home: Path, no_demo: None, lvcnet: Call
) -> None:
    two_of_each(workspace_home)
    path = workspace_home / "runs" / "bad" / file
    path.write_bytes(MUTATIONS[mutation](path.read_bytes()))
    status, out, _ = lvcnet("runs", "--json")
    answer = json.loads(out)
    assert status == 0
    assert [row["run"] for row in answer["runs"]] == ["good"]
    assert [one["name"] for one in answer["damaged"]] == ["bad"]
    assert f"{path} is damaged" in answer["damaged"][0]["problem"]
