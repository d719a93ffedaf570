"""What there is to say about the time a meeting has, and of the better days it is not on."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from daemon.core.desk import Desk
from daemon.core.domain import Because, Due
from daemon.core.intervals import Span
from daemon.core.preferences import COMPANY, in_order
from daemon.core.rules import APPLIED, Rule, Ruler

CHOSEN = (Because.MOVED_BY_PERSON, Because.WISH)
"""A time that a person chose needs no explanation."""


class Point(StrEnum):
    """One thing there is to say about the time a meeting has; its words stand in
    templates/web/why.html for the employee and in loop/wording.py for the operator."""

    LATE = "late"
    """No time within the window suited both."""
    FULL = "full"
    """The better days could not be had."""
    BEST = "best"
    """It is the best day."""
    COMPANY = "company"
    """The manager has other talks on that day."""
    TIME = "time"
    """The time of day of last time is taken."""
    LUNCH = "lunch"
    """Only lunch was free for both."""
    EDGES = "edges"
    """It is early or late in somebody's working day."""


_WISHES = {
    Point.TIME: {"same_time"},
    Point.LUNCH: {"employee_lunch", "manager_lunch"},
    Point.EDGES: {"employee_edges", "manager_edges"},
}
"""The wishes that are worth a word when they are not met."""


def points(*, late: bool, away: int, company: int, unmet: Collection[str]) -> tuple[Point, ...]:
    """Tell what there is to say about a time: how far its day is `away` from the best one, what
    the manager's `company` of that day costs, which wishes are `unmet`."""
    day = Point.LATE if late else Point.FULL if away else Point.BEST
    missed = (point for point, wishes in _WISHES.items() if not wishes.isdisjoint(unmet))
    return (day, *([Point.COMPANY] if company else ()), *missed)


@dataclass(frozen=True, slots=True)
class Nearer:
    """A day that would have been better."""

    day: date
    """In the employee's zone."""
    rule: Rule | None
    """What left nothing of it; None: there are free times, as things stand."""
    crowded: bool = False
    """There are, but the manager's other meetings of that day outweigh that it is nearer."""


def nearer(desk: Desk, due: Due, away: int, company: int) -> tuple[Nearer, ...]:
    """Tell of each day cheaper than `away` what speaks against it, earliest first. `company`: what
    the manager's other meetings add to the price of the day that was taken."""
    ruler = Ruler(desk, due)
    return tuple(sorted(_found(ruler, away, company), key=lambda one: one.day))


def _found(ruler: Ruler, away: int, company: int) -> Iterator[Nearer]:
    for distance, day in in_order(ruler.due.window):
        if distance >= away:
            return  # they come cheapest first
        spans = {span: mask for span, mask in ruler.request.overlap.spans(day) if mask}
        rule, left = _applied(ruler, spans)
        load = ruler.desk.load(ruler.due.pair.manager).days
        dearer = all(distance + COMPANY * load[span.day] >= away + company for span in left)
        yield Nearer(day, rule, crowded=rule is None and dearer)


def _applied(ruler: Ruler, left: Mapping[Span, int]) -> tuple[Rule | None, Mapping[Span, int]]:
    """Apply the rules in their order; the one that leaves nothing, or what all of them leave."""
    if not left:
        return Rule.WINDOW, left
    for rule, applied in APPLIED.items():
        masks = {span: mask & applied(ruler, span) for span, mask in left.items()}
        left = {span: mask for span, mask in masks.items() if mask}
        if not left:
            return rule, left
    return None, left
