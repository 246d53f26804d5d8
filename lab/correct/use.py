"""The correct page's end: decisions become a label set, which is exported and trained on."""

from functools import partial

import streamlit as st

from lab.correct.state import DECISION_TITLES
from lab.train.forms import offer_sweep, show_started
from lab.train.settings import PRESET_HELP, length_field
from lab.ui import tables
from lab.ui.downloads import labels_file
from lab.ui.escaping import plain
from lab.ui.navigation import link_to
from lab.ui.widgets import command_line, leave_note, pick, remember, shown_errors
from lvcnet.comparison.cells import BASELINE
from lvcnet.correction.apply import (
    KIND,
    REVIEWED,
    UNDECIDED,
    UNTOUCHED,
    accepted_keys,
    made_labels,
    read_report,
    report_csv,
    summarise_report,
)
from lvcnet.correction.requests import ApplyRequest
from lvcnet.correction.review import count_decisions, drafts_in_words
from lvcnet.correction.store import Correction
from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.data.exporter import exported_name
from lvcnet.data.formats.specs import FORMATS, written
from lvcnet.files import Row
from lvcnet.jobs.requests import SweepRequest
from lvcnet.methods import METHODS, method_title
from lvcnet.noise.levels import levels_in_words
from lvcnet.training.config import list_presets
from lvcnet.training.plan import plan_training

RULES: dict[str, list[str]] = {"keep": [], "confident": ["confident"], "ignore": []}
"""What may become of undecided labels, and the rule that does it."""


def show_use(correction: Correction, dataset: Dataset, rows: list[Row]) -> None:
    """Make a label set, look at what changed, export it, train on it."""
    _make(correction, dataset, rows)
    made = made_labels(correction, dataset)
    if not made:
        st.caption("Exports and trainings appear here once there is a label set.")
        return
    st.header("What changed", anchor=False)
    name = pick("made", "Label set", made, "Label sets that were made of this correction.", default=made[-1])
    with shown_errors():
        report = read_report(correction, dataset, name)
        _changes(report)
        _exports(dataset, report)
    with shown_errors():
        _train(correction, dataset, name)


def _make(correction: Correction, dataset: Dataset, rows: list[Row]) -> None:
    """Name the label set and make it."""
    counts, labels = count_decisions(rows), correction.head["labels"]
    done = len(rows) - counts["undecided"]
    st.header("Make a label set of the decisions", anchor=False)
    st.markdown(f"{done} of {len(rows)} labels are decided. **{plain(labels)}** itself is never changed.")
    rest = _pick_rest(correction, rows)
    drawn = {row["key"]: row["drafts"] for row in rows if row["drafts"]}
    drafts = _pick_drafts(correction, drawn) if drawn else None
    rule = "+".join([*([REVIEWED] if done or drafts == "use" else []), *RULES[rest]]) or "none"
    left, right = st.columns(2, vertical_alignment="bottom")
    name = left.text_input(
        "Name of the label set",
        f"corrected-{labels}",
        key=f"made-name-{correction.name}",
        help="Letters, digits, '.', '_' and '-'.",
    ).strip()
    replaceable = name in dataset.label_names() and dataset.manifest(name).get("kind") == KIND
    overwrite = replaceable and right.checkbox(
        f"Replace {plain(name)}", key="made-overwrite", help="It exists already; runs trained on it stay."
    )
    if dataset.is_demo:
        st.caption(
            f"The demo data stay as they are: your copy of {plain(dataset.name)}, with this label set, goes to the workspace."
        )
    request = ApplyRequest(correction.name, name, rule, rest == "ignore", drafts, overwrite=bool(overwrite))
    command_line(request)
    nothing = done == 0 and rest == "keep" and drafts != "use"
    if nothing:
        st.caption("So nothing would change: decide about labels in the review, or choose otherwise above.")
    if st.button(
        "Make label set",
        key="make-labels",
        type="primary",
        icon=":material/layers:",
        disabled=nothing or (replaceable and not overwrite) or bool(drawn and not drafts),
        help="A label set like any other: exported, compared, trained on.",
    ):
        with shown_errors():
            report = request.run(correction, dataset)
            remember("made", name)
            leave_note(f"Label set {name}: {tables.counted(len(report['accepted']), 'label')} repaired.")
            st.rerun()


def _pick_drafts(correction: Correction, drawn: dict[str, list[str]]) -> str | None:
    """What becomes of drawings that nobody accepted: use, ignore, or None while nothing is chosen."""
    st.warning(f"Drawn and not accepted yet: {plain(drafts_in_words(drawn))}.", icon=":material/draw:")
    titles = {
        "use": "Accept them all, each in its reviewer's name",
        "ignore": "Go on without them: they stay drafts",
    }
    return st.radio(
        "Drafts",
        list(titles),
        index=None,
        format_func=titles.__getitem__,
        key=f"made-drafts-{correction.name}",
        help="Or go back to the review and choose the filter 'With a draft'.",
    )


def _pick_rest(correction: Correction, rows: list[Row]) -> str:
    """What becomes of labels that nobody decided about: a key of `RULES`."""
    sure = set(accepted_keys(correction, "confident"))
    count = sum(row["key"] in sure and row["decision"] == UNDECIDED for row in rows)
    titles = {
        "keep": "Keep them as they are",
        "confident": f"Repair those that are surely wrong ({count})",
        "ignore": "Keep them, but train without their disputed pixels",
    }
    return st.radio(
        "Undecided labels",
        list(RULES),
        format_func=titles.__getitem__,
        key=f"made-rest-{correction.name}",
        help="Surely wrong: the method is sure about most of the pixels where it disagrees. Careful outlines are not.",
    )


def _changes(report: Row) -> None:
    """The change report: figures, and one row an image."""
    found = summarise_report(report)
    with st.container(horizontal=True, key="change-figures"):
        st.metric(
            "Labels repaired",
            f"{found['changed']} of {found['images']}",
            border=True,
            width="content",
            help="Accepted, taken in part or edited.",
        )
        st.metric(
            "IoU of old and new",
            tables.number(found["iou_old_new"]),
            border=True,
            width="content",
            help="Mean over the repaired labels: how much they changed.",
        )
        if found["clean_iou_new"] is not None:
            st.metric(
                "IoU to clean labels",
                tables.number(found["clean_iou_new"]),
                f"{found['clean_iou_new'] - found['clean_iou_old']:+.3f}",
                border=True,
                width="content",
                help="Of all judged labels, for information: nothing was chosen by it. Below: the change.",
            )
    if report["emptied"]:
        st.warning(
            f"{tables.counted(len(report['emptied']), 'repaired label')} became empty:"
            f" {plain(', '.join(report['emptied'][:5]))}.",
            icon=":material/warning:",
        )
    images = report["images"]
    table = {
        "Image": [row["key"] for row in images],
        "Decision": [DECISION_TITLES[row["decision"]] for row in images],
        "Reviewer": [row["reviewer"] or "" for row in images],
        "IoU old/new": [row["iou_old_new"] for row in images],
        "Area change": [None if row["area_change"] is None else 100 * row["area_change"] for row in images],
    }
    st.dataframe(
        table,
        hide_index=True,
        height=min(280, 38 + 35 * len(images)),
        column_config={
            "IoU old/new": st.column_config.NumberColumn(format="%.3f"),
            "Area change": st.column_config.NumberColumn(format="%+.1f %%"),
        },
        alt="Change report: one row an image, worst label first",
    )


def _exports(dataset: Dataset, report: Row) -> None:
    """The label set in every format, and the report."""
    name = report["labels"]
    if any(UNTOUCHED in row for row in report["images"]):
        st.caption(
            "Outlines that no decision changed are exported as they were imported; where one has changed, it is drawn at"
            " the size of the image."
        )
    with st.container(horizontal=True, key="correct-exports"):
        for format in written():
            spec = FORMATS[format]
            st.download_button(
                plain(spec.title),
                partial(labels_file, dataset, name, format),  # written only when it is asked for
                exported_name(dataset, name, format),
                spec.mime,
                key=f"correct-{format}",
                icon=":material/download:",
                help=plain(spec.summary),
                on_click="ignore",
            )
        st.download_button(
            "Change report",
            report_csv(report),
            f"{dataset.name}-{name}-changes.csv",
            "text/csv",
            key="correct-report",
            icon=":material/download:",
            help="Per image: decision, reviewer, IoU of old and new, area change, as CSV.",
            on_click="ignore",
        )


def _train(correction: Correction, dataset: Dataset, name: str) -> None:
    """The same method on noisy, corrected and clean labels."""
    st.header("Train on it", anchor=False)
    st.markdown("The same method on every label set shows what the correction is worth.")
    columns = st.columns([3, 2, 1, 1])
    names = list(dict.fromkeys((correction.head["labels"], name, CLEAN)))
    labels = columns[0].multiselect(
        "Labels to learn from",
        dataset.opinions(),
        names,
        key=f"correct-train-{name}",
        help=f"Noisy, corrected and clean labels; all are measured against clean test labels. {levels_in_words()}",
    )
    methods = list(METHODS)
    method = columns[1].selectbox(
        "Method",
        methods,
        methods.index(BASELINE),
        key="correct-method",
        format_func=method_title,
        help="U-Net takes labels as they are, so it shows best what they are worth.",
    )
    preset = columns[2].selectbox(
        "Preset",
        list_presets(),
        key="correct-preset",
        help=PRESET_HELP,
    )
    with columns[3]:
        length = length_field(
            preset, "correct", plan_training(dataset, labels[0] if labels else CLEAN), "Of every training."
        )
    sweep = SweepRequest(
        dataset.name,
        methods=(method,),
        labels=tuple(labels),
        seeds=(0,),
        preset=preset,
        queue=True,
        **length,
    )
    offer_sweep(sweep, "Train", key="correct-train", icon=":material/model_training:")
    show_started()
    link_to("compare", "Compare what they achieved", query={"dataset": dataset.name, "view": "results"})
