"""What the next turns would book and send: the same turns, rehearsed. Changes nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from daemon.core.domain import (
    Email,
    Interval,
    Invite,
    Kind,
    LetterKind,
    Mail,
    Meeting,
    Pair,
    Problem,
    Uid,
)
from daemon.loop import problems
from daemon.loop.facts import Errand
from daemon.loop.post import write
from daemon.loop.rehearsal import Rehearsal, rehearse
from daemon.loop.standing import status
from daemon.loop.turn import run_turn
from daemon.loop.world import World
from daemon.store import meetings
from daemon.wiring import App


@dataclass(frozen=True, slots=True)
class Booking:
    """An event that would be made or moved."""

    pair: Pair
    kind: Kind
    start: datetime
    end: datetime
    reason: str
    uid: Uid
    was: datetime | None = None
    """The start that is booked today; None: nothing is."""


@dataclass(frozen=True, slots=True)
class Posting:
    """A letter that would go out."""

    kind: LetterKind
    to: Email
    at: datetime
    employee: Email


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen within the asked days."""

    bookings: tuple[Booking, ...]
    withdrawals: tuple[Booking, ...]
    letters: tuple[Posting, ...]
    problems: tuple[Problem, ...]
    complete: bool
    """The next turn could read everything and serve everybody."""


def plan(app: App, now: datetime, days: int = 0) -> Plan:
    """Rehearse the turn of this moment and one more a day for `days` days; each letter stands
    at the time it falls due."""
    played = rehearse(app, Interval(now, now + timedelta(days=days)))
    due = _noting_when_due(played.app)
    try:
        letters: list[Posting] = []
        found: list[Problem] = []
        complete = True
        for day in range(days + 1):
            before = len(played.mail.mails)
            moment = now + timedelta(days=day)
            report = run_turn(played.app, moment)
            if day == 0:
                found, complete = list(report.problems), report.complete
            sent = (mail.key for mail in played.mail.mails[before:])
            letters += [_posting(played, key, max(now, due[key])) for key in sent]
        found += _against(played)
        return Plan(
            bookings=_in_order(_booking(played, x) for x in played.calendar.puts),
            withdrawals=_in_order(_booking(played, x) for x in played.calendar.cancels),
            letters=tuple(sorted(letters, key=lambda one: (one.at, one.kind, one.to))),
            problems=tuple(found),
            complete=complete,
        )
    finally:
        played.close()


def _noting_when_due(app: App) -> dict[str, datetime]:
    """Note of every letter when it falls due: the service sends it then, not once a day."""
    due: dict[str, datetime] = {}
    compose = app.compose or write

    def noted(app: App, conn: Connection, errand: Errand, world: World) -> Mail:
        mail = compose(app, conn, errand, world)
        due[mail.key] = errand.letter.due
        return mail

    app.compose = noted
    return due


def _in_order(bookings: Iterable[Booking]) -> tuple[Booking, ...]:
    return tuple(sorted(bookings, key=lambda one: (one.start, one.pair)))


def _booking(played: Rehearsal, invite: Invite) -> Booking:
    meeting = _meeting(played, invite.uid)
    return Booking(
        pair=meeting.pair,
        kind=meeting.kind,
        start=invite.start,
        end=invite.end,
        reason=problems.why(meeting),
        uid=invite.uid,
        was=invite.before.start if invite.before else None,
    )


def _posting(played: Rehearsal, key: str, at: datetime) -> Posting:
    _, kind, uid, to, _ = key.split(":", 4)
    with played.app.database.reading() as conn:
        meeting = meetings.by_uid(conn, Uid(uid))
    employee = meeting.pair.employee if meeting else Email(to)
    return Posting(LetterKind(kind), Email(to), at, employee)


def _meeting(played: Rehearsal, uid: Uid) -> Meeting:
    with played.app.database.reading() as conn:
        meeting = meetings.by_uid(conn, uid)
    assert meeting is not None
    return meeting


def _against(played: Rehearsal) -> list[Problem]:
    rows = status(played.app, played.app.clock()).pairs
    return [
        Problem(f"{r.pair.employee} with {r.pair.manager}", r.problem) for r in rows if r.problem
    ]
