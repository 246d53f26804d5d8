"""The compare page, image by image: the same image under every method, and method against method.

A click on a point of the scatter opens its image side by side.
"""

from collections.abc import Mapping

import streamlit as st

from lab.draw import panels
from lab.draw.pictures import legend
from lab.inspection import viewing
from lab.ui.charts import show_chart
from lab.ui.escaping import plain
from lab.ui.viewer import Panel, Values, show_viewer, viewer_data
from lab.ui.widgets import pick, remember, shown_errors
from lvcnet.comparison.cells import BASELINE, Cell, Comparison
from lvcnet.comparison.headline import hardest_labels
from lvcnet.comparison.images import cell_scores, ordered_keys, run_scores
from lvcnet.drawing.overlays import Mask
from lvcnet.drawing.palette import LABEL_COLOURS, method_colour
from lvcnet.errors import LvcnetError
from lvcnet.figures import scores as figures
from lvcnet.masks.collapse import MARK
from lvcnet.masks.largest_error import largest_error
from lvcnet.masks.metrics import METRICS
from lvcnet.methods import method_title
from lvcnet.noise.levels import levels_in_words
from lvcnet.runs.store import find_run
from lvcnet.thresholds import THRESHOLD

SIDE_BY_SIDE, PAIRS = "side-by-side", "image-by-image"
CAPTION_METRICS = ("iou", "boundary_iou", "hd95")


def pick_labels(comparison: Comparison) -> list[Cell]:
    """Ask which labels the methods learned from; the cells that did."""
    labels = pick(
        "labels",
        "Learned from",
        comparison.label_sets(),
        f"The label set that all methods shown learned from. {levels_in_words()}",
        comparison.title,
        hardest_labels(comparison),
    )
    return [cell for cell in comparison.cells if cell.labels == labels]


def show_side_by_side(comparison: Comparison) -> None:
    """The same image under every method that learned from one label set."""
    columns = st.columns([2, 1, 2, 3])
    with columns[0]:
        cells = pick_labels(comparison)
    with columns[1]:
        seeds = sorted({str(seed) for cell in cells for seed in cell.runs}, key=int)
        seed = int(pick("seed", "Seed", seeds, "Which of the trainings."))
    cells = [cell for cell in cells if seed in cell.runs]
    scores = {cell.method: run_scores(cell, seed, comparison.metric) for cell in cells}
    with columns[2]:
        order = pick(
            "order",
            "Order of images",
            _orders(cells),
            "Worst first shows where a method fails.",
            _order_title,
        )
    keys = ordered_keys(_keys(cells, seed), scores, order, comparison.metric)
    if not keys:
        st.info(
            "None of these runs has a checkpoint or snapshots here: there is no image to show.",
            icon=":material/info:",
        )
        return
    asked = st.query_params.get("image", "")
    if asked not in keys and any(asked in measured for measured in scores.values()):
        st.info(
            f"Image {plain(asked)} was measured, but these runs have no usable checkpoint here: only the images of their"
            " snapshots can be shown.",
            icon=":material/info:",
        )
    with columns[3]:
        key = pick(
            "image", "Image", keys, "Every method shows this image.", lambda name: _image_title(name, scores)
        )
    with shown_errors():
        _show_panels(comparison, cells, seed, key)


def _viewer_controls(trained_on: bool) -> tuple[panels.Mode, bool, float]:
    """What to draw, whether with the noisy outlines, and how strongly to tint."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="viewer-controls"):
        mode = st.segmented_control(
            "Show",
            panels.MODES,
            format_func=str.capitalize,
            default="outlines",
            required=True,
            key="viewer-mode",
            help="Outlines over the image, or where a method missed the object and where it added to it.",
        )
        opacity = st.slider(
            "Opacity", 0.0, 1.0, 0.3, 0.05, key="viewer-opacity", width=220, help="Of the coloured areas."
        )
        noisy = trained_on and st.toggle(
            "Noisy outline in every panel",
            key="viewer-noisy",
            help="The label that the methods learned from, dashed, over every method's answer.",
        )
    return mode, noisy, opacity


def _show_panels(comparison: Comparison, cells: list[Cell], seed: int, key: str) -> None:
    """The labels and every method's answer in one row, zoomed and moved together."""
    sights, problems = _sights(cells, seed, key)
    for title, problem in problems.items():
        st.warning(plain(f"{title}: {problem}"), icon=":material/warning:")
    if not sights:
        return
    first, labels = next(iter(sights.values())), cells[0].labels
    noisy = first.labels if labels != "clean" else None
    mode, everywhere, opacity = _viewer_controls(noisy is not None)
    masks = {method: sight.prediction >= THRESHOLD for method, sight in sights.items()}
    note = _labels_note(first, labels, comparison)
    excluded = {cell.method for cell in cells if cell.excluded}
    shown = [Panel("Labels", note, f"Labels, image {key}: {note}", panels.labels_layers(first.clean, noisy))]
    for method, sight in sights.items():
        title = method_title(method)
        note = _scores_note(sight) + (MARK if method in excluded else "")
        layers = panels.method_layers(first.clean, noisy if everywhere else None, masks[method], mode)
        shown.append(Panel(title, note, f"{title}, image {key}: {note}", layers))
    st.html(f"<small>{legend(_legend(mode, noisy is not None))}</small>")
    data = viewer_data(
        first.image,
        shown,
        _values(sights, noisy),
        f"{comparison.dataset}-{labels}-{key}",
        opacity,
        None if first.clean is None else largest_error(first.clean, list(masks.values())),
    )
    show_viewer(data, "side-by-side")
    if (sources := {sight.source for sight in sights.values()}) != {"last checkpoint"}:
        st.caption(
            f"Predictions: {', '.join(sorted(sources))}. Runs without a usable checkpoint show their snapshots' images only."
        )


def _values(sights: Mapping[str, viewing.Sight], noisy: Mask | None) -> list[Values]:
    """What the cursor reads: labels, then every method's probability."""
    first = next(iter(sights.values()))
    labels = [("clean label", first.clean), ("label in training", noisy)]
    found = [Values(title, first.categories, "mask", mask) for title, mask in labels if mask is not None]
    return found + [
        Values(method_title(method), sight.categories, "probability", sight.prediction)
        for method, sight in sights.items()
    ]


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


def _legend(mode: str, noisy: bool) -> list[tuple[str, str]]:
    entries = [("Clean label", "clean"), ("Prediction", "prediction")]
    if noisy:
        entries.append(("Label in training (dashed)", "noisy"))
    if mode == "errors":
        entries += [("Missed", "missed"), ("Extra", "extra")]
    return [(title, LABEL_COLOURS[name]) for title, name in entries]


def _labels_note(sight: viewing.Sight, labels: str, comparison: Comparison) -> str:
    if sight.split == "test":
        return "A test image: it has clean labels only; noise never touches it"
    return (
        f"A training image with the {comparison.title(labels).lower()} label the methods learned from"
        if labels != "clean"
        else "A training image"
    )


def _scores_note(sight: viewing.Sight) -> str:
    scores = sight.scores()
    return (
        ", ".join(
            f"{METRICS[name].title.split(' (')[0]} {scores[name]:.{1 if METRICS[name].unit else 3}f}"
            f"{' ' if METRICS[name].unit else ''}{METRICS[name].unit_in(sight.unit)}"
            for name in CAPTION_METRICS
            if name in scores
        )
        or "no clean label to score against"
    )


def show_pairs(comparison: Comparison) -> None:
    """Method A against method B, one point an image; a click opens the image side by side."""
    columns = st.columns(3)
    with columns[0]:
        cells = {cell.method: cell for cell in pick_labels(comparison)}
    methods = list(cells)
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
    scores = [cell_scores(cells[method], comparison.metric) for method in (first, second)]
    titles = (method_title(first), method_title(second))
    figure = figures.pair_scatter(
        scores[0], scores[1], titles, (first, second), comparison.metric, comparison.unit
    )
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left:
        show_chart(
            figure,
            "pairs",
            f"{comparison.titled(comparison.metric)} of every test image under {titles[0]} and {titles[1]}",
            f"{comparison.dataset}-{comparison.metric}-{first}-{second}",
            _open_image,
        )
    both = set(scores[0]) & set(scores[1])
    sign = -1 if METRICS[comparison.metric].lower_is_better else 1
    wins = sum(sign * (scores[1][key] - scores[0][key]) > 0 for key in both)
    with right:
        reasons = [cells[method].excluded for method in (first, second) if cells[method].excluded]
        verdict = (
            f"Nothing can be concluded from these images: {plain('; '.join(map(str, reasons)))}."
            if reasons
            else f"{comparison.titled(comparison.metric)}: {plain(titles[1])} is better on **{wins} of {len(both)}** test images."
        )
        st.markdown(
            f"{verdict}\n\n"
            "A point has the colour of the method that did better; the dashed line is a draw. Click a point to see its"
            " image side by side."
        )
        colours = [(titles[0], method_colour(first)), (titles[1], method_colour(second))]
        st.html(f"<small>{legend(colours)}</small>")


def _open_image() -> None:
    points = st.session_state["pairs"]["selection"]["points"]
    if points and (key := points[0].get("customdata")):
        remember("image", key[0] if isinstance(key, list) else str(key))
        remember("view", SIDE_BY_SIDE)
