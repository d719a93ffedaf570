"""What was read of each calendar, kept in one SQLite file that may be deleted at any time.

Never trusted when damaged: every record carries a digest, and a file that SQLite refuses is
thrown away and begun anew.
"""

import hashlib
import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

_SCHEMA = "CREATE TABLE IF NOT EXISTS reading (name TEXT PRIMARY KEY, content TEXT) WITHOUT ROWID"


class Cache:
    """JSON by name."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, names: Iterable[str]) -> Iterator[tuple[str, Any]]:
        """Tell what is kept under these names; what is damaged is not kept."""
        with self._opened() as database:
            for name in names if database else ():
                assert database is not None
                try:
                    row = database.execute("SELECT content FROM reading WHERE name = ?", [name])
                    found = row.fetchone()
                except sqlite3.DatabaseError:
                    self._discard()
                    return
                if found and (kept := _unsealed(name, found[0])) is not None:
                    yield name, kept

    def save(self, records: dict[str, object]) -> None:
        """Keep each record; a cache that cannot be written only costs time."""
        if not records:
            return
        rows = [(name, _sealed(name, record)) for name, record in records.items()]
        with self._opened() as database:
            if database is None:
                return
            try:
                with database:
                    database.executemany("INSERT OR REPLACE INTO reading VALUES (?, ?)", rows)
            except sqlite3.OperationalError:
                return
            except sqlite3.DatabaseError:
                self._discard()

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection | None]:
        database = self._open() or self._open()
        if database is None:
            yield None
            return
        with closing(database):
            yield database

    def _open(self) -> sqlite3.Connection | None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(self._path, timeout=5)
        except (OSError, sqlite3.Error):
            return None
        try:
            database.execute("PRAGMA synchronous = OFF")
            database.execute(_SCHEMA)
        except sqlite3.OperationalError:
            database.close()
            return None
        except sqlite3.DatabaseError:
            database.close()
            self._discard()
            return None
        return database

    def _discard(self) -> None:
        for suffix in ("", "-journal"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)


def forget(folder: Path, words: Collection[str]) -> None:
    """Drop from every cache in a folder each record that mentions one of these words, and every
    byte of it; what a neighbour's record loses is read again."""
    for path in sorted(folder.glob("*.db")):
        try:
            with closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as database:
                database.execute("PRAGMA secure_delete = ON")
                mention = "DELETE FROM reading WHERE instr(lower(name || char(10) || content), ?)"
                database.executemany(mention, [(word.lower(),) for word in words])
                database.execute("VACUUM")
        except sqlite3.Error:
            path.unlink(missing_ok=True)  # it may be deleted at any time


def _sealed(name: str, record: object) -> str:
    text = json.dumps(record, separators=(",", ":"))
    return _digest(name, text) + text


def _unsealed(name: str, content: object) -> Any:
    if not isinstance(content, str):
        return None
    digest, text = content[:32], content[32:]
    return json.loads(text) if digest == _digest(name, text) else None


def _digest(name: str, text: str) -> str:
    return hashlib.blake2b(f"{name}\n{text}".encode(), digest_size=16).hexdigest()
