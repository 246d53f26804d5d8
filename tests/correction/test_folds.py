"""Folds: a partition that an image's key decides, and label sets that leave its images out."""

import numpy as np
import pytest

from lvcnet.correction.folds import add_fold_labels, fold_of, split_folds
from lvcnet.data.dataset import Dataset, LabelSet
from lvcnet.data.summary import overview, summarise
from lvcnet.errors import LvcnetError
from lvcnet.training.feed import split_rows


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_folds_are_a_partition_of_the_covered_training_images(make_squares, folds: int) -> None:
    dataset = make_squares(train=30)
    source = dataset.labels("second")
    source.covered[7] = False
    dataset.add_labels(LabelSet("second", source.masks, source.covered))
    rows = np.concatenate([fold.rows for fold in split_folds(dataset, "second", folds)])
    assert sorted(rows) == [row for row in range(30) if row != 7]


def test_adding_images_moves_no_other_image(make_squares) -> None:
    few, more = make_squares(train=12), make_squares(train=40, name="more")
    for before, after in zip(split_folds(few, "second", 3), split_folds(more, "second", 3), strict=True):
        keys = {more.items[row].key for row in after.rows}
        assert {few.items[row].key for row in before.rows} == {key for key in keys if int(key[6:]) < 12}


def test_folds_of_many_keys_are_of_similar_size() -> None:
    counts = np.bincount([fold_of(f"key {n}", 5) for n in range(5000)], minlength=5)
    assert counts.min() > 900  # 1000 expected, standard deviation 28


def test_no_training_image_of_a_fold_label_set_is_judged_by_it(make_squares) -> None:
    dataset = make_squares()
    folds = add_fold_labels(dataset, "second", 3)
    stored = Dataset.load("squares")
    source = stored.labels("second")
    for fold in folds:
        left_out = stored.labels(fold.labels)
        assert not left_out.covered[fold.rows].any()
        assert not left_out.masks[fold.rows].any()
        others = np.setdiff1d(np.flatnonzero(source.covered), fold.rows)
        assert left_out.covered[others].all()
        np.testing.assert_array_equal(left_out.masks[others], source.masks[others])
        train, held_out = split_rows(stored, fold.labels, 0.2)
        assert not set(fold.rows) & {*train, *held_out}


def test_fold_label_sets_are_written_once_and_again_when_the_labels_change(make_squares) -> None:
    dataset = make_squares()
    path = dataset.folder / "labels" / "second-fold1of2.npz"
    add_fold_labels(dataset, "second", 2)
    before = path.stat().st_mtime_ns
    add_fold_labels(Dataset.load("squares"), "second", 2)
    assert path.stat().st_mtime_ns == before
    old = dataset.labels("second")
    dataset.add_labels(LabelSet("second", ~old.masks & old.covered[:, None, None, None], old.covered))
    fold = add_fold_labels(dataset, "second", 2)[0]
    kept = dataset.labels(fold.labels)
    np.testing.assert_array_equal(
        kept.masks[kept.covered], ~old.masks[kept.covered], err_msg="the fold must follow its source"
    )


def test_folds_are_no_choice_for_people(make_squares) -> None:
    dataset = make_squares()
    add_fold_labels(dataset, "second", 2)
    assert "second-fold1of2" in dataset.label_names()
    assert dataset.opinions() == ["clean", "second"]
    assert overview(dataset)["labels"] == ["clean", "second"]
    assert [row["name"] for row in summarise(dataset)["labels"]] == ["clean", "second"]


def test_impossible_folds_say_why(make_squares) -> None:
    dataset = make_squares(train=1)
    with pytest.raises(LvcnetError, match="2 or more"):
        split_folds(dataset, "second", 1)
    with pytest.raises(LvcnetError, match="1 training images, which fall into 1 of 3 folds"):
        add_fold_labels(dataset, "second", 3)
    assert dataset.label_names() == ["clean", "second"]
    dataset = make_squares(name="more")
    add_fold_labels(dataset, "second", 2)
    with pytest.raises(LvcnetError, match="is a fold of 'second'"):
        add_fold_labels(dataset, "second-fold1of2", 2)


def test_a_label_set_that_has_a_folds_name_is_not_overwritten(make_squares) -> None:
    dataset = make_squares()
    mine = dataset.labels("clean")
    dataset.add_labels(LabelSet("second-fold1of2", mine.masks, mine.covered, {"kind": "import"}))
    with pytest.raises(LvcnetError, match="exists and is no fold"):
        add_fold_labels(dataset, "second", 2)
