"""The lab's pages in the order of the work, and the frame that every page shares.

Streamlit runs this file as its main script (see Home.py); pages import `page_frame` and `link_to` from it.
"""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitAPIException
from streamlit.navigation.page import StreamlitPage

from lab.announce import watch
from lvcnet import workspace

FOLDER = Path(__file__).resolve().parent.parent / "pages"

CSS = """
<style>
/* Streamlit writes white on the primary colour, which is light in the dark theme */
[data-testid^=stBaseButton-primary], .stMultiSelect [data-tag] { color: light-dark(#FFFFFF, #0F141A) !important; }
.stMultiSelect [data-tag] * { color: inherit !important; }
</style>
"""


@dataclass(frozen=True)
class PageEntry:
    """One page: its key is its address and, but for pages that say otherwise, its script's stem."""

    key: str
    title: str
    icon: str
    script: str | None = None

    @property
    def path(self) -> Path:
        """The page's script."""
        return FOLDER / f"{self.script or self.key}.py"

    def page(self) -> StreamlitPage:
        """The page as Streamlit wants it; the first one is what `/` shows."""
        return st.Page(
            self.path,
            title=self.title,
            icon=f":material/{self.icon}:",
            url_path=self.key,
            default=self.key == "overview",
        )


SECTIONS: dict[str, list[PageEntry]] = {
    "": [PageEntry("overview", "Overview", "home")],
    "Prepare": [
        PageEntry("data", "Data", "radiology"),
        PageEntry("noise", "Noise", "gesture"),
    ],
    "Train": [
        PageEntry("train", "Train", "model_training"),
        PageEntry("runs", "Runs", "monitoring"),
    ],
    "Judge": [
        PageEntry("compare", "Compare", "compare"),
        # a script called inspect.py would hide Python's own module from whatever runs with pages/ on its path
        PageEntry("inspect", "Inspect", "troubleshoot", script="inspect_run"),
    ],
    "Repair": [PageEntry("correct", "Correct", "healing")],
    "Use": [PageEntry("inference", "Inference", "image_search")],
    "Help": [PageEntry("glossary", "Glossary", "dictionary")],
}
ENTRIES: dict[str, PageEntry] = {entry.key: entry for entries in SECTIONS.values() for entry in entries}


def page_frame(title: str, what: str) -> None:
    """Head of every page; while it is open, trainings that end are announced.

    Args:
        title: sentence case, the same word as in the navigation where possible.
        what: one sentence: what this page shows or does.
    """
    st.title(title, anchor=False)
    st.markdown(f":gray[{what}]")
    watch()


def link_to(
    key: str, label: str | None = None, help_text: str | None = None, query: dict[str, str] | None = None
) -> None:
    """A link to another page by its key, e.g. `link_to("runs", "See it train", query={"run": name})`.

    A page that runs alone (in a test) has no navigation to link into: it shows the label as text.
    """
    entry = ENTRIES[key]
    text = label or entry.title
    try:
        st.page_link(
            entry.page(), label=text, icon=f":material/{entry.icon}:", help=help_text, query_params=query
        )
    except (StreamlitAPIException, KeyError):
        st.markdown(f":material/{entry.icon}: {text}")


def main() -> None:
    """Set the page up, draw the navigation, run the chosen page."""
    assets = workspace.assets_dir()
    # a file, not a material icon: Streamlit fetches those for the browser's tab from the network
    st.set_page_config(page_title="LVC-Net Lab", page_icon=str(assets / "icon.svg"), layout="wide")
    st.html(CSS)
    st.logo(str(assets / "logo.svg"), size="large", icon_image=str(assets / "icon.svg"))
    chosen = st.navigation(
        {section: [entry.page() for entry in entries] for section, entries in SECTIONS.items()}
    )
    chosen.run()


if __name__ == "__main__":
    main()
