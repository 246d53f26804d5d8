"""The tables of a comparison, worked out by hand on two methods."""

import csv
import io
import json
from dataclasses import replace

import pytest

from lvcnet.comparison import formats, tables
from lvcnet.comparison.cells import Cell, Comparison, Difference
from lvcnet.masks.metrics import METRICS
from tests.evaluations import noise_manifest

ROUNDS = {"precision": (0.9, 0.01), "recall": (0.8, 0.02), "miou": (0.85, None)}


def cell(method: str, labels: str, scores: list[float], label_iou: float, step: float) -> Cell:
    return Cell(
        method,
        labels,
        noise_manifest(0 if labels == "clean" else int(labels[-1]), target_iou=label_iou, sd_iou=0.03),
        label_iou,
        {seed: f"{method}-{labels}-{seed}" for seed in range(len(scores))},
        dict.fromkeys(METRICS, scores),
        1000,
        100.0,
        step_seconds=step,
        rounds=ROUNDS,
        best_last=[0.01] * len(scores),
        recovery=[score + 0.02 for score in scores] if method == "lvcnet" else [],
    )


@pytest.fixture
def comparison() -> Comparison:
    cells = [
        cell("unet", "clean", [1.0], 1.0, 0.2),
        cell("unet", "level1", [0.9], 0.96, 0.2),
        cell("unet", "level4", [0.6], 0.72, 0.2),
        cell("lvcnet", "level1", [0.8], 0.96, 0.3),
        cell("lvcnet", "level4", [0.7, 0.74], 0.72, 0.3),
    ]
    difference = Difference("lvcnet", "level4", "iou", [0], 60, 0.1, 0.05, 0.15, 0.001)
    return Comparison("hips", "iou", cells, [difference], rounds="5 rounds of 50 of 100")


def by_first(table: tables.Table, columns: int = 1) -> dict[str, list[str]]:
    assert all(len(row) == len(table.header) for row in table.rows)
    return {" ".join(row[:columns]): row[columns:] for row in table.rows}


def test_table_1_goes_from_clean_to_noisy_beside_the_paper(comparison: Comparison) -> None:
    rows = by_first(tables.round_table(comparison), 2)
    assert list(rows) == [
        "clean U-Net",
        "level1 U-Net",
        "level1 LVC-Net",
        "level4 U-Net",
        "level4 LVC-Net",
    ]
    ours = ["0.900 ± 0.010", "0.800 ± 0.020", "0.850"]
    assert rows["clean U-Net"] == [*ours, "—", "—", "—"]  # the paper has no clean labels
    assert rows["level4 LVC-Net"] == [*ours, "0.815", "0.796", "0.738"]


def test_retention_has_two_forms(comparison: Comparison) -> None:
    own = tables.retention_table(comparison)
    assert own.header == ["Method", "level4", "Area"]
    assert by_first(own)["LVC-Net"] == ["90.0 %", f"{(0.8 + 0.72) / 2:.3f}"]  # .72 / .80
    assert by_first(own)["LVC-Net, paper (mIoU)"] == ["83.3 %", "—"]
    clean = tables.clean_retention_table(comparison)
    assert by_first(clean) == {"U-Net": ["90.0 %", "60.0 %"], "LVC-Net": ["80.0 %", "72.0 %"]}


def test_without_clean_labels_there_is_no_second_retention(comparison: Comparison) -> None:
    noisy = Comparison("hips", "iou", comparison.cells[1:], [])
    assert not tables.clean_retention_table(noisy).rows
    assert noisy.robustness("lvcnet")["retention_clean"] == {1: None, 4: None}
    titles = [table.title for table in tables.comparison_tables(noisy)]
    assert tables.clean_retention_table(noisy).title not in titles


def test_labels_stand_beside_what_is_predicted_in_their_place(comparison: Comparison) -> None:
    table = tables.recovery_table(comparison)
    assert table.header[1:] == ["Noise", "Target IoU", "Label IoU", "LVC-Net"]  # U-Net's is not known
    assert by_first(table)["level4"] == ["polygon", "0.72", "0.720 ± 0.030", "0.740 ± 0.028 (2)"]
    assert by_first(table)["clean"] == ["—", "—", "1.000", "—"]


def test_costs_stand_beside_the_baselines(comparison: Comparison) -> None:
    rows = by_first(tables.cost_table(comparison))
    assert rows == {"U-Net": ["1,000", "100", "200", "1.00"], "LVC-Net": ["1,000", "100", "300", "1.50"]}


def test_intervals_have_a_table_where_images_were_kept(comparison: Comparison) -> None:
    assert not tables.interval_table(comparison).rows
    cells = [replace(comparison.cells[1], interval=(0.88, 0.92)), *comparison.cells[2:]]
    known = Comparison("hips", "iou", cells, [])
    assert by_first(tables.interval_table(known)) == {"U-Net": ["0.880 to 0.920", "—"], "LVC-Net": ["—", "—"]}
    assert (formats.to_rows(known)[0]["iou_low"], formats.to_rows(known)[0]["iou_high"]) == (0.88, 0.92)


def test_a_table_as_csv_reads_back_as_it_was(comparison: Comparison) -> None:
    table = tables.round_table(comparison)
    rows = list(csv.reader(io.StringIO(formats.table_csv(table))))
    assert rows == [table.header, *table.rows]


def test_memory_outlines_and_differences(comparison: Comparison) -> None:
    assert by_first(tables.memory_table(comparison))["LVC-Net"] == ["—", "0.010", "0.010 ± 0.000 (2)"]
    outlines = by_first(tables.outline_table(comparison), 2)
    assert outlines["level4 LVC-Net"] == ["0.720 ± 0.028"] * len(tables.OUTLINE_METRICS)
    row = by_first(tables.difference_table(comparison))["LVC-Net"]
    assert row == ["level4", "+0.100", "+0.050 to +0.150", "0.001", "60", "1"]


def test_distances_are_compared_but_retention_stays_with_the_iou(comparison: Comparison) -> None:
    distances = Comparison("hips", "hd95", comparison.cells, [])
    assert tables.score_table(distances).title == METRICS["hd95"].title
    assert METRICS["iou"].title in tables.retention_table(distances).note
    assert not tables.difference_table(distances).rows


def test_every_format_holds_every_figure(comparison: Comparison) -> None:
    text = formats.to_markdown(comparison)
    for table in tables.comparison_tables(comparison):
        assert f"### {table.title}\n\n{table.note}" in text
    found = json.loads(json.dumps(formats.to_json(comparison)))
    assert found["robustness"][1]["retention_clean"] == {"level1": 0.8, "level4": pytest.approx(0.72)}
    assert found["noise"]["level4"]["family"] == "polygon"
    row = list(csv.DictReader(io.StringIO(formats.to_csv(comparison))))[-1]
    assert (row["label_recovery"], row["best_last_gap"], row["step_seconds"]) == ("0.74", "0.01", "0.3")
    assert (row["rounds_precision"], row["rounds_miou_sd"]) == ("0.9", "")


def test_runs_of_two_commits_do_not_hide_under_one_line(comparison: Comparison) -> None:
    assert not any("commit" in note for note in tables.notes(comparison))
    *others, last = comparison.cells
    one = [replace(other, commits={0: "aaaa"}) for other in others]
    same = replace(comparison, cells=[*one, replace(last, commits={0: "aaaa", 1: "aaaa"})])
    assert not any("commit" in note for note in tables.notes(same))
    mixed = replace(comparison, cells=[*one, replace(last, commits={0: "aaaa", 1: "bbbb"})])
    assert tables.notes(mixed) == [
        "trained with 2 commits of the project: aaaa (5 runs), bbbb (1 run)",
        "LVC-Net on level4 pools runs of aaaa, bbbb",
    ]
    rows = list(csv.DictReader(io.StringIO(formats.to_csv(mixed))))
    assert [row["commits"] for row in rows] == ["aaaa"] * 4 + ["aaaa bbbb"]
