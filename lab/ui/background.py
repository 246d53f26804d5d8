"""Long work of a page in a thread: a button starts it; below it one sees how far it is, and can cancel it.

The work belongs to the browser that started it, and goes on when its page is closed or loaded again: a page that is open
gets its result, a later one is offered it. Other browsers see that it goes on, and cancel it only after being asked. It knows
nothing of Streamlit; its task's `stage` gives it `report(done, total)`, the callback that library functions take, and that
is where it stops when it was cancelled. So a library function that cleans up after an exception can be cancelled.
"""

import atexit
import time
from collections.abc import Callable, Hashable
from threading import Event, Lock, Thread
from typing import Any

import streamlit as st

from lab.ui.escaping import plain
from lab.ui.owners import is_open, owner, session
from lvcnet.errors import LvcnetError
from lvcnet.progress import Report

SECONDS = 0.5
"""Between two looks at how far the work is."""
SOON = 0.3
"""Seconds in which small work is done before any progress is shown."""
LEAVING = 10.0
"""Seconds that the lab waits for cancelled work when it is stopped."""
KEPT = 3600.0
"""Seconds after which a result is forgotten that nobody came back for."""


class Cancelled(Exception):
    """Raised by `report` in the work's thread after somebody cancelled it; its text says who, if it was not the owner."""


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
        key: of its button.
        owner: the browser it belongs to; empty if it belongs to nobody.
        session: the session that gets its result.
        began: when, in seconds since 1970.
    """

    def __init__(self, title: str, work: Work, key: str = "") -> None:
        self.title, self.done, self.total = title, 0, 0
        self.key, self.owner, self.session, self.began = key, owner(), session(), time.time()
        self._by = ""
        self.result: Any = None
        self.error: Exception | None = None
        self._stop = Event()
        self._thread = Thread(target=self._run, args=(work,), name=title, daemon=True)
        self._thread.start()

    def stage(self, title: str) -> Report:
        """The callback for a part of the work."""
        self.title, self.done, self.total = title, 0, 0
        return self._report

    def cancel(self, by: str = "") -> None:
        """Let the work stop at its next report; `by` says who wanted that, if not the owner."""
        self._by = by
        self._stop.set()

    @property
    def cancelling(self) -> bool:
        """Whether somebody cancelled it."""
        return self._stop.is_set()

    @property
    def progress(self) -> str:
        """What it does and how far it is, in words."""
        return self.title + (f": {self.done} of {self.total}" if self.total else "")

    @property
    def ended(self) -> bool:
        """Whether it is over, well or not."""
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Until it ended, but not longer than that."""
        self._thread.join(seconds)

    def _report(self, done: int, total: int) -> None:
        if self._stop.is_set():
            raise Cancelled(self._by)
        self.done, self.total = done, total

    def _run(self, work: Work) -> None:
        try:
            self.result = work(self)
        except Exception as error:  # shown by the page, see `outcome`
            self.error = error


TASKS: dict[str, Task] = {}
"""What runs, or ended and was not shown yet, by the key of its button and its owner: see `_place`."""
_starting = Lock()


def _place(key: str) -> str:
    return f"{key} {owner()}".rstrip()


def own(key: str) -> Task | None:
    """This browser's work of a key: it runs, or ended and was not shown yet."""
    return TASKS.get(_place(key))


def own_keys(prefix: str) -> list[str]:
    """Keys of this browser's work that begin so."""
    return [task.key for task in TASKS.values() if task.owner == owner() and task.key.startswith(prefix)]


def elsewhere(key: str) -> list[Task]:
    """Work of a key that runs for other browsers."""
    return [task for task in TASKS.values() if task.key == key and task.owner != owner() and not task.ended]


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
    alone: bool = True,
) -> Any:
    """A button that starts `work`; below it progress and Cancel, and then what came of it.

    Args:
        label: of the button.
        key: of the button and of the work: one at a time for each browser.
        icon: of the button.
        help_text: of the button.
        work: called with its task in another thread.
        nothing_done: said when it was cancelled.
        about: what kept it from being done is shown as long as this is the same, and it is not started anew.
        disabled: as long as the form is not filled in.
        primary: whether it is what the page is for.
        alone: whether it waits until other browsers' work of this key is over.

    Returns:
        What the work returned, once; None before that.

    Raises:
        LvcnetError: what the work raised, with every draw of the page.
    """
    mine = own(key)
    running = (mine is not None and not mine.ended) or (alone and bool(elsewhere(key)))
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
    if own(key) is None and (error is None or known != about):
        start(key, title, work).wait(SOON)
    return outcome(key, nothing_done, about, moves=False)


def _stopped(key: str) -> str:
    """Under which name a session keeps what came of stopped work: (about, error)."""
    return f"stopped-{key}"


def outcome(key: str, nothing_done: str, about: Hashable = None, moves: bool = True) -> Any:
    """Progress and Cancel while work goes on; its result once, or what kept it from being done.

    For work whose button is gone by the time it ends; see `background_button` for the rest. `moves`: the result takes who gets
    it to another view, so it goes to the session that started the work or, if that is over, to one that asks for it.
    """
    if moves and elsewhere(key):
        st.fragment(_watch_others, run_every=SECONDS)(key)
    task = own(key)
    if task is not None and not task.ended:
        if not is_open(task.session):
            task.session = session()  # its page was loaded again, and here it is
        st.fragment(_watch, run_every=SECONDS)(key)
        return None
    if task is not None:
        if moves and task.session != session() and not _asked_for(task):
            return None
        TASKS.pop(_place(key), None)
        if task.error is None:
            return task.result
        if not isinstance(task.error, Cancelled | LvcnetError):
            raise task.error
        st.session_state[_stopped(key)] = (about, task.error)
    known, error = st.session_state.get(_stopped(key), (None, None))
    if error is None or known != about:
        return None
    if isinstance(error, Cancelled):
        st.info(f"Cancelled{error}: {nothing_done}.", icon=":material/stop_circle:")
        return None
    raise error.with_traceback(None)


def start(key: str, title: str, work: Work) -> Task:
    """Start work, unless this browser has already some of this key: then that is what goes on."""
    with _starting:
        for place, task in list(TASKS.items()):
            if task.ended and time.time() - task.began > KEPT and not is_open(task.session):
                del TASKS[place]
        place = _place(key)
        if place not in TASKS or TASKS[place].ended:
            TASKS[place] = Task(title, work, key)
        return TASKS[place]


def _asked_for(task: Task) -> bool:
    """Offer the result of work that ended while no page of its session was open."""
    if is_open(task.session):
        return False  # that page, in another tab, will show it
    with st.container(border=True):
        st.markdown(f"While its page was closed, this ended: {plain(task.title)}.")
        return st.button(
            "Show what came of it", key=f"{task.key}-show", icon=":material/visibility:", help="It is yours."
        )


def _watch(key: str) -> None:
    """How far it is; the page is drawn anew when it ended."""
    task = own(key)
    if task is None or task.ended:
        st.rerun(scope="app")
    text = "Cancelling" if task.cancelling else plain(task.progress)
    st.progress(min(1.0, task.done / max(1, task.total)), text=text)
    st.button(
        "Cancel",
        key=f"{key}-cancel",
        icon=":material/stop_circle:",
        help="Stop it; nothing half done stays behind.",
        on_click=task.cancel,
        disabled=task.cancelling,
    )


def _watch_others(key: str) -> None:
    """What other browsers do; the page is drawn anew when that is over."""
    others = elsewhere(key)
    if not others:
        st.rerun(scope="app")
    for number, task in enumerate(others):
        with st.container(key=f"{key}-other-{number}"):  # below each other: the count moves nothing
            began = time.strftime("%H:%M", time.localtime(task.began))
            what = "is cancelling" if task.cancelling else "is at work"
            st.caption(f"Another session {what} since {began}: {plain(task.progress)}")
            with st.popover("Cancel it", type="tertiary", disabled=task.cancelling):
                st.markdown("Cancel somebody else's work? They are told, and nothing half done stays behind.")
                st.button(
                    "Cancel somebody else's work",
                    key=f"{key}-other-{number}-cancel",
                    on_click=task.cancel,
                    args=(" by another session",),
                )


@atexit.register
def _leave() -> None:
    """Let work end cleanly when the lab is stopped: threads that are killed leave their temporary files."""
    for task in TASKS.values():
        task.cancel()
    for task in TASKS.values():
        task.wait(LEAVING)
