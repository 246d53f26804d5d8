"""Killing a process before each of its changes, on actions whose changes can be counted by hand."""

from pathlib import Path

import pytest
from crash import Failed, count_changes, killed_at

from lvcnet.files import write_atomic


def three_changes(folder: Path) -> None:
    """A folder, a temporary file, its rename: the target appears with the third."""
    write_atomic(folder / "made" / "file", b"content")


def test_changes_are_counted(tmp_path: Path) -> None:
    assert count_changes(lambda: three_changes(tmp_path), tmp_path) == 3
    assert (tmp_path / "made" / "file").read_bytes() == b"content"


@pytest.mark.parametrize(
    ("change", "left"), [(1, []), (2, ["made"]), (3, ["made", "made/.file"]), (4, ["made", "made/file"])]
)
def test_dies_before_the_change(tmp_path: Path, change: int, left: list[str]) -> None:
    assert killed_at(lambda: three_changes(tmp_path), tmp_path, change) == (change < 4)
    found = sorted(str(path.relative_to(tmp_path)).split(".file.")[0] for path in tmp_path.rglob("*"))
    assert [name + ".file" if name.endswith("/") else name for name in found] == left


def test_changes_elsewhere_and_reading_do_not_count(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    (inside / "old").write_text("old")
    assert count_changes(lambda: (outside.write_text("x"), (inside / "old").read_text()), inside) == 0


def test_what_the_action_raises_is_told(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="ZeroDivisionError"):
        count_changes(lambda: 1 / 0, tmp_path)
