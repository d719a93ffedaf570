"""The hard rules one by one: which candidate starts each leaves, which a booked meeting breaks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from daemon.core.almanac import Profile, bare
from daemon.core.desk import Desk
from daemon.core.diary import Taken
from daemon.core.domain import Due, Email, Interval
from daemon.core.intervals import Span
from daemon.core.request import Request, in_order


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


@dataclass(frozen=True, slots=True)
class Place:
    """A day for a request, as the rules see it."""

    desk: Desk
    request: Request
    span: Span
    day: date

    @property
    def due(self) -> Due:
        """The meeting that looks for a time."""
        return self.request.due

    @property
    def both(self) -> tuple[Email, Email]:
        """The employee and the manager."""
        return self.due.pair.employee, self.due.pair.manager

    def works(self, kept: Callable[[Profile], Profile]) -> int:
        """The starts at which both work, with only a part of their profiles kept."""
        mask = -1
        for diary in (self.request.employee, self.request.manager):
            mask &= self.desk.almanac.starts(kept(diary.profile), self.due.minutes, self.span)
        return mask

    def beside(self, taken: Callable[[Email], Sequence[Interval]], pad: timedelta) -> int:
        """The starts that keep `pad` from what is taken for either."""
        mask = 0
        for who in self.both:
            mask |= Taken(taken(who)).against(self.due.minutes, pad, self.span)
        return ~mask

    def busy(self, who: Email) -> Sequence[Interval]:
        """When a person is busy."""
        return self.desk.busy[who]

    def meetings(self, who: Email) -> Sequence[Interval]:
        """When a person has other meetings of careloop's."""
        return [meeting.when for meeting in self.desk.meetings.get(who, ())]


_NOTHING = timedelta()

APPLIED: Mapping[Rule, Callable[[Place], int]] = {
    Rule.WINDOW: lambda at: dict(at.desk.almanac.parts(at.request.employee.profile.zone, at.span))[
        at.day
    ],
    Rule.NOTICE: lambda at: at.request.bounds.after_notice(at.span),
    Rule.REFUSED: lambda at: at.request.bounds.not_refused(at.due.minutes, at.span),
    Rule.HOURS: lambda at: at.works(bare),
    Rule.START_DATE: lambda at: at.works(
        lambda whole: replace(bare(whole), start_date=whole.start_date)
    ),
    Rule.HOLIDAY: lambda at: at.works(lambda whole: replace(whole, leave=())),
    Rule.LEAVE: lambda at: at.works(lambda whole: whole),
    Rule.CONFLICT: lambda at: at.beside(at.busy, _NOTHING),
    Rule.MEETING: lambda at: at.beside(at.meetings, _NOTHING),
    Rule.BUFFER: lambda at: at.beside(at.busy, at.desk.pad) & at.beside(at.meetings, at.desk.pad),
    Rule.LIMIT: lambda at: -1 if at.desk.has_room(at.due.pair.manager, at.span.day) else 0,
}


def places(desk: Desk, request: Request) -> Iterator[Place]:
    """Every day of the window and after it, by the manager's days it touches."""
    for day in in_order(request.due.window):
        for span in request.spans(day):
            yield Place(desk, request, span, day)


def left(desk: Desk, due: Due) -> tuple[tuple[str, int], ...]:
    """Count the candidate starts that remain after each rule, in the rules' order."""
    counts = dict.fromkeys(Rule, 0)
    for place in places(desk, desk.request(due)):
        mask = -1
        for rule, applied in APPLIED.items():
            mask &= applied(place)
            counts[rule] += mask.bit_count()
    return tuple((str(rule), count) for rule, count in counts.items())
