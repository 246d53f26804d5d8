"""The one build step that pyproject.toml cannot say: pages and assets, at the top of a checkout, go inside of the packages.

So a wheel has no package called `pages` or `assets`. An editable install copies nothing: both are found where they are (see
`lab.ui.navigation.FOLDER` and `lvcnet.workspace.assets_dir`).
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

INSIDE = {"pages": "lab/_pages", "assets": "lvcnet/_assets"}
"""Folder of the checkout -> its place in the wheel."""
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.lock", ".*.lock")


class BuildWhole(build_py):
    """The modules and their data, and the two folders."""

    def run(self) -> None:
        """Copy everything to the build folder."""
        super().run()
        if self.editable_mode:
            return
        for folder, inside in INSIDE.items():
            target = Path(self.build_lib, inside)
            shutil.rmtree(target, ignore_errors=True)  # what an earlier build left
            shutil.copytree(folder, target, ignore=LEFT_OUT)


setup(cmdclass={"build_py": BuildWhole})
