"""Where the user's data sets, runs, corrections and queue live: `LVCNET_HOME`, by default ./workspace."""

import os
from pathlib import Path


def home() -> Path:
    """The workspace folder (not created by asking for it)."""
    return Path(os.environ.get("LVCNET_HOME", "workspace")).expanduser().absolute()


def datasets_dir() -> Path:
    """Folder that holds one folder a data set."""
    return home() / "datasets"


def runs_dir() -> Path:
    """Folder that holds one folder a run."""
    return home() / "runs"


def corrections_dir() -> Path:
    """Folder that holds one folder a judgement of a label set (see lvcnet.correction.store)."""
    return home() / "corrections"


def assets_dir() -> Path:
    """The `assets/` folder that the project ships (sample radiographs, demo runs): in a wheel inside of the package."""
    package = Path(__file__).resolve().parent
    installed = package / "_assets"
    return installed if installed.is_dir() else package.parent / "assets"


def is_shipped(path: Path) -> bool:
    """Whether a file or folder ships with the project, and so must not be changed."""
    return assets_dir() in path.resolve().parents
