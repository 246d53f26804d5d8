"""Agreement with held-out labels, category by category, as metrics.jsonl keeps it.

Each category is a column of its own, a number like all others, so that versions that do not know it read the line, too.
Runs of before have none.
"""

from collections.abc import Mapping, Sequence
from typing import Any

PREFIX = "validation_iou/"
"""Of the columns; the category's name follows."""


def by_category(categories: Sequence[str], scores: Sequence[float | None]) -> dict[str, float | None]:
    """Columns of a line of metrics.jsonl.

    >>> by_category(["femur", "ilium"], [0.5, None])
    {'validation_iou/femur': 0.5, 'validation_iou/ilium': None}
    """
    return {f"{PREFIX}{name}": score for name, score in zip(categories, scores, strict=True)}


def held_out_curves(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """Category -> its IoU at each check, from the lines of metrics.jsonl; without those that no held-out label shows.

    >>> held_out_curves([{"loss": 1.0}, {"validation_iou/femur": 0.5}, {"validation_iou/femur": 0.75}])
    {'femur': [0.5, 0.75]}
    """
    found: dict[str, list[float]] = {}
    for row in rows:
        for column, value in row.items():
            if column.startswith(PREFIX) and value is not None:
                found.setdefault(column.removeprefix(PREFIX), []).append(float(value))
    return found
