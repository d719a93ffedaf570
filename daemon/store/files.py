"""SQLite files: made private, checked, copied while in use."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from daemon.store.trouble import BusyStore, UnreachableStore, damaged

PATIENCE = 30.0
"""Seconds to wait for a database that is in use."""


def make_private(file: Path) -> None:
    """Make sure that the file exists and only its owner may open it (SQLite gives its companions
    the same mode). Raises `UnreachableStore`."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        if file.stat().st_mode & 0o077:
            file.chmod(0o600)
    except OSError as error:
        raise UnreachableStore(
            f"{file} cannot be opened: {error.strerror}. Let the user careloop runs as own the "
            f"file and its folder"
        ) from error


def check(file: Path, *, thorough: bool = False) -> None:
    """Read the whole structure of the file; `thorough` compares the indexes too. Raises
    `DamagedStore`."""
    how = "integrity_check" if thorough else "quick_check"
    with _readable(file), closing(sqlite3.connect(file)) as conn:
        found = [str(row[0]) for row in conn.execute(f"PRAGMA {how}(3)")]
    if found != ["ok"]:
        raise damaged(str(file), "; ".join(found).replace("\n", " "))


def copy(source: Path, target: Path) -> None:
    """Copy a database that may be in use, as it stands at one moment, into a file of one piece.

    The target appears whole or not at all, synced, with mode 0600; one that was there is replaced.
    Raises `DamagedStore`; OSError where the target cannot be written.
    """
    new = target.with_name(target.name + ".new")
    new.unlink(missing_ok=True)
    make_private(new)
    try:
        with (
            _readable(source),
            closing(sqlite3.connect(source)) as old,
            closing(sqlite3.connect(new)) as made,
        ):
            old.backup(made)
            made.execute("PRAGMA journal_mode = DELETE").close()
        check(new)
        sync(new)
        new.replace(target)
        sync(target.parent)
    finally:
        new.unlink(missing_ok=True)


def scrub(file: Path) -> None:
    """Write the database anew, so that no byte of what was deleted is left in it or in its log.

    Raises `BusyStore` where somebody else keeps it to themselves for too long, or there is no room
    for the new one.
    """
    try:
        with closing(sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)) as conn:
            conn.execute("PRAGMA secure_delete = ON").close()
            conn.execute("VACUUM").close()
            busy, _, _ = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError as error:
        raise BusyStore(f"{file} could not be written anew: {error}") from error
    if busy:
        raise BusyStore(f"{file} could not be written anew: somebody is reading it")


def copies(file: Path) -> tuple[Path, ...]:
    """The older copies careloop itself left beside the file: before an upgrade, at a restore."""
    ends = ("before-*", "replaced-*")
    return tuple(sorted(one for end in ends for one in file.parent.glob(f"{file.name}.{end}")))


def sync(path: Path) -> None:
    """Make a file, or the names in a folder, survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def companions(file: Path) -> tuple[Path, ...]:
    """The files SQLite keeps beside the main one while it is in use."""
    return tuple(file.with_name(file.name + end) for end in ("-wal", "-shm"))


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise UnreachableStore(f"{file}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise damaged(str(file), str(error)) from error
