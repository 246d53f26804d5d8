"""What a network sees of a radiograph, as pictures.

Symbols: H, W size of the radiograph in pixels; h, w the image on the network's working grid.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lvcnet.drawing import overlays
from lvcnet.inference.segmentation import Segmentation
from lvcnet.models.maps import MAP_TITLES, title


def map_pictures(result: Segmentation) -> list[tuple[overlays.Rgb, str]]:
    """(picture, caption) of every map the method has, in the order of the paper's figure, in the image's shape."""
    prediction = result.prediction
    order = {name: number for number, name in enumerate(MAP_TITLES)}
    named = sorted(prediction.maps.named.items(), key=lambda item: (order.get(item[0], len(order)), item[0]))
    pictures = [(overlays.to_rgb(prediction.working), "As the network sees it")]
    for name, tensor in [*named, ("prediction", prediction.maps.prediction)]:
        heading = "Prediction" if name == "prediction" else title(name).removesuffix(" (px)")
        values = tensor[0].numpy()
        for channel, layer in enumerate(values):
            category = f", {prediction.categories[channel]}" if len(values) > 1 else ""
            drawn, scale = _map_picture(name, layer)
            pictures.append((drawn, f"{heading}{category}{scale}"))
    height, width = result.radiograph.pixels.shape
    return [(_in_shape(drawn, height, width), text) for drawn, text in pictures]


def _map_picture(name: str, layer: NDArray[Any]) -> tuple[overlays.Rgb, str]:
    """(h, w) values or a (2, h, w) vector field as a picture, and what its brightest colour stands for."""
    if layer.ndim == 3:
        return overlays.directions(layer), f", up to {np.hypot(layer[0], layer[1]).max():.1f} px"
    if name in ("trunk", "prediction") or name.startswith("warp"):
        return overlays.heat(layer, highest=1.0), ""
    return overlays.heat(layer), f", up to {layer.max():.2g}"


def _in_shape(picture: overlays.Rgb, height: int, width: int) -> overlays.Rgb:
    """A picture of the working grid in the radiograph's proportions, 512 pixels on the longer side."""
    scale = 512 / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
