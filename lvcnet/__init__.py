"""LVC-Net Lab: what sloppy outlines cost, which method survives them, and repaired labels.

    import lvcnet as lv

    hips = lv.make_phantom("hips", train=300, test=100)
    hips.save()
    hips.add_labels(lv.make_noisy_labels(hips, level=3))
    run = lv.train(hips, "lvcnet-plus", labels="level3")
    lv.evaluate(run)["iou"]

Names are imported when they are first used (PEP 562), so that `import lvcnet` itself waits for no other library.
docs/tutorial.md shows them at work.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lvcnet import networks
    from lvcnet.api import (
        compare,
        correct,
        evaluate,
        export_labels,
        predict,
        resume,
        sweep,
        train,
    )
    from lvcnet.auditing import audit
    from lvcnet.cli.output import progress_bar
    from lvcnet.data.dataset import Dataset, list_datasets
    from lvcnet.data.displacement import displacements, moved_labels
    from lvcnet.data.images import read_image
    from lvcnet.data.importing.archive import import_zip
    from lvcnet.data.importing.importer import import_coco, import_from, import_labelme, import_masks
    from lvcnet.data.label_sets import LabelSet
    from lvcnet.data.phantom.make import make_phantom
    from lvcnet.errors import LvcnetError
    from lvcnet.inference.predictor import Predictor
    from lvcnet.inference.segmentation import segment_file
    from lvcnet.noise.calibrate import make_noisy_labels
    from lvcnet.results import Comparison, Correction, find_correction
    from lvcnet.runs.directory import RunDirectory
    from lvcnet.runs.store import find_run, list_runs
    from lvcnet.training.config import TrainConfig
    from lvcnet.training.plan import TrainingPlan, plan_training

__version__ = "0.1.0"
__all__ = [
    "Comparison",
    "Correction",
    "Dataset",
    "LabelSet",
    "LvcnetError",
    "Predictor",
    "RunDirectory",
    "TrainConfig",
    "TrainingPlan",
    "audit",
    "compare",
    "correct",
    "displacements",
    "evaluate",
    "export_labels",
    "find_correction",
    "find_run",
    "import_coco",
    "import_from",
    "import_labelme",
    "import_masks",
    "import_zip",
    "list_datasets",
    "list_runs",
    "make_noisy_labels",
    "make_phantom",
    "moved_labels",
    "networks",
    "plan_training",
    "predict",
    "progress_bar",
    "read_image",
    "resume",
    "segment_file",
    "sweep",
    "train",
]

_MODULES = {
    "api": (
        "compare",
        "correct",
        "evaluate",
        "export_labels",
        "predict",
        "resume",
        "sweep",
        "train",
    ),
    "auditing": ("audit",),
    "cli.output": ("progress_bar",),
    "data.importing.archive": ("import_zip",),
    "data.dataset": ("Dataset", "list_datasets"),
    "data.displacement": ("displacements", "moved_labels"),
    "data.images": ("read_image",),
    "data.importing.importer": ("import_coco", "import_from", "import_labelme", "import_masks"),
    "data.label_sets": ("LabelSet",),
    "data.phantom.make": ("make_phantom",),
    "errors": ("LvcnetError",),
    "inference.predictor": ("Predictor",),
    "inference.segmentation": ("segment_file",),
    "noise.calibrate": ("make_noisy_labels",),
    "results": ("Comparison", "Correction", "find_correction"),
    "runs.directory": ("RunDirectory",),
    "runs.store": ("find_run", "list_runs"),
    "training.config": ("TrainConfig",),
    "training.plan": ("TrainingPlan", "plan_training"),
}
"""Module -> the names that are offered here; what TYPE_CHECKING above tells mypy and editors."""
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

if not TYPE_CHECKING:  # else every misspelt name would be of type Any

    def __getattr__(name: str) -> Any:
        """A name of `__all__`, imported when it is first asked for."""
        if name == "networks":
            found = importlib.import_module("lvcnet.networks")
        elif name in _HOMES:
            found = getattr(importlib.import_module(f"lvcnet.{_HOMES[name]}"), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    """What is offered, whether it was imported yet or not."""
    return [*__all__, "__version__"]
