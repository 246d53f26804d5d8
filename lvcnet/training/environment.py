"""On what a training ran: versions, hardware, and the switches of torch that change numbers in their last digits.

environment.json of a run holds a list, one entry a start or resume in an environment that is not the one before.
"""

import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from lvcnet import __version__
from lvcnet.errors import LvcnetError
from lvcnet.files import read_json, write_json
from lvcnet.runs.directory import RunDirectory
from lvcnet.training.commit import current_commit

PACKAGES = ("torch", "numpy", "scipy", "opencv-python-headless", "scikit-image", "monai", "safetensors")
"""What touches numbers on their way from images to weights and metrics."""
CPU_INFO = Path("/proc/cpuinfo")


def environment(device: torch.device) -> dict[str, Any]:
    """This process's environment, flat, JSON-able; what is unknown is None.

    Args:
        device: that the training runs on.
    """
    cuda = device.type == "cuda"
    return {
        "lvcnet": __version__,
        "commit": current_commit(),
        "python": platform.python_version(),
        "system": platform.platform(),
        **{name: _version(name) for name in PACKAGES},
        "device": device.type,
        "cpu": _cpu(),
        "cpu_instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name(device) if cuda else None,
        "cuda": torch.version.cuda if cuda else None,
        "cudnn": torch.backends.cudnn.version() if cuda else None,  # type: ignore[no-untyped-call]
        "mkldnn": torch.backends.mkldnn.enabled,
        "matmul_precision": torch.get_float32_matmul_precision(),
        "cudnn_tf32": torch.backends.cudnn.allow_tf32 if cuda else None,
        "cudnn_benchmark": torch.backends.cudnn.benchmark if cuda else None,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }


def record_environment(run: RunDirectory, device: torch.device) -> None:
    """Note on what a training starts or goes on, if it is not what it ran on before."""
    known, now = recorded(run), environment(device)
    if now not in known[-1:]:
        write_json(_path(run), [*known, now])


def recorded(run: RunDirectory) -> list[dict[str, Any]]:
    """The environments that a run was trained in, in order; none for runs that noted none, or whose note is damaged."""
    try:
        stored = read_json(_path(run))
    except LvcnetError:
        return []
    return [one for one in stored if isinstance(one, dict)] if isinstance(stored, list) else []


def _path(run: RunDirectory) -> Path:
    return run.path / "environment.json"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _cpu() -> str | None:
    """The processor's model as Linux names it, else what Python knows."""
    try:
        lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or None
