"""The parts of the compare page: results, the same image side by side, image by image, export."""

import json
from collections.abc import Mapping

import streamlit as st

from lab import comparing, figures, panels, viewing
from lab.palette import LABEL_COLOURS, method_colour
from lab.pictures import legend
from lab.widgets import pick, remember, shown_errors
from lvcnet.errors import LvcnetError
from lvcnet.evaluation import paper
from lvcnet.evaluation.comparison import BASELINE, Cell, Comparison
from lvcnet.evaluation.metrics import LOWER_IS_BETTER, METRICS
from lvcnet.evaluation.table1 import evaluations_of, rounds_note
from lvcnet.evaluation.tables import method_title, notes, robustness_title, to_csv, to_json, to_markdown
from lvcnet.runs.store import find_run

SIDE_BY_SIDE, PAIRS = "side-by-side", "image-by-image"
ORDERS = {"data": "As in the data set"}
CAPTION_METRICS = ("iou", "boundary_iou", "hd95")


def show_results(comparison: Comparison) -> None:
    """Scores at the noisiest labels, the robustness curve, differences in words, Table 1."""
    metric = comparison.metric
    labels = comparing.hardest_labels(comparison)
    st.subheader(
        f"{METRICS[metric]} after learning from {comparing.labels_title(labels).lower()} labels", anchor=False
    )
    with st.container(horizontal=True, key="headline"):
        for title, score, delta in comparing.headline(comparison):
            st.metric(
                title,
                score,
                delta,
                delta_color="inverse" if metric in LOWER_IS_BETTER else "normal",
                delta_description=f"against {method_title(BASELINE)}" if delta else None,
                border=True,
                height="stretch",
                help="Mean over the clean test labels and all seeds, last epoch, threshold 0.5.",
            )
    left, right = st.columns([3, 2], gap="large")
    with left:
        _show_curve(comparison)
    with right:
        st.subheader("In words", anchor=False)
        for difference in comparing.hardest_first(comparison.differences):
            st.markdown(comparing.difference_sentence(difference))
        if not comparison.differences:
            st.markdown(
                f"A comparison needs {method_title(BASELINE)} and another method on the same labels and seed."
            )
        if caveat := comparing.seeds_caveat(comparison.differences):
            st.caption(caveat)
    _show_table(comparison)
    _show_retention(comparison)
    if found := notes(comparison):
        with st.expander(f"Notes ({len(found)})", icon=":material/info:"):
            st.markdown("\n".join(f"- {note[0].upper()}{note[1:]}." for note in found))


def _show_curve(comparison: Comparison) -> None:
    st.subheader("Robustness", anchor=False)
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
    st.plotly_chart(
        figure,
        key="curve",
        config=figures.EXPORT,
        alt=f"{METRICS[comparison.metric]} of every method against the noise of its labels; the table has the numbers",
    )
    bands = any(len(cell.runs) > 1 for cell in comparison.cells)
    better = "Lower" if comparison.metric in LOWER_IS_BETTER else "Higher"
    st.caption(
        f"{better} and flatter is better."
        + (" Bands: one standard deviation over the seeds." if bands else " One seed a point: no band.")
    )


def _show_table(comparison: Comparison) -> None:
    st.subheader("Table 1, ours beside the paper's", anchor=False)
    further = st.multiselect(
        "Further columns",
        [name for name in METRICS if name not in paper.METRICS],
        default=[name for name in (comparison.metric,) if name not in paper.METRICS],
        format_func=lambda name: METRICS[name],
        key=f"columns-{comparison.metric}",
        help="Metrics that the paper does not print: foreground overlap and outline metrics.",
    )
    st.dataframe(
        comparing.table_rows(comparison, further),
        hide_index=True,
        key="table-1",
        column_config={
            "Label IoU": st.column_config.NumberColumn(format="%.2f"),
            **{name: st.column_config.TextColumn(pinned=True) for name in ("Labels", "Method")},
            **{
                f"Paper: {name}": st.column_config.NumberColumn(format="%.3f")
                for name in comparing.SHORT.values()
            },
        },
    )
    st.caption(
        f"Precision, recall and mIoU: mean ± sd over {rounds_note(evaluations_of(comparison.cells[0]))} (of every seed),"
        f" against clean test labels. The paper's figures come from other data ({paper.SOURCE}): compare how they fall with the"
        " noise, not their height."
    )


def _show_retention(comparison: Comparison) -> None:
    st.subheader("Retention", anchor=False)
    figure = figures.retention_bars(comparison)
    if not figure.data:
        st.info(
            "Retention is the score at a level over the score at level 1: train on level 1 labels too.",
            icon=":material/info:",
        )
        return
    st.plotly_chart(
        figure, key="retention", config=figures.EXPORT, alt="Retention in percent by method and noise level"
    )
    st.caption(f"{robustness_title(comparison)}. Hatched: the paper's mIoU, level 4 over level 1.")


def show_side_by_side(comparison: Comparison) -> None:
    """The same image under every method that learned from one label set."""
    columns = st.columns([2, 1, 2, 3])
    with columns[0]:
        labels = pick(
            "labels",
            "Learned from",
            comparison.label_sets(),
            "The label set that all methods shown learned from.",
            comparing.labels_title,
            comparing.hardest_labels(comparison),
        )
    cells = [cell for cell in comparison.cells if cell.labels == labels]
    with columns[1]:
        seeds = sorted({str(seed) for cell in cells for seed in cell.runs}, key=int)
        seed = int(pick("seed", "Seed", seeds, "Which of the trainings."))
    cells = [cell for cell in cells if seed in cell.runs]
    scores = {cell.method: comparing.cell_scores(cell, comparison.metric) for cell in cells}
    with columns[2]:
        order = pick(
            "order",
            "Order of images",
            _orders(cells),
            "Worst first shows where a method fails.",
            _order_title,
        )
    keys = comparing.ordered_keys(_keys(cells, seed), scores, order, comparison.metric)
    if not keys:
        st.info(
            "None of these runs has a checkpoint or snapshots here: there is no image to show.",
            icon=":material/info:",
        )
        return
    with columns[3]:
        key = pick(
            "image", "Image", keys, "Every method shows this image.", lambda name: _image_title(name, scores)
        )
    with shown_errors():
        _show_panels(comparison, cells, seed, key)


def _show_panels(comparison: Comparison, cells: list[Cell], seed: int, key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key="viewer-controls"):
        mode = st.segmented_control(
            "Show",
            ["outlines", "errors"],
            format_func=str.capitalize,
            default="outlines",
            required=True,
            key="viewer-mode",
            help="Outlines over the image, or where a method missed the object and where it added to it.",
        )
        zoom = st.segmented_control(
            "Zoom",
            [1, 2, 4, 8],
            format_func=lambda value: f"{value}×",
            default=1,
            required=True,
            key="viewer-zoom",
            help="All panels show the same part: around the largest error of any method.",
        )
        opacity = st.slider(
            "Opacity", 0.0, 1.0, 0.3, 0.05, key="viewer-opacity", width=220, help="Of the coloured areas."
        )
    sights, problems = _sights(cells, seed, key)
    for title, problem in problems.items():
        st.warning(f"{title}: {problem}", icon=":material/warning:")
    if not sights:
        return
    first = next(iter(sights.values()))
    masks = {method: sight.prediction >= viewing.THRESHOLD for method, sight in sights.items()}
    size = first.image.shape[0]
    window = panels.whole(size)
    if zoom > 1 and first.clean is not None:
        window = panels.zoomed(size, zoom, panels.largest_error(first.clean, list(masks.values())))
    st.markdown(legend(_legend(mode, first)), unsafe_allow_html=True)
    columns = st.columns(1 + len(sights))
    with columns[0]:
        noisy = first.labels if cells[0].labels != "clean" else None
        st.image(
            panels.labels_panel(first.image, first.clean, noisy, window),
            width="stretch",
            alt=f"Radiograph {key} with its label outlines",
        )
        st.markdown(f"**Labels**  \n:gray[{_labels_note(first, cells[0].labels)}]")
    for column, (method, sight) in zip(columns[1:], sights.items(), strict=True):
        with column:
            picture = panels.method_panel(first.image, first.clean, masks[method], window, mode, opacity)
            st.image(picture, width="stretch", alt=f"{method_title(method)} on {key}: {_scores_note(sight)}")
            st.markdown(f"**{method_title(method)}**  \n:gray[{_scores_note(sight)}]")
    sources = {sight.source for sight in sights.values()}
    if sources != {"last checkpoint"}:
        st.caption(
            f"Predictions: {', '.join(sorted(sources))}. Runs without a checkpoint show their snapshots' images only."
        )


def _sights(cells: list[Cell], seed: int, key: str) -> tuple[dict[str, viewing.Sight], dict[str, str]]:
    """What every method says about the image, and why some cannot."""
    sights: dict[str, viewing.Sight] = {}
    problems: dict[str, str] = {}
    for cell in cells:
        try:
            sights[cell.method] = viewing.latest(find_run(cell.runs[seed]), key)
        except LvcnetError as error:
            problems[method_title(cell.method)] = str(error)
    return sights, problems


def _keys(cells: list[Cell], seed: int) -> list[str]:
    """Images that at least one of the runs can show, test images first."""
    keys: dict[str, None] = {}
    for split in ("test", "train"):
        for cell in cells:
            keys.update(dict.fromkeys(viewing.keys_of(find_run(cell.runs[seed]), split)))
    return list(keys)


def _orders(cells: list[Cell]) -> list[str]:
    methods = [cell.method for cell in cells]
    gains = [f"gain:{method}" for method in methods if method != BASELINE and BASELINE in methods]
    return ["data", *(f"worst:{method}" for method in methods), *gains]


def _order_title(order: str) -> str:
    kind, _, method = order.partition(":")
    title = method_title(method)
    return {
        "data": "As in the data set",
        "worst": f"Worst for {title} first",
        "gain": f"Largest gain of {title} first",
    }[kind]


def _image_title(key: str, scores: Mapping[str, Mapping[str, float]]) -> str:
    known = [
        f"{method_title(method)} {values[key]:.2f}" for method, values in scores.items() if key in values
    ]
    return f"{key} ({', '.join(known)})" if known else f"{key} (no score)"


def _legend(mode: str, sight: viewing.Sight) -> list[tuple[str, str]]:
    entries = [("Clean label", "clean"), ("Prediction", "prediction")]
    if sight.labels is not None:
        entries.append(("Label in training", "noisy"))
    if mode == "errors":
        entries += [("Missed", "missed"), ("Extra", "extra")]
    return [(title, LABEL_COLOURS[name]) for title, name in entries]


def _labels_note(sight: viewing.Sight, labels: str) -> str:
    if sight.split == "test":
        return "A test image: it has clean labels only; noise never touches it"
    return (
        f"A training image with the {labels} label the methods learned from"
        if labels != "clean"
        else "A training image"
    )


def _scores_note(sight: viewing.Sight) -> str:
    scores = sight.scores()
    return (
        ", ".join(
            f"{METRICS[name].split(' (')[0]} {scores[name]:.{1 if name in LOWER_IS_BETTER else 3}f}"
            f"{' px' if name in LOWER_IS_BETTER else ''}"
            for name in CAPTION_METRICS
            if name in scores
        )
        or "no clean label to score against"
    )


def show_pairs(comparison: Comparison) -> None:
    """Method A against method B, one point an image; a click opens the image side by side."""
    columns = st.columns(3)
    with columns[0]:
        labels = pick(
            "labels",
            "Learned from",
            comparison.label_sets(),
            "The label set that both methods learned from.",
            comparing.labels_title,
            comparing.hardest_labels(comparison),
        )
    methods = [cell.method for cell in comparison.cells if cell.labels == labels]
    if len(methods) < 2:
        st.info(
            "Only one method learned from these labels: train another one, or choose other labels.",
            icon=":material/info:",
        )
        return
    with columns[1]:
        start = BASELINE if BASELINE in methods else methods[0]
        first = pick("a", "Across", methods, "The method on the horizontal axis.", method_title, start)
    others = [method for method in methods if method != first]
    with columns[2]:
        second = pick("b", "Up", others, "The method on the vertical axis.", method_title, others[-1])
    scores = [
        comparing.cell_scores(cell, comparison.metric)
        for method in (first, second)
        if (cell := comparison.cell(method, labels))
    ]
    titles = (method_title(first), method_title(second))
    figure = figures.pair_scatter(scores[0], scores[1], titles, (first, second), comparison.metric)
    st.plotly_chart(
        figure,
        key="pairs",
        on_select=_open_image,
        selection_mode="points",
        config=figures.EXPORT,
        alt=f"{METRICS[comparison.metric]} of every test image under {titles[0]} and {titles[1]}",
    )
    both = set(scores[0]) & set(scores[1])
    sign = -1 if comparison.metric in LOWER_IS_BETTER else 1
    wins = sum(sign * (scores[1][key] - scores[0][key]) > 0 for key in both)
    st.markdown(
        f"{METRICS[comparison.metric]}: {titles[1]} is better on **{wins} of {len(both)}** test images. A point has the"
        " colour of the method that did better; the dashed line is a draw. Click a point to see its image side by side."
    )
    colours = [(titles[0], method_colour(first)), (titles[1], method_colour(second))]
    st.markdown(legend(colours), unsafe_allow_html=True)


def _open_image() -> None:
    points = st.session_state["pairs"]["selection"]["points"]
    if points and (key := points[0].get("customdata")):
        remember("image", key[0] if isinstance(key, list) else str(key))
        remember("view", SIDE_BY_SIDE)


def show_export(comparison: Comparison) -> None:
    """Everything as files."""
    name = f"{comparison.dataset}-{comparison.metric}"
    st.markdown(
        "All scores, differences, retention and the paper's figures. The camera button of a figure saves it as PNG;"
        f" on the command line: `lvcnet compare {comparison.dataset} --metric {comparison.metric}`."
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
            lambda: comparing.html_report(
                comparison,
                {
                    "Robustness": figures.robustness_curve(comparison, comparison.metric),
                    "Retention": figures.retention_bars(comparison),
                },
            ),
            f"{name}.html",
            "text/html",
            key="export-html",
            icon=":material/web:",
            help="One file with tables and interactive figures that opens without a network (about 5 MB).",
        )
    st.markdown(to_markdown(comparison))
