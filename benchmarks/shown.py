"""The command of a benchmark, as its report shows it."""

import shlex
from collections.abc import Sequence

OWN = {"--workspace": "DIR", "--keep": "DIR", "--shared": "DIR", "--output": "FILE"}


def shown_command(script: str, arguments: Sequence[str]) -> str:
    """The command line of benchmarks/SCRIPT as others would type it: workspace, results and kept files are their own.

    >>> shown_command("robustness.py", ["--workspace", "/home/me/lab", "--seeds", "0"])
    'python benchmarks/robustness.py --workspace DIR --seeds 0'
    >>> shown_command("load.py", ["--output=/home/me/load.md"])
    'python benchmarks/load.py --output=FILE'
    """
    shown = [OWN.get(before, value) for before, value in zip(["", *arguments], arguments, strict=False)]
    shown = [
        next((f"{name}={own}" for name, own in OWN.items() if value.startswith(f"{name}=")), value)
        for value in shown
    ]
    return shlex.join(["python", f"benchmarks/{script}", *shown])
