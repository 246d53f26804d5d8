"""The command of a benchmark, as its report shows it."""

import shlex
from collections.abc import Sequence


def shown_command(script: str, arguments: Sequence[str]) -> str:
    """The command line of benchmarks/SCRIPT as others would type it: the workspace is their own.

    >>> shown_command("robustness.py", ["--workspace", "/home/me/lab", "--seeds", "0"])
    'python benchmarks/robustness.py --workspace DIR --seeds 0'
    """
    shown = [
        "DIR" if before == "--workspace" else value
        for before, value in zip(["", *arguments], arguments, strict=False)
    ]
    shown = ["--workspace=DIR" if value.startswith("--workspace=") else value for value in shown]
    return shlex.join(["python", f"benchmarks/{script}", *shown])
