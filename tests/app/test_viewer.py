"""What the viewer draws and what its cursor reads, worked out by hand on masks of a few pixels."""

import base64
import io
import json
import zlib

import cv2
import numpy as np
from hypothesis import given
from hypothesis.extra.numpy import arrays
from PIL import Image

from lab.draw import panels
from lab.ui.viewer import Panel, Values, svg_path, viewer_data
from lvcnet.drawing.palette import LABEL_COLOURS
from lvcnet.masks.largest_error import largest_error

RING = np.ones((3, 3), dtype=bool)
RING[1, 1] = False


def filled(path: str, side: int) -> np.ndarray:
    """The pixels inside a path, by the even-odd rule."""
    result = np.zeros((side, side), np.uint8)
    for ring in filter(None, path.split("Z")):
        points = [[float(value) for value in point.split()] for point in ring.removeprefix("M").split("L")]
        corners = np.rint(8 * (np.array(points) + 0.5)).astype(np.int32)
        large = np.zeros((8 * side, 8 * side), np.uint8)
        cv2.fillPoly(large, [corners], 1)
        result ^= large[4::8, 4::8]
    return result.astype(bool)


def test_a_path_runs_along_pixel_edges_and_around_holes() -> None:
    path = svg_path(RING)
    assert path.count("M") == path.count("Z") == 2
    assert "-0.5 -0.5" in path
    assert "2.5 2.5" in path
    assert svg_path(np.zeros((3, 3), dtype=bool)) == ""


@given(arrays(bool, (6, 6)))
def test_a_path_fills_exactly_its_mask(mask: np.ndarray) -> None:
    assert np.array_equal(filled(svg_path(mask), 6), mask)


def test_the_cursor_reads_grey_labels_and_probabilities() -> None:
    image = np.arange(9, dtype=np.uint8).reshape(3, 3)
    probability = np.full((1, 3, 3), 0.2)
    values = [
        Values("clean label", ["bone"], "mask", RING[None]),
        Values("U-Net", ["bone"], "probability", probability),
    ]
    far = Values("offsets", ["bone"], "px", np.full((1, 3, 3), 20.0))
    near = Values("offsets", ["bone"], "px", np.full((1, 3, 3), 1.5))
    assert (far.bytes()[0], near.bytes()[0]) == (255, 24)  # sixteenths, up to 15.9
    panel = Panel("U-Net", "IoU 1", "U-Net, image a", panels.method_layers(RING[None], None, RING[None]))
    data = viewer_data(image, [panel], values, "hips/level4", focus=(1.0, 2.0))
    read = np.frombuffer(zlib.decompress(base64.b64decode(data["values"])), np.uint8).reshape(3, 3, 3)
    assert read[:, 1, 1].tolist() == [4, 0, 51]
    assert read[:, 2, 0].tolist() == [6, 1, 51]
    assert [name["title"] for name in data["names"]] == ["grey value", "clean label", "U-Net"]
    with Image.open(io.BytesIO(base64.b64decode(data["image"].partition(",")[2]))) as picture:
        assert np.array_equal(np.array(picture), image)
    assert data["filename"] == "hips-level4"
    assert json.loads(json.dumps(data))["panels"][0]["layers"][0]["fill"] is True


def test_errors_are_what_was_missed_and_what_is_extra() -> None:
    clean, prediction = np.zeros((2, 1, 8, 8), dtype=bool)
    clean[0, 1:5, 1:5] = True
    prediction[0, 3:7, 1:5] = True
    missed, extra, *outlines = panels.method_layers(clean, None, prediction, "errors")
    assert (missed.colour, extra.colour) == (LABEL_COLOURS["missed"], LABEL_COLOURS["extra"])
    assert np.array_equal(filled(missed.path, 8), (clean & ~prediction)[0])
    assert np.array_equal(filled(extra.path, 8), (prediction & ~clean)[0])
    assert [layer.colour for layer in outlines] == [LABEL_COLOURS["clean"], LABEL_COLOURS["prediction"]]
    (area, *_) = panels.method_layers(None, None, prediction, "errors")  # nothing to be wrong against
    assert area.colour == LABEL_COLOURS["prediction"]


def test_the_noisy_outline_is_told_by_its_dashes() -> None:
    clean, noisy = panels.labels_layers(RING[None], RING[None])
    assert (clean.dash, noisy.dash) == ("", panels.NOISY_DASH)
    assert panels.labels_layers(None, None) == []


def test_the_largest_error_is_where_to_look() -> None:
    clean = np.zeros((1, 20, 20), dtype=bool)
    small, large = clean.copy(), clean.copy()
    small[0, 2, 2] = True
    large[0, 10:15, 5:10] = True
    assert largest_error(clean, [small, large]) == (7.0, 12.0)
    assert largest_error(clean, [clean]) is None
