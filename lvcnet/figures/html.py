"""One HTML file that needs nothing else: figures with plotly inside, tables and paragraphs.

The page follows the reader's light or dark theme. Wide tables scroll on their own, so that it can be read on a phone.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from html import escape
from typing import TYPE_CHECKING

from lvcnet.comparison.tables import Table
from lvcnet.figures.layout import EXPORT

if TYPE_CHECKING:
    import plotly.graph_objects as go

INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
STYLE = """
:root{color-scheme:light dark;--ground:#fff;--text:#1b2430;--faint:#56616d;--line:#d5dbe1;--head:#f3f5f7}
@media(prefers-color-scheme:dark){
:root{--ground:#0f141a;--text:#e6ebf0;--faint:#a3afba;--line:#33404d;--head:#1a222b}}
body{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif;line-height:1.5;
max-width:76rem;margin:2rem auto;padding:0 1rem;background:var(--ground);color:var(--text)}
h1{line-height:1.2}h2{margin-top:3rem;border-bottom:1px solid var(--line)}h3{margin:2rem 0 .3rem}
p,li{max-width:50rem;overflow-wrap:anywhere}p.note{margin:.2rem 0 .6rem;color:var(--faint)}
code{background:var(--head);padding:.1rem .3rem;border-radius:.2rem}
.table{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{border:1px solid var(--line);padding:.3rem .6rem;text-align:left;white-space:nowrap}th{background:var(--head)}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,32rem),1fr));gap:0 2rem}
.figures figure{margin:0;min-width:0}figcaption{margin:1.5rem 0 .3rem;font-weight:600}
"""
ALONE = (
    "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
"""What the file may fetch; not of a page that a server sends."""
BOLD = re.compile(r"\*\*(.+?)\*\*")
THEME = """
const dark = matchMedia('(prefers-color-scheme: dark)');
function paint() {
  const style = getComputedStyle(document.documentElement);
  const text = style.getPropertyValue('--text'), line = style.getPropertyValue('--line');
  const axis = {gridcolor: line, zerolinecolor: line, linecolor: line};
  for (const plot of document.querySelectorAll('.js-plotly-plot'))
    Plotly.relayout(plot, {'font.color': text, 'hoverlabel.font.color': '#fff',
      ...Object.fromEntries(['xaxis', 'yaxis'].flatMap(
        name => Object.entries(axis).map(([key, value]) => [`${name}.${key}`, value])))});
}
paint();
// the first figure was drawn while it had the row for itself
for (const plot of document.querySelectorAll('.js-plotly-plot')) Plotly.Plots.resize(plot);
dark.addEventListener('change', paint);
"""


def html_page(title: str, blocks: Iterable[str]) -> str:
    """A whole page of blocks that are HTML already; it may run its own scripts, and fetch nothing at all."""
    body = "\n".join(blocks)
    plotly = f"<script>{_plotly_script()}</script>" if "plotly-graph-div" in body else ""
    theme = f"<script>{THEME}</script>" if plotly else ""
    rest = (
        f"<title>{escape(title)}</title><style>{STYLE}</style>{plotly}</head>\n"
        f"<body><h1>{escape(title)}</h1>\n{body}\n{theme}</body></html>\n"
    )
    scripts = " ".join(script_digests(rest.encode())) or "'none'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{ALONE}; script-src {scripts}">\n{rest}'
    )


def script_digests(page: bytes) -> list[str]:
    """The scripts within a page, as a policy names them.

    >>> script_digests(b"<script>1</script><script src='a.js'></script>")
    ["'sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s='"]
    """
    found = [base64.b64encode(hashlib.sha256(text).digest()).decode() for text in INLINE_SCRIPT.findall(page)]
    return [f"'sha256-{digest}'" for digest in dict.fromkeys(found)]


def table_block(table: Table) -> str:
    """A table under its title and note."""
    title = f"<h3>{escape(table.title)}</h3>{paragraph(table.note, 'note') if table.note else ''}"
    return f'{title}<div class="table">{html_table(table.header, table.rows)}</div>'


def html_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows of plain text as a table."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>\n" for row in rows)
    return f"<table><tr>{head}</tr>\n{body}</table>"


def figures_block(figures: Mapping[str, "go.Figure"]) -> str:
    """Figures beside each other where there is room."""
    drawn = "\n".join(
        f"<figure><figcaption>{escape(title)}</figcaption>{_drawn(title, figure)}</figure>"
        for title, figure in figures.items()
    )
    return f'<div class="figures">{drawn}</div>'


def _drawn(title: str, figure: "go.Figure") -> str:
    """A figure as HTML, the same each time: plotly's own names for its elements are random."""
    name = hashlib.sha256(f"{title} {figure.to_json()}".encode()).hexdigest()[:16]
    config = {**EXPORT, "responsive": True}
    page = _with_room(figure)
    return str(page.to_html(full_html=False, include_plotlyjs=False, config=config, div_id=f"figure-{name}"))


def _plotly_script() -> str:
    from plotly.offline import get_plotlyjs  # a page without figures does without it

    return str(get_plotlyjs())


def _with_room(figure: "go.Figure") -> "go.Figure":
    """A copy whose margins grow with its axes' text: on a page Streamlit's theme sees to that, here nobody else does."""
    copy = deepcopy(figure)
    copy.update_xaxes(automargin=True, title_standoff=8)
    copy.update_yaxes(automargin=True, title_standoff=8)
    return copy


def rich_paragraph(text: str) -> str:
    """A sentence of Markdown, of which only bold occurs, as a paragraph.

    >>> rich_paragraph("**A < B:** 5 %")
    '<p><strong>A &lt; B:</strong> 5 %</p>'
    """
    bold = BOLD.sub(r"<strong>\1</strong>", escape(text))
    return f"<p>{bold}</p>"


def paragraph(text: str, kind: str = "") -> str:
    """Plain text as a paragraph of a class."""
    attribute = f' class="{kind}"' if kind else ""
    return f"<p{attribute}>{escape(text)}</p>"
