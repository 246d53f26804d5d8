import subprocess
import sys
from pathlib import Path

import pytest

from lvcnet.errors import LvcnetError
from lvcnet.runs import locks
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.locks import device_lock, device_lock_path, run_lock


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the lock of a GPU that somebody on this machine may be using."""
    monkeypatch.setattr(locks.platformdirs, "user_cache_dir", lambda name: str(tmp_path / name))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_a_run_has_one_trainer(tmp_path: Path):
    run = RunDirectory(tmp_path / "run")
    run.create({})
    with (
        run_lock(run),
        pytest.raises(LvcnetError, match="'run' is being trained by another process"),
        run_lock(run, timeout=0),
    ):
        pass
    with run_lock(run, timeout=0):
        pass


HOLDS = """
import sys, time
from pathlib import Path
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.locks import run_lock
with run_lock(RunDirectory(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_killed_trainer_leaves_no_lock(tmp_path: Path):
    run = RunDirectory(tmp_path / "run")
    run.create({})
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(run.path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LvcnetError), run_lock(run, timeout=0):
            pass
        holder.kill()
    with run_lock(run, timeout=0):
        pass


def test_one_training_a_gpu_and_the_next_waits_until_told_to_stop():
    answers = iter([False, True])
    with device_lock("cuda:0") as first, device_lock("cuda", lambda: next(answers)) as second:
        assert (first, second) == (True, False)
    with device_lock("cuda:0") as third:
        assert third


def test_as_many_trainings_share_a_gpu_as_the_user_says(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LVCNET_TRAININGS_PER_GPU", "2")
    with device_lock("cuda:0") as a, device_lock("cuda:0") as b, device_lock("cuda:0", lambda: True) as c:
        assert (a, b, c) == (True, True, False)
    assert device_lock_path("cuda:0", 1).name == "cuda-0-place1.lock"
    monkeypatch.setenv("LVCNET_TRAININGS_PER_GPU", "all")
    with pytest.raises(LvcnetError, match="LVCNET_TRAININGS_PER_GPU='all'"), device_lock("cuda:0"):
        pass


def test_other_gpus_are_free_and_the_cpu_is_never_locked():
    with (
        device_lock("cuda:0") as a,
        device_lock("cuda:1") as b,
        device_lock("cpu") as c,
        device_lock("cpu") as d,
    ):
        assert all((a, b, c, d))
    assert {path.name for path in device_lock_path("cuda").parent.iterdir()} == {"cuda-0.lock", "cuda-1.lock"}


def test_the_lock_follows_the_physical_gpu(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-8a2f")
    assert device_lock_path("cuda:0").name == "cuda-3.lock"
    assert device_lock_path("cuda:1").name == "cuda-GPU-8a2f.lock"
