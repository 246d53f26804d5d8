"""What label repair is worth: `python benchmarks/label_repair.py --workspace DIR [--output FILE]`.

For corrections of the workspace (`lvcnet correct`): labels before and after, how well wrong pixels are found, beside
cleanlab on the same predictions; what U-Net gains from training on repaired labels, or on labels whose disputed pixels are
ignored; and how long ranking takes. Clean labels judge and choose nothing.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from cleanlab.segmentation.filter import find_label_issues
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from shown import shown_command

from lvcnet.comparison.cells import BASELINE
from lvcnet.comparison.formats import markdown_section
from lvcnet.comparison.scores import image_scores
from lvcnet.comparison.tables import Table
from lvcnet.correction.against_clean import PixelRanking
from lvcnet.correction.apply import made_labels
from lvcnet.correction.confidence import surely_wrong
from lvcnet.correction.judge import judge_batch, suspicion
from lvcnet.correction.review import review_rows
from lvcnet.correction.store import Correction, find_correction, list_corrections
from lvcnet.data.dataset import CLEAN, Dataset
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.statistics import paired_bootstrap
from lvcnet.masks.overlap import iou
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import list_runs
from lvcnet.training.commit import current_commit

BATCH = 32
MASKS = 10_000
IMAGES = 1_000
Masks = NDArray[np.bool_]


def main() -> None:
    """Print and write markdown."""
    options = parse_options()
    os.environ["LVCNET_HOME"] = str(options.workspace.absolute())
    corrections = [find_correction(name) for name in options.corrections or list_corrections()]
    corrections = [one for one in corrections if options.corrections or not one.name.startswith("demo-")]
    tables = [repair_table(corrections), errors_table(corrections), training_table(corrections)]
    if options.time and corrections:
        tables.append(time_table(corrections[0]))
    text = "\n\n".join([head(corrections), *(markdown_section(table).strip() for table in tables)])
    print(text)
    if options.output:
        options.output.write_text(text.rstrip("\n") + "\n")


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--workspace", type=Path, required=True, help="data sets, runs, corrections (LVCNET_HOME)"
    )
    parser.add_argument("--corrections", nargs="*", metavar="NAME", help="default: all of the workspace")
    parser.add_argument("--time", action="store_true", help=f"rank {MASKS:,} masks, too: a minute")
    parser.add_argument("--output", type=Path, help="write the text there, too")
    return parser.parse_args()


def head(corrections: Sequence[Correction]) -> str:
    """Command, commit, data and trainings."""
    prints = {one.head["dataset"]: one.head["fingerprint"] for one in corrections}
    lines = [
        "# Label repair",
        "",
        f"Command: `{shown_command('label_repair.py', sys.argv[1:])}`; commit {current_commit()}; "
        + "; ".join(f"data set {name}, fingerprint {digest}" for name, digest in prints.items())
        + ". Every label was judged by a training that left it out; commits of the trainings are in their runs:",
        "",
    ]
    for one in corrections:
        command = f"lvcnet correct {one.head['dataset']} --labels {one.head['labels']} --method {one.head['method']}"
        lines.append(
            f"- {one.name}: `{command} --folds {one.head['folds']} --epochs {one.head['epochs']} --seed"
            f" {one.head['seed']}`"
        )
    return "\n".join(lines)


def repair_table(corrections: Sequence[Correction]) -> Table:
    """IoU of labels with the clean ones before and after."""
    rows = []
    for one in corrections:
        label, proposal, clean, _ = arrays(one)
        sure = surely_wrong(np.array([row["confident"] for row in one.rows]))
        chosen = np.where(sure[:, None, None, None], proposal, label)
        before, after_all, after_sure = (image_iou(masks, clean) for masks in (label, proposal, chosen))
        rows.append(
            [
                one.head["dataset"],
                one.head["labels"],
                str(len(label)),
                f"{before.mean():.3f}",
                with_gain(after_all, before),
                f"{sure.sum()}",
                with_gain(after_sure, before),
            ]
        )
    return Table(
        "Labels before and after",
        "Mean foreground IoU with the clean labels; in brackets the change in points with its 95 % interval over images."
        " Rule `confident` repairs the labels that are surely wrong, rule `all` takes every proposal. Judging clean"
        " labels shows what repair damages.",
        ["Data", "Labels", "Images", "Before", "Rule all", "Surely wrong", "Rule confident"],
        rows,
    )


def errors_table(corrections: Sequence[Correction]) -> Table:
    """How well wrong pixels are found."""
    rows = []
    for one in corrections:
        label, proposal, clean, probability = arrays(one)
        if one.head["labels"] == CLEAN or one.head.get("clean") is None:
            continue
        wrong, found = label != clean, cleanlab_issues(probability, label)
        rows.append(
            [
                one.head["dataset"],
                one.head["labels"],
                f"{wrong.mean():.1%}",
                *average_precisions(probability, label, wrong),
                *precision_recall(proposal != label, wrong),
                *precision_recall(found, wrong),
            ]
        )
    return Table(
        "Wrong pixels found",
        "Average precision of the suspicious-pixel map, which is one minus cleanlab's pixel score, so that both have the"
        " same; of that map with 0 where label and proposal agree; and of that map blurred by 1 px. Precision and"
        " recall of the disputed pixels (probability from 1/2 on), and of those that cleanlab's `find_label_issues` reports"
        " on the same predictions.",
        [
            *("Data", "Labels", "Wrong pixels", "Average precision", "0 where they agree", "Blurred"),
            *("Precision", "Recall"),
            *("Precision, cleanlab", "Recall, cleanlab"),
        ],
        rows,
    )


def training_table(corrections: Sequence[Correction]) -> Table:
    """U-Net on the test images, trained on noisy, repaired and clean labels."""
    rows = []
    for one in corrections:
        data = Dataset.load(one.head["dataset"])
        base = find_baseline(one, CLEAN), find_baseline(one, one.head["labels"])
        if one.head["labels"] == CLEAN or None in base:
            continue
        clean, noisy = (scores(run) for run in base if run is not None)
        for name in made_labels(one, data):
            run = find_baseline(one, name)
            if run is None:
                continue
            repaired, manifest = scores(run), data.manifest(name)
            closed = (repaired.mean() - noisy.mean()) / (clean.mean() - noisy.mean())
            ignored = f"{manifest['ignored_share']:.1%}" if manifest["ignored_share"] else "none"
            rows.append(
                [
                    *(data.name, f"{name} (rule {manifest['rule']})", ignored, f"{noisy.mean():.3f}"),
                    *(with_gain(repaired, noisy), f"{clean.mean():.3f}", f"{closed:.0%}"),
                ]
            )
    return Table(
        "U-Net trained on repaired labels",
        "Foreground IoU on the clean test labels, last epoch, one training (seed 0) each; in brackets the change in points"
        " against the noisy labels with its 95 % interval over images.",
        ["Data", "Labels", "Pixels ignored", "Noisy", "Repaired", "Clean", "Gap closed"],
        rows,
    )


def time_table(one: Correction) -> Table:
    """CPU seconds of one thread for ranking, and for the reviewers' list."""
    label, _, _, probability = arrays(one)
    take = np.arange(MASKS) % len(label)
    judge_batch(probability[:1], label[:1], one.head["categories"])  # imports
    started = time.process_time()
    for start in range(0, MASKS, BATCH):
        some = take[start : start + BATCH]
        judge_batch(probability[some], label[some], one.head["categories"])
    ranking = time.process_time() - started
    rows = [dict(one.rows[n % len(label)], key=f"image-{n}") for n in range(IMAGES)]
    many = Correction(one.folder)
    many.head = {**one.head, "images": rows}
    started = time.process_time()
    review_rows(many)
    listing = time.process_time() - started
    return Table(
        "Time",
        f"CPU seconds of one process; masks of {label.shape[-1]} px.",
        ["What", "Seconds"],
        [
            [f"Rank {MASKS:,} masks (quality, distance, regions)", f"{ranking:.1f}"],
            [f"List {IMAGES:,} judged images with their decisions", f"{listing:.3f}"],
        ],
    )


def arrays(one: Correction) -> tuple[Masks, Masks, Masks, NDArray[np.float32]]:
    """Labels, proposals, clean labels and probabilities of the judged images, (N, C, H, W)."""
    data = Dataset.load(one.head["dataset"])
    rows = [data.index(row["key"]) for row in one.rows]
    probability = np.stack([one.probability(row["key"]) for row in one.rows])
    proposal = np.stack([one.proposal(row["key"]) for row in one.rows])
    return data.labels(one.head["labels"]).masks[rows], proposal, data.labels(CLEAN).masks[rows], probability


def image_iou(masks: Masks, clean: Masks) -> NDArray[np.float64]:
    """Foreground IoU by image, (N,)."""
    return iou(masks, clean).mean(axis=1)


def with_gain(after: NDArray[np.float64], before: NDArray[np.float64]) -> str:
    """Mean, and change in points with its interval."""
    gain = paired_bootstrap(after, before)
    return f"{after.mean():.3f} ({100 * gain.mean:+.1f}; {100 * gain.low:+.1f} to {100 * gain.high:+.1f})"


def average_precisions(probability: NDArray[np.float32], label: Masks, wrong: Masks) -> list[str]:
    """Of the suspicious-pixel map, and of two others that were tried."""
    found = suspicion(probability, label)
    maps = [found, np.where(found >= 0.5, found, 0), gaussian_filter(found, (0, 0, 1, 1))]
    rankings = [PixelRanking() for _ in maps]
    for ranking, scores in zip(rankings, maps, strict=True):
        ranking.add(scores, wrong)
    return [f"{ranking.average_precision():.3f}" for ranking in rankings]


def precision_recall(found: Masks, wrong: Masks) -> tuple[str, str]:
    """In words."""
    hits = (found & wrong).sum()
    return f"{hits / max(1, found.sum()):.3f}", f"{hits / max(1, wrong.sum()):.3f}"


def cleanlab_issues(probability: NDArray[np.float32], label: Masks) -> Masks:
    """The pixels that cleanlab reports, category by category, (N, C, H, W)."""
    found = []
    for c in range(label.shape[1]):
        both = np.stack([1 - probability[:, c], probability[:, c]], axis=1)
        found.append(find_label_issues(label[:, c].astype(int), both, downsample=1, n_jobs=1, verbose=False))
    return np.stack(found, axis=1)


def find_baseline(one: Correction, labels: str) -> RunDirectory | None:
    """An evaluated U-Net of seed 0 that was trained on a label set for as many epochs as the folds."""
    wanted = {"method": BASELINE, "labels": labels, "seed": 0, "epochs": one.head["epochs"], "options": {}}
    for run in list_runs(one.head["dataset"]):
        config = run.config()
        if run.evaluation() and {name: config[name] for name in wanted} == wanted:
            return run
    return None


def scores(run: RunDirectory) -> NDArray[np.float64]:
    """Foreground IoU of every test image, in the order of their keys."""
    found = image_scores([run.evaluation() or {}], "iou")
    return np.array([found[key] for key in sorted(found)])


if __name__ == "__main__":
    try:
        main()
    except LvcnetError as error:
        sys.exit(f"label_repair: {error}")
