"""What forms may read on the server: anything for the one person at its machine, named folders where it serves others."""

import os
from pathlib import Path

from lab.serving.settings import Serving
from lvcnet.errors import LvcnetError


def readable(text: str) -> Path:
    """The path that somebody wrote into a form.

    Raises:
        LvcnetError: if the lab serves others and the operator has not allowed the path, or something in it.
    """
    serving, path = Serving.from_environment(), Path(text).expanduser()
    if serving.auth is None:
        return path
    if not serving.import_roots:
        raise LvcnetError(
            "this lab takes uploads only: its operator allows no folder (lvcnet lab --import-root FOLDER)"
        )
    roots = [root.resolve() for root in serving.import_roots]
    allowed = ", ".join(map(str, serving.import_roots))
    if not _below(path, roots):
        raise LvcnetError(f"{text} is not below a folder that may be read here: {allowed}")
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            if not _below(Path(folder, name), roots):
                raise LvcnetError(f"{text} holds the link {name}, which leads out of {allowed}: take it out")
    return path.resolve()


def _below(path: Path, roots: list[Path]) -> bool:
    found = path.resolve()
    return any(found.is_relative_to(root) for root in roots)
