"""Widgets that several pages share: pickers that the address remembers, progress, errors in place, cached data sets.

A choice lives in the address (`?dataset=hips&run=...`), so every view can be linked and reloaded; the session keeps it
while other pages are visited.
"""

import shlex
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from lab.ui.escaping import plain
from lab.ui.navigation import link_to
from lvcnet import workspace
from lvcnet.damage import Damaged, problem_of
from lvcnet.data import naming
from lvcnet.data.dataset import CLEAN, Dataset, find_dataset, list_datasets
from lvcnet.data.importing.annotated import ImportProblems
from lvcnet.data.summary import summarise
from lvcnet.errors import LvcnetError
from lvcnet.methods import method_title
from lvcnet.noise.levels import levels_in_words
from lvcnet.requests import Request
from lvcnet.runs.about import read_about
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import is_demo
from lvcnet.storage import storage_problem
from lvcnet.trained import trained

Stamp = tuple[tuple[str, int], ...]
CACHED_DATASETS = 4
NOTE = "note-for-the-next-run"
THINGS = ("run", "dataset", "correction")
"""Choices that are never changed unsaid."""


def pick(
    parameter: str,
    label: str,
    options: Sequence[str],
    help_text: str,
    titles: Callable[[str], str] = str,
    default: str | None = None,
) -> str:
    """A selectbox whose choice is the query parameter `parameter`; `options` must not be empty.

    The address counts first, then what was chosen earlier in this session, then `default`, then the first option.
    """
    asked = _asked(parameter)
    key = _follow_address(parameter, options, default)
    chosen = st.selectbox(
        label,
        options,
        key=key,
        format_func=titles,
        help=help_text,
        on_change=_to_address,
        args=(parameter, key),
    )
    if parameter in THINGS and asked and asked not in options:
        st.warning(
            f"There is no {label.lower()} {plain(asked)} to show here: this is {plain(chosen)}.",
            icon=":material/info:",
        )
    remember(parameter, str(chosen))
    return str(chosen)


def pick_view(
    parameter: str, label: str, options: Sequence[str], titles: Callable[[str], str], help_text: str
) -> str:
    """Like `pick`, as a row of buttons: for the parts of a page."""
    key = _follow_address(parameter, options, None)
    chosen = st.segmented_control(
        label,
        options,
        key=key,
        format_func=titles,
        help=help_text,
        required=True,
        label_visibility="collapsed",
        on_change=_to_address,
        args=(parameter, key),
    )
    remember(parameter, str(chosen))
    return str(chosen)


def remember(parameter: str, value: str) -> None:
    """Put a choice into the address and the session, e.g. before going to a page that should show it."""
    st.session_state[f"last-{parameter}"] = value
    if st.query_params.get(parameter) != value:
        st.query_params[parameter] = value


def forget(parameter: str) -> None:
    """Drop a choice, e.g. of what was deleted."""
    st.session_state.pop(f"last-{parameter}", None)
    st.query_params.pop(parameter, None)


def pick_dataset() -> str | None:
    """Name of the chosen data set; None, with the next step on screen, if there is none at all."""
    names = [name for name in list_datasets() if is_sound(name)]
    if not names:
        empty_state(
            "There is no data set yet. Create phantom radiographs, or import your own.",
            "data",
            "Create or import data",
            {"view": "phantom"},
        )
        return None
    own = [name for name in names if (workspace.datasets_dir() / name).is_dir()]
    return pick(
        "dataset",
        "Data set",
        names,
        "The data sets of this workspace and those that ship with the lab.",
        default=next(iter(own), None),
    )


def pick_labels(
    dataset: Dataset, parameter: str = "labels", label: str = "Labels", default: str = CLEAN
) -> str:
    """Name of the chosen label set."""
    return pick(
        parameter,
        label,
        dataset.opinions(),
        f"Which opinion about the images: clean, a noise level, or another annotator. {levels_in_words()}",
        lambda name: label_title(dataset, name),
        default,
    )


def pick_run(runs: Sequence[RunDirectory]) -> RunDirectory:
    """The chosen one of `runs`, which must not be empty."""
    by_name = {run.name: run for run in runs}
    name = pick(
        "run",
        "Run",
        list(by_name),
        f"Active runs first, then the newest. {levels_in_words()}",
        lambda name: run_title(by_name[name]),
    )
    return by_name[name]


def run_title(run: RunDirectory) -> str:
    """A run in a list: title, name, method and labels. Not its state: the browser sends this text back, maybe later."""
    config, title = run.config(), read_about(run).title
    demo = ", demo" if is_demo(run) else ""
    return f"{title + ': ' if title else ''}{run.name} ({method_title(trained(config))} on {config['labels']}{demo})"


def label_title(dataset: Dataset, name: str) -> str:
    """A label set in a list, with its IoU to the clean labels where the manifest tells."""
    manifest = dataset.manifest(name)
    iou = manifest.get("mean_iou")
    return f"{name} (IoU {iou:.2f} to clean)" if iou is not None else naming.shown(name, manifest)


def load_dataset(name: str) -> Dataset:
    """A data set for reading; kept in memory until one of its files changes.

    Raises:
        LvcnetError: if there is none of that name.
    """
    folder = find_dataset(name)
    return _load_dataset(str(folder), dataset_stamp(folder))


def is_sound(name: str) -> bool:
    """Whether a data set can be read."""
    folder = find_dataset(name)
    return not any(one.kind == "data set" for one in dataset_problems(str(folder), dataset_stamp(folder)))


@st.cache_data(max_entries=64, show_spinner="Checking the data set")
def dataset_problems(folder: str, stamp: Stamp) -> list[Damaged]:
    """Damage of a data set and of the heads of its label sets; their masks are checked when they are read."""
    name = Path(folder).name
    try:
        dataset = Dataset.load(folder)
    except LvcnetError as error:
        return [Damaged("data set", name, str(error))]
    found = [
        problem_of("label set", f"{name}/{labels}", partial(dataset.manifest, labels))
        for labels in dataset.label_names()
    ]
    return [one for one in found if one is not None]


def dataset_summary(name: str) -> dict[str, Any]:
    """`lvcnet.data.summary.summarise`, kept until a file changes."""
    folder = find_dataset(name)
    return _summarise(str(folder), dataset_stamp(folder))


def dataset_stamp(folder: Path) -> Stamp:
    """Files of a data set and when they were written: a key for caches."""
    files = [folder / "dataset.json", folder / "images.npy", *sorted((folder / "labels").glob("*.npz"))]
    return tuple((path.name, path.stat().st_mtime_ns) for path in files if path.exists())


@contextmanager
def shown_errors() -> Iterator[None]:
    """What the user can mend is shown in place; problems of an import as a table."""
    try:
        yield
    except ImportProblems as error:
        st.error(plain(str(error).splitlines()[0].capitalize() + "."), icon=":material/error:")
        rows = [
            {
                "": "Error" if problem.blocking else "Warning",
                "Where": problem.where,
                "What": problem.what
                + (f" ({problem.fix})" if problem.fix else ""),  # narrow enough for a phone
            }
            for problem in error.problems
        ]
        show_table(rows)
    except LvcnetError as error:
        st.error(plain(error), icon=":material/error:")
    except (OSError, sqlite3.Error) as error:
        st.error(plain(storage_problem(error) or str(error)), icon=":material/error:")


def show_table(rows: Sequence[Mapping[str, object]]) -> None:
    """Rows as a table of plain text, which may come from data: `st.table` itself reads Markdown."""
    st.table([{plain(name): plain(value) for name, value in row.items()} for row in rows], hide_index=True)


def command_line(request: Request) -> None:
    """The command that does what a request says, to copy."""
    show_command(request.command())


def show_command(arguments: Sequence[str]) -> None:
    """A command, to copy."""
    st.caption("The same on the command line")
    st.code(shlex.join(["lvcnet", *arguments]), language=None, wrap_lines=True)


def empty_state(text: str, page: str, label: str, query: dict[str, str] | None = None) -> None:
    """Nothing to show: say why, in plain text, and link to the next step."""
    st.info(plain(text), icon=":material/info:")
    link_to(page, label, query=query)


def leave_note(text: str, failed: bool = False, place: str = "") -> None:
    """A message in plain text that the next run of a page shows; for callbacks, and before `st.rerun()`.

    Args:
        text: what to say.
        failed: whether it is an error.
        place: of the `show_note` that shows it; the top of the page by default.
    """
    st.session_state[NOTE] = (text, failed, place)


def has_note() -> bool:
    """Whether a note was left that nobody has seen yet."""
    return NOTE in st.session_state


def show_note(place: str = "") -> None:
    """Show the note that was left for this place, once; a place of its own is beside the button that was pressed."""
    text, failed = "", False
    if NOTE in st.session_state and st.session_state[NOTE][2] == place:
        text, failed, _ = st.session_state.pop(NOTE)
    with st.container():  # always there, so that what comes below does not change its place
        if text and failed:
            st.error(plain(text), icon=":material/error:")
        elif text:
            st.success(plain(text), icon=":material/check_circle:")


def _asked(parameter: str) -> str | None:
    asked = st.query_params.get(parameter) or st.session_state.get(f"last-{parameter}")
    return None if asked is None else str(asked)


def _follow_address(parameter: str, options: Sequence[str], default: str | None) -> str:
    """Bring the widget's state in line with the address; returns the widget's key."""
    key = f"pick-{parameter}"
    asked = _asked(parameter)
    if asked in options:
        st.session_state[key] = asked
    elif (
        st.session_state.get(key) not in options
    ):  # said to the browser, too, which keeps on showing what is gone
        st.session_state[key] = default if default in options else options[0]
    return key


def _to_address(parameter: str, key: str) -> None:
    remember(parameter, st.session_state[key])


@st.cache_resource(max_entries=CACHED_DATASETS, show_spinner="Loading the data set")
def _load_dataset(folder: str, stamp: Stamp) -> Dataset:
    return Dataset.load(folder)


@st.cache_data(max_entries=16, show_spinner="Measuring the data set")
def _summarise(folder: str, stamp: Stamp) -> dict[str, Any]:
    return summarise(_load_dataset(folder, stamp))
