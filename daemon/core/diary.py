"""One person's time as sets of starts: working time less what is taken."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from operator import attrgetter, le

from daemon.core.almanac import Almanac, Profile
from daemon.core.domain import Interval
from daemon.core.intervals import Span, against, merge

_START = attrgetter("start")
_END = attrgetter("end")


class Taken:
    """Stretches of time that are taken, disjoint and sorted."""

    __slots__ = ("ends", "starts")

    def __init__(self, intervals: Sequence[Interval]) -> None:
        self._lay(intervals)
        if not all(map(le, self.ends, islice(self.starts, 1, None))):
            self._lay(merge(intervals))

    def _lay(self, intervals: Sequence[Interval]) -> None:
        self.starts: list[datetime] = list(map(_START, intervals))
        self.ends: list[datetime] = list(map(_END, intervals))

    def against(self, minutes: int, pad: timedelta, span: Span) -> int:
        """The starts in a span at which a meeting comes nearer than `pad` to what is taken."""
        first = bisect_right(self.ends, span.start - pad)
        reach = timedelta(minutes=minutes) + pad
        return against(self.starts, self.ends, first, reach, pad, span)

    def add(self, more: Interval) -> None:
        """Enter one more stretch that touches none of the others."""
        place = bisect_right(self.starts, more.start)
        self.starts.insert(place, more.start)
        self.ends.insert(place, more.end)


class Diary:
    """What stands in one person's way; sets are built for the days that are asked for only."""

    __slots__ = ("_almanac", "_free", "_pad", "_taken", "profile")

    def __init__(
        self, profile: Profile, almanac: Almanac, pad: timedelta, taken: Sequence[Interval]
    ) -> None:
        self.profile = profile
        self._almanac = almanac
        self._pad = pad
        self._taken = Taken(taken)
        self._free: dict[tuple[int, Span], int] = {}

    def works(self, minutes: int, span: Span) -> int:
        """The starts within working time."""
        return self._almanac.starts(self.profile, minutes, span)

    def starts(self, minutes: int, span: Span) -> int:
        """The starts within working time that are free, with room around them."""
        key = (minutes, span)
        if (found := self._free.get(key)) is None:
            found = self.works(minutes, span) & ~self._taken.against(minutes, self._pad, span)
            self._free[key] = found
        return found

    def book(self, meeting: Interval) -> None:
        """Enter one more meeting, at a time that is free."""
        self._taken.add(meeting)
        self._free.clear()
