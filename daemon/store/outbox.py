"""What is owed to the world: written down before it is tried, and again when it is known.

A claim outlives its holder only until somebody looks: a process of this machine that is dead
holds nothing, another machine's until its lease ends. Whatever such a holder was doing is
doubtful from then on.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Update,
    and_,
    bindparam,
    delete,
    exists,
    or_,
    select,
    update,
)

from daemon.core.domain import Key
from daemon.core.ports import Ambiguous, Done, Permanent, Result, Temporary
from daemon.store.effects import (
    SETTLED,
    Action,
    Claim,
    Effect,
    Entry,
    Sent,
    State,
    delay,
)
from daemon.store.ledger import counts, effect_of, entries, letters, pending, refused
from daemon.store.rows import insert_new
from daemon.store.schema import outbox as table
from daemon.store.workers import is_dead, worker_identity

__all__ = [
    "Action",
    "Claim",
    "Effect",
    "Entry",
    "Sent",
    "State",
    "claim",
    "claim_letters",
    "counts",
    "doubt_everything",
    "entries",
    "forget_before",
    "hold",
    "lapse",
    "letters",
    "owe",
    "pending",
    "refused",
    "release",
    "retry",
    "settle",
    "skip",
    "void_claims",
    "worker_identity",
]

_OPEN = (State.OWED, State.DOUBTFUL)
_EVENTS = (Action.PUT, Action.CANCEL)
_FREE = {"worker": None, "lease_until": None}


def owe(conn: Connection, effects: Collection[Effect], now: datetime) -> int:
    """Write down what is owed; keys that are known already are left alone. Tells how many were
    new."""
    return insert_new(conn, table, [_owed(effect, now) for effect in effects])


def claim(
    conn: Connection,
    action: Action,
    worker: str,
    now: datetime,
    lease: timedelta,
    limit: int,
    keys: Collection[Key] | None = None,
) -> list[Claim]:
    """Take up to `limit` effects whose time has come, oldest first; `keys`: only among these.

    Of one event only the newest revision is carried out, and never two at a time.
    """
    void_claims(conn, now)
    if action in _EVENTS:
        _lapse_overtaken(conn, now)
    ready = _ready(action, now).limit(limit)
    if keys is not None:
        ready = ready.where(table.c.key.in_(list(keys)))
    return _take(conn, conn.execute(ready).all(), worker, now, lease)


def claim_letters(
    conn: Connection,
    effects: Collection[Effect],
    worker: str,
    now: datetime,
    lease: timedelta,
    *,
    doubtful: Collection[Key] = (),
) -> list[Claim]:
    """Write letters down and take them, at once; left out are those that are settled, held,
    waiting for their time, or that somebody lives who is at them.

    The bytes to send are those of the claim: a doubtful letter keeps the ones it had, so that a
    repeat is the same letter. `doubtful`: an earlier life may have sent these (after a restore).
    """
    if not effects:
        return []
    void_claims(conn, now)
    insert_new(conn, table, [_owed(one, now, doubtful=one.key in doubtful) for one in effects])
    fresh = and_(table.c.key == bindparam("letter"), table.c.state == State.OWED)
    bytes_ = update(table).where(fresh).values(payload=bindparam("content"))
    conn.execute(bytes_, [{"letter": one.key, "content": one.payload} for one in effects])
    mine = table.c.key.in_([one.key for one in effects])
    ready = and_(mine, table.c.state.in_(_OPEN), table.c.not_before <= now)
    order = select(table).where(ready).order_by(table.c.owed_at, table.c.key)
    return _take(conn, conn.execute(_lock(order)).all(), worker, now, lease)


def settle(conn: Connection, claim: Claim, result: Result, now: datetime) -> bool:
    """Record what became of a claim; False: it is no longer ours, and nothing is recorded.

    A doubtful effect stays doubtful until its result is certain: a look-up that failed for now
    proves nothing.
    """
    return _record(conn, claim, _outcome(claim, result, now), now)


def hold(conn: Connection, claim: Claim, reason: str, now: datetime) -> bool:
    """Keep a doubtful effect back until an operator decides (`release` or `lapse`)."""
    return _record(conn, claim, {"state": State.HELD, "reason": reason}, now)


def release(conn: Connection, key: Key, now: datetime) -> bool:
    """Let a held effect go: it is tried again, without another look."""
    values = {"state": State.OWED, "doubtful": False, "not_before": now, "at": now}
    held = and_(table.c.key == key, table.c.state == State.HELD)
    return conn.execute(update(table).where(held).values(values)).rowcount > 0


def retry(conn: Connection, keys: Collection[Key], now: datetime) -> None:
    """Owe once more what was refused for good: whoever refused may have been helped since."""
    mine = and_(table.c.key.in_(list(keys)), table.c.payload.is_not(None))
    failed = and_(mine, table.c.state == State.FAILED)
    values = {"state": State.OWED, "not_before": now, "at": now}
    conn.execute(update(table).where(failed).values(values))


def lapse(conn: Connection, key: Key, reason: str, now: datetime) -> bool:
    """Give up what was overtaken, also our own claim; False: it is settled already, or unknown.

    Whoever is at it can no longer record: lapse only what you hold, or what nobody holds.
    """
    return _lapse(conn, and_(table.c.key == key, table.c.state.not_in(SETTLED)), reason, now) > 0


def skip(conn: Connection, effect: Effect, reason: str, now: datetime) -> bool:
    """Write down that a letter is not sent, and why: also one that was never owed."""
    insert_new(conn, table, [_owed(replace(effect, payload=b""), now)])
    return lapse(conn, effect.key, reason, now)


def void_claims(conn: Connection, now: datetime) -> int:
    """Free what the dead and the late hold: it is doubtful whether they did it."""
    held = table.c.state == State.CLAIMED
    workers = conn.execute(select(table.c.worker).where(held).distinct()).scalars().all()
    if not workers:
        return 0
    dead = [worker for worker in workers if is_dead(worker)]
    void = and_(held, or_(table.c.lease_until <= now, table.c.worker.in_(dead)))
    values = {"state": State.DOUBTFUL, "doubtful": True, "not_before": now, "at": now, **_FREE}
    return conn.execute(update(table).where(_locked(void)).values(values)).rowcount


def doubt_everything(conn: Connection, now: datetime) -> int:
    """Make every open effect doubtful: after a restore it may have been done since."""
    open_ = table.c.state.in_((State.OWED, State.CLAIMED))
    values = {"state": State.DOUBTFUL, "doubtful": True, "at": now, **_FREE}
    return conn.execute(update(table).where(open_).values(values)).rowcount


def forget_before(conn: Connection, moment: datetime) -> int:
    """Drop settled effects not touched since then; they could be owed anew from then on."""
    old = and_(table.c.state.in_(SETTLED), table.c.at < moment)
    return conn.execute(delete(table).where(old)).rowcount


def _ready(action: Action, now: datetime) -> Select[Any]:
    c = table.c
    ready = and_(c.action == action, c.state.in_(_OPEN), c.not_before <= now)
    if action in _EVENTS:
        other = table.alias()
        busy = and_(
            other.c.uid == c.uid,
            other.c.key != c.key,
            other.c.action.in_(_EVENTS),
            other.c.state.in_((*_OPEN, State.CLAIMED)),
        )
        ready = and_(ready, ~exists(select(other.c.key).where(busy)))
    return _lock(select(table).where(ready).order_by(c.not_before, c.owed_at, c.key))


def _lapse_overtaken(conn: Connection, now: datetime) -> None:
    """Give up each open revision of an event of which there is a newer one (a cancellation is
    newer than an invite with the same sequence)."""
    c, newer = table.c, table.alias()
    later = or_(
        newer.c.sequence > c.sequence,
        and_(newer.c.sequence == c.sequence, newer.c.action < c.action),  # cancel < put
    )
    overtaking = and_(
        newer.c.uid == c.uid,
        newer.c.action.in_(_EVENTS),
        newer.c.state.not_in((State.FAILED, State.LAPSED)),
        later,
    )
    overtaken = and_(
        c.action.in_(_EVENTS), c.state.in_(_OPEN), exists(select(newer.c.key).where(overtaking))
    )
    _lapse(conn, _locked(overtaken), "a newer revision took its place", now)


def _lapse(conn: Connection, which: ColumnElement[bool], reason: str, now: datetime) -> int:
    values = {"state": State.LAPSED, "reason": reason, "payload": None, "at": now, **_FREE}
    return conn.execute(update(table).where(which).values(values)).rowcount


def _outcome(claim: Claim, result: Result, now: datetime) -> dict[str, Any]:
    key, attempt = claim.effect.key, claim.attempt
    match result:
        case Done(id=found):
            return {"state": State.DONE, "id": found, "reason": "", "payload": None}
        case Permanent(reason=reason):
            failed = {"state": State.FAILED, "reason": reason}
            return failed if claim.effect.action is Action.PUT else failed | {"payload": None}
        case Temporary(reason=reason, retry_after=asked):
            state = State.DOUBTFUL if claim.doubtful else State.OWED
            later = now + delay(key, attempt, asked)
            return {"state": state, "reason": reason, "not_before": later}
        case Ambiguous(reason=reason):
            doubt = {"state": State.DOUBTFUL, "doubtful": True, "reason": reason}
            return doubt | {"not_before": now + delay(key, attempt)}


def _take(
    conn: Connection, rows: Sequence[Row[Any]], worker: str, now: datetime, lease: timedelta
) -> list[Claim]:
    values = {
        "state": State.CLAIMED,
        "worker": worker,
        "lease_until": now + lease,
        "attempt": table.c.attempt + 1,
        "at": now,
    }
    taken = table.c.key.in_([row.key for row in rows])
    if rows:
        conn.execute(update(table).where(taken).values(values))
    return [
        Claim(effect_of(row), worker, row.attempt + 1, now + lease, row.doubtful) for row in rows
    ]


def _record(conn: Connection, claim: Claim, values: dict[str, Any], now: datetime) -> bool:
    mine = {"of": claim.effect.key, "by": claim.worker, "nth": claim.attempt}
    changed = {**values, "at": now, **_FREE}
    return conn.execute(_recording(tuple(changed)), {**changed, **mine}).rowcount > 0


@cache
def _recording(columns: tuple[str, ...]) -> Update:
    """The update of one claim, if it is still ours; built once for each kind of outcome."""
    mine = and_(
        table.c.key == bindparam("of"),
        table.c.state == State.CLAIMED,
        table.c.worker == bindparam("by"),
        table.c.attempt == bindparam("nth"),
    )
    return update(table).where(mine).values({name: bindparam(name) for name in columns})


def _locked(which: ColumnElement[bool]) -> ColumnElement[bool]:
    return table.c.key.in_(_lock(select(table.c.key).where(which).correlate(None)))


def _lock(wanted: Select[Any]) -> Select[Any]:
    """Take the rows nobody else is taking (PostgreSQL); SQLite has one writer, and ignores it."""
    return wanted.with_for_update(skip_locked=True, of=table)


def _owed(effect: Effect, now: datetime, *, doubtful: bool = False) -> dict[str, Any]:
    return {
        "key": effect.key,
        "action": effect.action,
        "uid": effect.uid,
        "sequence": effect.sequence,
        "recipient": effect.to,
        "payload": effect.payload,
        "state": State.DOUBTFUL if doubtful else State.OWED,
        "attempt": 0,
        "doubtful": doubtful,
        "not_before": now,
        "id": "",
        "reason": "",
        "owed_at": now,
        "at": now,
    }
