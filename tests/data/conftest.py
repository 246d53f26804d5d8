"""Small annotated data sets on disk."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


class CocoFolder:
    """Four 40 x 20 images a.png to d.png, each with the rectangle (4, 2) to (24, 12) as category `bone`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.images = folder / "images"
        self.images.mkdir()
        for number, name in enumerate("abcd"):
            pixels = np.full((20, 40), 40 * number, dtype=np.uint8)
            Image.fromarray(pixels).save(self.images / f"{name}.png")

    def content(self, names: str = "ab") -> dict[str, Any]:
        images = [
            {"id": number, "file_name": f"{name}.png", "width": 40, "height": 20}
            for number, name in enumerate(names, start=1)
        ]
        annotations = [
            {
                "id": image["id"],
                "image_id": image["id"],
                "category_id": 1,
                "iscrowd": 0,
                "segmentation": [[4, 2, 24, 2, 24, 12, 4, 12]],
            }
            for image in images
        ]
        categories = [{"id": 1, "name": "bone", "supercategory": ""}]
        return copy.deepcopy({"images": images, "annotations": annotations, "categories": categories})

    def write(self, content: Any, name: str = "train.json") -> Path:
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path


@pytest.fixture
def coco(tmp_path: Path) -> CocoFolder:
    folder = tmp_path / "coco"
    folder.mkdir()
    return CocoFolder(folder)
