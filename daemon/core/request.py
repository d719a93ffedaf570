"""A due meeting that looks for its time: the days it can take, cheapest first, and their starts."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from math import inf
from typing import NamedTuple

from daemon.core.almanac import Overlap
from daemon.core.diary import Diary
from daemon.core.domain import Due, Interval
from daemon.core.intervals import Span
from daemon.core.packing import Item
from daemon.core.preferences import WORST, Setting, best, in_order

SCALE = WORST << 12
"""One unit of the objective; below it, unmet wishes of all meetings of a manager add up."""


class Option:
    """Starts on one day: the manager's day `at.span`, the employee's day `at.day`."""

    __slots__ = ("_best", "at", "item", "mask", "price", "span")

    def __init__(self, at: Setting, price: int, item: Item) -> None:
        self.at = at
        self.span = at.span
        self.mask = item.mask
        self.item = item
        self.price = price
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


class Bounds(NamedTuple):
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


class Request:
    """A due meeting, both diaries, and the days it can take as far as they were looked at."""

    __slots__ = ("_days", "_looked_at", "bounds", "chosen", "due", "employee", "found", "length",
                 "manager", "overlap")  # fmt: skip

    def __init__(
        self, due: Due, employee: Diary, manager: Diary, overlap: Overlap, now: datetime,
        length: int,
    ) -> None:  # fmt: skip
        self.due = due
        self.employee = employee
        self.manager = manager
        self.overlap = overlap
        self.bounds = Bounds(max(now, due.not_before or now), due.not_at)
        self.length = length
        self.chosen: Option | None = None
        self.found: list[Option] = []
        """The days with a start that were looked at, cheapest first."""
        self._days = in_order(due.window)
        self._looked_at = 0

    def options(self) -> Iterator[Option]:
        """The days with a start, by rising price."""
        number = 0
        while number < len(self.found) or self.look_on(inf):
            yield self.found[number]
            number += 1

    def choice(self) -> int:
        """How many starts there are on all days."""
        return sum(option.mask.bit_count() for option in self.options())

    def look_on(self, below: float) -> bool:
        """Go on to the next day with a start, if its price is below the given one. Each day is
        looked at once."""
        before = len(self.found)
        while len(self.found) == before:
            if self._looked_at == len(self._days):
                return False
            cost, day = self._days[self._looked_at]
            if cost * SCALE >= below:
                return False
            self._looked_at += 1
            self.found.extend(self.on(cost, day))
        return True

    def on(self, cost: int, day: date) -> Iterator[Option]:
        """The starts on one local day of the employee, by the manager's days it touches."""
        for span, work in self.overlap.on(day):
            if free := self.free(span, work):
                at = Setting(self.due, self.overlap, span, day)
                yield Option(at, cost * SCALE, Item(free, self.length))

    def free(self, span: Span, mask: int) -> int:
        """The starts among some on a day of the manager at which both are free."""
        minutes = self.due.minutes
        if self.bounds.matter(span):
            mask &= self.bounds.starts(minutes, span)
        mask &= ~self.manager.blocked(minutes, span)
        return mask and mask & ~self.employee.blocked(minutes, span)
