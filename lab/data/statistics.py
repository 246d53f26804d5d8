"""The statistics view of the data page: counts, sizes, foreground, components, outlines and label sets."""

import streamlit as st

from lab.data.displacement import show_displacement
from lab.data.figures import component_figure, foreground_figure, size_figure
from lab.ui import tables
from lab.ui.downloads import offer_report
from lab.ui.escaping import plain
from lab.ui.loaded import load_facts
from lab.ui.navigation import link_to
from lab.ui.tables import counted
from lab.ui.training_plan import show_plan, show_size_note
from lab.ui.widgets import command_line, dataset_summary, pick_labels, show_table
from lvcnet.comparison.tables import NOTHING
from lvcnet.damage import Damaged
from lvcnet.data.dataset import Dataset
from lvcnet.data.facts import statistics
from lvcnet.data.importing.annotated import Problem, import_warnings
from lvcnet.data.requests import ShowRequest
from lvcnet.data.summary import grid_in_words
from lvcnet.errors import LvcnetError
from lvcnet.figures.layout import EXPORT
from lvcnet.jobs.requests import TrainingPlanRequest
from lvcnet.training.plan import plan_training


def show_statistics(dataset: Dataset) -> None:
    """Counts, distributions under a label set, the label sets, and what the import warned about."""
    summary = dataset_summary(dataset.name)
    with st.container(horizontal=True):
        for title, value, help_text in (
            ("Training images", summary["train"], "Images that methods learn from."),
            ("Test images", summary["test"], "Images that only measure."),
            ("Working grid (px)", "{1} x {0}".format(*summary["grid"]), "Grid of the networks."),
            (
                "Original size (px)",
                _sizes(summary["original_sizes"]),
                "Width x height of the files; results are exported at it.",
            ),
        ):
            st.metric(title, value, border=True, width="content", help=help_text)
    if summary["stretched"]:
        st.info(f"Working grid {grid_in_words(summary)}.", icon=":material/aspect_ratio:")
    labels = _show_distributions(dataset)
    _show_plan(dataset, labels)
    show_displacement(dataset, labels)
    st.header("Label sets", anchor=False)
    show_table(tables.label_rows(summary))
    for one in summary["damaged"]:
        st.warning(plain(f"Left out: {Damaged(**one)}"), icon=":material/broken_image:")
    st.caption(
        f"Fingerprint {summary['fingerprint']}: equal data, equal digits. A run remembers the one it was trained on."
    )
    _show_warnings(import_warnings(summary["source"]), f"{dataset.name}-warnings.csv")
    command_line(ShowRequest(dataset.name))


def _show_plan(dataset: Dataset, labels: str) -> None:
    """Traits of the training images under a label set, and the training plan that follows from them."""
    st.header("Training plan", anchor=False)
    try:
        plan = plan_training(dataset, labels)
    except LvcnetError as error:
        st.info(plain(f"{str(error)[:1].upper()}{str(error)[1:]}."), icon=":material/info:")
        return
    st.markdown(
        f"What a training on {plain(labels)} starts from, whatever the method and device, and why: preset auto. It follows from"
        f" {counted(plan.traits.images, 'training image')} and these labels alone; test images are not looked at."
    )
    show_size_note(plan)
    show_table(
        [
            {
                "Category": one.name,
                "In images": tables.percent(one.presence),
                "Area there": NOTHING if one.area is None else tables.percent(one.area, 1),
                "Thickness (px)": tables.number(one.thickness, 0),
                "Of the original (px)": tables.number(one.original_thickness, 0),
                "Parts an image": tables.number(one.parts, 0),
            }
            for one in plan.traits.categories
        ]
    )
    st.caption(
        "Thickness is the diameter of the largest disc that fits into a part, the median over all parts that are no specks."
    )
    show_plan(plan.as_json())
    command_line(TrainingPlanRequest(dataset.name, labels))
    link_to("train", "Train by it", query={"dataset": dataset.name, "labels": labels, "form": "run"})


def _show_distributions(dataset: Dataset) -> str:
    """Distributions under a label set that is chosen here; its name."""
    left, _ = st.columns([2, 3])
    with left:
        labels = pick_labels(dataset)
    facts = load_facts(dataset, labels)
    found = statistics(facts, dataset.categories)
    if not found["labelled"]:
        st.info(f"{plain(labels)} covers no image.", icon=":material/info:")
        return labels
    charts = (
        ("Foreground", foreground_figure(facts, dataset.categories), "how much of the images is foreground"),
        ("Parts an image", component_figure(found), "how many connected parts the images have"),
        ("Original sizes", size_figure(found), "original widths and heights of the images"),
    )
    for column, (title, figure, what) in zip(st.columns(3), charts, strict=True):
        with column:
            st.markdown(f"**{title}**")
            st.plotly_chart(
                figure, key=f"statistics-{title}", config=EXPORT, alt=f"Chart of {dataset.name}: {what}"
            )
    show_table(tables.spread_rows(found))
    st.caption(
        f"Over the {found['labelled']} images that {plain(labels)} covers; parts are 8-connected."
        + (f" {plain(tables.ignored_note(labels, found['ignored']))}" if found["ignored"] else "")
    )
    return labels


def _show_warnings(warnings: list[Problem], file_name: str) -> None:
    if warnings:
        with st.expander(f"Warnings of the import ({len(warnings)})", icon=":material/warning:"):
            st.markdown("\n".join(f"- {plain(warning)}" for warning in warnings))
            offer_report(warnings, file_name)


def _sizes(sizes: list[list[int]]) -> str:
    """Smallest and largest original size.

    >>> _sizes([[40, 20], [40, 20]]), _sizes([[40, 20], [50, 30]])
    ('40 x 20', '40 x 20 to 50 x 30')
    """
    low, high = ("{} x {}".format(*size) for size in sizes)
    return low if low == high else f"{low} to {high}"
