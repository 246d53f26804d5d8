"""Titles and notes: what is kept, what is refused, and that a run is never hidden or moved by them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lvcnet import workspace
from lvcnet.cli import app
from lvcnet.errors import LvcnetError
from lvcnet.runs.about import NOTE_LENGTH, TITLE_LENGTH, About, read_about, write_about
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.store import find_run, list_runs, new_run
from lvcnet.runs.summary import summarise

CONFIG = {"dataset": "hips", "labels": "clean", "method": "unet"}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    """The run `first` of the workspace, beside a demo run `demo`."""
    monkeypatch.setattr(workspace, "assets_dir", lambda: tmp_path / "assets")
    RunDirectory(tmp_path / "assets" / "runs" / "demo").create(CONFIG)
    return new_run("first", CONFIG)


def test_a_run_without_words_has_empty_ones(run: RunDirectory) -> None:
    assert read_about(run) == About("", "")


def test_each_is_changed_without_the_other_and_the_name_stays(run: RunDirectory) -> None:
    write_about(run, title="  Rough\n labels ")
    write_about(run, note="Two\nlines ü\n")
    assert read_about(run) == About("Rough labels", "Two\nlines ü")
    summary = summarise(find_run("first"))
    assert (summary.run, summary.title, summary.user_note) == ("first", "Rough labels", "Two\nlines ü")
    assert write_about(run, title="") == About("", "Two\nlines ü")


@pytest.mark.parametrize("content", ["{", "[]", '{"title": 3, "note": null}', '"text"'])
def test_a_broken_file_hides_no_run_and_can_be_replaced(run: RunDirectory, content: str) -> None:
    (run.path / "about.json").write_text(content)
    assert [summarise(one).title for one in list_runs(demo=False)] == [""]
    write_about(run, title="new")
    assert json.loads((run.path / "about.json").read_text()) == {"format": 1, "title": "new", "note": ""}


def test_what_is_too_long_changes_nothing(run: RunDirectory) -> None:
    write_about(run, "t" * TITLE_LENGTH, "n" * NOTE_LENGTH)
    with pytest.raises(LvcnetError, match="title has 81 characters: use 80 at most"):
        write_about(run, "t" * (TITLE_LENGTH + 1), "short")
    assert len(read_about(run).note) == NOTE_LENGTH


def test_demo_runs_and_runs_that_are_gone_are_refused(run: RunDirectory) -> None:
    with pytest.raises(LvcnetError, match="read-only"):
        write_about(find_run("demo"), title="mine")
    with pytest.raises(LvcnetError, match="no longer exists"):
        write_about(RunDirectory(run.path.with_name("gone")), title="ghost")
    assert not run.path.with_name("gone").exists()


def test_the_commands_write_and_lists_show(run: RunDirectory) -> None:
    call = CliRunner().invoke
    told = call(app, ["rename", "first", "Rough [labels]", "--json"])
    assert json.loads(told.stdout) == {"run": "first", "title": "Rough [labels]", "note": ""}
    assert "'Rough [labels]' and a note" in call(app, ["note", "first", "Baseline"]).stdout
    row = json.loads(call(app, ["runs", "--no-demo", "--json"]).stdout)["runs"][0]
    assert (row["run"], row["title"], row["user_note"]) == ("first", "Rough [labels]", "Baseline")
    assert "[labels]" in call(app, ["runs", "--no-demo"]).stdout


@pytest.mark.parametrize("command", ["rename", "note"])
def test_help_says_what_stays_and_has_an_example(command: str) -> None:
    text = CliRunner().invoke(app, [command, "--help"]).stdout
    assert f"lvcnet {command} hips" in text
