"""The queue in front of the predictions and the process that makes them: bounded, fair, and it comes back when it dies."""

import asyncio
import math
import os
import signal
from pathlib import Path
from threading import Timer
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from fastapi import HTTPException
from gradio.data_classes import FileData, PredictBodyInternal

from lab.inference import api as inference_api
from lab.inference import app as inference_app
from lab.inference import predicting
from lab.inference import queue as inference_queue
from lab.inference.queue import MOST_OF_ONE, MOST_WAITING, PAUSE, BoundedQueue, client_of
from lab.inference.segment import samples
from lvcnet.errors import LvcnetError
from lvcnet.runs.directory import RunDirectory


def called(app: Any, name: str, session: str | None) -> Any:
    """Push a call that nothing answers, as nobody started the queue."""
    number = next(number for number, function in app.fns.items() if function.name == name)
    body = PredictBodyInternal(fn_index=number, session_hash=session, data=[], request=None)
    return asyncio.run(app._queue.push(body, SimpleNamespace(client=SimpleNamespace(host="127.0.0.1")), None))


def test_an_idle_queue_looks_for_work_fifty_times_a_second_and_not_a_thousand_times() -> None:
    app, pauses = inference_app.build(), []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        app._queue.stopped = len(pauses) == 3

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gradio.queueing.asyncio.sleep", sleep)
        for loop in (app._queue.start_processing, app._queue.start_progress_updates):
            pauses.clear()
            app._queue.stopped = False
            asyncio.run(loop())
            assert set(pauses) == {PAUSE}


def test_the_queue_is_bounded_for_one_and_for_all_and_keeps_places_for_pages() -> None:
    app = inference_app.build()
    for _ in range(MOST_OF_ONE):
        assert called(app, "segment_api", "one")[0]
    with pytest.raises(HTTPException, match=f"{MOST_OF_ONE} of them yours") as busy:
        called(app, "segment_api", "one")
    assert (busy.value.status_code, int(busy.value.headers["Retry-After"]) > 0) == (429, True)
    for number in range(MOST_WAITING - MOST_OF_ONE):
        assert called(app, "segment_api", f"other-{number}")[0]
    with pytest.raises(HTTPException, match=f"Busy: {MOST_WAITING} calls are waiting, 0 of them yours"):
        called(app, "segment_batch_api", "late")
    assert called(app, "on_segment", "page")[0]
    assert called(app, "on_draw", "page")[0]


def test_a_call_leaves_no_event_record_and_no_session_name_behind() -> None:
    app = inference_app.build()
    for _ in range(MOST_OF_ONE):
        called(app, "on_draw", None)
    queue = app._queue
    assert len(queue.event_analytics) == 1
    queue.event_ids_to_events.clear()
    for waiting in queue.pending_event_ids_session.values():
        waiting.clear()
    queue.forget()
    assert not queue.pending_event_ids_session
    assert len(queue.pending_messages_per_session) == 0


def test_many_uploads_do_not_make_every_call_look_for_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked through at each call, thousands of uploads took all of the processor from the pages."""
    looked: list[int] = []

    def gone(files: set[str]) -> set[str]:
        looked.append(len(files))
        return {file for file in files if file.startswith("gone")}

    monkeypatch.setattr(inference_queue, "_gone", gone)
    app = inference_app.build()
    names: set[str] = set()
    app.temp_file_sets.append(names)
    for number in range(4000):
        names.update({f"kept-{number}", f"gone-{number}"})
        app._queue.forget()
    assert len(looked) < 10
    assert sum(looked) < 4 * 4000
    assert len([name for name in names if name.startswith("gone")]) <= len(names) / 2


def test_an_upload_leaves_no_empty_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    app = inference_app.build()
    files = [
        block for block in app.blocks.values() if isinstance(block, gr.File) and block.type == "filepath"
    ]
    given = [block for block in files if "_process_single_file" in vars(block)]
    assert len(given) == 4  # the two of the page and the two of the endpoints
    for block in given:
        assert block._process_single_file(FileData(path=str(samples()[0]))) == str(samples()[0])
    assert not list((tmp_path / "cache").glob("tmp*"))


def test_lanes_take_turns_and_in_a_lane_the_client_who_waited_longest() -> None:
    turns = predicting.Turns()
    tickets = [("programs", name, object()) for name in ("a", "a", "b")] + [("pages", "p", object())]
    turns._waiting = list(tickets)
    turns._served = {("pages", ""): 5, ("programs", ""): 6, ("programs", "a"): 6, ("programs", "b"): 2}
    assert turns.next() is tickets[3]
    turns._served["pages", ""] = 7
    assert turns.next() is tickets[2]


def test_a_call_that_nobody_waits_for_is_dropped() -> None:
    turns = predicting.Turns()
    with turns.turn("programs", "a"):
        with pytest.raises(predicting.Abandoned), turns.turn("programs", "b", lambda: True):
            pass
        assert turns.waiting == 0


def test_a_process_that_died_is_said_and_started_again(trained_run: RunDirectory, tmp_path: Path) -> None:
    office = predicting.Office()
    asked = {"run": trained_run.name, "threshold": 0.5, "path": str(samples()[0])}
    try:
        (tmp_path / "a").mkdir()
        office.ask("programs", "a", "answer", folder=str(tmp_path / "a"), **asked)
        assert office.pid
        os.kill(office.pid, signal.SIGSTOP)  # so that it cannot answer before it is killed
        Timer(0.5, os.kill, (office.pid, signal.SIGKILL)).start()
        with pytest.raises(LvcnetError, match="its process ended"):
            office.ask("programs", "a", "answer", folder=str(tmp_path / "b"), **asked)
        (tmp_path / "c").mkdir()
        summary, mask, _ = office.ask("programs", "a", "answer", folder=str(tmp_path / "c"), **asked)
        assert (summary["run"], Path(mask).is_file()) == ("tiny", True)
    finally:
        office.stop()


def test_training_first_means_one_thread_at_a_low_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LVCNET_PREDICT_THREADS", raising=False)
    assert predicting.niceness(predicting.LAST) == 0
    monkeypatch.setenv("LVCNET_TRAINING_FIRST", "1")
    assert (predicting.niceness(predicting.LAST), predicting.threads()) == (19, 1)


def test_old_files_are_deleted_while_others_are_uploaded() -> None:
    """Walking through the names of files while one is added ended Gradio's deletion for good."""
    with gr.Blocks() as app:
        gr.File()
    BoundedQueue.guard(app)
    app.upload_file_set.update(["a", "b"])
    for name in app.upload_file_set:
        app.upload_file_set.add(f"{name} and another")
    assert app.temp_file_sets[0] is app.upload_file_set
    assert {id(block.temp_files) for block in app.blocks.values()} <= set(map(id, app.temp_file_sets))
    assert len(app.upload_file_set) == 4


def test_answers_go_after_an_hour_and_are_not_walked_through_in_every_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference_api, "scratch_folder", lambda: tmp_path)
    monkeypatch.setattr(inference_api, "_tidied", -math.inf)
    old, young = inference_api.output_folder(), inference_api.output_folder()
    os.utime(old, (0, 0))
    inference_api.output_folder()
    assert old.is_dir()  # it was looked a moment ago
    monkeypatch.setattr(inference_api, "_tidied", -math.inf)
    inference_api.output_folder()
    assert (old.exists(), young.is_dir()) == (False, True)


def test_who_calls() -> None:
    request = SimpleNamespace(client=SimpleNamespace(host="10.0.0.1"))
    assert client_of(None, request, None) == "10.0.0.1"
    assert client_of("session", request, None) == "session"
    assert client_of("session", request, "anna") == "anna"
    assert inference_queue.this_call() == ("pages", "", None)
