"""What many people share, as sets of starts: local days, working time, lunch. Kept for one call."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from daemon.core.domain import Hours, Interval, Person
from daemon.core.intervals import (
    GRID,
    Span,
    a_span,
    ambiguous,
    days,
    inside,
    instant,
    local_day,
    merge,
)

LUNCH = (12 * 60, 13 * 60)
"""The wall-clock minutes that are better left free."""

EDGE = timedelta(minutes=15)
"""How much of the beginning and end of a working day is better left free."""

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """When somebody works, as far as they share it with others. Only an almanac makes them:
    equal ones are one."""

    zone: ZoneInfo
    hours: Hours
    country: str


class Almanac:
    """The shared sets of one call."""

    def __init__(self, closed: Mapping[str, Collection[date]]) -> None:
        self._closed = {country: frozenset(found) for country, found in closed.items()}
        self._profile = cache(Profile)
        self.span = cache(a_span)
        self.instant = cache(instant)
        self.parts = cache(self._parts)
        self.meets = cache(self._meets)
        self.shift = cache(self._shift)
        self.working = cache(self._working)
        self.starts = cache(self._starts)
        self.beside_lunch = cache(self._beside_lunch)
        self.ambiguous = cache(ambiguous)
        self.off_edges = cache(self._off_edges)
        self.quarters = cache(self._quarters)
        self.overlap = cache(self._overlap)

    def profile(self, person: Person, holidays: bool = True) -> Profile:
        """Tell when a person works, as the one object that equal profiles share."""
        country = person.country if holidays and person.country in self._closed else ""
        return self._profile(person.zone, person.hours, country)

    def _overlap(self, employee: Profile, manager: Profile, minutes: int) -> "Overlap":
        return Overlap(self, employee, manager, minutes)

    def away(self, zone: ZoneInfo, first: date, last: date) -> Interval:
        """The time of an absence in whole days, both included."""
        return Interval(self.instant(zone, first, 0), self.instant(zone, last, 1440))

    def _meets(self, zone: ZoneInfo, other: ZoneInfo, day: date) -> tuple[tuple[Span, int], ...]:
        """List the days of another zone that a local day touches, each with the day's part."""
        touched = (self.span(other, found) for found, _ in self.parts(other, self.span(zone, day)))
        return tuple((span, dict(self.parts(zone, span))[day]) for span in touched)

    def _parts(self, zone: ZoneInfo, span: Span) -> tuple[tuple[date, int], ...]:
        """Split a span into the local days of another zone."""
        first = local_day(zone, span.start)
        last = local_day(zone, span.end - timedelta.resolution)
        found = ((day, self.span(zone, day)) for day in days(first, last))
        return tuple((day, span.within(part.start, part.end)) for day, part in found)

    def _working(self, profile: Profile, span: Span) -> tuple[Interval, ...]:
        """List the stretches of working time around a span."""
        first = local_day(profile.zone, span.start) - _DAY
        last = local_day(profile.zone, span.end) + _DAY
        return tuple(merge(one for day in days(first, last) for one in self.shift(profile, day)))

    def _shift(self, profile: Profile, day: date) -> tuple[Interval, ...]:
        """List the stretches of working time of a local day."""
        if day in self._closed.get(profile.country, ()):
            return ()
        hours = profile.hours.days[day.weekday()]
        return tuple(
            Interval(*(self.instant(profile.zone, day, minute) for minute in worked))
            for worked in hours
        )

    def _starts(self, profile: Profile, minutes: int, span: Span) -> int:
        """The starts of a meeting within working time, never at a doubtful wall clock."""
        mask = inside(self.working(profile, span), minutes, span)
        return mask & ~self.ambiguous(profile.zone, minutes, span)

    def _beside_lunch(self, zone: ZoneInfo, minutes: int, span: Span) -> int:
        """The starts of a meeting that leaves lunch alone."""
        mask = span.whole
        for day, _ in self.parts(zone, span):
            first, last = (self.instant(zone, day, minute) for minute in LUNCH)
            before = first - timedelta(minutes=minutes) + timedelta.resolution
            mask &= ~span.within(before, last)
        return mask

    def _off_edges(self, profile: Profile, minutes: int, span: Span) -> int:
        """The starts of a meeting that is neither the first nor the last of a working day."""
        kept = (Interval(one.start + EDGE, one.end - EDGE) for one in self.working(profile, span))
        return inside(kept, minutes, span)

    def _quarters(self, zone: ZoneInfo, span: Span) -> int:
        """The starts on a quarter of the hour."""
        first = -span.start.astimezone(zone).minute % 15 * _MINUTE // GRID
        return sum(1 << index for index in range(first, span.slots, 15 * _MINUTE // GRID))


class Overlap:
    """What the working times of two people have in common for meetings of one length."""

    __slots__ = ("almanac", "employee", "manager", "minutes", "on", "wishes")

    def __init__(
        self, almanac: Almanac, employee: Profile, manager: Profile, minutes: int
    ) -> None:  # fmt: skip
        self.almanac = almanac
        self.employee = employee
        self.manager = manager
        self.minutes = minutes
        self.on = cache(self._on)
        self.wishes: dict[Span, tuple[int, ...]] = {}
        """The starts that please all such pairs; preferences fill it."""

    def spans(self, day: date) -> tuple[tuple[Span, int], ...]:
        """The days of the manager that a local day of the employee touches, each with its part."""
        return self.almanac.meets(self.employee.zone, self.manager.zone, day)

    def starts(self, span: Span) -> int:
        """The starts on a day of the manager within the working time of both."""
        employee = self.almanac.starts(self.employee, self.minutes, span)
        return employee and employee & self.almanac.starts(self.manager, self.minutes, span)

    def _on(self, day: date) -> tuple[tuple[Span, int], ...]:
        """The starts on a local day of the employee, by the days of the manager it touches."""
        found = ((span, part & self.starts(span)) for span, part in self.spans(day))
        return tuple((span, starts) for span, starts in found if starts)
