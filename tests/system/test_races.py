"""Two real processes that make a thing of one name at the same instant: one wins whole, the other is told."""

import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lvcnet import workspace
from lvcnet.claims import using
from lvcnet.correction.store import CorrectionWriter, find_correction
from lvcnet.data.dataset import CLEAN, Dataset, Item, LabelSet
from lvcnet.data.upkeep import own_copy
from lvcnet.deleting import plan_dataset
from lvcnet.errors import LvcnetError
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import new_run
from lvcnet.trash import discard, empty, list_trash, restore

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


def restored(kind: str, name: str) -> None:
    restore(next(entry for entry in list_trash([kind]) if entry.name == name))


def test_a_data_set_is_restored_while_one_of_its_name_is_saved() -> None:
    for trial in range(TRIALS):
        name = f"q{trial}"
        data_set(name, 3).save()
        discard("data set", name, workspace.datasets_dir() / name)
        assert race(lambda: restored("data set", name), data_set(name, 7).save) == [0, TOLD]  # noqa: B023
        saved = Dataset.load(name)
        assert int(saved.images[0, 0, 0]) == value_of(saved.labels(CLEAN))
        assert len(list_trash()) == int(saved.images[0, 0, 0] == 7)
        empty(list_trash())
    assert hidden(workspace.datasets_dir()) == []


def test_a_label_set_is_restored_while_one_of_its_name_is_made() -> None:
    data_set("q", 1).save()
    for trial in range(TRIALS):
        name = f"level{trial}"
        Dataset.load("q").add_labels(columns(name, 3))
        discard("label set", name, workspace.datasets_dir() / "q" / "labels" / f"{name}.npz")
        mine = Dataset.load("q")
        told = race(lambda: restored("label set", name), lambda: mine.add_labels(columns(name, 7)))  # noqa: B023
        assert told == [0, TOLD]
        value = value_of(Dataset.load("q").labels(name))
        assert len(list_trash()) == int(value == 7)
        empty(list_trash())


@pytest.mark.parametrize("replace", [False, True])
def test_a_correction_is_restored_while_one_of_its_name_is_judged(replace: bool) -> None:
    def write(name: str, value: int, overwrite: bool = False) -> None:
        with CorrectionWriter(name, (IMAGES, 1, SIZE, SIZE), overwrite) as writer:
            writer.write(np.arange(IMAGES), np.full((IMAGES, 1, SIZE, SIZE), value / 255))
            writer.finish({"value": value, "images": [{"key": f"image-{n}"} for n in range(IMAGES)]})

    for trial in range(TRIALS):
        name = f"c{trial}"
        write(name, 3)
        discard("correction", name, workspace.corrections_dir() / name)
        if replace:
            write(name, 5)
        told = race(lambda: restored("correction", name), lambda: write(name, 7, replace))  # noqa: B023
        assert told == [0, TOLD]
        found = find_correction(name)
        assert np.unique(np.round(found.probability("image-0") * 255)).tolist() == [found.head["value"]]
        assert found.head["value"] in ((7,) if replace else (3, 7))
        assert len(list_trash()) == int(found.head["value"] == 7)
        empty(list_trash())
    assert hidden(workspace.corrections_dir()) == []


def test_a_run_is_restored_while_one_of_its_name_is_made() -> None:
    config = {"dataset": "q", "labels": "clean", "method": "unet", "epochs": 1, "seed": 0}
    for trial in range(TRIALS):
        name = f"r{trial}"
        discard("run", name, new_run(name, {**config, "seed": 3}).path)
        told = race(lambda: restored("run", name), lambda: new_run(name, {**config, "seed": 7}))  # noqa: B023
        # Who makes a run takes the next name where another one is there; who restores it is told.
        assert told in ([0, 0], [0, TOLD])
        first, second = (
            RunDirectory(workspace.runs_dir() / name),
            RunDirectory(workspace.runs_dir() / f"{name}-2"),
        )
        assert (first.config()["seed"], second.exists()) == ((3, True) if told == [0, 0] else (7, False))
        assert len(list_trash()) == int(told != [0, 0])
        empty(list_trash())
    assert hidden(workspace.runs_dir()) == []


def test_users_and_a_deletion_of_one_thing() -> None:
    """Who works with a data set has it to the end, or is told that it is gone; it is never deleted under anybody."""

    def use() -> None:
        with using("data set", workspace.datasets_dir() / name, "it is used"):
            for _ in range(5):
                assert (workspace.datasets_dir() / name / "dataset.json").exists()
                time.sleep(0.002)

    for trial in range(TRIALS):
        name = f"q{trial}"
        data_set(name, 3).save()
        plan = plan_dataset(name)
        # The deletion is told, or one or both of the others are; some of the others may have ended before it.
        assert race(plan.carry_out, use, use) in ([0, 0, 0], [0, 0, TOLD], [0, TOLD, TOLD])
        assert plan.path.exists() or not any(workspace.datasets_dir().glob("q*/labels"))
        if plan.path.exists():
            plan.carry_out()
