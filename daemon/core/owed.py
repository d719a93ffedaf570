"""Which letters are owed this very moment: decided from the state, never queued ahead.

Never more than four letters to one person for one meeting: those still to come keep their place
(`_room`), so that a summary is never crowded out by a reminder.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from daemon.core.days import ONE_DAY, Closed, add_working_days, at_wall, previous_working_day, today
from daemon.core.domain import Cadence, Email, Letter, LetterKind, Meeting, Person, State, Talk

EIGHT = 8 * 60
MOST = 4
SUMMARY_DAYS = 14
"""A summary without a record is of no use later than this after the talk."""

REMINDER = 1
"""The revision of the `record` letter's one reminder: on the next working day, or as soon as the
manager asks the employee to record."""


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
    return tuple(sorted(x for x in wanted if x.due <= case.now and not _was(case, x)))


def coming(case: Case) -> tuple[Letter, ...]:
    """Tell which letters will fall due before the talk if nothing changes, for a preview."""
    letters = [x for x in _before(case) if x.due > case.now and not _was(case, x)]
    return tuple(sorted(letters))


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
    meeting = case.meeting
    if meeting.moved_from is None or meeting.moved_at is None:
        return
    for person, opening in ((case.employee, LetterKind.PREP), (case.manager, LetterKind.BRIEF)):
        record = person is case.employee or case.cadence.record_both
        if _room(case, person, 1 + record + _not_yet(case, opening)):
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
    given_up = case.meeting.over_at + timedelta(days=case.cadence.inferred_after_days)
    if case.now < given_up:
        yield from _records(case)
    elif case.now < case.meeting.over_at + timedelta(days=SUMMARY_DAYS):
        yield from _summaries(case, 0, given_up)


def _records(case: Case) -> Iterable[Letter]:
    people = [case.employee, *([case.manager] if case.cadence.record_both else [])]
    for person in people:
        yield _letter(case, LetterKind.RECORD, person, case.meeting.over_at)
    mine = (x for x in case.sent if x.kind is LetterKind.RECORD and x.to == case.employee.email)
    first = next((x.at for x in mine if x.done), None)
    if first is not None and _room(case, case.employee, 1):
        reminder = _reminder(case, first)
        if reminder is not None:
            yield _letter(case, LetterKind.RECORD, case.employee, reminder, REMINDER)


def _reminder(case: Case, first: datetime) -> datetime | None:
    """When the letter of `first` is repeated: the next working day, or once the manager asks."""
    over = today(case.meeting.over_at, case.employee.zone)
    day = add_working_days(case.employee, over, 1, case.closed)
    morning = at_wall(day, EIGHT, case.employee.zone)
    asked = case.talk.asked_at
    if asked is not None and asked >= first:
        return min(asked, morning) if first < morning else asked
    return morning if first < morning else None


def _summaries(case: Case, revision: int, due: datetime) -> Iterable[Letter]:
    for person in (case.employee, case.manager):
        if _room(case, person, 0):
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


def _not_yet(case: Case, kind: LetterKind) -> int:
    return 0 if any(x.kind is kind for x in case.sent) else 1


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
