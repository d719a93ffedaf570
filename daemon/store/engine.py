"""An engine for a URL: what SQLite and PostgreSQL need so that the same statements hold on both."""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from daemon.store.trouble import StoreTrouble

WRITING = "careloop_writing"
"""The execution option that makes a transaction a writing one."""

BUSY_MILLISECONDS = 30_000


def read_url(url: str, root: Path) -> URL:
    """Understand `sqlite:///file` (relative to `root`) or `postgresql://...`; refuse the rest."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreTrouble(f"[state] url is not a database URL: {_HOW}") from None
    match parsed.get_backend_name():
        case "sqlite" if parsed.database and parsed.database != ":memory:":
            return url_of(root / parsed.database)
        case "postgresql" | "postgres":
            return parsed.set(drivername="postgresql+psycopg")
    raise StoreTrouble(f"[state] url = {parsed.render_as_string()!r} is not supported: {_HOW}")


def url_of(file: Path) -> URL:
    """The URL of a SQLite file."""
    return URL.create("sqlite", database=str(file))


def file_of(url: URL) -> Path | None:
    """The SQLite file of a URL; None: it is PostgreSQL."""
    sqlite = url.get_backend_name() == "sqlite"
    return Path(url.database) if sqlite and url.database else None


_HOW = 'write "sqlite:///state.db", or "postgresql://user@host/name" for several daemons'


def engine_for(url: URL, *, synchronous: str = "FULL") -> Engine:
    """Make the engine; nothing is connected yet."""
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, synchronous)
    return _postgresql(url)


def _sqlite(url: URL, synchronous: str) -> Engine:
    engine = create_engine(url, pool_reset_on_return="rollback")

    @event.listens_for(engine, "connect")
    def _prepare(driver: Any, _record: object) -> None:
        driver.isolation_level = None  # the driver starts no transaction of its own: _begin does
        for pragma in (
            f"busy_timeout = {BUSY_MILLISECONDS}",
            "journal_mode = WAL",
            f"synchronous = {synchronous}",
            "foreign_keys = ON",
            "secure_delete = ON",
        ):
            driver.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        writing = conn.get_execution_options().get(WRITING, False)
        conn.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writing else 'ON'}")
        conn.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _postgresql(url: URL) -> Engine:
    try:
        engine = create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    except ModuleNotFoundError as error:
        raise StoreTrouble(
            "PostgreSQL needs the driver psycopg: pip install 'careloop[postgres]'"
        ) from error

    @event.listens_for(engine, "connect")
    def _prepare(driver: Any, _record: object) -> None:
        driver.execute("SET TIME ZONE 'UTC'")
        driver.execute(f"SET lock_timeout = {BUSY_MILLISECONDS}")
        driver.commit()

    return engine


def reader(engine: Engine) -> Engine:
    """The same engine for transactions that see one moment and change nothing."""
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def writer(engine: Engine) -> Engine:
    """The same engine for transactions that write."""
    return engine.execution_options(**{WRITING: True})
