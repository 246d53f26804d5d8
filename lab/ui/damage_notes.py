"""What is damaged in the workspace, on every page: named with what to do, while the rest is shown."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import streamlit as st

from lab.ui.escaping import code, plain
from lab.ui.loaded import load_correction
from lab.ui.widgets import dataset_problems, dataset_stamp
from lvcnet.correction.store import list_corrections
from lvcnet.damage import Damaged, problem_of
from lvcnet.data.dataset import find_dataset, list_datasets
from lvcnet.plugins import Registry
from lvcnet.runs.store import damaged_runs

MOST_SHOWN = 5


def show_damage(*kinds: str) -> None:
    """One line with the damaged items of some kinds (keys of `FINDERS`); opened, what is wrong and what to do."""
    found = [one for kind in kinds or FINDERS for one in FINDERS[kind]()]
    if not found:
        return
    named = [plain(one.name) for one in found[:MOST_SHOWN]]
    lines = [f"- {plain(str(one))}" for one in found[:MOST_SHOWN]]
    if len(found) > MOST_SHOWN:
        named.append(f"{len(found) - MOST_SHOWN} more")
        lines.append(f"- and {len(found) - MOST_SHOWN} more: {code('lvcnet doctor')} lists all")
    with st.expander(
        f"Damaged, left out: {', '.join(named)} (what to do)",
        icon=":material/broken_image:",
        key="damage",
    ):
        st.warning("\n".join(lines))


def sound_corrections() -> list[str]:
    """Names of the corrections that can be used."""
    broken = {one.name for one in _damaged_corrections()}
    return [name for name in list_corrections() if name not in broken]


def _damaged_datasets() -> list[Damaged]:
    found: list[Damaged] = []
    for name in list_datasets():
        folder = find_dataset(name)
        found += dataset_problems(str(folder), dataset_stamp(folder))
    return found


def _verdicts(correction: str) -> object:
    return load_correction(correction).decisions.verdicts()


def _damaged_corrections() -> list[Damaged]:
    found = [problem_of("correction", name, partial(_verdicts, name)) for name in list_corrections()]
    return [one for one in found if one is not None]


FINDERS: Mapping[str, Callable[[], list[Damaged]]] = {
    "data": _damaged_datasets,
    "runs": damaged_runs,
    "corrections": _damaged_corrections,
}


def show_left_out(*registries: Registry[Any]) -> None:
    """A line for each plug-in that could not be loaded."""
    for line in (line for registry in registries for line in registry.problems):
        st.warning(f"{plain(line)}.", icon=":material/extension_off:")
