"""The examples in Python that README and tutorial show do what they say."""

import re
from pathlib import Path
from typing import Any

import pytest

from lvcnet.data.dataset import Dataset
from lvcnet.runs.store import list_runs

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LONGEST = 24
"""Lines of a story."""


def run_examples(page: str) -> dict[str, Any]:
    """Run all examples of a page one after the other, as a reader does; the names they leave."""
    text = (ROOT / page).read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    for found in BLOCK.finditer(text):
        # empty lines in front, so that a traceback names the line of the page
        code = "\n" * text[: found.start(1)].count("\n") + found[1]
        exec(compile(code, page, "exec"), names)
    return names


def test_the_tutorial_runs(workspace_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = run_examples("docs/tutorial.md")
    assert {run.status()["state"] for run in list_runs(demo=False)} == {"done"}
    assert names["pelvis"].label_names()[0] == "clean"
    assert len(names["changed"]["accepted"]) == 16
    assert Dataset.load("jaws").label_names() == ["clean", "second"]
    assert names["written"]["problems"] == []
    assert names["one"].masks.shape == (1, 64, 64)
    assert (tmp_path / "pelvis" / "corrected.json").is_file()
    assert set(names["comparison"].frame()["method"]) == {"unet", "lvcnet-plus"}


def test_the_example_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = run_examples("README.md")
    assert names["run"].status()["state"] == "done"
    assert (tmp_path / "repaired.json").is_file()


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_a_story_is_short(page: str) -> None:
    for story in (ROOT / page).read_text(encoding="utf-8").split("\n## "):
        code = "".join(found[1] for found in BLOCK.finditer(story))
        assert sum(map(bool, code.splitlines())) <= LONGEST, story[:40]
