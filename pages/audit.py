"""Audit: what the labels of a data set are worth, which to look at first, and whether repair would help."""

import streamlit as st

from lab.train.settings import PRESET_HELP, length_field
from lab.ui.background import background_button
from lab.ui.damage_notes import show_damage
from lab.ui.escaping import plain
from lab.ui.navigation import link_to, page_frame
from lab.ui.widgets import command_line, load_dataset, pick_dataset, pick_labels, show_table, shown_errors
from lvcnet.correction.audit import Audit
from lvcnet.correction.audit_words import Kind, Verdict, verdict
from lvcnet.figures.audit import Section, audit_report, sections
from lvcnet.jobs.audit_request import FOLDS, METHODS, AuditRequest
from lvcnet.methods import method_title
from lvcnet.training.plan import PLANNED, plan_training

RESULT = "audit-result"  # the last audit of this session
# How a verdict is shown, and its icon.
LOOKS: dict[Kind, tuple[str, str]] = {
    "leave": ("success", "task_alt"),
    "repair": ("warning", "healing"),
    "move": ("warning", "open_with"),
    "unknown": ("info", "help"),
}
FOLDED = ("Data and plan",)  # long and hardly read twice


def form(name: str) -> AuditRequest:
    """What is to be audited and by which trainings."""
    dataset = load_dataset(name)
    left, right = st.columns(2)
    with left:
        labels = pick_labels(dataset, label="Labels to audit")
    with right:
        preset = st.selectbox("Preset", PLANNED, key="audit-preset", help=PRESET_HELP)
    left, middle, right = st.columns(3)
    folds = left.number_input(
        "Folds",
        2,
        20,
        FOLDS,
        key="audit-folds",
        help="Trainings a method; each judges images that it left out.",
    )
    with middle:
        length = length_field(preset, "audit", plan_training(dataset, labels), "Of every training.")
    seed = right.number_input("Seed", 0, None, 0, key="audit-seed", help="Keys initial weights and order.")
    if dataset.is_demo:
        st.caption(f"Folds are label sets, so {plain(name)} is copied to your workspace first.")
    return AuditRequest(name, labels, int(folds), preset, int(seed), length.get("steps"))


def show_verdict(found: Verdict) -> None:
    """What to do, first of all."""
    kind, icon = LOOKS[found.kind]
    box = {"success": st.success, "warning": st.warning, "info": st.info}[kind]
    box(f"**{plain(found.sentence)}** {plain(found.sure)}", icon=f":material/{icon}:")


def show_section(section: Section) -> None:
    """A part of the report."""
    st.subheader(section.title, anchor=False)
    for text in section.sentences:
        st.markdown(plain(text))
    for table in section.tables:
        if not table.rows:
            continue
        st.markdown(f"**{plain(table.title)}**")
        show_table([dict(zip(table.header, row, strict=True)) for row in table.rows])
        st.caption(plain(table.note))


def show_audit(audit: Audit) -> None:
    """The report, with what to do next."""
    st.header(f"Labels {plain(audit.labels)} of {plain(audit.dataset)}", anchor=False)
    show_verdict(verdict(audit))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "HTML report",
            lambda: audit_report(audit),
            f"{audit.dataset}-{audit.labels}-audit.html",
            "text/html",
            key="audit-html",
            icon=":material/download:",
            help="All of this in one file, which opens without a network.",
        )
        link_to("correct", "Review the images listed first", query={"correction": audit.corrections[-1]})
    report = sections(audit)
    for section in report:
        if section.title not in FOLDED:
            show_section(section)
    for section in report:
        if section.title in FOLDED:
            with st.expander(section.title, icon=":material/info:"):
                show_section(section)


page_frame(
    "Audit",
    "What your labels are worth, which to look at first, and whether repair would help. No clean label takes part.",
)
show_damage("data")
name = pick_dataset()
if name is not None:
    with shown_errors():
        with st.container(border=True):
            request = form(name)
            command_line(request)
            audited = background_button(
                "Audit the labels",
                "audit",
                ":material/fact_check:",
                "Trains, judges and measures; what is trained already is not trained again.",
                lambda task: request.run(task.stage),
                nothing_done="the trainings that are done stay, and the same audit goes on from them",
                about=request,
            )
        if audited is not None:
            st.session_state[RESULT] = audited
        shown: Audit | None = st.session_state.get(RESULT)
        if shown is not None and (shown.dataset, shown.labels) == (request.dataset, request.labels):
            show_audit(shown)
        else:
            st.info(
                f"These labels were not audited in this session. {' and '.join(map(method_title, METHODS))} will learn from them,"
                " each several times, and judge the images that they left out; then the images' edges say who is right."
                " Press Audit the labels: what was trained before is used again.",
                icon=":material/info:",
            )
