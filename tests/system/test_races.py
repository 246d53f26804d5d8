"""Two real processes that make a thing of one name at the same instant: one wins whole, the other is told."""

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lvcnet import workspace
from lvcnet.correction.store import CorrectionWriter, find_correction
from lvcnet.data.dataset import CLEAN, Dataset, Item, LabelSet, own_copy
from lvcnet.errors import LvcnetError

TRIALS = 30
TOLD = 3
"""Exit status of a process that was told that another one was quicker."""
SIZE, IMAGES = 16, 4
FORK = multiprocessing.get_context("fork")


def race(*actions: Callable[[], object]) -> list[int]:
    """Run actions in processes of their own that start together; their exit statuses: 0, or TOLD."""
    barrier = FORK.Barrier(len(actions))

    def life(action: Callable[[], object]) -> None:
        barrier.wait()
        try:
            action()
        except LvcnetError:
            os._exit(TOLD)

    processes = [FORK.Process(target=life, args=(action,)) for action in actions]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    return sorted(process.exitcode if process.exitcode is not None else -99 for process in processes)


def data_set(name: str, value: int) -> Dataset:
    """Images of one value, whose masks are as many columns wide."""
    items = [Item(f"image-{n}", "train" if n else "test", SIZE, SIZE) for n in range(IMAGES)]
    dataset = Dataset(name, ["part"], items, np.full((IMAGES, SIZE, SIZE), value, np.uint8))
    dataset.add_labels(columns(CLEAN, value))
    return dataset


def columns(name: str, value: int) -> LabelSet:
    masks = np.zeros((IMAGES, 1, SIZE, SIZE), dtype=bool)
    masks[..., :value] = True
    return LabelSet(name, masks, np.ones(IMAGES, dtype=bool), {"width": value})


def value_of(labels: LabelSet) -> int:
    """What a label set was made with; its masks and its manifest must say the same."""
    assert int(labels.masks[0, 0, 0].sum()) == labels.manifest["width"]
    return int(labels.manifest["width"])


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".") and path.name != ".lock"]


def test_two_saves_of_one_data_set() -> None:
    for trial in range(TRIALS):
        name = f"q{trial}"
        assert race(*(data_set(name, value).save for value in (3, 7))) == [0, TOLD]
        saved = Dataset.load(name)
        assert int(saved.images[0, 0, 0]) == value_of(saved.labels(CLEAN))
    assert hidden(workspace.datasets_dir()) == []


@pytest.mark.parametrize("there", [False, True])
def test_two_writers_of_one_label_set(there: bool) -> None:
    data_set("q", 1).save()
    for trial in range(TRIALS):
        name = f"level{trial}"
        if there:
            Dataset.load("q").add_labels(columns(name, 2))
        mine, yours = Dataset.load("q"), Dataset.load("q")
        made = [lambda: mine.add_labels(columns(name, 3)), lambda: yours.add_labels(columns(name, 7))]  # noqa: B023
        assert race(*made) == [0, TOLD]
        assert value_of(Dataset.load("q").labels(name)) in (3, 7)


def test_two_writers_of_the_same_label_set_agree() -> None:
    data_set("q", 1).save()
    mine, yours = Dataset.load("q"), Dataset.load("q")
    both = [lambda: mine.add_labels(columns("a", 3)), lambda: yours.add_labels(columns("a", 3))]
    assert race(*both) == [0, 0]
    mine.add_labels(columns("a", 3))
    assert value_of(Dataset.load("q").labels("a")) == 3


@pytest.mark.parametrize("replace", [False, True])
def test_two_judgements_of_one_name(replace: bool) -> None:
    def write(name: str, value: int) -> None:
        with CorrectionWriter(name, (IMAGES, 1, SIZE, SIZE), overwrite=replace) as writer:
            writer.write(np.arange(IMAGES), np.full((IMAGES, 1, SIZE, SIZE), value / 255))
            writer.finish({"value": value, "images": [{"key": f"image-{n}"} for n in range(IMAGES)]})

    for trial in range(TRIALS):
        name = f"c{trial}"
        if replace:
            write(name, 50)
        told = race(lambda: write(name, 3), lambda: write(name, 7))  # noqa: B023
        # Replacing is of what was there: who starts when the other is done already replaces that one.
        assert told in ([[0, TOLD], [0, 0]] if replace else [[0, TOLD]])
        found = find_correction(name)
        assert np.unique(np.round(found.probability("image-0") * 255)).tolist() == [found.head["value"]]
        assert found.head["value"] in (3, 7)
    assert hidden(workspace.corrections_dir()) == []


def test_two_copies_of_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "assets_dir", lambda: tmp_path / "assets")
    for trial in range(TRIALS):
        demo = data_set(f"demo{trial}", 3)
        demo.save(tmp_path / "assets" / "datasets" / demo.name)
        assert demo.is_demo
        assert race(lambda: own_copy(demo), lambda: own_copy(demo)) == [0, 0]  # noqa: B023
        mine = Dataset.load(demo.name)
        assert not mine.is_demo
        assert mine.fingerprint() == demo.fingerprint()
