"""Runs for the fake trainer, and waiting for processes with patience."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import new_run

FAKE_TRAINER = (sys.executable, str(Path(__file__).with_name("fake_trainer.py")))
PATIENCE = 90.0


def eventually(condition: Callable[[], Any], what: str) -> Any:
    """The first true value of `condition`; a slow machine gets time."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {PATIENCE:.0f} s in vain for {what}")


def make_run(name: str = "phantom-unet", epochs: int = 3, **options: Any) -> RunDirectory:
    """A queued run for the fake trainer."""
    run = new_run(name)
    run.create(
        {"dataset": "phantom", "method": "unet", "labels": "clean", "epochs": epochs, "options": options}
    )
    return run
