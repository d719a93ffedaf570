"""Small facts that outlive a turn: a name and anything JSON can say."""

from typing import Any

from sqlalchemy import Connection, delete, select

from daemon.store.rows import upsert
from daemon.store.schema import settings as table


def get(conn: Connection, name: str) -> Any:
    """What was put under that name; None: nothing."""
    return conn.execute(select(table.c.value).where(table.c.name == name)).scalar()


def put(conn: Connection, name: str, value: Any) -> bool:
    """Keep a value under that name; None forgets it. False: it was so already."""
    if get(conn, name) == value:
        return False
    if value is None:
        conn.execute(delete(table).where(table.c.name == name))
    else:
        upsert(conn, table, [{"name": name, "value": value}])
    return True
