"""Figures, worked out by hand on a comparison of two methods and on images of a few pixels."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lab.draw import field_figures, map_figures
from lvcnet.comparison.cells import Cell, Comparison
from lvcnet.drawing.palette import DIRECTION_COLOURS, method_colour, rgb
from lvcnet.figures import scores as figures
from lvcnet.masks.metrics import METRICS
from tests.evaluations import noise_manifest

SQUARE = np.zeros((6, 6), dtype=bool)
SQUARE[1:4, 2:5] = True


def cell(method: str, level: int, label_iou: float, scores: list[float]) -> Cell:
    return Cell(
        method=method,
        labels=f"level{level}",
        noise=noise_manifest(level),
        label_iou=label_iou,
        runs={seed: f"{method}-{level}-{seed}" for seed in range(len(scores))},
        values=dict.fromkeys(METRICS, scores),
        parameters=1,
        training_seconds=1.0,
    )


@pytest.fixture
def comparison() -> Comparison:
    cells = [
        cell("unet", 4, 0.72, [0.6]),
        cell("unet", 1, 0.96, [0.8]),
        replace(cell("lvcnet", 1, 0.96, [0.7, 0.9]), interval=(0.75, 0.85)),
        replace(cell("lvcnet", 4, 0.72, [0.7, 0.74]), interval=(0.65, 0.8)),
    ]
    return Comparison("hips", "iou", cells, [])


def named(figure: Any, name: str) -> Any:
    return next(trace for trace in figure.data if trace.name == name)


def test_the_curve_has_one_line_a_method_in_the_order_of_the_levels(comparison: Comparison) -> None:
    figure = figures.robustness_curve(comparison, "iou")
    unet, lvcnet = named(figure, "U-Net"), named(figure, "LVC-Net")
    assert (list(unet.x), list(unet.y)) == ([1, 4], [0.8, 0.6])
    assert lvcnet.y == pytest.approx([0.8, 0.72])
    assert lvcnet.line.color == method_colour("lvcnet")


def test_bands_run_between_the_ends_of_the_intervals(comparison: Comparison) -> None:
    (band,) = [trace for trace in figures.robustness_curve(comparison, "iou").data if trace.fill]
    assert list(band.x) == [1, 4, 4, 1]
    assert list(band.y) == [0.85, 0.8, 0.65, 0.75]
    line = named(figures.robustness_curve(comparison, "iou"), "LVC-Net")
    assert list(line.customdata[1]) == [" (95 % interval 0.650 to 0.800)", "level4", 2]
    other = figures.robustness_curve(comparison, "dice")  # the intervals are the comparison's own metric's
    assert not [trace for trace in other.data if trace.fill]


def test_against_label_iou_worse_labels_are_on_the_right(comparison: Comparison) -> None:
    figure = figures.robustness_curve(comparison, "iou", "label_iou")
    assert list(named(figure, "U-Net").x) == [0.72, 0.96]
    assert figure.layout.xaxis.autorange == "reversed"


def test_the_papers_curves_are_drawn_only_for_its_metrics(comparison: Comparison) -> None:
    paper = named(figures.robustness_curve(comparison, "miou", with_paper=True), "LVC-Net, paper")
    assert list(paper.y) == [0.886, 0.836, 0.810, 0.738]
    assert len(figures.robustness_curve(comparison, "iou", with_paper=True).data) == 3


def test_what_nothing_is_concluded_from_is_a_hollow_point_beside_the_line(comparison: Comparison) -> None:
    cells = [*comparison.cells[:3], replace(comparison.cells[3], excluded="run x predicts nothing")]
    figure = figures.robustness_curve(Comparison("hips", "iou", cells, []), "iou")
    line, point = named(figure, "LVC-Net"), named(figure, "LVC-Net †")
    assert (list(line.x), list(point.x), point.mode) == ([1], [4], "markers")
    assert point.marker.symbol.endswith("-open")
    assert [list(band.x) for band in figure.data if band.fill] == [[1, 1]]


@pytest.mark.parametrize("name", ["dentist2", "level2"])
def test_other_label_sets_are_not_on_the_curve(name: str) -> None:
    other = Cell("unet", name, {"kind": "import"}, 0.8, {0: "x"}, {name: [0.1] for name in METRICS}, 1, 1.0)
    figure = figures.robustness_curve(Comparison("hips", "iou", [other], []), "iou")
    assert not figure.data


def test_retention_is_a_level_over_level_1(comparison: Comparison) -> None:
    bars = {bar.name: dict(zip(bar.x, bar.y, strict=True)) for bar in figures.retention_bars(comparison).data}
    assert bars["U-Net"]["Level 4"] == pytest.approx(75.0)
    assert bars["LVC-Net"]["Level 4"] == pytest.approx(90.0)
    assert bars["FCN"] == {"Level 4, paper (mIoU)": pytest.approx(100 * 0.620 / 0.831)}
    alone = Comparison("hips", "iou", comparison.cells[:1], [])
    assert not figures.retention_bars(alone).data


def test_retention_over_clean_labels_has_no_bars_of_the_paper(comparison: Comparison) -> None:
    assert not figures.retention_bars(comparison, kind="retention_clean").data
    clean = Cell("unet", "clean", {}, 1.0, {0: "x"}, {name: [0.9] for name in METRICS}, 1, 1.0)
    found = Comparison("hips", "iou", [*comparison.cells, clean], [])
    bars = {bar.name: bar for bar in figures.retention_bars(found, kind="retention_clean").data}
    assert (list(bars["LVC-Net"].x), list(bars)) == (["Level 1", "Level 4"], ["U-Net", "LVC-Net"])
    assert bars["LVC-Net"].y == pytest.approx([100 * 0.8 / 0.9, 80.0])


@pytest.mark.parametrize(("metric", "winners"), [("iou", ["unet", "lvcnet"]), ("hd95", ["lvcnet", "unet"])])
def test_a_point_has_the_colour_of_the_better_method(metric: str, winners: list[str]) -> None:
    first, second = {"a": 0.5, "b": 0.2, "alone": 1.0}, {"a": 0.4, "b": 0.6}
    figure = figures.pair_scatter(first, second, ("U-Net", "LVC-Net"), ("unet", "lvcnet"), metric)
    points = figure.data[1]
    assert list(points.customdata) == ["a", "b"]
    assert list(points.marker.color) == [method_colour(name) for name in winners]


def test_a_scatter_without_images_is_empty() -> None:
    assert len(figures.pair_scatter({}, {}, ("A", "B"), ("a", "b"), "iou").data[1].x) == 0


def test_an_arrow_goes_from_the_pixel_to_where_it_reads() -> None:
    field = np.zeros((2, 5, 5))
    field[:, 3, 1] = (2.0, 1.0)
    field[:, 1, 1] = (0.05, 0.0)  # too short to draw
    x, y = field_figures.arrows(field, every=2, scale=1.5)
    assert (x[:2].tolist(), y[:2].tolist()) == ([1.0, 4.0], [3.0, 4.5])
    assert len(x) == 7
    assert np.isnan(x[[2, 6]]).all()
    head = np.stack([x[[3, 5]], y[[3, 5]]], axis=1)
    assert head.mean(axis=0) == pytest.approx([4.0 - 0.35 * 3.0, 4.5 - 0.35 * 1.5])


def test_density_is_one_arrow_every_so_many_pixels() -> None:
    field = np.ones((2, 12, 12))
    assert [len(field_figures.arrows(field, every)[0]) // 7 for every in (2, 3, 4, 12)] == [36, 16, 9, 1]


def test_the_grid_is_where_rows_and_columns_are_taken() -> None:
    field = np.zeros((2, 4, 4))
    field[:, 0, 2] = (0.5, -0.25)
    x, y = field_figures.grid_lines(field, every=2, scale=2.0)
    assert len(x) == 4 * 5  # rows 0 and 2, columns 0 and 2, a gap after each
    assert (x[:4].tolist(), y[:4].tolist()) == ([0, 1, 3, 3], [0, 0, -0.5, 0])
    assert (x[15:19].tolist(), y[15:19].tolist()) == ([3, 2, 2, 2], [-0.5, 1, 2, 3])
    assert np.isnan(x[4::5]).all()


def test_a_direction_is_read_under_the_cursor_and_has_a_wheel() -> None:
    field = np.zeros((2, 6, 6))
    field[0, 3, 3] = 1.5
    figure = field_figures.direction_figure(field)
    assert figure.data[0].customdata[3, 3].tolist() == [1.5, 0.0]
    assert figure.data[0].z[3, 3].tolist() == list(rgb(DIRECTION_COLOURS[0]))
    assert len(figure.layout.images) == 1
    assert tuple(figure.layout.yaxis.range) == (5.5, -0.5)


def test_outlines_run_along_pixel_edges_around_pixel_centres() -> None:
    x, y = map_figures.outline_points(SQUARE)
    assert (np.nanmin(x), np.nanmax(x), np.nanmin(y), np.nanmax(y)) == (1.5, 4.5, 0.5, 3.5)
    assert (x[0], y[0]) == (x[-2], y[-2])
    assert np.isnan(map_figures.outline_points(np.zeros((3, 3), dtype=bool))[0]).all()


def test_scales_are_sequential_unless_a_map_is_signed() -> None:
    fraction = map_figures.map_figure(np.array([[0.0, 0.4], [0.2, 0.1]])).data[0]
    length = map_figures.map_figure(np.array([[0.0, 4.0], [2.0, 1.0]]), "px", None).data[0]
    signed = map_figures.map_figure(np.array([[0.0, -4.0], [2.0, 1.0]]), "px", None).data[0]
    assert (fraction.zmin, fraction.zmax) == (0.0, 1.0)
    assert (length.zmin, length.zmax, length.colorbar.title.text) == (0.0, 4.0, "px")
    assert (signed.zmin, signed.zmax) == (-4.0, 4.0)
    scales = [str(trace.colorscale) for trace in (fraction, length, signed)]
    assert len(set(scales)) == 3


def test_an_empty_map_still_has_a_scale() -> None:
    assert map_figures.map_figure(np.zeros((2, 2)), "px", None).data[0].zmax == 1.0


def test_pictures_keep_rows_from_top_to_bottom() -> None:
    figure = map_figures.image_figure(
        np.zeros((6, 6), dtype=np.uint8), map_figures.label_lines(SQUARE, None, ~SQUARE)
    )
    assert tuple(figure.layout.yaxis.range) == (5.5, -0.5)
    assert [trace.name for trace in figure.data[1:]] == ["Clean label", "Prediction"]


def test_the_film_changes_the_prediction_and_nothing_else() -> None:
    image = np.zeros((6, 6), dtype=np.uint8)
    film = map_figures.film_figure(image, SQUARE, None, {4: SQUARE, 2: ~SQUARE}, {4: 1.0, 2: 0.0})
    assert [frame.name for frame in film.frames] == ["2", "4"]
    assert [frame.traces for frame in film.frames] == [(2,), (2,)]
    assert [frame.data[0].name for frame in film.frames] == ["Prediction, IoU 0.000", "Prediction, IoU 1.000"]
    assert film.data[2].name == "Prediction, IoU 1.000"
    assert np.array_equal(film.data[2].x, film.frames[1].data[0].x, equal_nan=True)
