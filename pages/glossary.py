"""Glossary: the words and figures of the lab, explained once."""

import streamlit as st

from lab import glossary
from lab.ui.escaping import plain
from lab.ui.navigation import ENTRIES, link_to, page_frame

COLUMNS = 2


def show(term: glossary.Term) -> None:
    """One word in a box."""
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{term.title}**  \n{term.text}")
        if term.equation:
            st.latex(term.equation)
        link_to(term.page, f"Used on {ENTRIES[term.page].title}")


page_frame("Glossary", "What the words and figures of the lab mean, with the equations they stand for.")
words = st.text_input(
    "Find",
    key="glossary-find",
    placeholder="e.g. outline",
    help="Shows only entries that hold all these words.",
)
sections = {title: glossary.found(terms(), words) for title, terms in glossary.SECTIONS.items()}
if not any(sections.values()):
    st.info(
        f"Nothing here speaks of {plain(repr(words))}. Empty the field to see all entries.",
        icon=":material/info:",
    )
for title, terms in sections.items():
    if terms:
        st.header(title, anchor=title.lower().replace(" ", "-"))
    for first in range(0, len(terms), COLUMNS):
        for column, term in zip(st.columns(COLUMNS), terms[first : first + COLUMNS], strict=False):
            with column:
                show(term)
    if terms:
        st.caption(glossary.SYMBOLS.get(title, ""))
