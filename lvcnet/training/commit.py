"""Which commit of the project a run was made with."""

import subprocess
from pathlib import Path


def current_commit() -> str | None:
    """Short hash of the checkout lvcnet runs from, with -dirty behind it if it was changed; None outside one."""
    root = Path(__file__).resolve().parent.parent.parent
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=10"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
