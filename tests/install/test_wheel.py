"""The wheel, outside of the checkout: what `pip install` gives somebody who has nothing else.

It is installed into a fresh environment that sees, of the packages of this one, only those that the wheel asks for.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from lab.headless import ROOT, fetch, free_port, run_page, served
from lab.ui.navigation import ENTRIES

BUILT_FROM = ("lvcnet", "lab", "pages", "assets")
BESIDE = ("LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.py")
LEFT_OUT = (".pyc", ".lock")
BUILD_SDIST = "import sys; from setuptools.build_meta import build_sdist; build_sdist(sys.argv[1])"
IMPORT_ALL = """
import importlib, pkgutil, sys, lvcnet
for module in pkgutil.walk_packages(lvcnet.__path__, "lvcnet."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(sorted({"streamlit", "gradio", "uvicorn", "lab"} & sys.modules.keys()))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built of an sdist, which is built of a copy of the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in BUILT_FROM:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in BESIDE:
        shutil.copy(ROOT / name, source)
    run([sys.executable, "-c", BUILD_SDIST, str(folder)], source)
    (sdist,) = folder.glob("*.tar.gz")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    run([*pip, "--wheel-dir", str(folder), str(sdist)], folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def library(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the commands of an environment without the lab."""
    return environment(tmp_path_factory.mktemp("library") / "venv", wheel)


@pytest.fixture(scope="module")
def whole(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the commands of an environment with the lab."""
    return environment(tmp_path_factory.mktemp("whole") / "venv", wheel, "lab")


def environment(folder: Path, wheel: Path, *extras: str) -> Path:
    """A new environment with the wheel in it, and what it asks for with these extras; the folder of its commands."""
    venv.create(folder, symlinks=True)
    commands = folder / "bin"
    pip = [sys.executable, "-m", "pip", "--python", str(commands / "python"), "install", "--quiet"]
    run([*pip, "--no-index", "--no-deps", "--no-compile", str(wheel)], folder)
    (site,) = folder.glob("lib/python*/site-packages")
    (own,) = distributions(name="lvcnet-lab", path=[str(site)])
    packages = folder / "needed" / "site-packages"  # under another name Streamlit takes itself for a checkout
    packages.mkdir(parents=True)
    for place in needed(own, extras):
        (packages / place.name).symlink_to(place)
    (site / "needed.pth").write_text(f"{packages}\n")
    return commands


def needed(own: Distribution, extras: tuple[str, ...]) -> set[Path]:
    """The files and folders of this environment that belong to what a package asks for, and to what that asks for."""
    places: set[Path] = set()
    left, known = [(own, extras)], set()
    while left:
        package, chosen = left.pop()
        for one in map(Requirement, package.requires or []):
            asked = one.marker is None or any(one.marker.evaluate({"extra": name}) for name in ("", *chosen))
            key = (one.name.lower(), tuple(sorted(one.extras)))
            if not asked or key in known:
                continue
            known.add(key)
            try:
                other = distribution(one.name)
            except PackageNotFoundError:  # not for this machine, or missing, which what is run here will say
                continue
            left.append((other, key[1]))
            tops = {file.parts[0] for file in other.files or []} - {"..", "__pycache__"}
            places |= {Path(str(other.locate_file(top))) for top in tops}
    return places


def run(command: list[str], folder: Path, status: int = 0) -> str:
    """Run a command in `folder`, where nothing leads to the checkout; what it wrote."""
    outside = {**os.environ, "PYTHONPATH": "", "LVCNET_HOME": str(folder / "home"), "COLUMNS": "200"}
    done = subprocess.run(
        command, cwd=folder, env=outside, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == status, done.stdout
    return done.stdout


def test_pages_demo_and_web_files_are_in_the_packages_and_nothing_else_at_the_top(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"lvcnet", "lab", "lvcnet_lab"}
    for folder, inside in (
        ("pages", "lab/_pages"),
        ("assets", "lvcnet/_assets"),
        ("lab/ui/web", "lab/ui/web"),
        ("lab/.streamlit", "lab/.streamlit"),
        ("lvcnet/training/presets", "lvcnet/training/presets"),
    ):
        files = [
            path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix not in LEFT_OUT
        ]
        assert files
        assert {f"{inside}/{path.relative_to(ROOT / folder).as_posix()}" for path in files} <= set(names)


def test_the_library_and_the_commands_work_without_the_lab(library: Path, tmp_path: Path) -> None:
    lvcnet, python = str(library / "lvcnet"), str(library / "python")
    run([python, "-c", "import streamlit"], tmp_path, 1)
    assert run([python, "-c", IMPORT_ALL], tmp_path).splitlines()[-1] == "[]"
    assert "Measure what sloppy outlines cost" in run([lvcnet, "--help"], tmp_path)
    assert "hips-lvcnet-plus-level3-s0" in run([lvcnet, "runs"], tmp_path)
    (sample,) = library.parent.glob("lib/*/site-packages/lvcnet/_assets/samples/hip-4.dcm")
    run([lvcnet, "predict", "hips-unet-level3-s0", str(sample), "--output", "out"], tmp_path)
    assert (tmp_path / "out" / "measurements.csv").read_text().count("hip-4.dcm") == 1
    assert "without the lab, which is in the extra [lab]" in run([lvcnet, "doctor", "--json"], tmp_path)


def test_without_the_extra_the_lab_says_in_one_line_what_to_install(library: Path, tmp_path: Path) -> None:
    said = run([str(library / "lvcnet"), "lab"], tmp_path, 2)
    assert said.startswith("lvcnet: the lab is not installed here (missing: gradio, streamlit, uvicorn)")
    assert 'pip install "lvcnet-lab[lab]"' in said
    assert said.count("\n") == 1


@pytest.fixture(scope="module")
def lab(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of `lvcnet lab` of the wheel."""
    folder = tmp_path_factory.mktemp("outside")
    port, log = free_port(), folder / "log.txt"
    environment = {"PYTHONPATH": "", "LVCNET_HOME": str(folder / "home"), "STREAMLIT_SERVER_HEADLESS": "true"}
    command = [str(whole / "lvcnet"), "lab", "--port", str(port)]
    with served(command, port, "/_stcore/health", log, environment, folder):
        yield f"http://127.0.0.1:{port}"
    said = log.read_text()
    assert "Traceback" not in said
    assert "usage statistics" not in said


@pytest.mark.parametrize("key", ["overview", "inspect", "correct", "inference"])
def test_pages_of_the_wheel_show_the_demo(lab: str, key: str) -> None:
    assert key in ENTRIES
    assert asyncio.run(run_page(lab, key)) == []


def test_the_other_application_of_the_wheel_answers(lab: str) -> None:
    assert fetch(f"{lab}/gradio/config")[0] == 200
