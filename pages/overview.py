"""Overview: what this is, what to do next, what trains, what came out."""

import streamlit as st

from lab.draw.pictures import legend
from lab.overview import guide
from lab.ui import tables
from lab.ui.damage_notes import show_damage
from lab.ui.escaping import plain, sentence
from lab.ui.navigation import link_to, page_frame
from lab.ui.widgets import load_dataset, show_command, show_table, shown_errors
from lvcnet import jobs
from lvcnet.comparison.words import excluded_sentences
from lvcnet.drawing.palette import LABEL_COLOURS
from lvcnet.figures import scores as figures
from lvcnet.masks.metrics import METRICS
from lvcnet.next_step import next_step
from lvcnet.noise.levels import levels_in_words
from lvcnet.runs.store import list_runs
from lvcnet.runs.summary import collapse_notes

RECENT = 5

page_frame(
    "LVC-Net Lab",
    "Outlines drawn in a hurry teach a segmentation network to draw in a hurry. This lab makes labels worse by a known"
    " amount, trains FCN, U-Net and LVC-Net on them, and measures against clean labels what each method lost."
    " LVC-Net lets edges in the image itself, its local visual cues, pull the predicted boundary back.",
)
show_damage()

runs = list_runs()
step = next_step(runs, load_dataset)
page, label, query = guide.PLACES[step.kind]
with st.container(border=True, key="next-step"):
    st.header("Next step", anchor=False)
    st.markdown(plain(step.why))
    link_to(page, label, query={**query, **step.about})
    show_command(step.command)

left, right = st.columns([3, 2], gap="large")
with left:
    st.header("How robust are the methods?", anchor=False)
    comparison = guide.headline(runs)
    if comparison is None:
        st.info(
            "No run is evaluated yet. A finished training is evaluated by itself, and its result appears here.",
            icon=":material/info:",
        )
    else:
        st.markdown(
            f"{METRICS['iou'].title} on the clean test labels of **{plain(comparison.dataset)}**, by the labels a method"
            " learned from."
        )
        rows = tables.robustness(comparison)
        show_table(rows)
        if any(column.startswith("Retention") for column in rows[0]):
            st.caption(
                f"{levels_in_words()} Retention: the score at the noisiest level as a share of that at level 1."
            )
        for text in excluded_sentences(comparison):
            st.caption(f"†: {sentence(text)}")
        if len(comparison.label_sets()) > 1:
            st.plotly_chart(
                figures.robustness_curve(comparison, "iou"),
                key="robustness",
                alt="Foreground IoU of each method against the noise level of its training labels",
            )
        link_to("compare", "All metrics, images and intervals", query={"dataset": comparison.dataset})
with right:
    st.header("Trainings", anchor=False)
    with shown_errors():
        queue = jobs.queue_state()
        with st.container(horizontal=True):
            st.metric("Running", len(queue.running), border=True, width=108)
            st.metric("Waiting", len(queue.queued), border=True, width=108)
            st.metric("At a time", queue.slots, border=True, width=108)
        st.caption(
            f"The worker (process {queue.worker}) trains, also when this page is closed."
            if queue.worker
            else "No worker runs now; one starts with the next training."
        )
        if runs:
            show_table(tables.recent_runs(runs[:RECENT]))
            for note in collapse_notes(tables.readable(runs[:RECENT])):
                st.caption(plain(note))
            link_to("runs", "All runs, curves and logs")
        else:
            st.info("No training yet.", icon=":material/info:")
            link_to("train", "Start a training")

st.header("How LVC-Net works", anchor=False)
drawn = guide.mechanism_pictures(runs)
for number, column in enumerate(st.columns(4)):
    heading, text = guide.MECHANISM[number]
    with column:
        if drawn:
            st.image(drawn[1][number], width="stretch", alt=f"{heading}: {text}")
        st.markdown(f"**{heading}**  \n{text}")
if drawn:
    entries = [("Clean label", LABEL_COLOURS["clean"]), ("Prediction", LABEL_COLOURS["prediction"])]
    st.html(f"<small>{legend(entries)}</small>")
    st.caption(
        f"A test image as run {plain(drawn[0])} sees it. In the third picture, hue is the direction and brightness the length"
        " of an offset."
    )
    link_to("inspect", "Look at every map and epoch", query={"run": drawn[0]})
