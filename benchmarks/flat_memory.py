"""Whether the lab's memory stays flat: `python benchmarks/flat_memory.py --output benchmarks/results/flat-memory.md`.

Calls `/segment` and opens pages in equal lots, as load.py does but in a row, and notes after each lot how much memory the lab and
its process that predicts hold. The first lot fills caches and allocators; from then on memory has to stay within `GROWTH`.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import httpx
from load import PATIENCE, Seen, call, lab_process, page, resident, training, warm_up
from shown import shown_command

from lab.headless import serve_lab
from lab.ui.navigation import ENTRIES
from lvcnet.comparison.formats import markdown_table
from lvcnet.training.commit import current_commit

GROWTH = 0.05
"""Of the memory after the first lot."""


def main() -> None:
    """Measure and report; the exit status is 1 if memory grew or something failed."""
    options = parse_options()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TMPDIR"] = folder
        rows, seen = measure(Path(folder), options)
    text = report(rows, seen, options)
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    sys.exit(bool(seen.errors) or growth(rows) > GROWTH)


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=5000, help="of /segment, in all lots together")
    parser.add_argument("--views", type=int, default=500, help="of pages, in all lots together")
    parser.add_argument("--lots", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0, help="of the order of pages")
    parser.add_argument("--output", type=Path, help="write the report there, too")
    return parser.parse_args()


def measure(folder: Path, options: argparse.Namespace) -> tuple[list[tuple[int, int, float]], Seen]:
    """Calls, views and megabytes after each lot, the state after the start first."""
    home = folder / "home"
    os.environ["LVCNET_HOME"] = str(home)
    seen, dice = Seen(), random.Random(options.seed)
    with training():  # a run to segment with; it ends here, as nothing is timed
        pass
    with serve_lab(home, folder / "log.txt") as address:
        lab = lab_process()
        asyncio.run(warm_up(address))
        rows = [(0, 0, resident(lab))]
        for lot in range(1, options.lots + 1):
            calls, views = (number * lot // options.lots for number in (options.calls, options.views))
            asyncio.run(one_lot(address, calls - rows[-1][0], views - rows[-1][1], dice, seen))
            rows.append((calls, views, resident(lab)))
            sys.stderr.write(f"{calls} calls, {views} views: {rows[-1][2]:.0f} MB\n")
    return rows, seen


async def one_lot(address: str, calls: int, views: int, dice: random.Random, seen: Seen) -> None:
    """Calls and page views side by side, one at a time of each."""

    async def all_calls() -> None:
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            for number in range(calls):
                while await call(client, address, f"caller-{number}", seen):
                    await asyncio.sleep(1)

    async def all_views() -> None:
        for _ in range(views):
            await page(address, dice.choice(list(ENTRIES)), seen)

    await asyncio.gather(all_calls(), all_views())


def growth(rows: list[tuple[int, int, float]]) -> float:
    """Of the last lot's memory over that of the first lot, as a share.

    >>> round(growth([(0, 0, 600.0), (10, 1, 1000.0), (20, 2, 1010.0)]), 3)
    0.01
    """
    return rows[-1][2] / rows[1][2] - 1


def report(rows: list[tuple[int, int, float]], seen: Seen, options: argparse.Namespace) -> str:
    """The figures as markdown."""
    table = markdown_table(
        ["Calls", "Page views", "MB"],
        [[f"{calls:,}", str(views), f"{size:.0f}"] for calls, views, size in rows],
    )
    return "\n".join(
        [
            "# Memory of the lab",
            "",
            f"Command: `{shown_command('flat_memory.py', sys.argv[1:])}`; seed {options.seed}; commit {current_commit()};"
            f" {time.strftime('%Y-%m-%d')}. Resident memory of the lab and of its process that predicts.",
            "",
            table,
            "",
            f"From the first lot to the last: {growth(rows):+.1%} (target: below {GROWTH:.0%}). Errors: {len(seen.errors)}.",
            *(f"- {error}" for error in sorted(set(seen.errors))[:10]),
        ]
    )


if __name__ == "__main__":
    main()
