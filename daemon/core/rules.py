"""The hard rules one by one, and how many candidate starts each of them leaves."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from enum import StrEnum

from daemon.core.desk import Desk
from daemon.core.diary import Taken
from daemon.core.domain import Due
from daemon.core.intervals import Span
from daemon.core.request import in_order

_NOTHING = timedelta()


class Rule(StrEnum):
    """What a meeting must not break, in the order in which the rules are applied."""

    WINDOW = "window"
    """Not outside the days of the window (late ones included)."""
    NOTICE = "notice"
    """Not before now, the notice or the freeze."""
    REFUSED = "refused"
    """Not at a time somebody refused."""
    HOURS = "hours"
    """Within the working hours of both, at times their clocks show once."""
    START_DATE = "start_date"
    """Not before either's first day."""
    HOLIDAY = "holiday"
    """Not on a public holiday of either's country."""
    LEAVE = "leave"
    """Not while either is away."""
    CONFLICT = "conflict"
    """Not over busy time of either."""
    MEETING = "meeting"
    """Not over another meeting that careloop booked for either."""
    BUFFER = "buffer"
    """Not too near to busy time or to another meeting."""
    LIMIT = "limit"
    """Not more a day or a week than a manager takes."""


class Counter:
    """A request as the rules see it, one after the other."""

    def __init__(self, desk: Desk, due: Due) -> None:
        self.due = due
        self.desk = desk
        self.request = desk.request(due)
        both = (due.pair.employee, due.pair.manager)
        self.busy = [Taken(desk.busy[who]) for who in both]
        self.meetings = [Taken([one.when for one in desk.meetings.get(who, ())]) for who in both]

    def works(self, span: Span, *kept: str) -> int:
        """The starts at which both work, with only a part of their profiles kept."""
        mask = -1
        for whole in self.request.profiles:
            part = {name: getattr(whole, name) for name in kept}
            profile = self.desk.almanac.a_profile(whole.zone, whole.hours, **part)
            mask &= self.desk.almanac.starts(profile, self.due.minutes, span)
        return mask

    def beside(self, taken: Iterable[Taken], pad: timedelta, span: Span) -> int:
        """The starts that keep `pad` from what is taken for either."""
        mask = 0
        for one in taken:
            mask |= one.against(self.due.minutes, pad, span)
        return ~mask

    def has_room(self, span: Span) -> int:
        """All starts of a day or none, by the manager's limits."""
        return -1 if self.desk.has_room(self.due.pair.manager, span.day) else 0


APPLIED: Mapping[Rule, Callable[[Counter, Span], int]] = {
    Rule.NOTICE: lambda it, span: it.request.bounds.after_notice(span),
    Rule.REFUSED: lambda it, span: it.request.bounds.not_refused(it.due.minutes, span),
    Rule.HOURS: lambda it, span: it.works(span),
    Rule.START_DATE: lambda it, span: it.works(span, "start_date"),
    Rule.HOLIDAY: lambda it, span: it.works(span, "start_date", "country"),
    Rule.LEAVE: lambda it, span: it.works(span, "start_date", "country", "leave"),
    Rule.CONFLICT: lambda it, span: it.beside(it.busy, _NOTHING, span),
    Rule.MEETING: lambda it, span: it.beside(it.meetings, _NOTHING, span),
    Rule.BUFFER: lambda it, span: it.beside(it.busy + it.meetings, it.desk.pad, span),
    Rule.LIMIT: lambda it, span: it.has_room(span),
}
"""What each rule leaves of a day; the window comes before them."""


def left(desk: Desk, due: Due) -> tuple[tuple[str, int], ...]:
    """Count the candidate starts that remain after each rule, in the rules' order."""
    counter = Counter(desk, due)
    counts = dict.fromkeys(Rule, 0)
    for day in in_order(due.window):
        for span, mask in counter.request.spans(day):
            counts[Rule.WINDOW] += mask.bit_count()
            for rule, applied in APPLIED.items():
                mask = mask and mask & applied(counter, span)  # noqa: PLW2901
                counts[rule] += mask.bit_count()
    return tuple((str(rule), count) for rule, count in counts.items())
