"""The settings of the train page's forms: where they start from, and a widget for each."""

from collections.abc import Sequence
from typing import Any, Literal, TypedDict, get_args, get_origin

import streamlit as st
from pydantic import BaseModel

from lab.ui.escaping import plain
from lvcnet.errors import LvcnetError
from lvcnet.jobs.like import settings_like
from lvcnet.methods import METHODS, MethodSpec
from lvcnet.models import NETWORKS
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import find_run
from lvcnet.trained import NETWORK
from lvcnet.training.config import LENGTHS, build_config, list_presets
from lvcnet.training.device import available_devices
from lvcnet.training.plan import PLANNED, TrainingPlan, on_plan

PRESET_HELP = (
    "Where the settings start from: auto is the training plan, which follows from the data; quick is the same with 400 steps;"
    " paper is the paper's set-up."
)
LIKE = "like"
"""Stands for a run among the presets."""
ADVANCED: dict[str, tuple[str, ...]] = {
    "Network": ("network", "width", "depth", "block"),
    "Optimisation": (
        *("batch_size", "loss", "optimizer", "learning_rate", "schedule", "weight_decay", "ema"),
        *("augment", "flip", "jitter", "epoch_steps"),
    ),
    "Machine": ("device", "precision", "threads"),
    "Checks and snapshots": ("validation", "validate_every", "snapshot_every", "snapshot_images"),
}


class Start(TypedDict):
    """Where the settings start from: fields of a request, of which one is given."""

    preset: str | None
    like: str | None


class Length(TypedDict, total=False):
    """How long trainings are: fields of a request, of which one at most is given."""

    epochs: int
    steps: int


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
    prefix: str, plan: TrainingPlan, methods: Sequence[str], like: RunDirectory | None = None
) -> tuple[Start, Length, dict[str, Any]]:
    """Where to start from, length, everything else in an expander; returns the start, and length and settings that differ.

    Args:
        prefix: of the widgets' keys, one a form.
        plan: the training plan, which the presets auto and quick start from.
        methods: what will be trained; a single one shows its own settings.
        like: a run whose settings are offered beside the presets, and chosen first.
    """
    left, right = st.columns(2)
    names = [*([LIKE] if like else []), *list_presets()]
    chosen = left.selectbox(
        "Start from" if like else "Preset",
        names,
        key=f"{prefix}-preset",
        format_func=lambda name: f"Run {like.name}" if like and name == LIKE else name,
        help=PRESET_HELP,
    )
    if like and chosen == LIKE:
        start, settings = Start(preset=None, like=like.name), settings_like(like, methods[0])
        key = f"{prefix}-{like.name}"
    else:
        start, settings = Start(preset=chosen, like=None), on_plan(chosen, plan)
        key = preset_key(prefix, chosen, plan)
    base = build_config(settings, {"dataset": "any"})
    length = next(name for name in LENGTHS if getattr(base, name) is not None)
    with right:
        values: dict[str, Any] = {length: field_widget(length, base, key)}
    options: dict[str, Any] = {}
    with st.expander("Advanced settings", icon=":material/tune:"):
        for heading, fields in ADVANCED.items():
            st.markdown(f"**{heading}**")
            for first in range(0, len(fields), 3):
                columns = st.columns(3, vertical_alignment="bottom")
                for column, name in zip(columns, fields[first : first + 3], strict=False):
                    with column:
                        own = [METHODS.find(method).own_network for method in methods]
                        values[name] = (
                            no_network(methods, key)
                            if name == "network" and own and all(own)
                            else field_widget(name, base, key)
                        )
        shown: list[str] = []
        if len(methods) == 1:
            spec = METHODS.find(methods[0])
            shown = shown_options(spec)
            options = option_fields(spec, shown, key, base.options)
        if kept := base.options.keys() - set(shown):
            text = ", ".join(f"{name} = {base.options[name]}" for name in sorted(kept))
            st.caption(f"Also taken from the run: {plain(text)}.")
    changes = {name: value for name, value in values.items() if value != getattr(base, name)}
    given = _length(length, changes.pop(length)) if length in changes else Length()
    return start, given, changes | ({"options": options} if options else {})


def preset_key(prefix: str, preset: str, plan: TrainingPlan) -> str:
    """Begins the keys of a preset's widgets: where it starts from a plan, that of other labels has widgets of its own."""
    return f"{prefix}-{preset}-{plan.dataset}-{plan.labels}" if preset in PLANNED else f"{prefix}-{preset}"


def length_field(preset: str, prefix: str, plan: TrainingPlan, help_text: str) -> Length:
    """How long trainings of a preset are, in what the preset counts; empty where it is left as it is."""
    settings = on_plan(preset, plan)
    length = next(name for name in LENGTHS if settings.get(name) is not None)
    value = st.number_input(
        length.capitalize(),
        1,
        None,
        settings[length],
        key=f"{preset_key(prefix, preset, plan)}-{length}",
        help=help_text,
    )
    return Length() if value == settings[length] else _length(length, int(value))


def _length(name: str, value: int) -> Length:
    return Length(steps=value) if name == "steps" else Length(epochs=value)


def no_network(methods: Sequence[str], key: str) -> str:
    """In place of the choice of a network, where no method has one: which network they train; returns the usual one."""
    title = METHODS.find(methods[0]).title
    st.selectbox(
        "Network",
        [title],
        disabled=True,
        key=f"{key}-no-network",
        help=f"{plain(title)} trains a network of its own: there is none to choose.",
    )
    return NETWORK


def shown_options(spec: MethodSpec) -> list[str]:
    """A method's own settings that have a widget: numbers, switches and choices with a description.

    Choices come first, since they may change other defaults.
    """
    kinds = {name: field.annotation for name, field in spec.options.model_fields.items() if field.description}
    choices = [name for name, kind in kinds.items() if get_origin(kind) is Literal]
    return choices + [name for name, kind in kinds.items() if kind in (bool, int, float)]


def option_fields(spec: MethodSpec, shown: Sequence[str], key: str, given: dict[str, Any]) -> dict[str, Any]:
    """The method's own settings that differ from `given`, or from its defaults where nothing is given."""
    changed: dict[str, Any] = {}
    if shown:
        st.markdown(f"**{plain(spec.title)}**")
    for first in range(0, len(shown), 3):
        columns = st.columns(3, vertical_alignment="bottom")
        for column, name in zip(columns, shown[first : first + 3], strict=False):
            before = spec.read_options({**given, **changed})
            usual = getattr(before, name)
            with column:
                # the default is part of the key: a choice that changes it brings a fresh widget
                value = field_widget(name, before, f"{key}-{spec.name}-{usual}")
            if value != usual:
                changed[name] = value
    return changed


def field_widget(name: str, base: BaseModel, key: str) -> Any:
    """The widget of a setting, made from its type, limits and description in the model of `base`."""
    field = type(base).model_fields[name]
    value, label, help_text = getattr(base, name), name.replace("_", " ").capitalize(), field.description
    widget_key = f"{key}-{name}"
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    if name == "device":  # a copied run may come from another machine; starting it says what is not available
        choices = tuple(dict.fromkeys(("auto", *available_devices(), value)))
    if name == "network":  # a plug-in of a copied run may be gone; starting it says so
        choices = tuple(dict.fromkeys((*NETWORKS, value)))
    if choices:
        titles = {network: spec.title for network, spec in NETWORKS.items()} if name == "network" else {}
        return st.selectbox(
            label,
            choices,
            choices.index(value),
            lambda choice: titles.get(choice, choice),
            key=widget_key,
            help=help_text,
        )
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
