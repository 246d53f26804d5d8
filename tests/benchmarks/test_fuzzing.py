"""Every parser, on damaged files: it reads them or says what is wrong with them; and the harness finds what is not so."""

import random
from dataclasses import replace
from pathlib import Path

import fuzzing
import pytest
from fuzz_mutators import spliced
from fuzz_targets import TARGETS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lvcnet.errors import LvcnetError

SLOW = ("checkpoint", "yaml", "zip", "masks")
"""Targets that take milliseconds or more an input."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TARGETS)
def test_nothing_but_words_leaves_a_parser(name: str) -> None:
    target = TARGETS[name]
    seeds = target.seeds()
    for content in seeds:
        assert fuzzing.judge(target, content)[1] is None

    @settings(
        max_examples=40 if name in SLOW else 200,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**32), st.binary(max_size=64))
    def damaged(seed: int, raw: bytes) -> None:
        draw = random.Random(seed)
        content = raw if seed % 16 == 0 else target.mutate(spliced(seeds, draw), draw)
        _, fault = fuzzing.judge(target, content)
        assert fault is None, str(fault)

    damaged()


def test_seeds_are_accepted_but_for_what_a_single_file_cannot_show() -> None:
    """A corpus that is refused at once would test little."""
    for name in ("coco", "labelme", "dicom-bytes", "picture", "run-lengths", "polygon", "masks", "zip"):
        accepted = [fuzzing.judge(TARGETS[name], content)[0] for content in TARGETS[name].seeds()]
        assert sum(accepted) >= 0.8 * len(accepted), (name, accepted)


def test_a_fault_is_found_counted_and_kept_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def fragile(content: bytes) -> None:
        if content[:1] == b"[":
            raise KeyError("bracket")
        raise LvcnetError("no")

    target = replace(TARGETS["yaml"], run=fragile)
    assert fuzzing.judge(target, b"a: 1") == (False, None)
    _, fault = fuzzing.judge(target, b"[1")
    assert fault is not None
    assert (fault.kind, fault.reproducer) == ("KeyError", b"[1")
    faults = [fault]
    fuzzing.add_fault(faults, replace(fault, reproducer=b"[2"))
    assert [(one.count, one.reproducer) for one in faults] == [(2, b"[1")]


def test_the_same_seed_tries_the_same_files_in_a_process_of_its_own(tmp_path: Path) -> None:
    keep = tmp_path / "kept"  # not beside the workspace, where threads of earlier tests may still write
    keep.mkdir()
    first, second = (fuzzing.fuzz("run-lengths", executions=300, seed=3, keep=keep) for _ in (1, 2))
    assert first.executions == 300
    assert first.faults == []
    assert 0 < first.accepted == second.accepted < 300
    assert list(keep.iterdir()) == []
