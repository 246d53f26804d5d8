"""`python -m lvcnet.jobs.evaluate RUN_DIRECTORY`: evaluate one run and leave.

A process of its own, because the worker that asks for it should neither load torch nor die with it.
"""

import sys
from pathlib import Path

from lvcnet.errors import LvcnetError
from lvcnet.evaluation.protocol import evaluate_run
from lvcnet.runs.directory import RunDirectory


def main(arguments: list[str]) -> int:
    """Evaluate the run in the folder `arguments[0]`; the exit status."""
    try:
        evaluate_run(RunDirectory(Path(arguments[0])))
    except LvcnetError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
