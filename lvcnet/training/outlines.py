"""What is measured of outlines before a training begins, kept with the run, so that a resumed one goes on as it began."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.data.dataset import Dataset
from lvcnet.data.displacement import displacements, mm_a_pixel, told
from lvcnet.masks.displacement import Displacement
from lvcnet.methods import METHODS
from lvcnet.runs.directory import RunDirectory
from lvcnet.training.config import TrainConfig

KEEP, EDGES = "keep", "edges"
LOGGED = (": outlined ", "outlines lie on their edge", "no one edge explains the outlines")
"""What logs say of a training that measured, which is all that those of before displacement.json kept of it."""

Found = dict[str, Displacement]


def asked_for(config: TrainConfig) -> str:
    """`options.displacement`: auto, edges or keep; keep for methods that move nothing."""
    options = METHODS.find(config.method).read_options(config.options)
    return str(getattr(options, "displacement", KEEP))


def measured(dataset: Dataset, config: TrainConfig, rows: NDArray[np.intp]) -> Found:
    """How far the outlines of each category lie beside their edge, by the training images; of none where nothing is asked."""
    return {} if asked_for(config) == KEEP else displacements(dataset, config.labels, rows)


def measured_then(run: RunDirectory) -> Found | None:
    """What a run found when it began, of no category where it moved nothing; None where that has to be measured again."""
    kept = run.displacement()
    if kept is not None:
        return {name: Displacement.from_json(one) for name, one in kept["categories"].items()}
    log = run.log.read_text(encoding="utf-8", errors="replace") if run.log.exists() else ""
    return None if any(words in log for words in LOGGED) else {}


def record(found: Found, dataset: Dataset, config: TrainConfig) -> dict[str, Any] | None:
    """What a run keeps of it; None where nothing was measured."""
    if not found:
        return None
    asked, mm = asked_for(config), mm_a_pixel(dataset)
    return {"asked": asked, "mm_a_pixel": mm, "categories": told(found, asked == EDGES, mm)}
