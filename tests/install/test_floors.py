"""The library does without the lab: nothing in it imports what only the lab needs, and plotly only where figures are drawn."""

import ast
from collections.abc import Iterator
from pathlib import Path

from lvcnet import workspace

LIBRARY = Path(workspace.__file__).parent
OF_THE_LAB = {"lab", "streamlit", "gradio", "gradio_client", "uvicorn", "starlette", "fastapi"}
LAZILY = {"cli/lab.py"}
"""Where a command asks for the lab when it is called."""
DRAWS = "figures"


def imported(tree: ast.AST) -> Iterator[str]:
    """The packages that the statements of a tree import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module).partition(".")[0]


def test_the_library_imports_nothing_of_the_lab() -> None:
    found = {
        path.relative_to(LIBRARY).as_posix(): names
        for path in LIBRARY.rglob("*.py")
        if (names := OF_THE_LAB & set(imported(ast.parse(path.read_text(encoding="utf-8")))))
    }
    assert found == {place: {"lab"} for place in LAZILY}
    for place in LAZILY:
        tree = ast.parse((LIBRARY / place).read_text(encoding="utf-8"))
        at_once = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        assert not OF_THE_LAB & {name for node in at_once for name in imported(node)}


def test_plotly_is_imported_where_figures_are_drawn_and_nowhere_else() -> None:
    """It takes a second to import, which no other command should wait for."""
    rooms = {
        path.relative_to(LIBRARY).parts[0]
        for path in LIBRARY.rglob("*.py")
        if "plotly" in imported(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert rooms == {DRAWS}
