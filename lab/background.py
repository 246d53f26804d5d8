"""Long work of a page in a thread: a button starts it, whoever looks at the page sees how far it is and can cancel it.

The work belongs to the lab, not to a browser's session: it goes on when the page is closed or loaded again. It knows
nothing of Streamlit; its task's `stage` gives it `report(done, total)`, the callback that library functions take, and that
is where it stops when it was cancelled. So a library function that cleans up after an exception can be cancelled.
"""

import atexit
from collections.abc import Callable, Hashable
from threading import Event, Lock, Thread
from typing import Any

import streamlit as st

from lab.escaping import plain
from lvcnet.errors import LvcnetError
from lvcnet.progress import Report

SECONDS = 0.5
"""Between two looks at how far the work is."""
SOON = 0.3
"""Seconds in which small work is done before any progress is shown."""
LEAVING = 10.0
"""Seconds that the lab waits for cancelled work when it is stopped."""


class Cancelled(Exception):
    """Raised by `report` in the work's thread after somebody cancelled it."""


Work = Callable[["Task"], Any]
"""What is done in a thread, with its task."""


class Task:
    """Work in a thread of its own.

    Attributes:
        title: what it does right now.
        done: how much of that is done.
        total: of how much; 0 as long as that is not known.
        result: what the work returned; None before it ended.
        error: what it raised; `Cancelled` if it was cancelled.
    """

    def __init__(self, title: str, work: Work) -> None:
        self.title, self.done, self.total = title, 0, 0
        self.result: Any = None
        self.error: Exception | None = None
        self._stop = Event()
        self._thread = Thread(target=self._run, args=(work,), name=title, daemon=True)
        self._thread.start()

    def stage(self, title: str) -> Report:
        """The callback for a part of the work."""
        self.title, self.done, self.total = title, 0, 0
        return self._report

    def cancel(self) -> None:
        """Let the work stop at its next report."""
        self._stop.set()

    @property
    def cancelling(self) -> bool:
        """Whether somebody cancelled it."""
        return self._stop.is_set()

    @property
    def ended(self) -> bool:
        """Whether it is over, well or not."""
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Until it ended, but not longer than that."""
        self._thread.join(seconds)

    def _report(self, done: int, total: int) -> None:
        if self._stop.is_set():
            raise Cancelled
        self.done, self.total = done, total

    def _run(self, work: Work) -> None:
        try:
            self.result = work(self)
        except Exception as error:  # shown by the page, see `outcome`
            self.error = error


TASKS: dict[str, Task] = {}
"""What runs, or ended and was not shown yet, by the key of its button."""
_starting = Lock()


def background_button(
    label: str,
    key: str,
    icon: str,
    help_text: str,
    work: Work,
    nothing_done: str,
    about: Hashable = None,
    disabled: bool = False,
    primary: bool = True,
) -> Any:
    """A button that starts `work`; below it progress and Cancel, and then what came of it.

    Args:
        label: of the button.
        key: of the button and of the work: one at a time, whoever started it.
        icon: of the button.
        help_text: of the button.
        work: called with its task in another thread.
        nothing_done: said when it was cancelled.
        about: what kept it from being done is shown as long as this is the same, and it is not started anew.
        disabled: as long as the form is not filled in.
        primary: whether it is what the page is for.

    Returns:
        What the work returned, once; None before that.

    Raises:
        LvcnetError: what the work raised, with every draw of the page.
    """
    running = key in TASKS and not TASKS[key].ended
    pressed = st.button(
        label,
        key=key,
        type="primary" if primary else "secondary",
        icon=icon,
        help=help_text,
        disabled=disabled or running,
    )
    if pressed:
        st.session_state.pop(_stopped(key), None)
        started = start(key, label, work)
        started.wait(SOON)
        if not started.ended:
            st.rerun()  # the button is no longer one to press
    return outcome(key, nothing_done, about)


def background_work(key: str, title: str, work: Work, nothing_done: str, about: Hashable = None) -> Any:
    """Work that starts by itself, with the same progress and Cancel; not again after it was stopped or failed.

    Args:
        key, work, nothing_done, about: see `background_button`.
        title: what it does.

    Returns:
        What the work returned, once: keep it. None before that, and where it was cancelled.

    Raises:
        LvcnetError: what the work raised, with every draw of the page.
    """
    known, error = st.session_state.get(_stopped(key), (None, None))
    if key not in TASKS and (error is None or known != about):
        start(key, title, work).wait(SOON)
    return outcome(key, nothing_done, about)


def _stopped(key: str) -> str:
    """Under which name a session keeps what came of stopped work: (about, error)."""
    return f"stopped-{key}"


def outcome(key: str, nothing_done: str, about: Hashable = None) -> Any:
    """Progress and Cancel while work goes on; its result once, or what kept it from being done.

    For work whose button is gone by the time it ends; see `background_button` for the rest.
    """
    task = TASKS.get(key)
    if task is not None and not task.ended:
        st.fragment(_watch, run_every=SECONDS)(key)
        return None
    if task is not None:
        TASKS.pop(key, None)
        if task.error is None:
            return task.result
        if not isinstance(task.error, Cancelled | LvcnetError):
            raise task.error
        st.session_state[_stopped(key)] = (about, task.error)
    known, error = st.session_state.get(_stopped(key), (None, None))
    if error is None or known != about:
        return None
    if isinstance(error, Cancelled):
        st.info(f"Cancelled: {nothing_done}.", icon=":material/stop_circle:")
        return None
    raise error.with_traceback(None)


def start(key: str, title: str, work: Work) -> Task:
    """Start work, unless there is already some of this key: then that is what goes on."""
    with _starting:
        if key not in TASKS or TASKS[key].ended:
            TASKS[key] = Task(title, work)
        return TASKS[key]


def _watch(key: str) -> None:
    """How far it is; the page is drawn anew when it ended."""
    task = TASKS.get(key)
    if task is None or task.ended:
        st.rerun(scope="app")
    counted = f": {task.done} of {task.total}" if task.total else ""
    text = "Cancelling" if task.cancelling else plain(f"{task.title}{counted}")
    st.progress(min(1.0, task.done / max(1, task.total)), text=text)
    st.button(
        "Cancel",
        key=f"{key}-cancel",
        icon=":material/stop_circle:",
        help="Stop it; nothing half done stays behind.",
        on_click=task.cancel,
        disabled=task.cancelling,
    )


@atexit.register
def _leave() -> None:
    """Let work end cleanly when the lab is stopped: threads that are killed leave their temporary files."""
    for task in TASKS.values():
        task.cancel()
    for task in TASKS.values():
        task.wait(LEAVING)
