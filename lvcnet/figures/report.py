"""The results of a data set as one HTML file: figures, sentences, tables, notes, and the annotation planner."""

from lvcnet.comparison.cells import Comparison
from lvcnet.comparison.tables import comparison_tables, notes
from lvcnet.comparison.words import comparison_words
from lvcnet.figures.differences import plan_curve, report_figures
from lvcnet.figures.html import figures_block, html_page, paragraph, rich_paragraph, table_block
from lvcnet.masks.metrics import METRICS
from lvcnet.planner.curve import Plan
from lvcnet.planner.plan_text import by_saving, equivalence_sentence, plan_table


def html_report(comparison: Comparison, plan: Plan | None = None) -> str:
    """One data set's figures, sentences, tables and notes, and how carefully to outline where that was measured."""
    blocks = comparison_blocks(comparison)
    if plan is not None:
        blocks += plan_blocks(plan)
    return html_page(f"Robustness to label noise: {comparison.dataset}", blocks)


def plan_report(plan: Plan) -> str:
    """The annotation planner of a data set alone."""
    return html_page(f"Annotation planner: {plan.dataset}", plan_blocks(plan))


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
