"""What the load benchmark reports of what it saw."""

import sys

import load
import pytest


def test_the_report_holds_what_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["load.py", "--quick"])
    options = load.parse_options()
    assert (options.users, options.callers) == (2, 2)
    seen = load.Seen(
        pages=[1.0, 2.0], calls=[0.5], busy=3, errors=["call: none"], memory=[600.0, 610.0, 605.0], alone=4.0
    )
    seen.loaded = 3.2
    text = load.report({"training first": seen}, options)
    row = next(line for line in text.splitlines() if line.startswith("| training first"))
    for cell in ("1, 3 busy", "0.50 / 0.50", "1.50 / 1.95", "4.00 / 3.20 (80%)", "600 / 605 / 605"):
        assert cell in row
    assert "`python benchmarks/load.py --quick`; seed 0" in text
    assert "- call: none" in text
