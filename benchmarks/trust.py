"""Kill, tear and fuzz the project for an hour: `python benchmarks/trust.py --output benchmarks/results/trust.md`.

- kills (kills.py, kill_actions.py): trainers, workers, evaluators, the lab, and everything that writes, by SIGKILL;
- torn files (torn_files.py): every kind of file of a workspace, damaged in every way, read by everything that reads it;
- fuzz (fuzz_all.py): every parser of foreign files, with files made of good ones by mutation.

The report holds what was executed, every fault found, and those that were mended (trust_mended.md, kept by hand). A section that
is measured again replaces the one in the report; the others stay. The tests do the same in short form (tests/system).
"""

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from fuzz_all import PROCESSES, fuzz_all
from kill_actions import kill_all_actions
from kills import Tally, lab_kills, prepare, queue_kills, trainers_at_every_change, trainers_at_random
from shown import shown_command
from torn_files import tear_everything

from lvcnet.comparison.formats import markdown_table
from lvcnet.errors import LvcnetError
from lvcnet.progress import Report
from lvcnet.training.commit import current_commit

MOST_FAULTS_SHOWN = 40
HEAD = "# Killed, torn and fuzzed"
TITLES = {"kills": "## Kills", "torn": "## Torn files", "fuzz": "## Fuzzing"}
MENDED = Path(__file__).with_name("trust_mended.md")


def main(arguments: list[str] | None = None) -> int:
    """Run the chosen sections and write the report; the exit status is 1 if there was a fault."""
    options = parse_options(arguments)
    # trainers are forked: nobody may hold a lock of a thread that the child does not have
    torch.set_num_threads(1)
    command = shown_command("trust.py", sys.argv[1:] if arguments is None else arguments)
    sections = read_sections(options.output)
    any_fault = False
    with tempfile.TemporaryDirectory(prefix="lvcnet-trust-") as folder:
        for name in options.sections.split(","):
            started = time.monotonic()
            text, faults = SECTION[name](Path(folder) / name, options)
            minutes = (time.monotonic() - started) / 60
            how = f"Command: `{command}`; commit {current_commit()}; seed {options.seed}; {minutes:.0f} minutes."
            sections[name] = "\n\n".join([TITLES[name], text, shown_faults(faults), how])
            any_fault = any_fault or bool(faults)
            if options.output:  # a section takes an hour: none is lost when the next one is stopped
                options.output.write_text(report(sections))
    print(report(sections))
    return int(any_fault)


def report(sections: dict[str, str]) -> str:
    """The sections in order, and what was mended."""
    found = [sections[name] for name in SECTION if name in sections]
    return "\n\n".join([HEAD, *found, MENDED.read_text().strip()]) + "\n"


def read_sections(path: Path | None) -> dict[str, str]:
    """The sections of a report that was written before."""
    if path is None or not path.exists():
        return {}
    parts = re.split(r"(?m)^(?=## )", path.read_text())
    return {
        name: part.strip()
        for part in parts
        for name, title in TITLES.items()
        if part.startswith(title + "\n")
    }


def shown_faults(faults: list[str]) -> str:
    """A list of them, or that there is none."""
    if not faults:
        return "Faults: none."
    more = [f"- and {len(faults) - MOST_FAULTS_SHOWN} more"] if len(faults) > MOST_FAULTS_SHOWN else []
    return "\n".join(["Faults:", "", *(f"- {fault}" for fault in faults[:MOST_FAULTS_SHOWN]), *more])


def kills(folder: Path, options: argparse.Namespace) -> tuple[str, list[str]]:
    """Kills, a row a kind; shares of `--kills`, as what is killed at every change has its own number."""
    prepare(folder / "home")
    share = options.kills // 10
    tallies: list[Tally] = []
    for name, work in (
        ("trainer, every change", lambda report: trainers_at_every_change("lvcnet-plus", report)),
        (
            "trainer, random",
            lambda report: trainers_at_random("lvcnet-plus", 3 * share, options.seed, report),
        ),
        ("trainer, random", lambda report: trainers_at_random("unet", 2 * share, options.seed, report)),
        ("queue", lambda report: queue_kills(2 * share, options.seed, report)),
        ("lab", lambda report: lab_kills(max(1, share // 10), report)),
    ):
        tallies.append(work(_shown(name)))
    tallies += kill_all_actions(folder / "actions", _shown("everything that writes"))
    rows = [[tally.what, str(tally.kills), str(tally.trials), str(len(tally.faults))] for tally in tallies]
    total = sum(tally.kills for tally in tallies)
    rows.append(["**all**", f"**{total}**", str(sum(tally.trials for tally in tallies)), ""])
    table = markdown_table(["what was killed", "kills", "pieces of work", "faults"], rows)
    words = (
        "A fault is a run or a state that was lost, doubled, stuck, mixed, or different from that of work which nobody"
        " disturbed; trainings are compared to the bit (tensors of last, best and state, metrics without times,"
        " snapshots)."
    )
    return f"{words}\n\n{table}", [fault for tally in tallies for fault in tally.faults]


def fuzz(folder: Path, options: argparse.Namespace) -> tuple[str, list[str]]:
    """Damaged files for every parser; a fault is anything but an error in words, within bounds of time and memory."""
    fuzzed = fuzz_all(options.executions, options.seed, _shown("fuzzing"), options.keep)
    rows = [
        [
            one.result.target,
            f"{one.result.executions:,}",
            f"{one.guided:,}",
            f"{one.result.accepted:,}",
            str(len(one.result.faults)),
            f"{one.result.executions / max(one.result.seconds, 1e-9):,.0f}",
        ]
        for one in fuzzed
    ]
    rows.append(["**all**", f"**{sum(one.result.executions for one in fuzzed):,}**", "", "", "", ""])
    heads = [
        "parser",
        "executions",
        "of these guided by coverage",
        "not refused",
        "unique faults",
        "per second",
    ]
    words = (
        "Files made of good ones by mutation. A fault is whatever is not an error in words: another exception, a crash,"
        " a hang, or more time or memory than a file of its size may cost. Readers of annotations refuse an image or a"
        f" shape and go on, so that most of their files are not refused whole. {PROCESSES} processes at a time."
    )
    return (
        f"{words}\n\n{markdown_table(heads, rows)}",
        [f"{one.result.target}: {fault}" for one in fuzzed for fault in one.result.faults],
    )


def torn(folder: Path, options: argparse.Namespace) -> tuple[str, list[str]]:
    """Torn files, all of a small workspace."""
    result = tear_everything(folder, options.seed, _shown("torn files"))
    words = (
        f"{result.trials} commands were called on a workspace with one damaged file (empty, cut, zeros, flipped bits, other"
        f" JSON); {len(result.faults)} ended in anything but words. Each call is one trial."
    )
    return words, result.faults


def _shown(name: str) -> Report:
    """Progress on standard error."""

    def report(done: int, total: int) -> None:
        sys.stderr.write(f"\r{name}: {done} of {total} ")
        if done >= total:
            sys.stderr.write("\n")

    return report


SECTION: dict[str, Callable[[Path, argparse.Namespace], tuple[str, list[str]]]] = {
    "kills": kills,
    "torn": torn,
    "fuzz": fuzz,
}


def parse_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sections", default=",".join(SECTION), help="some of them, separated by commas")
    parser.add_argument("--kills", type=int, default=500, help="about how many processes to kill")
    parser.add_argument("--executions", type=int, default=1_000_000, help="about how many damaged files")
    parser.add_argument("--keep", type=Path, help="folder for the files that brought faults out")
    parser.add_argument("--seed", type=int, default=0, help="of moments, mutations and inputs")
    parser.add_argument("--output", type=Path, help="write the report there, too")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LvcnetError as error:
        sys.exit(f"trust: {error}")
