import threading

import pytest

from lvcnet import jobs
from lvcnet.errors import LvcnetError
from lvcnet.jobs import daemon, launch, queue
from lvcnet.jobs.recover import NEVER_STARTED_SECONDS, adopt, recover
from lvcnet.runs.directory import RunDirectory, process_record
from lvcnet.runs.locks import run_lock
from tests.jobs.helpers import eventually, make_run

pytestmark = pytest.mark.usefixtures("fake_trainer", "no_worker")


def carry_out_next() -> None:
    """Do in this thread what a worker's thread does."""
    entry = queue.open_queue().dequeue()
    queue.carry_out(*entry.args, task=entry)


def submitted(*names: str) -> list[RunDirectory]:
    runs = [make_run(name) for name in names]
    for run in runs:
        jobs.submit(run, evaluate=False)
    return runs


def test_runs_wait_in_the_order_they_came():
    first, second, third = submitted("a", "b", "c")
    assert [jobs.position(run) for run in (first, second, third)] == [1, 2, 3]
    assert jobs.queue_state() == jobs.QueueState([], ["a", "b", "c"], None, launch.slots())
    carry_out_next()
    assert first.status()["state"] == "done"
    assert [jobs.position(run) for run in (first, second, third)] == [None, 1, 2]


def test_cancelled_while_waiting_then_resumed_goes_to_the_end():
    first, second = submitted("a", "b")
    jobs.cancel(first)
    assert first.status()["state"] == "cancelled"
    assert [jobs.position(first), jobs.position(second)] == [None, 1]
    jobs.resume(first)
    assert [jobs.position(first), jobs.position(second)] == [2, 1]
    carry_out_next()  # the stale entry of the cancelled run
    assert first.status()["state"] == "queued"
    carry_out_next()
    carry_out_next()
    assert [run.status()["state"] for run in (first, second)] == ["done", "done"]


def test_cancel_while_running_and_wait():
    run = make_run(epochs=500)
    jobs.submit(run, evaluate=False)
    worker = threading.Thread(target=carry_out_next)
    worker.start()
    eventually(lambda: run.status()["epoch"] >= 1, "the first epoch")
    assert jobs.queue_state().running == [run.name]
    assert jobs.wait(run, timeout=0) == "running"
    jobs.cancel(run)
    assert jobs.wait(run) == "cancelled"
    worker.join()
    assert not queue.HELD


def test_cancel_while_the_trainer_is_starting():
    run = make_run(behaviour="slow")
    jobs.submit(run, evaluate=False)
    worker = threading.Thread(target=carry_out_next)
    worker.start()
    eventually(lambda: run.status().get("pid"), "the start")
    assert run.status()["state"] == "queued"
    assert jobs.position(run) is None
    jobs.cancel(run)
    assert jobs.wait(run) == "cancelled"
    worker.join()


def test_wait_notices_a_dead_trainer_without_a_worker():
    run = make_run(epochs=500)
    process = launch.start_trainer(run, 1)
    eventually(lambda: run.status()["state"] == "running", "the trainer to run")
    process.kill()
    process.wait()
    assert jobs.wait(run) == "interrupted"


def test_errors_say_the_state_and_what_is_allowed():
    (run,) = submitted("a")
    with pytest.raises(LvcnetError, match=r"queued \(place 1\).*only a new run"):
        jobs.submit(run)
    with pytest.raises(LvcnetError, match=r"queued \(place 1\).*only failed, cancelled, interrupted"):
        jobs.resume(run)
    carry_out_next()
    with pytest.raises(LvcnetError, match="is done: there is nothing left to train"):
        jobs.resume(run)
    with pytest.raises(LvcnetError, match="is done: there is nothing to cancel"):
        jobs.cancel(run)


def test_deleted_run_is_dropped_from_the_queue():
    gone, kept = submitted("a", "b")
    for path in gone.path.iterdir():
        path.unlink()
    gone.path.rmdir()
    assert jobs.position(kept) == 1
    carry_out_next()
    carry_out_next()
    assert kept.status()["state"] == "done"


def test_queue_file_holds_no_pickle():
    submitted("a")
    (data,) = queue.open_queue().storage.enqueued_items()
    assert bytes(data).startswith(b'{"format": 1, "message": ["')


def test_failed_start_is_settled_by_the_worker():
    run = make_run(behaviour="crash")
    jobs.submit(run, evaluate=False)
    carry_out_next()
    assert run.status()["state"] == "failed"


def test_recover_interrupts_a_run_whose_process_is_gone():
    run = make_run()
    run.update_status(state="running", pid=2**22 + 1, pid_create_time=1.0)
    (line,) = recover()
    assert line.startswith(f"{run.name}: ")
    assert run.status()["state"] == "interrupted"
    assert recover() == []


def test_recover_is_not_fooled_by_a_reused_pid():
    run = make_run()
    record = process_record()
    run.update_status(state="running", pid=record["pid"], pid_create_time=record["pid_create_time"] - 100)
    recover()
    assert run.status()["state"] == "interrupted"


def test_recover_is_not_fooled_by_a_clock_that_was_put_right():
    run = make_run()
    record = process_record()
    run.update_status(state="running", pid=record["pid"], pid_create_time=record["pid_create_time"] - 100)
    with run_lock(run):
        assert recover() == []
    assert len(recover()) == 1


def test_recover_leaves_living_trainers_alone_and_adopt_watches_them():
    run = make_run(epochs=500)
    process = launch.start_trainer(run, 1)
    eventually(lambda: run.status()["state"] == "running", "the trainer to run")
    run.update_status(launcher="queue")
    assert recover() == []
    assert adopt() == [run.name]
    assert jobs.position(run) is None
    worker = threading.Thread(target=carry_out_next)
    worker.start()
    eventually(lambda: run.name in queue.HELD, "the adoption")
    process.kill()
    process.wait()
    worker.join()
    assert run.status()["state"] == "interrupted"


def test_recover_queues_again_what_a_killed_worker_had_taken_out():
    (run,) = submitted("a")
    lost = queue.open_queue().dequeue()
    assert jobs.position(run) is None
    assert "queued again" in recover()[0]
    assert jobs.position(run) == 1
    assert recover() == []
    queue.carry_out(*lost.args, task=lost)
    assert run.status()["state"] == "queued", "the lost entry, should it turn up, is stale"
    carry_out_next()
    assert run.status()["state"] == "done"


def test_recover_trusts_a_living_worker_with_what_it_took_out(monkeypatch: pytest.MonkeyPatch):
    (run,) = submitted("a")
    queue.open_queue().dequeue()
    monkeypatch.setattr(daemon, "worker_pid", lambda: 1)
    assert recover() == []
    monkeypatch.setattr(queue, "HELD", {run.name})
    assert recover(worker=True) == []


def test_recover_leaves_a_fresh_run_to_its_maker_but_not_for_ever():
    run = make_run()
    assert recover() == []
    created = run.status()["created"] - NEVER_STARTED_SECONDS - 1
    (run.path / "status.json").write_text(f'{{"state": "queued", "created": {created}}}')
    assert "never started" in recover()[0]
    assert run.status()["state"] == "interrupted"
