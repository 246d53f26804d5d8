"""Predictions in a process of their own, one at a time, in fair turns: the lab's pages stay quick, and its memory flat.

The process is started with the first prediction, ends when it has not been asked for a while, and is started again when it
died or took too much memory. Questions and answers are lines of JSON; pictures go through files in the lab's private folder.

    LVCNET_TRAINING_FIRST=1       pages and predictions take what trainings leave: low priority, one thread
    LVCNET_PREDICT_THREADS=N      threads of the process; default half of the cores
    LVCNET_PREDICT_MEMORY_GB=N    what it may take; default 6
"""

import json
import math
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from lvcnet import workspace
from lvcnet.errors import LvcnetError
from lvcnet.jobs.launch import cores, trainer_environment

IDLE_SECONDS = 900.0
POLL_SECONDS = 0.5
FIRST_GUESS = 3.0
"""Seconds that a prediction is thought to take before there was one."""
PAGES, LAST = 5, 19
"""How nice pages and predictions are when trainings come first: a page still comes while its reader looks at it."""
ROOT = Path(__file__).resolve().parent.parent.parent


class Abandoned(LvcnetError):
    """Whoever asked does not wait for the answer any more."""


class Turns:
    """Who may ask the process next: the lanes in turn, in a lane the client whose last turn is longest ago."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[tuple[str, str, object]] = []
        self._holder: object | None = None
        self._served: dict[tuple[str, str], int] = {}
        self._count = 0

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @contextmanager
    def turn(self, lane: str, client: str, gone: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Wait for a turn, and have it.

        Raises:
            Abandoned: if `gone` says so before it comes.
        """
        ticket = (lane, client, object())
        with self._changed:
            self._waiting.append(ticket)
            try:
                while self._holder is not None or self.next() is not ticket:
                    self._changed.wait(POLL_SECONDS)
                    if gone():
                        raise Abandoned("nobody waits for this answer any more")
            except BaseException:
                self._waiting.remove(ticket)
                self._changed.notify_all()
                raise
            self._waiting.remove(ticket)
            self._holder = ticket
            self._count += 1
            self._served[lane, ""] = self._served[lane, client] = self._count
            if len(self._served) > 1000:
                self._served = {key: number for key, number in self._served.items() if key[1] == ""}
        try:
            yield
        finally:
            with self._changed:
                self._holder = None
                self._changed.notify_all()

    def next(self) -> tuple[str, str, object]:
        """The ticket whose turn it is."""
        lane = min(
            {lane for lane, _, _ in self._waiting}, key=lambda lane: (self._served.get((lane, ""), 0), lane)
        )
        return min(
            (ticket for ticket in self._waiting if ticket[0] == lane),
            key=lambda ticket: self._served.get((lane, ticket[1]), 0),
        )


class Office:
    """The process and whoever wants something of it."""

    def __init__(self) -> None:
        self.turns = Turns()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: Connection | None = None
        self._idle: threading.Timer | None = None
        self._usual = FIRST_GUESS

    def seconds(self, before: int) -> int:
        """In how many seconds somebody with so many before them would have an answer, about."""
        return max(1, math.ceil(before * self._usual))

    def ask(
        self, lane: str, client: str, do: str, gone: Callable[[], bool] = lambda: False, **given: Any
    ) -> Any:
        """Wait for a turn and let the process do something.

        Args:
            lane: `pages` or `programs`.
            client: whose turn it is.
            do: a function of predict_worker.py.
            gone: whether the answer is not wanted any more.
            given: its arguments.

        Raises:
            LvcnetError: what the process says, or that it died.
            Abandoned: if the answer is not wanted any more; the process ends what it does for itself.
        """
        with self.turns.turn(lane, client, gone):
            began = time.monotonic()
            if self._idle:
                self._idle.cancel()
            try:
                answer = self._answer(do, given)
            finally:
                self._idle = threading.Timer(IDLE_SECONDS, self._rest)
                self._idle.daemon = True
                self._idle.start()
            self._usual += 0.2 * (time.monotonic() - began - self._usual)
        if "problem" in answer:
            raise LvcnetError(answer["problem"])
        return answer["answer"]

    @property
    def pid(self) -> int | None:
        """The process, if there is one."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def stop(self) -> None:
        """End the process."""
        if self._line:
            self._line.close()
        if self._process:
            self._process.kill()
            self._process.wait()
        self._process = self._line = None

    def _rest(self) -> None:
        with suppress(Abandoned), self.turns.turn("pages", ""):
            self.stop()

    def _answer(self, do: str, given: dict[str, Any]) -> dict[str, Any]:
        if self.pid is None:
            self._start()
        assert self._line is not None
        question = {"do": do, "with": given, "home": str(workspace.home())}
        try:
            self._line.send_bytes(json.dumps(question).encode())
            while not self._line.poll(POLL_SECONDS):
                self._check_memory()
            answer: dict[str, Any] = json.loads(self._line.recv_bytes())
        except (OSError, EOFError):
            self.stop()
            raise LvcnetError(
                "the prediction was stopped: its process ended, perhaps for want of memory; try a smaller image, or again"
            ) from None
        return answer

    def _check_memory(self) -> None:
        most = float(os.environ.get("LVCNET_PREDICT_MEMORY_GB", "6"))
        with suppress(psutil.Error):
            if self.pid and psutil.Process(self.pid).memory_info().rss > most * 2**30:
                self.stop()
                raise LvcnetError(
                    f"the prediction was stopped: it took more than {most:g} GB; try a smaller image, or allow more by"
                    " LVCNET_PREDICT_MEMORY_GB"
                )

    def _start(self) -> None:
        self.stop()
        here, there = socket.socketpair()
        environment = {**trainer_environment(threads()), "MALLOC_ARENA_MAX": "2"}
        with there:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lab.inference.worker", str(there.fileno()), str(niceness(LAST))],
                cwd=ROOT,
                env=environment,
                pass_fds=[there.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._line = Connection(here.detach())


def training_first() -> bool:
    """Whether predictions take only what trainings leave."""
    return os.environ.get("LVCNET_TRAINING_FIRST", "").strip().lower() in ("1", "true", "yes", "on")


def threads() -> int:
    """Threads of the process."""
    given = os.environ.get("LVCNET_PREDICT_THREADS", "").strip()
    usual = 1 if training_first() else max(1, cores() // 2)
    return int(given) if given.isdigit() and int(given) else usual


def niceness(most: int) -> int:
    """By how much a process steps back behind trainings: `most` or not at all."""
    return most if training_first() else 0


OFFICE = Office()
"""The one of this lab."""
