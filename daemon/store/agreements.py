"""What a pair has agreed, sealed: the living record and each revision of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from daemon.core.agreement import Record, Side
from daemon.core.domain import Pair, Uid
from daemon.store.rows import insert_new
from daemon.store.schema_conversation import (
    actions,
    of_pair,
    records,
    requests_to_record,
    resources,
    statements,
)
from daemon.store.vault import Box
from daemon.store.words import (
    action_from,
    action_to,
    record_from,
    record_to,
    resource_from,
    resource_to,
    statement_from,
    statement_to,
)


@dataclass(frozen=True, slots=True)
class Revision:
    """One saved record."""

    uid: Uid
    number: int
    side: Side
    at: datetime
    record: Record


def current(conn: Connection, box: Box | None, pair: Pair) -> Record:
    """The record as it stands today, with the latest ticks and progress."""
    if box is None:
        return Record()

    def opened(table: Table) -> list[Any]:
        rows = select(table.c.sealed).where(of_pair(table, pair)).order_by(table.c.position)
        return [box.open(sealed) for sealed in conn.scalars(rows)]

    return Record(
        statements=tuple(map(statement_from, opened(statements))),
        actions=tuple(map(action_from, opened(actions))),
        resources=tuple(map(resource_from, opened(resources))),
    )


def lacking(conn: Connection, pair: Pair) -> Mapping[Side, int]:
    """Tell how many statements that are not settled lack each side's tick; no word is opened."""
    s = statements.c
    ticked = {Side.EMPLOYEE: s.employee_at.is_not(None), Side.MANAGER: s.manager_at.is_not(None)}
    open_ = of_pair(statements, pair) & ~(s.employee_differs & s.manager_differs)
    missing = [func.count().filter(~ticked[side]) for side in Side]
    found = conn.execute(select(*missing).where(open_)).one()
    return dict(zip(Side, found, strict=True))


def keep(conn: Connection, box: Box, pair: Pair, record: Record) -> None:
    """Replace the living record, without a revision: a tick, some progress, a hand-over."""
    key = {"employee": pair.employee, "manager": pair.manager}
    for table in (statements, actions, resources):
        conn.execute(delete(table).where(of_pair(table, pair)))
    for place, statement in enumerate(record.statements):
        figures: dict[str, object] = {
            "topic": statement.topic,
            "employee_at": statement.ticks.get(Side.EMPLOYEE),
            "manager_at": statement.ticks.get(Side.MANAGER),
            "employee_differs": Side.EMPLOYEE in statement.differs,
            "manager_differs": Side.MANAGER in statement.differs,
        }
        _put(conn, statements, statement.id, key, place, figures, box.seal(statement_to(statement)))
    for place, action in enumerate(record.actions):
        figures = {"owner": action.owner, "due": action.due, "progress": action.progress}
        _put(conn, actions, action.id, key, place, figures, box.seal(action_to(action)))
    for place, resource in enumerate(record.resources):
        figures = {"kind": resource.kind, "by": resource.by}
        _put(conn, resources, resource.id, key, place, figures, box.seal(resource_to(resource)))


def _put(
    conn: Connection,
    table: Table,
    id_: str,
    key: Mapping[str, str],
    position: int,
    figures: Mapping[str, object],
    sealed: bytes,
) -> None:
    values = {"id": id_, **key, "position": position, **figures, "sealed": sealed}
    conn.execute(insert(table).values(**values))


def save(
    conn: Connection, box: Box, pair: Pair, uid: Uid, record: Record, side: Side, now: datetime
) -> int:
    """Save a record of a meeting: the living one, and a revision both can read. Returns its
    number (1 for the first)."""
    keep(conn, box, pair, record)
    number = last_revision(conn, uid) + 1
    conn.execute(
        insert(records).values(
            uid=uid,
            revision=number,
            employee=pair.employee,
            manager=pair.manager,
            side=side,
            at=now,
            sealed=box.seal(record_to(record)),
        )
    )
    return number


def last_revision(conn: Connection, uid: Uid) -> int:
    """How often the record of a meeting was saved."""
    return conn.scalar(select(func.max(records.c.revision)).where(records.c.uid == uid)) or 0


def revisions(conn: Connection, box: Box | None, pair: Pair) -> tuple[Revision, ...]:
    """Every saved record of a pair that was not erased, oldest first."""
    if box is None:
        return ()
    saved = of_pair(records, pair) & (records.c.sealed != b"")
    rows = conn.execute(select(records).where(saved).order_by(records.c.at))
    return tuple(
        Revision(
            uid=Uid(row.uid),
            number=row.revision,
            side=Side(row.side),
            at=row.at,
            record=record_from(box.open(row.sealed)),
        )
        for row in rows
    )


def rewrite(conn: Connection, box: Box, pair: Pair, change: Callable[[Record], Record]) -> None:
    """Change the words of the living record and of every revision, where they do change."""
    living = current(conn, box, pair)
    if (changed := change(living)) != living:
        keep(conn, box, pair, changed)
    for revision in revisions(conn, box, pair):
        if (changed := change(revision.record)) != revision.record:
            same = (records.c.uid == revision.uid) & (records.c.revision == revision.number)
            sealed = box.seal(record_to(changed))
            conn.execute(update(records).where(same).values(sealed=sealed))


def erase(conn: Connection, pair: Pair) -> None:
    """Forget every word of a pair's records. How often and when one was saved stays, so that no
    letter takes the talk for one nobody recorded."""
    for table in (statements, actions, resources):
        conn.execute(delete(table).where(of_pair(table, pair)))
    written = of_pair(records, pair) & (records.c.sealed != b"")
    conn.execute(update(records).where(written).values(sealed=b""))


def saved_by(conn: Connection, uid: Uid, side: Side) -> bool:
    """Tell whether this side saved a record of the meeting."""
    mine = (records.c.uid == uid) & (records.c.side == side)
    return conn.scalar(select(records.c.uid).where(mine).limit(1)) is not None


def ask_to_record(conn: Connection, uid: Uid, now: datetime) -> bool:
    """Note that the manager asked the employee to record; tells whether it is new."""
    return bool(insert_new(conn, requests_to_record, [{"uid": uid, "at": now}]))


def asked_to_record(conn: Connection, uid: Uid) -> datetime | None:
    """When the manager asked, if they did."""
    return conn.scalar(select(requests_to_record.c.at).where(requests_to_record.c.uid == uid))
