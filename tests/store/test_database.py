"""Promises of the opened store: private, migrated, refused when it is not ours, one at a time."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from daemon.store import migrate, outbox, pairs, people, schema_conversation, settings
from daemon.store.database import Database, open_copy, open_database
from daemon.store.schema import metadata
from daemon.store.trouble import (
    BusyStore,
    DamagedStore,
    FullStore,
    NewerStore,
    StoreTrouble,
    UnreachableStore,
)
from tests.factories import MONDAY, NOW, a_pair, a_person
from tests.store.conftest import a_put

URL = "sqlite:///state.db"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(URL, tmp_path)
    yield opened
    opened.close()


def founded(root: Path) -> Path:
    """A closed store with one setting in it."""
    database = open_database(URL, root)
    with database.writing() as conn:
        settings.put(conn, "kept", "yes")
    database.close()
    return root / "state.db"


def set_version(file: Path, version: str) -> None:
    with closing(sqlite3.connect(file)) as conn:
        conn.execute("UPDATE alembic_version SET version_num = ?", (version,))
        conn.commit()


def kept(database: Database) -> object:
    with database.reading() as conn:
        return settings.get(conn, "kept")


# --- opening ----------------------------------------------------------------------------------


def test_a_store_is_founded_beside_the_configuration_and_private(tmp_path: Path) -> None:
    database = open_database("sqlite:///deep/state.db", tmp_path)
    with database.writing() as conn:
        settings.put(conn, "kept", "yes")

    modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "deep").iterdir()}
    database.close()

    assert modes == {"state.db": 0o600, "state.db-wal": 0o600, "state.db-shm": 0o600}
    assert (tmp_path / "deep").stat().st_mode & 0o777 == 0o700


def test_a_file_others_may_read_is_made_private(tmp_path: Path) -> None:
    file = founded(tmp_path)
    file.chmod(0o644)

    open_database(URL, tmp_path).close()

    assert file.stat().st_mode & 0o777 == 0o600


def test_sqlite_is_set_to_survive_a_power_cut(database: Database) -> None:
    with database.writing() as conn:
        said = {
            name: conn.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }

    full = 2
    assert said == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
    }


def test_the_migrations_make_the_tables_the_code_speaks_of(opened: Database) -> None:
    assert schema_conversation.metadata is metadata
    with opened.reading() as conn:
        made = inspect(conn)
        columns = {
            table: {(c["name"], c["nullable"]) for c in made.get_columns(table)}
            for table in made.get_table_names()
        }
        indexes = {i["name"] for table in columns for i in made.get_indexes(table)}

    for name, table in metadata.tables.items():
        assert columns[name] == {(c.name, bool(c.nullable)) for c in table.columns}
        assert {i.name for i in table.indexes} <= indexes


def test_a_current_store_opens_without_the_migration_library(tmp_path: Path) -> None:
    founded(tmp_path)
    script = (
        "import sys, pathlib; from daemon.store.database import open_database;"
        f"open_database({URL!r}, pathlib.Path({str(tmp_path)!r})).close();"
        "sys.exit('alembic' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y", "state.db", ""])
def test_another_kind_of_url_is_refused_with_the_right_one(url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreTrouble, match=r'write "sqlite:///state\.db"'):
        open_database(url, tmp_path)


def test_a_password_is_never_told(tmp_path: Path) -> None:
    with pytest.raises(UnreachableStore) as told:
        open_database("postgresql://eva:geheim@127.0.0.1:1/none?connect_timeout=1", tmp_path)

    assert "127.0.0.1" in str(told.value)
    assert "geheim" not in str(told.value)


def test_a_folder_in_the_way_is_told_with_its_cure(tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()

    with pytest.raises(UnreachableStore, match="own the file"):
        open_database(URL, tmp_path)


# --- refusing ---------------------------------------------------------------------------------


def test_a_newer_schema_is_refused_and_names_the_copy_made_before(tmp_path: Path) -> None:
    file = founded(tmp_path)
    set_version(file, "9999")
    before = file.with_name("state.db.before-9999")
    shutil.copy(file, before)
    bytes_before = file.read_bytes()

    with pytest.raises(NewerStore, match=f"careloop restore {before}") as told:
        open_database(URL, tmp_path)

    assert "schema 9999" in str(told.value)
    assert file.read_bytes() == bytes_before


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    file.write_bytes(b"not a database" * 1000)

    with pytest.raises(DamagedStore, match="careloop restore FILE"):
        open_database(URL, tmp_path)

    assert file.read_bytes() == b"not a database" * 1000


def test_flipped_bytes_are_refused_wherever_the_structure_is_hurt(tmp_path: Path) -> None:
    file = founded(tmp_path)
    whole = file.read_bytes()
    pages = range(0, len(whole), 4096)

    for page in pages:
        file.write_bytes(whole[:page] + b"\xff" * 64 + whole[page + 64 :])
        with pytest.raises(DamagedStore, match="careloop restore FILE"):
            open_database(URL, tmp_path)

    assert len(pages) > 20


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    file = founded(tmp_path)
    os.truncate(file, 4096 * 5)

    with pytest.raises(DamagedStore, match="careloop restore FILE"):
        open_database(URL, tmp_path)


def test_damage_met_later_is_told_the_same_way(database: Database) -> None:
    assert database.file is not None
    with database.writing() as conn:
        people.remember(conn, [a_person(f"e{n}@acme.example") for n in range(2000)], NOW)
    database.close()
    with database.file.open("r+b") as handle:
        handle.seek(4096)
        handle.write(b"\xff" * (database.file.stat().st_size - 4096))

    with pytest.raises(DamagedStore, match="careloop restore FILE"), database.reading() as conn:
        people.roster(conn)


def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "state.db")) as conn:
        conn.execute("CREATE TABLE theirs (x)")
        conn.commit()

    with pytest.raises(StoreTrouble, match="another program"):
        open_database(URL, tmp_path)


# --- migrating --------------------------------------------------------------------------------


def test_a_migration_keeps_a_copy_of_what_was(tmp_path: Path) -> None:
    file = founded(tmp_path)
    at_first(file)

    database = open_database(URL, tmp_path)
    found = kept(database)
    database.close()

    copy = file.with_name(f"state.db.before-{migrate.known()[-1]}")
    with closing(sqlite3.connect(copy)) as conn:
        version = conn.execute("SELECT version_num FROM alembic_version").fetchone()
    assert found == "yes"
    assert version == ("0001",)
    assert copy.stat().st_mode & 0o777 == 0o600


def test_a_migration_that_fails_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = founded(tmp_path)
    shutil.copytree(migrate.SCRIPTS, tmp_path / "scripts")
    broken = (
        "from alembic import op\nrevision = '9000'\n"
        f"down_revision = '{migrate.known()[-1]}'\n"
        "def upgrade():\n    op.drop_table('settings')\n    op.execute('nonsense')\n"
    )
    (tmp_path / "scripts/versions/9000_broken.py").write_text(broken)
    monkeypatch.setattr(migrate, "SCRIPTS", tmp_path / "scripts")

    with pytest.raises(DBAPIError, match="nonsense"):
        open_database(URL, tmp_path)

    monkeypatch.undo()
    database = open_database(URL, tmp_path)
    assert kept(database) == "yes"
    database.close()
    assert file.with_name("state.db.before-9000").exists()


def test_daemons_that_start_together_found_one_store(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = postgres_database(request, "together")
    opened: list[Database] = []
    starters = [
        threading.Thread(target=lambda: opened.append(open_database(url, tmp_path)))
        for _ in range(4)
    ]

    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()

    assert len(opened) == 4
    for database in opened:
        database.close()


def postgres_database(request: pytest.FixtureRequest, name: str) -> str:
    """A fresh, empty database on the session's server."""
    base = str(request.getfixturevalue("postgres_url"))
    engine = create_engine(
        base.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as conn:
        conn.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        conn.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return base.replace("/postgres?", f"/{name}?")


def at_first(file: Path) -> None:
    """Take a store back to the first schema."""
    with closing(sqlite3.connect(file)) as conn:
        named = conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        ours = {"people", "pairs", "meetings", "outbox", "leases", "settings", "problems"}
        for (name,) in named:
            if name not in ours | {"alembic_version", "sqlite_sequence"}:
                conn.execute(f"DROP TABLE {name}")
        conn.execute("UPDATE alembic_version SET version_num = '0001'")
        conn.commit()


# --- transactions -----------------------------------------------------------------------------


def test_a_failed_block_records_nothing(opened: Database) -> None:
    with pytest.raises(ZeroDivisionError), opened.writing() as conn:
        settings.put(conn, "kept", "yes") and 1 / 0

    assert kept(opened) is None


def test_a_reader_cannot_write(opened: Database) -> None:
    with pytest.raises((DBAPIError, StoreTrouble)), opened.reading() as conn:
        settings.put(conn, "kept", "yes")

    with opened.writing() as conn:
        settings.put(conn, "kept", "afterwards")
    assert kept(opened) == "afterwards"


def test_a_reader_sees_one_moment(opened: Database, second: Database) -> None:
    with opened.reading() as conn:
        before = settings.get(conn, "kept")
        with second.writing() as other:
            settings.put(other, "kept", "yes")
        after = settings.get(conn, "kept")

    assert (before, after) == (None, None)
    assert kept(opened) == "yes"


def test_writers_wait_for_one_another(database: Database) -> None:
    def add() -> None:
        for _ in range(25):
            with database.writing() as conn:
                settings.put(conn, "count", (settings.get(conn, "count") or 0) + 1)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.reading() as conn:
        assert settings.get(conn, "count") == 100


def test_whoever_waits_too_long_is_told_who_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    founded(tmp_path)
    monkeypatch.setattr("daemon.store.engine.BUSY_MILLISECONDS", 1)
    one, two = open_database(URL, tmp_path), open_database(URL, tmp_path)

    with one.writing(), pytest.raises(BusyStore, match="held by another process"), two.writing():
        pytest.fail("two writers at once")

    one.close()
    two.close()


def test_the_network_is_refused_inside_a_transaction(database: Database) -> None:
    database.assert_idle()
    with database.reading(), pytest.raises(RuntimeError, match="network"):
        database.assert_idle()
    with database.writing(), pytest.raises(RuntimeError, match="network"):
        database.assert_idle()
    database.assert_idle()


def test_another_thread_is_idle_while_this_one_writes(database: Database) -> None:
    seen: list[bool] = []
    with database.writing():
        thread = threading.Thread(target=lambda: seen.append(database.in_transaction))
        thread.start()
        thread.join()
        inside = database.in_transaction

    assert (inside, seen) == (True, [False])


def test_a_writing_transaction_within_another_is_a_bug_told_at_once(database: Database) -> None:
    with (
        database.writing(),
        pytest.raises(RuntimeError, match="open already"),
        database.writing(),
    ):
        pytest.fail("nested")

    with database.writing() as conn:
        settings.put(conn, "kept", "yes")
    assert kept(database) == "yes"


# --- a full disk ------------------------------------------------------------------------------


def test_a_full_disk_loses_nothing_and_says_so(database: Database) -> None:
    with database.writing() as conn:
        outbox.owe(conn, [a_put()], NOW)
        pages = conn.exec_driver_sql("PRAGMA page_count").scalar()
        conn.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")

    with pytest.raises(FullStore, match="Free some space"), database.writing() as conn:
        outbox.owe(conn, [a_put(number) for number in range(1, 2000)], NOW)

    with database.reading() as conn:
        assert outbox.pending(conn) == [a_put()]
        assert conn.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    with database.writing() as conn:
        conn.exec_driver_sql("PRAGMA max_page_count = 1000000")
        assert outbox.owe(conn, [a_put(1)], NOW) == 1


# --- copies -----------------------------------------------------------------------------------


def test_a_copy_is_private_complete_and_gone_when_closed(opened: Database) -> None:
    with opened.writing() as conn:
        people.remember(conn, [a_person()], NOW)
        pairs.begin(conn, a_pair(), MONDAY)
        outbox.owe(conn, [a_put()], NOW)
        settings.put(conn, "kept", ["yes"])

    copy = opened.copy()
    with copy.writing() as conn:
        same = (people.roster(conn), pairs.histories(conn), outbox.pending(conn))
        settings.put(conn, "kept", "changed in the copy")

    assert same[0] == {a_person().email: a_person()}
    assert list(same[1]) == [a_pair()]
    assert same[2] == [a_put()]
    assert kept(opened) == ["yes"]
    assert copy.file is not None
    assert copy.file.parent.stat().st_mode & 0o777 == 0o700
    copy.close()
    assert not copy.file.parent.exists()


def test_a_copy_of_a_store_that_is_not_there_makes_none(tmp_path: Path) -> None:
    copy = open_copy(URL, tmp_path)

    empty = kept(copy)
    copy.close()

    assert empty is None
    assert list(tmp_path.iterdir()) == []


def test_a_copy_of_an_older_store_is_migrated_and_the_original_is_not(tmp_path: Path) -> None:
    file = founded(tmp_path)
    at_first(file)
    before = file.read_bytes()

    copy = open_copy(URL, tmp_path)
    found = kept(copy)
    copy.close()

    assert found == "yes"
    assert file.read_bytes() == before
    assert [left.name for left in tmp_path.iterdir()] == ["state.db"]
