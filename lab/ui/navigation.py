"""The lab's pages in the order of the work, and the frame that every page shares.

Streamlit runs this file as its main script (see Home.py); pages import `page_frame` and `link_to` from it.
"""

from dataclasses import dataclass
from html import escape
from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitAPIException
from streamlit.navigation.page import StreamlitPage

from lab.ui.announce import watch
from lab.ui.escaping import plain
from lab.ui.identity import user
from lvcnet import workspace

PACKAGE = Path(__file__).resolve().parent.parent
# where the pages are: at the top of a checkout, in a wheel inside of the package (see setup.py)
FOLDER = next(path for path in (PACKAGE / "_pages", PACKAGE.parent / "pages") if path.is_dir())

CSS = """
<style>
/* Streamlit writes white on the primary colour, which is light in the dark theme */
[data-testid^=stBaseButton-primary]:not(:disabled), .stMultiSelect [data-tag] {
  color: light-dark(#FFFFFF, #0F141A) !important;
}
.stMultiSelect [data-tag] * { color: inherit !important; }
/* where a row of buttons breaks, each has all of its edges: Streamlit hides those beside the chosen one */
@media (max-width: 640px) {
  .stButtonGroup [role=radiogroup] button:not([aria-checked=true]) {
    border-color: color-mix(in srgb, currentColor 30%, transparent) !important;
  }
  .stButtonGroup [role=radiogroup] button[aria-checked=true] { z-index: 1; }
}
/* half of Streamlit's margin: the tables of runs and of results then fit at 1440 pixels */
@media (min-width: 641px) {
  [data-testid=stMainBlockContainer] { padding-left: 2.5rem; padding-right: 2.5rem; }
}
/* a script takes no place, nor does what stands in the bar above */
[data-testid=stElementContainer]:has([data-testid=stHtml] :is(script, .account)) { position: absolute; }
/* who is signed in, beside the menu, where the sidebar of a phone does not hide it */
.account { position: fixed; top: 0; right: 3.75rem; height: 3.75rem; z-index: 999990; display: flex; align-items: center;
  gap: .75rem; font-size: .875rem; }
.stApp:has([data-testid=stStatusWidget]) .account { right: 10rem; }  /* "Stop", while a page is slow */
.account .name { max-width: 20rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.account a { padding: .4rem .75rem; border: 1px solid color-mix(in srgb, currentColor 40%, transparent); border-radius: .25rem;
  color: light-dark(#1668A8, #4FA8DE) !important; text-decoration: none !important; white-space: nowrap; }
.account a:hover { border-color: currentColor; }
@media (max-width: 640px) {
  .stApp:has([data-testid=stStatusWidget]) .account { right: 10rem; }  /* "Stop", while a page is slow */
.account .name { max-width: calc(100vw - 17.5rem); }
  .stApp:has([data-testid=stStatusWidget]) .account .name { display: none; }
  .account .as { position: absolute; clip-path: inset(50%); }
}
</style>
"""
ONE_STEP_A_PAGE = """
<script>
// A page writes every choice into its address, and Streamlit makes each a step of the back button: leave one a page. What
// the next page writes may come before Streamlit has moved on to it; then the address that was left is put back.
if (!window.labHistory) {
  window.labHistory = true;
  const push = history.pushState.bind(history);
  let left = null;
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    const here = link && !link.target && !event.ctrlKey && !event.metaKey && !event.shiftKey;
    if (here && link.origin === location.origin && link.pathname !== location.pathname) left = location.href;
  }, true);
  history.pushState = (state, title, address) => {
    const same = new URL(address, location.href).pathname === location.pathname;
    if (same) return history.replaceState(state, title, address);
    if (left) history.replaceState(history.state, "", left);
    left = null;
    return push(state, title, address);
  };
}
</script>
"""


@dataclass(frozen=True)
class PageEntry:
    """One page: its key is its address and, but for pages that say otherwise, its script's stem.

    Attributes:
        why: why what the page shows matters; said at its foot, with the way to `then`.
        then: key of the page that comes next, and what to do there.
    """

    key: str
    title: str
    icon: str
    script: str | None = None
    why: str = ""
    then: tuple[str, str] | None = None

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
    "": [PageEntry("overview", "Overview", "home")],  # it has a next step of its own
    "Prepare": [
        PageEntry(
            "data",
            "Data",
            "radiology",
            why="Methods learn from these outlines and the clean ones judge them: an error here is in every figure.",
            then=("noise", "Make labels worse by a known amount"),
        ),
        PageEntry(
            "noise",
            "Noise",
            "gesture",
            why="Only errors of a known size tell what errors cost. The clean labels stay, to measure against.",
            then=("train", "Train on noisy labels"),
        ),
    ],
    "Train": [
        PageEntry(
            "train",
            "Train",
            "model_training",
            why="Methods differ in how much of the noise they learn. Steps, seeds and images are the same for all, so"
            " that a difference in the result is the method's.",
            then=("runs", "Watch the runs"),
        ),
        PageEntry(
            "runs",
            "Runs",
            "monitoring",
            why="Where agreement with the noisy labels rises and agreement with the clean ones falls, a run learns the"
            " noise.",
            then=("compare", "Compare what came out"),
        ),
    ],
    "Judge": [
        PageEntry(
            "compare",
            "Compare",
            "compare",
            why="A method that keeps its score on rough labels saves the hours that careful outlines take.",
            then=("inspect", "See why a method holds, map by map"),
        ),
        # a script called inspect.py would hide Python's own module from whatever runs with pages/ on its path
        PageEntry(
            "inspect",
            "Inspect",
            "troubleshoot",
            script="inspect_run",
            why="A score says that a method holds; its maps say why: whether the cues lie on the anatomy, and whether"
            " the boundary moved towards it.",
            then=("correct", "Repair the labels that look wrong"),
        ),
    ],
    "Repair": [
        PageEntry(
            "audit",
            "Audit",
            "fact_check",
            why="Figures from other people's data say little about yours. Labels that are good need no repair, and to know"
            " that is worth an hour of a machine.",
            then=("correct", "Repair the labels that look wrong"),
        ),
        PageEntry(
            "correct",
            "Correct",
            "healing",
            why="A second look pays where a method that never saw an outline draws another one: minutes of review instead of"
            " days.",
            then=("train", "Train on the repaired labels"),
        ),
    ],
    "Use": [
        PageEntry(
            "inference",
            "Inference",
            "image_search",
            why="A test set comes from where the training set came from. Your own radiographs show whether a run holds"
            " elsewhere.",
            then=("data", "Bring your own images and outlines"),
        )
    ],
    "Help": [
        PageEntry(
            "glossary",
            "Glossary",
            "dictionary",
            why="Papers use the same word for different figures. These are the ones that the lab computes.",
            then=("overview", "Back to the overview"),
        )
    ],
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


def page_foot(entry: PageEntry) -> None:
    """Foot of every page that is shown to its end: why it matters, and what to do next."""
    if entry.then:
        key, label = entry.then
        with st.container(border=True, key="page-foot"):
            st.markdown(f"**Why it matters.** {entry.why}")
            link_to(key, label)


def link_to(
    key: str, label: str | None = None, help_text: str | None = None, query: dict[str, str] | None = None
) -> None:
    """A link to another page by its key, e.g. `link_to("runs", "See it train", query={"run": name})`.

    The label is plain text. A page that runs alone (in a test) has no navigation to link into: it shows the label as text.
    """
    entry = ENTRIES[key]
    text = plain(label or entry.title)
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
    st.html(ONE_STEP_A_PAGE, unsafe_allow_javascript=True)
    st.logo(str(assets / "logo.svg"), size="large", icon_image=str(assets / "icon.svg"))
    chosen = st.navigation(
        {section: [entry.page() for entry in entries] for section, entries in SECTIONS.items()}
    )
    if name := user():
        st.html(
            f'<div class="account"><span class="name" title="{escape(name)}"><span class="as">Signed in as </span>'
            f'{escape(name)}</span><a href="/logout" target="_self">Sign out</a></div>'
        )
    chosen.run()
    page_foot(ENTRIES[chosen.url_path or "overview"])


if __name__ == "__main__":
    main()
