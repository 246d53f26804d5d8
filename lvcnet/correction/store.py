"""The correction folder: one judgement of a label set.

    correction.json     what was judged by what, and one row an image (see `judge.judge_batch`) with its checksums
    proposals.npy       (N, ceil(C H W / 8)) uint8, the proposed masks as packed bits
    probability.npy     (N, C, H, W) uint8, probability of the foreground in 1/255
    decisions.sqlite    what reviewers decided (see `decisions`)
    changes/NAME.*      what became of it in label set NAME (see `apply`)

A correction that ships with the project stays as it is: its decisions and changes are in the workspace, in a folder
of its name.

Symbols: see `lvcnet.correction`. The arrays are memory-mapped, written and read image by image. A folder appears
under its name only when it is whole.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lvcnet import formats, workspace
from lvcnet.correction.decisions import Decisions
from lvcnet.correction.judge import propose, suspicion
from lvcnet.damage import Damaged, check_types, problem_of, reading
from lvcnet.errors import DamagedError, LvcnetError
from lvcnet.files import check_name, checksum, read_json, write_json
from lvcnet.folders import UnfinishedFolder, restore

CHECKSUMS = {"proposals.npy": "proposal_crc32", "probability.npy": "probability_crc32"}
"""File -> the name in an image's row of the checksum of its part; rows of before format 2 have none."""


class Correction:
    """A finished judgement. Arrays are opened, not read.

    Args:
        folder: where it is.

    Raises:
        LvcnetError: if it is broken or was written by a newer version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._do = do = (
            f"put back a copy of it, or delete {folder} and judge the labels again with `lvcnet correct`"
        )
        path = folder / "correction.json"
        with reading(path, do):
            self.head = check_types(formats.CORRECTION.current(read_json(path), path), images=list)
            for row in self.head["images"]:
                row["key"]
        with reading(folder / "proposals.npy", do):
            self._proposals = np.load(folder / "proposals.npy", mmap_mode="r", allow_pickle=False)
        with reading(folder / "probability.npy", do):
            self._probability = np.load(folder / "probability.npy", mmap_mode="r", allow_pickle=False)

    @property
    def name(self) -> str:
        """The folder's name is the correction's name."""
        return self.folder.name

    @property
    def is_demo(self) -> bool:
        """Whether it ships with the project."""
        return workspace.is_shipped(self.folder)

    @property
    def records(self) -> Path:
        """Where decisions and changes are kept; it may not exist yet."""
        return workspace.corrections_dir() / self.name if self.is_demo else self.folder

    @property
    def decisions(self) -> Decisions:
        """What reviewers decided."""
        return Decisions(self.records)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One an image, in the order of the arrays."""
        rows: list[dict[str, Any]] = self.head["images"]
        return rows

    def number(self, key: str) -> int:
        """Place of an image in `rows` and the arrays.

        Raises:
            LvcnetError: if it was not judged.
        """
        for number, row in enumerate(self.rows):
            if row["key"] == key:
                return number
        raise LvcnetError(f"correction {self.name!r} has not judged an image {key!r}")

    def proposal(self, key: str) -> NDArray[np.bool_]:
        """The proposed masks of an image, (C, H, W) bool.

        Raises:
            DamagedError: if they are not those that were written.
        """
        shape = self._probability.shape[1:]
        bits = self._checked(self._proposals, "proposals.npy", key)
        return np.unpackbits(bits, count=int(np.prod(shape))).reshape(shape).astype(bool)

    def probability(self, key: str) -> NDArray[np.float32]:
        """The foreground's probability, (C, H, W) float32 in steps of 1/255.

        Raises:
            DamagedError: if it is not the one that was written.
        """
        return self._checked(self._probability, "probability.npy", key).astype(np.float32) / np.float32(255)

    def _checked(self, array: NDArray[np.uint8], file: str, key: str) -> NDArray[np.uint8]:
        """An image's part of an array; checked image by image, so that nobody waits for all of a large file."""
        number = self.number(key)
        values = array[number]
        if self.rows[number].get(CHECKSUMS[file]) not in (None, checksum([values])):
            raise DamagedError(self.folder / file, f"image {key!r} is not what was written", self._do)
        return values

    def suspicion(self, key: str, label: NDArray[np.bool_]) -> NDArray[np.floating[Any]]:
        """The suspicious pixels of an image whose (C, H, W) label was judged; see `judge.suspicion`."""
        return suspicion(self.probability(key), label)


class CorrectionWriter:
    """Writes a correction, a batch at a time; `finish` puts it in place. As a context manager it leaves nothing unfinished.

    Args:
        name: of the correction.
        shape: (N, C, H, W).
        overwrite: replace one of that name.

    Raises:
        LvcnetError: if the name is not usable or taken.
    """

    def __init__(self, name: str, shape: tuple[int, int, int, int], overwrite: bool = False) -> None:
        check_free(name, overwrite)
        self._folder = UnfinishedFolder(workspace.corrections_dir() / name, "correction", replace=overwrite)
        packed = (shape[0], -(-int(np.prod(shape[1:])) // 8))
        self._proposals = self._create("proposals.npy", packed)
        self._probability = self._create("probability.npy", shape)

    def write(self, numbers: NDArray[np.intp], probability: NDArray[np.floating[Any]]) -> None:
        """Keep the (B, C, H, W) probabilities of the images at `numbers`, and the proposals that follow from them."""
        masks = propose(probability).reshape(len(numbers), -1)
        self._proposals[numbers] = np.packbits(masks, axis=1)
        self._probability[numbers] = np.round(probability * 255).astype(np.uint8)

    def read(self, numbers: NDArray[np.intp]) -> NDArray[np.float32]:
        """The (B, C, H, W) probabilities that were written for the images at `numbers`, in steps of 1/255."""
        return self._probability[numbers].astype(np.float32) / np.float32(255)

    def finish(self, head: dict[str, Any]) -> Correction:
        """Write the head and put the folder in place.

        Raises:
            TakenError: if another process made a correction of that name meanwhile.
        """
        self._proposals.flush()
        self._probability.flush()
        arrays = {"proposals.npy": self._proposals, "probability.npy": self._probability}
        images = [
            {**row, **{name: checksum([arrays[file][number]]) for file, name in CHECKSUMS.items()}}
            for number, row in enumerate(head["images"])
        ]
        head = formats.CORRECTION.stamped({**head, "images": images})
        write_json(self._folder.path / "correction.json", head)
        self._folder.finish()
        return Correction(self._folder.target)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """What was not finished leaves nothing behind."""
        self._folder.discard()

    def _create(self, file_name: str, shape: tuple[int, ...]) -> "np.memmap[Any, np.dtype[np.uint8]]":
        array: np.memmap[Any, np.dtype[np.uint8]] = np.lib.format.open_memmap(
            self._folder.path / file_name, mode="w+", dtype=np.uint8, shape=shape
        )
        return array


def check_free(name: str, overwrite: bool = False) -> None:
    """Make sure that no correction would be lost; worth asking before a long training.

    Raises:
        LvcnetError: if the name is not usable or taken.
    """
    folder = workspace.corrections_dir() / check_name(name, "correction")
    if overwrite or not folder.exists():
        return
    decided = len(Decisions(folder).verdicts())
    lose = f" (its decisions about {decided} images go with it)" if decided else ""
    raise LvcnetError(f"correction {name!r} exists at {folder}: choose another name or add --overwrite{lose}")


def find_correction(name: str) -> Correction:
    """The correction of that name in the workspace, else in assets/.

    Raises:
        LvcnetError: if there is none.
    """
    return Correction(correction_folder(name))


def correction_folder(name: str) -> Path:
    """Where the correction of that name is.

    Raises:
        LvcnetError: if there is none.
    """
    check_name(name, "correction")
    restore(workspace.corrections_dir())
    for folder in _folders():
        if (folder / name / "correction.json").is_file():
            return folder / name
    known = ", ".join(list_corrections()) or "none yet; make one with `lvcnet correct DATASET`"
    raise LvcnetError(f"there is no correction {name!r}: known are {known}")


def list_corrections() -> list[str]:
    """Names of all corrections in the workspace and of those that ship with the project."""
    restore(workspace.corrections_dir())
    found = {path.parent.name for folder in _folders() for path in folder.glob("*/correction.json")}
    return sorted(name for name in found if not name.startswith("."))


def damaged_corrections() -> list[Damaged]:
    """Corrections that cannot be opened, or whose decisions cannot be read."""
    found = [
        problem_of("correction", name, lambda name=name: find_correction(name).decisions.verdicts())  # type: ignore[misc]
        for name in list_corrections()
    ]
    return [one for one in found if one is not None]


def _folders() -> tuple[Path, Path]:
    return workspace.corrections_dir(), workspace.assets_dir() / "corrections"


def worst_first(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows by label quality, the lowest first; of equal ones the one whose outlines disagree most."""
    return sorted(rows, key=lambda row: (row["quality"], -row["disagreement_px"], row["key"]))
