"""What stands in one person's way: busy times, meetings, days off, as sets of starts."""

from collections.abc import Sequence
from datetime import timedelta

from daemon.core.almanac import Profile
from daemon.core.domain import Interval
from daemon.core.intervals import Span, against, merge


class Diary:
    """What stands in one person's way; sets are built for the days that are asked for only."""

    __slots__ = ("_away", "_blocked", "_busy", "_in_order", "_meetings", "_met", "_pad", "profile")

    def __init__(
        self,
        profile: Profile,
        pad: timedelta,
        busy: Sequence[Interval],
        meetings: Sequence[Interval],
        away: Sequence[Interval],
    ) -> None:
        """Busy times (disjoint and sorted) and meetings want room around them; whole days away
        need none."""
        self.profile = profile
        self._pad = pad
        self._busy = busy
        self._away = merge(away) if away else ()
        self._blocked: dict[tuple[int, Span], int] = {}
        self.meets(meetings)

    def meets(self, meetings: Sequence[Interval]) -> None:
        """Enter these meetings instead of those before."""
        self._meetings, self._in_order = meetings, False
        self._met: dict[tuple[int, Span], int] = {}

    def blocked(self, minutes: int, span: Span) -> int:
        """The starts that are not free, working time aside."""
        key = (minutes, span)
        if (found := self._blocked.get(key)) is None:
            found = against(self._busy, minutes, self._pad, span)
            if self._away:
                found |= against(self._away, minutes, timedelta(), span)
            self._blocked[key] = found
        if not self._meetings:
            return found
        if not self._in_order:
            self._meetings, self._in_order = merge(self._meetings), True
        if (met := self._met.get(key)) is None:
            met = self._met[key] = against(self._meetings, minutes, self._pad, span)
        return found | met
