"""Fuzz every parser: `python benchmarks/fuzzing.py [TARGET...] --seconds 60`; fuzz_guided.py does it guided by coverage.

A damaged file may be refused in words (LvcnetError) and in no other way: not by another exception, nor by a crash, nor by more
time or memory than a file of its size may cost. Each target runs in a process of its own, which counts its executions and
leaves the input under way in shared memory, so that also a hang or crash in C code names its input.

tests/benchmarks/test_fuzzing.py runs the same targets briefly under hypothesis.
"""

import argparse
import multiprocessing
import random
import resource
import signal
import time
import traceback
from collections.abc import Generator
from dataclasses import dataclass, field
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from types import FrameType
from typing import Any

from fuzz_mutators import LARGEST, spliced
from fuzz_targets import TARGETS, Target

from lvcnet.errors import LvcnetError

SECONDS_EACH = 10
"""Of processor time, for one input; a file of at most 200 kB takes milliseconds."""
STILL = 60
"""Seconds without progress after which a process counts as hung; others may have the processor."""
MEMORY_EACH = 2 * 1024**3
"""More than the process had after its imports."""
HEAD = 24
"""Bytes of the shared memory before the input: executions, length of the input, whether all is done."""
KEPT = 64
"""Inputs that were accepted, for further damage."""


class TooSlow(BaseException):
    """An input took longer than `SECONDS_EACH`; no parser may catch it."""


@dataclass
class Fault:
    """Something else than LvcnetError, by kind and place.

    Attributes:
        kind: type of the exception, or hang, crash or memory.
        place: file and line of ours where it passed.
        message: of the first one.
        count: how often it was found.
        reproducer: the input that found it first.
    """

    kind: str
    place: str
    message: str
    count: int
    reproducer: bytes

    def __str__(self) -> str:
        return f"{self.kind} at {self.place} ({self.count} times): {self.message[:150]}"


@dataclass
class FuzzResult:
    """What came of fuzzing one target.

    Attributes:
        target: its name.
        executions: inputs that were tried.
        accepted: inputs that were not refused; readers of annotations refuse an image and not the whole.
        seconds: that it took.
        faults: unique by kind and place.
    """

    target: str
    executions: int = 0
    accepted: int = 0
    seconds: float = 0.0
    faults: list[Fault] = field(default_factory=list)


def fuzz(
    target: str,
    seconds: float | None = None,
    executions: int | None = None,
    seed: int = 0,
    keep: Path | None = None,
) -> FuzzResult:
    """Try damaged files until time or number is up.

    Args:
        target: key of `TARGETS`.
        seconds: at most so long.
        executions: at most so many; without either 1,000.
        seed: the same one makes the same inputs.
        keep: folder for the inputs of faults.
    """
    if seconds is None and executions is None:
        executions = 1000
    result, started = FuzzResult(target), time.monotonic()
    for round in range(1000):
        left = None if seconds is None else seconds - (time.monotonic() - started)
        number = None if executions is None else executions - result.executions
        if (left is not None and left <= 0) or (number is not None and number <= 0):
            break
        _in_a_process(result, left, number, seed + 1000 * round)
    result.seconds = time.monotonic() - started
    if keep is not None:
        keep_inputs(result, keep)
    return result


def keep_inputs(result: FuzzResult, folder: Path) -> None:
    """Write the inputs of faults, one file each."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, fault in enumerate(result.faults):
        (folder / f"{result.target}-{fault.kind}-{number}.bin").write_bytes(fault.reproducer)


def inputs(target: Target, seed: int) -> Generator[bytes, bool | None, None]:
    """Damaged files, without end: each is a seed or an accepted file, damaged by the target's mutator."""
    draw = random.Random(seed)
    seeds = target.seeds()
    for content in seeds:  # one by one, since the caller sends what came of each
        yield content
    pool = list(seeds)
    while True:
        content = spliced(pool, draw) if draw.randrange(20) == 0 else draw.choice(pool)
        content = target.mutate(content, draw)[:LARGEST]
        accepted = yield content
        if accepted and len(pool) < KEPT:
            pool.append(content)


def judge(target: Target, content: bytes) -> tuple[bool, Fault | None]:
    """Whether an input was accepted, and what went wrong other than in words."""
    try:
        target.run(content)
    except LvcnetError:
        return False, None
    except (Exception, TooSlow) as error:
        kind = "memory" if isinstance(error, MemoryError) else type(error).__name__
        return False, Fault(kind, _place(error), str(error), 1, content)
    return True, None


def _place(error: BaseException) -> str:
    """Where in this project an exception passed last."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if "/lvcnet/" in frame.filename
    ] or traceback.extract_tb(error.__traceback__)
    last = frames[-1]
    return f"{Path(last.filename).parent.name}/{Path(last.filename).name}:{last.lineno}"


def add_fault(faults: list[Fault], found: Fault) -> None:
    """Add a fault, or count it where its kind is known at its place."""
    for known in faults:
        if (known.kind, known.place) == (found.kind, found.place):
            known.count += found.count
            return
    faults.append(found)


def _in_a_process(result: FuzzResult, seconds: float | None, executions: int | None, seed: int) -> None:
    """One process until it is done, hangs or crashes; adds to `result`."""
    context = multiprocessing.get_context("spawn")
    memory = SharedMemory(create=True, size=HEAD + LARGEST)
    receiver, sender = context.Pipe(duplex=False)
    arguments = (result.target, seconds, executions, seed, memory.name, sender)
    process = context.Process(target=_work, args=arguments, daemon=True)
    try:
        process.start()
        sender.close()
        ended = _watched(process, memory, receiver, result)
        done, size = (int.from_bytes(memory.buf[place : place + 8], "little") for place in (0, 8))
        result.executions += done
        if not ended:
            content = bytes(memory.buf[HEAD : HEAD + size])
            hung = process.exitcode is None
            process.kill()
            what = "hang" if hung else "crash"
            message = "no answer" if hung else f"the process ended with {process.exitcode}"
            add_fault(result.faults, Fault(what, "C code", message, 1, content))
    finally:
        process.join(5)
        receiver.close()
        memory.close()
        memory.unlink()


def _watched(process: Any, memory: SharedMemory, receiver: Any, result: FuzzResult) -> bool:
    """Take what the process finds until it ends by itself (True), or stands still for too long or dies (False)."""
    before, since = b"", time.monotonic()
    while True:
        try:
            while receiver.poll(1):
                message = receiver.recv()
                if isinstance(message, int):
                    result.accepted += message
                    return True
                add_fault(result.faults, message)
        except EOFError:
            process.join(5)
            return False
        now = bytes(memory.buf[:8])
        if now != before:
            before, since = now, time.monotonic()
        # the first input comes after the imports
        if time.monotonic() - since > (STILL if any(now) else 2 * STILL):
            return False


def _work(
    name: str, seconds: float | None, executions: int | None, seed: int, shared: str, sender: Any
) -> None:
    """The child: try inputs, send faults as they are found and at last the number of accepted inputs."""
    memory = SharedMemory(shared)
    target = TARGETS[name]
    drawn = inputs(target, seed)
    content, accepted, done = next(drawn), 0, 0
    judge(target, content)  # whatever is imported late is imported now
    _limit_memory()
    signal.signal(signal.SIGPROF, _too_slow)
    end = time.monotonic() + (seconds or float("inf"))
    while (executions is None or done < executions) and time.monotonic() < end:
        memory.buf[8:16] = len(content).to_bytes(8, "little")
        memory.buf[HEAD : HEAD + len(content)] = content
        signal.setitimer(signal.ITIMER_PROF, SECONDS_EACH)
        good, fault = judge(target, content)
        signal.setitimer(signal.ITIMER_PROF, 0)
        if fault is not None:
            sender.send(fault)
        accepted += good
        done += 1
        memory.buf[:8] = done.to_bytes(8, "little")
        content = drawn.send(good)
    sender.send(accepted)
    sender.close()
    memory.close()


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY_EACH
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _too_slow(number: int, frame: FrameType | None) -> None:
    raise TooSlow(f"more than {SECONDS_EACH} s")


def main() -> None:
    """Fuzz the targets named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], help="default all")
    parser.add_argument("--seconds", type=float, default=60, help="for each target")
    parser.add_argument("--executions", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the inputs of faults")
    options = parser.parse_args()
    for name in options.targets or TARGETS:
        result = fuzz(name, options.seconds, options.executions, options.seed, options.keep)
        rate = result.executions / max(result.seconds, 1e-9)
        print(
            f"{name}: {result.executions:,} executions, {result.accepted:,} not refused, {rate:,.0f}/s",
            flush=True,
        )
        for fault in result.faults:
            print(f"  {fault}", flush=True)


if __name__ == "__main__":
    main()
