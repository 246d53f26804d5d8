"""The kills of benchmarks/trust.py in short form: real processes, SIGKILL, and nothing lost, doubled or mixed."""

from collections.abc import Iterator
from pathlib import Path

import kill_actions
import kills
import pytest
import torch


@pytest.fixture
def home(workspace_home: Path) -> Iterator[Path]:
    """A workspace to train in; trainers are forked, so this process must not have threads that they wait for."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    kills.prepare(workspace_home)
    yield workspace_home
    torch.set_num_threads(threads)


def unheard(done: int, total: int) -> None:
    """Progress that nobody looks at."""


def test_trainers_killed_at_random_are_resumed_to_the_bit(home: Path) -> None:
    tally = kills.trainers_at_random("lvcnet-plus", 3, seed=0, report=unheard, epochs=4)
    assert tally.kills >= 3
    assert tally.faults == []


def test_trainers_killed_at_their_first_changes_are_resumed_to_the_bit(home: Path) -> None:
    tally = kills.trainers_at_every_change("unet", unheard, epochs=1, most=12)
    assert (tally.kills, tally.faults) == (12, [])


@pytest.mark.parametrize("number", range(len(kill_actions.actions(Path()))))
def test_an_action_killed_at_any_change_leaves_the_old_state_or_the_new(
    tmp_path: Path, workspace_home: Path, number: int
) -> None:
    tally = kill_actions.kill_one(tmp_path / "kills", number)
    assert tally.kills == tally.trials > 0
    assert tally.faults == []
