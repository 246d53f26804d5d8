"""Two annotators and the image: `python benchmarks/two_annotators.py [--output FILE]`.

For pairs of label sets: how they agree, and whom the image sides with where they differ. Between a clean label set and
one made worse on purpose the right answer is known. Then three annotators of known noise on the first data set: how
far each of them, their majority vote and STAPLE are from the clean labels.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from shown import shown_command

from lvcnet.correction.agreement import agreement
from lvcnet.correction.consensus import VOTES, consensus
from lvcnet.correction.edge_support import edge_support
from lvcnet.data.dataset import CLEAN, Dataset, LabelSet
from lvcnet.data.summary import iou_to_clean
from lvcnet.noise.calibrate import make_noisy_labels
from lvcnet.training.commit import current_commit

PAIRS = [
    *(f"hips:clean:level{level}" for level in (1, 2, 3, 4)),
    "mandible:clean:dentist2",
    *(f"mandible:clean:level{level}" for level in (1, 2, 3, 4)),
]
PANELS: dict[str, list[tuple[int, int]]] = {
    "equally careful": [(3, 1), (3, 2), (3, 3)],
    "one careless": [(2, 1), (2, 2), (4, 3)],
    "two careless": [(1, 1), (4, 2), (4, 3)],
    "two annotators": [(2, 1), (4, 2)],
}
"""Annotators as (noise level, seed)."""


def main() -> None:
    """Print markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", nargs="+", default=PAIRS, metavar="DATASET:FIRST:SECOND")
    parser.add_argument("--output", type=Path, help="write the text there, too")
    options = parser.parse_args()
    pairs = [tuple(pair.split(":")) for pair in options.pairs]
    datasets = {name: Dataset.load(name) for name, _, _ in pairs}
    prints = "; ".join(
        f"data set {name}, {len(data)} images, fingerprint {data.fingerprint()}"
        for name, data in datasets.items()
    )
    lines = [
        "# Two annotators",
        "",
        f"Command: `{shown_command('two_annotators.py', sys.argv[1:])}`; commit {current_commit()}; {prints};"
        " label sets level1 to level4 of seed 0, the annotators of the last table of the seeds it names.",
        "",
        *edge_support_table([(datasets[name], first, second) for name, first, second in pairs]),
        "",
        *panel_table(next(iter(datasets.values()))),
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if options.output:
        options.output.write_text(text)


def edge_support_table(pairs: Sequence[tuple[Dataset, str, str]]) -> list[str]:
    """Agreement and edge support of every pair."""
    lines = [
        "## Edge support: whom the image sides with",
        "",
        "Share of the area of disagreement whose outline lies on stronger Sobel edges. For level1 to level4 the first is",
        "right; for the two dentists nobody knows.",
        "",
        "| data set | first, second | images | Dice | area (px) | first | second | undecided | images won |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for dataset, first, second in pairs:
        agreed, sided = agreement(dataset, first, second), edge_support(dataset, first, second)
        shares = " | ".join(f"{100 * share:.1f} %" for share in sided["share"].values())
        won = sided["images_won"]
        lines.append(
            f"| {dataset.name} | {first}, {second} | {sided['images']} | {agreed['dice']['mean']:.3f} |"
            f" {sided['area_px']:,} | {shares} | {won['first']} : {won['second']} |"
        )
    return lines


def panel_table(dataset: Dataset) -> list[str]:
    """Consensus of annotators of known noise: mean IoU with the clean training labels, and estimated reliability."""
    rows = dataset.indices("train")
    clean = dataset.labels(CLEAN)
    lines = [
        f"## Consensus on {dataset.name}",
        "",
        "Mean IoU with the clean labels over the training images; annotators are (level, seed).",
        "",
        "| panel | annotators | IoU of each | majority | STAPLE | STAPLE's sensitivity; specificity |",
        "|---|---|---|---|---|---|",
    ]
    for title, people in PANELS.items():
        panel = Dataset(  # in memory only
            dataset.name, dataset.categories, dataset.items, dataset.images, stretched=dataset.stretched
        )
        panel.add_labels(clean)
        names = []
        for level, seed in people:
            noisy = make_noisy_labels(dataset, level, seed=seed)
            names.append(f"level{level}-seed{seed}")
            panel.add_labels(LabelSet(names[-1], noisy.masks, noisy.covered, noisy.manifest))
        own = ", ".join(f"{iou_to_clean(panel.labels(name), clean, rows):.3f}" for name in names)
        united = {vote: consensus(panel, names, vote, vote) for vote in VOTES}
        ious = " | ".join(f"{iou_to_clean(labels, clean, rows):.3f}" for labels, _ in united.values())
        found = united["staple"][1]["per_category"][dataset.categories[0]]
        reliability = "; ".join(
            ", ".join(f"{value:.3f}" for value in found[measure].values())
            for measure in ("sensitivity", "specificity")
        )
        lines.append(f"| {title} | {', '.join(map(str, people))} | {own} | {ious} | {reliability} |")
    return lines


if __name__ == "__main__":
    main()
