"""Reports as one HTML file that needs nothing else: tables, notes, and figures with plotly inside.

The page follows the reader's light or dark theme. Wide tables scroll on their own, so that it can be read on a phone.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from lab.compare.figures import plan_curve, report_figures
from lab.draw.figures import EXPORT
from lab.ui.content_policy import script_digests
from lvcnet.comparison.cells import Comparison
from lvcnet.comparison.tables import Table, comparison_tables, notes
from lvcnet.comparison.words import comparison_words
from lvcnet.masks.metrics import METRICS
from lvcnet.planner.curve import Plan
from lvcnet.planner.plan_text import by_saving, equivalence_sentence, plan_table

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
"""What the file may fetch; `lab.ui.content_policy` is about pages that are served."""
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


def html_report(comparison: Comparison, plan: Plan | None = None) -> str:
    """One data set's figures, sentences, tables and notes, and how carefully to outline where that was measured."""
    blocks = comparison_blocks(comparison)
    if plan is not None:
        blocks += plan_blocks(plan)
    return html_page(f"Robustness to label noise: {comparison.dataset}", blocks)


def html_page(title: str, blocks: Iterable[str]) -> str:
    """A whole page of blocks that are HTML already; it may run its own scripts, and fetch nothing at all."""
    body = "\n".join(blocks)
    plotly = f"<script>{get_plotlyjs()}</script>" if "plotly-graph-div" in body else ""
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


def comparison_blocks(comparison: Comparison) -> list[str]:
    """Figures, sentences, tables and notes of a comparison."""
    blocks = [figures_block(report_figures(comparison))]
    if sentences := comparison_words(comparison):
        blocks += ["<h3>In words</h3>", *map(rich_paragraph, sentences)]
    blocks += [table_block(table) for table in comparison_tables(comparison)]
    return [*blocks, *(paragraph(f"Note: {note}.", "note") for note in notes(comparison))]


def plan_blocks(plan: Plan) -> list[str]:
    """The annotation planner: clicks against IoU, equal outlines in words, table and notes."""
    title = f"Clicks an image against {METRICS['iou'].title}, 95 % intervals"
    sentences = [equivalence_sentence(one, plan) for found in by_saving(plan).values() for one in found]
    remarks = [plan.caveat] if plan.caveat else []
    return [
        "<h2>How carefully must we outline?</h2>",
        figures_block({title: plan_curve(plan)}),
        *map(rich_paragraph, sentences),
        *(paragraph(remark, "note") for remark in remarks),
        table_block(plan_table(plan)),
        *(paragraph(f"Note: {note}", "note") for note in plan.notes),
    ]


def table_block(table: Table) -> str:
    """A table under its title and note."""
    title = f"<h3>{escape(table.title)}</h3>{paragraph(table.note, 'note') if table.note else ''}"
    return f'{title}<div class="table">{html_table(table.header, table.rows)}</div>'


def html_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows of plain text as a table."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>\n" for row in rows)
    return f"<table><tr>{head}</tr>\n{body}</table>"


def figures_block(figures: Mapping[str, go.Figure]) -> str:
    """Figures beside each other where there is room."""
    config = {**EXPORT, "responsive": True}
    drawn = "\n".join(
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f"{_with_room(figure).to_html(full_html=False, include_plotlyjs=False, config=config)}</figure>"
        for title, figure in figures.items()
    )
    return f'<div class="figures">{drawn}</div>'


def _with_room(figure: go.Figure) -> go.Figure:
    """A copy whose margins grow with its axes' text: on a page Streamlit's theme sees to that, here nobody else does."""
    copy = go.Figure(figure)
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
