"""Promises of backup and restore."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from daemon.core.ports import Done
from daemon.store import outbox, settings
from daemon.store.backup import RESTORED_AT, backup, restore
from daemon.store.database import Database, open_database
from daemon.store.outbox import State, worker_identity
from daemon.store.trouble import BusyStore, DamagedStore, NewerStore, StoreTrouble
from tests.factories import NOW
from tests.store.conftest import LEASE, a_put
from tests.store.test_database import URL, at_first, founded, kept, set_version


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(URL, tmp_path)
    with opened.writing() as conn:
        settings.put(conn, "kept", "yes")
        outbox.owe(conn, [a_put(0), a_put(1), a_put(2)], NOW)
        done, _ = outbox.claim(conn, outbox.Action.PUT, worker_identity(), NOW, LEASE, 2)
        outbox.settle(conn, done, Done(), NOW)
    yield opened
    opened.close()


def states(database: Database) -> list[State]:
    with database.reading() as conn:
        return [x.state for x in outbox.entries(conn, list(State))]


def test_a_backup_is_one_private_file_made_while_the_store_is_in_use(
    database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "copies" / "monday.db"

    with database.writing() as conn:
        settings.put(conn, "kept", "not yet recorded")
        backup(database, file)

    assert [x.name for x in file.parent.iterdir()] == ["monday.db"]
    assert file.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(file)) as conn:
        found = conn.execute("SELECT value FROM settings WHERE name = 'kept'").fetchone()
    assert found == ('"yes"',)


def test_every_backup_made_under_writes_is_whole(database: Database, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        number = 100
        while not stop.is_set():
            number += 1
            with database.writing() as conn:
                outbox.owe(conn, [a_put(number)], NOW)
                settings.put(conn, "last", number)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for copy in range(8):
            backup(database, tmp_path / f"{copy}.db")
    finally:
        stop.set()
        writer.join()

    for copy in range(8):
        with closing(sqlite3.connect(tmp_path / f"{copy}.db")) as conn:
            last = conn.execute("SELECT value FROM settings WHERE name = 'last'").fetchone()
            newest = conn.execute("SELECT count(*) FROM outbox").fetchone()[0] + 97
        assert last is None or int(last[0]) == newest


def test_a_backup_into_the_store_itself_is_refused(database: Database) -> None:
    assert database.file is not None

    with pytest.raises(StoreTrouble, match="the store itself"):
        backup(database, database.file)

    assert kept(database) == "yes"


def test_a_restore_brings_back_what_was_and_keeps_what_it_replaced(
    database: Database, tmp_path: Path
) -> None:
    backup(database, tmp_path / "copy.db")
    with database.writing() as conn:
        settings.put(conn, "kept", "later")
    database.close()

    replaced = restore(tmp_path / "copy.db", URL, tmp_path, NOW)

    restored = open_database(URL, tmp_path)
    assert kept(restored) == "yes"
    restored.close()
    assert replaced == tmp_path / "state.db.replaced-20260302T070000Z"
    old = open_database(f"sqlite:///{replaced.name}", tmp_path)
    assert kept(old) == "later"
    old.close()


def test_after_a_restore_everything_open_is_looked_up_first(
    database: Database, tmp_path: Path
) -> None:
    backup(database, tmp_path / "copy.db")
    database.close()

    restore(tmp_path / "copy.db", URL, tmp_path, NOW)

    restored = open_database(URL, tmp_path)
    with restored.writing() as conn:
        since = settings.get(conn, RESTORED_AT)
        claims = outbox.claim(conn, outbox.Action.PUT, worker_identity(), NOW, LEASE, 10)
    found = states(restored)
    restored.close()
    assert since == NOW.isoformat()
    assert [claim.doubtful for claim in claims] == [True, True]
    assert sorted(found) == [State.CLAIMED, State.CLAIMED, State.DONE]


def test_a_restore_beside_a_running_service_is_refused(database: Database, tmp_path: Path) -> None:
    backup(database, tmp_path / "copy.db")

    with pytest.raises(BusyStore, match="stop careloop first"):
        restore(tmp_path / "copy.db", URL, tmp_path, NOW)

    assert kept(database) == "yes"
    assert {x.name for x in tmp_path.iterdir()} == {
        "copy.db",
        "state.db",
        "state.db-wal",
        "state.db-shm",
    }


def test_a_damaged_store_is_replaced_and_kept(tmp_path: Path) -> None:
    file = founded(tmp_path)
    good = tmp_path / "copy.db"
    good.write_bytes(file.read_bytes())
    file.write_bytes(b"damaged" * 5000)
    (tmp_path / "state.db-wal").write_bytes(b"stale")

    replaced = restore(good, URL, tmp_path, NOW)

    restored = open_database(URL, tmp_path)
    assert kept(restored) == "yes"
    restored.close()
    assert replaced is not None
    assert replaced.read_bytes() == b"damaged" * 5000
    assert (tmp_path / f"{replaced.name}-wal").read_bytes() == b"stale"


def test_a_restore_where_nothing_was_needs_no_old_file(tmp_path: Path) -> None:
    file = founded(tmp_path)
    copy = file.rename(tmp_path / "copy.db")

    replaced = restore(copy, URL, tmp_path, NOW)

    restored = open_database(URL, tmp_path)
    assert (replaced, kept(restored)) == (None, "yes")
    restored.close()


def test_an_older_copy_is_brought_up_to_date_and_stays_as_it_is(tmp_path: Path) -> None:
    copy = founded(tmp_path).rename(tmp_path / "copy.db")
    at_first(copy)
    before = copy.read_bytes()

    restore(copy, URL, tmp_path, NOW)

    assert copy.read_bytes() == before
    restored = open_database(URL, tmp_path)
    assert kept(restored) == "yes"
    restored.close()
    assert {x.name for x in tmp_path.iterdir()} == {"copy.db", "state.db"}


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda file: file.unlink(), StoreTrouble),
        (lambda file: file.write_bytes(b"text" * 999), DamagedStore),
        (lambda file: file.write_bytes(b""), StoreTrouble),
        (lambda file: file.write_bytes(file.read_bytes()[:9000]), DamagedStore),
        (lambda file: set_version(file, "9999"), NewerStore),
    ],
)
def test_a_copy_that_is_no_good_changes_nothing(
    database: Database, tmp_path: Path, spoil: object, kind: type[StoreTrouble]
) -> None:
    copy = tmp_path / "copy.db"
    backup(database, copy)
    database.close()
    spoil(copy)  # type: ignore[operator]
    before = (tmp_path / "state.db").read_bytes()

    with pytest.raises(kind):
        restore(copy, URL, tmp_path, NOW)

    assert (tmp_path / "state.db").read_bytes() == before
    assert {x.name for x in tmp_path.iterdir()} <= {"copy.db", "state.db"}


def test_postgresql_names_its_own_tools(postgres_url: str, tmp_path: Path) -> None:
    database = open_database(postgres_url, tmp_path)

    with pytest.raises(StoreTrouble, match="pg_dump"):
        backup(database, tmp_path / "copy.db")
    with pytest.raises(StoreTrouble, match="pg_restore"):
        restore(tmp_path / "copy.db", postgres_url, tmp_path, NOW)

    database.close()
