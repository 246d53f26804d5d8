"""What the calls of `lvcnet.api` give back where a plain object of the library would leave the next step to its reader."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvcnet.comparison import cells as comparison
from lvcnet.comparison.formats import markdown_table, to_markdown, to_rows
from lvcnet.comparison.tables import score_table
from lvcnet.correction import store
from lvcnet.correction.requests import ApplyRequest
from lvcnet.figures import check_plotly
from lvcnet.files import write_atomic
from lvcnet.planner.curve import find_plan

if TYPE_CHECKING:
    import pandas as pd


class Comparison(comparison.Comparison):
    """What `compare` finds, ready to be looked at; a notebook shows it as the whole report."""

    def table(self) -> str:
        """Methods x label sets: mean and SD over the seeds of the comparison's metric, as Markdown."""
        table = score_table(self)
        return markdown_table(table.header, table.rows)

    def frame(self) -> "pd.DataFrame":
        """One row a method and label set, as a pandas DataFrame: all metrics with their SD, the interval, costs."""
        import pandas as pd

        return pd.DataFrame(to_rows(self))

    def report(self) -> str:
        """All tables, what they show, and the paired comparisons in words, as Markdown."""
        return to_markdown(self)

    _repr_markdown_ = report

    def to_html(self, path: Path | str | None = None) -> str:
        """The report of the compare page: figures, sentences, tables and, where it was measured, how carefully to outline.

        Args:
            path: also write it to this file, which opens without a network (about 5 MB).

        Raises:
            LvcnetError: if plotly, which draws the figures, is not installed.

        Example:
            lv.compare("hips").to_html("hips.html")
        """
        check_plotly()
        from lvcnet.figures.report import html_report

        page = html_report(self, find_plan(self.dataset, self.where))
        if path is not None:
            write_atomic(Path(path), page.encode())
        return page


class Correction(store.Correction):
    """A judgement of a label set: `rows` say how good each label is, `proposal(key)` what should take its place."""

    def __repr__(self) -> str:
        return f"Correction({self.name!r}, {len(self.rows)} labels {self.head['labels']} of {self.head['dataset']})"

    def frame(self) -> "pd.DataFrame":
        """One row an image, the worst label first, as a pandas DataFrame: quality, IoU with the proposal, distance."""
        import pandas as pd

        return pd.DataFrame(store.worst_first(self.rows))

    def apply(
        self,
        name: str | None = None,
        accept: str = "confident",
        *,
        ignore_disputed: bool = False,
        drafts: str | None = None,
        strict: bool = False,
        overwrite: bool = False,
    ) -> dict[str, Any]:
        """Make a label set in which accepted proposals replace the labels; the original stays as it is.

        Args:
            name: of the label set; default `corrected-` and the name of the labels that were judged.
            accept: confident (labels that are surely wrong), reviewed (what people decided), all, worst=N, below=Q or none;
                or several, joined by `+`, of which the first that says something about an image counts.
            ignore_disputed: in images that nothing is decided about, let no training see the pixels where label and
                proposal disagree.
            drafts: what becomes of drawings that nobody accepted yet: use or ignore.
            strict: with reviewed, refuse while an image is undecided.
            overwrite: replace an earlier corrected label set of that name.

        Returns:
            What changed: `labels` (the name), `accepted` (image keys) and one entry an image under `images`.

        Raises:
            LvcnetError: if nothing is accepted, the labels changed since they were judged, or the name is taken.

        Example:
            repaired = correction.apply("corrected-level3", accept="reviewed+confident")
        """
        request = ApplyRequest(
            self.name,
            name or f"corrected-{self.head['labels']}",
            accept,
            ignore_disputed,
            drafts,
            strict,
            overwrite,
        )
        return request.run(self)


def find_correction(name: str) -> Correction:
    """The correction of that name in the workspace, or of those that ship with the project.

    Raises:
        LvcnetError: if there is none.

    Example:
        lv.find_correction("demo-hips-level3").frame()
    """
    return Correction(store.correction_folder(name))
