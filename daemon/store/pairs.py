"""Pairs: since when, paused until when, ended why; and the history of all of them."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, select, update

from daemon.core.domain import Accord, Because, Email, History, Meeting, Pair, Reason, Talk, Uid
from daemon.store import meetings
from daemon.store.rows import insert_new
from daemon.store.schema import pairs as table

ERASED = "@erased.invalid"
"""How the address ends that stands for somebody who was erased: there is no such mailbox
(RFC 2606)."""


def begin(conn: Connection, pair: Pair, since: date) -> bool:
    """Begin a pair. One that ended goes on in its old row, its numbers continue and it is `since`
    that day; one that is there already stays as it is (False)."""
    row = {"employee": pair.employee, "manager": pair.manager, "since": since}
    if insert_new(conn, table, [row]):
        return True
    fresh = {
        "since": since,
        "ended": None,
        "end_because": None,
        "end_facts": None,
        "paused_until": None,
        "restart_from": None,
    }
    return _change(conn, pair, fresh, table.c.ended.is_not(None))


def end(conn: Connection, pair: Pair, on: date, reason: Reason) -> bool:
    """End a pair; False: it is not there, or has ended before."""
    gone = {"ended": on, "end_because": reason.because, "end_facts": dict(reason.facts) or None}
    return _change(conn, pair, gone, table.c.ended.is_(None))


def pause(conn: Connection, pair: Pair, until: date | None) -> bool:
    """Book nothing on or before that day (`date.max`: until resumed); None: go on."""
    return _change(
        conn, pair, {"paused_until": until}, table.c.paused_until.is_distinct_from(until)
    )


def restart(conn: Connection, pair: Pair, on: date | None) -> bool:
    """Start the cycle again with a first meeting from that day; None: it has been started."""
    return _change(conn, pair, {"restart_from": on}, table.c.restart_from.is_distinct_from(on))


def ends(conn: Connection) -> dict[Pair, Reason]:
    """Why each ended pair ended."""
    gone = select(table).where(table.c.ended.is_not(None))
    return {
        Pair(row.employee, row.manager): Reason(Because(row.end_because), row.end_facts or {})
        for row in conn.execute(gone)
    }


def current(conn: Connection, employee: Email) -> Pair | None:
    """The pair somebody is the employee of today."""
    today = (table.c.employee == employee) & table.c.ended.is_(None)
    row = conn.execute(select(table.c.employee, table.c.manager).where(today)).first()
    return None if row is None else Pair(row.employee, row.manager)


def histories(
    conn: Connection,
    *,
    ended: bool = False,
    talks: Mapping[Uid, Talk] | None = None,
    accords: Mapping[Pair, Accord] | None = None,
) -> dict[Pair, History]:
    """What each pair has been through (`ended`: those that ended too), in two queries; pairs of
    somebody erased are figures only, and not among them.

    `talks` and `accords` are what the caller knows of the conversations.
    """
    named = ~table.c.employee.endswith(ERASED) & ~table.c.manager.endswith(ERASED)
    wanted = select(table).where(named).order_by(table.c.employee, table.c.manager)
    if not ended:
        wanted = wanted.where(table.c.ended.is_(None))
    met = meetings.by_pair(conn, ended=ended)
    told = (
        _history(row, met.get(Pair(row.employee, row.manager), ()), talks or {}, accords or {})
        for row in conn.execute(wanted)
    )
    return {history.pair: history for history in told}


def history(
    conn: Connection,
    pair: Pair,
    *,
    talks: Mapping[Uid, Talk] | None = None,
    accords: Mapping[Pair, Accord] | None = None,
) -> History | None:
    """What one pair has been through, ended or not; None: it never began."""
    row = conn.execute(select(table).where(_is(pair))).one_or_none()
    if row is None:
        return None
    return _history(row, meetings.of(conn, pair), talks or {}, accords or {})


def _history(
    row: Row[Any],
    met: tuple[Meeting, ...],
    talks: Mapping[Uid, Talk],
    accords: Mapping[Pair, Accord],
) -> History:
    pair = met[0].pair if met else Pair(row.employee, row.manager)
    return History(
        pair=pair,
        since=row.since,
        ended=row.ended,
        paused_until=row.paused_until,
        restart_from=row.restart_from,
        meetings=met,
        accord=accords.get(pair, Accord()),
        talks={meeting.uid: talks[meeting.uid] for meeting in met if meeting.uid in talks},
    )


def _is(pair: Pair) -> ColumnElement[bool]:
    return and_(table.c.employee == pair.employee, table.c.manager == pair.manager)


def _change(
    conn: Connection, pair: Pair, values: dict[str, Any], when: ColumnElement[bool]
) -> bool:
    return conn.execute(update(table).where(_is(pair), when).values(values)).rowcount > 0
