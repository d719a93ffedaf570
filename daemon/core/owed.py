"""Which letters are owed this very moment: decided from the state, never queued ahead.

Never more than four letters to one person for one meeting. A changed time outranks all others, so
that nobody is left with a time that is no longer true; what it costs is given up in this order: the
nudge, the summary of what nobody recorded, the reminder of `record`, the summary.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from daemon.core.days import ONE_DAY, Closed, add_working_days, at_wall, previous_working_day, today
from daemon.core.domain import (
    Cadence,
    Email,
    Letter,
    LetterKind,
    Meeting,
    Person,
    State,
    Talk,
)

EIGHT = 8 * 60
MOST = 4
SUMMARY_DAYS = 14
"""A summary without a record is of no use later than this after the talk."""

REMINDER = 1
"""The revision of the `record` letter's one reminder: on a working morning a day later, or as soon
as the manager asks the employee to record."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A letter of the ledger: it went out, or it was given up for a reason."""

    kind: LetterKind
    to: Email
    revision: int
    at: datetime
    done: bool = True
    """False: it lapsed or failed; it is not tried again, and counts for no limit."""


@dataclass(frozen=True, slots=True)
class Case:
    """All that the letters about one meeting depend on."""

    meeting: Meeting
    talk: Talk
    sent: Sequence[Sent]
    employee: Person
    manager: Person
    cadence: Cadence
    closed: Closed
    now: datetime


def owed(case: Case) -> tuple[Letter, ...]:
    """Tell which letters about this meeting have to go out now, the oldest debt first."""
    if case.meeting.state not in (State.BOOKED, State.HELD):
        return ()
    before = case.meeting.state is State.BOOKED and case.now < case.meeting.start
    after = case.now >= case.meeting.end or case.meeting.state is State.HELD
    wanted = [*(_before(case) if before else ()), *(_after(case) if after else ())]
    now = [x for x in wanted if x.due <= case.now and not _was(case, x)]
    return tuple(sorted(_within_the_cap(case, now)))


def coming(case: Case) -> tuple[Letter, ...]:
    """Tell which letters will fall due before the talk if nothing changes, for a preview."""
    letters = [x for x in _before(case) if x.due > case.now and not _was(case, x)]
    return tuple(sorted(letters))


def _within_the_cap(case: Case, letters: Iterable[Letter]) -> Iterable[Letter]:
    """As many as each person may still get, the weightiest first."""
    went = Counter(x.to for x in case.sent if x.done)
    for letter in letters:
        went[letter.to] += 1
        if went[letter.to] <= MOST:
            yield letter


def _before(case: Case) -> Iterable[Letter]:
    yield from _moved(case)
    yield prep(case)
    if _nudge_wanted(case):
        yield nudge(case)
    yield brief(case)


def prep(case: Case) -> Letter:
    """The preparation: some days before at eight in the employee's morning, or at booking."""
    day = _day(case, case.employee) - timedelta(days=case.cadence.prep_days)
    return _letter(case, LetterKind.PREP, case.employee, at_wall(day, EIGHT, case.employee.zone))


def nudge(case: Case) -> Letter:
    """A reminder to prepare: on the working day before at eight."""
    return _letter(case, LetterKind.NUDGE, case.employee, _eve(case, case.employee))


def brief(case: Case) -> Letter:
    """The manager's one page: on their working day before at eight."""
    return _letter(case, LetterKind.BRIEF, case.manager, _eve(case, case.manager))


def _moved(case: Case) -> Iterable[Letter]:
    """To both, when careloop moved it; where a person did, their calendar tells the other."""
    meeting = case.meeting
    if meeting.moved_from is None or meeting.moved_at is None:
        return
    for person in (case.employee, case.manager):
        yield _letter(case, LetterKind.MOVED, person, meeting.moved_at, meeting.sequence)


def _nudge_wanted(case: Case) -> bool:
    """Only to somebody who had time with the preparation and did not use it."""
    if case.talk.prepared or not _room(case, case.employee, 2):
        return False
    told = {(x.kind, x.to) for x in case.sent} | {(x.kind, x.to) for x in _moved(case)}
    if (LetterKind.MOVED, case.employee.email) in told:
        return False
    half_a_day = timedelta(hours=12)
    went = [x.at for x in case.sent if x.kind is LetterKind.PREP and x.done]
    return bool(went) and went[0] <= _eve(case, case.employee) - half_a_day


def _after(case: Case) -> Iterable[Letter]:
    if case.talk.revision:
        yield from _summaries(case, case.talk.revision, case.talk.saved_at or case.meeting.over_at)
        return
    given_up = _given_up(case)
    if case.now < given_up:
        yield from _records(case)
    elif case.now < case.meeting.over_at + timedelta(days=SUMMARY_DAYS):
        yield from _summaries(case, 0, given_up)


def _given_up(case: Case) -> datetime:
    """When a talk nobody spoke of is taken as held."""
    return case.meeting.over_at + timedelta(days=case.cadence.inferred_after_days)


def _records(case: Case) -> Iterable[Letter]:
    yield _letter(case, LetterKind.RECORD, case.employee, case.meeting.over_at)
    if case.cadence.record_both and _room(case, case.manager, 1):
        yield _letter(case, LetterKind.RECORD, case.manager, case.meeting.over_at)
    mine = (x for x in case.sent if x.kind is LetterKind.RECORD and x.to == case.employee.email)
    first = next((x.at for x in mine if x.done), None)
    if first is not None and _room(case, case.employee, 1):
        reminder = _reminder(case, first)
        if reminder is not None:
            yield _letter(case, LetterKind.RECORD, case.employee, reminder, REMINDER)


def _reminder(case: Case, first: datetime) -> datetime | None:
    """When the letter of `first` is repeated: on a working morning a day later (or a night, where
    that would be too late), or once the manager asks."""
    over = today(case.meeting.over_at, case.employee.zone)
    days = (add_working_days(case.employee, over, n, case.closed) for n in (1, 2))
    morning, later = (at_wall(day, EIGHT, case.employee.zone) for day in days)
    if morning - first < timedelta(days=1) and later < _given_up(case):
        morning = later
    asked = case.talk.asked_at
    if asked is not None and asked >= first:
        return min(asked, morning) if first < morning else asked
    return morning if first < morning else None


def _summaries(case: Case, revision: int, due: datetime) -> Iterable[Letter]:
    for person in (case.employee, case.manager):
        yield _letter(case, LetterKind.SUMMARY, person, due, revision)


def _letter(case: Case, kind: LetterKind, to: Person, due: datetime, revision: int = 0) -> Letter:
    known_since = case.meeting.booked_at or due
    return Letter(max(due, known_since), kind, to.email, case.meeting.uid, revision)


def _eve(case: Case, person: Person) -> datetime:
    day = previous_working_day(person, _day(case, person), case.closed)
    return at_wall(day, EIGHT, person.zone)


def _day(case: Case, person: Person) -> date:
    return case.meeting.start.astimezone(person.zone).date()


def _room(case: Case, person: Person, kept: int) -> bool:
    """Tell whether one more letter fits when `kept` places are needed for what matters more."""
    went = sum(1 for x in case.sent if x.to == person.email and x.done)
    return went + kept < MOST


def _was(case: Case, letter: Letter) -> bool:
    return any(
        (x.kind, x.to, x.revision) == (letter.kind, letter.to, letter.revision) for x in case.sent
    )


def overdue(uid_letter: Letter, sent: Sequence[Sent], now: datetime) -> bool:
    """Tell whether the one letter about a closed window is still to be sent."""
    known = any(x.kind is LetterKind.OVERDUE for x in sent)
    return uid_letter.due <= now and not known


def overdue_from(latest: date, zone_of: Person) -> datetime:
    """The morning after a window closed without a meeting."""
    return at_wall(latest + ONE_DAY, EIGHT, zone_of.zone)
