"""Interval arithmetic and the time grid: sets of possible starts as the bits of an integer."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from zoneinfo import ZoneInfo

from daemon.core.domain import Interval

GRID = timedelta(minutes=5)
"""The distance of two candidate starts."""

_SECONDS = 300
_A_DAY = 86_400 // _SECONDS
"""The grid in whole seconds: dividing one timedelta by another takes twice the time."""

_CHANGE = timedelta(hours=3)
"""More than clocks are ever changed by at once."""

_MINUTE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END = attrgetter("end")


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """Join what overlaps or touches; sorted. Intervals that end before they start are dropped."""
    merged: list[Interval] = []
    for one in sorted(one for one in intervals if one.start <= one.end):
        if merged and one.start <= merged[-1].end:
            merged[-1] = Interval(merged[-1].start, max(merged[-1].end, one.end))
        else:
            merged.append(one)
    return merged


# --- wall clocks ----------------------------------------------------------------------------


def instant(zone: ZoneInfo, day: date, minute: int) -> datetime:
    """Turn a wall-clock minute of a local day (0 to 1440) into UTC.

    A time the clock skips becomes the instant of the change; one it shows twice, the first.
    """
    naive = datetime(day.year, day.month, day.day) + minute * _MINUTE  # noqa: DTZ001
    found = naive.replace(tzinfo=zone).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == naive:
        return found
    return _change(zone, naive.replace(tzinfo=zone, fold=1).astimezone(UTC), found)


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Find the instant between the two at which the offset of a zone changes."""
    offset = _offset(zone, before)
    while after - before > _MINUTE:
        middle = before + (after - before) // _MINUTE // 2 * _MINUTE
        same = _offset(zone, middle) == offset
        before, after = (middle, after) if same else (before, middle)
    return after


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def local_day(zone: ZoneInfo, moment: datetime) -> date:
    """Tell which day it is in a zone at an instant."""
    return moment.astimezone(zone).date()


def days(first: date, last: date) -> Iterator[date]:
    """Count the days from first to last, both included."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


# --- the grid -------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def slots(minutes: int, pad: timedelta) -> int:
    """How many slots a meeting takes together with the room after it."""
    return -((-minutes * _MINUTE - pad) // GRID)


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """A local day on the grid: bit `i` of a set stands for a start at `start + i * GRID`."""

    day: date
    start: datetime
    end: datetime
    """The start of the next day."""
    slots: int

    @property
    def whole(self) -> int:
        """The set of all starts."""
        return (1 << self.slots) - 1

    def at(self, index: int) -> datetime:
        """The instant a bit stands for."""
        return self.start + index * GRID

    def index(self, moment: datetime) -> int:
        """The first bit at or after an instant; outside the day below 0 or from `slots` on."""
        return -((self.start - moment) // GRID)

    def within(self, first: datetime, last: datetime) -> int:
        """The set of starts in `[first, last)`."""
        return bits(max(self.index(first), 0), min(self.index(last), self.slots))


def a_span(zone: ZoneInfo, day: date) -> Span:
    """Lay a local day (23 to 25 hours) on the grid."""
    start, end = _on_grid(instant(zone, day, 0)), _on_grid(instant(zone, day, 1440))
    return Span(day, start, end, (end - start) // GRID)


def _on_grid(moment: datetime) -> datetime:
    return moment - (moment - _EPOCH) % GRID


def bits(first: int, last: int) -> int:
    """The set of the bits from `first` up to but without `last`."""
    return ((1 << (last - first)) - 1) << first if first < last else 0


def indexes(mask: int) -> Iterator[int]:
    """List the bits of a set, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def inside(stretches: Iterable[Interval], minutes: int, span: Span) -> int:
    """The starts of a meeting of this length that lies wholly within one of the stretches."""
    length = minutes * _MINUTE
    mask = 0
    for one in stretches:
        mask |= span.within(one.start, one.end - length + timedelta.resolution)
    return mask


def against(taken: Sequence[Interval], minutes: int, pad: timedelta, span: Span) -> int:
    """The starts at which a meeting comes nearer than `pad` to what is taken, which is disjoint
    and sorted."""
    reach = minutes * _MINUTE + pad
    from_start, from_end = span.start + reach - GRID, span.start - pad
    until, slots = span.end + reach, span.slots
    mask = 0
    for number in range(bisect_right(taken, from_end, key=_END), len(taken)):
        one = taken[number]
        if one.start >= until:
            break
        low, high = one.start - from_start, from_end - one.end
        first = low.days * _A_DAY + low.seconds // _SECONDS
        last = -(high.days * _A_DAY + high.seconds // _SECONDS)
        if first < 0:
            first = 0
        if last > slots:
            last = slots
        if first < last:
            mask |= (1 << last) - (1 << first)
    return mask


def ambiguous(zone: ZoneInfo, minutes: int, span: Span) -> int:
    """The starts for which the wall clock of a zone shows the start or the end twice."""
    length = minutes * _MINUTE
    first, last = span.start - _CHANGE, span.end + length + _CHANGE
    back = _offset(zone, first) - _offset(zone, last)
    if back <= timedelta():
        return 0
    change = _change(zone, first, last)
    begins, ends = change - back, change + back
    return span.within(begins, ends) | span.within(begins - length, ends - length)
