"""Build the demo that ships in assets/: `python benchmarks/build_demo.py --workspace DIR`.

Makes the phantom data set, its four noise levels and the sweep of all methods x level 1 to 4 with preset auto and
seed 0 (some hours on two cores; what is done already is skipped) and a correction of level 3, then copies into assets/
what the lab shows: the data set, every run's configuration, metrics, evaluation and last snapshot, all snapshots at
level 3, the level-3 weights in half precision, and some of the judged labels to review.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from safetensors.torch import load_file, save_file

ASSETS = Path(__file__).resolve().parent.parent / "assets"
DATASET = "hips"
METHODS = ("fcn", "unet", "lvcnet", "lvcnet-plus")
LEVELS = (1, 2, 3, 4)
FULL_LEVEL = 3
CORRECTION = "demo-hips-level3"
COMMANDS = (
    f"data phantom {DATASET} --train 300 --test 100 --size 128 --seed 0",
    f"noise {DATASET} --levels 1,2,3,4 --seed 0",
    f"sweep {DATASET} --methods {','.join(METHODS)} --labels 1,2,3,4 --seeds 0 --preset auto",
    f"correct {DATASET} --labels level{FULL_LEVEL} --method lvcnet-plus --folds 3 --name {CORRECTION}",
)
REVIEWED = 36
"""Labels judged by the first of three trainings that ship, spread evenly from the worst to the best."""
DECIMALS = 4


def main() -> None:
    """Make what is missing, then publish."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--workspace", type=Path, required=True, help="where data and runs are made (LVCNET_HOME)"
    )
    workspace = parser.parse_args().workspace.absolute()
    for command in COMMANDS[1 if (workspace / "datasets" / DATASET).exists() else 0 :]:
        if (
            command.startswith("noise")
            and (workspace / "datasets" / DATASET / "labels" / "level4.npz").exists()
        ):
            continue
        if command.startswith("correct") and (workspace / "corrections" / CORRECTION).exists():
            continue
        print("$ lvcnet", command, flush=True)
        subprocess.run(
            [sys.executable, "-c", "from lvcnet.cli import main; main()", *command.split()],
            env={**os.environ, "LVCNET_HOME": str(workspace)},
            check=True,
        )
    publish(workspace)


def publish(workspace: Path) -> None:
    """Replace the demo in assets/ by the runs of a workspace."""
    for kind in ("datasets", "runs", "corrections"):
        shutil.rmtree(ASSETS / kind, ignore_errors=True)
    folds = shutil.ignore_patterns("*-fold*")
    shutil.copytree(workspace / "datasets" / DATASET, ASSETS / "datasets" / DATASET, ignore=folds)
    for method in METHODS:
        for level in LEVELS:
            name = f"{DATASET}-{method}-level{level}-s0"
            publish_run(workspace / "runs" / name, ASSETS / "runs" / name, full=level == FULL_LEVEL)
    publish_correction(workspace / "corrections" / CORRECTION, ASSETS / "corrections" / CORRECTION)
    size = sum(path.stat().st_size for path in ASSETS.rglob("*") if path.is_file())
    print(f"assets/ holds {size / 1e6:.1f} MB")


def publish_run(source: Path, target: Path, full: bool) -> None:
    """Copy one run: small files, snapshots and, if `full`, every snapshot and the weights in half precision."""
    target.mkdir(parents=True)
    for name in ("config.json", "metrics.jsonl", "log.txt"):
        shutil.copy(source / name, target / name)
    status = json.loads((source / "status.json").read_text())
    if status["state"] != "done":
        raise SystemExit(f"{source.name} is {status['state']}: finish the sweep first")
    kept = {key: value for key, value in status.items() if not key.startswith("pid")}
    (target / "status.json").write_text(json.dumps(kept, indent=2) + "\n")
    evaluation = json.loads((source / "evaluation.json").read_text())
    (target / "evaluation.json").write_text(json.dumps(shorten(evaluation)) + "\n")
    snapshots = sorted((source / "snapshots").glob("*.npz"))
    (target / "snapshots").mkdir()
    for path in snapshots if full else snapshots[-1:]:
        shutil.copy(path, target / "snapshots" / path.name)
    if full:
        (target / "checkpoints").mkdir()
        weights = load_file(source / "checkpoints" / "last.safetensors")
        halved = {key: value.half() if value.is_floating_point() else value for key, value in weights.items()}
        save_file(halved, target / "checkpoints" / "last.safetensors")
        shutil.copy(source / "checkpoints" / "last.json", target / "checkpoints" / "last.json")


def publish_correction(source: Path, target: Path) -> None:
    """Copy a correction with `REVIEWED` of the labels that its first run judged, without decisions."""
    head = json.loads((source / "correction.json").read_text())
    images, runs = head["images"], head["runs"][:1]
    ranked = sorted(
        (row for row, image in enumerate(images) if image["run"] in runs),
        key=lambda row: images[row]["quality"],
    )
    rows = np.sort(np.array(ranked)[np.linspace(0, len(ranked) - 1, REVIEWED).round().astype(int)])
    target.mkdir(parents=True)
    for name in ("proposals.npy", "probability.npy"):
        np.save(target / name, np.load(source / name, mmap_mode="r")[rows])
    kept = {**head, "clean": None, "runs": runs, "images": [images[row] for row in rows]}
    (target / "correction.json").write_text(json.dumps(shorten(kept)) + "\n")


def shorten(value: object) -> object:
    """The same JSON with per-image figures of four decimals."""
    if isinstance(value, float):
        return round(value, DECIMALS)
    if isinstance(value, list):
        return [shorten(entry) for entry in value]
    if isinstance(value, dict):
        return {key: shorten(entry) for key, entry in value.items()}
    return value


if __name__ == "__main__":
    main()
