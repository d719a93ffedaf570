"""Copies of the store that outlive it, and the way back. Secrets are not in them: keep the file
of `[web] secret` beside each copy, or what was said in the talks stays sealed."""

import shutil
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from daemon.store import files, migrate, outbox, settings
from daemon.store.database import Database
from daemon.store.engine import engine_for, file_of, read_url, url_of
from daemon.store.trouble import BusyStore, StoreTrouble

RESTORED_AT = "restored_at"
"""The setting that tells the loop to look before it acts: what was done since is not known."""


def backup(database: Database, file: Path) -> None:
    """Copy the store as it stands into one file, while it is in use; an older copy is replaced.

    Raises `StoreTrouble`.
    """
    if database.file is None:
        raise StoreTrouble(
            f"{database.name} is PostgreSQL: copy it with pg_dump --format=custom --file={file}"
        )
    if file.exists() and file.samefile(database.file):
        raise StoreTrouble(f"{file} is the store itself: choose another file")
    try:
        files.copy(database.file, file)
    except OSError as error:
        raise StoreTrouble(f"{file} cannot be written: {error.strerror}") from error


def restore(file: Path, url: str, root: Path, now: datetime) -> Path | None:
    """Put a copy in the place of the store and tell where the replaced one is kept (None: there
    was none).

    The copy is read in full first, and brought to the newest schema. Whatever it still owed is
    doubtful from now on: it may have been done since. Raises `StoreTrouble`; then nothing changed.
    """
    target = file_of(read_url(url, root))
    if target is None:
        raise StoreTrouble(f"the store is PostgreSQL: bring it back with pg_restore {file}")
    if not file.is_file():
        raise StoreTrouble(f"{file} is not there: name a file made by careloop backup")
    files.check(file, thorough=True)
    new = target.with_name(target.name + ".restoring")
    try:
        files.copy(file, new)
        _make_cautious(new, str(file), now)
        return _take_place(new, target, now)
    finally:
        new.unlink(missing_ok=True)


def _hold_alone(target: Path) -> None:
    """Fold the write-ahead log into the file; refuse while somebody has it open."""
    if not target.exists():
        return
    try:
        with closing(sqlite3.connect(target, timeout=0)) as conn:
            conn.execute("PRAGMA journal_mode = DELETE").close()
    except sqlite3.OperationalError as error:
        raise BusyStore(f"{target} is in use ({error}): stop careloop first") from error
    except sqlite3.DatabaseError:
        pass  # damaged: that is why it is replaced


def _make_cautious(new: Path, name: str, now: datetime) -> None:
    database = Database(engine_for(url_of(new)), new)
    try:
        with database.writing() as conn:
            found = migrate.version(conn, name)
            if found is None:
                raise StoreTrouble(f"{name} holds no store: name a file made by careloop backup")
            migrate.refuse_newer(found, name)
            migrate.upgrade(conn)
            settings.put(conn, RESTORED_AT, now.isoformat())
            outbox.doubt_everything(conn, now)
    finally:
        database.close()
    _hold_alone(new)
    files.sync(new)


def _take_place(new: Path, target: Path, now: datetime) -> Path | None:
    kept = _keep(target, target.with_name(f"{target.name}.replaced-{now:%Y%m%dT%H%M%SZ}"))
    try:
        _hold_alone(target)
    except BusyStore:
        for copy in kept:
            copy.unlink()
        raise
    for companion in files.companions(target):  # they must not meet the new file
        companion.unlink(missing_ok=True)
    new.replace(target)
    files.sync(target.parent)
    return kept[0] if kept else None


def _keep(target: Path, aside: Path) -> list[Path]:
    """Copy the store and, where it was not closed well, its log: damaged ones may be mended."""
    log, _ = files.companions(target)
    pairs = ((target, aside), (log, files.companions(aside)[0]))
    return [Path(shutil.copy2(old, copy)) for old, copy in pairs if old.exists()]
