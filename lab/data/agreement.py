"""The data page's view of two label sets: agreement, where they differ, edge support, a consensus."""

from typing import cast

import numpy as np
import streamlit as st

from lab.data.agreement_figures import share_bar, spread_figure, who_drew_what, whom_it_sides_with
from lab.data.consensus import consensus_form
from lab.data.gallery import SPLITS
from lab.draw import pictures
from lab.ui import tables
from lab.ui.background import Task, background_work
from lab.ui.escaping import plain
from lab.ui.widgets import (
    command_line,
    dataset_stamp,
    empty_state,
    pick,
    pick_labels,
    show_table,
)
from lvcnet.comparison.tables import NOTHING
from lvcnet.correction.agreement import compared_masks, mean_disagreement
from lvcnet.correction.edge_support import Strength, per_image_rows, side_maps
from lvcnet.correction.requests import AgreeRequest, EdgeSupportRequest
from lvcnet.data.dataset import CLEAN, Dataset, find_dataset
from lvcnet.drawing import overlays
from lvcnet.drawing.palette import OPINION_COLOURS
from lvcnet.figures.layout import EXPORT
from lvcnet.files import Row, rows_to_csv

MEASURES = {
    "dice": "Dice",
    "iou": "IoU",
    "distance_px": "Distance of outlines (px)",
    "area_bias": "Area bias (%)",
}
MEASURED = "measured-agreement"
"""Where a session keeps (about, result) of the comparison it shows."""


def show_agreement(dataset: Dataset) -> None:
    """Two label sets of a data set; what there is to do if it has only one."""
    names = dataset.opinions()
    if len(names) < 2:
        empty_state(
            f"{dataset.name} has one label set only. Import a second annotator's outlines as a further label set, or"
            " make a noisy one.",
            "noise",
            "Make a noisy label set",
            {"dataset": dataset.name},
        )
        return
    columns = st.columns(3, vertical_alignment="bottom")
    with columns[0]:
        first = pick_labels(dataset, "first", "First label set", CLEAN)
    with columns[1]:
        second = pick_labels(
            dataset, "second", "Second label set", next(name for name in names if name != first)
        )
    with columns[2]:
        shown = pick("split", "Images", list(SPLITS), "Which images are compared.", SPLITS.__getitem__)
    split = None if shown == "all" else shown
    if first == second:
        st.info("Choose two different label sets.", icon=":material/info:")
        return
    request = AgreeRequest(dataset.name, first, second, split)
    measured = _measured(dataset, request)
    if measured is None:
        return
    agreed, sided = measured
    _figures(agreed)
    left, right = st.columns(2, gap="large")
    with left:
        _spread(agreed)
    with right:
        _sides(sided)
    _one_image(dataset, agreed, sided)
    _table(agreed, sided)
    command_line(request)
    consensus_form(dataset, first, second)


def _measured(dataset: Dataset, request: AgreeRequest) -> tuple[Row, Row] | None:
    """What both comparisons say; measured once as long as the label sets stay the same, None until then.

    Raises:
        LvcnetError: see `agreement`.
    """
    first, second, split = request.first, request.second, request.split
    files = {"images.npy", f"{first}.npz", f"{second}.npz"}  # other label sets may come and go
    stamp = [entry for entry in dataset_stamp(find_dataset(dataset.name)) if entry[0] in files]
    about = (dataset.name, first, second, split, *stamp)
    known, measured = st.session_state.get(MEASURED, (None, None))
    if known == about:
        return cast(tuple[Row, Row], measured)

    def work(task: Task) -> tuple[Row, Row]:
        agreed = request.run(task.stage("Comparing the outlines, images"), dataset)
        sided = EdgeSupportRequest(dataset.name, first, second, split)
        return agreed, sided.run(task.stage("Comparing with edges, images"), dataset)

    measured = background_work(
        f"agreement-{dataset.name}-{first}-{second}-{split}",
        "Comparing the outlines",
        work,
        nothing_done="choose other label sets, or the same once more, to compare them",
        about=about,
    )
    if measured is not None:
        st.session_state[MEASURED] = (about, measured)
    return cast(tuple[Row, Row] | None, measured)


def _figures(agreed: Row) -> None:
    """The means over images as cards."""
    cards: list[tuple[str, str, str | None, str]] = [
        ("Images", str(agreed["images"]), None, "Images that both label sets cover.")
    ]
    for measure, title, digits, help_text in (
        ("dice", "Dice", 3, "Overlap of the two areas, mean and SD over images; 1 is full agreement."),
        ("iou", "IoU", 3, "Shared over united area, mean and SD over images; 1 is full agreement."),
        (
            "distance_px",
            "Distance (px)",
            2,
            "Mean distance of the two outlines, in pixels of the image.",
        ),
    ):
        mean, sd = agreed[measure]["mean"], agreed[measure]["sd"]
        spread = None if sd is None else f"SD {tables.number(sd, digits)}"
        cards.append((title, tables.number(mean, digits), spread, help_text))
    bias = agreed["area_bias"]
    cards.append(
        (
            "Area bias",
            NOTHING if bias is None else f"{100 * bias:+.1f} %",
            None,
            f"How much larger {plain(agreed['second'])} draws than {plain(agreed['first'])}, mean over images.",
        )
    )
    with st.container(horizontal=True):
        for title, value, spread, help_text in cards:
            st.metric(
                title,
                value,
                spread,
                delta_color="off",
                delta_arrow="off",
                border=True,
                width="content",
                height="stretch",
                help=help_text,
            )
    if len(agreed["per_category"]) > 1:
        rows = [
            {
                "Category": category,
                **{
                    MEASURES[key]: tables.number(found[key]["mean"]) for key in ("dice", "iou", "distance_px")
                },
            }
            for category, found in agreed["per_category"].items()
        ]
        show_table(rows)


def _spread(agreed: Row) -> None:
    st.header("Image by image", anchor=False)
    measure = pick(
        "measure", "Measure", list(MEASURES), "What the histogram counts.", MEASURES.__getitem__, "dice"
    )
    values = [row[measure] for row in agreed["per_image"] if row[measure] is not None]
    scaled = [100 * value for value in values] if measure == "area_bias" else values
    st.plotly_chart(
        spread_figure(scaled, MEASURES[measure]),
        key="agreement-spread",
        config=EXPORT,
        alt=f"Histogram of {MEASURES[measure]} between {agreed['first']} and {agreed['second']} over"
        f" {len(values)} images",
    )


def _sides(sided: Row) -> None:
    st.header("Edge support: whom the image sides with", anchor=False)
    if not sided["area_px"]:
        st.info("The two do not differ anywhere.", icon=":material/info:")
        return
    titles = {"first": sided["first"], "second": sided["second"], "undecided": "undecided"}
    won = sided["images_won"]
    st.plotly_chart(
        share_bar(sided["share"], titles),
        key="agreement-sides",
        config=EXPORT,
        alt="Bar of the disputed area: "
        + ", ".join(f"{100 * share:.0f} % {titles[side]}" for side, share in sided["share"].items()),
    )
    st.markdown(
        f"They differ on {sided['area_px']:,} px. In {won['first']} images more of that goes to **{plain(sided['first'])}**,"
        f" in {won['second']} to **{plain(sided['second'])}**."
    )
    st.caption(
        "Each region that only one of them drew goes to the label set whose outline around it lies on stronger edges of"
        " the radiograph (Sobel), if the difference exceeds its standard error. A hint, not truth: the stronger edge may"
        " belong to another structure, and where anatomy shows no edge this says nothing."
    )
    command_line(EdgeSupportRequest(sided["dataset"], sided["first"], sided["second"], sided["split"]))


def _one_image(dataset: Dataset, agreed: Row, sided: Row) -> None:
    """Who drew what, whom edges support, and where all images differ."""
    st.header("Where they differ", anchor=False)
    first, second = agreed["first"], agreed["second"]
    scores = {row["key"]: row["dice"] for row in agreed["per_image"]}
    left, right = st.columns(2)
    with left:
        key = pick(
            "disputed",
            "Image",
            list(scores),
            "The least agreement first.",
            lambda name: f"{name} (Dice {tables.number(scores[name])})",
        )
    with right:
        category = pick("category", "Category", dataset.categories, "Categories are compared one by one.")
    row, c = dataset.index(key), dataset.categories.index(category)
    one, two = compared_masks(dataset, first, second, np.array([row]))
    place = dataset.place(row)
    sides = side_maps(Strength(dataset)(np.array([row])), one, two)[0, c][place]
    one, two = one[0, c][place], two[0, c][place]
    differ = mean_disagreement(dataset, first, second, agreed["split"])[c]
    areas = next(image for image in sided["per_image"] if image["key"] == key)
    columns = st.columns(3)
    with columns[0]:
        st.image(
            who_drew_what(dataset.image(row), one, two),
            caption="Who drew what",
            width="stretch",
            alt=f"Radiograph {key}: {int((one & ~two).sum())} pixels only in {first}, {int((two & ~one).sum())} only in"
            f" {second}, {int((one & two).sum())} in both",
        )
        _legend([(f"only {first}", "first"), (f"only {second}", "second"), ("both", "both")])
    with columns[1]:
        st.image(
            whom_it_sides_with(dataset.image(row), sides, one, two),
            caption="Edge support: whom the image sides with",
            width="stretch",
            alt=f"Radiograph {key}: of {areas['area_px']} disputed pixels {areas['first']} go to {first},"
            f" {areas['second']} to {second}, {areas['undecided']} are undecided",
        )
        _legend([(first, "first"), (second, "second"), ("undecided", "undecided")])
    with columns[2]:
        most = float(differ.max())
        st.image(
            overlays.fit(overlays.heat(differ)),
            caption=f"Mean disagreement of {agreed['images']} images",
            width="stretch",
            alt=f"Map of the share of images in which {first} and {second} differ at a pixel, at most"
            f" {tables.percent(most)}",
        )
        st.html(f"<small>Black: never. Brightest: in {tables.percent(most)} of the images.</small>")


def _legend(entries: list[tuple[str, str]]) -> None:
    strokes = pictures.legend([(title, OPINION_COLOURS[name]) for title, name in entries])
    # white and sky blue are made for radiographs: the legend lies on as dark a ground
    st.html(f'<small style="background:#1A222B;color:#E6EBF0;padding:0.2rem 0.4rem">{strokes}</small>')


def _table(agreed: Row, sided: Row) -> None:
    rows = per_image_rows(agreed, sided)
    first, second = agreed["first"], agreed["second"]
    with st.expander(f"All {len(rows)} images as a table", icon=":material/table:"):
        st.dataframe(
            [
                {**row, "area_bias": None if row["area_bias"] is None else 100 * row["area_bias"]}
                for row in rows
            ],
            hide_index=True,
            key="agreement-table",
            column_config={
                "key": "Image",
                "dice": st.column_config.NumberColumn("Dice", format="%.3f"),
                "iou": st.column_config.NumberColumn("IoU", format="%.3f"),
                "distance_px": st.column_config.NumberColumn("Distance (px)", format="%.2f"),
                "area_bias": st.column_config.NumberColumn("Area bias (%)", format="%+.1f"),
                "disagreement_px": "Disputed (px)",
                "first_px": f"To {first} (px)",
                "second_px": f"To {second} (px)",
                "undecided_px": "Undecided (px)",
            },
        )
    st.download_button(
        "Download CSV",
        rows_to_csv(rows),
        f"{agreed['dataset']}-{first}-{second}.csv",
        "text/csv",
        key="agreement-csv",
        icon=":material/download:",
        help="One row an image: agreement, and the pixels that go to either label set.",
        on_click="ignore",
    )
