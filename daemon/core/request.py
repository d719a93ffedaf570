"""A due meeting that looks for its time: the days it can take, cheapest first, and their starts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from daemon.core.almanac import Almanac
from daemon.core.diary import Diary
from daemon.core.domain import Due, Interval, Window
from daemon.core.intervals import GRID, Span, bits, days
from daemon.core.preferences import WORST, Setting, best, price

SCALE = WORST << 12
"""One unit of the objective; below it, unmet wishes of all meetings of a manager add up."""


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """Starts on one day: the manager's day `span`, the employee's day `day`."""

    span: Span
    day: date
    mask: int
    cost: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a due meeting itself forbids."""

    not_before: datetime
    not_at: tuple[Interval, ...]

    def starts(self, minutes: int, span: Span) -> int:
        """The starts both leave."""
        return self.after_notice(span) & self.not_refused(minutes, span)

    def after_notice(self, span: Span) -> int:
        """The starts that are not too early."""
        return span.within(self.not_before, span.end)

    def not_refused(self, minutes: int, span: Span) -> int:
        """The starts of a meeting that does not overlap a refused time."""
        mask = bits(0, span.slots)
        length = timedelta(minutes=minutes)
        for refused in self.not_at:
            mask &= ~span.within(refused.start - length + timedelta.resolution, refused.end)
        return mask


def in_order(window: Window) -> list[date]:
    """The days of a window, cheapest first, equal ones earliest first."""
    return sorted(
        days(window.earliest, max(window.latest, window.late_until)),
        key=lambda day: (price(window, day), day),
    )


class Request:
    """A due meeting, both diaries, and the days it can take as far as they were looked at."""

    __slots__ = ("_found", "_rest", "almanac", "bounds", "chosen", "due", "employee", "length",
                 "manager")  # fmt: skip

    def __init__(
        self, due: Due, employee: Diary, manager: Diary, almanac: Almanac, now: datetime,
        pad: timedelta,
    ) -> None:  # fmt: skip
        self.due = due
        self.employee = employee
        self.manager = manager
        self.almanac = almanac
        self.bounds = Bounds(max(now, due.not_before or now), due.not_at)
        self.length = -((-timedelta(minutes=due.minutes) - pad) // GRID)
        self.chosen: Option | None = None
        self._found: list[Option] = []
        self._rest = self._look()

    def options(self) -> Iterator[Option]:
        """The days with a start, by rising price; looked at once, and only as far as needed."""
        yield from self._found
        for option in self._rest:
            self._found.append(option)
            yield option

    def _look(self) -> Iterator[Option]:
        for day in in_order(self.due.window):
            yield from self.on(day)

    def on(self, day: date) -> Iterator[Option]:
        """The starts on one local day of the employee, by the manager's days it touches."""
        zone = self.employee.profile.zone
        for span in self.spans(day):
            mask = dict(self.almanac.parts(zone, span))[day] & self.starts(span)
            if mask:
                _, unmet = best(mask, self.setting(span, day))
                cost = price(self.due.window, day) * SCALE + unmet
                yield Option(span, day, mask, cost)

    def spans(self, day: date) -> Iterator[Span]:
        """The manager's days that a local day of the employee touches."""
        zone, other = self.employee.profile.zone, self.manager.profile.zone
        for found, _ in self.almanac.parts(other, self.almanac.span(zone, day)):
            yield self.almanac.span(other, found)

    def starts(self, span: Span) -> int:
        """The starts on a day of the manager at which both are free."""
        minutes = self.due.minutes
        mask = self.employee.works(minutes, span) & self.manager.works(minutes, span)
        if mask:
            mask &= self.bounds.starts(minutes, span)
        if mask:
            mask &= self.manager.starts(minutes, span)
        return mask and mask & self.employee.starts(minutes, span)

    def setting(self, span: Span, day: date) -> Setting:
        """The day as the wishes see it."""
        return Setting(
            self.due, self.employee.profile, self.manager.profile, span, day, self.almanac
        )

    def best(self, option: Option, mask: int) -> int:
        """The best start among some of an option's."""
        return best(mask, self.setting(option.span, option.day))[0]
