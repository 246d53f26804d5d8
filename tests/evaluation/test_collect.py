"""The comparison table: what is in a cell, what is left out, and how it is written."""

import csv
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from lvcnet.comparison import formats, tables
from lvcnet.comparison.collect import collect
from lvcnet.comparison.paper import TABLE_1, paper_retention
from lvcnet.comparison.where import parse_where
from lvcnet.comparison.words import comparison_words
from lvcnet.data.summary import coverage
from lvcnet.errors import LvcnetError
from lvcnet.evaluation.alike import differing, in_words, labels_now
from lvcnet.evaluation.protocol import evaluate_run
from lvcnet.files import read_json, write_json
from lvcnet.masks.collapse import collapse, mask_facts
from lvcnet.models.maps import Maps
from lvcnet.runs.store import list_runs
from tests.evaluation.conftest import CUTS, BrightMethod
from tests.evaluations import an_evaluation, noise_manifest

PERFECT = float(np.mean([(8 - n) / 8 for n in range(6)]))


@pytest.fixture
def grid(make_run):
    """Three methods at two levels with one seed, LVC-Net at level 4 with two."""
    for labels in ("level1", "level4"):
        for method in ("fcn", "unet", "lvcnet"):
            make_run(method, labels)
    make_run("lvcnet", "level4", seed=1)


def test_cells_hold_every_seed_in_the_order_of_the_paper(grid) -> None:
    comparison = collect("tiny", evaluate=True)
    assert comparison.methods() == ["fcn", "unet", "lvcnet"]
    assert comparison.label_sets() == ["level1", "level4"]
    cell = comparison.cell("lvcnet", "level4")
    assert cell is not None
    assert cell.runs == {0: "tiny-lvcnet-level4-s0", 1: "tiny-lvcnet-level4-s1"}
    assert cell.values["iou"] == pytest.approx([PERFECT, PERFECT])
    assert (cell.level, cell.label_iou, cell.parameters, cell.training_seconds) == (4, 0.5, 7, 6.0)


def test_differences_pair_images_on_common_seeds(grid) -> None:
    differences = collect("tiny", evaluate=True).differences
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


def test_the_interval_draws_seeds_again(make_run, monkeypatch) -> None:
    # seed 0: LVC-Net predicts the unet's columns minus one, seed 1 the same as U-Net: differences -1/8 and 0 in each image
    for method in ("unet", "lvcnet"):
        for seed in (0, 1):
            make_run(method, "level4", seed=seed)
    cuts = {"unet": 1, "lvcnet": 2}
    monkeypatch.setattr("tests.evaluation.conftest.CUTS", cuts)
    collect("tiny", runs=[run for run in list_runs("tiny") if run.config()["seed"] == 0], evaluate=True)
    cuts["lvcnet"] = 1
    (found,) = collect("tiny", evaluate=True).differences
    assert (found.seeds, found.images) == ([0, 1], 6)
    assert found.mean == pytest.approx(-1 / 16)
    half = 2**0.5 / 16  # half the distance of the two, widened by the root of 2 / (2 - 1)
    assert (found.low, found.high) == pytest.approx((-1 / 16 - half, -1 / 16 + half))


def test_cells_know_what_a_run_was_and_cost(grid, tiny) -> None:
    comparison = collect("tiny", evaluate=True)
    cell = comparison.cell("lvcnet", "level4")
    assert cell.best_last == pytest.approx([0.05, 0.05])
    assert cell.recovery == [1.0, 1.0]
    assert cell.rounds["recall"] == (1.0, 0.0)
    assert cell.step_seconds is None  # these runs do not say how fast they were
    assert comparison.rounds == "5 rounds of 5 of 6 test images"
    assert comparison.noise == {f"level{level}": noise_manifest(level) for level in (1, 4)}


def test_an_annotator_called_level2_is_not_the_papers_level_2(make_run, tiny) -> None:
    tiny.add_labels(replace(tiny.labels("level4"), name="level2", manifest={"kind": "import"}))
    for labels in ("level1", "level2", "level4"):
        for method in ("unet", "lvcnet"):
            make_run(method, labels)
    comparison = collect("tiny", metric="miou", evaluate=True)
    assert comparison.label_sets() == ["level1", "level4", "level2"]
    theirs = comparison.cell("lvcnet", "level2")
    assert (theirs.level, theirs.paper_noise, theirs.paper) == (None, False, None)
    found = comparison.robustness("lvcnet")
    assert (list(found["retention"]), list(found["retention_clean"])) == ([4], [1, 4])
    assert found["label_sets"] == ["level1", "level4"]
    scores = tables.score_table(comparison)
    assert scores.header == ["Method", "level1", "level4", "level2 (no noise level)"]
    printed = next(row for row in scores.rows if row[0] == "LVC-Net, paper")
    assert printed == ["LVC-Net, paper", "0.886", "0.738", tables.NOTHING]
    first_table = {(row[0], row[1]): row[-1] for row in tables.round_table(comparison).rows}
    assert first_table["level2 (no noise level)", "LVC-Net"] == tables.NOTHING
    assert first_table["level4", "LVC-Net"] == "0.738"
    rows = {(row["method"], row["labels"]): row for row in formats.to_json(comparison)["rows"]}
    assert (rows["lvcnet", "level2"]["level"], rows["lvcnet", "level2"]["paper_miou"]) == (None, None)
    said = comparison_words(comparison)
    assert [text.partition(":")[0] for text in said[:3]] == [
        "**Level 4",
        "**Level 1",
        "**level2 (no noise level)",
    ]


def test_robustness_is_level_4_over_level_1_and_area(grid) -> None:
    found = collect("tiny", evaluate=True).robustness("lvcnet")
    assert found["retention"] == {4: pytest.approx(1.0)}
    assert found["area"] == pytest.approx(PERFECT)  # label IoU .5 to 1, the same score everywhere
    assert (found["metric"], found["parameters"], found["training_seconds"]) == ("iou", 7, 6.0)
    assert collect("tiny", metric="hd95").robustness("lvcnet") == found


def test_runs_that_do_not_count_are_listed_with_a_reason(make_run) -> None:
    make_run("unet", "level4")
    make_run("lvcnet", "level4", state="cancelled")
    make_run("unet", "level4")  # the same once more
    skipped = collect("tiny", evaluate=True).skipped
    assert skipped["tiny-lvcnet-level4-s0"] == "it is cancelled"
    assert "is newer" in skipped["tiny-unet-level4-s0"]
    assert len(skipped) == 2


def test_a_metric_that_is_younger_than_an_evaluation_is_only_missing_from_it(make_run) -> None:
    for name in ("unet", "lvcnet"):
        run = make_run(name, "level4")
        evaluation = evaluate_run(run)
        if name == "unet":
            for one in (evaluation, *evaluation["per_category"].values(), *evaluation["per_image"]):
                del one["hd95"]
            run.write_evaluation(evaluation)
    comparison = collect("tiny")
    assert comparison.cell("unet", "level4").values["hd95"] == []
    assert len(comparison.differences) == 1
    outlines = next(table for table in tables.comparison_tables(comparison) if table.title == "Outlines")
    column = outlines.header.index("HD95 (px)")
    assert [row[column] == "—" for row in outlines.rows] == [True, False]
    assert [row["hd95"] is None for row in formats.to_rows(comparison)] == [True, False]
    assert collect("tiny", metric="hd95").skipped["tiny-unet-level4-s0"] == (
        "its evaluation is older than the metric HD95 (px); run `lvcnet evaluate tiny-unet-level4-s0`"
    )


def test_the_user_chooses_which_runs_are_compared(make_run) -> None:
    make_run("unet", "level4", epochs=5)
    make_run("unet", "level1", epochs=5)
    make_run("unet", "level4", epochs=9, seed=1)
    make_run("lvcnet", "level4", epochs=9, seed=1)
    comparison = collect("tiny", evaluate=True, where={"epochs": 9})
    assert comparison.cell("unet", "level4").runs == {1: "tiny-unet-level4-s1"}
    assert [(one.method, one.seeds) for one in comparison.differences] == [("lvcnet", [1])]
    assert comparison.skipped["tiny-unet-level4-s0"] == "its epochs is 5, not 9"
    assert "only runs with epochs 9" in tables.notes(comparison)
    assert formats.to_json(comparison)["where"] == {"epochs": 9}
    with pytest.raises(LvcnetError, match="its epochs is 5, not 7"):
        collect("tiny", evaluate=True, where={"epochs": 7})


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("epoch=3", "is no setting of a run: choose one of dataset, labels"),
        ("epochs=many", "where epochs='many': Input should be a valid integer"),
        ("epochs", "not of the form key=value, e.g. --where width=32"),
        ("options=3", "options.warps=2"),
        ("width.x=3", "is no setting"),
    ],
)
def test_a_choice_that_means_nothing_is_refused(condition: str, said: str) -> None:
    with pytest.raises(LvcnetError, match=re.escape(said)):
        parse_where([condition])


def test_unevaluated_runs_are_left_out_on_request(make_run) -> None:
    run = make_run("unet", "level4")
    with pytest.raises(LvcnetError, match="not evaluated"):
        collect("tiny")
    collect("tiny", evaluate=True)
    assert collect("tiny").cells[0].runs == {0: run.name}


def test_evaluations_of_other_data_are_left_out(make_run) -> None:
    make_run("unet", "level4")
    collect("tiny", evaluate=True)
    old = make_run("fcn", "level4")
    old.write_evaluation(an_evaluation(fingerprint="other"))
    assert collect("tiny").skipped == {old.name: "the data set changed since"}


def test_runs_that_were_not_trained_alike_are_shown_but_never_paired_or_pooled(make_run) -> None:
    make_run("unet", "level4", epochs=5)
    make_run("unet", "level1", epochs=5)
    make_run("unet", "level4", epochs=9, seed=1)
    make_run("lvcnet", "level4", epochs=9, options={"warps": 2})
    make_run("lvcnet", "level1", epochs=5, width=32)
    make_run("fcn", "level1", epochs=5)
    comparison = collect("tiny", evaluate=True)
    assert comparison.methods() == ["fcn", "unet", "lvcnet", "lvcnet warps=2"]
    assert [(one.method, one.labels) for one in comparison.differences] == [("fcn", "level1")]
    unet = comparison.cell("unet", "level4")
    assert (unet.runs, unet.excluded) == ({0: "tiny-unet-level4-s0"}, None)
    assert "epochs 9 instead of 5" in comparison.skipped["tiny-unet-level4-s1"]
    reasons = {one["method"]: one["reason"] for one in formats.to_json(comparison)["excluded"]}
    assert reasons.keys() == {"lvcnet", "lvcnet warps=2"}
    assert "width 32 instead of 16" in reasons["lvcnet"]
    assert "epochs 9 instead of 5" in reasons["lvcnet warps=2"]
    assert any("LVC-Net warps=2 †" in row for row in tables.round_table(comparison).rows)
    assert any("epochs 9 instead of 5" in note for note in tables.notes(comparison))
    assert formats.to_rows(comparison)[-1]["paper_miou"] is None


def test_a_label_set_made_again_is_another_one(make_run, tiny) -> None:
    old = make_run("unet", "level4")
    labels = tiny.labels("level4")
    tiny.add_labels(replace(labels, masks=np.roll(labels.masks, 1, axis=-1)))  # same name, same (no) manifest
    for method in ("lvcnet", "fcn"):
        make_run(method, "level4")
    now = labels_now(tiny, "level4")["data"]
    for run in list_runs("tiny"):
        recorded = {**now, "labels_digest": "of old"} if run.name == old.name else now
        config = run.config()
        write_json(run.path / "config.json", {**config, "data": {**config["data"], **recorded}})
    comparison = collect("tiny", evaluate=True)
    assert comparison.methods() == ["fcn", "lvcnet"]
    assert not comparison.differences
    assert "label set level4 was made again" in comparison.skipped[old.name]
    assert collect("tiny", runs=[old]).cells[0].label_iou is None  # how good the old ones were is not known


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (np.zeros((16, 16), bool), "predicts nothing of 'bone' on 6 of 6 images"),
        (np.ones((16, 16), bool), "predicts everything as 'bone' on 6 of 6 images"),
        (np.tri(16, dtype=bool), "predicts the same mask of 'bone' on 6 of 6 images"),
    ],
)
def test_nothing_is_concluded_from_collapsed_predictions(make_run, monkeypatch, mask, words) -> None:
    for labels in ("level1", "level4"):
        for method in ("unet", "lvcnet"):
            make_run(method, labels)
    collapsing = {"lvcnet"}

    def predict(self, images, details=True):
        if self.cut == CUTS["lvcnet"] and collapsing:
            return Maps(torch.from_numpy(mask).expand(images.shape).float())
        return Maps(images)

    monkeypatch.setattr(BrightMethod, "predict", predict)
    comparison = collect("tiny", evaluate=True)
    assert not comparison.differences
    assert all(words in comparison.cell("lvcnet", labels).excluded for labels in ("level1", "level4"))
    assert comparison.cell("unet", "level4").excluded is None
    found = comparison.robustness("lvcnet")
    assert (found["retention"], found["retention_clean"][4], found["area"]) == (
        {4: None},
        None,
        None,
    )
    assert comparison.robustness("unet")["retention"] == {4: 1.0}
    said = comparison_words(comparison)
    assert said[0].startswith(
        "**Level 4: nothing can be said about LVC-Net.** Run tiny-lvcnet-level4-s0 predicts "
    )
    assert "train it for longer or with another learning rate" in said[0]
    # an evaluation that was made before the masks were looked at tells an empty and a full mask by its means
    for run in list_runs("tiny"):
        stored = run.evaluation()
        run.write_evaluation({name: value for name, value in stored.items() if name != "masks"})
    known = "same mask" not in words
    assert (collect("tiny").cell("lvcnet", "level4").excluded is not None) == known


def test_one_collapsed_category_is_enough_and_an_absent_one_is_none() -> None:
    truth = np.zeros((4, 3, 8, 8), bool)
    for n in range(4):
        truth[n, 0, n : n + 3, 2:6] = truth[n, 1, 1:5, n : n + 3] = True  # nobody has the third
    said = truth.copy()
    said[:, 1] = False
    everywhere = np.ones_like(truth)
    facts = mask_facts(said, truth, everywhere, ["femur", "tibia", "plate"])
    assert facts["femur"] == {"nothing": [0, 4], "everything": [0, 4], "same": [0, 4]}
    assert facts["tibia"]["nothing"] == [4, 4]
    assert facts["plate"]["nothing"] == [0, 0]
    assert collapse({"masks": facts}) == "predicts nothing of 'tibia' on 4 of 4 images"
    assert collapse({"masks": mask_facts(truth, truth, everywhere, ["a", "b", "c"])}) is None


def test_score_table_and_paper_rows(grid) -> None:
    table = tables.score_table(collect("tiny", metric="miou", evaluate=True))
    assert table.header == ["Method", "level1", "level4"]
    assert table.rows[2][0] == "LVC-Net"
    assert table.rows[2][2].endswith("± 0.000 (2)")
    assert table.rows[-1] == ["LVC-Net, paper", "0.886", "0.738"]
    assert tables.score_table(collect("tiny", metric="iou")).rows[-1][0] == "LVC-Net"


def test_csv_holds_one_row_a_cell_with_all_metrics(grid) -> None:
    rows = list(csv.DictReader(io.StringIO(formats.to_csv(collect("tiny", evaluate=True)))))
    assert len(rows) == 6
    row = next(row for row in rows if (row["method"], row["labels"]) == ("lvcnet", "level4"))
    assert float(row["iou"]) == pytest.approx(PERFECT)
    assert (row["seeds"], row["paper_precision"], row["iou_sd"]) == ("2", "0.815", "0.0")


def test_markdown_and_json_are_complete(grid) -> None:
    comparison = collect("tiny", evaluate=True)
    text = formats.to_markdown(comparison)
    assert "| LVC-Net | " in text
    blocks = [block for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) == len(tables.comparison_tables(comparison)) == 9
    assert all(len({line.count("|") for line in block.splitlines()}) == 1 for block in blocks)
    found = json.loads(json.dumps(formats.to_json(comparison)))
    assert found["paper"]["table"]["unet"]["level4"]["miou"] == 0.690
    assert len(found["rows"]) == 6
    assert found["rows"][0]["runs"] == ["tiny-fcn-level1-s0"]


def test_unknown_metric_and_empty_data_set(tiny) -> None:
    with pytest.raises(LvcnetError, match="choose one of precision"):
        collect("tiny", metric="accuracy")
    with pytest.raises(LvcnetError, match="lvcnet train tiny"):
        collect("tiny")


def test_paper_table_is_the_printed_one() -> None:
    assert [TABLE_1["fcn"][level].precision for level in (1, 2, 3, 4)] == [0.894, 0.811, 0.784, 0.652]
    retained = {method: round(100 * paper_retention(method), 1) for method in TABLE_1}
    assert retained == {"fcn": 74.6, "unet": 78.9, "lvcnet": 83.3}


def test_runs_on_labels_that_cover_other_images_are_compared_on_those_labels_only(make_run, tiny) -> None:
    fewer = tiny.labels("level4").covered & (np.arange(len(tiny)) != 0)
    tiny.add_labels(replace(tiny.labels("level4"), name="level3", covered=fewer, manifest=noise_manifest(3)))
    for labels in ("level1", "level3", "level4"):
        for method in ("unet", "lvcnet"):
            make_run(method, labels)  # as older runs, they did not record which images they learned from
    comparison = collect("tiny", evaluate=True)
    reason = "did not learn from the same images as the others (training images 3 instead of 4)"
    for method in ("unet", "lvcnet"):
        cell = comparison.cell(method, "level3")
        assert (cell.excluded, cell.pooled, reason in cell.apart) == (None, False, True)
        assert comparison.cell(method, "level4").pooled
        assert comparison.robustness(method)["retention"] == {3: None, 4: 1.0}
        assert comparison.robustness(method)["label_sets"] == ["level1", "level4"]
    # on the same labels they learned from the same images
    assert [one.labels for one in comparison.differences] == ["level1", "level3", "level4"]
    (said,) = [text for text in comparison_words(comparison) if "on these labels only" in text]
    assert said.startswith("**Level 3: on these labels only can be compared ")
    assert reason in said
    assert [one["labels"] for one in formats.to_json(comparison)["apart"]] == ["level3", "level3"]
    assert any("‡" in text for row in tables.round_table(comparison).rows for text in row)
    assert sum(reason in note for note in tables.notes(comparison)) == 2


def test_as_many_other_images_are_another_coverage(tiny) -> None:
    rows = np.arange(len(tiny))
    for name, left_out in (("first", 0), ("second", 1)):
        covered = tiny.labels("clean").covered & (rows != left_out)
        tiny.add_labels(replace(tiny.labels("clean"), name=name, covered=covered))
    first, second, clean = (
        {"labels": name, "data": coverage(tiny, name)} for name in ("first", "second", "clean")
    )
    assert differing(first, first) == {}
    assert differing(first, clean) == {"training images": (3, 4)}
    assert in_words(differing(first, second)) == "training images some 3 instead of others"
    assert differing({"labels": "first"}, clean) == {}  # not known of one of them


def test_a_method_on_another_network_is_another_row_and_never_pooled(make_run) -> None:
    old = make_run("unet", "level4")
    stored = read_json(old.path / "config.json")
    del stored["network"]  # as before there was a choice
    write_json(old.path / "config.json", stored)
    make_run("unet", "level4", seed=1)
    make_run("unet", "level4", seed=2, network="segnet")
    make_run("lvcnet", "level4", seed=1, network="segnet")
    comparison = collect("tiny", evaluate=True)
    assert comparison.methods() == ["unet", "unet network=segnet", "lvcnet network=segnet"]
    assert set(comparison.cell("unet", "level4").runs) == {0, 1}
    table = tables.score_table(comparison)
    assert [row[0] for row in table.rows] == ["U-Net", "SegNet", "LVC-Net on SegNet"]
    assert [(one.method, one.seeds) for one in comparison.differences] == [("lvcnet network=segnet", [1])]
    chosen = collect("tiny", evaluate=True, where=parse_where(["network=unet"]))
    assert chosen.methods() == ["unet"]
    assert chosen.skipped["tiny-lvcnet-level4-s1"] == "its network is segnet, not unet"
