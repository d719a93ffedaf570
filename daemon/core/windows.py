"""The days a meeting may start on, in calendar days of the employee's zone: windows and what long
leaves make of them."""

import hashlib
from datetime import date, datetime, timedelta

from daemon.core.days import ONE_DAY, today
from daemon.core.domain import Cadence, History, Leave, Pair, Person, Window


def first(
    history: History, employee: Person, manager: Person, cadence: Cadence, now: datetime
) -> Window:
    """When a first meeting may start: from the pair's beginning, or the first day of either."""
    starts = [history.since, history.restart_from, employee.start_date, manager.start_date]
    start = _after_long_leave(max(d for d in starts if d is not None), employee, manager, cadence)
    last = start + timedelta(days=cadence.first_within_days)
    return spread(start, last, history.pair, cadence, employee, now)


def follow_up(
    held: date, employee: Person, manager: Person, cadence: Cadence, now: datetime
) -> Window:
    """When the next meeting may start, counted from the day the last one was held."""
    earliest, latest, preferred = (
        _counted(held, days, employee, manager, cadence)
        for days in (cadence.min_days, cadence.max_days, cadence.preferred_days)
    )
    return bounded(earliest, latest, preferred, cadence, today(now, employee.zone))


def _counted(day: date, days: int, employee: Person, manager: Person, cadence: Cadence) -> date:
    """`days` after `day`, not counting the days of a long leave of either."""
    long = [x for x in (*employee.leave, *manager.leave) if _days(x) > cadence.long_leave_days]
    while days:
        day += ONE_DAY
        days -= not any(leave.first <= day <= leave.last for leave in long)
    return day


def long_absence(since: date, employee: Person, manager: Person, cadence: Cadence) -> Leave | None:
    """The leave of either since the last meeting that is long enough to start afresh after it."""
    absences = (
        leave
        for leave in (*employee.leave, *manager.leave)
        if leave.last > since
        and _days(leave) > cadence.restart_after_days
        and leave.first <= since + timedelta(days=cadence.min_days)
    )
    return max(absences, key=lambda leave: leave.last, default=None)


def _after_long_leave(day: date, employee: Person, manager: Person, cadence: Cadence) -> date:
    long = [x for x in (*employee.leave, *manager.leave) if _days(x) > cadence.long_leave_days]
    for leave in sorted(long):
        if leave.first <= day + timedelta(days=cadence.first_within_days) and leave.last >= day:
            day = leave.last + ONE_DAY
    return day


def _days(leave: Leave) -> int:
    return (leave.last - leave.first).days + 1


def spread(
    start: date, last: date, pair: Pair, cadence: Cadence, employee: Person, now: datetime
) -> Window:
    """A window whose preferred day is the pair's own, so that a company does not meet at once;
    one that leaves time to prepare, where the window is long enough."""
    digest = hashlib.sha256(f"{pair.employee}\n{pair.manager}".encode()).digest()
    length = (last - start).days
    lead = max(1, min(cadence.prep_days, length))
    wish = start + timedelta(
        days=lead + int.from_bytes(digest[:4], "big") % max(1, length - lead + 1)
    )
    return bounded(start, last, wish, cadence, today(now, employee.zone))


def bounded(earliest: date, latest: date, preferred: date, cadence: Cadence, day: date) -> Window:
    """A window as it stands on a day: nothing of it is earlier, its late days come after."""
    late_until = max(latest, day) + timedelta(days=cadence.late_days)
    earliest = max(earliest, day)
    return Window(earliest, latest, max(preferred, earliest), late_until)
