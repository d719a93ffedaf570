"""What is asked of the planner in turn: what would be better first, the plain thing last."""

from dataclasses import replace
from datetime import datetime, timedelta

from daemon.core.days import Closed, add_working_days, at_wall, today, whole_day
from daemon.core.domain import Because, Cadence, Due, Interval, Kind, Person


def wishes(
    asked: Due,
    employee: Person,
    cadence: Cadence,
    closed: Closed,
    now: datetime,
    proposed: Interval | None = None,
) -> tuple[Due, ...]:
    """Ask for what is better first, and for the plain thing last: another day than one somebody
    refused (but for a time they `proposed` instead), and time enough to prepare."""
    zone = employee.zone
    refused = {today(one.start, zone) for one in asked.not_at}
    refused -= {today(proposed.start, zone)} if proposed else set()
    elsewhere = (*asked.not_at, *(whole_day(day, zone) for day in sorted(refused)))
    unhurried = _time_to_prepare(asked, employee, cadence, closed, now)
    earliest = max(unhurried, asked.not_before or now)
    other_day = replace(asked, not_at=elsewhere)
    steps = (replace(other_day, not_before=earliest), other_day, asked)
    return tuple(one for n, one in enumerate(steps) if one not in steps[n + 1 :])


def _time_to_prepare(
    asked: Due, employee: Person, cadence: Cadence, closed: Closed, now: datetime
) -> datetime:
    """From when on a talk leaves the employee their time: a first one the days the preparation
    comes ahead, since it was first booked; one about a tick, or in the place of one that did not
    happen, a whole working day."""
    day = today(now, employee.zone)
    if asked.kind is Kind.ALIGNMENT or asked.reason.because is Because.NOT_HELD:
        day = add_working_days(employee, day, 2, closed)
    elif asked.kind is Kind.FIRST:
        known = asked.replaces.booked_at if asked.replaces else None
        day = today(known or now, employee.zone) + timedelta(days=cadence.prep_days)
    return at_wall(day, 0, employee.zone)
