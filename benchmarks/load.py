"""Many users and programs at once, with a training behind them: `setsid -w python benchmarks/load.py --output FILE`.

Starts a training and the lab, lets users open page after page (each a websocket session, as the browser's) and programs call
`/segment`, and reports errors, busy answers, how long calls and page runs took, what the training lost, and what the lab's
processes took in memory and left on disk. All of it twice: as it is, and with LVCNET_TRAINING_FIRST=1. Users and programs would
sit at other machines: here they take what training and lab leave (a session of their own, by setsid, where the kernel groups
processes by session).
"""

import argparse
import asyncio
import json
import os
import platform
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from shown import shown_command

from lab.headless import ROOT, run_page, serve_lab
from lab.ui.navigation import ENTRIES
from lvcnet.comparison.formats import markdown_table
from lvcnet.data.phantom.make import make_phantom
from lvcnet.jobs.launch import TRAINER, spawn, trainer_environment
from lvcnet.noise.calibrate import make_noisy_labels
from lvcnet.priority import at_full, step_back
from lvcnet.runs.directory import RunDirectory
from lvcnet.training.commit import current_commit
from lvcnet.training.config import TrainConfig
from lvcnet.training.run import create_run

RUN = "hips-unet-level3-s0"
SAMPLE = ROOT / "assets" / "samples" / "hip-4.dcm"
PAGE_SECONDS, KEPT = 3.0, 0.8
"""Targets: p95 of a page's run; the share of its speed that a training keeps when it goes first."""
PATIENCE = 120.0


@dataclass
class Seen:
    """What happened in one round."""

    pages: list[float] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)
    busy: int = 0
    errors: list[str] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    alone: float = 0.0
    loaded: float = 0.0
    files: int = 0


def main() -> None:
    """Measure and report."""
    options = parse_options()
    step_back(19)
    rounds: dict[str, Seen] = {}
    for name, first in (("as it is", False), ("training first", True)):
        os.environ["LVCNET_TRAINING_FIRST"] = "1" if first else ""
        with tempfile.TemporaryDirectory() as folder:
            os.environ["TMPDIR"] = folder  # where the lab's private folder is, to look into it
            rounds[name] = one_round(Path(folder), options)
            print(f"{name}: {len(rounds[name].calls)} calls, {len(rounds[name].pages)} page runs", flush=True)
    text = report(rounds, options)
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    if any(seen.errors for seen in rounds.values()):
        sys.exit(1)


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--callers", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=10.0, help="of each of the two rounds")
    parser.add_argument(
        "--pause", type=float, default=10.0, help="seconds between a user's clicks, on average"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="two users and two callers for twenty seconds")
    parser.add_argument("--output", type=Path, help="write the report there, too")
    options = parser.parse_args()
    if options.quick:
        options.users, options.callers, options.minutes, options.pause = 2, 2, 1 / 3, 2.0
    return options


def one_round(folder: Path, options: argparse.Namespace) -> Seen:
    """The training alone, then with everybody."""
    seen = Seen()
    home = folder / "home"
    os.environ["LVCNET_HOME"] = str(home)
    with training() as run, ExitStack() as stack:
        address = at_full(lambda: stack.enter_context(serve_lab(home, folder / "log.txt")))
        lab = lab_process()
        asyncio.run(warm_up(address))
        seconds = 60 * options.minutes
        seen.alone = speed(run, lambda: time.sleep(max(10.0, seconds / 10)))
        seen.loaded = speed(run, lambda: asyncio.run(everybody(address, options, seconds, seen, lab)))
        seen.files = sum(path.is_file() and path.stat().st_size == 0 for path in folder.glob("lvcnet*/**/*"))
    for trace in (folder / "log.txt").read_text().split("Traceback")[1:]:
        ends = [
            line
            for line in trace.splitlines()
            if line and not line.startswith((" ", "(", "During", "The above"))
        ]
        seen.errors.append(f"a traceback in the lab's log: {ends[0] if ends else trace[-200:]}")
    return seen


def lab_process() -> psutil.Process:
    """The lab that this process has started."""
    return next(child for child in psutil.Process().children() if "streamlit" in child.cmdline())


@contextmanager
def training() -> Iterator[RunDirectory]:
    """A training of one thread that goes on as long as this is open."""
    dataset = make_phantom("load", train=32, test=2, size=64, seed=0)
    dataset.save()
    dataset.add_labels(make_noisy_labels(dataset, level=3))
    config = TrainConfig(
        dataset="load", method="unet", epochs=100_000, width=8, depth=3, batch_size=8, device="cpu", threads=1
    )
    run = create_run(config, "load")
    process = spawn([*TRAINER, str(run.path)], run.output, trainer_environment(1))
    try:
        end = time.monotonic() + PATIENCE
        while epochs(run) < 2:
            assert process.poll() is None, "the training ended"
            assert time.monotonic() < end, "the training did not start"
            time.sleep(0.5)
        yield run
    finally:
        process.kill()
        process.wait()


def epochs(run: RunDirectory) -> int:
    """How many epochs the training has done."""
    with suppress(FileNotFoundError):
        return (run.path / "metrics.jsonl").read_bytes().count(b"\n")
    return 0


def speed(run: RunDirectory, meanwhile: Callable[[], Any]) -> float:
    """Epochs in a second while something else goes on."""
    before, began = epochs(run), time.monotonic()
    meanwhile()
    return (epochs(run) - before) / (time.monotonic() - began)


async def warm_up(address: str) -> None:
    """Every page once and one call, as a lab in use has seen them."""
    seen = Seen()
    for key in ENTRIES:
        await page(address, key, seen)
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        await call(client, address, "warm", seen)
    assert not seen.errors, seen.errors


async def everybody(
    address: str, options: argparse.Namespace, seconds: float, seen: Seen, lab: psutil.Process
) -> None:
    """Users, programs, and a look at the memory now and then."""
    end = time.monotonic() + seconds
    random_ = random.Random(options.seed)
    people: list[Coroutine[Any, Any, None]] = [
        user(address, random.Random(random_.random()), options.pause, end, seen) for _ in range(options.users)
    ]
    people += [caller(address, f"caller-{number}", end, seen) for number in range(options.callers)]
    await asyncio.gather(*people, watch(lab, end, seen))


async def user(address: str, dice: random.Random, pause: float, end: float, seen: Seen) -> None:
    """Opens a page, looks at it, opens another one."""
    await asyncio.sleep(dice.uniform(0, pause))
    while time.monotonic() < end:
        await page(address, dice.choice(list(ENTRIES)), seen)
        await asyncio.sleep(dice.uniform(0.5, 1.5) * pause)


async def page(address: str, key: str, seen: Seen) -> None:
    """One session: connect, run the page's script, leave."""
    began = time.monotonic()
    try:
        seen.errors += [f"page {key}: {error}" for error in await run_page(address, key)]
        seen.pages.append(time.monotonic() - began)
    except Exception as error:
        seen.errors.append(f"page {key}: {type(error).__name__} {error}")


async def caller(address: str, name: str, end: float, seen: Seen) -> None:
    """Calls again and again; when it is told to wait, it does."""
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        while time.monotonic() < end:
            await asyncio.sleep(await call(client, address, name, seen))


async def call(client: httpx.AsyncClient, address: str, name: str, seen: Seen) -> float:
    """Upload, call, fetch the answer; returns how many seconds to wait before the next one."""
    began, url = time.monotonic(), f"{address}/gradio/gradio_api"
    try:
        content = SAMPLE.read_bytes()
        (path,) = (await client.post(f"{url}/upload", files={"files": ("hip.dcm", content)})).json()
        data = [{"path": path, "meta": {"_type": "gradio.FileData"}}, RUN, 0.5]
        asked = await client.post(f"{url}/call/segment", json={"data": data, "session_hash": name})
        if asked.status_code == 429:
            seen.busy += 1
            return float(asked.headers["Retry-After"])
        event = asked.raise_for_status().json()["event_id"]
        answer = (await client.get(f"{url}/call/segment/{event}")).text
        found = re.search(r"event: complete\ndata: (.*)", answer)
        if not found or json.loads(found[1])[0]["run"] != RUN:
            seen.errors.append(f"call: {answer[-200:]}")
        else:
            seen.calls.append(time.monotonic() - began)
    except Exception as error:
        seen.errors.append(f"call: {type(error).__name__} {error}")
        return 1.0
    return 0.0


async def watch(lab: psutil.Process, end: float, seen: Seen) -> None:
    """The lab's memory, twenty times."""
    step = max(1.0, (end - time.monotonic()) / 20)
    while time.monotonic() < end:
        seen.memory.append(resident(lab))
        await asyncio.sleep(step)


def resident(lab: psutil.Process) -> float:
    """Resident memory of the lab and of its processes that predict, in MB."""
    total = 0
    for process in (lab, *lab.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total / 2**20


def report(rounds: dict[str, Seen], options: argparse.Namespace) -> str:
    """The figures as markdown, with what was asked for."""
    rows = []
    for name, seen in rounds.items():
        kept = seen.loaded / seen.alone if seen.alone else float("nan")
        rows.append(
            [
                name,
                f"{len(seen.calls)}, {seen.busy} busy",
                _percentiles(seen.calls),
                f"{len(seen.pages)}",
                _percentiles(seen.pages),
                _percentiles(seen.pages[2 * len(seen.pages) // 3 :]),
                str(len(seen.errors)),
                f"{seen.alone:.2f} / {seen.loaded:.2f} ({kept:.0%})",
                f"{seen.memory[0]:.0f} / {np.median(seen.memory):.0f} / {seen.memory[-1]:.0f}",
                str(seen.files),
            ]
        )
    header = [
        "Round",
        "Calls",
        "p50 / p95 s",
        "Page runs",
        "p50 / p95 s",
        "their last third",
        "Errors",
        "Epochs/s alone / under load",
    ]
    header += ["MB first / median / last", "Empty files"]
    busy = os.getloadavg()[1] / (os.cpu_count() or 1)
    problems = [f"- {error}" for seen in rounds.values() for error in sorted(set(seen.errors))[:10]]
    return "\n".join(
        [
            "# The lab under load",
            "",
            f"Command: `{shown_command('load.py', sys.argv[1:])}`; seed {options.seed}; commit {current_commit()};"
            f" {platform.system()} {platform.machine()}, {os.cpu_count()} cores. {options.users} users, {options.callers}"
            f" callers, {options.minutes:.1f} minutes a round. At its end {busy:.1f} processes wanted each core, the load's"
            " own among them.",
            "",
            f"Targets: no error, p95 of page runs below {PAGE_SECONDS:g} s, {KEPT:.0%} of the training's speed kept when it"
            " goes first, memory flat.",
            "",
            markdown_table(header, rows),
            "",
            *problems,
        ]
    ).rstrip()


def _percentiles(values: list[float]) -> str:
    return f"{np.percentile(values, 50):.2f} / {np.percentile(values, 95):.2f}" if values else "none"


if __name__ == "__main__":
    main()
