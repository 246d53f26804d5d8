"""Tear every file of a small workspace in every way, and call every command that reads it: only words may come out.

The workspace is the one of tests/fixtures; `benchmarks/trust.py --sections torn` writes the report.
"""

import contextlib
import io
import os
import random
import shutil
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lvcnet.cli import main as command_line
from lvcnet.jobs import daemon
from lvcnet.progress import Report

KEPT = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "workspace-1"
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("data", "list"),
    ("data", "show", "hips"),
    ("noise", "hips", "--levels", "1"),
    ("plan", "hips"),
    ("compare", "hips"),
    ("runs",),
    ("queue",),
    ("evaluate", "plus"),
    ("resume", "plus"),
    ("corrections",),
    ("review", "judged"),
    ("correct-apply", "judged", "new"),
)
JSON_OF_ANOTHER_KIND = (b"null", b"[1]", b"{}", b'{"format": [], "state": 3, "images": null}')


@dataclass
class TornResult:
    """What came of it.

    Attributes:
        trials: commands that were called on a damaged workspace.
        faults: file, damage, command and exception, wherever it was not words.
    """

    trials: int = 0
    faults: list[str] = field(default_factory=list)


def tear_everything(folder: Path, seed: int, report: Report) -> TornResult:
    """Every file, every damage, every command.

    Args:
        folder: for the workspaces; it may not exist.
        seed: of cuts and bits.
        report: called with (files done, files).
    """
    result, before, start = TornResult(), os.environ.get("LVCNET_HOME"), daemon.ensure_worker
    home = folder / "home"
    os.environ["LVCNET_HOME"] = str(home)
    daemon.ensure_worker = lambda *_, **__: None  # type: ignore[assignment]
    files = sorted(path.relative_to(KEPT) for path in KEPT.rglob("*") if path.is_file())
    try:
        for number, file in enumerate(files, start=1):
            for what, content in mutations((KEPT / file).read_bytes(), random.Random(f"{seed} {file}")):
                shutil.rmtree(home, ignore_errors=True)
                shutil.copytree(KEPT, home)
                (home / file).write_bytes(content)
                for command in COMMANDS:
                    result.trials += 1
                    if problem := call(command):
                        result.faults.append(f"{file} {what}: lvcnet {' '.join(command)}: {problem}")
            report(number, len(files))
    finally:
        daemon.ensure_worker = start
        os.environ.pop("LVCNET_HOME")
        if before is not None:
            os.environ["LVCNET_HOME"] = before
    return result


def mutations(content: bytes, draw: random.Random) -> list[tuple[str, bytes]]:
    """The same file empty, cut, of zeros, with other bits, and as JSON of another kind."""
    cut = draw.randrange(max(1, len(content)))
    flipped = bytearray(content)
    for _ in range(1 + len(content) // 200 if content else 0):
        flipped[draw.randrange(len(flipped))] ^= 1 << draw.randrange(8)
    return [
        ("empty", b""),
        (f"cut at {cut}", content[:cut]),
        ("of zeros", bytes(len(content))),
        ("with flipped bits", bytes(flipped)),
        ("of other JSON", draw.choice(JSON_OF_ANOTHER_KIND)),
    ]


def call(command: Sequence[str], run: Callable[[], None] = command_line) -> str | None:
    """Call a command in this process; what was wrong with how it ended."""
    out, err, arguments = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["lvcnet", *command]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            run()
    except SystemExit as end:
        status = end.code or 0
        if status not in (0, 1, 2):
            return f"status {status}"
        if "Traceback" in err.getvalue() or (status and not err.getvalue().strip() + out.getvalue().strip()):
            return f"status {status} with: {err.getvalue()[-150:]!r}"
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}: {str(error)[:100]}"
    finally:
        sys.argv = arguments
    return None
