"""A due meeting that looks for its time: the days it can take, cheapest first, and their starts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import inf

from daemon.core.almanac import Almanac
from daemon.core.diary import Diary
from daemon.core.domain import Due, Interval, Window
from daemon.core.intervals import GRID, Span, days
from daemon.core.packing import Item
from daemon.core.preferences import WORST, Setting, best, price

_DAY = timedelta(days=1)

SCALE = WORST << 12
"""One unit of the objective; below it, unmet wishes of all meetings of a manager add up."""


class Option:
    """Starts on one day: the manager's day `at.span`, the employee's day `at.day`."""

    __slots__ = ("_best", "at", "item", "mask", "price", "span")

    def __init__(self, at: Setting, mask: int, length: int) -> None:
        self.at = at
        self.span = at.span
        self.mask = mask
        self.item = Item(mask, length)
        self.price = price(at.due.window, at.day) * SCALE
        self._best: tuple[int, int] | None = None

    @property
    def cost(self) -> int:
        """The price of the day and the wishes its best start leaves unmet."""
        if self._best is None:
            self._best = best(self.mask, self.at)
        return self.price + self._best[1]

    def best(self, mask: int) -> int:
        """The best start among some of these."""
        if self._best and mask >> self._best[0] & 1:
            return self._best[0]
        return best(mask, self.at)[0]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a due meeting itself forbids."""

    not_before: datetime
    not_at: tuple[Interval, ...]

    def matter(self, span: Span) -> bool:
        """Tell whether they forbid anything on this day, as far as a glance tells."""
        return bool(self.not_at) or self.not_before > span.start

    def starts(self, minutes: int, span: Span) -> int:
        """The starts it leaves."""
        return self.after_notice(span) & self.not_refused(minutes, span)

    def after_notice(self, span: Span) -> int:
        """The starts that are not too early."""
        if self.not_before <= span.start:
            return span.whole
        return span.within(self.not_before, span.end)

    def not_refused(self, minutes: int, span: Span) -> int:
        """The starts of a meeting that does not overlap a refused time."""
        mask = span.whole
        length = timedelta(minutes=minutes)
        for refused in self.not_at:
            mask &= ~span.within(refused.start - length + timedelta.resolution, refused.end)
        return mask


def in_order(window: Window) -> Iterator[date]:
    """The days of a window, cheapest first, equal ones earliest first."""
    before, after = window.preferred, window.preferred + _DAY
    while before >= window.earliest or after <= window.latest:
        if window.earliest <= before <= window.latest:
            yield before
        if window.earliest <= after <= window.latest:
            yield after
        before, after = before - _DAY, after + _DAY
    yield from days(window.latest + _DAY, window.late_until)


class Request:
    """A due meeting, both diaries, and the days it can take as far as they were looked at."""

    __slots__ = ("_days", "_least", "_next", "almanac", "bounds", "chosen", "due",
                 "employee", "found", "length", "manager", "profiles")  # fmt: skip

    def __init__(
        self, due: Due, employee: Diary, manager: Diary, almanac: Almanac, now: datetime,
        pad: timedelta,
    ) -> None:  # fmt: skip
        self.due = due
        self.employee = employee
        self.manager = manager
        self.almanac = almanac
        self.bounds = Bounds(max(now, due.not_before or now), due.not_at)
        self.profiles = employee.profile, manager.profile
        self.length = -((-timedelta(minutes=due.minutes) - pad) // GRID)
        self.chosen: Option | None = None
        self.found: list[Option] = []
        """The days with a start that were looked at, cheapest first."""
        self._days = in_order(due.window)
        self._turn()

    def _turn(self) -> None:
        """Go on to the next day: no option to come is cheaper than `_least`."""
        self._next = next(self._days, None)
        if self._next is not None:
            self._least = price(self.due.window, self._next) * SCALE

    def option(self, number: int, below: float = inf) -> Option | None:
        """The day with a start that is this number in the order of price, if its price is below
        the given one. Each day is looked at once, and only as far as needed."""
        found = self.found
        while number >= len(found):
            if self._next is None or self._least >= below:
                return None
            found.extend(self.on(self._next))
            self._turn()
        option = found[number]
        return option if option.price < below else None

    def options(self, below: float = inf) -> Iterator[Option]:
        """The days with a start and a price below the given one, by rising price."""
        number = 0
        while option := self.option(number, below):
            yield option
            number += 1

    def on(self, day: date) -> Iterator[Option]:
        """The starts on one local day of the employee, by the manager's days it touches."""
        for span, part in self.spans(day):
            if mask := part and part & self.starts(span):
                setting = Setting(self.due, *self.profiles, span, day, self.almanac)
                yield Option(setting, mask, self.length)

    def spans(self, day: date) -> tuple[tuple[Span, int], ...]:
        """The manager's days that a local day of the employee touches."""
        employee, manager = self.profiles
        return self.almanac.meets(employee.zone, manager.zone, day)

    def starts(self, span: Span) -> int:
        """The starts on a day of the manager at which both are free."""
        minutes = self.due.minutes
        mask = self.almanac.common(*self.profiles, minutes, span)
        if mask and self.bounds.matter(span):
            mask &= self.bounds.starts(minutes, span)
        if mask:
            mask &= ~self.manager.blocked(minutes, span)
        return mask and mask & ~self.employee.blocked(minutes, span)
