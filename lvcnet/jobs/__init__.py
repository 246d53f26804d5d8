"""Trainings in the background: submit, wait, cancel, resume, recover."""

from lvcnet.jobs.queue import QueueState, cancel, check_resumable, position, queue_state, resume, submit, wait
from lvcnet.jobs.recover import recover

__all__ = [
    "QueueState",
    "cancel",
    "check_resumable",
    "position",
    "queue_state",
    "recover",
    "resume",
    "submit",
    "wait",
]
