"""The outbox as it is read: what is pending, how effects stand, which letters there were."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, func, or_, select

from daemon.core.domain import Email, Key, LetterKind, Uid
from daemon.store.effects import SETTLED, Action, Effect, Entry, Sent, State
from daemon.store.schema import outbox as table


def pending(conn: Connection) -> list[Effect]:
    """What is owed, in work, doubtful or held; oldest first."""
    unsettled = select(table).where(table.c.state.not_in(SETTLED))
    return [
        effect_of(row) for row in conn.execute(unsettled.order_by(table.c.owed_at, table.c.key))
    ]


def entries(conn: Connection, states: Sequence[State], uid: Uid | None = None) -> list[Entry]:
    """How effects stand, for people who look; `uid`: of one meeting."""
    wanted = select(table).where(table.c.state.in_(states))
    if uid is not None:
        wanted = wanted.where(table.c.uid == uid)
    return [_entry(row) for row in conn.execute(wanted.order_by(table.c.owed_at, table.c.key))]


def letters(conn: Connection, since: datetime) -> Mapping[Uid, tuple[Sent, ...]]:
    """The ledger, by meeting: every letter settled since then, or held.

    One that is still to be tried is not in it (but `pending`): it is owed, as before.
    """
    c = table.c
    settled = and_(c.state.in_(SETTLED), c.at >= since)
    recent = and_(c.action == Action.LETTER, or_(settled, c.state == State.HELD))
    columns = (c.key, c.uid, c.recipient, c.sequence, c.state, c.at, c.reason)
    found: dict[Uid, list[Sent]] = defaultdict(list)
    for row in conn.execute(select(*columns).where(recent).order_by(c.owed_at, c.key)).all():
        kind = LetterKind(row.key.split(":")[1])
        to = Email(row.recipient)
        sent = Sent(kind, to, row.sequence, State(row.state), row.at, row.reason)
        found[row.uid].append(sent)
    return {uid: tuple(sent) for uid, sent in found.items()}


def refused(conn: Connection, action: Action) -> dict[Uid, str]:
    """The events whose newest revision was refused for good, and why."""
    c, newer = table.c, table.alias()
    same = and_(newer.c.uid == c.uid, newer.c.action == action, newer.c.sequence > c.sequence)
    last = ~exists(select(newer.c.key).where(same))
    failed = and_(c.action == action, c.state == State.FAILED, last)
    return {row.uid: row.reason for row in conn.execute(select(c.uid, c.reason).where(failed))}


def counts(conn: Connection) -> dict[tuple[Action, State], int]:
    """How many effects stand where."""
    by = (table.c.action, table.c.state)
    counted = conn.execute(select(*by, func.count()).group_by(*by))
    return {(Action(action), State(state)): number for action, state, number in counted}


def effect_of(row: Row[Any]) -> Effect:
    """The effect of a whole row."""
    return Effect(
        Key(row.key),
        Action(row.action),
        Uid(row.uid),
        row.sequence,
        Email(row.recipient),
        bytes(row.payload or b""),
        row.owed_at,
    )


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        Key(row.key),
        Action(row.action),
        Uid(row.uid),
        row.sequence,
        Email(row.recipient),
        State(row.state),
        row.attempt,
        row.reason,
        row.owed_at,
        row.at,
        row.not_before,
    )
