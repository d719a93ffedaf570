"""Helpers for rows: insert or replace, on both engines alike."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table

Row = Mapping[str, Any]


def upsert(conn: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert each row whole; one with the same primary key takes the new values.

    In the order of the keys, so that two writers on PostgreSQL cannot wait for each other.
    """
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    statement = _insert(conn, table)
    fresh = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    ordered = sorted(rows, key=lambda row: [row[key] for key in keys])
    conn.execute(statement.on_conflict_do_update(index_elements=keys, set_=fresh), ordered)


def insert_new(conn: Connection, table: Table, rows: Sequence[Row]) -> int:
    """Insert the rows whose primary key is not there yet; tell how many that were."""
    keys = [column.name for column in table.primary_key]
    statement = _insert(conn, table).on_conflict_do_nothing(index_elements=keys)
    ordered = sorted(rows, key=lambda row: [row[key] for key in keys])
    if not ordered:
        return 0
    return conn.execute(statement, ordered, execution_options={"preserve_rowcount": True}).rowcount


def _insert(conn: Connection, table: Table) -> Any:
    # each dialect has its own INSERT ... ON CONFLICT; only the one in use is imported
    if conn.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as sqlite_insert

        return sqlite_insert(table)
    from sqlalchemy.dialects.postgresql import insert as postgresql_insert

    return postgresql_insert(table)
