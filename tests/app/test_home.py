"""The launcher: what happens when the lab starts."""

import ast
import asyncio
import gc
from collections.abc import Iterator
from types import ModuleType

import pytest
from streamlit import config

from lab.ui.navigation import ENTRIES


@pytest.fixture
def home(no_demo: None) -> Iterator[ModuleType]:
    """The launcher as a server on this machine loads it: where others could reach it, importing it would exit."""
    config.set_option("server.address", "127.0.0.1")
    from lab import Home

    yield Home
    config.set_option("server.address", None)


def test_garbage_collections_do_not_look_at_what_lives_as_long_as_the_lab(home: ModuleType) -> None:
    """Streamlit collects after every run of a page; with all modules in it that would stop every thread each time."""

    async def objects_left_out() -> int:
        async with home.lifespan(home.app):
            return gc.get_freeze_count()

    try:
        assert asyncio.run(objects_left_out()) > 100_000
    finally:
        gc.unfreeze()


def test_no_page_shows_a_string_of_its_own_source() -> None:
    """Streamlit writes every bare expression of a page's script onto the page, docstrings of constants, too."""
    for entry in ENTRIES.values():
        body = ast.parse(entry.path.read_text(encoding="utf-8")).body[1:]
        bare = [one for one in body if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)]
        assert not bare, f"{entry.path.name}, line {bare[0].lineno}: make it a comment"
