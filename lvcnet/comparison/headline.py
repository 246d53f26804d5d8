"""What a comparison says first: every method's score at the labels that are hardest to learn from."""

from lvcnet.comparison.cells import BASELINE, Comparison
from lvcnet.comparison.tables import marked
from lvcnet.methods import method_title


def headline(comparison: Comparison) -> list[tuple[str, str, str | None]]:
    """At the noisiest labels: (method, score, difference from the baseline) for every method that learned from them.

    There is no difference from or to a score from which nothing is concluded.
    """
    labels = hardest_labels(comparison)
    found = [cell for cell in comparison.cells if cell.labels == labels]
    baseline = next((cell for cell in found if cell.method == BASELINE and not cell.excluded), None)
    base = baseline.mean(comparison.metric) if baseline else None
    rows: list[tuple[str, str, str | None]] = []
    for cell in found:
        score = cell.mean(comparison.metric)
        delta = None if base is None or cell.excluded or cell.method == BASELINE else f"{score - base:+.3f}"
        rows.append((marked(cell, method_title(cell.method)), f"{score:.3f}", delta))
    return rows


def hardest_labels(comparison: Comparison) -> str:
    """The label set most methods learned from; of several the noisiest level."""
    counts: dict[str, int] = {}
    for cell in comparison.cells:
        counts[cell.labels] = counts.get(cell.labels, 0) + 1
    most = max(counts.values())
    return max(
        (name for name in counts if counts[name] == most), key=lambda name: comparison.level(name) or -1
    )
