"""The trainer process: `python -m lvcnet.training RUN_DIRECTORY [--resume]`.

Exit status: 0 done or cancelled, 130 interrupted, 1 failed.
"""

import argparse
import sys
from pathlib import Path

from lvcnet.errors import LvcnetError
from lvcnet.runs.directory import RunDirectory
from lvcnet.storage import storage_problem
from lvcnet.training.run import train


def main() -> int:
    """Train one run directory."""
    parser = argparse.ArgumentParser(prog="python -m lvcnet.training", description="Train one run directory.")
    parser.add_argument("run", type=Path)
    parser.add_argument("--resume", action="store_true", help="continue from the last saved state")
    arguments = parser.parse_args()
    try:
        state = train(RunDirectory(arguments.run.absolute()), resume=arguments.resume)
    except (LvcnetError, OSError) as error:
        sys.stderr.write(f"lvcnet: {storage_problem(error) or error}\n")
        return 1
    return 130 if state == "interrupted" else 0


if __name__ == "__main__":
    sys.exit(main())
