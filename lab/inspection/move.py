"""The inspect page's first part: the boundary before and after under a slider, and the move that lies between."""

import numpy as np
import streamlit as st

from lab.draw import field_figures, map_figures
from lab.draw.map_figures import Line, label_lines
from lab.draw.panels import labels_layers
from lab.inspection import viewing
from lab.inspection.explain import Explanation, explain
from lab.inspection.viewing import Sight
from lab.ui.charts import show_chart
from lab.ui.escaping import plain
from lab.ui.viewer import Layer, Panel, Values, area, outline, show_viewer, viewer_data
from lvcnet.drawing.palette import LABEL_COLOURS
from lvcnet.models.maps import title

BEFORE_COLOUR, BEFORE_DASH = "#CC79A7", "2 3"
LARGE = 430
"""Height of the large pictures in screen pixels."""
MEASURES: dict[str, Explanation] = {
    "arrows": Explanation(
        "An arrow starts at its pixel and ends where the pixel reads; the boundary moves against it.",
        "p + V(p)",
    ),
    "length": Explanation("How far each pixel reads from itself.", r"\lVert V(p) \rVert", "px"),
    "direction": Explanation(
        "Which way each pixel reads: colour as on the wheel, the brighter the farther; full brightness is the longest move.",
        r"\operatorname{atan2}\bigl(V_y(p), V_x(p)\bigr)",
    ),
    "grid": Explanation(
        "The grid of pixels where the move takes it: lines crowd where many pixels read the same place.",
        r"\{p + V(p) : p \text{ on the grid}\}",
    ),
}


def describe(what: Explanation) -> None:
    """One sentence and the equation below a picture."""
    st.caption(what.sentence + (f"  \n${what.equation}$" if what.equation else ""))


def show_boundary(sight: Sight, channel: int, config: dict[str, object]) -> None:
    """Labels and prediction over the image; beside it the boundary before and after, or the probability."""
    stages = _stages(sight)
    learned = "" if sight.labels is None else " label in training orange and dashed,"
    labels = Panel(
        "Labels and prediction",
        f"Clean label green,{learned} prediction blue",
        f"{sight.key}: label outlines and prediction",
        [
            *labels_layers(_one(sight.clean, channel), _one(sight.labels, channel)),
            outline(sight.mask(channel), LABEL_COLOURS["prediction"]),
        ],
    )
    if len(stages) == 1:
        left, right = st.columns(2)
        with left:
            _view(sight, channel, [labels])
        with right:
            st.markdown("**Probability**")
            lines = label_lines(_clean(sight, channel), None, None)
            figure = map_figures.map_figure(sight.prediction[channel], lines=lines, height=LARGE)
            show_chart(
                figure, "probability", f"{sight.key}: predicted probability", f"{sight.key}-probability"
            )
            describe(explain("prediction", config))
        return
    before, after = _pick_stages(stages)
    note = f"Left of the line, dotted: {_stage_title(before)}. Right of it: {_stage_title(after)}."
    swiped = Panel(
        "Boundary before and after",
        note + _gain(sight, before, after),
        f"{sight.key}: {note}",
        [
            *labels_layers(_one(sight.clean, channel), None),
            *_swiped(sight, channel, before, after),
        ],
    )
    _view(
        sight, channel, [labels, swiped], (f"{_stage_title(before)}, before", f"{_stage_title(after)}, after")
    )
    left, right = st.columns(2)
    for column, stage in ((left, before), (right, after)):
        with column:
            st.markdown(f"**{plain(_stage_title(stage))}**")
            describe(explain(stage, config))


def show_move(sight: Sight, channel: int, config: dict[str, object]) -> None:
    """A vector field four ways: arrows over the image, length, direction, and the sampling grid it deforms."""
    fields = [name for name in viewing.VECTORS if name in sight.maps]
    if not fields:
        return
    st.header("The move", anchor=False)
    name, every, scale = _move_controls(fields)
    describe(explain(name, config))
    field = sight.maps[name][channel]
    clean = label_lines(_clean(sight, channel), None, None)
    lines = [*clean, *_trunk_line(sight, channel)]
    length = np.hypot(field[0], field[1])
    figures = {
        "arrows": field_figures.arrow_figure(sight.image, field, every, scale, lines, LARGE),
        "length": map_figures.map_figure(length, "px", None, clean, LARGE),
        "direction": field_figures.direction_figure(field, clean, LARGE),
        "grid": field_figures.grid_figure(sight.image, field, every, scale, lines, LARGE),
    }
    for pair in (("arrows", "length"), ("direction", "grid")):
        for column, kind in zip(st.columns(2), pair, strict=True):
            with column:
                st.markdown(f"**{kind.capitalize() if kind != 'grid' else 'Deformed sampling grid'}**")
                alt = f"{sight.key}: {title(name)} as {kind}, up to {length.max():.1f} px"
                show_chart(figures[kind], kind, alt, f"{sight.key}-{name}-{kind}")
                describe(MEASURES[kind])


def _move_controls(fields: list[str]) -> tuple[str, int, int]:
    """Which field, how dense, and how much longer than true."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="move-controls"):
        name = st.segmented_control(
            "Field",
            fields[::-1],
            format_func=lambda one: title(one).removesuffix(" (px)"),
            default=fields[-1],
            required=True,
            key="field",
            help="Guidance is what the cues suggest; offsets are what the network does with it.",
        )
        every = st.select_slider(
            "One arrow or line every",
            [2, 3, 4, 6, 8, 12],
            value=4,
            format_func=lambda pixels: f"{pixels} px",
            key="arrow-every",
            width=220,
            help="Density of arrows and grid. Moves below 0.06 px have no arrow.",
        )
        scale = st.select_slider(
            "Drawn length",
            [1, 2, 3, 5],
            value=2,
            format_func=lambda times: "true" if times == 1 else f"{times}× true",
            key="arrow-scale",
            width=220,
            help="Drawn length over true length, of arrows and grid.",
        )
    return name, every, scale


def _stages(sight: Sight) -> list[str]:
    """Predictions in the order in which one follows from the other, the final one last."""
    warps = [name for name in viewing.map_names(sight) if name.startswith("warp")]
    known = ["trunk", *warps, "repaired", "second"]
    return [*(name for name in known if name in sight.maps), "prediction"]


def _pick_stages(stages: list[str]) -> tuple[str, str]:
    """Which two predictions to hold against each other."""
    left, right = st.columns(2)
    with left:
        before = st.selectbox(
            "Before", stages[:-1], format_func=_stage_title, key="before", help="Left of the slider's line."
        )
    with right:
        after = st.selectbox(
            "After",
            stages[1:][::-1],
            format_func=_stage_title,
            key="after",
            help="Right of the slider's line: any later prediction, the final one at first.",
        )
    return str(before), str(after)


def _stage_title(name: str) -> str:
    return "Final segmentation" if name == "prediction" else title(name)


def _swiped(sight: Sight, channel: int, before: str, after: str) -> list[Layer]:
    """Area and outline of both, each on its side of the slider's line."""
    first, second = sight.mask(channel, before), sight.mask(channel, after)
    return [
        area(first, BEFORE_COLOUR, "before"),
        outline(first, BEFORE_COLOUR, BEFORE_DASH, "before"),
        area(second, LABEL_COLOURS["prediction"], "after"),
        outline(second, LABEL_COLOURS["prediction"], "", "after"),
    ]


def _gain(sight: Sight, before: str, after: str) -> str:
    scores = [sight.scores(name).get("iou") for name in (before, after)]
    if None in scores:
        return ""
    return f" IoU of this image {scores[0]:.3f} before, {scores[1]:.3f} after"


def _view(sight: Sight, channel: int, panels: list[Panel], swipe: tuple[str, str] | None = None) -> None:
    data = viewer_data(
        sight.image, panels, _values(sight, channel), f"{sight.key}-boundary", 0.25, None, swipe
    )
    show_viewer(data, "boundary")


def _values(sight: Sight, channel: int) -> list[Values]:
    """What the cursor reads: labels of the chosen category, the final probability, and every map."""
    category = [sight.categories[channel]]
    found = [
        Values(name, category, "mask", masks[channel][None])
        for name, masks in (("clean label", sight.clean), ("label in training", sight.labels))
        if masks is not None
    ]
    found.append(Values("final", category, "probability", sight.prediction[channel][None]))
    for name in viewing.map_names(sight):
        layer = sight.maps[name][min(channel, len(sight.maps[name]) - 1)]
        text = title(name).removesuffix(" (px)")
        text = text if text.startswith("LVC") else text[0].lower() + text[1:]
        vector = layer.ndim == 3
        values = np.hypot(layer[0], layer[1]) if vector else layer
        found.append(Values(text, category, "px" if vector else "probability", values[None]))
    return found


def _one(masks: np.ndarray | None, channel: int) -> np.ndarray | None:
    return None if masks is None else masks[channel : channel + 1]


def _clean(sight: Sight, channel: int) -> np.ndarray | None:
    return None if sight.clean is None else sight.clean[channel]


def _trunk_line(sight: Sight, channel: int) -> list[Line]:
    if "trunk" not in sight.maps:
        return []
    return [Line("Trunk prediction", sight.mask(channel, "trunk"), BEFORE_COLOUR, "dot")]
