"""What makes one possible time better than another: the price of a day, the wishes within it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from daemon.core.almanac import Overlap, Profile
from daemon.core.domain import Due, Window
from daemon.core.intervals import Span, bits, days

UNPLACED = 1000
"""The price of a pair without a meeting."""

LATE = 100
"""The price of a start after the window; every further day costs LATE_DAY more."""

LATE_DAY = 10

COMPANY = 2
"""The price of two meetings of one manager on one day (per such two)."""


def price(window: Window, day: date) -> int:
    """Price a start on a day of the window: its distance from the preferred day; a late one more
    than any in the window, and the later the more."""
    if day <= window.latest:
        return abs((day - window.preferred).days)
    return LATE + LATE_DAY * (day - window.latest).days


@lru_cache(maxsize=1024)
def in_order(window: Window) -> Sequence[tuple[int, date]]:
    """The days of a window with their prices, cheapest first, equal ones earliest first."""
    priced = ((price(window, day), day) for day in days(window.earliest, window.late_until))
    return sorted(priced)


class Setting(NamedTuple):
    """A day for a due meeting, as seen by the wishes."""

    due: Due
    overlap: Overlap
    span: Span
    day: date
    """The employee's local day."""

    @property
    def aim(self) -> int | None:
        """The bit of the time of day it was last time; None where there was none."""
        if (minute := self.due.preferred_minute) is None:
            return None
        zone = self.overlap.employee.zone
        return self.span.index(self.overlap.almanac.instant(zone, self.day, minute))


Wish = Callable[[Setting], int]
"""A set of starts that are better than the others."""


def fresh(at: Setting) -> int:
    """Not the weekday and time somebody refused before."""
    mask = at.span.whole
    zone, length = at.overlap.employee.zone, timedelta(minutes=at.due.minutes)
    for refused in at.due.not_at:
        local = refused.start.astimezone(zone)
        if local.weekday() != at.day.weekday():
            continue
        first = at.overlap.almanac.instant(zone, at.day, local.hour * 60 + local.minute)
        last = first + (refused.end - refused.start)
        mask &= ~at.span.within(first - length + timedelta.resolution, last)
    return mask


def same_time(at: Setting) -> int:
    """The time of day it was last time; any, where there was none."""
    if (aim := at.aim) is None:
        return at.span.whole
    return 1 << aim if 0 <= aim < at.span.slots else 0


def on_the_quarter(at: Setting) -> int:
    """A quarter of the hour."""
    return at.overlap.almanac.quarters(at.overlap.employee.zone, at.span)


def employee_lunch(at: Setting) -> int:
    """Not over the employee's lunch."""
    return _beside_lunch(at, at.overlap.employee)


def employee_edges(at: Setting) -> int:
    """Neither first nor last in the employee's day."""
    return _off_edges(at, at.overlap.employee)


def manager_lunch(at: Setting) -> int:
    """Not over the manager's lunch."""
    return _beside_lunch(at, at.overlap.manager)


def manager_edges(at: Setting) -> int:
    """Neither first nor last in the manager's day."""
    return _off_edges(at, at.overlap.manager)


def _beside_lunch(at: Setting, who: Profile) -> int:
    return at.overlap.almanac.beside_lunch(who.zone, at.due.minutes, at.span)


def _off_edges(at: Setting, who: Profile) -> int:
    return at.overlap.almanac.off_edges(who, at.due.minutes, at.span)


OWN: Mapping[str, Wish] = {"fresh": fresh, "same_time": same_time}
"""What depends on the pair's own past."""

SHARED: Mapping[str, Wish] = {
    "quarter": on_the_quarter,
    "employee_lunch": employee_lunch,
    "employee_edges": employee_edges,
    "manager_lunch": manager_lunch,
    "manager_edges": manager_edges,
}
"""What is the same for all pairs who work alike."""

WORST = 1 << (len(OWN) + len(SHARED))
"""More than the weights of all wishes together. One wish, own ones first, outweighs all that
follow it: the first weighs half of this, the next a quarter, and so on."""


def wishes(at: Setting) -> tuple[int, ...]:
    """The sets of better starts in the order of their weight."""
    known = at.overlap.wishes
    if (shared := known.get(at.span)) is None:
        shared = known[at.span] = tuple(wish(at) for wish in SHARED.values())
    return fresh(at) if at.due.not_at else at.span.whole, same_time(at), *shared


def best(mask: int, at: Setting) -> tuple[int, int]:
    """Narrow a set of starts (not empty) to the one that meets the wishes best.

    Returns its bit and the weight of the wishes it does not meet, below `WORST`.
    """
    missed, weight = 0, WORST
    for wish in wishes(at):
        weight >>= 1
        if wished := mask & wish:
            mask = wished
        else:
            missed |= weight
    return _nearest(mask, at), missed


def unmet(index: int, at: Setting) -> tuple[str, ...]:
    """Name the wishes that a start does not meet, weightiest first."""
    names = (*OWN, *SHARED)
    return tuple(
        name for name, wish in zip(names, wishes(at), strict=True) if not wish >> index & 1
    )


def _nearest(mask: int, at: Setting) -> int:
    """The bit nearest to the wished time of day, or the first one."""
    if not mask & (mask - 1) or (aim := at.aim) is None:
        return (mask & -mask).bit_length() - 1
    aim = min(max(aim, 0), at.span.slots)
    before = (mask & bits(0, aim)).bit_length() - 1
    after = mask >> aim
    if not after:
        return before
    next_one = aim + (after & -after).bit_length() - 1
    return before if before >= 0 and aim - before < next_one - aim else next_one
