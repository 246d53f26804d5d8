"""Who the patient is stays in the DICOM file: nothing that an import or a prediction writes or says holds a planted name."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lab.samples import write_dicom
from lvcnet.data.importing.importer import import_masks
from lvcnet.inference import batch
from lvcnet.inference.export import FORMATS
from lvcnet.inference.predictor import Predictor
from tests.data.test_dicom_seg import planted
from tests.inference.helpers import TwoSides, make_run


@pytest.fixture
def radiographs(tmp_path: Path) -> tuple[Path, list[str]]:
    """Two DICOM files of one patient, and all that tells who it is."""
    folder = tmp_path / "xrays"
    folder.mkdir()
    pixels = np.zeros((48, 64), np.uint8)
    pixels[12:36, 16:48] = 220
    secrets: list[str] = []
    for name in ("a", "b"):
        write_dicom(folder / f"{name}.dcm", pixels, 0.5)
        secrets += planted(folder / f"{name}.dcm")
    return folder, secrets


def found_in(folder: Path, secrets: list[str]) -> list[tuple[str, str]]:
    return [
        (path.name, secret)
        for path in folder.rglob("*")
        if path.is_file()
        for secret in secrets
        if secret.encode() in path.read_bytes()
    ]


def test_a_prediction_writes_no_name(
    radiographs: tuple[Path, list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("lvcnet.inference.predictor.load_method", lambda run, which, device: TwoSides())
    folder, secrets = radiographs
    predictor, out = Predictor(make_run("unet", ["bone", "left"])), tmp_path / "out"
    written = batch.predict_files(
        predictor, sorted(folder.iterdir()), out, formats=list(FORMATS), anonymise=True
    )
    assert written["problems"] == []
    assert len(list(out.glob("*_seg.dcm"))) == 2
    assert found_in(out, secrets) == []
    said = "".join(capfd.readouterr()) + caplog.text
    assert [secret for secret in secrets if secret in said] == []
    # without the option it is the segmentation alone that holds them
    shutil.rmtree(out)
    batch.predict_files(predictor, sorted(folder.iterdir()), out, formats=list(FORMATS))
    assert {name for name, _ in found_in(out, secrets)} == {"a_seg.dcm", "b_seg.dcm"}


def test_an_import_keeps_no_name(
    radiographs: tuple[Path, list[str]],
    tmp_path: Path,
    workspace_home: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder, secrets = radiographs
    masks = tmp_path / "masks"
    masks.mkdir()
    for name in ("a", "b"):
        Image.fromarray(np.pad(np.full((24, 32), 255, np.uint8), ((12, 12), (16, 16)))).save(
            masks / f"{name}.png"
        )
    import_masks("hips", folder, masks, size=32).save()
    assert (workspace_home / "datasets" / "hips" / "dataset.json").exists()
    assert found_in(workspace_home, secrets) == []
    said = "".join(capfd.readouterr()) + caplog.text
    assert [secret for secret in secrets if secret in said] == []
