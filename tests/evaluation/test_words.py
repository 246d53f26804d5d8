"""Paired comparisons in words, worked out by hand."""

import pytest

from lvcnet.comparison import words
from lvcnet.comparison.cells import Cell, Comparison, Difference
from tests.evaluations import noise_manifest


def difference(metric: str, mean: float, low: float, high: float) -> Difference:
    return Difference("lvcnet", "level3", metric, [0, 1, 2], 50, mean, low, high, 0.01)


@pytest.mark.parametrize(
    ("found", "claim", "figures"),
    [
        (
            difference("iou", 0.05, 0.04, 0.06),
            "is better than",
            "5.0 points higher (95 % interval 4.0 to 6.0)",
        ),
        (
            difference("iou", -0.05, -0.06, -0.04),
            "is worse than",
            "5.0 points lower (95 % interval 4.0 to 6.0)",
        ),
        (difference("hd95", -2.0, -3.0, -1.0), "is better than", "2.0 px lower (95 % interval 1.0 to 3.0)"),
        (difference("hd95", 2.0, 1.0, 3.0), "is worse than", "2.0 px higher (95 % interval 1.0 to 3.0)"),
        (
            difference("iou", 0.01, -0.01, 0.03),
            "cannot be told apart",
            "1.0 points higher (95 % interval -1.0 to 3.0)",
        ),
    ],
)
def test_a_difference_in_words(found: Difference, claim: str, figures: str) -> None:
    sentence = words.difference_sentence(found, Comparison("hips", "iou", [], [found]))
    assert claim in sentence
    assert figures in sentence


def test_few_seeds_are_admitted() -> None:
    one = Difference("lvcnet", "level3", "iou", [0], 50, 0.05, 0.04, 0.06, 0.01)
    assert "LVC-Net is better than U-Net in these trainings." in words.difference_sentence(
        one, Comparison("hips", "iou", [], [one])
    )
    three = difference("iou", 0.1, 0.0, 0.2)
    two = Difference("fcn", "level3", "iou", [0, 1], 50, 0.1, 0.0, 0.2, 0.5)
    assert words.seeds_caveat([three]) is None
    assert "as few as 2 trainings" in str(words.seeds_caveat([three, two]))
    assert words.seeds_caveat([]) is None


def test_the_noisiest_labels_come_first_and_the_caveat_last() -> None:
    differences = [
        Difference(method, labels, "iou", [0], 50, 0.05, 0.04, 0.06, 0.01)
        for method, labels in (("fcn", "level1"), ("fcn", "level4"), ("lvcnet", "level4"))
    ]
    cells = [Cell("unet", f"level{level}", noise_manifest(level), 0.9, {}, {}, 1, 1.0) for level in (1, 4)]
    found = words.comparison_words(Comparison("hips", "iou", cells, differences))
    assert [text.split(" is ")[0] for text in found[:3]] == [
        "**Level 4: LVC-Net",
        "**Level 4: FCN",
        "**Level 1: FCN",
    ]
    assert found[3].endswith("train at least 3 seeds before relying on them.")
    assert words.comparison_words(Comparison("hips", "iou", [], [])) == []
