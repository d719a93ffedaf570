"""Calendar days on a person's wall clock: today, working days, a local time as an instant."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from daemon.core.domain import Interval, Leave, Person
from daemon.core.intervals import instant, local_day

ONE_DAY = timedelta(days=1)

Closed = Mapping[str, Collection[date]]
"""Public holidays and closed days by country code."""


def today(now: datetime, zone: ZoneInfo) -> date:
    """The day it is where the person is."""
    return local_day(zone, now)


def at_wall(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """The instant of a wall-clock minute of a day, as `intervals.instant` has it."""
    return instant(zone, day, minute)


def whole_day(day: date, zone: ZoneInfo) -> Interval:
    """A local day from midnight to midnight."""
    return Interval(at_wall(day, 0, zone), at_wall(day + ONE_DAY, 0, zone))


def away(person: Person, day: date) -> Leave | None:
    """The leave that covers the day, if there is one."""
    return next((leave for leave in person.leave if leave.first <= day <= leave.last), None)


def works_on(person: Person, day: date, closed: Closed) -> bool:
    """Tell whether the person works on that day at all."""
    if not person.hours.days[day.weekday()] or day in closed.get(person.country, ()):
        return False
    return away(person, day) is None


def previous_working_day(person: Person, day: date, closed: Closed) -> date:
    """The last day before `day` on which the person works; the day before, when none is near."""
    for back in range(1, 15):
        if works_on(person, day - back * ONE_DAY, closed):
            return day - back * ONE_DAY
    return day - ONE_DAY


def add_working_days(person: Person, day: date, count: int, closed: Closed) -> date:
    """The `count`-th day after `day` on which the person works; bounded by a year."""
    for _ in range(366):
        if count == 0:
            break
        day += ONE_DAY
        count -= works_on(person, day, closed)
    return day
