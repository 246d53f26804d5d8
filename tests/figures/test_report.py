"""The HTML report of a comparison and the figures in it."""

import re
from dataclasses import replace
from html import escape
from html.parser import HTMLParser

import numpy as np
import pytest

from lvcnet.comparison.cells import Cell, Comparison, Difference
from lvcnet.comparison.tables import Table, comparison_tables
from lvcnet.drawing.palette import method_colour
from lvcnet.figures.differences import difference_intervals, report_figures
from lvcnet.figures.html import html_page, table_block
from lvcnet.figures.report import html_report
from lvcnet.masks.metrics import METRICS
from lvcnet.planner.clicks import Outlines
from lvcnet.planner.curve import Plan
from lvcnet.planner.equivalence import Point, equivalences
from lvcnet.planner.plan_text import plan_table
from tests.evaluations import noise_manifest


def cell(method: str, level: int) -> Cell:
    labels = f"level{level}" if level else "clean"
    rounds = dict.fromkeys(("precision", "recall", "miou"), (0.5, 0.1))
    values = {name: [0.9 - 0.1 * level] for name in METRICS}
    return Cell(
        method,
        labels,
        noise_manifest(level),
        1 - 0.05 * level,
        {0: f"{method}-{level}"},
        values,
        1,
        1.0,
        rounds=rounds,
    )


@pytest.fixture
def comparison() -> Comparison:
    cells = [cell(method, level) for method in ("unet", "lvcnet") for level in (0, 1, 4)]
    differences = [
        Difference("lvcnet", "level1", "iou", [0], 9, -0.01, -0.03, 0.02, 0.5),
        Difference("lvcnet", "level4", "iou", [0], 9, 0.10, 0.05, 0.20, 0.01),
    ]
    return Comparison("hips", "iou", cells, differences, {"broken <run>": "it is failed"})


class Balance(HTMLParser):
    """Complains about elements that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_intervals_are_drawn_in_points_from_their_means(comparison: Comparison) -> None:
    (points,) = difference_intervals(comparison).data
    assert (list(points.x), points.marker.color) == (["Level 1", "Level 4"], method_colour("lvcnet"))
    assert points.y == pytest.approx([-1.0, 10.0])
    assert points.error_y.array == pytest.approx([3.0, 10.0])
    assert points.error_y.arrayminus == pytest.approx([2.0, 5.0])


def test_distances_stay_in_pixels(comparison: Comparison) -> None:
    distances = Comparison("hips", "hd95", comparison.cells, comparison.differences)
    figure = difference_intervals(distances)
    assert figure.data[0].y == pytest.approx([-0.01, 0.1])
    assert figure.layout.yaxis.title.text == "HD95 minus U-Net's (px)"


def test_figures_that_would_be_empty_are_left_out(comparison: Comparison) -> None:
    assert len(report_figures(comparison)) == 5
    noisy = [cell("unet", 1), cell("unet", 4)]
    titles = list(report_figures(Comparison("hips", "iou", noisy, [])))
    assert titles == [
        "IoU (foreground) by noise level",
        "IoU (foreground) by label IoU",
        "Retention relative to its own level 1",
    ]


def test_the_report_holds_every_table_and_figure_and_is_well_formed(comparison: Comparison) -> None:
    page = html_report(comparison)
    for table in comparison_tables(comparison):
        assert f"<h3>{escape(table.title)}</h3>" in page
    for title in report_figures(comparison):
        assert f"<figcaption>{escape(title)}</figcaption>" in page
    assert "broken &lt;run&gt;" in page
    without_scripts = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    parser = Balance()
    parser.feed(without_scripts)
    assert not parser.open
    assert "http://" not in without_scripts
    assert "https://" not in without_scripts
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=", page)


def test_the_report_says_how_carefully_to_outline_and_what_differs(comparison: Comparison) -> None:
    scores = {"unet": (0.6, 0.8), "lvcnet": (0.7, 0.9)}
    points = [
        Point(method, labels, clicks, score, score, score, 1, np.full(8, score))
        for method, both in scores.items()
        for labels, clicks, score in zip(("level4", "level1"), (10.0, 40.0), both, strict=True)
    ]
    outlines = [Outlines("level4", 10.0, 1.0, "Level 4"), Outlines("level1", 40.0, 1.0, "Level 1")]
    plan = Plan("hips", 100, 8, outlines, points, equivalences(points), None, ["<left> out"])
    page = html_report(comparison, plan)
    assert "<strong>Level 4: LVC-Net is better than U-Net in these trainings.</strong>" in page
    assert "<h2>How carefully must we outline?</h2>" in page
    assert "Level 4 outlines with LVC-Net equal outlines between level 4 and level 1 with U-Net" in page
    assert f"<h3>{plan_table(plan).title}</h3>" in page
    assert "&lt;left&gt; out" in page
    assert page.count('"automargin":true') >= 2 * (
        len(report_figures(comparison)) + 1
    )  # no number is cut off
    assert page.count("plotly-graph-div") == html_report(comparison).count("plotly-graph-div") + 1


def test_a_page_without_figures_needs_no_script() -> None:
    page = html_page("A <title>", [table_block(Table("T", "", ["a"], [["<b>"]]))])
    assert "<script" not in page
    assert "<td>&lt;b&gt;</td>" in page
    assert "<title>A &lt;title&gt;</title>" in page


def test_the_report_says_what_was_not_learned(comparison: Comparison) -> None:
    said = "'clavicles' is not learned: IoU 0.00 on held-out labels; trained 240 steps"
    first, *rest = comparison.cells
    told = replace(comparison, cells=[replace(first, diagnoses={"unet-0": [said]}), *rest])
    assert escape(f"Note: run unet-0: {said}.") in html_report(told)
    assert "is not learned" not in html_report(comparison)
