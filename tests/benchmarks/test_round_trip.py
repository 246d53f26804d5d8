"""The round trip of outlines on a small data set made here."""

import json
from pathlib import Path

import numpy as np
import pytest
import round_trip
from PIL import Image


def test_what_is_untouched_is_all_there_and_smooth_is_better_than_stairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, output = tmp_path / "shapes", tmp_path / "round-trip.md"
    (folder / "images").mkdir(parents=True)
    angles = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    for part in ("train", "test"):
        rings = [
            np.stack([90 + x + 30 * np.cos(angles), 60 + 45 * np.sin(angles)], axis=1).ravel().tolist()
            for x in (0, 60)
        ]
        Image.fromarray(np.zeros((130, 200), np.uint8)).save(folder / "images" / f"{part}.png")
        content = {
            "images": [{"id": 1, "file_name": f"{part}.png", "width": 200, "height": 130}],
            "categories": [{"id": 1, "name": "left"}, {"id": 2, "name": "right"}],
            "annotations": [
                {"id": n, "image_id": 1, "category_id": n, "segmentation": [ring]}
                for n, ring in enumerate(rings, start=1)
            ],
        }
        (folder / f"{part}.json").write_text(json.dumps(content))
    monkeypatch.setattr(round_trip, "SETS", {"shapes": ("train.json", "test.json")})
    arguments = ["--shared", str(tmp_path), "--sets", "shapes", "--sizes", "32", "--output", str(output)]
    round_trip.main(arguments)
    text = output.read_text()
    assert str(tmp_path) not in text
    cells = next(line for line in text.splitlines() if line.startswith("| shapes")).strip("| ").split(" | ")
    assert cells[:5] == ["shapes", "32", "4", "1.0000 (1.000)", "1.0000 (1.000)"]
    stairs, smooth = (float(cell.split()[0]) for cell in cells[6:8])
    assert 1 - smooth < 0.6 * (1 - stairs)
