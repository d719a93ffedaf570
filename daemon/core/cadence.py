"""Who needs a meeting: product rules 1, 2, 3, 8, 9 and 10.

All counting is in calendar days of the employee's zone from the day a meeting was *held*.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from daemon.core import windows
from daemon.core.clash import chosen
from daemon.core.days import ONE_DAY, Closed, add_working_days, at_wall, today
from daemon.core.domain import (
    Because,
    Cadence,
    Due,
    Evidence,
    History,
    Kind,
    Meeting,
    Person,
    Reason,
    State,
    Window,
)

FAR_AHEAD = 130
"""Days ahead after which nothing is booked yet: nobody keeps a calendar that long."""


def over(meeting: Meeting, now: datetime) -> bool:
    """Tell whether it was held, or is presumed so because its time has passed."""
    if meeting.state is State.HELD:
        return True
    return meeting.state is State.BOOKED and meeting.end <= now


def last_held(history: History, now: datetime) -> Meeting | None:
    """The latest meeting of the present cycle that took place (or is presumed to have). A talk
    about a missing tick starts the clock only once the two agree (product rule 9). One that was
    booked in this cycle counts, also where they say that they met before it began."""
    floor = max(history.since, history.restart_from or history.since)
    kinds = set(Kind) if not history.accord.open else {Kind.FIRST, Kind.FOLLOW_UP}
    theirs = (m for m in history.meetings if m.kind in kinds and over(m, now))
    held = [m for m in theirs if m.day >= floor or m.planned_on >= floor]
    return max(held, key=lambda m: (m.day, m.start), default=None)


def booked(history: History, now: datetime, *, alignment: bool = False) -> Meeting | None:
    """The next meeting that stands and is not over: of the cycle, or of alignment."""
    ahead = [
        m
        for m in history.meetings
        if m.state is State.BOOKED and m.end > now and (m.kind is Kind.ALIGNMENT) is alignment
    ]
    return min(ahead, key=lambda m: m.start, default=None)


def fallen(history: History, *, alignment: bool = False) -> Meeting | None:
    """The latest try of a number that did not take place, if that number still needs one."""
    track = [m for m in history.meetings if (m.kind is Kind.ALIGNMENT) is alignment]
    newest = max(track, key=lambda m: (m.number, m.generation), default=None)
    if newest is None or newest.state not in (State.CANCELLED, State.MISSED):
        return None
    return newest


def window(
    history: History,
    employee: Person,
    manager: Person,
    cadence: Cadence,
    now: datetime,
) -> tuple[Kind, Window]:
    """What the next meeting of the cycle is, and when it may start.

    A window that has passed keeps its ends; only its first day moves up to today, so that
    everything still found lies after `latest` and is marked late.
    """
    base = last_held(history, now)
    if base is None:
        return Kind.FIRST, windows.first(history, employee, manager, cadence, now)
    absence = windows.long_absence(base.day, employee, manager, cadence)
    if absence is not None:
        back = absence.last + ONE_DAY
        span = timedelta(days=cadence.first_within_days)
        return Kind.FIRST, windows.spread(back, back + span, history.pair, cadence, employee, now)
    return Kind.FOLLOW_UP, windows.follow_up(base.day, employee, manager, cadence, now)


def due(
    history: History,
    employee: Person,
    manager: Person,
    cadence: Cadence,
    now: datetime,
) -> Due | None:
    """Tell which meeting of the cycle has to be placed or moved now; None: nothing to do."""
    if history.ended is not None or paused(history, employee, now):
        return None
    kind, span = window(history, employee, manager, cadence, now)
    stands = booked(history, now)
    if stands is not None:
        return _window_moved(history, stands, kind, span, employee, cadence, now)
    last_try = fallen(history)
    if last_try is not None and last_try.moves > cadence.max_moves:
        return None
    if span.earliest > today(now, employee.zone) + timedelta(days=FAR_AHEAD):
        return None
    number, generation = _next_identity(history, last_try)
    asked = Due(
        pair=history.pair,
        kind=kind,
        number=number,
        generation=generation,
        minutes=minutes(kind, cadence),
        window=span,
        preferred_minute=_same_time_as(last_held(history, now), employee.zone),
        not_at=last_try.refused if last_try else (),
        not_before=now + timedelta(hours=cadence.notice_hours),
        reason=last_try.reason if last_try else Reason(Because.DUE),
    )
    return _sooner(asked) if last_try and last_try.state is State.MISSED else asked


def alignment_due(
    history: History, employee: Person, cadence: Cadence, closed: Closed, now: datetime
) -> Due | None:
    """Tell whether a shared statement still lacks a tick one working day after the last record,
    and a talk about it has to be booked (product rule 9).

    After such a talk there is something further to align only once somebody recorded or ticked
    anew; and no two of them lie within `alignment_within_days` working days.
    """
    accord = history.accord
    if not accord.open or accord.saved_at is None or history.ended is not None:
        return None
    if paused(history, employee, now) or booked(history, now, alignment=True):
        return None
    last_try = fallen(history, alignment=True)
    if last_try is not None and last_try.moves > cadence.max_moves:
        return None
    zone = employee.zone
    anchor = today(accord.saved_at, zone)
    if now < at_wall(add_working_days(employee, anchor, 1, closed), 0, zone):
        return None
    talk = _last_alignment(history, now)
    if talk is not None:
        if accord.saved_at < min(talk.start, talk.over_at):
            return None
        gap = cadence.alignment_within_days
        anchor = max(anchor, add_working_days(employee, talk.day, gap, closed) - ONE_DAY)
    latest = add_working_days(employee, anchor, cadence.alignment_within_days, closed)
    number, generation = _next_identity(history, last_try)
    first = max(today(now, zone), anchor + ONE_DAY)
    return Due(
        pair=history.pair,
        kind=Kind.ALIGNMENT,
        number=number,
        generation=generation,
        minutes=cadence.alignment_minutes,
        window=windows.bounded(first, latest, first, cadence, today(now, zone)),
        preferred_minute=_same_time_as(last_held(history, now), zone),
        not_at=last_try.refused if last_try else (),
        not_before=now + timedelta(hours=cadence.notice_hours),
    )


def _last_alignment(history: History, now: datetime) -> Meeting | None:
    talks = [m for m in history.meetings if m.kind is Kind.ALIGNMENT and over(m, now)]
    return max(talks, key=lambda m: m.start, default=None)


def aligned(history: History, cadence: Cadence, now: datetime) -> Meeting | None:
    """Name the booked talk about a missing tick that nobody needs any more: none is missing.
    One inside the freeze, or at a time a person chose, stays."""
    stands = booked(history, now, alignment=True)
    if stands is None or history.accord.open or chosen(stands):
        return None
    return stands if stands.start - now >= timedelta(hours=cadence.freeze_hours) else None


def move(
    history: History,
    meeting: Meeting,
    reason: Reason,
    employee: Person,
    manager: Person,
    cadence: Cadence,
    closed: Closed,
    now: datetime,
) -> Due:
    """Ask for another time of a booked meeting: as near to its day as its window allows."""
    without = replace(history, meetings=tuple(m for m in history.meetings if m.uid != meeting.uid))
    if meeting.kind is Kind.ALIGNMENT:
        latest = add_working_days(employee, meeting.day, cadence.alignment_within_days, closed)
        day = today(now, employee.zone)
        span = windows.bounded(day, latest, meeting.day, cadence, day)
    else:
        _, span = window(without, employee, manager, cadence, now)
        near = min(max(meeting.day, span.earliest), max(span.earliest, span.latest))
        span = replace(span, preferred=near)
    return Due(
        pair=meeting.pair,
        kind=meeting.kind,
        number=meeting.number,
        generation=meeting.generation,
        minutes=minutes(meeting.kind, cadence),
        window=span,
        preferred_minute=_same_time_as(meeting, employee.zone),
        not_at=meeting.refused,
        not_before=now + timedelta(hours=cadence.notice_hours),
        replaces=meeting,
        reason=reason,
    )


def minutes(kind: Kind, cadence: Cadence) -> int:
    """How long a meeting of this kind is."""
    lengths = {
        Kind.FIRST: cadence.first_minutes,
        Kind.FOLLOW_UP: cadence.follow_up_minutes,
        Kind.ALIGNMENT: cadence.alignment_minutes,
    }
    return lengths[kind]


def paused(history: History, employee: Person, now: datetime) -> bool:
    """Tell whether the pair rests today."""
    until = history.paused_until
    return until is not None and today(now, employee.zone) <= until


def _next_identity(history: History, last_try: Meeting | None) -> tuple[int, int]:
    if last_try is not None:
        return last_try.number, last_try.generation + 1
    return max((m.number for m in history.meetings), default=history.spent) + 1, 0


def _same_time_as(meeting: Meeting | None, zone: ZoneInfo) -> int | None:
    if meeting is None:
        return None
    wall = meeting.start.astimezone(ZoneInfo(meeting.zone) if meeting.zone else zone)
    return wall.hour * 60 + wall.minute


def _sooner(asked: Due) -> Due:
    """After a talk that did not happen the first possible day is the best one."""
    return replace(asked, window=replace(asked.window, preferred=asked.window.earliest))


def _window_moved(
    history: History,
    stands: Meeting,
    kind: Kind,
    span: Window,
    employee: Person,
    cadence: Cadence,
    now: datetime,
) -> Due | None:
    """A booked meeting follows when the held date behind it changed; a person's own choice and a
    time inside the freeze stay. Who just said that they met on another day meets no sooner for
    having booked it before: such a talk moves inside the freeze, too."""
    inside = span.earliest <= stands.day <= span.latest
    early = stands.day < span.earliest
    earlier = span.earliest <= today(now, employee.zone)
    if stands.kind is kind and (inside or (stands.late and not early) or chosen(stands)):
        return None
    frozen = stands.start - now < timedelta(hours=cadence.freeze_hours)
    told = early and stands.start > now and _told_another_day(last_held(history, now))
    if frozen and not told:
        return None
    asked = Due(
        pair=history.pair,
        kind=kind,
        number=stands.number,
        generation=stands.generation,
        minutes=minutes(kind, cadence),
        window=span,
        preferred_minute=_same_time_as(stands, employee.zone),
        not_at=stands.refused,
        not_before=now + timedelta(hours=cadence.notice_hours),
        replaces=stands,
        reason=_why_window_moved(history, now),
    )
    return _sooner(asked) if earlier else asked


def _told_another_day(base: Meeting | None) -> bool:
    if base is None or base.evidence in (None, Evidence.INFERRED):
        return False
    return base.day != base.planned_on


def _why_window_moved(history: History, now: datetime) -> Reason:
    base = last_held(history, now)
    if any(
        m.state is State.MISSED and (base is None or m.day > base.day) for m in history.meetings
    ):
        return Reason(Because.NOT_HELD)
    if base is not None and base.kind is Kind.ALIGNMENT:
        return Reason(Because.AGREED_LATER)
    return Reason(Because.MET_ANOTHER_DAY)
