"""The parts of the inspect page: what to look at, the boundary before and after, the move, every map, the film."""

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lab import map_figures, viewing
from lab.explain import Explanation, explain
from lab.figures import EXPORT
from lab.map_figures import Line, label_lines
from lab.navigation import link_to
from lab.palette import LABEL_COLOURS, method_title
from lab.viewing import Sight
from lab.widgets import pick, remember
from lvcnet.evaluation.metrics import LOWER_IS_BETTER, METRICS
from lvcnet.models.maps import title
from lvcnet.runs.directory import ACTIVE, RunDirectory
from lvcnet.runs.snapshots import read_snapshot, snapshot_epochs
from lvcnet.runs.store import is_demo, list_runs

SHOWN_SCORES = ("iou", "boundary_iou", "hd95")
BEFORE = "#CC79A7"
PROBABILITIES = ("trunk", "repaired", "prediction", "gate")
"""Maps whose scale always ends at 1."""
COLUMNS = 3
LARGE = 430
"""Height of the large pictures in screen pixels."""
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
            digits, low = (1, True) if name in LOWER_IS_BETTER else (3, False)
            gain = round(final[name] - before[name], digits) if before else 0.0
            st.metric(
                METRICS[name],
                f"{final[name]:.{digits}f}",
                f"{gain:+.{digits}f}" if before else None,
                delta_color="off" if not gain else "inverse" if low else "normal",
                delta_description="over the trunk" if before else None,
                border=True,
                height="stretch",
                help="Of this image against its clean label, mean over categories. The difference is final prediction"
                " minus trunk prediction.",
            )


def show_boundary(sight: Sight, channel: int) -> None:
    """Labels and prediction over the image; beside it the boundary before and after the warps, or the probability."""
    clean = None if sight.clean is None else sight.clean[channel]
    labels = None if sight.labels is None else sight.labels[channel]
    left, right = st.columns(2)
    with left:
        st.markdown("**Labels and prediction**")
        lines = label_lines(clean, labels, sight.mask(channel))
        _chart(
            map_figures.image_figure(sight.image, lines, LARGE),
            "outlines",
            f"{sight.key}: label outlines and prediction",
        )
    with right:
        if "trunk" not in sight.maps:
            st.markdown("**Probability**")
            _chart(
                map_figures.map_figure(
                    sight.prediction[channel], lines=label_lines(clean, None, None), height=LARGE
                ),
                "probability",
                f"{sight.key}: predicted probability",
            )
            return
        name, moved = ("repaired", "Repaired") if "repaired" in sight.maps else ("prediction", "Final")
        st.markdown("**Boundary before and after the move**")
        before = Line("Trunk, before", sight.mask(channel, "trunk"), BEFORE, "dot")
        after = Line(f"{moved}, after", sight.mask(channel, name), LABEL_COLOURS["prediction"])
        lines = [*label_lines(clean, None, None), before, after]
        _chart(
            map_figures.image_figure(sight.image, lines, LARGE),
            "boundary",
            f"{sight.key}: boundary of the trunk's prediction before and after the move",
        )


def show_move(sight: Sight, channel: int, config: dict[str, object]) -> None:
    """A vector field as arrows over the image, and its length."""
    fields = [name for name in viewing.VECTORS if name in sight.maps]
    if not fields:
        return
    st.subheader("The move", anchor=False)
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
            "One arrow every",
            [2, 3, 4, 6, 8, 12],
            value=4,
            format_func=lambda pixels: f"{pixels} px",
            key="arrow-every",
            width=220,
            help="Density of the arrows. Moves below 0.06 px are not drawn.",
        )
        scale = st.select_slider(
            "Arrow length",
            [1, 2, 3, 5],
            value=2,
            format_func=lambda times: "true" if times == 1 else f"{times}× true",
            key="arrow-scale",
            width=220,
            help="Drawn length over true length.",
        )
    field = sight.maps[name][channel]
    what = explain(name, config)
    clean = None if sight.clean is None else sight.clean[channel]
    lines = [*label_lines(clean, None, None), *_trunk_line(sight, channel)]
    left, right = st.columns(2)
    with left:
        _chart(
            map_figures.arrow_figure(sight.image, field, every, scale, lines, LARGE),
            "arrows",
            f"{sight.key}: {title(name)} as arrows",
        )
    with right:
        length = np.hypot(field[0], field[1])
        _chart(
            map_figures.map_figure(length, "px", None, label_lines(clean, None, None), LARGE),
            "length",
            f"{sight.key}: length of {title(name)}, up to {length.max():.1f} px",
        )
    st.caption(
        f"{what.sentence} Arrows start at the pixel; the boundary moves against them. Right: their length.  \n"
        f"${what.equation}$"
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
    st.markdown(f"**{heading}**")
    stretched = own and name not in PROBABILITIES and not name.startswith("warp")
    highest = None if stretched or unit == "px" else 1.0
    _chart(
        map_figures.map_figure(values, unit, highest, label_lines(clean, None, None)),
        f"map-{name}",
        f"{heading} of {sight.key}: {values.min():.2f} to {values.max():.2f} {unit}",
    )
    _describe(what)


def show_film(run: RunDirectory, key: str, channel: int) -> None:
    """The predicted outline over the epochs, as an animation."""
    sights = {epoch: viewing.from_snapshot(run, epoch, key) for epoch in snapshot_epochs(run.snapshots)}
    last = sights[max(sights)]
    if last.clean is None:
        st.info("This image has no clean label to compare the outline with.", icon=":material/info:")
        return
    masks = {epoch: sight.mask(channel) for epoch, sight in sights.items()}
    _chart(
        map_figures.film_figure(last.image, last.clean[channel], masks),
        "film",
        f"{key}: predicted outline by epoch",
    )
    st.caption("How the outline settled: late epochs that move away from the clean label memorise noise.")


def show_what_is_missing(run: RunDirectory, key: str) -> None:
    """For methods without cues: what LVC-Net would show here, and where."""
    config = run.config()
    names = [
        title(name).removesuffix(" (px)") for name in ("edges", "lvc", "attention", "guidance", "offsets")
    ]
    wanted = ", ".join(name[0].lower() + name[1:] for name in names)
    st.info(
        f"{method_title(config['method'])} predicts and nothing else: its boundary is as coarse as its labels were."
        f" LVC-Net starts from the same kind of trunk and adds {wanted}, and the warps that follow from them.",
        icon=":material/info:",
    )
    others = [
        other
        for other in inspectable()
        if (other.config()["dataset"], other.config()["labels"]) == (config["dataset"], config["labels"])
        and other.config()["method"].startswith("lvcnet")
    ]
    if others:
        link_to("inspect", f"Inspect {others[0].name}", query={"run": others[0].name, "image": key})
    else:
        link_to("train", "Train LVC-Net on the same labels", query={"dataset": config["dataset"]})


def _trunk_line(sight: Sight, channel: int) -> list[Line]:
    if "trunk" not in sight.maps:
        return []
    return [Line("Trunk prediction", sight.mask(channel, "trunk"), BEFORE, "dot")]


def _describe(what: Explanation) -> None:
    st.caption(what.sentence + (f"  \n${what.equation}$" if what.equation else ""))


def _chart(figure: map_figures.go.Figure, key: str, alt: str) -> None:
    st.plotly_chart(figure, key=f"figure-{key}", config=EXPORT, alt=alt)
