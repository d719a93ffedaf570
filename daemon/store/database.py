"""The database: opened, migrated, and given out in short transactions."""

import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, MetaData, insert, select

from daemon.store import files, migrate
from daemon.store.engine import engine_for, file_of, read_url, reader, url_of, writer
from daemon.store.trouble import StoreTrouble, translated


class Database:
    """One open store. Transactions are short; nothing else is waited for while one is open."""

    def __init__(self, engine: Engine, file: Path | None) -> None:
        self.file = file
        """The SQLite file; None on PostgreSQL."""
        self._engine = engine
        self._reader = reader(engine)
        self._writer = writer(engine)
        self._open = threading.local()

    @property
    def name(self) -> str:
        """What to call it in a message: never with a password."""
        return str(self.file) if self.file else self._engine.url.render_as_string()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """See the store as it is at one moment; a write inside is an error."""
        with translated(self.name), self._counted(), self._reader.begin() as conn:
            yield conn

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Change the store: all of the block is recorded, durably, or nothing of it."""
        if getattr(self._open, "writing", False):
            raise RuntimeError("a writing transaction is open already in this thread")
        self._open.writing = True
        try:
            with translated(self.name), self._counted(), self._writer.begin() as conn:
                yield conn
        finally:
            self._open.writing = False

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is inside a transaction."""
        return getattr(self._open, "depth", 0) > 0

    def assert_idle(self) -> None:
        """Refuse to go on inside a transaction: called before anything that uses the network."""
        if self.in_transaction:
            raise RuntimeError("a transaction is open: nothing may wait for the network inside")

    def copy(self) -> "Database":
        """A private throw-away copy in SQLite, gone when closed; the original is not touched."""
        if self.file:
            return _throw_away(self.file)
        target = _throw_away(None)
        with self.reading() as source, target.writing() as conn:
            _pour(source, conn)
        return target

    def scrub(self) -> None:
        """Leave no byte of what was deleted; PostgreSQL does so by itself when it vacuums. Raises
        `BusyStore`."""
        self.assert_idle()
        if self.file:
            files.scrub(self.file)

    def copies(self) -> tuple[Path, ...]:
        """The older copies that an upgrade or a restore left beside the store."""
        return files.copies(self.file) if self.file else ()

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._open.depth = getattr(self._open, "depth", 0) + 1
        try:
            yield
        finally:
            self._open.depth -= 1


class _Copy(Database):
    """A store in a folder of its own that goes with it."""

    def __init__(self, engine: Engine, file: Path, folder: str) -> None:
        super().__init__(engine, file)
        self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def close(self) -> None:
        super().close()
        self._remove()


def open_database(url: str, root: Path) -> Database:
    """Open the store and bring it to the newest schema; an empty one is founded.

    A SQLite file that needs a migration is copied first, to `<file>.before-<schema>` beside it.
    Raises `StoreTrouble` (`DamagedStore`, `NewerStore`, ...) with what to do next; a file that
    cannot be used is never made anew.
    """
    return _open(read_url(url, root))


def open_copy(url: str, root: Path) -> Database:
    """Open a throw-away copy of the store as it stands; the original is neither migrated nor,
    where there is none yet, made."""
    parsed = read_url(url, root)
    if parsed.get_backend_name() == "sqlite":
        file = file_of(parsed)
        return _throw_away(file if file and file.exists() else None)
    database = _open(parsed)
    try:
        return database.copy()
    finally:
        database.close()


def _open(url: URL) -> Database:
    file = file_of(url)
    if file:
        files.make_private(file)
        files.check(file)
    return _current(Database(engine_for(url), file))


def _throw_away(source: Path | None) -> Database:
    folder = tempfile.mkdtemp(prefix="careloop-")
    file = Path(folder, "copy.db")
    try:
        if source:
            files.copy(source, file)
        else:
            files.make_private(file)
        engine = engine_for(url_of(file), synchronous="OFF")
        return _current(_Copy(engine, file, folder))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _current(database: Database) -> Database:
    try:
        _migrate(database)
    except BaseException:
        database.close()
        raise
    return database


def _migrate(database: Database) -> None:
    with database.reading() as conn:
        found = migrate.version(conn, database.name)
    kept = (
        sorted(database.file.parent.glob(database.file.name + ".before-*")) if database.file else ()
    )
    migrate.refuse_newer(found, database.name, str(kept[-1]) if kept else "FILE")
    newest = migrate.known()[-1]
    if found == newest:
        return
    if found and database.file:
        files.copy(database.file, database.file.with_name(f"{database.file.name}.before-{newest}"))
    with database.writing() as conn:
        migrate.upgrade(conn)


def _pour(source: Connection, target: Connection) -> None:
    """Copy every row of every table; both have the newest schema."""
    tables = MetaData()
    tables.reflect(target)
    for table in tables.sorted_tables:
        rows = [row._asdict() for row in source.execute(select(table))]
        target.execute(table.delete())
        if rows:
            target.execute(insert(table), rows)


__all__ = ["Database", "StoreTrouble", "open_copy", "open_database"]
