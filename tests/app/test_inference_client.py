"""The documented API (docs/inference.md), called by gradio_client and by curl's own requests, on an app that really runs."""

import csv
import json
import re
import shutil
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import highdicom
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from lab.headless import ROOT, fetch, serve_inference

SAMPLES = ROOT / "assets" / "samples"
AREA = "area_px"


@pytest.fixture(scope="module")
def address(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`python -m lab.inference.app` in a process of its own, with the run `tiny`."""
    home = tmp_path_factory.mktemp("client") / "home"
    shutil.copytree(trained_home, home)
    with serve_inference(home, home.with_name("log.txt")) as served:
        yield f"{served}/"


@pytest.fixture(scope="module")
def client(address: str) -> Client:
    return Client(address, verbose=False)


def test_segment_answers_with_summary_mask_and_overlay(client: Client) -> None:
    summary, mask, overlay = client.predict(
        handle_file(str(SAMPLES / "hip-4.dcm")), run="tiny", threshold=0.05, api_name="/segment"
    )
    (category,) = summary["categories"]
    with Image.open(mask) as picture:
        assert int((np.array(picture) == 255).sum()) == category[AREA] > 0
    with Image.open(overlay) as picture:
        assert picture.size == (summary["width"], summary["height"]) == (512, 512)
    assert category["area_mm2"] == pytest.approx(category[AREA] * 0.78125**2, abs=0.01)
    assert category["longest_mm"] == pytest.approx(category["longest_px"] * 0.78125, abs=0.01)


def test_a_batch_comes_back_as_a_zip_without_the_bad_file(client: Client, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_text("no image")
    files = [handle_file(str(path)) for path in (SAMPLES / "hip-4.dcm", bad, SAMPLES / "hip-1.png")]
    summary, archive = client.predict(
        files, run="tiny", threshold=0.05, formats="masks,dicom-seg,csv", api_name="/segment_batch"
    )
    assert summary["segmented"] == 2
    assert sorted(summary["problems"]) == ["bad.png", "hip-1.png"]
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path)
    rows = {row["image"]: row for row in csv.DictReader((tmp_path / "measurements.csv").open())}
    assert list(rows) == ["hip-4.dcm", "bad.png", "hip-1.png"]
    seg = highdicom.seg.segread(tmp_path / "hip-4_seg.dcm")
    assert int(seg.pixel_array.sum()) == int(rows["hip-4.dcm"][AREA])


@pytest.mark.parametrize("anonymise", [False, True])
def test_a_program_may_leave_the_patient_out(client: Client, tmp_path: Path, anonymise: bool) -> None:
    files = [handle_file(str(SAMPLES / "hip-4.dcm"))]
    _, archive = client.predict(
        files, run="tiny", formats="dicom-seg", anonymise=anonymise, api_name="/segment_batch"
    )
    with zipfile.ZipFile(archive) as opened:
        content = opened.read("hip-4_seg.dcm")
    assert (b"Phantom^Synthetic" in content) != anonymise


def test_a_mistake_reaches_the_program_in_words(client: Client) -> None:
    with pytest.raises(AppError, match="there is no run 'absent'"):
        client.predict(handle_file(str(SAMPLES / "hip-1.png")), run="absent", api_name="/segment")


def test_the_documented_requests_work_without_gradio(address: str) -> None:
    """What curl does in docs/inference.md: upload, call, and read the stream of events."""
    boundary, content = "lvcnet", (SAMPLES / "hip-1.png").read_bytes()
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="hip-1.png"\r\n\r\n'
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    kind = f"multipart/form-data; boundary={boundary}"
    (path,) = json.loads(_post(f"{address}gradio_api/upload", body, kind))
    data = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}, "tiny", 0.5]}
    call = json.loads(
        _post(f"{address}gradio_api/call/segment", json.dumps(data).encode(), "application/json")
    )
    _, events = fetch(f"{address}gradio_api/call/segment/{call['event_id']}")
    answer = json.loads(re.findall(r"event: complete\ndata: (.*)", events)[0])
    assert answer[0]["run"] == "tiny"
    assert fetch(answer[2]["url"])[0] == 200


def _post(url: str, body: bytes, kind: str) -> str:
    request = urllib.request.Request(url, body, {"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(answer.read().decode())
