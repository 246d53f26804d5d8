"""`lvcnet consensus` and `lvcnet edge-support`."""

import json

import numpy as np
import pytest

from lvcnet.data.dataset import Dataset


def test_a_consensus_is_stored_and_told(lvcnet, make_squares) -> None:
    make_squares()
    status, out, _ = lvcnet("consensus", "squares", "clean", "second", "--vote", "majority", "--as", "both")
    assert status == 0
    assert "2 images that not all of them cover" in " ".join(out.split())
    dataset = Dataset.load("squares")
    both = dataset.labels("clean").masks[0, 0] & dataset.labels("second").masks[0, 0]
    assert np.array_equal(dataset.labels("both").masks[0, 0], both), "strips of one pixel stay background"
    again = ("consensus", "squares", "clean", "second", "--as", "both")
    status, out, err = lvcnet(*again)
    assert (status, out) == (2, "")
    assert "exists" in err
    status, out, _ = lvcnet(*again, "--overwrite", "--json")
    assert status == 0
    assert json.loads(out)["vote"] == "staple"
    status, out, _ = lvcnet(*again, "--overwrite", "--json", "--method", "majority")
    assert json.loads(out)["vote"] == "majority", "what --vote was called before is still understood"
    assert "--method" not in lvcnet("consensus", "--help")[1]


def test_edge_support_tells_shares_and_says_what_it_is(lvcnet, make_squares) -> None:
    make_squares()
    found = json.loads(lvcnet("edge-support", "squares", "clean", "second", "--json")[1])
    assert found["share"] == {"first": 0.0, "second": 0.0, "undecided": 1.0}
    status, out, _ = lvcnet("edge-support", "squares", "clean", "second", "--top", "2")
    assert status == 0
    assert "A hint, not truth" in out
    status, _, err = lvcnet("edge-support", "squares", "clean", "clean")
    assert (status, err.count("\n")) == (2, 1)


def test_what_edge_support_was_called_before_still_works_and_is_listed_nowhere(lvcnet, make_squares) -> None:
    make_squares()
    now, before = (
        lvcnet(name, "squares", "clean", "second", "--json") for name in ("edge-support", "siding")
    )
    assert now[0] == 0
    assert before == now
    listed = lvcnet("--help")[1]
    assert "edge-support" in listed
    assert "siding" not in listed


@pytest.mark.parametrize("command", ["consensus", "edge-support"])
def test_help_has_an_example(lvcnet, command: str) -> None:
    assert f"lvcnet {command}" in lvcnet(command, "--help")[1]
