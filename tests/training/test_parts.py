"""Augmentation, feed, snapshots, devices."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lvcnet.data.dataset import LabelSet
from lvcnet.errors import LvcnetError
from lvcnet.models.maps import Maps
from lvcnet.runs.snapshots import Snapshot, read_snapshot, write_snapshot
from lvcnet.training.augment import affine_matrices, augment
from lvcnet.training.device import available_devices, resolve_device
from lvcnet.training.feed import Feed, Part, seed_of, split_rows
from lvcnet.training.monitor import agreement, iou_with_labels

CPU = torch.device("cpu")


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_augmentation_moves_labels_with_their_images():
    images = torch.zeros(8, 1, 48, 48)
    images[..., 12:36, 20:40] = 1
    moved, labels, _ = augment(images, images.clone(), _generator())
    inside = (moved > 0.3).float()
    overlap = (inside * labels).sum() / torch.maximum(inside, labels).sum()
    assert overlap > 0.9
    assert not torch.equal(labels, images)
    assert set(labels.unique().tolist()) == {0.0, 1.0}
    assert moved.min() >= 0
    assert moved.max() <= 1


def test_mirroring_is_a_choice():
    """A mirrored map has a negative determinant."""
    for flip, expected in ((True, {-1.0, 1.0}), (False, {1.0})):
        matrices = affine_matrices(64, flip, _generator())
        assert set(torch.linalg.det(matrices[:, :, :2]).sign().tolist()) == expected


def test_batches_depend_on_seed_epoch_and_step_only(squares, tiny):
    feed = Feed(squares, tiny, CPU)
    whole = list(feed.batches(2))
    resumed = list(Feed(squares, tiny, CPU).batches(2, first_step=1))
    assert len(whole) == feed.length.epoch == 3
    for a, b in zip(whole[1:], resumed, strict=True):
        assert torch.equal(a.images, b.images)
        assert torch.equal(a.rows, b.rows)
        assert a.progress == b.progress
    assert [batch.progress for batch in whole] == pytest.approx([3 / 9, 4 / 9, 5 / 9])
    assert not torch.equal(whole[0].rows, next(iter(feed.batches(3))).rows)


def test_ignored_pixels_move_with_their_images(squares, tiny):
    """Everything inside the labels is ignored, so what counts must be the labels' outside after augmentation, too."""
    labels = squares.labels("clean")
    doubted = LabelSet("doubted", labels.masks, labels.covered, {}, ignored=labels.masks.copy())
    squares.add_labels(doubted)
    feed = Feed(squares, tiny.model_copy(update={"labels": "doubted"}), CPU)
    for batch in feed.batches(1):
        assert torch.equal(batch.weights, 1 - batch.labels)
        assert 0 < batch.labels.mean() < 1
    assert next(iter(Feed(squares, tiny, CPU).batches(1))).weights is None


def test_what_is_remembered_moves_with_its_images_beside_what_is_ignored(squares, tiny):
    labels = squares.labels("clean")
    squares.add_labels(LabelSet("doubted", labels.masks, labels.covered, {}, ignored=labels.masks.copy()))
    feed = Feed(squares, tiny.model_copy(update={"labels": "doubted"}), CPU)
    assert next(iter(feed.batches(1))).remembered is None
    feed.train.remembered = ~feed.train.labels
    for batch in feed.batches(1):
        assert torch.equal(batch.remembered, 1 - batch.labels)
        assert torch.equal(batch.weights, 1 - batch.labels)


def test_agreement_with_labels_is_measured_where_they_say_something():
    """Of a label of 4 px the left 2 are ignored; a prediction of the right 2 and 2 px more below has IoU 2 / 4."""
    label, predicted = torch.zeros(2, 1, 1, 4, 4)
    label[..., 0, :], predicted[..., 0, 2:], predicted[..., 1, 2:] = 1, 1, 1
    ignored = torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    ignored[..., :2] = True
    part = Part(torch.zeros(1, 1, 4, 4, dtype=torch.uint8), label.bool(), np.arange(1), ignored)
    method = SimpleNamespace(predict=lambda images, details: Maps(predicted))
    assert iou_with_labels(method, part) == 0.5


def test_a_rare_category_that_is_never_found_is_not_hidden_by_images_without_it():
    """Three categories on two images: found in both; shown by one image, never found; shown by none."""
    labels = torch.zeros(2, 3, 4, 4, dtype=torch.bool)
    labels[:, 0, :2], labels[1, 1, 2:] = True, True
    predicted = torch.zeros(2, 3, 4, 4)
    predicted[:, 0, :1] = 1
    part = Part(torch.zeros(2, 1, 4, 4, dtype=torch.uint8), labels, np.arange(2))
    method = SimpleNamespace(predict=lambda images, details: Maps(predicted))
    mean, each = agreement(method, part)
    assert mean == pytest.approx((0.5 + (1 + 0) / 2 + 1) / 3)
    assert each == [0.5, 0.0, None]
    assert agreement(method, Part(part.images[:0], labels[:0], np.arange(0))) == (None, [None] * 3)


def test_an_epoch_shows_every_training_image_at_most_once(squares, tiny):
    rows = torch.cat([batch.rows for batch in Feed(squares, tiny, CPU).batches(1)])
    assert len(set(rows.tolist())) == len(rows) == 9


def test_test_images_and_clean_labels_never_reach_training(squares, tiny):
    feed = Feed(squares, tiny, CPU)
    test = set(squares.indices("test").tolist())
    assert not test & set(feed.train.rows.tolist())
    assert not test & set(feed.held_out.rows.tolist())
    noisy = torch.from_numpy(squares.labels("level3").masks)
    assert torch.equal(feed.train.labels, noisy[feed.train.rows])
    assert torch.equal(feed.held_out.labels, noisy[feed.held_out.rows])


def test_held_out_images_are_chosen_by_key(squares):
    train, held_out = split_rows(squares, "level3", 0.25)
    assert (len(train), len(held_out)) == (9, 3)
    again, same = split_rows(squares, "clean", 0.25)
    assert np.array_equal(held_out, same)
    assert np.array_equal(train, again)


def test_seeds_are_keyed():
    assert seed_of(0, "order", 1) == seed_of(0, "order", 1)
    assert (
        len(
            {seed_of(0, "order", 1), seed_of(0, "order", 2), seed_of(1, "order", 1), seed_of(0, "augment", 1)}
        )
        == 4
    )


def test_snapshots_round_trip_within_their_units(tmp_path):
    rng = np.random.default_rng(0)
    shot = Snapshot(
        epoch=7,
        keys=["a", "b"],
        splits=["train", "test"],
        images=rng.integers(0, 255, (2, 20, 20)).astype(np.uint8),
        frames=np.array([[20, 20], [10, 20]]),
        clean=rng.random((2, 1, 20, 20)) > 0.5,
        labels=rng.random((2, 1, 20, 20)) > 0.5,
        covered=np.array([True, False]),
        prediction=rng.random((2, 1, 20, 20)).astype(np.float32),
        maps={"offsets": rng.uniform(-15, 15, (2, 1, 2, 20, 20)).astype(np.float32)},
    )
    write_snapshot(tmp_path, shot)
    back = read_snapshot(tmp_path, 7)
    assert (back.keys, back.splits, back.epoch) == (shot.keys, shot.splits, 7)
    for name in ("images", "frames", "clean", "labels", "covered"):
        assert np.array_equal(getattr(back, name), getattr(shot, name)), name
    assert np.abs(back.prediction - shot.prediction).max() <= 0.5 / 255 + 1e-6
    assert np.abs(back.maps["offsets"] - shot.maps["offsets"]).max() <= 1 / 16 + 1e-6
    assert back.cut(1).maps["offsets"].shape == (1, 1, 2, 10, 20), "what is shown has no padding"
    assert np.array_equal(back.cut(1).images[0], shot.images[1, :10])


def test_devices_that_are_not_there_are_refused_by_name():
    assert "cpu" in available_devices()
    assert resolve_device("cpu") == CPU
    with pytest.raises(LvcnetError, match="cuda:99"):
        resolve_device("cuda:99")
