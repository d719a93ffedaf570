"""What stands in one person's way: busy times, meetings, days off, as sets of starts."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from operator import attrgetter, le

from daemon.core.almanac import Profile
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


class Diary:
    """What stands in one person's way; sets are built for the days that are asked for only."""

    __slots__ = ("_away", "_blocked", "_busy", "_meetings", "_met", "_pad", "profile")

    def __init__(
        self,
        profile: Profile,
        pad: timedelta,
        busy: Sequence[Interval],
        meetings: Sequence[Interval],
        away: Sequence[Interval],
    ) -> None:
        """Busy times and meetings want room around them; whole days away need none."""
        self.profile = profile
        self._pad = pad
        self._busy = Taken(busy)
        self._away = Taken(away) if away else None
        self._blocked: dict[tuple[int, Span], int] = {}
        self.meets(meetings)

    def meets(self, meetings: Sequence[Interval]) -> None:
        """Enter these meetings instead of those before."""
        self._meetings = Taken(meetings) if meetings else None
        self._met: dict[tuple[int, Span], int] = {}

    def blocked(self, minutes: int, span: Span) -> int:
        """The starts that are not free, working time aside."""
        key = (minutes, span)
        if (found := self._blocked.get(key)) is None:
            found = self._busy.against(minutes, self._pad, span)
            if self._away:
                found |= self._away.against(minutes, timedelta(), span)
            self._blocked[key] = found
        if self._meetings is None:
            return found
        if (met := self._met.get(key)) is None:
            met = self._met[key] = self._meetings.against(minutes, self._pad, span)
        return found | met
