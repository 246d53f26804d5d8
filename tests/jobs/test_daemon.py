import pytest

from lvcnet.files import write_json
from lvcnet.jobs import daemon
from lvcnet.runs.directory import process_record


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Commands that would have been started; each seems to live on as this process."""
    commands = []

    class Process:
        pid = process_record()["pid"]

    monkeypatch.setattr(daemon, "spawn", lambda command, *_: commands.append(command) or Process)
    return commands


def test_many_submissions_start_one_worker(started: list[list[str]]):
    for _ in range(5):
        daemon.ensure_worker()
    assert started == [[*daemon.WORKER]]


def test_no_worker_is_started_while_one_lives(started: list[list[str]]):
    with daemon.worker_lock(timeout=0) as mine:
        assert mine
        assert daemon.worker_pid() == process_record()["pid"]
        daemon.ensure_worker()
    assert started == []
    assert daemon.worker_pid() is None
    daemon.ensure_worker()
    assert len(started) == 1


def test_a_killed_worker_does_not_count(started: list[list[str]]):
    for name in ("worker.json", "starting.json"):
        write_json(daemon.queue_dir() / name, {"pid": 2**22 + 1, "pid_create_time": 1.0})
    assert daemon.worker_pid() is None
    daemon.ensure_worker()
    assert len(started) == 1


def test_a_workspace_has_one_worker():
    with daemon.worker_lock(timeout=0) as first, daemon.worker_lock(timeout=0) as second:
        assert (first, second) == (True, False)


def test_threads_are_shared_among_the_trainings(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(daemon, "cores", lambda: 8)
    monkeypatch.setenv("LVCNET_WORKERS", "3")
    assert daemon.threads_each() == 2
    monkeypatch.setenv("LVCNET_WORKERS", "20")
    assert daemon.threads_each() == 1
