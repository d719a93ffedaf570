"""The words: every noun of careloop as a frozen dataclass. Times are aware UTC, half-open."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NewType
from zoneinfo import ZoneInfo

Email = NewType("Email", str)
"""A mail address in lower case: the key of a person."""

Uid = NewType("Uid", str)
"""The iCalendar UID of one meeting in one generation (RFC 5545 section 3.8.4.7)."""

Key = NewType("Key", str)
"""The name of one effect on the world; equal keys are one effect, however often it is tried."""


def email(text: str) -> Email:
    """Make an address the key it is: trimmed, without `mailto:`, case-insensitive."""
    return Email(text.strip().removeprefix("mailto:").removeprefix("MAILTO:").lower())


# --- time -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A half-open stretch of time `[start, end)`, aware UTC."""

    start: datetime
    end: datetime

    def overlaps(self, other: "Interval") -> bool:
        """Tell whether the two share an instant; touching ends do not."""
        return self.start < other.end and other.start < self.end

    def widened(self, by: timedelta) -> "Interval":
        """The same interval with `by` more on both sides."""
        return Interval(self.start - by, self.end + by)


@dataclass(frozen=True, slots=True)
class Hours:
    """Working hours on the wall clock: per weekday (Monday first, seven of them) the ranges in
    minutes after midnight, half-open, at most 1440."""

    days: tuple[tuple[tuple[int, int], ...], ...]


OFFICE_HOURS = Hours(((((9 * 60), 17 * 60),),) * 5 + ((), ()))
"""Monday to Friday, nine to five: what a person works when nobody said otherwise."""


@dataclass(frozen=True, slots=True, order=True)
class Leave:
    """An absence in whole days, both ends included."""

    first: date
    last: date


# --- people ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody on the roster, with every default already filled in.

    `stated` names the fields the roster itself gave; for the others a calendar may know better
    (`Availability.hours`, `Availability.zone`).
    """

    email: Email
    name: str
    manager: Email | None = None
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    hours: Hours = OFFICE_HOURS
    country: str = ""
    language: str = "en"
    start_date: date | None = None
    leave: tuple[Leave, ...] = ()
    role: str = ""
    unit: str = ""
    calendar_url: str = ""
    stated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """An employee and their manager: who talks with whom. The employee leads."""

    employee: Email
    manager: Email


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a person has to mend: where it is, what is wrong, and the cure."""

    where: str
    what: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Roster:
    """What a directory answered: the people it could read and the problems it met."""

    people: tuple[Person, ...]
    problems: tuple[Problem, ...] = ()
    refused: frozenset[Email] = frozenset()
    """Who stands there, but whose entry could not be used: no leavers; their last good entry
    holds. Some are among `people` too, without the manager that was wrong."""


# --- the rules' figures ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cadence:
    """The figures of the cycle (product rules 1 to 11). Days are calendar days."""

    first_minutes: int = 60
    follow_up_minutes: int = 20
    alignment_minutes: int = 20
    min_days: int = 30
    max_days: int = 45
    preferred_days: int = 35
    first_within_days: int = 14
    late_days: int = 10
    buffer_minutes: int = 5
    max_per_day: int = 4
    max_per_week: int = 12
    max_moves: int = 3
    freeze_hours: int = 24
    notice_hours: int = 24
    prep_days: int = 5
    inferred_after_days: int = 3
    alignment_within_days: int = 10
    long_leave_days: int = 14
    restart_after_days: int = 45
    record_both: bool = False


# --- meetings -------------------------------------------------------------------------------


class Kind(StrEnum):
    """What a meeting is for."""

    FIRST = "first"
    """The hour that opens the cycle of a pair."""
    FOLLOW_UP = "follow_up"
    """The short talk every 30 to 45 days."""
    ALIGNMENT = "alignment"
    """A short talk because a shared statement lacks a tick."""


class State(StrEnum):
    """Where a meeting stands."""

    BOOKED = "booked"
    """It stands in both calendars, or is on its way there; it may be over and not yet attested."""
    HELD = "held"
    """It took place: attested by a person or, after three days, inferred."""
    MISSED = "missed"
    """Somebody said that it did not happen."""
    CANCELLED = "cancelled"
    """It will not take place in this generation."""


class Evidence(StrEnum):
    """How we know that a meeting was held."""

    INFERRED = "inferred"
    EMPLOYEE = "employee"
    MANAGER = "manager"
    ATTESTED = "attested"
    """Both said so."""


class Reply(StrEnum):
    """An attendee's answer (PARTSTAT, RFC 5545 section 3.2.12)."""

    NEEDS_ACTION = "NEEDS-ACTION"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    TENTATIVE = "TENTATIVE"


class Because(StrEnum):
    """Why something was decided; the words for it are found in templates and problems."""

    DUE = "due"
    CONFLICT = "conflict"
    LEAVE = "leave"
    HOURS = "hours"
    """Outside the working hours of one of the two, as they are today."""
    DECLINED = "declined"
    DELETED = "deleted"
    MOVED_BY_PERSON = "moved_by_person"
    WISH = "wish"
    NOT_HELD = "not_held"
    AGREED_LATER = "agreed_later"
    MET_ANOTHER_DAY = "met_another_day"
    MET_BEFORE = "met_before"
    """The two met before the time that was booked; `at` tells when that was said."""
    NEW_MANAGER = "new_manager"
    LEFT = "left"
    PAUSED = "paused"
    RETURNED = "returned"
    NO_SLOT = "no_slot"
    UNKNOWN_CALENDAR = "unknown_calendar"
    TOO_MANY_MOVES = "too_many_moves"
    OUTSIDE_WINDOW = "outside_window"
    NOTICE = "notice"
    SERVICE_STOPPED = "service_stopped"
    AWAY = "away"
    REFUSED_BY_CALENDAR = "refused_by_calendar"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, as a code and its figures (all text, JSON-safe)."""

    because: Because
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Meeting:
    """One performance connection of a pair, one calendar event, never a series."""

    uid: Uid
    pair: Pair
    number: int
    generation: int
    kind: Kind
    start: datetime
    end: datetime
    zone: str
    """The employee's IANA zone when it was booked: the wall clock that is kept."""
    state: State = State.BOOKED
    sequence: int = 0
    moves: int = 0
    """How often this number needed another slot because a person declined or deleted it."""
    refused: tuple[Interval, ...] = ()
    """Times people said no to; never offered again for this number."""
    late: bool = False
    reason: Reason = Reason(Because.DUE)
    """Why it stands where it stands (booked late, moved) or why it fell."""
    booked_at: datetime | None = None
    moved_from: datetime | None = None
    """The start before careloop's last move; None after a person's own move."""
    moved_at: datetime | None = None
    held_on: date | None = None
    evidence: Evidence | None = None
    replies: Mapping[Email, Reply] = field(default_factory=dict)

    @property
    def when(self) -> Interval:
        """The time it takes."""
        return Interval(self.start, self.end)

    @property
    def day(self) -> date:
        """The day it is on, or was held on, in the employee's zone."""
        return self.held_on or self.planned_on

    @property
    def planned_on(self) -> date:
        """The day it is booked on, in the employee's zone."""
        return self.start.astimezone(ZoneInfo(self.zone)).date()

    @property
    def over_at(self) -> datetime:
        """When it was over: as booked, or when somebody said that they had met before."""
        if self.state is State.HELD and self.reason.because is Because.MET_BEFORE:
            return datetime.fromisoformat(self.reason.facts["at"])
        return self.end


def uid_of(pair: Pair, number: int, generation: int) -> Uid:
    """Derive the event's identity; the part before the `@` is also a valid Google event id
    (base32hex in lower case, Calendar API v3 events.insert)."""
    said = f"{pair.employee}\n{pair.manager}\n{number}\n{generation}".encode()
    digest = base64.b32hexencode(hashlib.sha256(said).digest()[:20]).decode().lower()
    return Uid(f"{digest}@careloop")


@dataclass(frozen=True, slots=True)
class Window:
    """When a meeting may start: days in the employee's zone, both ends included."""

    earliest: date
    latest: date
    preferred: date
    late_until: date
    """The last day that is still taken, marked late."""


@dataclass(frozen=True, slots=True)
class Due:
    """A meeting somebody has to find a time for: what cadence asks of the planner."""

    pair: Pair
    kind: Kind
    number: int
    generation: int
    minutes: int
    window: Window
    preferred_minute: int | None = None
    """Wall-clock minute of the day in the employee's zone (as last time); None: no wish."""
    not_at: tuple[Interval, ...] = ()
    """Times people refused, and never again."""
    not_before: datetime | None = None
    """Nothing starts before this instant (notice, freeze)."""
    replaces: Meeting | None = None
    """The booked meeting that has to move; its own time does not stand in the way."""
    reason: Reason = Reason(Because.DUE)


@dataclass(frozen=True, slots=True)
class Slot:
    """The planner's answer: where a due meeting falls."""

    due: Due
    start: datetime
    end: datetime
    late: bool = False


@dataclass(frozen=True, slots=True)
class NoSlot:
    """The planner's other answer: nothing fits. `left` counts the candidate starts that remained
    after each rule, in the order the rules were applied; `unknown` names unreadable calendars."""

    due: Due
    left: tuple[tuple[str, int], ...] = ()
    unknown: tuple[Email, ...] = ()


# --- what a pair has been through -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Accord:
    """How far a pair agrees, in figures only: no word of what was said."""

    statements: int = 0
    open: int = 0
    """Shared statements that lack a tick and on which the two did not agree to differ."""
    saved_at: datetime | None = None
    """When a record of this pair was last saved."""


@dataclass(frozen=True, slots=True)
class Talk:
    """What is known of one meeting's conversation, in figures only."""

    prepared: bool = False
    """Something was filled in on the preparation page."""
    revision: int = 0
    """How often the record was saved; 0: nothing recorded."""
    saved_at: datetime | None = None
    asked_at: datetime | None = None
    """When the manager asked the employee to record, if they did."""


@dataclass(frozen=True, slots=True)
class History:
    """All that has happened to a pair, oldest meeting first."""

    pair: Pair
    since: date
    """The day the pair appeared, in the employee's zone."""
    ended: date | None = None
    paused_until: date | None = None
    """Nothing is booked to start on or before this day; `date.max`: until resumed."""
    restart_from: date | None = None
    """A return from a long absence: the cycle starts again with a first meeting."""
    spent: int = 0
    """The last number of an earlier time of which nothing else is known: one of the two had been
    erased. An event's identity is not used twice."""
    meetings: tuple[Meeting, ...] = ()
    accord: Accord = Accord()
    talks: Mapping[Uid, Talk] = field(default_factory=dict)


# --- actions --------------------------------------------------------------------------------


class Owner(StrEnum):
    """Whose action it is."""

    EMPLOYEE = "employee"
    MANAGER = "manager"
    SPHERE = "sphere"
    """Somebody in the employee's sphere of influence: a team member, coach or mentor."""


class ResourceKind(StrEnum):
    """What an action may need."""

    NOTHING = "nothing"
    PEOPLE = "people"
    PROCESS = "process"
    TECHNOLOGY = "technology"
    TRAINING = "training"


class Progress(StrEnum):
    """Where an action stands."""

    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Action:
    """Something agreed to be done: by whom, until when, and what it needs."""

    id: str
    what: str
    owner: Owner
    due: date
    needs: ResourceKind
    resource: str = ""
    """What exactly is needed and who provides it; empty when nothing is."""
    helper_name: str = ""
    helper_email: Email | None = None
    progress: Progress = Progress.OPEN
    note: str = ""
    """Why it was dropped, or what came of it."""


# --- effects on the world -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody named in an invite."""

    email: Email
    name: str


@dataclass(frozen=True, slots=True)
class Invite:
    """A meeting as the calendars should show it. Frozen before the first attempt: the same
    (uid, sequence) is always the same content."""

    uid: Uid
    sequence: int
    organizer: Party
    attendees: tuple[Party, ...]
    """The employee (who is also the organizer) first, then the manager."""
    start: datetime
    end: datetime
    zone: str
    summary: str
    description: str
    stamp: datetime
    """DTSTAMP: fixed with the revision, so that a repeat has the same bytes."""
    before: Interval | None = None
    """The time we last knew it to have; None: it is new. Found at any third time: a person moved
    it meanwhile, and wins."""
    url: str = ""
    comment: str = ""
    """For a cancellation: one neutral line."""
    pair: Pair | None = None
    number: int = 0
    generation: int = 0
    fresh: bool = False
    """No earlier attempt, also none from before a restore, can have reached the calendar: nothing
    has to be looked for before it is created. Not part of the content."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What the calendars say of a meeting today."""

    present: bool
    """False: it was deleted or cancelled by a person; believed only after a second look."""
    start: datetime | None = None
    end: datetime | None = None
    replies: Mapping[Email, Reply] = field(default_factory=dict)
    proposed: Interval | None = None
    """Another time an attendee proposed (iTIP COUNTER, Graph proposedNewTime)."""
    by: Email | None = None
    """Who changed it, where the calendar tells."""


@dataclass(frozen=True, slots=True)
class Availability:
    """When a person is busy within the asked span, merged and sorted; and what their calendar
    says of their zone and hours, where it says something."""

    busy: tuple[Interval, ...]
    zone: ZoneInfo | None = None
    hours: Hours | None = None


class LetterKind(StrEnum):
    """A mail to one person about one meeting."""

    PREP = "prep"
    NUDGE = "nudge"
    BRIEF = "brief"
    RECORD = "record"
    SUMMARY = "summary"
    OVERDUE = "overdue"
    MOVED = "moved"
    HELPER = "helper"
    """To somebody in the sphere of influence: one action or a few questions."""
    SIGN_IN = "sign_in"
    """To a member of the people team: a link that opens the overview once."""


@dataclass(frozen=True, slots=True, order=True)
class Letter:
    """A letter that is owed: who, what, about which meeting, in which revision, since when."""

    due: datetime
    kind: LetterKind
    to: Email
    uid: Uid
    revision: int = 0

    @property
    def key(self) -> Key:
        """One letter has one name, whenever and however often it is tried."""
        return Key(f"letter:{self.kind}:{self.uid}:{self.to}:{self.revision}")


@dataclass(frozen=True, slots=True)
class Mail:
    """The finished bytes of a letter (RFC 5322, CRLF) on their way to one person."""

    key: Key
    sender: Email
    to: Email
    message_id: str
    content: bytes
