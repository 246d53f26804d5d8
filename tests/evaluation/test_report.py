"""The comparison table: what is in a cell, what is left out, and how it is written."""

import csv
import io
import json

import numpy as np
import pytest

from lvcnet.errors import LvcnetError
from lvcnet.evaluation import tables
from lvcnet.evaluation.paper import TABLE_1, paper_retention
from lvcnet.evaluation.report import compare

PERFECT = float(np.mean([(8 - n) / 8 for n in range(6)]))


@pytest.fixture
def grid(make_run):
    """Three methods at two levels with one seed, LVC-Net at level 4 with two."""
    for labels in ("level1", "level4"):
        for method in ("fcn", "unet", "lvcnet"):
            make_run(method, labels)
    make_run("lvcnet", "level4", seed=1)


def test_cells_hold_every_seed_in_the_order_of_the_paper(grid) -> None:
    comparison = compare("tiny", evaluate=True)
    assert comparison.methods() == ["fcn", "unet", "lvcnet"]
    assert comparison.label_sets() == ["level1", "level4"]
    cell = comparison.cell("lvcnet", "level4")
    assert cell is not None
    assert cell.runs == {0: "tiny-lvcnet-level4-s0", 1: "tiny-lvcnet-level4-s1"}
    assert cell.values["iou"] == pytest.approx([PERFECT, PERFECT])
    assert (cell.level, cell.label_iou, cell.parameters, cell.training_seconds) == (4, 0.5, 7, 6.0)


def test_differences_pair_images_on_common_seeds(grid) -> None:
    differences = compare("tiny", evaluate=True).differences
    assert [(d.method, d.labels) for d in differences] == [
        ("fcn", "level1"),
        ("fcn", "level4"),
        ("lvcnet", "level1"),
        ("lvcnet", "level4"),
    ]
    # IoU of n: lvcnet (8-n)/8; unet misses one more column that is always true: (7-n)/8. Difference 1/8 in each image.
    best = differences[-1]
    assert (best.mean, best.low, best.high) == pytest.approx((1 / 8, 1 / 8, 1 / 8))
    assert (best.seeds, best.images) == ([0], 6)
    # six pairs one way: p = 2/64, four comparisons: Holm makes it 8/64
    assert best.p == pytest.approx(8 / 64)


def test_robustness_is_level_4_over_level_1_and_area(grid) -> None:
    found = compare("tiny", evaluate=True).robustness("lvcnet")
    assert found["retention"] == {"level4": pytest.approx(1.0)}
    assert found["area"] == pytest.approx(PERFECT)  # label IoU .5 to 1, the same score everywhere
    assert (found["metric"], found["parameters"], found["training_seconds"]) == ("iou", 7, 6.0)
    assert compare("tiny", metric="hd95").robustness("lvcnet") == found


def test_runs_that_do_not_count_are_listed_with_a_reason(make_run) -> None:
    make_run("unet", "level4")
    make_run("lvcnet", "level4", state="cancelled")
    make_run("unet", "level4")  # the same once more
    skipped = compare("tiny", evaluate=True).skipped
    assert skipped["tiny-lvcnet-level4-s0"] == "it is cancelled"
    assert "is newer" in skipped["tiny-unet-level4-s0"]
    assert len(skipped) == 2


def test_unevaluated_runs_are_left_out_on_request(make_run) -> None:
    run = make_run("unet", "level4")
    with pytest.raises(LvcnetError, match="not evaluated"):
        compare("tiny")
    compare("tiny", evaluate=True)
    assert compare("tiny").cells[0].runs == {0: run.name}


def test_evaluations_of_other_data_are_left_out(make_run) -> None:
    make_run("unet", "level4")
    compare("tiny", evaluate=True)
    old = make_run("fcn", "level4")
    old.write_evaluation({"fingerprint": "other"})
    assert compare("tiny").skipped == {old.name: "the data set changed since"}


def test_unequal_settings_and_options_are_shown(make_run) -> None:
    make_run("unet", "level4", epochs=5)
    make_run("lvcnet", "level4", epochs=9, options={"variant": "paper"})
    comparison = compare("tiny", evaluate=True)
    assert comparison.unequal == {"epochs": [5, 9]}
    assert comparison.methods() == ["unet", "lvcnet variant=paper"]
    assert any("epochs differs: 5, 9" in note for note in tables.notes(comparison))
    assert tables.to_rows(comparison)[1]["paper_miou"] is None


def test_score_table_and_paper_rows(grid) -> None:
    header, rows = tables.score_table(compare("tiny", metric="miou", evaluate=True))
    assert header == ["Method", "level1", "level4"]
    assert rows[2][0] == "LVC-Net"
    assert rows[2][2].endswith("± 0.000 (2)")
    assert rows[-1] == ["LVC-Net, paper", "0.886", "0.738"]
    _, rows = tables.score_table(compare("tiny", metric="iou"))
    assert rows[-1][0] == "LVC-Net, paper (mIoU)"


def test_csv_holds_one_row_a_cell_with_all_metrics(grid) -> None:
    rows = list(csv.DictReader(io.StringIO(tables.to_csv(compare("tiny", evaluate=True)))))
    assert len(rows) == 6
    row = next(row for row in rows if (row["method"], row["labels"]) == ("lvcnet", "level4"))
    assert float(row["iou"]) == pytest.approx(PERFECT)
    assert (row["seeds"], row["paper_precision"], row["iou_sd"]) == ("2", "0.815", "0.0")


def test_markdown_and_json_are_complete(grid) -> None:
    comparison = compare("tiny", evaluate=True)
    text = tables.to_markdown(comparison)
    assert "| LVC-Net | " in text
    assert "| Method | Retention level4 | Area | Parameters | Training s |" in text
    blocks = [block for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) == 3
    assert all(len({line.count("|") for line in block.splitlines()}) == 1 for block in blocks)
    found = json.loads(json.dumps(tables.to_json(comparison)))
    assert found["paper"]["table"]["unet"]["level4"]["miou"] == 0.690
    assert len(found["rows"]) == 6
    assert found["rows"][0]["runs"] == ["tiny-fcn-level1-s0"]


def test_unknown_metric_and_empty_data_set(tiny) -> None:
    with pytest.raises(LvcnetError, match="choose one of precision"):
        compare("tiny", metric="accuracy")
    with pytest.raises(LvcnetError, match="lvcnet train tiny"):
        compare("tiny")


def test_paper_table_is_the_printed_one() -> None:
    assert [TABLE_1["fcn"][level].precision for level in (1, 2, 3, 4)] == [0.894, 0.811, 0.784, 0.652]
    retained = {method: round(100 * paper_retention(method), 1) for method in TABLE_1}
    assert retained == {"fcn": 74.6, "unet": 78.9, "lvcnet": 83.3}
