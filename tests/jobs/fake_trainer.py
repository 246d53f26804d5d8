"""A trainer without a network: `fake_trainer.py RUN_DIRECTORY [--resume]` counts epochs as the real one does.

`options` of the run's configuration: seconds (a step), behaviour (obedient, deaf: ignores cancel, stubborn: ignores
SIGTERM as well, crash: dies before it says a word, slow: takes long to start).
"""

import os
import signal
import sys
import time
from pathlib import Path

from lvcnet.runs.directory import RunDirectory, process_record
from lvcnet.runs.locks import run_lock


def train(run: RunDirectory, resume: bool) -> int:
    config = run.config()
    options = config["options"]
    behaviour = options.get("behaviour", "obedient")
    if behaviour == "crash":
        raise RuntimeError("no such device")
    if behaviour == "slow":
        time.sleep(600)
    if behaviour == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    first = len(run.metrics()) if resume else 0
    (run.path / "environment.txt").write_text(
        "\n".join(f"{key}={value}" for key, value in os.environ.items())
    )
    run.update_status(state="running", epoch=first, resumed=resume, **process_record())
    for epoch in range(first + 1, config["epochs"] + 1):
        time.sleep(options.get("seconds", 0.02))
        if behaviour == "obedient" and run.cancel_requested():
            run.update_status(state="cancelled")
            return 0
        run.append_metrics({"epoch": epoch})
        run.checkpoints.mkdir(exist_ok=True)
        (run.checkpoints / "last.json").write_text("{}")
        run.update_status(epoch=epoch)
    run.update_status(state="done")
    return 0


def main() -> int:
    run = RunDirectory(Path(sys.argv[1]))
    with run_lock(run):
        return train(run, "--resume" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
