"""Meetings: written whole, read whole."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
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
_KINDS = {kind.value: kind for kind in Kind}
_STATES = {state.value: state for state in State}
_BECAUSE = {because.value: because for because in Because}
_EVIDENCE = {evidence.value: evidence for evidence in Evidence}


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


def some(conn: Connection, uids: Collection[Uid]) -> dict[Uid, Meeting]:
    """The meetings of these uids as far as they are known."""
    return _by_uids(conn, list(uids))


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
    pair, replies = cache(Pair), cache(_replies)  # alike in most meetings of a pair: made once
    return tuple(
        _meeting(row, pair(row.employee, row.manager), replies(row.replies))
        for row in conn.execute(ordered).all()
    )


def _text(value: object) -> str | None:
    return json.dumps(value, ensure_ascii=False) if value else None


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
        "refused": _text([[no.start.isoformat(), no.end.isoformat()] for no in meeting.refused]),
        "late": meeting.late,
        "because": meeting.reason.because,
        "facts": _text(dict(meeting.reason.facts)),
        "booked_at": meeting.booked_at,
        "moved_from": meeting.moved_from,
        "moved_at": meeting.moved_at,
        "held_on": meeting.held_on,
        "evidence": meeting.evidence,
        "replies": _text(dict(meeting.replies)),
    }


def _meeting(row: Row[Any], pair: Pair, replies: Mapping[Email, Reply]) -> Meeting:
    # by position: a company's whole past is read each turn, and names cost a third more
    cells: tuple[Any, ...] = tuple(row)
    uid, _, _, number, generation, kind, start, end, zone, state, sequence = cells[:11]
    moves, refused, late, because, facts, booked_at, moved_from, moved_at = cells[11:19]
    held_on, evidence, _ = cells[19:]
    return Meeting(
        uid=uid,
        pair=pair,
        number=number,
        generation=generation,
        kind=_KINDS[kind],
        start=start,
        end=end,
        zone=zone,
        state=_STATES[state],
        sequence=sequence,
        moves=moves,
        refused=_refused(refused) if refused else (),
        late=late,
        reason=Reason(_BECAUSE[because], json.loads(facts) if facts else {}),
        booked_at=booked_at,
        moved_from=moved_from,
        moved_at=moved_at,
        held_on=held_on,
        evidence=_EVIDENCE[evidence] if evidence else None,
        replies=replies,
    )


def _refused(text: str) -> tuple[Interval, ...]:
    moments = ((datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in json.loads(text))
    return tuple(Interval(start, end) for start, end in moments)


def _replies(text: str | None) -> Mapping[Email, Reply]:
    return {Email(who): Reply(said) for who, said in json.loads(text or "{}").items()}
