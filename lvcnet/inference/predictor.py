"""Predictor: a finished run applied to images, on the working grid or at an image's own size.

Symbols: N images, C categories, h x w the frame of an image on the working grid, H x W the image's own size.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from lvcnet.data.images import blocks_at_original, to_working_grid
from lvcnet.errors import LvcnetError
from lvcnet.frames import Frames, Size, frame_of, grid_of, inside, placed
from lvcnet.methods import predict_inside
from lvcnet.models.conventions import AnnotationMargin, Polarity
from lvcnet.models.full_resolution import Conventions, full_resolution
from lvcnet.models.maps import Maps
from lvcnet.progress import Report
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import find_run
from lvcnet.thresholds import THRESHOLD
from lvcnet.training.checkpoint import data_of, load_method

OUTLINES = ("full", "grid")
"""Where outlines end: at the edges of the image's own grid, or as the working grid has them, upsampled."""


def check_outlines(outlines: str) -> str:
    """The kind of outlines, if it exists.

    Raises:
        LvcnetError: if it does not.
    """
    if outlines not in OUTLINES:
        raise LvcnetError(f"outlines {outlines!r} do not exist: choose one of {', '.join(OUTLINES)}")
    return outlines


@dataclass(frozen=True)
class Prediction:
    """What a run says about one image.

    Probabilities at the image's own size are resampled from the working grid whenever they are asked for: kept, those of
    an image of 100 million pixels would take 400 MB a category.

    Attributes:
        maps: all maps on the working grid, (1, C, h, w) and so on, without padding, on the CPU.
        working: (h, w) uint8, the image as the network saw it.
        categories: C names.
        height: H.
        width: W.
        threshold: a pixel belongs to a mask from this probability on.
        fine: (C, h', w'), the probabilities on a finer grid, moved to the edges there (`lvcnet.models.full_resolution`); None
            where they are those of the working grid.
    """

    maps: Maps
    working: NDArray[np.uint8]
    categories: list[str]
    height: int
    width: int
    threshold: float = THRESHOLD
    fine: NDArray[np.float32] | None = None

    @property
    def outlines(self) -> str:
        """What outlines came to be, of `OUTLINES`: grid where the image shows no more than the grid, too."""
        return "grid" if self.fine is None else "full"

    @property
    def probability(self) -> NDArray[np.float32]:
        """(C, H, W) at the image's own size."""
        whole = np.empty((len(self.categories), self.height, self.width), dtype=np.float32)
        for channel, place in enumerate(whole):
            for columns, values in self.blocks(channel):
                place[:, columns] = values
        return whole

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        """(C, H, W), probability at or above the threshold."""
        masks = np.empty((len(self.categories), self.height, self.width), dtype=bool)
        for channel, mask in enumerate(masks):
            for columns, values in self.blocks(channel):
                mask[:, columns] = values >= self.threshold
        return masks

    def blocks(self, channel: int) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """The probabilities of one category in blocks of columns: (columns, (H, w) float32)."""
        known = self.maps.prediction[0, channel].numpy() if self.fine is None else self.fine[channel]
        return blocks_at_original(known, self.height, self.width)


class Predictor:
    """Loads a run's weights once and predicts any number of images.

    Args:
        run: a run with a checkpoint, or its name.
        which: `last` or `best`.
        device: auto, cpu, cuda, cuda:N or mps.
        outlines: full, at the edges of the image's own grid, or grid, upsampled from the working grid.

    Raises:
        LvcnetError: if the run has no such checkpoint, or it is damaged; for other outlines.
    """

    def __init__(
        self, run: RunDirectory | str, which: str = "last", device: str = "auto", outlines: str = "full"
    ) -> None:
        self.outlines = check_outlines(outlines)
        run = find_run(run) if isinstance(run, str) else run
        data = data_of(run)
        self.run = run
        self.categories: list[str] = list(data["categories"])
        self.size = int(data["size"])
        height, width = data.get("grid", (self.size, self.size))
        self.grid: Size = (int(height), int(width))
        self.stretched = bool(data.get("stretched", True))  # what runs of before do not say
        self.method = load_method(run, which, device)

    def predict_image(self, pixels: NDArray[np.floating], threshold: float = THRESHOLD) -> Prediction:
        """Segment one radiograph.

        Args:
            pixels: (H, W) in [0, 1], as `lvcnet.data.images.read_image` gives it.
            threshold: probability from which on a pixel belongs to the mask.
        """
        height, width = pixels.shape
        frame = self.grid if self.stretched else frame_of(height, width, self.size)
        working = to_working_grid(pixels, frame)
        # an image of other proportions than all that were trained on may need more room than their grid has
        rows, columns = grid_of([frame, self.grid], self.size)
        maps = self.predict_array(placed(working, (rows, columns), "edge")[None], np.array([frame]))
        maps = maps.cut(*frame)
        fine = None
        if self.outlines == "full":
            fine = full_resolution(maps.prediction[0].numpy(), pixels, self._conventions)
        return Prediction(maps, working, self.categories, height, width, threshold, fine)

    def predict_array(self, images: NDArray[np.uint8], frames: Frames | None = None, batch: int = 32) -> Maps:
        """All maps of (N, H, W) uint8 images, in float32 on the CPU; `frames` as in `predict_masks`."""
        return Maps.cat([maps.to("cpu") for maps in self._batches(images, frames, batch)])

    def predict_masks(
        self,
        images: NDArray[np.uint8],
        frames: Frames | None = None,
        threshold: float = THRESHOLD,
        batch: int = 32,
        report: Report | None = None,
    ) -> NDArray[np.bool_]:
        """Masks (N, C, H, W) of (N, H, W) uint8 images; keeps no other map, so any N fits in memory.

        Args:
            images: (N, H, W) uint8, on the working grid.
            frames: (N, 2) rows and columns that hold each image, top left; nothing is predicted beside them. Default all.
            threshold: probability from which on a pixel belongs to the mask.
            batch: images a forward pass.
            report: called with (done, total) after each batch.
        """
        parts: list[NDArray[np.bool_]] = []
        for maps in self._batches(images, frames, batch, details=False):
            parts.append(maps.mask(threshold).cpu().numpy())
            if report:
                report(sum(len(part) for part in parts), len(images))
        return np.concatenate(parts)

    def probabilities(
        self, images: NDArray[np.uint8], frames: Frames | None = None, batch: int = 32
    ) -> Iterator[NDArray[np.float32]]:
        """The predictions of (N, H, W) uint8 images, (B, C, H, W) float32 batch after batch; keeps none of them."""
        for maps in self._batches(images, frames, batch, details=False):
            yield maps.prediction.float().cpu().numpy()

    @cached_property
    def _conventions(self) -> Conventions:
        """What the method has counted along its labels, where it counts."""
        network = self.method.learner.predictor() if hasattr(self.method, "learner") else None
        polarity, margin = (getattr(network, name, None) for name in ("polarity", "displacement"))
        return Conventions(  # copies: the network stays on its device
            deepcopy(polarity).cpu() if isinstance(polarity, Polarity) else None,
            deepcopy(margin).cpu() if isinstance(margin, AnnotationMargin) else None,
        )

    def _batches(
        self, images: NDArray[np.uint8], frames: Frames | None, batch: int, details: bool = True
    ) -> Iterator[Maps]:
        if images.ndim != 3 or images.dtype != np.uint8 or not len(images):
            raise LvcnetError(f"images are {images.dtype} {images.shape}: expected uint8 (N, H, W), N >= 1")
        where = None if frames is None else inside(frames, (images.shape[1], images.shape[2]))
        for start in range(0, len(images), batch):
            part = torch.from_numpy(images[start : start + batch]).float().div(255).unsqueeze(1)
            within = None if where is None else torch.from_numpy(where[start : start + batch]).float()
            yield predict_inside(self.method, part, within, details)
