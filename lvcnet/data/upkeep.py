"""Upkeep of whole data sets in the workspace: an own copy of the demo's, checksums for those that have none."""

import shutil
from contextlib import suppress
from pathlib import Path

from lvcnet import formats, workspace
from lvcnet.claims import using
from lvcnet.data.dataset import CHECKSUM, Dataset
from lvcnet.errors import LvcnetError
from lvcnet.files import checksum, read_json, write_json
from lvcnet.folders import TakenError, whole_folder


def own_copy(dataset: Dataset) -> Dataset:
    """The data set itself, or, if it ships with the project, its copy in the workspace under the same name.

    From then on the copy is what the name means; runs trained on the original fit it, as it has the same fingerprint.
    """
    if not dataset.is_demo:
        return dataset
    assert dataset.folder is not None
    target = workspace.datasets_dir() / dataset.name
    if not target.exists():
        with suppress(TakenError), whole_folder(target, "data set") as unfinished:  # another one is as good
            shutil.copytree(dataset.folder, unfinished, dirs_exist_ok=True)
    return Dataset.load(target)


def without_checksum() -> list[Path]:
    """Folders of the workspace's data sets whose images have no checksum, as before format 2."""
    found = []
    for head in sorted(workspace.datasets_dir().glob("[!.]*/dataset.json")):
        with suppress(LvcnetError):  # it is named as damaged
            if CHECKSUM not in formats.DATASET.current(read_json(head), head):
                found.append(head.parent)
    return found


def add_checksum(folder: Path) -> None:
    """Note the checksum of a data set's images as they are now.

    Raises:
        LvcnetError: if the data set cannot be read.
    """
    path = folder / "dataset.json"
    with using("data set", folder, "it is given a checksum"):
        images, head = Dataset.load(folder).images, formats.DATASET.current(read_json(path), path)
        write_json(path, {**head, CHECKSUM: checksum([images])})
