"""A zip of annotated images: unpacked safely into a folder of its own, recognised, and imported like a folder.

Nothing in a zip is believed: not its names (they may lead out of the folder), not its sizes (they may be bombs), not its
file types. What a zip holds is decided by lvcnet/data/importing/contents.py, what is wrong with it by the importers.
"""

import io
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Unpack

from lvcnet.data.dataset import Dataset
from lvcnet.data.importing.annotated import ImportProblems, Problem, relative_name
from lvcnet.data.importing.contents import Contents, check_annotated, recognise
from lvcnet.data.importing.importer import import_coco, import_from, import_labelme, import_masks
from lvcnet.data.importing.options import Settings
from lvcnet.errors import LvcnetError, foreign
from lvcnet.progress import Report, reported
from lvcnet.scratch import scratch_folder

MOST_ENTRIES = 50_000
MOST_BYTES = 4 * 1024**3
"""Unpacked, of all entries together."""
MOST_ENTRY_BYTES = 256 * 1024**2
"""Unpacked, of one entry: more than the largest radiograph takes."""
LEAST_SUSPICIOUS = 256 * 1024**2
MOST_RATIO = 100
"""Unpacked to packed, of all entries together, from so many bytes on. Single masks are packed more densely, their images not."""
CHUNK = 1024**2
JUNK = ("__macosx", "thumbs.db", "desktop.ini")
ENCRYPTED = 0x1


def import_zip(
    name: str, source: Path | BinaryIO, report: Report | None = None, **settings: Unpack[Settings]
) -> Dataset:
    """Import what a zip holds, whatever it is; the result is not saved yet.

    Args:
        name: of the data set.
        source: the zip.
        report: called with (done, total) while it unpacks, then while it imports.
        settings: size, categories, split; see `lvcnet.data.importing.options.Options`.

    Raises:
        ImportProblems: lists all problems at once, with places as they are called in the zip.
        LvcnetError: if it is no zip, too large, or holds nothing that can be recognised.
    """
    with unpacked(source, report) as folder, _without_prefix(folder):
        found = _recognised(folder)
        dataset = _import(name, found, report, settings)
        dataset.source = _shortened({**dataset.source, "zip": _title(source)}, folder)
        dataset.source["warnings"] = [problem.row() for problem in found.warnings] + dataset.source[
            "warnings"
        ]
        for label in dataset.label_names():
            manifest = dataset.labels(label).manifest
            manifest.update(_shortened(manifest, folder))
        return dataset


def inspect_zip(source: Path | BinaryIO, report: Report | None = None) -> Contents:
    """What a zip holds and what each part would become, without importing it.

    Args:
        source: the zip.
        report: called with (done, total) while it unpacks.

    Raises:
        LvcnetError: as `import_zip`.
    """
    with unpacked(source, report) as folder, _without_prefix(folder):
        return _recognised(folder)


def _recognised(folder: Path) -> Contents:
    with foreign("the zip holds files that cannot be understood", "pack images and their annotations only"):
        return recognise(folder)


@contextmanager
def unpacked(source: Path | BinaryIO, report: Report | None = None) -> Iterator[Path]:
    """A temporary folder with the content of a zip.

    Raises:
        LvcnetError: as `unpack`.
    """
    with tempfile.TemporaryDirectory(prefix="zip-", dir=scratch_folder()) as temporary:
        folder = Path(temporary) / "content"
        unpack(source, folder, report)
        yield folder


def unpack(source: Path | BinaryIO, folder: Path, report: Report | None = None) -> None:
    """Write the files of a zip below `folder`, which is created; leave out what operating systems add.

    Args:
        source: the zip.
        folder: must not exist yet.
        report: called with (done, total) files.

    Raises:
        ImportProblems: lists all entries that lead out of the folder, are links, encrypted, doubled or too large.
        LvcnetError: if it is no zip, damaged, or too large as a whole.
    """
    title = _title(source)
    if isinstance(source, Path) and not source.exists():
        raise LvcnetError(f"zip {title} does not exist: check the path")
    with foreign(f"{title} cannot be read as a zip", "pack it again"):
        archive = zipfile.ZipFile(source)
    with archive:
        entries = _checked(archive.infolist(), title, _packed_size(source))
        with foreign(f"{title} cannot be unpacked", "free some space, or pack it again"):
            folder.mkdir(parents=True)
            _check_space(sum(entry.file_size for entry in entries.values()), folder, title)
        for name, entry in reported(list(entries.items()), report):
            with foreign(f"{title} cannot be unpacked, {name}", "pack it again"):
                _write(archive, entry, folder / name)


def _packed_size(source: Path | BinaryIO) -> int:
    """Bytes of the zip itself."""
    if isinstance(source, Path):
        return source.stat().st_size
    size = source.seek(0, io.SEEK_END)
    source.seek(0)
    return size


def _checked(entries: Sequence[zipfile.ZipInfo], title: str, packed: int) -> dict[str, zipfile.ZipInfo]:
    """The files to unpack by safe relative name; all that the directory of the zip gives away is judged before anything
    is written.

    Raises:
        ImportProblems, LvcnetError: see `unpack`.
    """
    if len(entries) > MOST_ENTRIES:
        raise LvcnetError(
            f"{title} has {len(entries):,} entries: at most {MOST_ENTRIES:,} are allowed; split it"
        )
    kept: dict[str, zipfile.ZipInfo] = {}
    problems: list[Problem] = []
    for entry in entries:
        try:
            name = _safe_name(entry)
            if entry.is_dir() or _is_junk(name):
                continue
            if name in kept:
                raise LvcnetError("occurs more than once")
            kept[name] = entry
        except LvcnetError as error:
            problems.append(Problem(f"{title}, {entry.filename!r:.120}", str(error), "pack it again without"))
    for name in kept:
        above = [str(parent) for parent in PurePosixPath(name).parents if str(parent) in kept]
        problems += [Problem(f"{title}, {name}", f"{parent} is a file and a folder") for parent in above]
    if problems:
        raise ImportProblems(problems)
    size = sum(entry.file_size for entry in kept.values())
    if size > MOST_BYTES:
        raise LvcnetError(
            f"{title} unpacks to {_size(size)}: at most {_size(MOST_BYTES)} are allowed; import by path instead"
        )
    if size > max(LEAST_SUSPICIOUS, MOST_RATIO * packed):
        raise LvcnetError(
            f"{title} unpacks to {_size(size)}, more than {MOST_RATIO} times its own size: no images are packed so densely"
        )
    if not kept:
        raise LvcnetError(f"{title} holds no file: pack the images with their annotations")
    check_annotated(list(kept))
    return kept


def _safe_name(entry: zipfile.ZipInfo) -> str:
    """The entry's name, if it may be unpacked.

    Raises:
        LvcnetError: says what is wrong with it.
    """
    try:
        name = relative_name(entry.filename)
    except LvcnetError:
        raise LvcnetError("leads out of the zip's folder or is no name of a file") from None
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise LvcnetError("is a link or device, not a file")
    if entry.flag_bits & ENCRYPTED:
        raise LvcnetError("is encrypted")
    if entry.file_size > MOST_ENTRY_BYTES:
        raise LvcnetError(
            f"unpacks to {_size(entry.file_size)}: at most {_size(MOST_ENTRY_BYTES)} are allowed"
        )
    if any(len(part.encode()) > 255 for part in PurePosixPath(name).parts):
        raise LvcnetError("has a name that is too long")
    return name


def _is_junk(name: str) -> bool:
    """Whether an operating system added the file: hidden files and folders, thumbnails.

    >>> _is_junk("__MACOSX/a.png"), _is_junk("images/._a.png"), _is_junk("images/a.png")
    (True, True, False)
    """
    return any(part.startswith(".") or part.lower() in JUNK for part in PurePosixPath(name).parts)


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    """Unpack one file; the size that the zip declares bounds it, whatever the data say."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with archive.open(entry) as packed, path.open("xb") as stream:
        while part := packed.read(CHUNK):
            written += len(part)
            if written > entry.file_size:
                raise zipfile.BadZipFile(f"{entry.filename} is larger than declared")
            stream.write(part)
    if written != entry.file_size:
        raise zipfile.BadZipFile(f"{entry.filename} is shorter than declared")


def _check_space(size: int, folder: Path, title: str) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        raise LvcnetError(
            f"{title} unpacks to {_size(size)}, but the disk of temporary files has {_size(free)} left: free some"
        )


def _import(name: str, found: Contents, report: Report | None, settings: Settings) -> Dataset:
    if found.annotations is not None:
        return import_from(name, found.kind, found.annotations, None, report, **settings)
    if found.kind == "labelme":
        return import_labelme(name, found.images, None, report, **settings)
    if found.kind == "masks":
        assert found.masks is not None
        return import_masks(name, found.images, found.masks, None, report, **settings)
    assert found.train is not None
    return import_coco(name, found.images, found.train, found.test, found.labels, report, **settings)


@contextmanager
def _without_prefix(folder: Path) -> Iterator[None]:
    """Let problems name places as the zip does, not as the temporary folder does."""
    shorten = partial(_shortened, folder=folder)
    try:
        yield
    except ImportProblems as error:
        raise ImportProblems(
            [
                replace(one, where=shorten(one.where), what=shorten(one.what), fix=shorten(one.fix))
                for one in error.problems
            ]
        ) from None
    except LvcnetError as error:
        raise LvcnetError(shorten(str(error))) from None


def _shortened(value: Any, folder: Path) -> Any:
    """`value` with all paths below `folder` relative to it."""
    if isinstance(value, str):
        return value.replace(f"{folder}/", "").replace(str(folder), "the zip")
    if isinstance(value, dict):
        return {key: _shortened(one, folder) for key, one in value.items()}
    return [_shortened(one, folder) for one in value] if isinstance(value, list) else value


def _title(source: Path | BinaryIO) -> str:
    """The zip's file name; an upload brings one too.

    >>> import io
    >>> _title(Path("a/hips.zip")), _title(io.BytesIO())
    ('hips.zip', 'the zip')
    """
    name = getattr(source, "name", None)
    return Path(name).name if isinstance(name, str) and name else "the zip"


def _size(count: int) -> str:
    """A number of bytes for people.

    >>> _size(3 * 1024**3), _size(2048)
    ('3.0 GiB', '0.0 GiB')
    """
    return f"{count / 1024**3:.1f} GiB"
