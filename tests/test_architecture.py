"""docs/architecture.md is true: rooms import from floors below their own, and the files that it names are there."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
STARTS_THE_LAB = "lvcnet.cli.lab"
SCREEN, QUEUE = {"streamlit", "gradio"}, {"huey"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): path for folder in ("lvcnet", "lab", "pages") for path in (ROOT / folder).rglob("*.py")
}


@cache
def imported(module: str) -> tuple[str, ...]:
    """`_imported`, read once."""
    return tuple(_imported(module))


def _imported(module: str) -> Iterator[str]:
    """What a module imports, wherever in it: modules of this house by their full name, others by their first."""
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, f"{module} imports by dots: write the whole name"
            assert node.level == 0, f"{module} imports by dots: write the whole name"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in MODULES else node.module


def room_of(module: str) -> str:
    """`data` for lvcnet.data.formats.coco, `lab` for lab.ui.widgets; `lvcnet` is the door."""
    first, *rest = module.split(".")
    return rest[0] if first == "lvcnet" and rest else first


def lab_room_of(module: str) -> str:
    """`ui` for lab.ui.widgets, `Home` for lab.Home."""
    return module.split(".")[1]


def floors(of_lab: bool = False) -> dict[str, int]:
    """Room -> floor, as the page's first table says, or that of the lab."""
    _, first, second, *_ = re.split(r"^\| floor[^\n]*\n", PAGE, flags=re.MULTILINE)
    table = (second if of_lab else first).split("\n\n")[0]
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", table, flags=re.MULTILINE)
    assert len(rows) > 5
    found = [(room, int(floor)) for floor, rooms in rows for room in re.findall(r"`(\w+)`", rooms)]
    assert len(found) == len(dict(found)), "a room stands on two floors"
    return dict(found)


def test_every_room_has_a_floor_and_every_floor_its_rooms() -> None:
    rooms = {room_of(module) for module in MODULES} - {"lvcnet"}
    assert rooms == floors().keys(), "docs/architecture.md has a line for every room"
    of_lab = {lab_room_of(module) for module in MODULES if module.startswith("lab.")}
    assert of_lab == floors(of_lab=True).keys()


def test_no_arrow_leads_up_or_to_a_neighbour() -> None:
    floor, up = floors(), []
    for module in MODULES:
        room = room_of(module)
        for other in imported(module):
            if other.split(".")[0] not in ("lvcnet", "lab", "pages") or room == "lvcnet":
                continue
            there = room_of(other)
            below = there in (room, "lvcnet") or floor[there] < floor[room]
            if not below and (module, there) != (STARTS_THE_LAB, "lab"):
                up.append(
                    f"{module} ({room}, floor {floor[room]}) imports {other} ({there}, floor {floor[there]})"
                )
    assert up == []


def test_no_arrow_within_the_lab_leads_up_or_to_a_neighbour() -> None:
    floor = floors(of_lab=True)
    up = [
        f"{module} imports {other}"
        for module in MODULES
        if module.startswith("lab.")
        for other in imported(module)
        if other.startswith("lab.") and lab_room_of(other) != lab_room_of(module)
        if floor[lab_room_of(other)] >= floor[lab_room_of(module)]
    ]
    assert up == []


def test_no_two_files_import_each_other() -> None:
    graph = {
        module: [one for one in imported(module) if one in MODULES and one != module] for module in MODULES
    }
    graph["lvcnet"] = []  # the door imports when it is asked
    assert len(list(TopologicalSorter(graph).static_order())) == len(MODULES)


def test_screens_and_queue_stay_in_their_rooms() -> None:
    for module in MODULES:
        first = {name.split(".")[0] for name in imported(module)}
        if module.startswith("lvcnet"):
            assert not first & SCREEN, f"{module} knows a screen"
        if room_of(module) != "jobs":
            assert not first & QUEUE, f"{module} knows the queue"


def test_the_files_that_the_page_names_are_there() -> None:
    named = re.findall(r"\]\(\.\./([^)#]+)\)", PAGE) + re.findall(
        r"`((?:lvcnet|lab|pages|tests)/[\w/]+\.py)`", PAGE
    )
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).exists()] == []
