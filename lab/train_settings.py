"""The settings of the train page's forms: where they start from, and a widget for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import streamlit as st

from lab.escaping import plain
from lvcnet.errors import LvcnetError
from lvcnet.jobs.like import settings_like
from lvcnet.methods.lvc import lvc_options
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import find_run
from lvcnet.training.config import TrainConfig, build_config, list_presets, read_preset
from lvcnet.training.device import available_devices

PRESET_HELP = "Where the settings start from: quick takes minutes on a laptop, paper is the paper's set-up."
LIKE = "like"
"""Stands for a run among the presets."""
OPTION_FIELDS = ("variant", "training", "warps")
"""Options of LVC-Net that have a widget."""
ADVANCED: dict[str, tuple[str, ...]] = {
    "Network": ("width", "depth", "block"),
    "Optimisation": (
        *("batch_size", "optimizer", "learning_rate", "schedule", "weight_decay", "ema"),
        *("augment", "flip"),
    ),
    "Machine": ("device", "precision", "threads"),
    "Checks and snapshots": ("validation", "validate_every", "snapshot_every", "snapshot_images"),
}


@dataclass(frozen=True)
class Start:
    """Where the settings start from.

    Attributes:
        settings: the lowest layer of the configuration.
        arguments: the options of `lvcnet train` that say the same.
    """

    settings: dict[str, Any]
    arguments: list[str]


def asked_run() -> RunDirectory | None:
    """The run whose settings the address asks for (`?like=RUN`); None, with the reason on screen, if it is not there."""
    name = st.query_params.get("like")
    if not name:
        return None
    try:
        run = find_run(name)
        settings_like(run)
    except LvcnetError as error:
        st.warning(f"The form starts from a preset: {plain(error)}.", icon=":material/info:")
        return None
    return run


def settings_fields(
    prefix: str, methods: Sequence[str], like: RunDirectory | None = None
) -> tuple[Start, dict[str, Any]]:
    """Where to start from, epochs, everything else in an expander; returns the start and what differs from it.

    Args:
        prefix: of the widgets' keys, one a form.
        methods: what will be trained; a single one shows its own settings.
        like: a run whose settings are offered beside the presets, and chosen first.
    """
    left, right = st.columns(2)
    names = [*([LIKE] if like else []), *list_presets()[::-1]]
    chosen = left.selectbox(
        "Start from" if like else "Preset",
        names,
        key=f"{prefix}-preset",
        format_func=lambda name: f"Run {like.name}" if like and name == LIKE else name,
        help=PRESET_HELP,
    )
    if like and chosen == LIKE:
        start = Start(settings_like(like, methods[0]), ["--like", like.name])
        key = f"{prefix}-{like.name}"
    else:
        start = Start(read_preset(chosen), ["--preset", chosen])
        key = f"{prefix}-{chosen}"
    base = build_config(start.settings, {"dataset": "any"})
    with right:
        values: dict[str, Any] = {"epochs": field_widget("epochs", base, key)}
    options: dict[str, Any] = {}
    with st.expander("Advanced settings", icon=":material/tune:"):
        for heading, fields in ADVANCED.items():
            st.markdown(f"**{heading}**")
            for first in range(0, len(fields), 3):
                columns = st.columns(3, vertical_alignment="bottom")
                for column, name in zip(columns, fields[first : first + 3], strict=False):
                    with column:
                        values[name] = field_widget(name, base, key)
        if list(methods) == ["lvcnet"]:
            st.markdown("**LVC-Net**")
            options = lvcnet_options(key, base.options)
        if kept := base.options.keys() - OPTION_FIELDS:
            text = ", ".join(f"{name} = {base.options[name]}" for name in sorted(kept))
            st.caption(f"Also taken from the run: {plain(text)}.")
    changes = {name: value for name, value in values.items() if value != getattr(base, name)}
    return start, changes | ({"options": options} if options else {})


def lvcnet_options(key: str, given: dict[str, Any]) -> dict[str, Any]:
    """The method's own settings that differ from `given`, or from its defaults where nothing is given."""
    before = lvc_options(given)
    variants = list(dict.fromkeys(("corrected", "paper", before.variant)))
    trainings = ["alternate", "joint", "successive"]
    columns = st.columns(3)
    variant = columns[0].selectbox(
        "variant",
        variants,
        variants.index(before.variant),
        key=f"{key}-variant",
        help="corrected: the equations as they must be read; paper: as printed, with the least repairs.",
    )
    defaults = lvc_options({**given, "variant": variant})
    values = {
        "training": columns[1].selectbox(
            "training",
            trainings,
            trainings.index(defaults.training),
            key=f"{key}-{variant}-training",
            help="How the cue generator and the segmentation take turns; the paper alternates.",
        ),
        "warps": columns[2].number_input(
            "warps",
            0,
            16,
            defaults.warps,
            key=f"{key}-{variant}-warps",
            help="How often the prediction is resampled; 0 is the trunk alone.",
        ),
    }
    changed = {name: value for name, value in values.items() if value != getattr(defaults, name)}
    return ({"variant": variant} if variant != before.variant else {}) | changed


def field_widget(name: str, base: TrainConfig, key: str) -> Any:
    """The widget of a setting, made from its type, limits and description in `TrainConfig`."""
    field = TrainConfig.model_fields[name]
    value, label, help_text = getattr(base, name), name.replace("_", " ").capitalize(), field.description
    widget_key = f"{key}-{name}"
    choices = get_args(field.annotation)
    if name == "device":  # a copied run may come from another machine; starting it says what is not available
        choices = tuple(dict.fromkeys(("auto", *available_devices(), value)))
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
