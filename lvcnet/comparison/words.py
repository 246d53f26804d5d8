"""A comparison in words: what a reader who does not live on confidence intervals takes home.

Scores are compared in points (hundredths), distances in pixels. Sentences are Markdown.
"""

from collections.abc import Iterable, Sequence

from lvcnet.comparison.cells import (
    BASELINE,
    ENOUGH_SEEDS,
    Cell,
    Comparison,
    Difference,
    method_order,
)
from lvcnet.masks.metrics import METRICS
from lvcnet.methods import method_title


def comparison_words(comparison: Comparison) -> list[str]:
    """All paired comparisons as sentences, those of the noisiest labels first, what the intervals leave out, and where
    nothing can be concluded."""
    sentences = [difference_sentence(one, comparison) for one in hardest_first(comparison)]
    caveat = seeds_caveat(comparison.differences)
    return [*sentences, *([caveat] if caveat else []), *excluded_sentences(comparison)]


def excluded_sentences(comparison: Comparison, only: str | None = None) -> list[str]:
    """For every label set, or one, with measured figures that do not count everywhere: why, and what to do, as Markdown."""
    return [
        f"**{comparison.title(labels)}: {said} {_listed(cells)}.** "
        + " ".join(
            f"{reason[0].upper()}{reason[1:]}."
            for reason in (cell.excluded or cell.apart or "" for cell in cells)
        )
        for said, chosen in (
            ("nothing can be said about", comparison.excluded()),
            ("on these labels only can be compared", comparison.set_apart()),
        )
        for labels, cells in _by_labels(cell for cell in chosen if only in (None, cell.labels)).items()
    ]


def _by_labels(cells: Iterable[Cell]) -> dict[str, list[Cell]]:
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell.labels, []).append(cell)
    return found


def _listed(cells: Sequence[Cell]) -> str:
    *first, last = [method_title(cell.method) for cell in cells]
    return f"{', '.join(first)} and {last}" if first else last


def difference_sentence(difference: Difference, comparison: Comparison) -> str:
    """One of a comparison's paired comparisons in words, as Markdown.

    >>> one = Difference("lvcnet", "dentist2", "iou", [0, 1, 2], 60, 0.052, 0.041, 0.063, 0.001)
    >>> print(difference_sentence(one, Comparison("jaws", "iou", [], [one])))
    **dentist2: LVC-Net is better than U-Net.** On the same 60 images its IoU (foreground) is 5.2 points higher \
(95 % interval 4.1 to 6.3).
    """
    metric = METRICS[difference.metric]
    unit, scale = (metric.unit_in(comparison.unit), 1.0) if metric.unit else ("points", 100.0)
    first, second = method_title(difference.method), method_title(BASELINE)
    low, high = sorted((difference.low * scale, difference.high * scale))
    mean = difference.mean * scale
    certain = low > 0 or high < 0
    gain = -mean if metric.lower_is_better else mean
    if certain:
        where = "" if len(difference.seeds) >= ENOUGH_SEEDS else " in these trainings"
        claim = f"{first} is {'better' if gain > 0 else 'worse'} than {second}{where}."
    else:
        claim = f"{first} and {second} cannot be told apart."
    if mean < 0:
        low, high = -high, -low
    return (
        f"**{comparison.title(difference.labels)}: {claim}** On the same {difference.images} images its {metric.short} is"
        f" {abs(mean):.1f} {unit} {'lower' if mean < 0 else 'higher'} (95 % interval {low:.1f} to {high:.1f})."
    )


def hardest_first(comparison: Comparison) -> list[Difference]:
    """The paired comparisons by label set from noisy to clean; within it LVC-Net before the others."""
    return sorted(
        comparison.differences,
        key=lambda one: (-(comparison.level(one.labels) or 0), one.labels, -method_order(one.method)[0]),
    )


def seeds_caveat(differences: Sequence[Difference]) -> str | None:
    """What the intervals leave out, if there are too few seeds to see it."""
    fewest = min((len(difference.seeds) for difference in differences), default=ENOUGH_SEEDS)
    if fewest >= ENOUGH_SEEDS:
        return None
    if fewest == 1:
        reason = (
            "The intervals say how certain a difference is for other images. Some rest on one training a method,"
            " and another seed may shift them"
        )
    else:
        reason = (
            f"The intervals rest on as few as {fewest} trainings a method, too few to know how trainings vary"
        )
    return f"{reason}: train at least {ENOUGH_SEEDS} seeds before relying on them."
