"""Every command with every kind of file damaged in every way: words, never a traceback, and no long silence."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT

Call = Callable[..., tuple[int, str, str]]
KEPT = ROOT / "tests" / "fixtures" / "workspace-1"
MUTATIONS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "zeros": lambda content: bytes(len(content)),
    "bits": lambda content: flipped(content),
    "json": lambda content: b'{"format": [], "state": 3}',
}
OF_DATA = [
    ("data", "list"),
    ("data", "show", "hips"),
    ("noise", "hips", "--levels", "1"),
    ("train", "hips", "--epochs", "0"),
    ("plan", "hips"),
    ("compare", "hips"),
    ("review", "judged"),
    ("evaluate", "plus"),
]
OF_RUN = [
    ("runs",),
    ("queue",),
    ("evaluate", "plus"),
    ("plan", "hips"),
    ("compare", "hips"),
    ("resume", "plus"),
]
OF_CORRECTION = [("corrections",), ("review", "judged"), ("correct-apply", "judged", "new")]
FILES = {
    "datasets/hips/dataset.json": OF_DATA,
    "datasets/hips/images.npy": OF_DATA,
    "datasets/hips/labels/clean.npz": OF_DATA,
    "datasets/hips/labels/level3.npz": OF_DATA,
    "runs/plus/config.json": OF_RUN,
    "runs/plus/status.json": OF_RUN,
    "runs/plus/evaluation.json": OF_RUN,
    "runs/plus/metrics.jsonl": OF_RUN,
    "runs/plus/checkpoints/last.json": OF_RUN,
    "runs/plus/checkpoints/last.safetensors": OF_RUN,
    "corrections/judged/correction.json": OF_CORRECTION,
    "corrections/judged/proposals.npy": OF_CORRECTION,
    "corrections/judged/probability.npy": OF_CORRECTION,
    "corrections/judged/decisions.sqlite": OF_CORRECTION,
    "queue/queue.db": [("queue",), ("runs",)],
}


def flipped(content: bytes) -> bytes:
    """A byte in a hundred, and one at least, is another one."""
    draw, damaged = random.Random(len(content)), bytearray(content)
    for _ in range(max(1, len(content) // 100)):
        damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
    return bytes(damaged)


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("file", FILES)
def test_words_only(
    file: str,
    mutation: str,
    workspace_home: Path,
    no_demo: None,
    lvcnet: Call,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lvcnet.jobs.daemon.ensure_worker", lambda: None)
    shutil.copytree(KEPT, workspace_home)
    path = workspace_home / file
    path.write_bytes(MUTATIONS[mutation](path.read_bytes()))
    for command in FILES[file]:
        status, out, err = lvcnet(*command)
        assert status in (0, 1, 2), command
        assert "Traceback" not in out + err, command
        assert status == 0 or err.strip(), command
