"""What was measured of outlines before a run was trained, and by how much they were moved."""

import streamlit as st

from lab.ui import tables
from lab.ui.escaping import plain
from lab.ui.widgets import show_table
from lvcnet.errors import DamagedError
from lvcnet.runs.directory import RunDirectory


def moved_outlines(run: RunDirectory) -> None:
    """A table of the categories; nothing for runs that measured nothing."""
    try:
        kept = run.displacement()
    except DamagedError as error:
        st.warning(plain(error), icon=":material/broken_image:")
        return
    if kept is None:
        return
    st.header("Outlines before training", anchor=False)
    show_table(
        [
            {
                "Category": name,
                "What the images said": one["sentence"].removeprefix(f"{name}: "),
                "Moved by (px)": tables.number(one["moved_px"], 1) if one["moved_px"] else "stayed",
            }
            for name, one in kept["categories"].items()
        ]
    )
    for one in kept["categories"].values():
        if one.get("caution"):
            st.warning(plain(f"{one['caution']}."), icon=":material/warning:")
    st.caption(
        "In pixels of the working grid; positive moves go inwards."
        f" Asked for: options.displacement={plain(kept['asked'])}."
    )
