"""The entry point: whatever the user got wrong is one line on stderr, nothing on stdout, and exit status 2."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from lvcnet import cli
from lvcnet.cli import COMMANDS, _explanation
from lvcnet.data.phantom.make import make_phantom


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
        (["sweep", "hips", "--labels", "clean", "--set", "options=3"], "write e.g. options.warps=2"),
        (["sweep", "hips", "--labels", "clean"], "images of 40x40 do not fit"),
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


def test_every_module_of_commands_is_listed_with_what_its_commands_say_of_themselves(lvcnet) -> None:
    """The list is read from the sources; what is called is what is listed."""
    listed = " ".join(lvcnet("--help")[1].split())
    named: set[str] = set()
    for module in {module for module, _ in COMMANDS.values()}:
        app = typer.Typer()
        importlib.import_module(f"lvcnet.cli.{module}").register(app)
        for name, command in typer.main.get_group(app).commands.items():
            named.add(name)
            assert COMMANDS[name][0] == module
            help_text = command.help or ""
            assert help_text.splitlines()[0].split()[:4] == _explanation(*COMMANDS[name]).split()[:4]
            assert f" {name} {' '.join(help_text.split()[:3])}" in listed
    assert named == set(COMMANDS)


LISTS = {"torch", "scipy", "pydicom", "monai", "skimage", "pandas"}
"""What a list of runs does not need."""


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--help"], {"numpy", "huey", *LISTS}),
        (["--version"], {"numpy", "huey", *LISTS}),
        (["zzz"], {"numpy", "huey", *LISTS}),
        (["runs"], LISTS),
        (["queue"], LISTS),
        (["cancel", "nothing"], LISTS),
    ],
)
def test_a_command_imports_only_what_it_needs(
    arguments: list[str], heavy: set[str], workspace_home: Path
) -> None:
    script = f"""
import sys
from lvcnet.cli import main

sys.argv[1:] = {arguments!r}
try:
    main()
except SystemExit:
    print(sorted({heavy!r} & sys.modules.keys()))
"""
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]"
