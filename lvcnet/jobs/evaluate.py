"""`python -m lvcnet.jobs.evaluate RUN_DIRECTORY`: evaluate one run and leave; at once if somebody else does it already.

A process of its own, because the worker that asks for it should neither load torch nor die with it.
"""

import sys
from pathlib import Path

from lvcnet.claims import using
from lvcnet.errors import LvcnetError
from lvcnet.jobs.launch import BUSY
from lvcnet.runs.directory import RunDirectory
from lvcnet.runs.locks import Busy, evaluation_lock
from lvcnet.storage import storage_problem


def main(arguments: list[str]) -> int:
    """Evaluate the run in the folder `arguments[0]`; the exit status."""
    run = RunDirectory(Path(arguments[0]))
    try:
        with using("run", run.path, "it is being evaluated"), evaluation_lock(run):
            # Only now, because it loads torch, which takes seconds: another worker must see meanwhile that this one is at it.
            from lvcnet.evaluation.protocol import evaluate_run

            evaluate_run(run)
    except Busy:
        return BUSY
    except (LvcnetError, OSError) as error:
        sys.stderr.write(f"{storage_problem(error) or error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
