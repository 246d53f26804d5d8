"""Requests and the real command line say the same: parsing what `command()` gives yields an equal request."""

import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lvcnet.cli import app
from lvcnet.cli.requests import request_from
from lvcnet.comparison.request import CompareRequest
from lvcnet.correction.requests import AgreeRequest, ApplyRequest, ConsensusRequest, EdgeSupportRequest
from lvcnet.data.dataset import Dataset
from lvcnet.data.import_request import ImportRequest
from lvcnet.data.phantom.make import make_phantom
from lvcnet.data.requests import (
    DisplacementRequest,
    ExportRequest,
    ImagesRequest,
    PhantomRequest,
    ShowRequest,
)
from lvcnet.jobs.audit_request import AuditRequest
from lvcnet.jobs.requests import (
    CorrectRequest,
    ReproduceRequest,
    SweepRequest,
    TrainingPlanRequest,
    TrainRequest,
)
from lvcnet.next_step import Step, next_step
from lvcnet.noise.calibrate import make_noisy_labels
from lvcnet.noise.request import NoiseRequest
from lvcnet.planner.request import PlanRequest
from lvcnet.requests import Argument, Request, described
from lvcnet.runs.store import new_run
from tests.evaluations import an_evaluation

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True)
WORDS = st.lists(NAMES, min_size=1, max_size=3).map(tuple)
COUNTS = st.integers(0, 2**32 - 1)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda parts: Path("/", *parts))
PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
SETTINGS = st.dictionaries(
    st.from_regex(r"[a-z_]{1,8}", fullmatch=True).filter(lambda name: name != "options"),
    st.one_of(st.booleans(), COUNTS, NUMBERS, PLAIN),
    max_size=3,
)
NESTED = st.builds(
    lambda plain, options: plain | ({"options": options} if options else {}), SETTINGS, SETTINGS
)
WHERE = st.fixed_dictionaries(
    {}, optional={"epochs": st.integers(1, 99), "augment": st.booleans(), "options.warps": COUNTS}
)
SHARES = st.integers(0, 1000).map(lambda share: share / 1000)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "where": WHERE,
    "settings": NESTED,
    "foreground": st.tuples(SHARES, SHARES),
    "components": st.tuples(st.integers(0, 99), st.none() | st.integers(0, 99)),
    "levels": st.lists(st.integers(1, 4), min_size=1, unique=True).map(tuple),
    "seeds": st.lists(COUNTS, min_size=1, max_size=3).map(tuple),
    "source": st.tuples(NAMES, NAMES).map("=".join),
    "text": PLAIN.filter(lambda text: text == text.strip()),
}
"""Of fields whose type does not say what they may hold; all others have a value of their type."""
OF_IMPORTS = {
    "labels": st.dictionaries(NAMES, st.lists(PATHS, min_size=1, max_size=2).map(tuple), max_size=2)
}
OF_SWEEPS = {"labels": st.none() | WORDS}
KINDS: dict[type[Request], dict[str, st.SearchStrategy[Any]]] = {
    AgreeRequest: {},
    ApplyRequest: {},
    CompareRequest: {},
    ConsensusRequest: {},
    AuditRequest: {},
    CorrectRequest: {},
    DisplacementRequest: {},
    ExportRequest: {},
    ImagesRequest: {},
    ImportRequest: OF_IMPORTS,
    NoiseRequest: {},
    PhantomRequest: {},
    PlanRequest: {},
    ReproduceRequest: {},
    ShowRequest: {},
    EdgeSupportRequest: {},
    SweepRequest: OF_SWEEPS,
    TrainRequest: {},
    TrainingPlanRequest: {},
}


def values(kind: type[Request]) -> st.SearchStrategy[Request]:
    """Any request of a kind."""
    by_type = {
        str: NAMES,
        int: COUNTS,
        float: NUMBERS,
        bool: st.booleans(),
        Path: PATHS,
        type(None): st.none(),
    }
    found = {}
    for field in described(kind):
        special = {**VALUES, **KINDS[kind]}.get(field.name)
        parts = getattr(field.kind, "__args__", None) or (field.kind,)
        if special is None:
            special = st.one_of([by_type.get(part, WORDS) for part in parts if part is not Ellipsis])
            special = WORDS if str(field.kind).startswith("tuple") else special
        elif type(None) in parts and field.name in ("levels", "seeds", "source"):
            special = st.none() | special
        found[field.name] = special
    return st.builds(kind, **found)


@cache
def command_of(names: tuple[str, ...]) -> Any:
    """A command of the real command line, by its name or that of its group and its own."""
    command: Any = typer.main.get_command(app)
    for name in names:
        context = command.make_context("lvcnet", [], resilient_parsing=True)
        _, command, _ = command.resolve_command(context, [name])
    return command


def parsed(arguments: Sequence[str], kind: type[Request]) -> Request:
    """What the real command line makes of arguments, up to the request."""
    names = len(kind.COMMAND)
    assert tuple(arguments[:names]) == kind.COMMAND
    context = command_of(kind.COMMAND).make_context("lvcnet", list(arguments[names:]))
    return request_from(kind, context.params)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_parsing_the_command_of_a_request_gives_the_request(kind: type[Request]) -> None:
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(values(kind))
    def check(request: Request) -> None:
        shown = shlex.split(shlex.join(request.command()))
        assert parsed(shown, kind) == request

    check()


def test_every_request_is_tested() -> None:
    found = set[type[Request]]()
    new = {Request}
    while new:
        new = {sub for one in new for sub in one.__subclasses__()}
        found |= new
    assert found == KINDS.keys()


@pytest.mark.parametrize(
    ("request_", "command"),
    [
        (PhantomRequest("hips"), "data phantom hips --train 300 --test 100 --size 128 --seed 0"),
        (NoiseRequest("hips", (3, 4), seed=1, bias=-0.5), "noise hips --levels 3,4 --seed 1 --bias -0.5"),
        (
            ConsensusRequest("jaws", ("clean", "b"), "both"),
            "consensus jaws clean b --as both --vote staple",
        ),
        (
            DisplacementRequest("jaws", "rough", "moved", True),
            "displacement jaws --labels rough --move moved --belong-on-edges",
        ),
        (
            ExportRequest("hips", Path("m.zip"), "level3", "masks"),
            "data export hips --output m.zip --labels level3 --format masks",
        ),
        (AuditRequest("hips", "level3", folds=2), "audit hips --labels level3 --folds 2"),
        (CorrectRequest("hips", "level3"), "correct hips --labels level3 --method lvcnet-plus --folds 5"),
        (PlanRequest("hips", budget=10000.0), "plan hips --budget 10000"),
        (
            ImagesRequest(
                "hips", "level3", "train", foreground=(0.1, 0.3), components=(2, None), order="worst"
            ),
            "data images hips --labels level3 --split train --foreground 0.1-0.3 --components 2- --order worst",
        ),
        (
            ImportRequest("jaws", Path("png"), labels={"b": (Path("c.json"),)}, accept_self_crossing=True),
            "data import jaws --images png --labels b=c.json --accept-self-crossing",
        ),
        (
            TrainRequest("hips", "fcn", epochs=5, settings={"augment": False, "options": {"warps": 2}}),
            "train hips --method fcn --epochs 5 --set augment=false --set options.warps=2",
        ),
        (SweepRequest("hips", seeds=(0, 1), evaluate=False), "sweep hips --seeds 0,1 --no-evaluate"),
    ],
)
def test_commands_say_what_is_not_the_default(request_: Request, command: str) -> None:
    assert shlex.join(request_.command()) == command


def test_requests_load_no_network() -> None:
    modules = sorted({kind.__module__ for kind in KINDS})
    script = f"import sys\nfor name in {modules!r}: __import__(name)\nprint('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert out == "False\n"


def test_arguments_come_before_options_and_options_are_named_like_their_fields() -> None:
    """So that what a form fills is what the help says."""
    other = {
        "labels": "as",
        "name": "as",
        "settings": "set",
        "source": "from",
        "against": "with",
        "judge": "run",
    }
    for kind in KINDS:
        assert [field.name for field in described(kind)] == [field.name for field in fields(kind)]  # type: ignore[arg-type]
        for field in described(kind):
            if not isinstance(field.place, Argument):
                flag = field.place.flag.split("/")[0].removeprefix("--")
                assert flag in (field.name.replace("_", "-"), other.get(field.name))


def test_an_option_is_still_read_by_the_name_it_had_and_shown_by_the_one_it_has() -> None:
    """`consensus --method` is `--vote` now, `sweep --levels` is `--labels`."""
    old = [
        (
            ConsensusRequest,
            ["consensus", "jaws", "clean", "b", "--as", "both", "--method", "majority"],
            "vote",
        ),
        (SweepRequest, ["sweep", "hips", "--levels", "1,2"], "labels"),
    ]
    for kind, arguments, name in old:
        context = command_of(kind.COMMAND).make_context("lvcnet", arguments[1:])
        assert context.params[f"former_{name}"] == arguments[-1]
        assert arguments[-2] not in context.command.get_help(context)


@pytest.mark.usefixtures("no_demo")
def test_the_next_step_is_a_command_there_is() -> None:
    steps: list[Step] = [next_step([])]
    make_phantom("hips", 4, 1, 32).save()
    dataset = Dataset.load("hips")
    steps.append(next_step([]))
    dataset.add_labels(make_noisy_labels(dataset, level=4))
    steps.append(next_step([]))
    run = new_run("one", {"dataset": "hips", "labels": "level4", "method": "unet"})
    run.update_status(state="running")
    steps.append(next_step([run]))
    run.update_status(state="done")
    steps.append(next_step([run]))
    run.write_evaluation(an_evaluation())
    steps += [next_step([run]), next_step([run, run])]
    assert len({step.kind for step in steps}) == len(steps)
    for step in steps:
        command: Any = typer.main.get_command(app)
        context = command.make_context("lvcnet", [], resilient_parsing=True)
        left = step.command
        while hasattr(command, "resolve_command"):
            name, command, left = command.resolve_command(context, left)
        command.make_context(name, left)  # a usage error would be raised here
