"""Which device a name means, and how many threads a job may use."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from lvcnet.errors import LvcnetError


def resolve_device(name: str) -> torch.device:
    """auto, cpu, cuda, cuda:N or mps as a device; auto takes CUDA, then MPS, then the CPU.

    Raises:
        LvcnetError: for a device that does not exist here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", 0)
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    available = available_devices()
    wanted = "cuda:0" if name == "cuda" else name
    if wanted not in available:
        raise LvcnetError(
            f"device {name!r} is not available: this machine has {', '.join(available)} (or auto)"
        )
    return torch.device(wanted)


def available_devices() -> list[str]:
    """Names of all devices of this machine."""
    devices = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return [*devices, "cpu"]


@contextmanager
def cpu_threads(number: int) -> Iterator[None]:
    """So many CPU threads for torch, and afterwards as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
