"""Inspect: what a network saw in one image, map by map and epoch by epoch.

Not called inspect.py: that would hide Python's own module from whatever runs with pages/ on its path.
"""

import streamlit as st

from lab.inspection import viewing
from lab.inspection.move import show_boundary, show_move
from lab.inspection.viewing import Sight
from lab.inspection.views import (
    follow,
    inspectable,
    pick_channel,
    pick_epoch,
    show_film,
    show_maps,
    show_scores,
    show_what_is_missing,
)
from lab.ui.damage_notes import show_damage
from lab.ui.navigation import link_to, page_frame
from lab.ui.widgets import empty_state, pick, pick_run, pick_view, shown_errors
from lvcnet.runs.directory import ACTIVE, RunDirectory
from lvcnet.runs.snapshots import snapshot_epochs

SOURCES = {"snapshots": "As training went on", "checkpoint": "Any image, as it is now"}


def pick_source(run: RunDirectory, epochs: list[int]) -> str:
    """Snapshots or checkpoint; no question where the run has only one of them."""
    if not epochs:
        return "checkpoint"
    if not viewing.can_predict(run):
        return "snapshots"
    return pick_view(
        "source",
        "Source",
        list(SOURCES),
        SOURCES.__getitem__,
        "Snapshots hold a few fixed images for many epochs; the checkpoint can look at every image of the data set.",
    )


def pick_part(sight: Sight, source: str, epochs: list[int]) -> str:
    """What to see of the image: only what this run can show."""
    parts = {
        "boundary": "Boundary and move" if sight.maps else "Boundary",
        "maps": "Every map",
        "film": "Learning film",
    }
    if not sight.maps:
        del parts["maps"]
    if source != "snapshots" or len(epochs) < 2:
        del parts["film"]
    if len(parts) == 1:
        return "boundary"
    return pick_view("part", "Part", list(parts), parts.__getitem__, "What to see of this image.")


def look(run: RunDirectory, epochs: list[int], source: str) -> Sight:
    """Ask for image and epoch, and read or compute what the run says."""
    left, right = st.columns(2)
    if source == "checkpoint":
        with left:
            keys = [*viewing.keys_of(run, "test"), *viewing.keys_of(run, "train")]
            key = pick("image", "Image", keys, "Test images first, then those the run learned from.")
        return viewing.from_checkpoint(run, key)
    snapshot = viewing.load_snapshot(run, epochs[-1])
    splits = dict(zip(snapshot.keys, snapshot.splits, strict=True))
    with left:
        key = pick(
            "image",
            "Image",
            snapshot.keys,
            "The fixed images of the snapshots.",
            lambda name: f"{name} ({splits[name]} image)",
            next((name for name, split in splits.items() if split == "test"), None),
        )
    if st.query_params.get("part") == "film" and len(epochs) > 1:
        return viewing.from_snapshot(run, epochs[-1], key)  # the film has a slider of its own
    with right:
        epoch = pick_epoch(run, epochs)
    return viewing.from_snapshot(run, epoch, key)


page_frame(
    "Inspect",
    "What a network saw in one image: the edges, the cues it trusts, where they push the boundary, and what came of it.",
)
show_damage("runs")
runs = inspectable()
if not runs:
    empty_state(
        "There is nothing to inspect yet: a run appears here with its first snapshot, a few epochs after it started.",
        "train",
        "Start a training",
    )
    st.stop()

with shown_errors():
    run = pick_run(runs)
    epochs = snapshot_epochs(run.snapshots)
    if run.status()["state"] in ACTIVE:
        follow(run, epochs[-1] if epochs else None)
    source = pick_source(run, epochs)
    sight = look(run, epochs, source)
    config = run.config()
    channel = pick_channel(sight.categories)
    part = pick_part(sight, source, epochs)
    if part == "maps":
        show_maps(sight, channel, config)
    elif part == "film":
        show_film(run, sight.key, channel)
    else:
        show_scores(sight)
        show_boundary(sight, channel, config)
        show_move(sight, channel, config)
    if not sight.maps:
        show_what_is_missing(run, sight.key)
    query = {
        "dataset": config["dataset"],
        "view": "side-by-side",
        "labels": config["labels"],
        "image": sight.key,
    }
    link_to("compare", "The same image under every method", query=query)
