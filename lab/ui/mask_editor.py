"""Edit one mask by hand: brush, eraser and vertices in the browser, pixels in and pixels out.

Every finished stroke comes at once, for whoever keeps drafts; the browser keeps it, too, until it is told that it was
kept.

Symbols: H, W image size in pixels. Between Python and the browser a mask is text: its H * W pixels row by row as
packed bits (the first pixel is the highest bit of the first byte), in base64. The browser's half is in lab/ui/web/.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lvcnet.errors import LvcnetError
from lvcnet.files import digest

Mask = NDArray[np.bool_]
WEB = Path(__file__).resolve().parent / "web"
SCRIPTS = ("mask_geometry.js", "mask_view.js", "mask_input.js", "mask_drafts.js", "mask_editor.js")
LARGEST_SIDE = 2048
"""Of an image in pixels: more than that makes every stroke slow."""

_mount = st.components.v2.component(
    "lvcnet_mask_editor",
    html=(WEB / "mask_editor.html").read_text(encoding="utf-8"),
    css=(WEB / "mask_editor.css").read_text(encoding="utf-8"),
    js="\n".join((WEB / name).read_text(encoding="utf-8") for name in SCRIPTS),
)


@dataclass(frozen=True, eq=False)
class Stroke:
    """What is drawn after a stroke.

    Attributes:
        id: `WINDOW-NUMBER`.
        based_on: revision of the draft that was seen.
        mask: (H, W); None if every stroke was undone.
    """

    id: str
    based_on: int
    mask: Mask | None


@dataclass(frozen=True, eq=False)
class Kept:
    """The draft as it is kept.

    Attributes:
        mask: (H, W); None if there is none.
        revision: of the draft.
        stroke: id of the stroke that it is.
        time: when it was kept, ISO format.
        receipts: ids of strokes that were kept or need not be.
        problem: why the last stroke could not be kept; empty if it could.
    """

    mask: Mask | None = None
    revision: int = 0
    stroke: str = ""
    time: str = ""
    receipts: Sequence[str] = ()
    problem: str = ""


def edit_mask(
    image: NDArray[np.uint8],
    mask: Mask,
    *,
    key: str,
    proposal: Mask | None = None,
    label: Mask | None = None,
    title: str = "Radiograph with an outline to edit",
    draft: Kept | None = None,
    on_stroke: Callable[[], None] | None = None,
) -> Stroke | None:
    """Show the editor. What was drawn survives reruns as long as `key` and `image` stay the same.

    Args:
        image: (H, W) grey.
        mask: (H, W) the outline to begin with.
        key: of the widget; one for every image and category.
        proposal: (H, W) what "Reset to proposal" brings back; without it there is no such button.
        label: (H, W) the same for "Reset to label".
        title: what is edited, for screen readers, e.g. "Radiograph h-012, innominate bone".
        draft: what is kept of an earlier drawing; None if nobody keeps drafts.
        on_stroke: called after every stroke, which `sent_stroke` reads.

    Returns:
        What is drawn in the one run that "Use this outline" causes, otherwise None.

    Raises:
        LvcnetError: if image and masks do not fit together, or the browser sent something else than such a mask.
    """
    _check(image, {"mask": mask, "proposal": proposal, "label": label})
    height, width = image.shape
    subject = _subject(key, image)
    result = _mount(
        key=key,
        data={
            "subject": subject,
            "title": title,
            "height": height,
            "width": width,
            "image": base64.b64encode(image.tobytes()).decode(),
            "mask": to_text(mask),
            "proposal": None if proposal is None else to_text(proposal),
            "label": None if label is None else to_text(label),
            "draft": None if draft is None else _to_browser(draft),
        },
        on_used_change=_ignore,  # without a callback the result has no such attribute before the button is pressed
        on_draft_change=on_stroke or _ignore,
    )
    return None if result.used is None else read_answer(result.used, subject, height, width)


def sent_stroke(key: str, image: NDArray[np.uint8]) -> Stroke | None:
    """The latest stroke that the editor `key` sent; None if it has sent none.

    Raises:
        LvcnetError: if it is none.
    """
    answer = (st.session_state.get(key) or {}).get("draft")
    return None if answer is None else read_answer(answer, _subject(key, image), *image.shape)


def to_text(mask: Mask) -> str:
    """A mask (H, W) as text.

    >>> to_text(np.array([[True, False, True], [False, False, True]]))
    'pA=='
    """
    return base64.b64encode(np.packbits(mask).tobytes()).decode()


def from_text(text: object, height: int, width: int) -> Mask:
    """The mask (H, W) that a text stands for.

    Raises:
        LvcnetError: unless it is base64 of just as many bits.
    """
    try:
        packed = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        packed = b""
    needed = -(-height * width // 8)
    if len(packed) != needed:
        raise LvcnetError(
            f"the editor sent {len(packed)} bytes of pixels, a mask of {width} x {height} has {needed}:"
            " reload the page and draw again"
        )
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=height * width)
    return bits.reshape(height, width).astype(bool)


def read_answer(answer: object, subject: str, height: int, width: int) -> Stroke | None:
    """What the browser sent; None if it was drawn on another image than the one that is shown by now.

    Raises:
        LvcnetError: if it is no answer of the editor, or of another size.
    """
    if not isinstance(answer, Mapping):
        raise LvcnetError("the editor sent no mask: reload the page and draw again")
    if answer.get("subject") != subject:
        return None
    size = (answer.get("width"), answer.get("height"))
    if size != (width, height):
        raise LvcnetError(
            f"the editor sent a mask of {size[0]!s:.20} x {size[1]!s:.20}, the image has {width} x {height}:"
            " reload the page and draw again"
        )
    name, revision, bits = answer.get("id"), answer.get("base"), answer.get("bits")
    if not isinstance(name, str) or type(revision) is not int or revision < 0:
        raise LvcnetError("the editor sent a mask of no stroke: reload the page and draw again")
    return Stroke(name, revision, None if bits is None else from_text(bits, height, width))


def _subject(key: str, image: NDArray[np.uint8]) -> str:
    """What is drawn on: another image under the same key is another one."""
    return digest([key.encode(), "{} {}".format(*image.shape).encode(), image.tobytes()])


def _to_browser(draft: Kept) -> dict[str, Any]:
    return {**vars(draft), "receipts": list(draft.receipts)} | {
        "mask": None,
        "bits": None if draft.mask is None else to_text(draft.mask),
    }


def _check(image: NDArray[Any], masks: Mapping[str, NDArray[Any] | None]) -> None:
    if image.ndim != 2 or image.dtype != np.uint8 or not 0 < max(image.shape) <= LARGEST_SIDE:
        raise LvcnetError(
            f"an image of shape {image.shape} and type {image.dtype} cannot be edited: give (H, W) of type uint8,"
            f" at most {LARGEST_SIDE} pixels a side"
        )
    for name, mask in masks.items():
        if mask is not None and (mask.shape != image.shape or mask.dtype != np.bool_):
            raise LvcnetError(
                f"the {name} has shape {mask.shape} and type {mask.dtype}: to edit it over an image of shape"
                f" {image.shape} it must have that shape and type bool"
            )


def _ignore() -> None:
    pass
