"""The entry point: whatever the user got wrong is one line on stderr, nothing on stdout, and exit status 2."""

import pytest

from lvcnet import cli
from lvcnet.data.phantom import make_phantom


@pytest.fixture
def hips(workspace_home):
    """A phantom data set whose 40 px do not suit four poolings."""
    make_phantom("hips", 2, 1, 40, 0).save()


def call(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["lvcnet", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code or 0, *capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["zzz"], "No such command 'zzz' (see `lvcnet --help`)"),
        (["noise"], "Missing argument"),
        (["train"], "or a run to copy with --like RUN"),
        (["train", "hips", "--speed", "9"], "No such option"),
        (["data", "phantom", "x", "--train", "many"], "Invalid value for '--train'"),
        (["train", "hips", "--device", "cuda:99", "--queue"], "device 'cuda:99' is not available"),
        (["train", "hips", "--queue"], "images of 40x40 do not fit a network with stride 16"),
        (["train", "hips", "--set", "options=3"], "write e.g. options.warps=2"),
        (["sweep", "hips", "--levels", "clean", "--set", "options=3"], "write e.g. options.warps=2"),
        (["sweep", "hips", "--levels", "clean"], "images of 40x40 do not fit"),
        (["data", "export", "hips", "--output", "/dev/null/x.json"], "/dev/null"),
        (["data", "import", "new", "--images", "none", "--train", "none.json"], "does not exist"),
    ],
)
def test_a_user_error_is_one_line_and_status_two(
    hips, workspace_home, monkeypatch, capsys, arguments, message
):
    status, out, err = call(monkeypatch, capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("lvcnet: ")
    assert message in err
    problems = err.splitlines()[1:]  # an import lists its problems below the headline
    assert all(line.startswith("  ") for line in problems)
    assert len(problems) == (arguments[:2] == ["data", "import"])
    assert not list((workspace_home / "runs").glob("*"))


def test_exit_statuses_of_commands_that_work(monkeypatch, capsys):
    assert call(monkeypatch, capsys, "--version")[0] == 0
    assert call(monkeypatch, capsys, "runs", "--no-demo") == (
        0,
        "No runs yet. Start one with `lvcnet train DATASET`.\n",
        "",
    )


def test_without_a_command_the_help_is_all_there_is(monkeypatch, capsys):
    status, out, err = call(monkeypatch, capsys, "data")
    assert (status, err) == (2, "")
    assert "phantom" in out
