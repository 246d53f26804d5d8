"""What a training takes: measured on real processes, and read from real files."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from lvcnet.cli import app
from lvcnet.jobs import queue
from lvcnet.jobs.usage import Reading, Usage, cpu_load, measure_usage, read_processors
from lvcnet.runs.directory import RunDirectory, process_record
from tests.jobs.helpers import eventually, make_run

BUSY = "held = bytearray(b'x') * 200_000_000\nwhile True: pass"
IDLE = "import time; time.sleep(600)"


@pytest.fixture
def busy() -> Iterator[subprocess.Popen[bytes]]:
    """A process that keeps a core busy and holds 200 MB."""
    with subprocess.Popen([sys.executable, "-c", BUSY]) as process:
        yield process
        process.kill()


@pytest.fixture
def idle() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", IDLE]) as process:
        yield process
        process.kill()


def trained_by(name: str, process: subprocess.Popen[bytes], **changes: str) -> RunDirectory:
    run = make_run(name)
    run.update_status(state="running", **process_record(process.pid), **changes)
    return run


def test_a_busy_trainer_is_told_from_an_idle_one(
    busy: subprocess.Popen[bytes], idle: subprocess.Popen[bytes]
) -> None:
    runs = [trained_by("busy", busy), trained_by("idle", idle)]
    eventually(lambda: (measure_usage(runs)["busy"].memory_mb or 0) > 200, "200 MB to be held")
    before = read_processors(runs)
    eventually(lambda: read_processors(runs)["busy"].cpu_seconds > before["busy"].cpu_seconds + 0.5, "work")
    found = measure_usage(runs, before)
    busy_load, idle_load = found["busy"].cpu_percent, found["idle"].cpu_percent
    assert busy_load is not None
    assert idle_load is not None
    assert busy_load > idle_load
    assert 0 < (found["idle"].memory_mb or 0) < 200
    assert found["busy"].gpu_memory_mb is None


def test_a_run_without_a_trainer_takes_nothing_but_has_a_speed(idle: subprocess.Popen[bytes]) -> None:
    run = trained_by("over", idle)
    run.append_metrics({"epoch": 1, "images_per_second": 8.0, "memory_mb": 450.0})
    run.append_metrics({"epoch": 2, "images_per_second": 12.5, "memory_mb": 450.0})
    run.update_status(state="done")
    assert measure_usage([run]) == {"over": Usage(images_per_second=12.5)}
    gone = make_run("gone")
    gone.update_status(state="running", pid=2**22 + 1, pid_create_time=1.0)
    assert measure_usage([gone]) == {"gone": Usage()}
    assert read_processors([run, gone]) == {}


def test_readings_of_two_trainers_make_no_load() -> None:
    first = Reading(taken=10.0, cpu_seconds=3.0, trainer=1.0)
    assert cpu_load(first, Reading(14.0, 4.0, trainer=1.0)) == 25.0
    assert cpu_load(first, Reading(14.0, 1.0, trainer=1.0)) == 0.0
    assert cpu_load(first, Reading(14.0, 4.0, trainer=2.0)) is None
    assert cpu_load(first, first) is None
    assert cpu_load(None, first) is None


def test_memory_of_a_gpu_is_what_the_trainer_wrote(idle: subprocess.Popen[bytes]) -> None:
    run = trained_by("gpu", idle, device="cuda:0")
    assert measure_usage([run])["gpu"].gpu_memory_mb is None
    run.append_metrics({"epoch": 1, "memory_mb": 3100.5})
    found = measure_usage([run])["gpu"]
    assert found.gpu_memory_mb == 3100.5
    assert found.memory_mb is not None
    assert found.memory_mb < 3100


@pytest.mark.usefixtures("no_worker")
def test_places_in_the_queue_and_the_command(idle: subprocess.Popen[bytes]) -> None:
    running = trained_by("now", idle)
    first, second = make_run("first"), make_run("second")
    for run in (first, second):
        queue.submit(run)
    found = measure_usage([second, running, first])
    assert [found[name].position for name in ("now", "first", "second")] == [None, 1, 2]
    rows = json.loads(CliRunner().invoke(app, ["runs", "--no-demo", "--json"]).stdout)["runs"]
    assert [(row["run"], row["position"]) for row in rows] == [("now", None), ("first", 1), ("second", 2)]
    assert rows[0]["memory_mb"] > 0
    assert rows[0]["cpu_percent"] is not None
    assert rows[1]["cpu_percent"] is rows[1]["images_per_second"] is None
