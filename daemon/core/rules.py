"""The hard rules one by one, and how many candidate starts each of them leaves."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum

from daemon.core.desk import Desk
from daemon.core.domain import Due, Interval
from daemon.core.intervals import Span, against, merge
from daemon.core.preferences import in_order


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


class Ruler:
    """A request as the rules see it, one after the other."""

    def __init__(self, desk: Desk, due: Due) -> None:
        self.desk = desk
        self.due = due
        self.request = desk.request(due)
        both = (due.pair.employee, due.pair.manager)
        self.people = [desk.people[who] for who in both]
        self.first_days = [desk.before_first_day(who) for who in both]
        self.leave = [merge(desk.leave(who)) for who in both]
        self.busy = [desk.busy[who] for who in both]
        self.meetings = [merge(desk.meetings(who)) for who in both]

    def works(self, span: Span, holidays: bool) -> int:
        """The starts at which both work, holidays regarded or not."""
        almanac = self.desk.almanac
        profiles = (almanac.profile(person, holidays) for person in self.people)
        return almanac.overlap(*profiles, self.due.minutes).starts(span)

    def beside(self, span: Span, taken: Iterable[Sequence[Interval]]) -> int:
        """The starts at which nothing is taken for either."""
        mask = 0
        for one in taken:
            if one:
                mask |= against(one, self.due.minutes, timedelta(), span)
        return ~mask

    def roomy(self, span: Span) -> int:
        """The starts that keep the buffer from everything."""
        diaries, minutes = (self.request.employee, self.request.manager), self.due.minutes
        return ~(diaries[0].blocked(minutes, span) | diaries[1].blocked(minutes, span))

    def room(self, span: Span) -> int:
        """All starts of a day or none, by the manager's limits."""
        return -1 if self.desk.load(self.due.pair.manager).has_room(span.day) else 0


APPLIED: Mapping[Rule, Callable[[Ruler, Span], int]] = {
    Rule.NOTICE: lambda it, span: it.request.bounds.after_notice(span),
    Rule.REFUSED: lambda it, span: it.request.bounds.not_refused(it.due.minutes, span),
    Rule.HOURS: lambda it, span: it.works(span, holidays=False),
    Rule.START_DATE: lambda it, span: it.beside(span, it.first_days),
    Rule.HOLIDAY: lambda it, span: it.works(span, holidays=True),
    Rule.LEAVE: lambda it, span: it.beside(span, it.leave),
    Rule.CONFLICT: lambda it, span: it.beside(span, it.busy),
    Rule.MEETING: lambda it, span: it.beside(span, it.meetings),
    Rule.BUFFER: lambda it, span: it.roomy(span),
    Rule.LIMIT: lambda it, span: it.room(span),
}
"""What each rule leaves of a day; the window comes before them."""


def left(desk: Desk, due: Due) -> tuple[tuple[str, int], ...]:
    """Count the candidate starts that remain after each rule, in the rules' order."""
    ruler = Ruler(desk, due)
    counts = dict.fromkeys(Rule, 0)
    for _, day in in_order(due.window):
        for span, mask in ruler.request.overlap.spans(day):
            counts[Rule.WINDOW] += mask.bit_count()
            for rule, applied in APPLIED.items():
                if not mask:
                    break
                mask &= applied(ruler, span)  # noqa: PLW2901
                counts[rule] += mask.bit_count()
    return tuple((str(rule), count) for rule, count in counts.items())
