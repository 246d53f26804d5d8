"""Facts about images, choosing by them, and their statistics, by hand-made masks."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.data.figures import foreground_figure
from lab.data.image import facts_text
from lab.ui.tables import spread_rows
from lvcnet.data.dataset import Dataset, Item, LabelSet
from lvcnet.data.facts import Filters, ImageFacts, image_facts, select, statistics
from lvcnet.data.summary import iou_to_clean, summarise
from lvcnet.errors import LvcnetError
from tests.data.test_cli import Run, answer, run

__all__ = ["run"]


@pytest.fixture
def dataset() -> Dataset:
    """Three images of 16 x 16 with two categories.

    Clean: image a has two squares of 16 and 4 px of the first category, which touch the other's 8 px nowhere; b has only
    the second category's 64 px; c is empty. Label set `noisy` covers a and b: a's large square is lost, b grows by half.
    """
    clean = np.zeros((3, 2, 16, 16), dtype=bool)
    clean[0, 0, :4, :4] = clean[0, 0, 8:10, 8:10] = clean[0, 1, 12:14, 0:4] = True
    clean[1, 1, :8, :8] = True
    noisy = np.zeros_like(clean)
    noisy[0, 0, 8:10, 8:10] = noisy[0, 1, 12:14, 0:4] = True
    noisy[1, 1, :12, :8] = True
    items = [Item("Aa", "train", 20, 40), Item("ab", "train", 20, 40), Item("c", "test", 30, 30)]
    made = Dataset("set", ["bone", "tooth"], items, np.zeros((3, 16, 16), dtype=np.uint8), stretched=True)
    made.add_labels(LabelSet("clean", clean, np.ones(3, dtype=bool)))
    made.add_labels(LabelSet("noisy", noisy, np.array([True, True, False])))
    return made


def test_facts_by_hand(dataset: Dataset) -> None:
    a, b, c = image_facts(dataset, "noisy")
    assert (a.key, a.split, a.width, a.height, a.labelled) == ("Aa", "train", 40, 20, True)
    assert a.foreground == 12 / 256
    assert a.shares == (4 / 256, 8 / 256)
    assert a.components == (1, 1)
    assert a.iou == pytest.approx((4 / 20 + 1) / 2)
    assert a.area_change == pytest.approx((-16 / 20 + 0) / 2)
    assert (b.iou, b.area_change) == (
        pytest.approx(2 / 3),
        pytest.approx(0.5),
    )  # the first category has no clean area
    assert c == ImageFacts(2, "c", "test", 30, 30, False)
    empty = image_facts(dataset)[2]
    assert (empty.labelled, empty.foreground, empty.components, empty.iou) == (True, 0.0, (0, 0), None)
    assert image_facts(dataset)[0].components == (2, 1)


def test_pixels_that_touch_at_a_corner_are_one_component(dataset: Dataset) -> None:
    masks = np.zeros((3, 2, 16, 16), dtype=bool)
    masks[0, 0] = np.eye(16, dtype=bool)
    dataset.add_labels(LabelSet("corner", masks, np.ones(3, dtype=bool)))
    assert image_facts(dataset, "corner")[0].components == (1, 0)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), ["Aa", "ab", "c"]),
        (Filters(split="test"), ["c"]),
        (Filters(labelled=True), ["Aa", "ab"]),
        (Filters(labelled=False), ["c"]),
        (Filters(text=" A"), ["Aa", "ab"]),
        (Filters(foreground=(0.1, 1.0)), ["ab"]),
        (Filters(foreground=(0.0, 0.1)), ["Aa"]),
        (Filters(components=(2, None)), ["Aa"]),
        (Filters(components=(0, 1)), ["ab"]),
        (Filters(order="worst"), ["Aa", "ab", "c"]),
        (Filters(order="foreground"), ["ab", "Aa", "c"]),
        (Filters(split="train", components=(5, 6)), []),
    ],
)
def test_each_filter(dataset: Dataset, filters: Filters, expected: list[str]) -> None:
    assert [one.key for one in select(image_facts(dataset, "noisy"), filters)] == expected


@pytest.mark.parametrize(
    "filters",
    [
        Filters(split="valid"),
        Filters(order="random"),
        Filters(foreground=(0.5, 0.1)),
        Filters(foreground=(-0.1, 1.0)),
        Filters(components=(3, 2)),
    ],
)
def test_filters_that_cannot_be_meant_are_refused(filters: Filters) -> None:
    with pytest.raises(LvcnetError):
        select([], filters)


@given(
    st.floats(0, 1), st.floats(0, 1), st.integers(0, 4), st.sampled_from(["stored", "worst", "foreground"])
)
def test_narrower_filters_choose_a_part_of_what_wider_ones_choose(
    one: float, other: float, least: int, order: str
) -> None:
    facts = [
        ImageFacts(row, str(row), "train", 8, 8, True, row / 10, (row / 10,), (row % 4,), 1 - row / 10, 0.0)
        for row in range(11)
    ]
    narrow = Filters(foreground=(min(one, other), max(one, other)), components=(least, None), order=order)
    chosen = select(facts, narrow)
    assert {fact.row for fact in chosen} <= {fact.row for fact in select(facts, Filters(order=order))}
    if order == "worst":
        assert chosen == sorted(chosen, key=lambda fact: fact.iou or 0)


def test_statistics_by_hand(dataset: Dataset) -> None:
    found = statistics(image_facts(dataset, "noisy"), dataset.categories)
    assert found["labelled"] == 2
    assert found["sizes"] == [
        {"width": 40, "height": 20, "images": 2},
        {"width": 30, "height": 30, "images": 1},
    ]
    assert found["components"] == {"bone": {"0": 1, "1": 1}, "tooth": {"1": 2}}
    assert found["foreground"]["bone"]["mean"] == pytest.approx(2 / 256)
    assert found["foreground"]["tooth"]["max"] == 96 / 256
    assert found["foreground"]["tooth"]["median"] == pytest.approx(52 / 256)
    summary = summarise(dataset)
    assert summary["statistics"] == json.loads(json.dumps(summary["statistics"]))
    assert summary["statistics"]["components"]["bone"] == {"0": 2, "2": 1}


@pytest.fixture
def doubted(dataset: Dataset) -> Dataset:
    """With a label set `doubted` of images a and b that says nothing about some pixels.

    Image a, bone: the large square lacks its row 3; row 0 (16 px) and the right half of the other rows (15 * 8 = 120 px)
    are ignored, so that 120 px count, of which 8 are foreground, where the clean masks have 12. Its tooth is as clean.
    Image b: all of bone is ignored, and of tooth the left 4 columns (64 px), so that 192 px count, of which 32 are
    foreground.
    """
    masks = dataset.labels("clean").masks.copy()
    masks[0, 0, 3] = False
    ignored = np.zeros_like(masks)
    ignored[0, 0, 0] = ignored[0, 0, :, 8:] = ignored[1, 0] = ignored[1, 1, :, :4] = True
    dataset.add_labels(LabelSet("doubted", masks, np.array([True, True, False]), {}, ignored))
    return dataset


def test_ignored_pixels_are_neither_foreground_nor_background(doubted: Dataset) -> None:
    a, b, c = facts = image_facts(doubted, "doubted")
    assert (a.shares, a.foreground) == ((8 / 120, 8 / 256), 16 / 256)
    assert a.components == (1, 1), "the small square is ignored"
    assert a.iou == pytest.approx((8 / 12 + 1) / 2)
    assert a.area_change == pytest.approx((-4 / 12 + 0) / 2)
    assert a.ignored == pytest.approx(136 / 512)
    assert (b.shares, b.foreground, b.iou) == ((None, 32 / 192), 32 / 192, 1.0)
    assert b.ignored == pytest.approx((256 + 64) / 512)
    assert c.ignored == image_facts(doubted)[0].ignored == 0
    assert [one.key for one in select(facts, Filters(foreground=(0.1, 0.2)))] == ["ab"]
    assert select(facts, Filters(foreground=(0.2, 1.0))) == select(facts, Filters(components=(3, None))) == []
    found = statistics(facts, doubted.categories)
    assert found["ignored"] == pytest.approx((136 + 320) / 1024)
    assert (found["foreground"]["bone"]["min"], found["foreground"]["bone"]["max"]) == (8 / 120, 8 / 120)
    assert found["foreground"]["tooth"]["mean"] == pytest.approx((8 / 256 + 32 / 192) / 2)
    assert found["components"] == {"bone": {"0": 1, "1": 1}, "tooth": {"1": 2}}
    iou = iou_to_clean(doubted.labels("doubted"), doubted.labels("clean"), np.arange(3))
    assert iou == pytest.approx((8 / 12 + 1 + 1) / 3), "one category of one image is not there"


def test_where_pixels_are_ignored_the_numbers_say_so(run: Run, doubted: Dataset) -> None:
    labels = doubted.labels("doubted")
    doubted.add_labels(replace(labels, name="clean"))
    doubted.save()
    out = run("data", "images", "set", "--labels", "doubted")[1]
    assert ("ignored" in out, "26.6%" in out, "62.5%" in out) == (True, True, True)
    assert "ignored" not in run("data", "images", "set", "--labels", "noisy")[1]
    assert "44.5% of all pixels ignored" in run("data", "show", "set")[1]
    assert summarise(doubted)["foreground"] == {
        "bone": 8 / 120,
        "tooth": pytest.approx((8 / 256 + 32 / 192) / 2),
    }
    a, b, _ = image_facts(doubted, "doubted")
    assert facts_text(a, doubted.categories, "clean") == (
        "bone 6.7 % in 1 part, tooth 3.1 % in 1 part, without the 26.6 % of the pixels that are ignored."
    )
    assert facts_text(b, doubted.categories, "clean").startswith("bone — in 0 parts, tooth 16.7 % in 1 part")
    assert not foreground_figure([b], doubted.categories).data[0].x
    nothing = spread_rows(statistics([b], doubted.categories))[0]
    assert (nothing["Median"], nothing["Parts"]) == ("—", "0 in 1 image")


def test_the_command_gives_the_same(run: Run, dataset: Dataset) -> None:
    dataset.save()
    found = answer(run("data", "images", "set", "--labels", "noisy", "--order", "worst", "--json"))
    assert [image["key"] for image in found["images"]] == ["Aa", "ab", "c"]
    assert found["images"][1]["iou"] == pytest.approx(2 / 3)
    status, out, _ = run("data", "images", "set", "--labels", "noisy", "--components", "2-", "--labelled")
    assert (status, "Aa" in out, " ab " in out) == (0, True, False)
    for wrong, message in (("x", "is not a range"), ("1.5-2", "whole numbers"), ("3-2", "smaller first")):
        status, _, err = run("data", "images", "set", "--components", wrong)
        assert (status, message in err) == (2, True)
    assert answer(run("data", "show", "set", "--json"))["statistics"]["labelled"] == 3
    assert "components in images" in run("data", "show", "set")[1]
