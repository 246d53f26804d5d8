"""An evaluation as `lvcnet evaluate` writes it, for tests that need one and no training."""

from typing import Any

import numpy as np

from lvcnet.evaluation.protocol import evaluate_masks


def noise_manifest(level: int, **changes: Any) -> dict[str, Any]:
    """What `lvcnet noise` says about the default label set of a level; of level 0, the clean one, nothing is said."""
    return {"kind": "noise", "family": "polygon", "level": level, **changes} if level else {}


def an_evaluation(**changes: Any) -> dict[str, Any]:
    """Of two images of 4 x 4 pixels on which everything is right, but for `changes`."""
    masks = np.zeros((2, 1, 4, 4), dtype=np.bool_)
    masks[:, :, 1:3, 1:3] = True
    facts = {
        "dataset": "hips",
        "fingerprint": "0",
        "split": "test",
        "against": "clean",
        "epoch": 1,
        "images": 2,
        "parameters": 10,
        "training_seconds": 1.0,
    }
    return {**facts, **evaluate_masks(masks, masks, ["a", "b"], ["bone"]), **changes}
