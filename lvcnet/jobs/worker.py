"""`python -m lvcnet.jobs.worker`: the process that takes runs out of the queue and trains them, a few at a time.

It may be stopped or killed at any time: its trainers go on, and the next worker watches them again.
"""

import argparse
import logging
import signal
import sys
import time
from functools import partial
from types import FrameType

from lvcnet.jobs import queue
from lvcnet.jobs.daemon import worker_lock
from lvcnet.jobs.launch import slots
from lvcnet.jobs.recover import adopt, recover

IDLE_SECONDS = 600.0
RECOVER_SECONDS = 5.0
LOCK_SECONDS = 5.0
TICK_SECONDS = 0.25

logger = logging.getLogger("lvcnet.worker")


def serve(idle: float | None = IDLE_SECONDS) -> bool:
    """Serve the queue until a signal, or until nothing was to do for `idle` seconds (None: stay).

    Returns:
        False if another worker serves this workspace.
    """
    stop: list[int] = []
    while True:
        with worker_lock(LOCK_SECONDS) as mine:
            if not mine:
                return False
            _consume(stop, idle)
        if stop or not queue.waiting_runs():
            return True


def _consume(stop: list[int], idle: float | None) -> None:
    """Run huey's consumer; `stop` holds the signals that arrived."""
    for line in (*recover(worker=True), *(f"{name}: adopted" for name in adopt())):
        logger.info(line)
    consumer = queue.open_queue().create_consumer(
        workers=slots(), periodic=False, max_delay=1.0, check_worker_health=False
    )
    consumer.start()
    # Not huey's own handlers: they would wait for running trainings, or restart the process when a terminal closes.
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, partial(_note, stop))
    last_work = last_recovery = time.monotonic()
    while not stop:
        time.sleep(TICK_SECONDS)
        now = time.monotonic()
        if now - last_recovery > RECOVER_SECONDS:
            last_recovery = now
            for line in recover(worker=True):
                logger.info(line)
        if queue.HELD or queue.open_queue().pending_count():
            last_work = now
        elif idle is not None and now - last_work > idle:
            break
    # Idle threads end at once; after a signal nobody waits for the threads that watch a training.
    consumer.stop(graceful=not stop)


def _note(stop: list[int], signum: int, frame: FrameType | None) -> None:
    stop.append(signum)


def main(arguments: list[str]) -> int:
    """Command line of the worker; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m lvcnet.jobs.worker", description=__doc__)
    parser.add_argument(
        "--idle",
        type=float,
        default=IDLE_SECONDS,
        help="leave after so many seconds without work (default 600)",
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    if not serve(options.idle):
        logger.info("another worker serves this workspace")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
