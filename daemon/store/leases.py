"""Leases: one worker at a time does a thing, such as planning."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from daemon.store.rows import insert_new
from daemon.store.schema import leases as table
from daemon.store.workers import is_dead


def lease(conn: Connection, name: str, worker: str, now: datetime, for_: timedelta) -> bool:
    """Take the lease, or prolong it; False: another worker that lives holds it."""
    mine = {"name": name, "worker": worker, "until": now + for_}
    if insert_new(conn, table, [mine]):
        return True
    held = conn.execute(select(table).where(table.c.name == name).with_for_update()).one()
    if held.worker != worker and held.until > now and not is_dead(held.worker):
        return False
    conn.execute(update(table).where(table.c.name == name).values(mine))
    return True


def release_lease(conn: Connection, name: str, worker: str) -> None:
    """Give the lease back, where it is still ours."""
    conn.execute(delete(table).where(table.c.name == name, table.c.worker == worker))
