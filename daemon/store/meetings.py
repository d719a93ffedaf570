"""Meetings: written whole, read whole."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, select

from daemon.core.domain import (
    Because,
    Email,
    Evidence,
    Interval,
    Kind,
    Meeting,
    Pair,
    Reason,
    Reply,
    State,
    Uid,
)
from daemon.store.rows import upsert
from daemon.store.schema import meetings as table
from daemon.store.schema import pairs

_BATCH = 500


def save(conn: Connection, meetings: Collection[Meeting]) -> int:
    """Write the meetings that are new or changed, by uid; tell how many that were.

    Their pairs have begun (else an IntegrityError).
    """
    wanted = {meeting.uid: meeting for meeting in meetings}
    known = _by_uids(conn, list(wanted))
    changed = [meeting for uid, meeting in wanted.items() if known.get(uid) != meeting]
    upsert(conn, table, [_columns(meeting) for meeting in changed])
    return len(changed)


def by_uid(conn: Connection, uid: Uid) -> Meeting | None:
    """The meeting of that uid, where there is one."""
    return _by_uids(conn, [uid]).get(uid)


def of(conn: Connection, pair: Pair) -> tuple[Meeting, ...]:
    """All meetings of a pair, oldest first, in every state and generation."""
    theirs = and_(table.c.employee == pair.employee, table.c.manager == pair.manager)
    return _read(conn, select(table).where(theirs))


def since(conn: Connection, moment: datetime) -> tuple[Meeting, ...]:
    """All meetings that end after that moment, in every state, pair by pair."""
    return _read(conn, select(table).where(table.c.ends_at > moment))


def by_pair(conn: Connection, *, ended: bool = False) -> dict[Pair, tuple[Meeting, ...]]:
    """The meetings of every pair that has some, oldest first; `ended`: of ended pairs too."""
    wanted = select(table)
    if not ended:
        same = and_(pairs.c.employee == table.c.employee, pairs.c.manager == table.c.manager)
        wanted = wanted.join(pairs, same).where(pairs.c.ended.is_(None))
    found: dict[Pair, list[Meeting]] = defaultdict(list)
    for meeting in _read(conn, wanted):
        found[meeting.pair].append(meeting)
    return {pair: tuple(theirs) for pair, theirs in found.items()}


def _by_uids(conn: Connection, uids: Sequence[Uid]) -> dict[Uid, Meeting]:
    found: dict[Uid, Meeting] = {}
    for first in range(0, len(uids), _BATCH):
        batch = select(table).where(table.c.uid.in_(uids[first : first + _BATCH]))
        found |= {meeting.uid: meeting for meeting in _read(conn, batch)}
    return found


def _read(conn: Connection, wanted: Select[Any]) -> tuple[Meeting, ...]:
    c = table.c
    ordered = wanted.order_by(c.employee, c.manager, c.number, c.generation)
    return tuple(_meeting(row) for row in conn.execute(ordered))


def _columns(meeting: Meeting) -> dict[str, Any]:
    return {
        "uid": meeting.uid,
        "employee": meeting.pair.employee,
        "manager": meeting.pair.manager,
        "number": meeting.number,
        "generation": meeting.generation,
        "kind": meeting.kind,
        "starts_at": meeting.start,
        "ends_at": meeting.end,
        "zone": meeting.zone,
        "state": meeting.state,
        "sequence": meeting.sequence,
        "moves": meeting.moves,
        "refused": [[no.start.isoformat(), no.end.isoformat()] for no in meeting.refused] or None,
        "late": meeting.late,
        "because": meeting.reason.because,
        "facts": dict(meeting.reason.facts) or None,
        "booked_at": meeting.booked_at,
        "moved_from": meeting.moved_from,
        "moved_at": meeting.moved_at,
        "held_on": meeting.held_on,
        "evidence": meeting.evidence,
        "replies": dict(meeting.replies) or None,
    }


def _meeting(row: Row[Any]) -> Meeting:
    return Meeting(
        uid=row.uid,
        pair=Pair(row.employee, row.manager),
        number=row.number,
        generation=row.generation,
        kind=Kind(row.kind),
        start=row.starts_at,
        end=row.ends_at,
        zone=row.zone,
        state=State(row.state),
        sequence=row.sequence,
        moves=row.moves,
        refused=tuple(_interval(no) for no in row.refused or ()),
        late=row.late,
        reason=Reason(Because(row.because), row.facts or {}),
        booked_at=row.booked_at,
        moved_from=row.moved_from,
        moved_at=row.moved_at,
        held_on=row.held_on,
        evidence=Evidence(row.evidence) if row.evidence else None,
        replies={Email(who): Reply(said) for who, said in (row.replies or {}).items()},
    )


def _interval(no: list[str]) -> Interval:
    return Interval(datetime.fromisoformat(no[0]), datetime.fromisoformat(no[1]))
