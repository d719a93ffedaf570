"""Forget people: what they wrote; and once they have left, every trace of who they were."""

import hmac
import secrets
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from daemon.core.agreement import Record, Side
from daemon.core.domain import Email, Pair, State, Uid
from daemon.store import access, agreements, conversations, renaming
from daemon.store.effects import SETTLED, Action
from daemon.store.effects import State as EffectState
from daemon.store.pairs import ERASED
from daemon.store.rows import upsert
from daemon.store.schema import meetings, outbox, pairs, people, problems, spent_numbers
from daemon.store.schema_conversation import (
    answers,
    explanations,
    helpers,
    link_versions,
    of_pair,
    offers,
    pair_keys,
    preparations,
    records,
    requests_to_record,
    sessions,
    sign_ins,
)
from daemon.store.vault import Unreadable, Vault

ABOUT_MEETINGS = (preparations, records, requests_to_record, helpers)
"""What points to a meeting by its uid."""

# --- words ----------------------------------------------------------------------------------


def words(conn: Connection, vault: Vault, gone: Collection[Email]) -> None:
    """Forget what these people wrote, and void their links.

    Of talks they led every word goes, also their managers'. Of their reports' talks only what they
    wrote alone: proposals and reasons for differing; what was agreed stays the employee's.
    """
    for pair in pairs_of(conn, gone):
        if pair.employee in gone:
            conversations.erase(conn, vault, pair)
        else:
            proposed = of_pair(answers, pair) & (answers.c.side == Side.MANAGER)
            conn.execute(delete(answers).where(proposed))
    conn.execute(delete(helpers).where(helpers.c.email.in_(gone)))
    _rewrite_records(conn, vault, gone)
    for person in gone:
        access.revoke(conn, person)


def _rewrite_records(conn: Connection, vault: Vault, gone: Collection[Email]) -> None:
    """Take reasons of these people, and their names as helpers, out of the records that stay."""
    rows = conn.execute(select(pair_keys.c.employee, pair_keys.c.manager)).all()
    for pair in (Pair(row.employee, row.manager) for row in rows):
        try:
            box = vault.box(conn, pair)
            assert box is not None
            change = partial(_without, gone=gone, silent=pair.manager in gone)
            agreements.rewrite(conn, box, pair, change)
        except Unreadable:
            continue  # sealed with a secret that is lost: nobody can read it any more


def _without(record: Record, gone: Collection[Email], *, silent: bool) -> Record:
    actions = tuple(
        replace(action, helper_name="", helper_email=None)
        if action.helper_email in gone
        else action
        for action in record.actions
    )
    if not silent:
        return replace(record, actions=actions)
    statements = tuple(
        replace(s, differs={**s.differs, Side.MANAGER: ""}) if Side.MANAGER in s.differs else s
        for s in record.statements
    )
    return replace(record, actions=actions, statements=statements)


# --- names ----------------------------------------------------------------------------------


def withdrawals(conn: Connection, person: Email, now: datetime) -> int:
    """Count the coming meetings of a person that still stand in a calendar, as far as known."""
    mine = or_(meetings.c.employee == person, meetings.c.manager == person)
    open_ = and_(
        outbox.c.uid == meetings.c.uid,
        outbox.c.action != Action.LETTER,
        outbox.c.state.not_in(SETTLED),
    )
    told = select(outbox.c.key).where(open_).exists()
    ahead = and_(mine, meetings.c.ends_at > now, or_(meetings.c.state == State.BOOKED, told))
    return conn.scalar(select(func.count()).select_from(meetings).where(ahead)) or 0


def names(conn: Connection, vault: Vault, gone: Collection[Email], now: datetime) -> list[Uid]:
    """Forget who these people were, once `words` has been called: an address that means nobody
    stands in the place of theirs, so that figures still count. Tells which uids their meetings
    had: those are derived from the addresses, and gone too.

    What was still owed to or about them is given up.
    """
    aliases = {who: Email(secrets.token_hex(8) + ERASED) for who in gone}
    nameless = renaming.of_people(conn, aliases)
    uids = [
        uid for pair in pairs_of(conn, gone) for uid in _let_go(conn, vault, pair, aliases, now)
    ]
    lapsed = outbox.c.recipient.in_(gone) & outbox.c.state.not_in(SETTLED)
    conn.execute(update(outbox).where(lapsed).values(_lapsed(now)))
    conn.execute(update(outbox).where(outbox.c.recipient.in_(gone)).values(id=""))
    for column in (people.c.email, sessions.c.person, sign_ins.c.person, link_versions.c.person):
        conn.execute(delete(column.table).where(column.in_(gone)))
    renaming.everywhere(conn, nameless)
    return uids


def spent(conn: Connection, vault: Vault, asked: Collection[Pair]) -> dict[Pair, int]:
    """The last number that pairs among these used before one of the two was erased."""
    rows = conn.execute(select(spent_numbers.c.token, spent_numbers.c.number)).all()
    known = {row.token: row.number for row in rows}
    if not known:
        return {}
    key = vault.derived(_PURPOSE)
    tokens = {pair: _token(key, pair) for pair in asked}
    return {pair: known[token] for pair, token in tokens.items() if token in known}


_PURPOSE = "spent numbers"


def _token(key: bytes, pair: Pair) -> str:
    """A name for a pair that cannot be worked out without the service's secret."""
    return hmac.new(key, f"{pair.employee}\n{pair.manager}".encode(), sha256).hexdigest()


def pairs_of(conn: Connection, gone: Collection[Email]) -> list[Pair]:
    """Every pair one of these people was ever in."""
    p = pairs.c
    theirs = or_(p.employee.in_(gone), p.manager.in_(gone))
    rows = conn.execute(select(p.employee, p.manager).where(theirs)).all()
    return [Pair(Email(employee), Email(manager)) for employee, manager in rows]


def _let_go(
    conn: Connection, vault: Vault, old: Pair, aliases: Mapping[Email, Email], now: datetime
) -> list[Uid]:
    """Keep a pair and its meetings as figures of nobody; tell the uids they had."""
    new = Pair(*(aliases.get(who, who) for who in (old.employee, old.manager)))
    _remember_number(conn, vault, old)
    for table in (problems, explanations):
        conn.execute(delete(table).where(of_pair(table, old)))
    _copied(conn, pairs, of_pair(pairs, old), _who(new) | {"paused_until": None})
    uids = conn.scalars(select(meetings.c.uid).where(of_pair(meetings, old))).all()
    for uid in uids:
        _move_meeting(conn, uid, new, now)
    conn.execute(delete(pairs).where(of_pair(pairs, old)))
    return [Uid(uid) for uid in uids]


def _remember_number(conn: Connection, vault: Vault, pair: Pair) -> None:
    """Whoever comes back goes on behind the numbers used: the events of then may still stand in
    calendars, and letters about them went out."""
    last = conn.scalar(select(func.max(meetings.c.number)).where(of_pair(meetings, pair)))
    if last:
        token = _token(vault.derived(_PURPOSE), pair)
        upsert(conn, spent_numbers, [{"token": token, "number": last}])


def _move_meeting(conn: Connection, old: str, new: Pair, now: datetime) -> None:
    uid = f"{secrets.token_hex(16)}@careloop"
    plain = {"uid": uid, "facts": None, "replies": None}
    _copied(conn, meetings, meetings.c.uid == old, _who(new) | plain)
    for table in ABOUT_MEETINGS:
        conn.execute(update(table).where(table.c.uid == old).values(uid=uid))
    conn.execute(delete(offers).where(offers.c.uid == old))
    theirs = outbox.c.uid == old
    conn.execute(update(outbox).where(theirs, outbox.c.state.not_in(SETTLED)).values(_lapsed(now)))
    key = func.replace(outbox.c.key, old, uid)
    bare = {"uid": uid, "id": "", "reason": "", "payload": None}
    conn.execute(update(outbox).where(theirs).values(key=key, **bare))
    conn.execute(delete(meetings).where(meetings.c.uid == old))


def _who(pair: Pair) -> dict[str, Any]:
    return {"employee": pair.employee, "manager": pair.manager}


def _lapsed(now: datetime) -> dict[str, Any]:
    free = {"worker": None, "lease_until": None}
    return {"state": EffectState.LAPSED, "payload": None, "reason": "", "at": now, **free}


def _copied(
    conn: Connection, table: Table, which: ColumnElement[bool], other: Mapping[str, Any]
) -> None:
    """Insert the row once more, with other values in some columns."""
    cells = [
        literal(other[column.name], column.type) if column.name in other else column
        for column in table.c
    ]
    conn.execute(insert(table).from_select(list(table.c), select(*cells).where(which)))
