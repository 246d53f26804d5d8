"""PNG files written a block of rows at a time: neither the whole picture nor the whole file is ever in memory.

The libraries at hand want both: a picture of 100 million pixels would take three times its size. Every row is stored as the
differences to the pixel on the left (filter "Sub"), deflated quickly by its runs, as OpenCV does by default.

Source: Portable Network Graphics (PNG) Specification, W3C, sections 5 (chunks), 9 (filters) and 10 (compression).
"""

import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvcnet.files import replacing
from lvcnet.inference.own_files import MARK_TEXT

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB = 0, 2
SUB = 1


def write_png(path: Path, height: int, width: int, blocks: Iterable[NDArray[Any]]) -> None:
    """Write a picture, marked as one of ours.

    Args:
        path: of the file, which is replaced as a whole.
        height: of the picture, H in all.
        width: W.
        blocks: of rows from the top: (h, W) grey, 8 or 16 bits, or (h, W, 3) RGB of 8 bits, all of one kind.

    Raises:
        OSError: if the file cannot be written.
    """
    packer = zlib.compressobj(1, strategy=zlib.Z_RLE)
    with replacing(path) as stream:
        for number, block in enumerate(blocks):
            if number == 0:
                bits, colour = 8 * block.dtype.itemsize, RGB if block.ndim == 3 else GREY
                head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
                stream.write(SIGNATURE + _chunk(b"IHDR", head) + _chunk(b"tEXt", MARK_TEXT))
            if packed := packer.compress(_filtered(block).data):
                stream.write(_chunk(b"IDAT", packed))
        stream.write(_chunk(b"IDAT", packer.flush()) + _chunk(b"IEND", b""))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _filtered(block: NDArray[Any]) -> NDArray[np.uint8]:
    """(h, 1 + bytes of a row): the kind of filter, then the bytes less those of the pixel before, modulo 256."""
    step = block.dtype.itemsize * (block.shape[2] if block.ndim == 3 else 1)
    stored = np.ascontiguousarray(block, dtype=block.dtype.newbyteorder(">"))
    rows = stored.view(np.uint8).reshape(len(block), -1)
    filtered = np.empty((len(rows), 1 + rows.shape[1]), dtype=np.uint8)
    filtered[:, 0] = SUB
    filtered[:, 1 : 1 + step] = rows[:, :step]
    np.subtract(rows[:, step:], rows[:, :-step], out=filtered[:, 1 + step :])
    return filtered
