"""Requests to the sphere of influence, sealed: one action or a few questions to one helper."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from daemon.core.domain import Email, Pair, Uid
from daemon.store.schema_conversation import (
    helpers,
    of_pair,
)
from daemon.store.vault import Box, Vault

MOST_HELPERS = 3
"""Open requests an employee may have at a time."""

MOST_QUESTIONS = 3
LIFE = timedelta(days=21)
"""How long a helper may answer; afterwards the request, and what was asked, is forgotten."""

KEPT = timedelta(days=180)
"""How long the employee keeps the answers."""


class HelperState(StrEnum):
    """Where a request stands."""

    ASKED = "asked"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    DONE = "done"
    ANSWERED = "answered"


OPEN = (HelperState.ASKED, HelperState.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Request:
    """What a helper is asked, and what came of it. Either `action` or `questions` is set."""

    id: str
    uid: Uid
    pair: Pair
    number: int
    """Counts the requests of a meeting: the letter's revision."""
    email: Email
    state: HelperState
    asked_at: datetime
    expires_at: datetime
    name: str = ""
    action: str = ""
    action_id: str | None = None
    questions: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    note: str = ""

    def open_at(self, now: datetime) -> bool:
        """Tell whether the helper may still act."""
        return self.state in OPEN and now < self.expires_at


class TooMany(Exception):
    """Three people are asked already; wait for one of them or take one back."""


def ask(conn: Connection, box: Box, request: Request) -> None:
    """Keep a new request; its letter is owed from now on. Raises `TooMany`."""
    waiting = of_pair(helpers, request.pair) & helpers.c.state.in_(OPEN)
    alive = helpers.c.expires_at > request.asked_at
    if (conn.scalar(select(func.count()).where(waiting & alive)) or 0) >= MOST_HELPERS:
        raise TooMany
    of_meeting = helpers.c.uid == request.uid
    number = (conn.scalar(select(func.max(helpers.c.number)).where(of_meeting)) or 0) + 1
    conn.execute(
        insert(helpers).values(
            id=request.id,
            uid=request.uid,
            employee=request.pair.employee,
            manager=request.pair.manager,
            number=number,
            email=request.email,
            action=request.action_id,
            state=request.state,
            asked_at=request.asked_at,
            expires_at=request.expires_at,
            sealed=box.seal(_words(request)),
        )
    )


def new_id() -> str:
    """A name nobody can guess."""
    return secrets.token_hex(16)


def by_id(conn: Connection, vault: Vault, id_: str) -> Request | None:
    """One request with its words."""
    row = conn.execute(select(helpers).where(helpers.c.id == id_)).one_or_none()
    return None if row is None else _opened(conn, vault, row)


def of(conn: Connection, vault: Vault, employee: Email) -> tuple[Request, ...]:
    """Every request an employee made, oldest first."""
    rows = conn.execute(
        select(helpers).where(helpers.c.employee == employee).order_by(helpers.c.asked_at)
    )
    found = (_opened(conn, vault, row) for row in rows)
    return tuple(request for request in found if request is not None)


def asked(conn: Connection) -> tuple[Email, ...]:
    """Everybody who was ever asked to help, as far as it is kept."""
    return tuple(Email(who) for who in conn.scalars(select(helpers.c.email).distinct()))


def answer(conn: Connection, box: Box, request: Request) -> bool:
    """Keep what the helper did; False when the request was closed meanwhile (a replay)."""
    still = (helpers.c.id == request.id) & helpers.c.state.in_(OPEN)
    changed = update(helpers).where(still)
    values = {"state": request.state, "sealed": box.seal(_words(request))}
    return conn.execute(changed.values(**values)).rowcount == 1


def take_back(conn: Connection, pair: Pair, id_: str) -> None:
    """Forget a request of this pair; its link opens nothing any more."""
    conn.execute(delete(helpers).where(of_pair(helpers, pair) & (helpers.c.id == id_)))


@dataclass(frozen=True, slots=True)
class Invitation:
    """A letter owed to a helper: no word of what is asked."""

    id: str
    uid: Uid
    pair: Pair
    number: int
    email: Email
    asked_at: datetime


def owed(conn: Connection, now: datetime) -> tuple[Invitation, ...]:
    """The requests whose letter is owed: asked and not expired (the outbox knows which went)."""
    waiting = (helpers.c.state == HelperState.ASKED) & (helpers.c.expires_at > now)
    wanted = [column for column in helpers.c if column.name != "sealed"]
    rows = conn.execute(select(*wanted).where(waiting).order_by(helpers.c.asked_at))
    return tuple(
        Invitation(
            id=row.id,
            uid=Uid(row.uid),
            pair=Pair(row.employee, row.manager),
            number=row.number,
            email=Email(row.email),
            asked_at=row.asked_at,
        )
        for row in rows
    )


def forget_old(conn: Connection, now: datetime) -> int:
    """Forget what expired unanswered, and answers the employee has had for half a year."""
    unanswered = helpers.c.state.in_(OPEN) & (helpers.c.expires_at <= now)
    old = helpers.c.expires_at <= now - KEPT
    return conn.execute(delete(helpers).where(unanswered | old)).rowcount


def _words(request: Request) -> dict[str, object]:
    return {
        "name": request.name,
        "action": request.action,
        "questions": list(request.questions),
        "answers": list(request.answers),
        "note": request.note,
    }


def _opened(conn: Connection, vault: Vault, row: Row[tuple[object, ...]]) -> Request | None:
    pair = Pair(row.employee, row.manager)
    box = vault.box(conn, pair)
    if box is None:
        return None
    words = box.open(row.sealed)
    return Request(
        id=row.id,
        uid=Uid(row.uid),
        pair=pair,
        number=row.number,
        email=Email(row.email),
        state=HelperState(row.state),
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        name=words["name"],
        action=words["action"],
        action_id=row.action,
        questions=tuple(words["questions"]),
        answers=tuple(words["answers"]),
        note=words["note"],
    )
