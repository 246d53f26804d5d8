"""What the learning curve shows: IoU with labels after an epoch, and snapshots of the maps.

Nothing here touches training, and the clean test labels decide nothing: the best checkpoint is chosen on held-out
images with the labels the run learns from.
"""

import numpy as np
import torch
from torch import Tensor

from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.masks.overlap import iou
from lvcnet.methods import Method, predict_inside
from lvcnet.models.maps import Maps
from lvcnet.runs.snapshots import Snapshot
from lvcnet.thresholds import THRESHOLD
from lvcnet.training.config import TrainConfig
from lvcnet.training.feed import Part

BATCH = 32


def predict_all(method: Method, part: Part) -> Tensor:
    """Probabilities (M, C, H, W) for every image of a part."""
    chunks = torch.split(torch.arange(len(part)), BATCH)
    return torch.cat(
        [
            predict_inside(method, part.images_at(chunk), part.inside_at(chunk), details=False).prediction
            for chunk in chunks
        ]
    )


def iou_with_labels(method: Method, part: Part) -> float | None:
    """Mean foreground IoU of a method with a part's labels, where these say something; None for an empty part."""
    return agreement(method, part)[0]


def agreement(method: Method, part: Part) -> tuple[float | None, list[float | None]]:
    """`iou_with_labels`, and for each category the mean over the images whose labels show it, None where none does.

    An image without a category counts as right where nothing is predicted, so that the first figure alone hides that a
    rare one is never found.
    """
    categories = part.labels.shape[1]
    if not len(part):
        return None, [None] * categories
    predicted, labels = predict_all(method, part) >= THRESHOLD, part.labels
    if part.ignored is not None:
        predicted, labels = predicted & ~part.ignored, labels & ~part.ignored
    scores = iou(predicted.cpu().numpy(), labels.cpu().numpy())
    shown = labels.flatten(2).any(2).cpu().numpy()
    each = [
        float(score[seen].mean()) if seen.any() else None
        for score, seen in zip(scores.T, shown.T, strict=True)
    ]
    return float(scores.mean()), each


def snapshot_rows(dataset: Dataset, config: TrainConfig) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """The first training images and the first test images, half and half."""
    train = dataset.indices("train")
    train = train[dataset.labels(config.labels).covered[train]][: (config.snapshot_images + 1) // 2]
    test = dataset.indices("test")[: config.snapshot_images - len(train)]
    return np.concatenate([train, test])


def take_snapshot(
    method: Method, dataset: Dataset, config: TrainConfig, epoch: int, device: torch.device
) -> Snapshot:
    """All maps of the fixed images, as they are now."""
    rows = snapshot_rows(dataset, config)
    images = torch.from_numpy(dataset.images[rows]).unsqueeze(1).to(device).float() / 255
    inside = None if dataset.inside is None else torch.from_numpy(dataset.inside[rows]).to(device).float()
    maps: Maps = predict_inside(method, images, inside).to("cpu")
    labels = dataset.labels(config.labels)
    return Snapshot(
        epoch=epoch,
        keys=[dataset.items[row].key for row in rows],
        splits=[dataset.items[row].split for row in rows],
        images=dataset.images[rows],
        frames=dataset.frames[rows],
        clean=dataset.labels(CLEAN).masks[rows],
        labels=labels.masks[rows],
        covered=labels.covered[rows],
        prediction=maps.prediction.numpy(),
        maps={name: value.numpy() for name, value in maps.named.items()},
    )
