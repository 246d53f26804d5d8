import pytest

from lvcnet.jobs import daemon, launch
from tests.jobs.helpers import FAKE_TRAINER


@pytest.fixture
def fake_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainers that this process starts are fakes."""
    monkeypatch.setattr(launch, "TRAINER", FAKE_TRAINER)


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody serves the queue."""
    monkeypatch.setattr(daemon, "ensure_worker", lambda: None)
