"""The report of trust.py, with few executions."""

from pathlib import Path

import fuzz_all
import fuzzing
import pytest
import trust
from fuzz_targets import TARGETS


def test_fuzz_gives_every_parser_its_share_and_says_what_was_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(fuzz_all.SHARES) == set(TARGETS)
    assert sum(fuzz_all.SHARES.values()) == 1000
    shares = {"yaml": 20, "run-lengths": 980}  # a process for each parser takes longer than its inputs
    monkeypatch.setattr(fuzz_all, "SHARES", shares)
    report = tmp_path / "trust.md"
    assert trust.main(["--sections", "fuzz", "--executions", "300", "--output", str(report)]) == 0
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in report.read_text().splitlines()]
    found = {row[0]: row[1] for row in rows if len(row) == 6}
    assert (found["yaml"], found["run-lengths"], found["**all**"]) == ("6", "294", "**300**")
    assert "Faults: none." in report.read_text()


def test_a_section_that_is_run_again_replaces_its_own_and_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = {"kills": ["one was lost"], "torn": [], "fuzz": []}
    for name in faults:
        monkeypatch.setitem(
            trust.SECTION, name, lambda folder, options, name=name: (f"All of {name}.", faults[name])
        )
    report = tmp_path / "trust.md"
    assert trust.main(["--sections", "fuzz", "--output", str(report)]) == 0
    assert trust.main(["--sections", "kills", "--output", str(report), "--seed", "3"]) == 1
    first = report.read_text()
    headings = [line for line in first.splitlines() if line.startswith("#")]
    assert headings == ["# Killed, torn and fuzzed", "## Kills", "## Fuzzing", "## Found and mended"]
    assert "- one was lost" in first
    faults["kills"] = []
    assert trust.main(["--sections", "kills", "--output", str(report), "--seed", "4"]) == 0
    again = report.read_text()
    assert "one was lost" not in again
    assert again.count("All of") == 2
    assert [again.count(f"; seed {seed};") for seed in (0, 3, 4)] == [1, 0, 1]


def test_faults_of_fuzzing_are_named_in_the_report_and_their_files_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fuzz_part(part: fuzz_all.Part, seed: int) -> fuzzing.FuzzResult:
        fault = fuzzing.Fault("KeyError", "data/coco.py:1", "boxes", 1, b"{}")
        return fuzzing.FuzzResult(part.target, part.executions, 0, 1.0, [fault])

    monkeypatch.setattr(fuzz_all, "SHARES", {"coco": 1000})
    monkeypatch.setattr(fuzz_all, "_fuzz_part", fuzz_part)
    kept = tmp_path / "kept"
    assert trust.main(["--sections", "fuzz", "--executions", "100", "--keep", str(kept)]) == 1
    shown = capsys.readouterr().out
    assert "- coco: KeyError at data/coco.py:1" in shown
    assert [path.read_bytes() for path in kept.iterdir()] == [b"{}"]
