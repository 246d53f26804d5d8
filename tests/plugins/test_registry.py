"""Plug-ins by entry point: found late, refused with a reason, and harmless when they are broken."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from lvcnet.errors import LvcnetError
from lvcnet.plugins import Registry, entry_points

GROUP = "lvcnet.test-shapes"


@dataclass(frozen=True)
class Shape:
    name: str


@pytest.fixture
def shapes() -> Registry[Shape]:
    return Registry("shape", GROUP, Shape, (Shape("disc"), Shape("square")))


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a package with entry points of `GROUP` where Python finds it: (package, {name: object}, source of its module)."""
    monkeypatch.syspath_prepend(str(tmp_path))
    modules = set(sys.modules)

    def add(package: str, entries: dict[str, str], source: str = "") -> None:
        info = tmp_path / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = "".join(f"{name} = {package}:{place}\n" for name, place in entries.items())
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{lines}")
        (tmp_path / f"{package}.py").write_text(source)

    yield add
    for name in set(sys.modules) - modules:
        del sys.modules[name]


STAR = "from tests.plugins.test_registry import Shape\nSTAR = Shape({name!r})\n"


def test_a_plug_in_is_imported_only_when_the_house_does_not_know_the_name(shapes, install) -> None:
    install("stars", {"star": "STAR"}, STAR.format(name="star"))
    assert shapes["disc"] == Shape("disc")
    assert "stars" not in sys.modules
    assert shapes.find("star").name == "star"
    assert list(shapes) == ["disc", "square", "star"]
    assert (shapes.own, shapes.problems) == (("disc", "square"), [])
    assert shapes.in_words() == "disc, square or star"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (STAR.format(name="disc"), "there is a shape 'disc' already"),
        (STAR.format(name="a,b"), "'a,b' is not a usable name"),
        ("STAR = 3", "it is a int, not a Shape"),
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("OTHER = 1", "AttributeError"),
    ],
)
def test_what_cannot_be_used_is_left_out_and_said_in_one_line(
    shapes, install, caplog: pytest.LogCaptureFixture, source: str, reason: str
) -> None:
    install("broken", {"star": "STAR"}, source)
    install("sound", {"ring": "STAR"}, STAR.format(name="ring"))
    assert list(shapes) == ["disc", "square", "ring"]
    (line,) = shapes.problems
    assert line.startswith(f"plug-in broken ({GROUP}: broken:STAR) is left out: {reason}")
    assert [record.getMessage() for record in caplog.records] == [line]
    with pytest.raises(
        LvcnetError, match="shape 'star' does not exist: choose one of disc, square, ring"
    ) as error:
        shapes.find("star")
    assert line in str(error.value)


def test_of_two_plug_ins_with_one_name_the_first_by_package_counts(shapes, install) -> None:
    install("zeta", {"star": "STAR"}, STAR.format(name="star"))
    install("alpha", {"star": "STAR"}, STAR.format(name="star"))
    assert [entry.dist.name for entry in entry_points(GROUP)] == ["alpha", "zeta"]
    assert "star" in shapes
    assert "plug-in zeta" in shapes.problems[0]


def test_a_plug_in_may_ask_the_registry_while_it_is_imported(shapes, install, monkeypatch) -> None:
    monkeypatch.setattr("tests.plugins.test_registry.ASKED", shapes, raising=False)
    install(
        "curious",
        {"star": "STAR"},
        "from tests.plugins import test_registry\nSTAR = test_registry.Shape('-'.join(test_registry.ASKED))\n",
    )
    assert list(shapes) == ["disc", "square", "disc-square"]
