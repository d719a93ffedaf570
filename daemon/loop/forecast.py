"""What the next turns would book and send: the same turns, rehearsed. Changes nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from daemon.core.domain import (
    Email,
    Interval,
    Invite,
    Kind,
    LetterKind,
    Meeting,
    Pair,
    Problem,
    Uid,
)
from daemon.loop import problems
from daemon.loop.rehearsal import Rehearsal, rehearse
from daemon.loop.standing import status
from daemon.loop.turn import run_turn
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


def plan(app: App, now: datetime, days: int = 0) -> Plan:
    """Rehearse the turn of this moment and one more a day for `days` days."""
    played = rehearse(app, Interval(now, now + timedelta(days=days)))
    try:
        letters: list[Posting] = []
        found: list[Problem] = []
        for day in range(days + 1):
            before = len(played.mail.mails)
            moment = now + timedelta(days=day)
            report = run_turn(played.app, moment)
            if day == 0:
                found += report.problems
            letters += [_posting(played, m.key, moment) for m in played.mail.mails[before:]]
        found += _against(played)
        return Plan(
            bookings=tuple(_booking(played, x) for x in played.calendar.puts),
            withdrawals=tuple(_booking(played, x) for x in played.calendar.cancels),
            letters=tuple(letters),
            problems=tuple(found),
        )
    finally:
        played.close()


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
