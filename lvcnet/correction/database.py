"""The file `decisions.sqlite` beside a correction: its tables, its version, and who signs in it.

Version 0 holds events only (see `decisions`); 1 has drafts, too (see `drafts`). An older file is read as it is and
upgraded by the first thing that is written into it; a newer one is refused.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lvcnet.errors import DamagedError, LvcnetError
from lvcnet.formats import newer
from lvcnet.storage import unwritable

FILE_NAME = "decisions.sqlite"
VERSION = 1
LONGEST_NAME = 60
WAIT_SECONDS = 20.0
"""For what somebody else writes."""
MEND = "put back a copy of it, or delete this file: the correction then begins anew, with nothing decided"
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL,
    reviewer TEXT NOT NULL,
    key TEXT NOT NULL,
    decision TEXT NOT NULL,
    details TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_of_image ON events (key, id);
CREATE TRIGGER IF NOT EXISTS never_changed BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'decisions are only ever added'); END;
CREATE TRIGGER IF NOT EXISTS never_deleted BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'decisions are only ever added'); END;
CREATE TABLE IF NOT EXISTS drafts (
    key TEXT NOT NULL,
    category TEXT NOT NULL,
    reviewer TEXT NOT NULL,
    revision INTEGER NOT NULL,
    time TEXT NOT NULL,
    stroke TEXT NOT NULL,
    mask TEXT NOT NULL,
    closed_by INTEGER,
    PRIMARY KEY (key, category, reviewer)
);
PRAGMA user_version = {VERSION};
"""


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection | None]:
    """The database to read from; None if there is no file yet.

    Raises:
        LvcnetError: if it cannot be used.
    """
    if not path.exists():
        yield None
        return
    with _connected(path, write=False) as (connection, _):
        yield connection


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """A transaction that nobody else can write into; it counts as a whole, or not at all if something is raised.

    Raises:
        LvcnetError: if the database cannot be used.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _connected(path) as (connection, version):
        with suppress(sqlite3.OperationalError):  # somebody else does just that: one of the two is enough
            connection.execute("PRAGMA journal_mode = WAL")
        if version < VERSION:
            connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")


def has_drafts(connection: sqlite3.Connection) -> bool:
    """Whether the file has a table of drafts: one of version 0 that is only read has none."""
    return _version(connection) >= 1


def check_reviewer(name: str) -> str:
    """A reviewer's name without blanks around it.

    Raises:
        LvcnetError: if nothing is left, or it is too long.
    """
    stripped = " ".join(name.split())
    if not 0 < len(stripped) <= LONGEST_NAME:
        raise LvcnetError(
            f"reviewer {name[:LONGEST_NAME]!r} is not a name of 1 to {LONGEST_NAME} characters:"
            " decisions are signed, so say who decides"
        )
    return stripped


@contextmanager
def _connected(path: Path, write: bool = True) -> Iterator[tuple[sqlite3.Connection, int]]:
    """The open database and its version; what was not committed is rolled back at the end."""
    try:
        connection = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
        try:
            try:
                version = _version(connection)
            except sqlite3.OperationalError as error:
                if write or not unwritable(error):
                    raise
                connection.close()  # on a read-only disk nobody writes meanwhile: no lock is needed to look
                connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
                version = _version(connection)
            if version > VERSION:
                raise newer(path, version, VERSION)
            yield connection, version
        finally:
            connection.close()
    except sqlite3.Error as error:
        if type(error) is sqlite3.DatabaseError or "no such" in str(error):
            raise DamagedError(path, str(error), MEND) from error
        raise LvcnetError(f"the decisions in {path} cannot be used: {error}") from error


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
