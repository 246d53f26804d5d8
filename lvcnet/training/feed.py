"""The data a training sees: everything on the device at once, batches in an order that a seed and a pass decide.

Symbols: M training images, C categories, H x W pixels of the working grid.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.data.displacement import moved_back
from lvcnet.errors import LvcnetError
from lvcnet.files import keyed_rng, stable_hash
from lvcnet.methods import Batch
from lvcnet.training.augment import augment
from lvcnet.training.config import TrainConfig
from lvcnet.training.mirror import mirrored_names
from lvcnet.training.outlines import EDGES, Found, asked_for, measured

MONITORED_TEST_IMAGES = 64
"""How many test images the learning curve follows; they decide nothing."""


@dataclass
class Part:
    """Some images with labels, on the device: (M, 1, H, W) uint8, (M, C, H, W) bool, rows in the data set.

    `ignored` (M, C, H, W) bool are pixels about which the labels say nothing; None where there are none. `frames` (M, 2) are
    the rows and columns that hold each image; None where all fill the grid. `remembered` (M, C, H, W) bool is what a method said
    of them (`Method.remember`); None where it said nothing.
    """

    images: Tensor
    labels: Tensor
    rows: NDArray[np.intp]
    ignored: Tensor | None = None
    frames: Tensor | None = None
    remembered: Tensor | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def images_at(self, numbers: Tensor) -> Tensor:
        """(B, 1, H, W) float32 in [0, 1]."""
        return self.images[numbers.to(self.images.device)].float() / 255

    def at(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, 1, H, W) in [0, 1] and labels (B, C, H, W), 0 or 1, as float32."""
        return self.images_at(numbers), self.labels[numbers.to(self.labels.device)].float()

    def moving_at(self, numbers: Tensor) -> list[Tensor]:
        """Labels, and where there are any what is remembered and what is ignored, each (B, C, H, W), 0 or 1, as float32."""
        numbers = numbers.to(self.labels.device)
        return [
            maps[numbers].float() for maps in (self.labels, self.remembered, self.ignored) if maps is not None
        ]

    def weights_at(self, numbers: Tensor) -> Tensor | None:
        """1, or 0 where the labels say nothing or there is padding, (B, C, H, W) float32; None where all counts."""
        ignored = None if self.ignored is None else self.ignored[numbers.to(self.ignored.device)].float()
        return weights_of(ignored, self.inside_at(numbers), self.labels.shape[1])

    def inside_at(self, numbers: Tensor) -> Tensor | None:
        """1 where the image is, 0 where there is padding, (B, 1, H, W) float32; None where there is none."""
        if self.frames is None:
            return None
        return inside_of(self.frames[numbers.to(self.frames.device)], self.images.shape[-2:])


def weights_of(ignored: Tensor | None, inside: Tensor | None, categories: int) -> Tensor | None:
    """What pixels count (B, C, H, W), from where labels say nothing (B, C, H, W) and where images are (B, 1, H, W)."""
    if inside is None:
        return None if ignored is None else 1 - ignored
    inside = inside.expand(-1, categories, -1, -1)
    return inside if ignored is None else (1 - ignored) * inside


def inside_of(frames: Tensor, grid: Sequence[int]) -> Tensor:
    """(B, 1, rows, columns) float32: 1 in the rows and columns of a grid that (B, 2) frames name, 0 in the padding.

    >>> inside_of(torch.tensor([[1, 2]]), (2, 3)).tolist()
    [[[[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]]]
    """
    rows, columns = (torch.arange(length, device=frames.device) for length in grid)
    within = (rows < frames[:, :1]).unsqueeze(2) & (columns < frames[:, 1:]).unsqueeze(1)
    return within.unsqueeze(1).float()


def load_part(dataset: Dataset, labels: str, rows: NDArray[np.intp], device: torch.device) -> Part:
    """Rows of a data set with one of its label sets, on the device."""
    images = torch.from_numpy(dataset.images[rows]).unsqueeze(1).to(device)
    chosen = dataset.labels(labels)
    masks = torch.from_numpy(chosen.masks[rows]).to(device)
    ignored = None if chosen.ignored is None else torch.from_numpy(chosen.ignored[rows]).to(device)
    frames = None if dataset.inside is None else torch.from_numpy(dataset.frames[rows]).to(device)
    return Part(images, masks, rows, ignored, frames)


def split_rows(dataset: Dataset, labels: str, share: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Training rows and held-out rows of a label set; an image's key decides, not its place.

    Raises:
        LvcnetError: if the label set covers no training image.
    """
    rows = dataset.indices("train")
    rows = rows[dataset.labels(labels).covered[rows]]
    if not len(rows):
        raise LvcnetError(f"label set {labels!r} of data set {dataset.name!r} covers no training image")
    order = sorted(rows, key=lambda row: stable_hash(f"held out {dataset.items[row].key}"))
    held_out = np.sort(np.array(order[: int(share * len(rows))], dtype=np.intp))
    return np.setdiff1d(rows, held_out), held_out


class Feed:
    """Training, held-out and monitored test images of one run.

    Args:
        dataset: with the images.
        config: of the run.
        device: that holds them.
        found: how far outlines lie beside their edges, where that was measured before; by default it is measured.
    """

    def __init__(
        self, dataset: Dataset, config: TrainConfig, device: torch.device, found: Found | None = None
    ) -> None:
        train, held_out = split_rows(dataset, config.labels, config.validation)
        self.config = config
        self.train = load_part(dataset, config.labels, train, device)
        self.held_out = load_part(dataset, config.labels, held_out, device)
        self.test = load_part(dataset, CLEAN, dataset.indices("test")[:MONITORED_TEST_IMAGES], device)
        self.displacement = measured(dataset, config, train) if found is None else found
        self._move_back(dataset)
        self.length = config.length(len(train))
        asked = config.augment and config.flip
        masks = dataset.labels(config.labels).masks
        self.mirrored = mirrored_names(dataset.categories, masks[train]) if asked else None

    def _move_back(self, dataset: Dataset) -> None:
        """Moves the outlines to learn from and the held-out ones, as far as was found."""
        told = asked_for(self.config) == EDGES
        if not any(one.shift(told) for one in self.displacement.values()):
            return
        for part in (self.train, self.held_out):
            silent = None if part.ignored is None else part.ignored.cpu().numpy()
            frames = dataset.frames[part.rows]
            back = moved_back(part.labels.cpu().numpy(), frames, self.displacement, told, silent)
            part.labels = torch.from_numpy(back).to(part.labels.device)

    @property
    def mirrors(self) -> bool:
        """Whether images are mirrored: where it is asked for and the labels stay true."""
        return self.mirrored is not None

    def batches(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from its step `first_step` on; each depends only on seed, pass and place in it."""
        begin = (epoch - 1) * self.length.epoch
        order, ordered = np.empty(0, dtype=np.intp), 0
        for number in range(begin + first_step, min(begin + self.length.epoch, self.length.steps)):
            one_pass, step = self.place(number)
            if one_pass != ordered:
                order = keyed_rng(self.config.seed, "order", one_pass).permutation(len(self.train))
                ordered = one_pass
            chosen = order[step * self.config.batch_size : (step + 1) * self.config.batch_size]
            numbers = torch.from_numpy(chosen)
            images = self.train.images_at(numbers)
            draws = torch.Generator().manual_seed(seed_of(self.config.seed, "augment", one_pass, step))
            moving, inside = self.train.moving_at(numbers), self.train.inside_at(numbers)
            maps = torch.cat(moving, dim=1)  # moved alike
            if self.config.augment:
                mirrored = self._channels(maps.shape[1])
                images, maps, inside = augment(
                    images, maps, draws, self.mirrors, mirrored, inside, self.config.jitter
                )
            labels, *rest = maps.chunk(len(moving), dim=1)
            remembered = None if self.train.remembered is None else rest.pop(0)
            weights = weights_of(rest[0] if rest else None, inside, labels.shape[1])
            rows = torch.from_numpy(self.train.rows[chosen])
            yield Batch(images, labels, rows, number / self.length.steps, weights, inside, remembered)

    def place(self, number: int) -> tuple[int, int]:
        """Pass over the images, from 1, and step in it, from 0, of step `number` of the training, from 0."""
        passes, step = divmod(number, self.length.one_pass)
        return passes + 1, step

    def _channels(self, count: int) -> list[int] | None:
        """`mirrored` for `count` channels: labels, and behind them what is remembered and ignored of each category."""
        if self.mirrored is None:
            return None
        categories = len(self.mirrored)
        return [part + number for part in range(0, count, categories) for number in self.mirrored]


def seed_of(seed: int, *parts: int | str) -> int:
    """A seed for torch that depends only on its arguments."""
    return int(keyed_rng(seed, *parts).integers(2**62))
