"""Inference: the Gradio app of lab/inference/app.py, which Home.py serves beside this page."""

from urllib.parse import urlencode

import streamlit as st

from lab.inference.segment import run_choices
from lab.ui.damage_notes import show_damage
from lab.ui.navigation import link_to, page_frame

FIRST_HEIGHT = 900
ADDRESS = "/gradio/"

page_frame(
    "Inference",
    "Segment radiographs with finished runs: upload PNG, JPEG, TIFF or DICOM files or pick a sample, compare runs side by"
    " side, measure, and download masks, COCO, Labelme, DICOM SEG or CSV.",
)
show_damage("runs")

if not run_choices():
    st.info("There is no finished run yet. Train one first; it appears here when it is done.")
    link_to("train", "Start a training")

wishes: dict[str, str] = {"__theme": st.context.theme.type or "light"}
if "run" in st.query_params:
    wishes["run"] = st.query_params["run"]
address = f"{ADDRESS}?{urlencode(wishes)}"
st.link_button(
    "Open in its own tab",
    address,
    icon=":material/open_in_new:",
    help="The same app without this frame, at /gradio on the same port.",
)
# once it is there, the app makes its frame as tall as its content (see lab/inference/app.py): let the page follow
st.html("<style>.st-key-app .stElementContainer { height: auto !important; }</style>")
with st.container(key="app"):
    st.iframe(
        address,
        height=FIRST_HEIGHT,
        alt="Inference app: upload radiographs, choose runs, see and measure the segmentations",
    )

with st.expander("Use it from a program", icon=":material/api:"):
    st.markdown(
        "The same app answers programs while the lab runs, with any finished run, one radiograph or many at a time."
        f" [What the endpoints take and return]({ADDRESS}?view=api)"
    )
    origin = (st.context.url or "http://127.0.0.1:8501").split("/inference")[0].rstrip("/")
    st.code(
        "from gradio_client import Client, handle_file\n\n"
        f'client = Client("{origin}{ADDRESS}")\n'
        "summary, mask, overlay = client.predict(\n"
        '    handle_file("radiograph.dcm"), run="NAME", threshold=0.5, api_name="/segment"\n'
        ")\n"
        "summary, archive = client.predict(\n"
        '    [handle_file("one.dcm"), handle_file("two.png")], run="NAME", threshold=0.5,\n'
        '    formats="masks,dicom-seg,csv", api_name="/segment_batch"\n'
        ")",
        language="python",
    )
