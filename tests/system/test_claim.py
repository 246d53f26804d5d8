"""The claim of the method, measured anew: minutes of training, so only under `pytest -m slow`."""

import pytest

from lvcnet.data.phantom.make import make_phantom
from lvcnet.evaluation.protocol import evaluate_run
from lvcnet.noise.calibrate import make_noisy_labels
from lvcnet.training.config import build_config
from lvcnet.training.plan import start_settings
from lvcnet.training.run import create_run, train


@pytest.mark.slow
def test_lvcnet_beats_unet_by_five_points_at_level_4_and_plus_by_eight() -> None:
    """Preset quick, same steps and seed, foreground IoU on clean test labels of a phantom nothing was tuned on."""
    dataset = make_phantom("hips", train=300, test=100, size=128, seed=1)
    dataset.add_labels(make_noisy_labels(dataset, level=4, target_iou=None, seed=1))
    dataset.save()
    scores = {}
    for method in ("unet", "lvcnet", "lvcnet-plus"):
        chosen = {"dataset": "hips", "labels": "level4", "method": method, "seed": 1}
        run = create_run(build_config(start_settings("quick", dataset, "level4"), chosen))
        assert train(run) == "done"
        scores[method] = evaluate_run(run)["iou"]
    assert scores["lvcnet"] - scores["unet"] >= 0.05, scores
    assert scores["lvcnet-plus"] - scores["unet"] >= 0.08, scores
