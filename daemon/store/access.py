"""Who may open what: link versions, sessions of the pages, sign-ins, and the audit."""

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, text, update

from daemon.core.domain import Email, Pair
from daemon.store import settings
from daemon.store.database import Database
from daemon.store.rows import upsert
from daemon.store.schema_conversation import (
    audit,
    link_versions,
    of_pair,
    sessions,
    sign_ins,
)

# --- links ----------------------------------------------------------------------------------


def version(conn: Connection, person: Email) -> int:
    """A person's current link version."""
    mine = link_versions.c.person == person
    return conn.scalar(select(link_versions.c.version).where(mine)) or 0


def versions(database: Database) -> Callable[[Email], int]:
    """Tell link versions from the store, as `Links` wants to ask for them."""

    def told(person: Email) -> int:
        with database.reading() as conn:
            return version(conn, person)

    return told


def revoke(conn: Connection, person: Email) -> None:
    """Make every link and every open page of a person invalid at once."""
    upsert(conn, link_versions, [{"person": person, "version": version(conn, person) + 1}])
    conn.execute(delete(sessions).where(sessions.c.person == person))


# --- sessions -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Session:
    """An open page: who, in which role, about what (a reference of the pair, a request)."""

    role: str
    person: Email
    subject: str


def open_session(conn: Connection, session: Session, now: datetime, life: timedelta) -> str:
    """Open a session; returns what its cookie carries. Only a hash of it is kept."""
    token = secrets.token_urlsafe(32)
    conn.execute(delete(sessions).where(sessions.c.expires_at <= now))
    conn.execute(
        insert(sessions).values(
            id=_hash(token),
            role=session.role,
            person=session.person,
            subject=session.subject,
            expires_at=now + life,
        )
    )
    return token


def session(conn: Connection, token: str, now: datetime) -> Session | None:
    """Whose cookie this is; None for unknown and expired alike."""
    known = (sessions.c.id == _hash(token)) & (sessions.c.expires_at > now)
    row = conn.execute(select(sessions).where(known)).one_or_none()
    return None if row is None else Session(row.role, Email(row.person), row.subject)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


# --- the people team's sign-in --------------------------------------------------------------


SIGN_IN_LIFE = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class SignIn:
    """A link of the people team that waits for its letter or its use."""

    id: str
    person: Email
    number: int
    """Counts a person's requests: the letter's revision."""
    asked_at: datetime


def ask_sign_in(conn: Connection, person: Email, now: datetime) -> None:
    """Ask for a letter with a sign-in link; a request still open is enough."""
    if any(known.person == person for known in sign_ins_owed(conn, now)):
        return
    mine = sign_ins.c.person == person
    number = (conn.scalar(select(func.max(sign_ins.c.number)).where(mine)) or 0) + 1
    id_ = secrets.token_hex(16)
    conn.execute(insert(sign_ins).values(id=id_, person=person, number=number, asked_at=now))


def sign_ins_owed(conn: Connection, now: datetime) -> tuple[SignIn, ...]:
    """The requests that are neither used nor stale; each is one letter."""
    fresh = sign_ins.c.used_at.is_(None) & (sign_ins.c.asked_at > now - SIGN_IN_LIFE)
    rows = conn.execute(select(sign_ins).where(fresh).order_by(sign_ins.c.asked_at))
    return tuple(SignIn(row.id, Email(row.person), row.number, row.asked_at) for row in rows)


def use_sign_in(conn: Connection, id_: str, person: Email, now: datetime) -> bool:
    """Use a request up; False when it was used, is stale or somebody else's."""
    fresh = sign_ins.c.used_at.is_(None) & (sign_ins.c.asked_at > now - SIGN_IN_LIFE)
    mine = (sign_ins.c.id == id_) & (sign_ins.c.person == person)
    return conn.execute(update(sign_ins).where(mine & fresh).values(used_at=now)).rowcount == 1


# --- the audit ------------------------------------------------------------------------------

BEGINNING = "audit_beginning"
"""The setting that says where the audit begins once old lines have gone."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Who did what, never which words."""

    at: datetime
    person: Email
    did: str
    what: str


def note(conn: Connection, entry: Entry, pair: Pair | None) -> None:
    """Append to the audit. Each line holds the hash of the one before it, so that a changed or
    missing line shows (`broken`)."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(7203)"))
    last = conn.execute(select(audit).order_by(audit.c.number.desc()).limit(1)).one_or_none()
    begun = _beginning(conn)
    number, before = begun if last is None else (last.number + 1, last.hash)
    employee, manager = ("", "") if pair is None else (pair.employee, pair.manager)
    conn.execute(
        insert(audit).values(
            number=number,
            at=entry.at,
            person=entry.person,
            did=entry.did,
            employee=employee,
            manager=manager,
            what=entry.what,
            before=before,
            hash=_chained(number, before, entry, employee, manager),
        )
    )


def noted(conn: Connection, entry: Entry, pair: Pair) -> bool:
    """Tell whether the same was noted within the last day: looking twice is one look."""
    same = (
        of_pair(audit, pair)
        & (audit.c.person == entry.person)
        & (audit.c.did == entry.did)
        & (audit.c.what == entry.what)
        & (audit.c.at > entry.at - timedelta(days=1))
    )
    return conn.scalar(select(audit.c.number).where(same).limit(1)) is not None


def seen(conn: Connection, employee: Email) -> tuple[Entry, ...]:
    """The audit of an employee's talks, newest first."""
    rows = select(audit).where(audit.c.employee == employee).order_by(audit.c.number.desc())
    return tuple(Entry(row.at, Email(row.person), row.did, row.what) for row in conn.execute(rows))


def forget_before(conn: Connection, moment: datetime) -> None:
    """Drop the lines of long ago; where the chain goes on from is remembered."""
    old = select(audit).where(audit.c.at < moment).order_by(audit.c.number.desc()).limit(1)
    last = conn.execute(old).one_or_none()
    if last is not None:
        conn.execute(delete(audit).where(audit.c.number <= last.number))
        settings.put(conn, BEGINNING, [last.number + 1, last.hash])


def rename(conn: Connection, first: int, said: Callable[[str], str]) -> None:
    """Put other words for people into the audit from line `first` on. Lines that held together
    still do; what was changed or missing before still shows."""
    old = new = None  # the hash of the line before, as it was and as it is
    for row in conn.execute(select(audit).where(audit.c.number >= first - 1).order_by("number")):
        known = Entry(row.at, Email(row.person), row.did, row.what)
        sound = row.hash == _chained(row.number, row.before, known, row.employee, row.manager)
        before = new if new is not None and row.before == old else row.before
        person, employee, manager, what = map(said, _named(row))
        entry = Entry(row.at, Email(person), row.did, what)
        chained = _chained(row.number, before, entry, employee, manager) if sound else row.hash
        old, new = row.hash, chained
        if chained != row.hash or not sound:
            values = {"person": person, "employee": employee, "manager": manager, "what": what}
            mine = audit.c.number == row.number
            conn.execute(update(audit).where(mine).values(before=before, hash=chained, **values))


def _named(row: Row[Any]) -> tuple[str, str, str, str]:
    return row.person, row.employee, row.manager, row.what


def _beginning(conn: Connection) -> tuple[int, str]:
    """The number of the first line that is kept, and the hash of the one before it."""
    number, before = settings.get(conn, BEGINNING) or (1, "")
    return int(number), str(before)


def broken(conn: Connection) -> int | None:
    """The number of the first line that was changed, or that follows a missing one."""
    expected, before = _beginning(conn)
    for row in conn.execute(select(audit).order_by(audit.c.number)):
        entry = Entry(row.at, Email(row.person), row.did, row.what)
        chained = _chained(row.number, before, entry, row.employee, row.manager)
        if (row.number, row.before, row.hash) != (expected, before, chained):
            return int(row.number)
        before, expected = row.hash, expected + 1
    return None


def _chained(number: int, before: str, entry: Entry, employee: str, manager: str) -> str:
    words = [number, before, entry.at.isoformat(), entry.person, entry.did, employee, manager]
    return hashlib.sha256(json.dumps([*words, entry.what]).encode()).hexdigest()
