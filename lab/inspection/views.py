"""The parts of the inspect page: what to look at, scores, every map, the film. The boundary and its move: move_view.py."""

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab.draw import map_figures
from lab.draw.map_figures import label_lines
from lab.inspection import viewing
from lab.inspection.explain import explain
from lab.inspection.move import describe
from lab.inspection.viewing import Sight
from lab.ui.charts import show_chart
from lab.ui.escaping import plain
from lab.ui.navigation import link_to
from lab.ui.widgets import pick, remember
from lvcnet.masks.metrics import METRICS
from lvcnet.methods import method_title, shows_cues
from lvcnet.models.maps import title
from lvcnet.runs.directory import ACTIVE, RunDirectory
from lvcnet.runs.snapshots import read_snapshot, snapshot_epochs
from lvcnet.runs.store import is_demo, list_runs
from lvcnet.trained import trained

SHOWN_SCORES = ("iou", "boundary_iou", "hd95")
PROBABILITIES = ("trunk", "repaired", "second", "evidence", "prediction", "gate")
"""Maps whose scale always ends at 1."""
COLUMNS = 3
SECONDS = 3


def inspectable() -> list[RunDirectory]:
    """Runs with a snapshot or a checkpoint; of the demo runs, those that show most first."""
    runs = [run for run in list_runs() if snapshot_epochs(run.snapshots) or viewing.checkpoint_stamp(run)]
    return sorted(runs, key=lambda run: (is_demo(run), is_demo(run) and -_shows(run)))


def _shows(run: RunDirectory) -> int:
    """How much there is to see: maps by epochs. LVC-Net has a dozen maps, a U-Net one."""
    epochs = snapshot_epochs(run.snapshots)
    return len(epochs) * (1 + len(read_snapshot(run.snapshots, epochs[-1]).maps)) if epochs else 0


@st.fragment(run_every=SECONDS)
def follow(run: RunDirectory, shown: int | None) -> None:
    """While a run trains: say how far it is, and draw the page anew when it has written another snapshot."""
    status, epochs = run.status(), snapshot_epochs(run.snapshots)
    newest = epochs[-1] if epochs else None
    if newest != shown or status["state"] not in ACTIVE:
        st.rerun(scope="app")
    st.caption(
        f":material/sync: Training: epoch {status.get('epoch', 0)} of {status.get('epochs', '?')}."
        " New snapshots appear here by themselves."
    )


def pick_epoch(run: RunDirectory, epochs: Sequence[int]) -> int:
    """The epoch slider; who looks at the newest snapshot keeps looking at the newest when another one comes."""
    if len(epochs) == 1:
        st.caption(f"One snapshot so far, of epoch {epochs[0]}.")
        return epochs[0]
    key, newest = f"epoch-{run.name}", f"newest-{run.name}"
    current, asked = st.session_state.get(key), st.query_params.get("epoch", "")
    if current not in epochs:
        current = int(asked) if asked.isdigit() and int(asked) in epochs else epochs[-1]
    elif current == st.session_state.get(newest):
        current = epochs[-1]
    st.session_state[key], st.session_state[newest] = current, epochs[-1]
    chosen = st.select_slider("Epoch", epochs, key=key, help="Which snapshot of the training to look at.")
    remember("epoch", str(chosen))
    return int(chosen)


def pick_channel(categories: Sequence[str]) -> int:
    """Which category to look at; no question where there is only one."""
    if len(categories) == 1:
        return 0
    return categories.index(
        pick("category", "Category", list(categories), "Every category has maps of its own.")
    )


def show_scores(sight: Sight) -> None:
    """The final scores of this image, and what the move changed."""
    final = sight.scores()
    if not final:
        st.caption("This image has no clean label: there is nothing to score against.")
        return
    before = sight.scores("trunk") if "trunk" in sight.maps else {}
    with st.container(horizontal=True, key="scores"):
        for name in SHOWN_SCORES:
            digits, low = 1 if METRICS[name].unit else 3, METRICS[name].lower_is_better
            gain = round(final[name] - before[name], digits) if before else 0.0
            st.metric(
                METRICS[name].titled(sight.unit),
                f"{final[name]:.{digits}f}",
                f"{gain:+.{digits}f}" if before else None,
                delta_arrow="auto" if gain else "off",
                delta_color="off" if not gain else "inverse" if low else "normal",
                delta_description="over the trunk" if before else None,
                border=True,
                height="stretch",
                help="Of this image against its clean label, mean over categories. The difference is final prediction"
                " minus trunk prediction.",
            )


def show_maps(sight: Sight, channel: int, config: dict[str, object]) -> None:
    """Every map the method has, in the order of the paper's figure, with sentence, equation and colour bar."""
    names = [*viewing.map_names(sight), "prediction"]
    with st.container(horizontal=True, vertical_alignment="center", key="map-controls"):
        own = not st.toggle(
            "Same scale for all",
            key="same-scale",
            help="On: every fraction is drawn from 0 to 1, so that maps, epochs and runs compare. Off: cues end at their"
            " own maximum, which the colour bar names.",
        )
        outlined = st.toggle(
            "Clean outline", value=True, key="map-outline", help="Draw the clean label over every map."
        )
    clean = None if sight.clean is None or not outlined else sight.clean[channel]
    for start in range(0, len(names), COLUMNS):
        for column, name in zip(st.columns(COLUMNS), names[start : start + COLUMNS], strict=False):
            with column:
                _show_map(sight, name, channel, config, own, clean)


def _show_map(
    sight: Sight,
    name: str,
    channel: int,
    config: dict[str, object],
    own: bool,
    clean: NDArray[np.bool_] | None,
) -> None:
    what = explain(name, config)
    maps = sight.prediction if name == "prediction" else sight.maps[name]
    layer = maps[min(channel, len(maps) - 1)]
    vector = layer.ndim == 3
    values = np.hypot(layer[0], layer[1]) if vector else layer
    unit = "px" if vector else what.unit
    heading = "Final segmentation" if name == "prediction" else title(name)
    st.markdown(f"**{plain(heading)}**")
    stretched = own and name not in PROBABILITIES and not name.startswith("warp")
    highest = None if stretched or unit == "px" else 1.0
    show_chart(
        map_figures.map_figure(values, unit, highest, label_lines(clean, None, None)),
        f"map-{name}",
        f"{heading} of {sight.key}: {values.min():.2f} to {values.max():.2f} {unit}",
        f"{sight.key}-{name}",
    )
    describe(what)


def show_film(run: RunDirectory, key: str, channel: int) -> None:
    """The predicted outline over the epochs, as an animation."""
    sights = {epoch: viewing.from_snapshot(run, epoch, key) for epoch in snapshot_epochs(run.snapshots)}
    last = sights[max(sights)]
    if last.clean is None:
        st.info("This image has no clean label to compare the outline with.", icon=":material/info:")
        return
    figure = map_figures.film_figure(
        last.image,
        last.clean[channel],
        None if last.labels is None else last.labels[channel],
        {epoch: sight.mask(channel) for epoch, sight in sights.items()},
        {epoch: sight.scores()["iou"] for epoch, sight in sights.items()},
    )
    show_chart(figure, "film", f"{key}: predicted outline by epoch", f"{key}-film")
    st.caption(
        "How the outline settled: late epochs that move away from the clean label, towards the label in training, memorise"
        " noise. Drawn is where the prediction after an epoch reaches one half; IoU is of this image.  \n"
        r"$\{p : S^{(\text{epoch})}(p) \geq \tfrac{1}{2}\}$"
    )


def show_what_is_missing(run: RunDirectory, key: str) -> None:
    """For methods without cues: what LVC-Net would show here, and where."""
    config = run.config()
    names = [
        title(name).removesuffix(" (px)") for name in ("edges", "lvc", "attention", "guidance", "offsets")
    ]
    wanted = ", ".join(name[0].lower() + name[1:] for name in names)
    st.info(
        f"{plain(method_title(trained(config)))} predicts and nothing else: its boundary is as coarse as its labels were."
        f" LVC-Net starts from the same kind of trunk and adds {wanted}, and the warps that follow from them.",
        icon=":material/info:",
    )
    others = [
        other
        for other in inspectable()
        if (other.config()["dataset"], other.config()["labels"]) == (config["dataset"], config["labels"])
        and shows_cues(other.config()["method"])
    ]
    if others:
        link_to("inspect", f"Inspect {others[0].name}", query={"run": others[0].name, "image": key})
    else:
        link_to("train", "Train LVC-Net on the same labels", query={"dataset": config["dataset"]})
