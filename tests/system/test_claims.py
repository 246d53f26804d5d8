"""What a process works with is not deleted under it, whoever started it and whatever it does; killed, it holds nothing."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.synchronize import Event

import pytest
import torch

from lvcnet import workspace
from lvcnet.claims import claims, using
from lvcnet.correction.apply import apply_correction
from lvcnet.correction.build import build_correction
from lvcnet.correction.decisions import Verdict
from lvcnet.correction.folds import add_fold_labels
from lvcnet.correction.store import Correction
from lvcnet.data.dataset import Dataset
from lvcnet.deleting import Deletion, plan_correction, plan_dataset, plan_labels, plan_run
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.protocol import evaluate_run
from lvcnet.runs.directory import RunDirectory
from lvcnet.training.config import TrainConfig
from lvcnet.training.run import create_run, train
from tests.jobs.helpers import PATIENCE, eventually, make_dataset

COMMAND = [sys.executable, "-c", "from lvcnet.cli import main; main()"]
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def data(no_demo: None) -> Iterator[Dataset]:
    """The data set `discs`, in a process without threads that a forked one would wait for."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield make_dataset(images=8)
    torch.set_num_threads(threads)


def make_run(labels: str = "level3", epochs: int = 1) -> RunDirectory:
    small = {"width": 4, "depth": 2, "epochs": epochs, "batch_size": 2, "device": "cpu", "snapshot_images": 0}
    return create_run(
        TrainConfig.model_validate({"dataset": "discs", "labels": labels, "method": "unet", **small})
    )


class Pausing(Mapping[str, Verdict]):
    """Verdicts that are told only when somebody lets them."""

    def __init__(self, verdicts: dict[str, Verdict], pause: Callable[..., None]) -> None:
        self.verdicts, self.pause = verdicts, pause

    def __getitem__(self, key: str) -> Verdict:
        self.pause()
        return self.verdicts[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.verdicts)

    def __len__(self) -> int:
        return len(self.verdicts)


@contextmanager
def in_the_middle(action: Callable[[Callable[..., None]], object]) -> Iterator[None]:
    """While this lasts, another process stands still in the middle of an action, which pauses where it reports."""
    there, go = FORK.Event(), FORK.Event()

    def pause(*progress: object) -> None:
        there.set()
        go.wait(PATIENCE)

    def life(there: Event) -> None:
        action(pause)
        os._exit(0)

    process = FORK.Process(target=life, args=(there,))
    process.start()
    assert there.wait(PATIENCE)
    try:
        yield
    finally:
        go.set()
        process.join(PATIENCE)
    assert process.exitcode == 0


def refused(plan: Callable[[], Deletion], why: str) -> None:
    with pytest.raises(LvcnetError, match=rf"is in use: .*{why}.* \(process \d+\): wait until that is done"):
        plan().carry_out()


def test_a_run_that_a_foreground_process_resumes(data: Dataset) -> None:
    run = make_run(epochs=100_000)
    run.update_status(state="interrupted")
    with subprocess.Popen([*COMMAND, "resume", run.name], stderr=subprocess.PIPE, text=True) as process:
        eventually(lambda: run.metrics(), "the training to be on its way")
        assert [claim.pid for claim in claims("run", run.name)] == [process.pid]
        assert [claim.pid for claim in claims("data set", "discs")] == [process.pid]
        for plan in (plan_run(run.name), plan_dataset("discs"), plan_labels("discs", "level3")):
            with pytest.raises(LvcnetError, match=f"is in use: .*it is running: .*lvcnet cancel {run.name}"):
                plan.carry_out()
        # The claim alone holds it, too, as in the moments before and after it says that it runs.
        run.update_status(state="interrupted")
        refused(lambda: plan_run(run.name), "it is being trained")
        refused(lambda: plan_dataset("discs"), f"run {run.name}: it is being trained")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    assert run.status()["state"] == "interrupted"
    plan_run(run.name).carry_out()
    plan_dataset("discs").carry_out()


def test_a_run_that_was_deleted_is_not_resumed(data: Dataset) -> None:
    run = make_run()
    run.update_status(state="interrupted")
    plan_run(run.name).carry_out()
    with pytest.raises(LvcnetError, match=f"run '{run.name}' no longer exists"):
        train(run, resume=True)
    assert not run.path.exists()


def test_a_run_whose_data_set_was_deleted_says_so(data: Dataset) -> None:
    run = make_run()
    run.update_status(state="interrupted")
    plan_dataset("discs").carry_out()
    with pytest.raises(LvcnetError, match="there is no data set 'discs'"):
        train(run, resume=True)
    assert run.status()["state"] == "failed"
    assert not (workspace.datasets_dir() / "discs").exists()


def test_what_is_being_evaluated(data: Dataset) -> None:
    run = make_run()
    train(run)
    with in_the_middle(lambda pause: evaluate_run(run, split="train", against="level3", report=pause)):
        refused(lambda: plan_run(run.name), "it is being evaluated")
        refused(lambda: plan_dataset("discs"), f"run {run.name}: it is being evaluated")
        refused(lambda: plan_labels("discs", "level3"), f"run {run.name}: it is being evaluated")
    plan_labels("discs", "level3").carry_out()
    plan_run(run.name).carry_out()


def judge(data: Dataset, runs: list[RunDirectory], pause: Callable[..., None] | None = None) -> Correction:
    folds = add_fold_labels(data, "level3", 2)
    return build_correction("judged", data, "level3", folds, runs, "cpu", report=pause)


def test_what_is_being_judged_and_repaired(data: Dataset) -> None:
    runs = [make_run(fold.labels) for fold in add_fold_labels(data, "level3", 2)]
    for run in runs:
        train(run)
    with in_the_middle(lambda pause: judge(data, runs, pause)):
        refused(lambda: plan_dataset("discs"), "correction judged is being made of it")
        refused(lambda: plan_labels("discs", "level3"), "correction judged is being made of it")
        refused(lambda: plan_run(runs[0].name), "correction judged is being judged with it")
    correction = Correction(workspace.corrections_dir() / "judged")
    verdicts = {row["key"]: Verdict(decision="accept") for row in correction.rows}
    with in_the_middle(lambda pause: apply_correction(correction, data, "better", Pausing(verdicts, pause))):
        refused(lambda: plan_dataset("discs"), "label set better is being made of it")
        refused(lambda: plan_labels("discs", "level3"), "label set better is being made of it")
        refused(lambda: plan_correction("judged"), "label set better is being made of it")
    assert "better" in Dataset.load("discs").label_names()
    plan_correction("judged").carry_out()
    plan_dataset("discs").carry_out()


def test_who_was_killed_holds_nothing(data: Dataset) -> None:
    folder = data.folder
    assert folder is not None
    uses = workspace.home() / "locks" / "data-set-discs.uses"

    def life() -> None:
        with using("data set", folder, "it is used"):
            os.kill(os.getpid(), signal.SIGKILL)

    process = FORK.Process(target=life)
    process.start()
    process.join(PATIENCE)
    assert len(list(uses.iterdir())) == 2
    assert claims("data set", "discs") == []
    with using("data set", folder, "it is used"):
        assert len(list(uses.iterdir())) == 2  # what the other left is gone
        assert [claim.what for claim in claims("data set", "discs")] == ["it is used"]
    assert list(uses.iterdir()) == []


def test_labels_of_a_deleted_data_set_leave_no_folder(data: Dataset) -> None:
    labels = data.labels("level3")
    plan_dataset("discs").carry_out()
    with pytest.raises(
        LvcnetError, match="data set 'discs' no longer exists: restore it with `lvcnet trash restore"
    ):
        data.add_labels(labels)
    assert not (workspace.datasets_dir() / "discs").exists()
