"""Damage to files, drawn by a seeded generator: bytes at random, and changes that keep the structure of a format.

Most random damage is refused by the first check of a format. What keeps JSON valid, checksums right and DICOM elements whole
gets further.
"""

import io
import json
import math
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import pydicom

Mutator = Callable[[bytes, random.Random], bytes]
INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
LARGEST = 200_000
"""Bytes of a damaged file: what is larger finds little more, and costs speed."""
VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2,
        64,
        2**31,
        2**53 + 1,
        10**30,
        0.5,
        -0.0,
        1e9,
        1e308,
        math.nan,
        math.inf,
    ),
    *(
        "",
        "a",
        "x" * 300,
        "../a",
        "/etc/passwd",
        "C:\\a",
        "a/b",
        "\x00",
        "\ud800",
        "0",
        "NaN",
        "á" * 130,
        ".",
    ),
    *(
        [],
        {},
        [[]],
        [{}],
        [0],
        [1, 2],
        [[0, 0], [5, 5]],
        {"size": [20, 40], "counts": [800]},
        [[1, 2, 3, 4, 5, 6]],
    ),
)


def havoc(content: bytes, draw: random.Random) -> bytes:
    """A few changes of bytes: flipped, replaced, cut out, doubled, cut off."""
    data = bytearray(content[:LARGEST])
    for _ in range(1 << draw.randrange(5)):
        place = draw.randrange(len(data) + 1)
        kind = draw.randrange(7)
        if kind == 0 and place < len(data):
            data[place] ^= 1 << draw.randrange(8)
        elif kind == 1 and place < len(data):
            data[place] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
        elif kind == 2:
            width, order = draw.choice((2, 4)), draw.choice(("little", "big"))
            value = draw.choice(INTERESTING) & (2 ** (8 * width) - 1)
            data[place : place + width] = value.to_bytes(width, order)
        elif kind == 3:
            del data[place : place + draw.randrange(1, 33)]
        elif kind == 4:
            end = place + draw.randrange(1, 65)
            data[place:place] = data[place:end]
        elif kind == 5:
            data[place:place] = draw.randbytes(draw.randrange(1, 9))
        elif draw.randrange(8) == 0:
            del data[place:]
    return bytes(data[:LARGEST])


def damaged_json(content: bytes, draw: random.Random) -> bytes:
    """JSON with some values replaced, removed, doubled or moved elsewhere; now and then damaged bytes."""
    if draw.randrange(10) == 0:
        return havoc(content, draw)
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return havoc(content, draw)
    for _ in range(1 << draw.randrange(3)):
        value = _damaged(value, draw)
    return json.dumps(value).encode()


def _damaged(value: Any, draw: random.Random) -> Any:
    """One change somewhere in a value: the walk stops at a random depth."""
    if isinstance(value, dict) and value and draw.randrange(8):
        key = draw.choice(list(value))
        kind = draw.randrange(10)
        if kind == 0:
            return {name: part for name, part in value.items() if name != key}
        if kind == 1:
            return {**value, draw.choice(list(value)): value[key]}
        return {**value, key: _damaged(value[key], draw)}
    if isinstance(value, list) and value and draw.randrange(8):
        place = draw.randrange(len(value))
        kind = draw.randrange(10)
        if kind == 0:
            return value[:place] + value[place + 1 :]
        if kind == 1:
            return [*value, value[place]]
        return [*value[:place], _damaged(value[place], draw), *value[place + 1 :]]
    if isinstance(value, int | float) and not isinstance(value, bool) and draw.randrange(2):
        return value + draw.choice((-1, 1, 0.5, 1e-9, 1e4, -1e4))
    return draw.choice(VALUES)


def damaged_png(content: bytes, draw: random.Random) -> bytes:
    """A PNG whose chunks are damaged, with right checksums in most cases."""
    if draw.randrange(4) == 0 or not content.startswith(b"\x89PNG"):
        return havoc(content, draw)
    chunks, place = [], 8
    while place + 12 <= len(content):
        length = struct.unpack(">I", content[place : place + 4])[0]
        chunks.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + length]))
        place += 12 + length
    for _ in range(1 << draw.randrange(2)):
        if not chunks:
            break
        number = draw.randrange(len(chunks))
        kind = draw.randrange(5)
        name, data = chunks[number]
        if kind == 0:
            chunks.insert(
                number, (draw.choice((b"tEXt", b"zTXt", b"PLTE", b"tRNS", b"acTL", b"fcTL", b"eXIf")), data)
            )
        elif kind == 1:
            del chunks[number]
        else:
            chunks[number] = (name, havoc(data, draw))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def damaged_picture(content: bytes, draw: random.Random) -> bytes:
    """PNG by its chunks, others by their bytes, near the beginning more often than elsewhere."""
    if content.startswith(b"\x89PNG"):
        return damaged_png(content, draw)
    if draw.randrange(2):
        head = draw.choice((64, 256, 1024))
        return havoc(content[:head], draw) + content[head:]
    return havoc(content, draw)


TAG_TEXTS = (
    *(
        "",
        "0",
        "1",
        "-1",
        "NaN",
        "inf",
        "1e400",
        "1e308",
        "-1e-300",
        "abc",
        "1\\2",
        "0\\0",
        "\\",
        "1\\2\\3",
        "65536",
    ),
    *(
        "MONOCHROME1",
        "PALETTE COLOR",
        "RGB",
        "YBR_FULL",
        "LINEAR",
        "SIGMOID",
        "LINEAR_EXACT",
        "1.2.840.10008.1.2.4.50",
    ),
)
TAGS = (
    *("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel"),
    *(
        "PlanarConfiguration",
        "PhotometricInterpretation",
        "NumberOfFrames",
        "PixelPaddingValue",
        "WindowCenter",
    ),
    *(
        "WindowWidth",
        "VOILUTFunction",
        "RescaleSlope",
        "RescaleIntercept",
        "PixelSpacing",
        "ImagerPixelSpacing",
    ),
    *("SOPClassUID", "PixelPaddingRangeLimit", "VOILUTSequence", "ModalityLUTSequence", "PixelData"),
    *("RedPaletteColorLookupTableDescriptor", "SharedFunctionalGroupsSequence", "SpecificCharacterSet"),
)


def damaged_tags(content: bytes, draw: random.Random) -> bytes:
    """A DICOM file with values of elements replaced, by text or bytes, under their own or another VR."""
    try:
        header = pydicom.dcmread(io.BytesIO(content), force=True)
        for _ in range(1 << draw.randrange(3)):
            tag = pydicom.tag.Tag(draw.choice(TAGS))
            known = pydicom.datadict.dictionary_VR(tag).split()[0]
            vr = (
                known
                if draw.randrange(4)
                else draw.choice(("DS", "US", "SS", "IS", "OW", "LO", "UN", "FD", "SQ"))
            )
            if draw.randrange(8) == 0:
                header.pop(tag, None)
                continue
            value = _value(vr, draw)
            header[tag] = pydicom.dataelem.RawDataElement(tag, vr, len(value), value, 0, False, True)
        stream = io.BytesIO()
        header.save_as(stream, enforce_file_format=False)
        return stream.getvalue()
    except Exception:  # it cannot be written so
        return havoc(content, draw)


def _value(vr: str, draw: random.Random) -> bytes:
    if vr in ("US", "SS") and draw.randrange(4):
        return struct.pack("<H", draw.choice((0, 1, 2, 3, 8, 12, 16, 32, 64, 255, 4096, 65535)))
    if vr == "FD" and draw.randrange(4):
        return struct.pack("<d", draw.choice((0.0, math.nan, math.inf, 1e308, -1.0)))
    if draw.randrange(4):
        return draw.choice(TAG_TEXTS).encode()
    return draw.randbytes(draw.randrange(0, 20))


def damaged_zip(content: bytes, draw: random.Random) -> bytes:
    """A zip packed anew with other names and damaged files, or with damaged bytes."""
    if draw.randrange(2):
        return havoc(content, draw)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [(entry.filename, archive.read(entry)) for entry in archive.infolist()]
    except Exception:  # damaged already
        return havoc(content, draw)
    number = draw.randrange(len(entries)) if entries else 0
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for place, (name, data) in enumerate(entries):
            if place == number:
                damage = damaged_json if name.endswith(".json") else damaged_picture
                data = damage(data, draw)
                if draw.randrange(3) == 0:
                    name = draw.choice(
                        ("a.json", "masks/a.png", "../a", "train/a.json", "x/" * 40 + "a.png", "a.dcm", name)
                    )
            archive.writestr(zipfile.ZipInfo(name), data)
    return stream.getvalue()


YAML_PARTS = (
    *(
        "[",
        "{",
        "- ",
        "? ",
        "&a ",
        "*a ",
        "!!int ",
        "!!timestamp ",
        "!!binary ",
        "2001-13-45",
        "0x",
        "1_0",
        "|\n",
    ),
    *("\t", ": ", "<<: ", "%YAML 9", "---\n", "9" * 4400, "1:2:3", "'", '"\\x'),
)


def damaged_yaml(content: bytes, draw: random.Random) -> bytes:
    """YAML with marks of its own put in between, now and then many times."""
    data = bytearray(content)
    for _ in range(1 << draw.randrange(3)):
        place = draw.randrange(len(data) + 1)
        part = draw.choice(YAML_PARTS).encode() * (1 if draw.randrange(6) else draw.choice((2, 50, 2000)))
        data[place:place] = part
    return havoc(bytes(data), draw) if draw.randrange(3) == 0 else bytes(data[:LARGEST])


def spliced(seeds: Sequence[bytes], draw: random.Random) -> bytes:
    """The beginning of one file and the end of another."""
    first, second = draw.choice(seeds), draw.choice(seeds)
    return first[: draw.randrange(len(first) + 1)] + second[draw.randrange(len(second) + 1) :]
