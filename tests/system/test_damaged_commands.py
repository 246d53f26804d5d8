"""Every command with every kind of file damaged in every way: words, never a traceback, and no long silence."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lvcnet.data.upkeep import add_checksum
from lvcnet.jobs.sweep import YOUNGER
from lvcnet.training.config import TrainConfig
from tests.conftest import ROOT

Call = Callable[..., tuple[int, str, str]]
KEPT = ROOT / "tests" / "fixtures" / "workspace-1"
RUN = "hips-lvcnet-plus-level3-s0"
"""As the sweep names it that `SAME_SWEEP` asks for."""
MUTATIONS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "zeros": lambda content: bytes(len(content)),
    "bits": lambda content: flipped(content),
    "json": lambda content: b'{"format": [], "state": 3}',
}
TRAIN = ("train", "hips", "--level", "3", "--method", "unet", "--epochs", "1", "--queue")
SWEEP = ("sweep", "hips", "--methods", "unet", "--labels", "3", "--seeds", "0", "--queue")
SETTINGS = json.loads((KEPT / "runs" / "plus" / "config.json").read_text())
SAME_SWEEP = (
    *("sweep", "hips", "--methods", "lvcnet-plus", "--labels", "3", "--seeds", "0", "--queue"),
    *(
        part
        for name in TrainConfig.model_fields
        if name in SETTINGS and name not in ("dataset", "labels", "method", "seed", "options")
        for part in ("--set", f"{name}={json.dumps(SETTINGS[name])}")
    ),
    *(
        part
        for name, value in YOUNGER.items()
        if name != "steps"
        for part in ("--set", f"{name}={json.dumps(value)}")
    ),
)
"""Whose only run is the one that gets damaged."""
APPLY = ("correct-apply", "judged", "--as", "new", "--accept", "all")
OF_DATA = [("data", "list"), ("data", "show", "hips"), TRAIN, SWEEP, ("evaluate", RUN), ("compare", "hips")]
OF_DATA += [("noise", "hips", "--levels", "1"), ("plan", "hips"), APPLY]
OF_LABELS = [("data", "list"), ("data", "show", "hips"), TRAIN, SWEEP, APPLY]
OF_RUN = [("runs",), ("queue",), ("compare", "hips"), ("plan", "hips"), SAME_SWEEP, ("evaluate", RUN)]
OF_WEIGHTS = [("evaluate", RUN)]
OF_CORRECTION = [("corrections",), ("review", "judged"), APPLY]
OF_DECISIONS = [("corrections",), ("review", "judged"), (*APPLY[:-1], "reviewed")]
FILES: dict[str, list[tuple[str, ...]]] = {
    "datasets/hips/dataset.json": OF_DATA,
    "datasets/hips/images.npy": OF_DATA,
    "datasets/hips/labels/clean.npz": OF_DATA[:-1],
    "datasets/hips/labels/level3.npz": OF_LABELS,
    f"runs/{RUN}/config.json": OF_RUN,
    f"runs/{RUN}/status.json": OF_RUN,
    f"runs/{RUN}/evaluation.json": OF_RUN[:4],
    f"runs/{RUN}/metrics.jsonl": [],
    f"runs/{RUN}/checkpoints/last.json": OF_WEIGHTS,
    f"runs/{RUN}/checkpoints/last.safetensors": OF_WEIGHTS,
    "corrections/judged/correction.json": OF_CORRECTION,
    "corrections/judged/proposals.npy": OF_CORRECTION,
    "corrections/judged/probability.npy": OF_CORRECTION,
    "corrections/judged/decisions.sqlite": OF_DECISIONS,
    "queue/queue.db": [("queue",), ("runs",)],
}
"""Every kind of file, and the commands that cannot do without it: they name it."""
OTHERS = [
    ("runs",),
    ("queue",),
    ("corrections",),
    ("data", "list"),
    ("review", "judged"),
    ("resume", RUN),
    SAME_SWEEP,
]
"""Commands that may do without it."""
UNSEEN = {
    ("corrections/judged/probability.npy", "bits"),  # the kept correction is older than its checksums
    ("queue/queue.db", "empty"),  # a queue in which nobody waits
}
WHAT_TO_DO = (
    "put back",
    "copy of it",
    "delete",
    "evaluate the run again",
    "train it again",
    "stop the worker",
)


def flipped(content: bytes) -> bytes:
    """A byte in a hundred, and one at least, is another one."""
    draw, damaged = random.Random(len(content)), bytearray(content)
    for _ in range(max(1, len(content) // 100)):
        damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
    return bytes(damaged)


@pytest.fixture
def damaged(
    file: str, mutation: str, workspace_home: Path, no_demo: None, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The file in a workspace that is otherwise sound; its images have a checksum, as all that is written now."""
    monkeypatch.setattr("lvcnet.jobs.daemon.ensure_worker", lambda: None)
    shutil.copytree(KEPT, workspace_home)
    (workspace_home / "runs" / "plus").rename(workspace_home / "runs" / RUN)
    add_checksum(workspace_home / "datasets" / "hips")
    path = workspace_home / file
    path.write_bytes(MUTATIONS[mutation](path.read_bytes()))
    return path


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("file", FILES)
def test_who_needs_the_file_names_it_with_what_to_do_and_no_command_fails_otherwise(
    damaged: Path, file: str, mutation: str, lvcnet: Call
) -> None:
    for command in [*FILES[file], *(other for other in OTHERS if other not in FILES[file])]:
        status, out, err = lvcnet(*command)
        said = out + err
        assert status in (0, 1, 2), command
        assert "Traceback" not in said, command
        assert status == 0 or err.strip(), command
        if command in FILES[file] and (file, mutation) not in UNSEEN:
            together = "".join(said.split())  # a table breaks lines anywhere
            assert f"{damaged}isdamaged" in together, (command, said)
            assert any(do.replace(" ", "") in together for do in WHAT_TO_DO), (command, said)
