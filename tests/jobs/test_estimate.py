"""How long trainings take that have not started yet."""

from lvcnet.data.phantom.make import make_phantom
from lvcnet.files import read_json, write_json
from lvcnet.jobs.estimate import expected_seconds
from lvcnet.training.config import TrainConfig
from lvcnet.training.run import create_run

HIPS = {"dataset": "mine", "width": 4, "depth": 2, "batch_size": 4}


def test_runs_of_the_same_pace_tell_how_long_the_next_ones_take() -> None:
    make_phantom("mine", 4, 1, 32).save()
    for seed, seconds in enumerate((2.0, 4.0, 9.0)):
        run = create_run(TrainConfig(**HIPS, method="unet", seed=seed))
        run.update_status(seconds_per_epoch=seconds)
    unet = TrainConfig(**HIPS, method="unet", epochs=10)
    assert expected_seconds([unet], workers=1) == 40.0
    assert expected_seconds([unet] * 4, workers=2) == 80.0
    assert expected_seconds([unet], workers=2) == 40.0
    assert expected_seconds([unet, TrainConfig(**HIPS, method="fcn")], workers=2) is None


def test_another_network_has_another_pace_and_an_older_run_trained_a_u_net() -> None:
    make_phantom("mine", 4, 1, 32).save()
    run = create_run(TrainConfig(**HIPS, method="unet"))
    run.update_status(seconds_per_epoch=2.0)
    stored = read_json(run.path / "config.json")
    del stored["network"]
    write_json(run.path / "config.json", stored)
    assert expected_seconds([TrainConfig(**HIPS, method="unet", epochs=1)], workers=1) == 2.0
    assert expected_seconds([TrainConfig(**HIPS, method="unet", network="segnet")]) is None


def test_a_length_in_steps_is_estimated_by_the_time_of_a_step_whatever_was_counted_then() -> None:
    make_phantom("mine", 4, 1, 32).save()
    passes = create_run(TrainConfig(**HIPS, method="unet", epochs=2))
    passes.update_status(seconds_per_epoch=8.0, seconds_per_step=2.0)
    assert expected_seconds([TrainConfig(**HIPS, method="unet", steps=30)], workers=1) == 60.0
    steps = create_run(TrainConfig(**HIPS, method="fcn", steps=100))
    steps.update_status(seconds_per_epoch=50.0, seconds_per_step=1.0)
    assert expected_seconds([TrainConfig(**HIPS, method="fcn", steps=30)], workers=1) == 30.0
    assert (
        expected_seconds([TrainConfig(**HIPS, method="fcn", epochs=3)]) is None
    )  # its epochs are none of passes
