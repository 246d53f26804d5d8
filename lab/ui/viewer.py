"""The viewer of images: panels with the same part of one image, zoomed and moved together, values under the cursor.

The drawing is vectors over a PNG, so outlines stay sharp at any zoom; the browser's half is in lab/ui/web/. Wheel, drag, pinch,
double click, keys (+, -, 0, arrows) and buttons all do the same to every panel.

Symbols: H, W size of the image in pixels, C categories. Coordinates are pixels, (x, y), pixel centres at integers.
"""

import base64
import io
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from lab.ui.web_component import web_component
from lvcnet.masks.outlines import trace_edges

Mask = NDArray[np.bool_]
Part = Literal["all", "before", "after"]

HINT = "Wheel, pinch or double click zooms, dragging moves, and so do the keys +, −, 0 and the arrows."


@dataclass(frozen=True)
class Layer:
    """An outline, or a tinted area.

    Attributes:
        path: of an SVG; fill rule even-odd.
        colour: hex.
        fill: whether it is an area.
        dash: of an outline, as SVG has it; empty is solid.
        part: of a panel with a swipe: left of it (before), right of it (after), or everywhere.
    """

    path: str
    colour: str
    fill: bool = False
    dash: str = ""
    part: Part = "all"


@dataclass(frozen=True)
class Panel:
    """One picture: its title, a note below it, its alternative text, and what lies over the image."""

    title: str
    note: str
    alt: str
    layers: Sequence[Layer]


@dataclass(frozen=True, eq=False)
class Values:
    """What the cursor reads from one source.

    Attributes:
        title: of the source.
        categories: C names.
        kind: grey, mask, probability or px, a length in pixels.
        values: (C, H, W) uint8, bool, float in [0, 1], or float from 0 to 15.9.
    """

    title: str
    categories: Sequence[str]
    kind: Literal["grey", "mask", "probability", "px"]
    values: NDArray[Any]

    def bytes(self) -> bytes:
        """C x H x W bytes; probabilities in 1/255, lengths in 1/16 px."""
        steps = {"probability": 255, "px": 16}.get(self.kind, 1)
        return np.rint(np.clip(steps * self.values.astype(float), 0, 255)).astype(np.uint8).tobytes()


def outline(mask: Mask, colour: str, dash: str = "", part: Part = "all") -> Layer:
    """The outline of a mask (H, W), along pixel edges."""
    return Layer(svg_path(mask), colour, False, dash, part)


def area(mask: Mask, colour: str, part: Part = "all") -> Layer:
    """The area of a mask (H, W), to be tinted."""
    return Layer(svg_path(mask), colour, True, "", part)


def svg_path(mask: Mask) -> str:
    """A mask's outlines along pixel edges as the path of an SVG, holes included; empty for an empty mask.

    >>> svg_path(np.array([[False, False], [False, True]]))
    'M0.5 0.5L1.5 0.5L1.5 1.5L0.5 1.5Z'
    """
    rings = (["L".join(f"{x - 0.5:g} {y - 0.5:g}" for x, y in ring.points)] for ring in trace_edges(mask))
    return "".join(f"M{ring[0]}Z" for ring in rings)


def viewer_data(
    image: NDArray[np.uint8],
    panels: Sequence[Panel],
    values: Sequence[Values],
    filename: str,
    opacity: float = 0.3,
    focus: tuple[float, float] | None = None,
    swipe: tuple[str, str] | None = None,
    fit: bool = False,
) -> dict[str, Any]:
    """What the browser draws, JSON-able.

    Args:
        image: (H, W).
        panels: at least one.
        values: what the cursor reads; the image's grey values are read first, always.
        filename: of saved pictures, without a suffix.
        opacity: of areas, from 0 to 1.
        focus: the point (x, y) that the button `Largest difference` goes to; None hides it.
        swipe: what is left and right of a slider, in words; None for no slider.
        fit: whether the panel is to be on one screen with what is above it; its buttons are then below it.
    """
    grey = Values("grey value", ("",), "grey", image[None])
    everything = [grey, *values]
    packed = zlib.compress(b"".join(one.bytes() for one in everything))
    return {
        "width": image.shape[1],
        "height": image.shape[0],
        "image": _data_url(image),
        "panels": [asdict(panel) for panel in panels],
        "opacity": opacity,
        "focus": focus,
        "names": [
            {"title": one.title, "categories": list(one.categories), "kind": one.kind} for one in everything
        ],
        "values": base64.b64encode(packed).decode(),
        "swipe": None if swipe is None else {"before": swipe[0], "after": swipe[1]},
        "fit": fit,
        "filename": filename.replace("/", "-"),
    }


def show_viewer(data: dict[str, Any], key: str) -> None:
    """Mount the viewer; `key` must be unique on the page."""
    web_component("viewer")(data=data, key=key)
    st.caption(HINT + (" All panels follow." if len(data["panels"]) > 1 else ""))


def _data_url(image: NDArray[np.uint8]) -> str:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
