"""What each switch of the spatial transform is worth: `python benchmarks/transform_ablation.py RUN [--output FILE]`.

Takes one trained LVC-Net run, leaves its weights alone, changes one switch of the transform at a time and measures
foreground IoU on the clean test labels. What changes training itself needs a training each: see ablation.py.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import torch
from shown import shown_command

from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.methods.lvcnet import LVC
from lvcnet.runs.store import find_run
from lvcnet.training.checkpoint import load_method
from lvcnet.training.commit import current_commit
from lvcnet.training.feed import load_part
from lvcnet.training.monitor import iou_with_labels

SWITCHES: list[dict[str, Any]] = [
    *({"warps": number} for number in (0, 1, 2, 3, 4, 6, 8)),
    *({"agreement": growth} for growth in (0.0, 1.0, 100.0)),
    *({"evidence": rounds} for rounds in (1, 2, 4)),
    {"warps": 0, "evidence": 2},
    {"polarity": False},
    *({"sigma": width} for width in (1.0, 1.75, 2.5)),
    *({"damping": mass} for mass in (0.0003, 0.03, 0.3)),
    *({"step": pixels} for pixels in (1.0, 4.0)),
]
"""Options of the method, whose values are attributes of its network."""
ATTRIBUTES = {"polarity": "oriented"}
"""Where these are called otherwise."""


def main() -> None:
    """Print a markdown table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", help="name of a trained LVC-Net run")
    parser.add_argument("--output", type=Path, help="write the table there, too")
    arguments = parser.parse_args()
    run = find_run(arguments.run)
    config = run.config()
    dataset = Dataset.load(config["dataset"])
    part = load_part(dataset, CLEAN, dataset.indices("test"), torch.device("cpu"))
    method = load_method(run, "last", "cpu")
    if not isinstance(method, LVC):
        raise SystemExit(f"run {run.name} is a {config['method']}: this benchmark needs an LVC-Net")
    network = method.learner.predictor()
    lines = [
        f"Command: `{shown_command('transform_ablation.py', sys.argv[1:])}`; commit {current_commit()};"
        f" run {run.name} (commit {config['commit']}, seed {config['seed']});"
        f" data set {dataset.name}, fingerprint {dataset.fingerprint()}; {len(part)} test images, clean labels.",
        "",
        "| switch | foreground IoU |",
        "|---|---|",
        f"| as trained | {iou_with_labels(method, part):.4f} |",
    ]
    for change in SWITCHES:
        names = {name: ATTRIBUTES.get(name, name) for name in change}
        trained = {attribute: getattr(network, attribute) for attribute in names.values()}
        for name, attribute in names.items():
            setattr(network, attribute, change[name])
        label = ", ".join(f"{name} = {value}" for name, value in change.items())
        lines.append(f"| {label} | {iou_with_labels(method, part):.4f} |")
        for attribute, value in trained.items():
            setattr(network, attribute, value)
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.output:
        arguments.output.write_text(text)


if __name__ == "__main__":
    main()
