"""The lab as it is really started: one port, Streamlit and Gradio behind it."""

import shutil
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from lab.headless import fetch, serve_lab
from lab.ui.navigation import ENTRIES, FOLDER
from lvcnet.runs.directory import RunDirectory

SAMPLES = FOLDER.parent / "assets" / "samples"


@pytest.fixture(scope="module")
def lab_home(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the run `tiny` and the run `orphan`, whose trainer has died."""
    home = tmp_path_factory.mktemp("lab") / "home"
    shutil.copytree(trained_home, home)
    shutil.copytree(home / "runs" / "tiny", home / "runs" / "orphan")
    RunDirectory(home / "runs" / "orphan").update_status(state="running", pid=2**22 + 1, pid_create_time=1.0)
    return home


@pytest.fixture(scope="module")
def lab(lab_home: Path) -> Iterator[str]:
    """Address of a running lab."""
    log = lab_home.with_name("log.txt")
    with serve_lab(lab_home, log) as address:
        yield address
    assert "Traceback" not in log.read_text()


def test_both_applications_answer_on_one_port(lab: str) -> None:
    assert fetch(f"{lab}/_stcore/health") == (200, "ok")
    status, body = fetch(lab)
    assert (status, "<title>Streamlit</title>" in body) == (200, True)
    for path in ("/gradio", "/gradio/", "/gradio/?__theme=dark"):
        status, body = fetch(f"{lab}{path}")
        assert (status, "gradio_config" in body) == (200, True)


def test_the_lab_serves_the_library_that_saves_figures(lab: str) -> None:
    status, body = fetch(f"{lab}/plotly.min.js")
    assert (status, "toImage" in body) == (200, True)


def test_the_first_page_has_an_address_of_its_own(lab: str) -> None:
    with urllib.request.urlopen(f"{lab}/overview") as answer:
        assert (answer.status, urlsplit(answer.url).path) == (200, "/")


def test_unknown_addresses_harm_nobody(lab: str) -> None:
    assert fetch(f"{lab}/no-such-page")[0] == 200  # Streamlit's own "page not found" is drawn in the browser
    assert fetch(f"{lab}/gradio/no-such-page")[0] == 404
    assert fetch(f"{lab}/gradio/gradio_api/file=/etc/hostname")[0] in (403, 404)
    assert fetch(f"{lab}/_stcore/health") == (200, "ok")


def test_only_this_machine_can_connect(lab: str) -> None:
    port = urlsplit(lab).port
    assert port is not None
    with socket.socket() as probe:
        probe.settimeout(5)
        assert probe.connect_ex(("127.0.0.2", port)) != 0  # stands for every other interface


def test_no_page_names_another_host(lab: str) -> None:
    config = fetch(f"{lab}/gradio/config")[1]
    theme = fetch(f"{lab}/gradio/theme.css")[1]
    assert "fonts.googleapis" not in config + theme
    assert '"analytics_enabled":false' in config.replace(" ", "")


@pytest.mark.parametrize("file", ["hip-1.png", "hip-4.dcm"])
def test_a_program_segments_a_radiograph(lab: str, tmp_path: Path, file: str) -> None:
    client = Client(f"{lab}/gradio/", download_files=str(tmp_path), verbose=False)
    answer, mask, overlay = client.predict(
        handle_file(SAMPLES / file), run="tiny", threshold=0.5, api_name="/segment"
    )
    (category,) = answer["categories"]
    with Image.open(mask) as picture:
        assert picture.size == (512, 512)
        assert int((np.array(picture) == 255).sum()) == category["area_px"]
    with Image.open(overlay) as picture:
        assert (picture.mode, picture.size) == ("RGB", (512, 512))
    assert (category["area_mm2"] is not None) == file.endswith(".dcm")


def test_a_program_is_told_what_is_wrong(lab: str) -> None:
    client = Client(f"{lab}/gradio/", verbose=False)
    with pytest.raises(AppError, match="there is no run 'absent'"):
        client.predict(handle_file(SAMPLES / "hip-1.png"), run="absent", api_name="/segment")
    with pytest.raises(AppError, match="use PNG, JPEG, TIFF, BMP or DICOM"):
        client.predict(handle_file(__file__), run="tiny", api_name="/segment")


def test_starting_the_lab_puts_the_queue_in_order(lab: str, lab_home: Path) -> None:
    assert RunDirectory(lab_home / "runs" / "orphan").status()["state"] == "interrupted"


def test_every_page_of_the_navigation_exists() -> None:
    work = ["overview", "data", "noise", "train", "runs", "compare", "inspect", "audit", "correct"]
    assert list(ENTRIES) == [*work, "inference", "glossary"]
    assert all(entry.path.is_file() for entry in ENTRIES.values())
