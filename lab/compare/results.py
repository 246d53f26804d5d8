"""The compare page without images: results as figures, sentences and tables, and all of it as files."""

import json
from typing import Any

import streamlit as st

from lab.compare import loading
from lab.ui.charts import show_chart
from lab.ui.escaping import plain, sentence
from lab.ui.tables import unbroken
from lab.ui.widgets import command_line
from lvcnet.comparison import paper
from lvcnet.comparison.cells import BASELINE, Comparison
from lvcnet.comparison.formats import table_csv, to_csv, to_json, to_markdown
from lvcnet.comparison.headline import hardest_labels, headline
from lvcnet.comparison.request import CompareRequest
from lvcnet.comparison.tables import NOTHING, Table, comparison_tables, diagnosis_lines, notes, round_table
from lvcnet.comparison.words import (
    difference_sentence,
    excluded_sentences,
    hardest_first,
    seeds_caveat,
)
from lvcnet.figures import scores as figures
from lvcnet.figures.differences import difference_intervals
from lvcnet.figures.report import html_report
from lvcnet.masks.metrics import METRICS
from lvcnet.methods import method_title
from lvcnet.noise.levels import levels_in_words
from lvcnet.runs.summary import EXPLAINED


def show_results(comparison: Comparison) -> None:
    """Scores at the noisiest labels, the robustness curve, differences in words, Table 1."""
    metric = comparison.metric
    labels = hardest_labels(comparison)
    st.header(
        f"{comparison.titled(metric)} after learning from {plain(comparison.title(labels).lower())} labels",
        anchor=False,
    )
    with st.container(horizontal=True, key="headline"):
        for title, score, delta in headline(comparison):
            st.metric(
                plain(title),
                score,
                delta,
                delta_color="inverse" if METRICS[metric].lower_is_better else "normal",
                delta_description=f"against {method_title(BASELINE)}" if delta else None,
                border=True,
                height="stretch",
                help="Mean over the clean test labels and all seeds, last epoch, threshold 0.5.",
            )
    show_excluded(comparison, labels)
    _show_diagnoses(comparison)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _show_curve(comparison)
    with right:
        _show_words(comparison)
    _show_differences(comparison)
    _show_table(comparison)
    _show_retention(comparison)
    if found := notes(comparison):
        with st.expander(f"Notes ({len(found)})", icon=":material/info:"):
            st.markdown("\n".join(f"- {plain(note[0].upper() + note[1:])}." for note in found))


def show_excluded(comparison: Comparison, labels: str | None = None) -> None:
    """Why nothing is concluded from some figures, of one label set or of all, and what to do."""
    if found := excluded_sentences(comparison, labels):
        st.warning("\n\n".join(unbroken(sentence(text)) for text in found), icon=":material/balance:")


def _show_diagnoses(comparison: Comparison) -> None:
    """What went wrong while runs learned: the first few sentences, as a mean hides it; the notes hold all."""
    found = diagnosis_lines(comparison)
    if not found:
        return
    more = len(found) - EXPLAINED
    lines = [f"{text[0].upper()}{text[1:]}." for text in found[:EXPLAINED]]
    lines += [f"{more} more in the notes below."] if more > 0 else []
    st.warning("\n\n".join(map(plain, lines)), icon=":material/troubleshoot:")


def _show_words(comparison: Comparison) -> None:
    """Differences as sentences: those of the hardest labels at once, the others on demand."""
    st.header("In words", anchor=False)
    found = hardest_first(comparison)
    if not found:
        st.markdown(
            f"No method can be called better or worse: a comparison needs {method_title(BASELINE)} and another method on"
            " the same labels and seed, trained alike, whose predictions did not collapse."
        )
        return
    hardest = [one for one in found if one.labels == found[0].labels]
    for difference in hardest:
        st.markdown(unbroken(sentence(difference_sentence(difference, comparison))))
    if others := found[len(hardest) :]:
        with st.expander(f"On other labels ({len(others)})", icon=":material/notes:"):
            for difference in others:
                st.markdown(unbroken(sentence(difference_sentence(difference, comparison))))
    if caveat := seeds_caveat(comparison.differences):
        st.caption(plain(caveat))


def _show_curve(comparison: Comparison) -> None:
    st.header("Robustness", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        against = st.segmented_control(
            "Against",
            list(figures.AGAINST),
            format_func=lambda name: {"level": "Noise level", "label_iou": "Label IoU"}[name],
            default="level",
            required=True,
            key="curve-against",
            help="The level that was asked for, or how well the training labels really agreed with the clean ones.",
            label_visibility="collapsed",
        )
        with_paper = st.toggle(
            "Paper's curves",
            key="curve-paper",
            disabled=against != "level" or comparison.metric not in paper.METRICS,
            help="Table 1 of the paper as dotted lines: only for precision, recall and mIoU, and on other data.",
        )
    figure = figures.robustness_curve(comparison, comparison.metric, against, with_paper)
    if not figure.data:
        st.info(
            "No run learned from clean labels or a noise level: there is no curve to draw.",
            icon=":material/info:",
        )
        return
    show_chart(
        figure,
        "curve",
        f"{comparison.titled(comparison.metric)} of every method against the noise of its labels; the table has the numbers",
        f"{comparison.dataset}-{comparison.metric}-by-{against}",
    )
    alone = all(len(cell.runs) == 1 for cell in comparison.cells)
    better = "Lower" if METRICS[comparison.metric].lower_is_better else "Higher"
    st.caption(
        f"{better} and flatter is better."
        " Bands: 95 % intervals over test images"
        + ("; one seed a point." if alone else " and, where several, seeds.")
        + (
            " Hollow: this score does not belong to the curve, see above."
            if excluded_sentences(comparison)
            else ""
        )
        + f" {levels_in_words()}"
    )


def _show_differences(comparison: Comparison) -> None:
    figure = difference_intervals(comparison)
    if not figure.data:
        return
    st.header(f"Difference from {method_title(BASELINE)}", anchor=False)
    show_chart(
        figure,
        "differences",
        f"Difference of every method from {method_title(BASELINE)} by label set, with 95 % intervals",
        f"{comparison.dataset}-{comparison.metric}-differences",
    )
    st.caption(
        "Paired by image and seed. Intervals of 95 %: test images and, where there are several, trainings drawn again."
    )


def _show_table(comparison: Comparison) -> None:
    st.header("Table 1, ours beside the paper's", anchor=False)
    further = st.multiselect(
        "Further columns",
        [name for name in METRICS if name not in paper.METRICS],
        default=[name for name in (comparison.metric,) if name not in paper.METRICS],
        format_func=comparison.titled,
        key=f"columns-{comparison.metric}",
        help="Metrics that the paper does not print: foreground overlap and outline metrics.",
    )
    st.dataframe(
        loading.table_rows(comparison, further),
        hide_index=True,
        key="table-1",
        height="content",
        column_config=_table_columns(comparison.metric),
    )
    st.caption(
        f"Precision, recall and mIoU: mean ± SD over {comparison.rounds} (of every seed),"
        f" against clean test labels. The paper's figures come from other data ({paper.SOURCE}): compare how they fall with the"
        f" noise, not their height. {NOTHING}: not in the paper."
    )
    _offer_csv(round_table(comparison), f"{comparison.dataset}-table-1", "table-1-csv")


def _table_columns(metric: str) -> dict[str, Any]:
    """Short headers, so that the table fits into the page; what they mean is said where one points at them."""
    text, title = st.column_config.TextColumn, METRICS[metric].title
    return {
        "Labels": text(pinned=True, help=levels_in_words()),
        "Method": text(pinned=True),
        "Paper: Precision": text("Paper: P", help="The paper's precision."),
        "Paper: Recall": text("Paper: R", help="The paper's recall."),
        "Paper: mIoU": text(help="The paper's mIoU."),
        title: text(
            title if "px" in title else title.split(" (")[0],
            help=f"{title}: mean over test images; ± SD and number of seeds if several.",
        ),
        "95 % interval": text(help=f"Of the mean {title}; images and seeds drawn again."),
        "Label IoU": st.column_config.NumberColumn(
            format="%.2f", help="How well the training labels agree with the clean ones."
        ),
    }


def _show_retention(comparison: Comparison) -> None:
    st.header("Retention", anchor=False)
    metric, baseline = METRICS[comparison.score].title, method_title(BASELINE)
    titles: dict[figures.Retention, str] = {
        "retention": "Relative to its own level 1",
        "retention_clean": f"Relative to {baseline} on clean labels",
    }
    kind = st.segmented_control(
        "Retention over",
        list(titles),
        format_func=titles.__getitem__,
        default="retention",
        required=True,
        key="retention-kind",
        help="What a score at a noise level is divided by.",
        label_visibility="collapsed",
    )
    figure = figures.retention_bars(comparison, kind=kind)
    if not figure.data:
        excluded = next(iter(excluded_sentences(comparison)), "").replace("**", "")
        missing = {
            "retention": "the method's score at level 1: train on level 1 labels and another level",
            "retention_clean": f"{baseline}'s after learning from clean labels: train {baseline} on them",
        }
        st.info(
            f"This is the score at a level over {missing[kind]}. {plain(excluded)}", icon=":material/info:"
        )
        return
    name = f"{comparison.dataset}-{comparison.metric}-{kind}"
    show_chart(figure, "retention", "Retention in percent by method and noise level", name)
    captions = {
        "retention": f"{metric} at a level over {metric} at level 1: how much of its quality a method keeps. Hatched: the"
        " paper's mIoU, level 4 over level 1.",
        "retention_clean": f"{metric} at a level over that of {baseline} trained on clean labels: how close a method comes"
        " to what clean labels would have given.",
    }
    st.caption(captions[kind])


def show_tables(comparison: Comparison) -> None:
    """All tables of the report, as `lvcnet compare` prints them."""
    st.caption(levels_in_words())
    for number, table in enumerate(comparison_tables(comparison)):
        st.header(plain(table.title), anchor=False)
        st.dataframe(
            [dict(zip(table.header, row, strict=True)) for row in table.rows],
            hide_index=True,
            height="content",
            key=f"table-{number}",
        )
        st.caption(plain(table.note))
        _offer_csv(table, f"{comparison.dataset}-{comparison.metric}-{number + 1}", f"csv-{number}")


def _offer_csv(table: Table, name: str, key: str) -> None:
    st.download_button(
        "Download CSV",
        lambda: table_csv(table),
        f"{name}.csv",
        "text/csv",
        key=key,
        icon=":material/download:",
        help="This table, as it is printed.",
    )


def show_export(comparison: Comparison) -> None:
    """Everything as files."""
    name = f"{comparison.dataset}-{comparison.metric}"
    st.markdown(
        "All tables, and the paper's figures. Buttons below a figure save it as PNG or SVG, those below a table as CSV."
    )
    with st.container(horizontal=True):
        st.download_button(
            "CSV",
            lambda: to_csv(comparison),
            f"{name}.csv",
            "text/csv",
            key="export-csv",
            icon=":material/table:",
            help="One row a method and label set.",
        )
        st.download_button(
            "Markdown",
            lambda: to_markdown(comparison),
            f"{name}.md",
            "text/markdown",
            key="export-markdown",
            icon=":material/description:",
            help="The tables as text, for a report or an issue.",
        )
        st.download_button(
            "JSON",
            lambda: json.dumps(to_json(comparison), indent=2),
            f"{name}.json",
            "application/json",
            key="export-json",
            icon=":material/data_object:",
            help="Everything, for programs.",
        )
        st.download_button(
            "HTML report",
            lambda: html_report(comparison, loading.find_plan(comparison.dataset, comparison.where)),
            f"{name}.html",
            "text/html",
            key="export-html",
            icon=":material/web:",
            help="One file with figures, words, tables and the planner that opens without a network (about 5 MB).",
        )
    command_line(CompareRequest(comparison.dataset, comparison.metric, comparison.where))
