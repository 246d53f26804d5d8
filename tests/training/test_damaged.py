"""Damaged files of a run: one line that names the file and what to do, and never a training started over in silence."""

import json

import pytest

from lvcnet import cli
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.protocol import evaluate_run
from lvcnet.runs.directory import RunDirectory
from lvcnet.training.run import create_run, train


@pytest.fixture
def run(squares, tiny) -> RunDirectory:
    """A finished run of one epoch."""
    made = create_run(tiny.model_copy(update={"epochs": 1}), "a")
    assert train(made) == "done"
    return made


def cut(run: RunDirectory, name: str, content: bytes | None) -> None:
    """Keep the first half of a file, or replace it."""
    path = run.path / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content is None else content)


def call(monkeypatch, capsys, *arguments: str) -> str:
    """The only line of a command that fails."""
    monkeypatch.setattr("sys.argv", ["lvcnet", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert (end.value.code, out, len(lines)) == (2, "", 1), err
    return lines[0]


DAMAGED = [
    ("checkpoints/last.safetensors", None),
    ("checkpoints/last.safetensors", b""),
    ("checkpoints/last.safetensors", b"\xff" * 64),
    ("checkpoints/last.json", b"{}"),
    ("checkpoints/last.json", b"null"),
    ("checkpoints/last.json", b"[1]"),
    ("checkpoints/last.json", b'{"format": "one", "epoch": 1}'),
    ("checkpoints/last.json", b'{"format": 1}'),
    ("checkpoints/last.json", b'{"format": 99, "epoch": 1}'),
    ("checkpoints/last.json", b"{"),
    ("config.json", b'{"dataset": "squares", "method": "lvcnet", "labels": "level3", "width": "wide"}'),
    ("config.json", b'{"dataset": "squares", "method": "lvcnet", "labels": "level3"}'),
]


@pytest.mark.parametrize(("name", "content"), DAMAGED)
def test_a_damaged_checkpoint_is_named_by_evaluate_and_predict(
    run, squares, tmp_path, monkeypatch, capsys, name, content
) -> None:
    from PIL import Image

    Image.fromarray(squares.images[0]).save(tmp_path / "a.png")
    cut(run, name, content)
    for command in (
        ["evaluate", "a"],
        ["predict", "a", str(tmp_path / "a.png"), "--output", str(tmp_path / "out")],
    ):
        line = call(monkeypatch, capsys, *command)
        assert str(run.path / name) in line
        assert any(word in line for word in ("put back", "upgrade", "is not valid")), line


@pytest.mark.parametrize("content", [None, b"", b"\xff" * 64, "newer", "other"])
def test_a_damaged_state_ends_the_resume_and_nothing_is_started_over(
    run, monkeypatch, capsys, content
) -> None:
    path = run.checkpoints / "last.state.safetensors"
    if content in ("newer", "other"):
        length = int.from_bytes(path.read_bytes()[:8], "little")
        head = json.loads(path.read_bytes()[8 : 8 + length])
        meta = json.loads(head["__metadata__"]["meta"])
        meta = {**meta, "format": 99} if content == "newer" else {"format": 1}
        head["__metadata__"]["meta"] = json.dumps(meta)
        packed = json.dumps(head).encode()
        path.write_bytes(len(packed).to_bytes(8, "little") + packed + path.read_bytes()[8 + length :])
    else:
        cut(run, "checkpoints/last.state.safetensors", content)
    before = run.metrics()
    run.update_status(state="interrupted", epoch=0)
    line = call(monkeypatch, capsys, "resume", "a")
    assert str(path) in line
    assert "upgrade" in line or "delete it to train the run from the start" in line
    assert (run.status()["state"], run.metrics()) == ("failed", before)
    assert str(path) in run.status()["error"]


@pytest.mark.parametrize("name", ["last.safetensors", "best.safetensors", "last.state.safetensors"])
def test_one_flipped_bit_of_a_weight_is_noticed(run, monkeypatch, capsys, name) -> None:
    path = run.checkpoints / name
    content = bytearray(path.read_bytes())
    content[-3] ^= 1  # of a weight's fraction: the file can still be read
    path.write_bytes(bytes(content))
    if "state" in name:
        run.update_status(state="interrupted", epoch=0)
        line = call(monkeypatch, capsys, "resume", "a")
    else:
        line = call(monkeypatch, capsys, "evaluate", "a", "--checkpoint", path.stem)
    assert f"{path} is damaged (its weights are not those that were written): put back a copy" in line


def test_without_its_best_checkpoint_the_other_one_is_offered(run) -> None:
    cut(run, "checkpoints/last.safetensors", None)
    with pytest.raises(LvcnetError, match="use checkpoint 'best'"):
        evaluate_run(run, device="cpu")
    assert evaluate_run(run, "best", device="cpu")["epoch"] == 1
