"""The launcher: what happens when the lab starts."""

import asyncio
import gc
from pathlib import Path

from lab import Home


def test_garbage_collections_do_not_look_at_what_lives_as_long_as_the_lab(no_demo: Path) -> None:
    """Streamlit collects after every run of a page; with all modules in it that would stop every thread each time."""

    async def objects_left_out() -> int:
        async with Home.lifespan(Home.app):
            return gc.get_freeze_count()

    try:
        assert asyncio.run(objects_left_out()) > 100_000
    finally:
        gc.unfreeze()
