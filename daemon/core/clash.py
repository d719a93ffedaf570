"""What a booked meeting runs into after it was booked: leave, holidays, other working hours or
another zone, other appointments."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from daemon.core.days import ONE_DAY, Closed, at_wall, away, today
from daemon.core.domain import Because, Email, Interval, Meeting, Person, Reason
from daemon.core.intervals import merge

Standing = Mapping[Email, Sequence[Meeting]]
"""The booked meetings of each person."""


def chosen(meeting: Meeting) -> bool:
    """Tell whether a person chose this very time."""
    return meeting.reason.because in (Because.MOVED_BY_PERSON, Because.WISH)


def clash(
    meeting: Meeting,
    people: Mapping[Email, Person],
    busy: Mapping[Email, Sequence[Interval]],
    standing: Standing,
    closed: Closed,
) -> Reason | None:
    """Tell what stands against a booked meeting today, the gravest first; None: it may stay.

    `busy` is sorted and merged. A time a person chose gives way to leave only: they may have had
    their reasons for the rest. A missing buffer is no clash, nor is an unreadable calendar.
    """
    both = (meeting.pair.employee, meeting.pair.manager)
    for who in both:
        rule = _absence(meeting, people.get(who), closed)
        if rule:
            return Reason(Because.LEAVE, {"who": who, "rule": rule})
    for who in both:
        if not chosen(meeting) and _off_hours(meeting, people.get(who)):
            return Reason(Because.HOURS, {"who": who})
    for who in both:
        taken = not chosen(meeting) and _taken(meeting.when, busy.get(who, ()))
        if taken or any(_gives_way(meeting, other) for other in standing.get(who, ())):
            return Reason(Because.CONFLICT, {"who": who})
    return None


def _absence(meeting: Meeting, person: Person | None, closed: Closed) -> str:
    if person is None:
        return ""
    day = today(meeting.start, person.zone)
    if day in closed.get(person.country, ()):
        return "holiday"
    return "leave" if away(person, day) else ""


def _off_hours(meeting: Meeting, person: Person | None) -> bool:
    """Whether it lies outside what the person works, on their wall clock of today."""
    if person is None:
        return False
    day = today(meeting.start, person.zone)
    return not any(
        one.start <= meeting.start and meeting.end <= one.end
        for one in merge(
            Interval(at_wall(near, first, person.zone), at_wall(near, last, person.zone))
            for near in (day - ONE_DAY, day, day + ONE_DAY)
            for first, last in person.hours.days[near.weekday()]
        )
    )


def _taken(when: Interval, busy: Sequence[Interval]) -> bool:
    """Whether the last interval that begins before the end reaches beyond the start."""
    before = bisect_left(busy, when.end, key=lambda one: one.start)
    return before > 0 and busy[before - 1].end > when.start


def _gives_way(meeting: Meeting, other: Meeting) -> bool:
    """Of two that overlap, the one no person chose gives way; of equals, the later uid."""
    if meeting.uid == other.uid or not meeting.when.overlaps(other.when) or chosen(meeting):
        return False
    return chosen(other) or other.uid < meeting.uid
