"""Small files that survive a crash, names that are safe to use as folders, and keyed randomness."""

import csv
import hashlib
import io
import json
import os
import re
import uuid
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from lvcnet.errors import DamagedError, LvcnetError

Row = dict[str, Any]
"""One line of a table by the names of its columns, JSON-able."""
FORMULA = re.compile(r"(?=[=+\-@\t\r])(?!(?:[-+\d.,;: %±()\[\]—–]|to|px|points)*$)")
"""What spreadsheets take for a formula; numbers with a sign are none (OWASP, "CSV injection")."""
MEND_JSON = "put back a copy of it, or make it again"
NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")


def check_name(name: str, what: str) -> str:
    """Return `name` if it can safely be a folder's name.

    Raises:
        LvcnetError: if it is empty, too long, or holds anything but letters, digits, '.', '_' and '-'.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise LvcnetError(
            f"{what} {name!r} is not a usable name: use 1-120 letters, digits, '.', '_' or '-', starting with a letter or digit"
        )
    return name


def write_atomic(path: Path, content: bytes) -> None:
    """Replace `path` by `content`, as `replacing` does."""
    with replacing(path) as stream:
        stream.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A stream for what is to replace `path`: written beside it, fsync, rename. A reader sees the old file or the new one.

    If the block raises, the old file stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename == str(temporary):
            error.filename = str(path)  # what the caller knows
        raise


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically."""
    write_atomic(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """What `write_json` writes."""
    return (json.dumps(value, indent=2, sort_keys=False) + "\n").encode()


def rows_to_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> str:
    """Rows as CSV with a header; text that a spreadsheet would run as a formula gets a quotation mark before it.

    Args:
        rows: all with the same keys.
        columns: the keys, in order; without them there must be at least one row, which tells them.

    >>> rows_to_csv([{"key": "a", "iou": 0.5}])
    'key,iou\\na,0.5\\n'
    >>> rows_to_csv([{"key": "=1+A1", "gain": "+0.5 %"}])
    "key,gain\\n'=1+A1,+0.5 %\\n"
    """
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=list(columns or rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _no_formula(value) for name, value in row.items()} for row in rows)
    return stream.getvalue()


def _no_formula(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        LvcnetError: if the file is missing, cannot be read or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))  # tools on Windows write a byte order mark
    except FileNotFoundError:
        raise LvcnetError(f"{path} does not exist") from None
    except OSError as error:
        raise LvcnetError(f"{path} cannot be read: {error.strerror}") from None
    except RecursionError:
        raise DamagedError(path, "it is not valid JSON: it is nested too deeply", MEND_JSON) from None
    except ValueError as error:  # JSONDecodeError, UnicodeDecodeError, and numbers of thousands of digits
        raise DamagedError(path, f"it is not valid JSON: {error}", MEND_JSON) from None


def stable_hash(text: str) -> int:
    """A 64-bit integer from `text` that is the same on every machine and in every process."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def keyed_rng(seed: int, *parts: int | str) -> np.random.Generator:
    """A generator that depends only on `seed` and `parts`, never on what was drawn before.

    >>> float(keyed_rng(0, "level", 3).random()) == float(keyed_rng(0, "level", 3).random())
    True
    """
    entropy = [seed, *(stable_hash(part) if isinstance(part, str) else part for part in parts)]
    return np.random.default_rng(np.random.SeedSequence(entropy))


def digest(parts: Iterable[bytes]) -> str:
    """First 12 hexadecimal digits of the SHA-256 over `parts`."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part)
    return total.hexdigest()[:12]


def checksum(arrays: Iterable[NDArray[Any]]) -> str:
    """CRC-32 over the bytes of all arrays, 8 hexadecimal digits: notices a flipped bit, and costs no more than reading."""
    value = 0
    for array in arrays:
        value = zlib.crc32(np.ascontiguousarray(array).data, value)
    return f"{value:08x}"
