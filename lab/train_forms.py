"""The forms of the train page: one run, or a sweep of methods x label sets x seeds."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, get_args

import streamlit as st

from lab import commands
from lab.navigation import link_to
from lab.tables import counted
from lab.widgets import command_line, pick, pick_labels, shown_errors
from lvcnet import jobs
from lvcnet.data.dataset import Dataset
from lvcnet.errors import LvcnetError
from lvcnet.jobs.foreground import progress, queue_sweep
from lvcnet.jobs.launch import slots
from lvcnet.jobs.sweep import PlannedRun, plan_sweep
from lvcnet.methods import METHOD_TITLES
from lvcnet.methods.lvc import LVCOptions
from lvcnet.runs.summary import format_seconds
from lvcnet.training.config import TrainConfig, build_config, list_presets, read_preset
from lvcnet.training.device import available_devices
from lvcnet.training.loop import create_run

PRESET_HELP = "Where the settings start from: quick takes minutes on a laptop, paper is the paper's set-up."
ADVANCED: dict[str, tuple[str, ...]] = {
    "Network": ("width", "depth", "block"),
    "Optimisation": (
        *("batch_size", "optimizer", "learning_rate", "schedule", "weight_decay", "ema"),
        *("augment", "flip"),
    ),
    "Machine": ("device", "precision", "threads"),
    "Checks and snapshots": ("validation", "validate_every", "snapshot_every", "snapshot_images"),
}
ACTION_TITLES: dict[str, str] = {
    "train": "to train",
    "resume": "to resume",
    "skip": "there already",
    "leave": "waiting or running",
}
STARTED = "started-runs"


def run_form(dataset: Dataset) -> None:
    """One run: labels, method, seed, settings; its command and YAML; start in the background."""
    with st.container(border=True):
        left, middle, right = st.columns([2, 2, 1])
        with left:
            labels = pick_labels(dataset, label="Labels to learn from", default="level3")
        with middle:
            help_text = (
                "FCN and U-Net are the paper's rivals; LVC-Net corrects outlines by visual cues; LVC-Net plus also learns"
                " from the corrected outlines."
            )
            method = pick(
                "method", "Method", list(METHOD_TITLES), help_text, METHOD_TITLES.__getitem__, "lvcnet-plus"
            )
        seed = right.number_input(
            "Seed", 0, None, 0, key="run-seed", help="Keys initial weights, order of images and augmentation."
        )
        preset, changes = settings_fields("run", [method])
        name = st.text_input(
            "Run name (optional)",
            key="run-name",
            placeholder=f"{dataset.name}-{method}-{labels}-s{seed}",
            help="By default made from what the run is; a number is added where it is taken.",
        ).strip()
        what = {"dataset": dataset.name, "labels": labels, "method": method, "seed": seed}
        config = build_config(read_preset(preset), changes, what)
        command_line([*commands.train(config, preset, changes), *(["--name", name] if name else [])])
        with st.expander("All settings as YAML", icon=":material/description:"):
            st.code(commands.config_yaml(config), language="yaml")
            st.caption("Saved as a file, `lvcnet train --config FILE` reads it.")
        if st.button(
            "Start training",
            key="run-start",
            type="primary",
            icon=":material/play_arrow:",
            help="Trains in the background; closing this page or the lab does not stop it.",
        ):
            with shown_errors():
                run = create_run(config, name or None)
                jobs.submit(run)
                st.session_state[STARTED] = [run.name]


def sweep_form(dataset: Dataset) -> None:
    """A grid: how many runs it has is said before it starts."""
    with st.container(border=True):
        left, right = st.columns(2)
        methods = left.multiselect(
            "Methods",
            list(METHOD_TITLES),
            list(METHOD_TITLES),
            format_func=METHOD_TITLES.__getitem__,
            key="sweep-methods",
            help="Every method is trained on every label set with every seed.",
        )
        names = dataset.opinions()
        levels = right.multiselect(
            "Labels to learn from",
            names,
            [name for name in names if name in ("level1", "level2", "level3", "level4")] or names[:1],
            key="sweep-levels",
            help="Noise levels, clean labels or other annotators.",
        )
        seeds = st.multiselect(
            "Seeds",
            [str(number) for number in range(5)],
            ["0"],
            accept_new_options=True,
            key="sweep-seeds",
            help="Three seeds or more tell chance from effect; type a number to add another one.",
        )
        preset, changes = settings_fields("sweep", methods)
        retry = st.checkbox(
            "Try failed runs again", key="sweep-retry", help="They continue from their last checkpoint."
        )
        numbers = parse_seeds(seeds)
        merged = {**read_preset(preset), **changes}
        plan = plan_sweep(dataset.name, methods, levels, numbers, merged, retry)
        count = plan_summary(plan)
        command = commands.sweep(dataset.name, methods, levels, numbers, preset, changes)
        command_line([*command, *(["--retry-failed"] if retry else [])])
        if st.button(
            f"Queue {counted(count, 'run')}",
            key="sweep-start",
            type="primary",
            icon=":material/playlist_play:",
            disabled=count == 0,
            help="They train one after the other in the background, and each is evaluated when it is done.",
        ):
            with st.spinner("Queueing"):
                st.session_state[STARTED] = queue_sweep(plan)


def show_started() -> None:
    """What was started last, and the way to it."""
    names: list[str] = st.session_state.get(STARTED, [])
    if names:
        text = names[0] if len(names) == 1 else f"{counted(len(names), 'run')}, first {names[0]}"
        st.success(
            f"In the queue: {text}. Training goes on when this page is closed.",
            icon=":material/check_circle:",
        )
        link_to("runs", "Watch it train", query={"run": names[0]})


def plan_summary(plan: Sequence[PlannedRun]) -> int:
    """Say how many runs a plan has and how long they take, if that is known; returns how many are left to do."""
    actions = Counter(cell.action for cell in plan)
    parts = [f"{actions[action]} {title}" for action, title in ACTION_TITLES.items() if actions[action]]
    left = actions["train"] + actions["resume"]
    estimate = progress(list(plan), slots())
    text = f"**{counted(len(plan), 'run')}**: {', '.join(parts)}."
    if left:
        time = format_seconds(estimate.seconds_left)
        text += (
            f" About {time} for what is left, {slots()} at a time."
            if time
            else " How long they take is known after the first epoch of the first run."
        )
    st.markdown(text)
    with st.expander("The runs by name", icon=":material/list:"):
        st.table(
            [
                {"Run": cell.name, "Now": cell.state or "new", "Then": ACTION_TITLES[cell.action]}
                for cell in plan
            ],
            hide_index=True,
        )
    return left


def parse_seeds(texts: Sequence[str]) -> list[int]:
    """Seeds as numbers.

    Raises:
        LvcnetError: if one is not a whole number from 0.

    >>> parse_seeds(["0", "12"])
    [0, 12]
    """
    wrong = [text for text in texts if not text.isdigit()]
    if wrong:
        raise LvcnetError(f"seed {wrong[0]!r} is not a whole number from 0: remove it")
    return [int(text) for text in texts]


def settings_fields(prefix: str, methods: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Preset, epochs, everything else in an expander; returns the preset and what differs from it."""
    left, right = st.columns(2)
    preset = left.selectbox("Preset", list_presets()[::-1], key=f"{prefix}-preset", help=PRESET_HELP)
    base = build_config(read_preset(preset), {"dataset": "any"})
    key = f"{prefix}-{preset}"
    with right:
        values: dict[str, Any] = {"epochs": field_widget("epochs", base, key)}
    options: dict[str, Any] = {}
    with st.expander("Advanced settings", icon=":material/tune:"):
        for heading, names in ADVANCED.items():
            st.markdown(f"**{heading}**")
            for start in range(0, len(names), 3):
                columns = st.columns(3, vertical_alignment="bottom")
                for column, name in zip(columns, names[start : start + 3], strict=False):
                    with column:
                        values[name] = field_widget(name, base, key)
        if list(methods) == ["lvcnet"]:
            st.markdown("**LVC-Net**")
            options = lvcnet_options(key)
    changes = {name: value for name, value in values.items() if value != getattr(base, name)}
    return preset, changes | ({"options": options} if options else {})


def lvcnet_options(key: str) -> dict[str, Any]:
    """The method's own settings that differ from its defaults."""
    default = LVCOptions()
    columns = st.columns(3)
    values = {
        "variant": columns[0].selectbox(
            "variant",
            ["corrected", "paper"],
            key=f"{key}-variant",
            help="corrected: the equations as they must be read; paper: as printed, with the least repairs.",
        ),
        "training": columns[1].selectbox(
            "training",
            ["alternate", "joint", "successive"],
            key=f"{key}-training",
            help="How the cue generator and the segmentation take turns; the paper alternates.",
        ),
        "warps": columns[2].number_input(
            "warps",
            0,
            16,
            default.warps,
            key=f"{key}-warps",
            help="How often the prediction is resampled; 0 is the trunk alone.",
        ),
    }
    return {name: value for name, value in values.items() if value != getattr(default, name)}


def field_widget(name: str, base: TrainConfig, key: str) -> Any:
    """The widget of a setting, made from its type, limits and description in `TrainConfig`."""
    field = TrainConfig.model_fields[name]
    value, label, help_text = getattr(base, name), name.replace("_", " ").capitalize(), field.description
    widget_key = f"{key}-{name}"
    choices = ("auto", *available_devices()) if name == "device" else get_args(field.annotation)
    if choices:
        return st.selectbox(label, choices, choices.index(value), key=widget_key, help=help_text)
    if isinstance(value, bool):
        return st.checkbox(label, value, key=widget_key, help=help_text)
    limits = {
        side: next((getattr(rule, side) for rule in field.metadata if hasattr(rule, side)), None)
        for side in ("ge", "le", "gt", "lt")
    }
    whole = isinstance(value, int)
    least = limits["ge"] if limits["ge"] is not None else limits["gt"]
    most = limits["le"] if limits["le"] is not None else limits["lt"]
    number = int if whole else float
    return st.number_input(
        label,
        None if least is None else number(least),
        None if most is None else number(most),
        number(value),
        1 if whole else max(float(value) / 2, 1e-5),
        format=None if whole else "%g",
        key=widget_key,
        help=help_text,
    )
