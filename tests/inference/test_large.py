"""The largest radiograph: everything that is written of it in bounds of memory, and the same as of a small one."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest
from PIL import Image

from lab.inference import segment
from lab.samples import write_dicom
from lvcnet.data import images
from lvcnet.inference.batch import predict_files
from lvcnet.inference.export import FORMATS, write_overlay
from lvcnet.inference.png import write_png
from lvcnet.inference.predictor import Predictor
from lvcnet.inference.segmentation import segment_file
from lvcnet.masks import blocks

RUN = "hips-unet-level3-s0"
PREDICTED = f"""
import sys
from pathlib import Path
from lvcnet.inference.batch import predict_files
from lvcnet.inference.export import FORMATS, write_overlay
from lvcnet.inference.predictor import Predictor
from lvcnet.runs.store import find_run
written = predict_files(Predictor(find_run("{RUN}"), device="cpu"), [Path(sys.argv[1])], Path(sys.argv[2]), formats=list(FORMATS))
assert written["problems"] == []
print(1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]))
"""


def test_predicting_the_largest_radiograph_takes_less_than_1200_megabytes(tmp_path: Path) -> None:
    path, side = tmp_path / "large.dcm", 10_000
    small = cv2.imread(str(segment.samples()[0]), cv2.IMREAD_GRAYSCALE)
    write_dicom(path, np.zeros((10, 10), np.uint8), 0.2)
    header = pydicom.dcmread(path)
    header.Rows = header.Columns = side
    header.PixelData = cv2.resize(small, (side, side)).astype(np.uint16).tobytes()
    header.save_as(path)
    answer = subprocess.run(
        [sys.executable, "-c", PREDICTED, str(path), str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(answer.stdout) < 1.2e9
    assert cv2.imread(str(next((tmp_path / "out").glob("*_mask.png"))), cv2.IMREAD_UNCHANGED).any()


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A DICOM file of 90 x 300 noisy pixels with a bright rectangle that has a hole."""
    pixels = np.random.default_rng(0).integers(0, 90, (90, 300), dtype=np.uint8)
    pixels[20:70, 60:250] += 130
    pixels[40:50, 100:140] = 0
    write_dicom(tmp_path / "scan.dcm", pixels, 0.5)
    return tmp_path / "scan.dcm"


def test_what_is_written_in_blocks_is_what_is_written_in_one_piece(
    predictor: Predictor, scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = []
    for number, block in enumerate((1_000_000, 1000)):
        monkeypatch.setattr(blocks, "BLOCK", block)
        monkeypatch.setattr(images, "BLOCK", block)
        out = tmp_path / f"out-{number}"
        written = predict_files(predictor, [scan], out, 0.6, list(FORMATS))
        write_overlay(segment_file(predictor, scan), out / "of_the_lab.png", 0.4, "#0000FF")
        contents.append((written, {path.name: content(path) for path in out.iterdir()}))
    assert contents[0] == contents[1]
    assert len(contents[0][1]) == 2 + 2 + 1 + 1 + 1 + 1 + 1 + 1


def content(path: Path) -> object:
    """Pixels of pictures and segmentations, whose UIDs are new every time; the text of other files."""
    if path.suffix == ".png":
        return cv2.imread(str(path), cv2.IMREAD_UNCHANGED).tobytes()
    return bytes(pydicom.dcmread(path).PixelData) if path.suffix == ".dcm" else path.read_text()


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (40, 30), (6, 1), (5, 7, 3), (1, 1, 3)])
@pytest.mark.parametrize("bits", [8, 16])
def test_other_libraries_read_the_png_files(shape: tuple[int, ...], bits: int, tmp_path: Path) -> None:
    if bits == 16 and len(shape) == 3:
        return
    picture = np.random.default_rng(1).integers(0, 2**bits, shape, dtype=f"uint{bits}")
    write_png(tmp_path / "a.png", *shape[:2], iter(np.array_split(picture, min(3, shape[0]))))
    read = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(read[..., ::-1] if picture.ndim == 3 else read, picture)
    with Image.open(tmp_path / "a.png") as opened:
        opened.verify()
    with Image.open(tmp_path / "a.png") as opened:
        assert np.array_equal(np.array(opened), picture)
