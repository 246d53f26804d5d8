"""The structure of the code at one commit or several: floors of rooms, circles between them, sizes of files and functions.

    python benchmarks/structure.py 1ef59dc HEAD

reads the commits from git, imports nothing of them, and writes benchmarks/results/structure.md. A room is a package or a
module of `lvcnet`, or `lab`, or `pages`. A room stands one floor above the highest that it imports from; rooms that
import each other, by whatever way round, are a circle and share a floor.
"""

import argparse
import ast
import io
import statistics
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from shown import shown_command

ROOT = Path(__file__).resolve().parent.parent
PLACES = ("lvcnet", "lab", "pages")
STARTS_THE_LAB = "lvcnet/cli/lab.py"
"""The one file that imports upwards: a command has to start the lab."""


@dataclass(frozen=True)
class Structure:
    """One commit: its rooms with those that each imports from, and how long things are."""

    commit: str
    rooms: dict[str, set[str]]
    files: list[int]
    functions: list[int]
    documented: float
    comments: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commits", nargs="+", help="any that git knows")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results" / "structure.md")
    options = parser.parse_args(given)
    found = [measure(commit) for commit in options.commits]
    text = "\n\n".join(
        ["# Structure of the code", f"`{shown_command('structure.py', given)}`", *sections(found)]
    )
    options.output.write_text(text + "\n", encoding="utf-8")
    print(text)


def measure(commit: str) -> Structure:
    """What the files of a commit say."""
    sources = dict(sources_of(commit))
    trees = {path: ast.parse(text) for path, text in sources.items()}
    known = {module_name(path) for path in trees}
    rooms: dict[str, set[str]] = {}
    for path, tree in trees.items():
        room = room_of(module_name(path))
        others = {room_of(name) for name in imported(tree, known)}
        if room != "lvcnet":  # the door names what stands anywhere
            rooms.setdefault(room, set()).update(
                others - {room, "lvcnet"} - ({"lab"} if path == STARTS_THE_LAB else set())
            )
    lines = {path: text.count("\n") for path, text in sources.items()}
    public = [node for tree in trees.values() for node in public_nodes(tree)]
    return Structure(
        git("log", "-1", "--format=%h, %as", commit).decode().strip(),
        rooms,
        [number for path, number in lines.items() if not path.endswith("__init__.py") or number > 10],
        [
            (node.end_lineno or node.lineno) - node.lineno + 1
            for tree in trees.values()
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ],
        sum(ast.get_docstring(node) is not None for node in public) / len(public),
        100 * sum(text.count("\n#") + text.count(" # ") for text in sources.values()) / sum(lines.values()),
    )


def sources_of(commit: str) -> Iterator[tuple[str, str]]:
    """Path and text of the Python files of a commit that are not tests."""
    with tarfile.open(fileobj=io.BytesIO(git("archive", commit, *PLACES))) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.name.endswith(".py") else None
            if content is not None:
                yield member.name, content.read().decode()


def git(*arguments: str) -> bytes:
    """What git answers."""
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout


def module_name(path: str) -> str:
    """lvcnet.data.coco for lvcnet/data/coco.py; a package by its own name."""
    return ".".join(PurePosixPath(path).with_suffix("").parts).removesuffix(".__init__")


def room_of(module: str) -> str:
    """`data` for lvcnet.data.coco, `lab` for lab.widgets."""
    first, *rest = module.split(".")
    return rest[0] if first == "lvcnet" and rest else first


def imported(tree: ast.AST, known: set[str]) -> Iterator[str]:
    """What a file imports of this house, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            full = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            names = [name if name in known else node.module for name in full.values()]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] in PLACES)


def public_nodes(
    tree: ast.Module,
) -> Iterator[ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """The module, and its public classes and functions with their public methods."""
    yield tree
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name[0] != "_":
            yield node
            if isinstance(node, ast.ClassDef):
                methods = (
                    one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
                )
                yield from (one for one in methods if one.name[0] != "_")


def circles(rooms: dict[str, set[str]]) -> list[set[str]]:
    """Rooms that import each other, by whatever way round.

    >>> circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [{"b", "c"}]
    True
    """
    reach = {room: set(others) for room, others in rooms.items()}
    for _ in rooms:
        for others in reach.values():
            others |= {far for near in others for far in reach.get(near, ())}
    found: list[set[str]] = []
    for room in rooms:
        circle = {other for other in reach[room] if room in reach.get(other, ())}
        if circle and circle not in found:
            found.append(circle)
    return found


def floors(rooms: dict[str, set[str]]) -> dict[str, int]:
    """Room -> floor, from 0.

    >>> floors({"a": {"b", "c"}, "b": {"c"}, "c": set()})
    {'c': 0, 'b': 1, 'a': 2}
    """
    together = {room: circle for circle in circles(rooms) for room in circle}
    found: dict[str, int] = {}

    def floor(room: str) -> int:
        if room not in found:
            circle = together.get(room, {room})
            below = {other for one in circle for other in rooms.get(one, ())} - circle
            height = 1 + max((floor(other) for other in sorted(below)), default=-1)
            found.update(dict.fromkeys(sorted(circle), height))
        return found[room]

    for room in rooms:
        floor(room)
    return dict(sorted(found.items(), key=lambda item: item[1]))


def sections(found: Sequence[Structure]) -> Iterator[str]:
    """Sizes of all, then the floors of each."""
    head = ["", *(one.commit for one in found)]
    rows = [
        ["rooms, floors", *(f"{len(one.rooms)}, {1 + max(floors(one.rooms).values())}" for one in found)],
        ["circles between rooms", *(in_words(circles(one.rooms)) for one in found)],
        ["files, lines", *(f"{len(one.files)}, {sum(one.files):,}" for one in found)],
        ["lines a file: median, 90 %, most", *(spread(one.files) for one in found)],
        ["lines a function: median, 90 %, most", *(spread(one.functions) for one in found)],
        ["public names with a docstring", *(f"{one.documented:.1%}" for one in found)],
        ["comments per 100 lines", *(f"{one.comments:.1f}" for one in found)],
    ]
    yield table(head, rows)
    for one in found:
        yield f"## Floors at {one.commit}"
        standing = floors(one.rooms)
        yield table(
            ["floor", "rooms"],
            [
                [str(level), ", ".join(sorted(room for room, floor in standing.items() if floor == level))]
                for level in sorted(set(standing.values()), reverse=True)
            ],
        )


def in_words(found: Sequence[set[str]]) -> str:
    """`none`, or the rooms of each circle."""
    return "; ".join(" + ".join(sorted(circle)) for circle in found) or "none"


def spread(values: Sequence[int]) -> str:
    """Median, 90th percentile and maximum."""
    return f"{statistics.median(values):.0f}, {statistics.quantiles(values, n=10)[-1]:.0f}, {max(values)}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


if __name__ == "__main__":
    main()
