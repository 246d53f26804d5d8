"""The queue in front of the inference app: bounded, and without what Gradio keeps of every call.

A call that finds too many before it is refused at once with HTTP 429 and `Retry-After`; a page shows the same words. The
pages and the programs have places of their own, so that neither can take all, and one client can only have some of them.

What grew with every call in Gradio 6, and is let go here: a session with a copy of the whole layout for each call that names
none (`StateHolder`, 10,000 of them), a record of each event from which a data frame is made after every call
(`event_analytics`, 10,000 of them), the names of sessions whose answers were fetched, and an empty temporary file for each
uploaded one (`gr.File._process_single_file`). Its deletion of old files ended for good when a file was uploaded meanwhile.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import HTTPException
from gradio.context import LocalContext
from gradio.queueing import Event, Queue
from gradio.utils import NamedString

from lab.inference import predicting

LANES = {
    "segment_api": "programs",
    "segment_batch_api": "programs",
    "on_segment": "pages",
    "on_batch": "pages",
}
"""Functions that predict, and whose calls they are."""
MOST_WAITING = 12
"""Calls of a lane that wait or run; both lanes together stay below Gradio's 40 threads, so that drawing never waits."""
MOST_OF_ONE = 6
"""Of these, calls of one client: a session, or the address of a program that names none."""
SESSIONS = 256
"""Sessions that Gradio remembers, the latest ones."""


PAUSE = 0.02
"""Seconds between two looks of Gradio's queue for something to do; its own 0.001 costs 5 to 10 % of a core day and night."""


class FileNames(set[str]):
    """Names of files that threads add to while another one walks through them: it sees those of the moment it began."""

    def __iter__(self) -> Iterator[str]:
        """Of a copy, made at once."""
        return iter(list(super().__iter__()))


class BoundedQueue(Queue):  # type: ignore[misc]  # Gradio is not typed
    """Gradio's queue with places that are counted, and sessions that end with their only call.

    Attributes:
        left: how many names of files each of Gradio's sets held when it was last looked through.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.left: dict[int, int] = {}

    @staticmethod
    def guard(app: gr.Blocks) -> None:
        """Put it in place of the queue of an app that does not run yet."""
        app.state_session_capacity = SESSIONS
        app.app.state_holder.capacity = SESSIONS
        queue = BoundedQueue(
            live_updates=True,
            concurrency_count=app.max_threads,
            update_intervals=1,
            max_size=None,
            blocks=app,
        )
        queue.ANALYTICS_MAX_EVENTS = 1
        queue.sleep_when_free = queue.progress_update_sleep_when_free = PAUSE
        app._queue = queue
        names = {id(files): FileNames(files) for files in app.temp_file_sets}
        app.upload_file_set = names[id(app.upload_file_set)]
        app.temp_file_sets = list(names.values())
        for block in app.blocks.values():
            block.temp_files = names.get(id(block.temp_files), block.temp_files)

    async def push(self, body: Any, request: Any, username: str | None) -> Any:
        """Take a call in.

        Raises:
            HTTPException: 429 if there are too many before it.
        """
        self.forget()
        function = self.blocks.fns.get(body.fn_index)
        lane = LANES.get(function.name) if function else None
        if lane:
            client = client_of(body.session_hash, request, username)
            before = [
                event for event in self.event_ids_to_events.values() if event.alive and _lane(event) == lane
            ]
            own = sum(client_of(*_asked(event)) == client for event in before)
            if len(before) >= MOST_WAITING or own >= MOST_OF_ONE:
                seconds = predicting.OFFICE.seconds(len(before) + 1)
                raise HTTPException(
                    429,
                    f"Busy: {len(before)} calls are waiting, {own} of them yours. Try again in about {seconds} seconds.",
                    {"Retry-After": str(seconds)},
                )
        return await super().push(body, request, username)

    async def process_events(self, events: list[Event], *arguments: Any, **named: Any) -> None:
        """Do what was called, and end the session of a call that named none."""
        try:
            await super().process_events(events, *arguments, **named)
        finally:
            holder = self.server_app.state_holder if self.server_app else None
            for event in events:
                if holder and event.session_hash == event._id:
                    holder.session_data.pop(event.session_hash, None)
                    holder.time_last_used.pop(event.session_hash, None)

    def compute_analytics_summary(self, records: Any) -> Any:
        """Nothing: nobody looks at it, and it makes a data frame after every call."""
        return self.cached_event_analytics_summary

    def forget(self) -> None:
        """Let go of the sessions that have nothing to fetch any more, and of those that Gradio has given up."""
        live = {event.session_hash for event in self.event_ids_to_events.values()}
        for session, waiting in list(self.pending_event_ids_session.items()):
            if session not in live and (not waiting or session not in self.pending_messages_per_session):
                self.pending_event_ids_session.pop(session, None)
                self.pending_messages_per_session.pop(session, None)
        for number, files in enumerate(self.blocks.temp_file_sets):
            # looked through when twice as many as were left: at every call, thousands of uploads would cost more than it
            if len(files) > 2 * self.left.get(number, SESSIONS):
                files.difference_update(_gone(files))
                self.left[number] = max(SESSIONS, len(files))


def client_of(session: str | None, request: Any, username: str | None) -> str:
    """Who calls: the user where there is a login, the session, or the address of a program that names neither."""
    address = getattr(getattr(request, "client", None), "host", "")
    return username or session or address


def this_call() -> tuple[str, str, Any]:
    """(lane, client, event) of the call that is being answered; the event tells whether somebody still waits for it."""
    blocks, number = LocalContext.blocks.get(None), LocalContext.event_id.get(None)
    event = blocks._queue.event_ids_to_events.get(number) if blocks and number else None
    if event is None:
        return "pages", "", None
    return _lane(event) or "pages", client_of(*_asked(event)), event


def keep_no_copy(*files: gr.File) -> None:
    """Let file components hand over the uploaded file without leaving an empty one beside it."""
    for file in files:
        file._process_single_file = lambda given: NamedString(given.path)


def _asked(event: Event) -> tuple[str | None, Any, str | None]:
    named = None if event.session_hash == event._id else event.session_hash
    return named, event.request, event.username


def _lane(event: Event) -> str | None:
    return LANES.get(event.fn.name)


def _gone(files: Iterable[str]) -> set[str]:
    return {file for file in files if not Path(file).exists()}
