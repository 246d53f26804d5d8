"""Distances are in px of the original images or in mm, and evaluations of before, in grid pixels, are not mixed with them."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from lvcnet.comparison import formats, tables
from lvcnet.comparison.collect import collect
from lvcnet.comparison.words import comparison_words
from lvcnet.data.dataset import Dataset
from lvcnet.evaluation.protocol import GRID, evaluate_run, in_pixels
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import find_run
from tests.evaluation.conftest import MakeRun

Measured = Callable[..., RunDirectory]


def remade(tiny: Dataset, **changes: object) -> Dataset:
    """The tiny data set with other items, under its name."""
    other = Dataset("tiny", tiny.categories, [replace(item, **changes) for item in tiny.items], tiny.images)  # type: ignore[arg-type]
    for name in tiny.label_names():
        other.add_labels(tiny.labels(name))
    folder = tiny.folder
    assert folder is not None
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    folder.rmdir()
    other.save(folder)
    return other


def outdate(run: RunDirectory) -> None:
    """Its evaluation as it was written before: without a unit."""
    path = run.path / "evaluation.json"
    content = {name: value for name, value in json.loads(path.read_text()).items() if name != "unit"}
    path.write_text(json.dumps({**content, "format": 1}))


def test_images_four_times_as_large_are_four_times_as_far_off(tiny: Dataset, make_run: MakeRun) -> None:
    small = evaluate_run(make_run())
    remade(tiny, height=64, width=64)
    large = evaluate_run(find_run("tiny-lvcnet-clean-s0"))
    assert (small["unit"], small["tolerance"], large["unit"], large["tolerance"]) == ("px", 1.0, "px", 4.0)
    for name in ("hd95", "assd"):
        assert large[name] == pytest.approx(4 * small[name])
        assert large["per_image"][2][name] == pytest.approx(4 * small["per_image"][2][name])
    for name in ("nsd_1px", "nsd_2px", "iou", "boundary_iou"):
        assert large[name] == pytest.approx(small[name])


def test_where_every_image_says_its_spacing_distances_are_in_mm(tiny: Dataset, make_run: MakeRun) -> None:
    px = evaluate_run(make_run())
    other = remade(tiny, spacing_mm=(0.5, 0.5))
    mm = evaluate_run(make_run("unet"))
    assert mm["unit"] == "mm"
    assert evaluate_run(find_run("tiny-lvcnet-clean-s0"))["hd95"] == pytest.approx(0.5 * px["hd95"])
    comparison = collect("tiny", metric="hd95")
    assert comparison.unit == "mm"
    assert tables.score_table(comparison).title == "HD95 (mm)"
    outlines = tables.outline_table(comparison)
    assert outlines.header[-2:] == ["HD95 (mm)", "ASSD (mm)"]
    assert "in mm" in outlines.note
    assert "are 0.5 and 1 mm" in outlines.note
    assert {row["distance_unit"] for row in formats.to_rows(comparison)} == {"mm"}
    assert " mm lower" in comparison_words(comparison)[0] or " mm higher" in comparison_words(comparison)[0]
    one = other.items[-1]
    other.items[-1] = replace(one, spacing_mm=None)
    assert other.unit(other.indices("test")) == "px", "one that does not know makes it pixels for all"


def test_distances_of_before_are_not_mixed_with_new_ones(tiny: Dataset, make_run: MakeRun) -> None:
    remade(tiny, height=64, width=64)
    for method in ("unet", "lvcnet"):
        evaluate_run(make_run(method))
    old = find_run("tiny-unet-clean-s0")
    outdate(old)
    read = old.evaluation()
    assert read is not None
    assert read["unit"] == GRID
    comparison = collect("tiny")
    assert comparison.unit == "px"
    before, now = comparison.cell("unet", "clean"), comparison.cell("lvcnet", "clean")
    assert before is not None
    assert now is not None
    assert (before.values["hd95"], before.values["nsd_1px"], len(before.values["iou"])) == ([], [], 1)
    assert len(now.values["hd95"]) == 1
    row = next(row for row in tables.outline_table(comparison).rows if row[1] == "U-Net")
    assert row[-2:] == ["—", "—"]
    assert collect("tiny", metric="hd95").skipped[old.name] == (
        f"its distances are in grid px, not in px; run `lvcnet evaluate {old.name}`"
    )
    outdate(find_run("tiny-lvcnet-clean-s0"))
    alone = collect("tiny", metric="hd95")
    assert (alone.unit, len(alone.cells)) == (GRID, 2), "among themselves they are as comparable as ever"
    assert tables.score_table(alone).title == "HD95 (grid px)"


def test_where_the_grid_has_the_images_own_pixels_nothing_is_lost(tiny: Dataset, make_run: MakeRun) -> None:
    evaluate_run(run := make_run())
    outdate(run)
    read = run.evaluation()
    assert read is not None
    assert in_pixels(read, tiny)["unit"] == "px"
    assert in_pixels(read, None)["unit"] == GRID
    assert collect("tiny", metric="hd95").unit == "px"
