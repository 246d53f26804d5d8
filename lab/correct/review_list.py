"""The correct page's list: how far the review is, which images it goes through, and who decided what."""

from collections.abc import Sequence

import streamlit as st

from lab.correct.state import DECISION_TITLES, decision_text
from lab.ui.escaping import plain
from lab.ui.tables import counted
from lab.ui.widgets import pick, remember, show_table
from lvcnet.correction.apply import UNDECIDED
from lvcnet.correction.decisions import Event
from lvcnet.correction.review import SHOWN, count_decisions, filter_rows
from lvcnet.files import Row

LIST_HEIGHT = 320
BELOW, LAST = "quality-below", "last-filter"
LATEST = 50
"""Events that the history shows, the latest first."""


def filters(rows: list[Row]) -> list[Row]:
    """Which images to go through, in a popover that says so; the rows of these."""
    counts = count_decisions(rows)
    counts |= {"all": len(rows), "decided": len(rows) - counts["undecided"]}
    counts["draft"] = sum(bool(row["drafts"]) for row in rows)
    asked, limit = st.query_params.get("show", UNDECIDED), float(st.session_state.get(BELOW, 1.0))
    title = DECISION_TITLES.get(asked, "") + ("" if limit >= 1 else f", quality up to {limit:.2f}")
    with st.popover(
        f"Filter: {title.lower()}", icon=":material/filter_alt:", help="Which images to go through."
    ):
        show = pick(
            "show",
            "Show",
            list(SHOWN),
            "The worst labels come first.",
            lambda name: f"{DECISION_TITLES[name]} ({counts[name]})",
        )
        below = st.number_input(
            "Quality up to",
            0.0,
            1.0,
            1.0,
            0.05,
            key=BELOW,
            help="Only labels of at most this quality: 0 is certainly wrong somewhere, 1 certainly right everywhere.",
        )
    shown = filter_rows(rows, show, below)
    before, st.session_state[LAST] = st.session_state.get(LAST), (show, below)
    if before not in (None, (show, below)) and st.query_params.get("image") not in {
        row["key"] for row in shown
    }:
        st.query_params.pop("image", None)  # another filter: its first image comes up
    return shown


def show_progress(rows: list[Row]) -> None:
    """How much is decided."""
    counts = count_decisions(rows)
    done = len(rows) - counts["undecided"]
    parts = [f"{count} {DECISION_TITLES[name].lower()}" for name, count in counts.items() if count]
    if drafts := sum(bool(row["drafts"]) for row in rows):
        parts.append(f"{counted(drafts, 'image')} with a draft")
    st.progress(done / max(1, len(rows)), text=f"**{done} of {len(rows)} decided** ({', '.join(parts)})")


def show_list(shown: list[Row], key: str) -> None:
    """The images that the filter leaves, worst first; choosing a row shows its image."""
    if not shown:
        return
    table = {
        "": ["▶" if row["key"] == key else "" for row in shown],
        "Rank": [row["rank"] for row in shown],
        "Image": [row["key"] for row in shown],
        "Quality": [row["quality"] for row in shown],
        "Surely disputed": [None if row["confident"] is None else 100 * row["confident"] for row in shown],
        "Distance (px)": [row["disagreement_px"] for row in shown],
        "Decision": [DECISION_TITLES[row["decision"]] for row in shown],
        "Reviewer": [row["reviewer"] or "" for row in shown],
        "Draft of": [", ".join(row["drafts"]) for row in shown],
    }
    numbers = st.column_config.NumberColumn
    st.dataframe(
        table,
        key="review-list",
        hide_index=True,
        height=min(LIST_HEIGHT, 38 + 35 * len(shown)),
        on_select=lambda: _open_row(shown),
        selection_mode="single-row",
        column_config={
            "": st.column_config.TextColumn(width=30),
            "Quality": numbers(format="%.3f", help="Label quality by cleanlab: 0 to 1, low is suspicious."),
            "Surely disputed": numbers(
                format="%.0f %%",
                help="Share of the disputed pixels that the method is sure about; above one half a label is surely wrong, and"
                " a little below where most of the set is.",
            ),
            "Distance (px)": numbers(
                format="%.2f", help="Mean distance of the outlines of label and proposal."
            ),
        },
        alt=f"{len(shown)} images, worst label first, with their decisions",
    )


def show_history(events: Sequence[Event], key: str | None) -> None:
    """Who decided what and when, in a popover."""
    with st.popover(
        "History", icon=":material/history:", help="Who decided what and when; nothing is ever deleted."
    ):
        own = [event for event in events if event.key == key]
        for title, some in ((f"Image {key}", own), ("All images", list(events))):
            st.markdown(f"**{plain(title)}**")
            if some:
                show_table(
                    [
                        {
                            "Time (UTC)": event.time[:16].replace("T", " "),
                            "Reviewer": event.reviewer,
                            "Image": event.key,
                            "Decision": decision_text(event),
                        }
                        for event in some[::-1][:LATEST]
                    ]
                )
            else:
                st.caption("Nothing was decided yet.")


def _open_row(shown: list[Row]) -> None:
    rows = st.session_state["review-list"]["selection"]["rows"]
    if rows and rows[0] < len(shown):
        remember("image", shown[rows[0]]["key"])
