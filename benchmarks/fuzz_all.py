"""Fuzz all parsers at once, each with a share of the executions: a section of trust.py."""

import importlib.util
import pickle
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import fuzzing

from lvcnet.progress import Report

SHARES = {
    "checkpoint": 3,
    "yaml": 12,
    "dicom-tags": 20,
    "dicom-bytes": 30,
    "zip": 25,
    "picture": 40,
    "masks": 40,
    "run-files": 60,
    "labelme": 70,
    "polygon": 150,
    "coco": 150,
    "run-lengths": 400,
}
"""Of a thousand executions: what takes microseconds gets most. Those that take longest begin first."""
GUIDED = 20
"""One of so many executions is guided by coverage, where atheris is installed."""
PROCESSES = 2


@dataclass
class Part:
    """Work of one process: one target, guided by coverage or not."""

    target: str
    executions: int
    guided: bool


@dataclass
class Fuzzed:
    """What came of one target.

    Attributes:
        result: of both ways together; its seconds are those of both.
        guided: executions that were guided by coverage.
    """

    result: fuzzing.FuzzResult
    guided: int = 0


def fuzz_all(executions: int, seed: int, report: Report, keep: Path | None = None) -> list[Fuzzed]:
    """Fuzz every target, in two processes at a time.

    Args:
        executions: of all targets together, nearly; each has at least one.
        seed: of the damage.
        report: told the executions that are done.
        keep: folder for the inputs of faults.

    Returns:
        what came of each target, in the order of `SHARES`.
    """
    parts = _parts(executions)
    total, done = sum(part.executions for part in parts), 0
    found = {name: Fuzzed(fuzzing.FuzzResult(name)) for name in SHARES}
    with ThreadPoolExecutor(PROCESSES) as pool:
        running = {pool.submit(_fuzz_part, part, seed): part for part in parts}
        for future in as_completed(running):
            part, result = running[future], future.result()
            _merge(found[part.target], result, part.guided)
            done += part.executions
            report(done, total)
    if keep is not None:
        for one in found.values():
            fuzzing.keep_inputs(one.result, keep)
    return list(found.values())


def _parts(executions: int) -> list[Part]:
    """The shares, most of them of damage without guidance."""
    guided = importlib.util.find_spec("atheris") is not None
    parts = []
    for name, share in SHARES.items():
        number = max(1, executions * share // 1000)
        some = number // GUIDED if guided else 0
        parts.append(Part(name, number - some, False))
        if some:
            parts.append(Part(name, some, True))
    return parts


def _fuzz_part(part: Part, seed: int) -> fuzzing.FuzzResult:
    if not part.guided:
        return fuzzing.fuzz(part.target, executions=part.executions, seed=seed)
    with tempfile.TemporaryDirectory(prefix="lvcnet-fuzz-") as folder:
        command = [sys.executable, str(Path(__file__).with_name("fuzz_guided.py")), part.target]
        ended = subprocess.run(
            [*command, str(part.executions), str(seed), folder],
            capture_output=True,
            text=True,
            errors="replace",
        )
        written = Path(folder) / "result.pickle"
        if written.exists():
            result: fuzzing.FuzzResult = pickle.loads(written.read_bytes())
            return result
        inputs = [path for path in Path(folder).iterdir() if path.is_file()]
        content = inputs[0].read_bytes() if inputs else b""
        said = " ".join(ended.stderr.split()[-30:])
        return fuzzing.FuzzResult(
            part.target, faults=[fuzzing.Fault("crash", "guided by coverage", said, 1, content)]
        )


def _merge(into: Fuzzed, result: fuzzing.FuzzResult, guided: bool) -> None:
    into.result.executions += result.executions
    into.result.accepted += result.accepted
    into.result.seconds += result.seconds
    into.guided += result.executions if guided else 0
    for fault in result.faults:
        fuzzing.add_fault(into.result.faults, fault)
