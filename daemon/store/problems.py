"""Why a pair has no meeting, a late one or a wrong gap: kept for as long as it holds."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, select

from daemon.core.domain import Email, Pair
from daemon.store.rows import upsert
from daemon.store.schema import problems as table

Why = tuple[str, Mapping[str, Any]]
"""A code and its facts (JSON-safe); the words for it are found in templates."""


def replace(conn: Connection, problems: Mapping[Pair, Why], now: datetime) -> bool:
    """Make these all the problems there are, writing only differences; False: there were none.

    A problem whose code stays keeps the time it was first seen, also when its facts change.
    """
    known = {_pair(row): row for row in conn.execute(select(table))}
    gone = sorted(known.keys() - problems.keys())
    fresh = [
        {
            "employee": pair.employee,
            "manager": pair.manager,
            "code": code,
            "facts": dict(facts),
            "since": old.since if (old := known.get(pair)) and old.code == code else now,
        }
        for pair, (code, facts) in problems.items()
        if pair not in known or (known[pair].code, known[pair].facts) != (code, facts)
    ]
    for pair in gone:
        same = and_(table.c.employee == pair.employee, table.c.manager == pair.manager)
        conn.execute(delete(table).where(same))
    upsert(conn, table, fresh)
    return bool(gone or fresh)


def all(conn: Connection) -> dict[Pair, Why]:  # noqa: A001 - reads well as problems.all
    """Every problem that holds, by pair."""
    ordered = select(table).order_by(table.c.employee, table.c.manager)
    return {_pair(row): (row.code, row.facts) for row in conn.execute(ordered)}


def since(conn: Connection) -> dict[Pair, datetime]:
    """Since when each problem holds."""
    return {_pair(row): row.since for row in conn.execute(select(table))}


def _pair(row: Any) -> Pair:
    return Pair(Email(row.employee), Email(row.manager))
