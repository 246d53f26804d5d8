"""SECURITY.md: every threat names a test, and the test is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROWS = [line for line in (ROOT / "SECURITY.md").read_text().splitlines() if line.startswith("| ")]


def test_every_threat_has_a_test_that_exists() -> None:
    threats = [row for row in ROWS if row.count("|") == 4 and not row.startswith(("| threat", "| who"))]
    threats = threats[threats.index(next(row for row in threats if row.startswith("| a client names"))) :]
    assert len(threats) > 20
    for row in threats:
        paths = re.findall(r"(?:tests|lvcnet)/[\w/]+\.py", row.split("|")[3])
        assert paths, row
        assert [path for path in paths if not (ROOT / path).is_file()] == [], row
