"""Where meetings fall, all pairs at once: place, alternatives, clashes."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from daemon.core.almanac import Almanac
from daemon.core.desk import Busy, Closed, Desk
from daemon.core.domain import (
    Cadence,
    Due,
    Email,
    Interval,
    Meeting,
    NoSlot,
    Pair,
    Person,
    Slot,
    State,
)
from daemon.core.intervals import bits, days, local_day
from daemon.core.mending import mend
from daemon.core.request import Option, Request
from daemon.core.rules import Rule, left
from daemon.core.settling import a_slot, settle


def place(
    dues: Sequence[Due],
    people: Mapping[Email, Person],
    busy: Busy,
    placed: Collection[Meeting],
    cadence: Cadence,
    closed: Closed,
    now: datetime,
) -> Mapping[Pair, Slot | NoSlot]:
    """Find the best times for all due meetings together (product rules 3 and 4).

    At most one due meeting a pair; a meeting that one of them replaces stands in nobody's way.
    The answer does not depend on the order of anything given.
    """
    desk = Desk(dues, people, busy, placed, cadence, closed, now)
    known = [due for due in dues if not desk.unknown(due)]
    slots = mend(desk, known, settle(desk, known))
    return {due.pair: slots.get(due.pair) or _no_slot(desk, due) for due in dues}


def _no_slot(desk: Desk, due: Due) -> NoSlot:
    unknown = desk.unknown(due)
    return NoSlot(due, () if unknown else left(desk, due), unknown)


def alternatives(
    due: Due,
    count: int,
    people: Mapping[Email, Person],
    busy: Busy,
    placed: Collection[Meeting],
    cadence: Cadence,
    closed: Closed,
    now: datetime,
) -> tuple[Slot, ...]:
    """Offer the best `count` different starts for one pair, best first, on different days where
    there are enough of them; late ones only where the window holds none."""
    desk = Desk([due], people, busy, placed, cadence, closed, now)
    if desk.unknown(due):
        return ()
    request, load = desk.request(due), desk.load(due.pair.manager)
    room = (one for one in request.options() if load.has_room(one.span.day))
    days_best_first = list(islice(room, count))
    in_time = [one for one in days_best_first if one.at.day <= due.window.latest]
    ranked = sorted(
        (turn, rank, start)
        for rank, option in enumerate(in_time or days_best_first)
        for turn, start in enumerate(_apart(request, option, count))
    )
    return tuple(
        a_slot(request, (in_time or days_best_first)[rank], start)
        for _, rank, start in ranked[:count]
    )


def _apart(request: Request, option: Option, count: int) -> Iterator[int]:
    """The best starts of a day that do not overlap one another, at most `count`."""
    mask = option.mask
    while mask and count:
        start = option.best(mask)
        yield start
        mask &= ~bits(max(start - request.length + 1, 0), start + request.length)
        count -= 1


@dataclass(frozen=True, slots=True)
class Clash:
    """A hard rule that a booked meeting breaks, for whom, and with what."""

    rule: Rule
    who: Email
    by: Interval | None = None
    """The busy time or other meeting in the way."""


def clashes(
    meeting: Meeting,
    people: Mapping[Email, Person],
    busy: Busy,
    placed: Collection[Meeting],
    cadence: Cadence,  # noqa: ARG001 - the same arguments as place
    closed: Closed,
) -> tuple[Clash, ...]:
    """Tell which hard rules a booked meeting breaks by now, in the rules' order.

    A missing buffer alone is none, nor is a calendar that could not be read. Of `placed` only
    the meetings of the two people matter.
    """
    almanac = Almanac(closed)
    found: list[Clash] = []
    for who in (meeting.pair.employee, meeting.pair.manager):
        if who in people:
            found += _off_work(meeting, people[who], almanac, closed)
        found += [
            Clash(Rule.CONFLICT, who, one)
            for one in busy.get(who, ())
            if one.overlaps(meeting.when)
        ]
        found += [
            Clash(Rule.MEETING, who, other.when)
            for other in placed
            if other.state is State.BOOKED
            and other.uid != meeting.uid
            and who in (other.pair.employee, other.pair.manager)
            and other.when.overlaps(meeting.when)
        ]
    return tuple(sorted(found, key=lambda one: list(Rule).index(one.rule)))


def _off_work(
    meeting: Meeting, person: Person, almanac: Almanac, closed: Closed
) -> Iterator[Clash]:
    profile = almanac.profile(person, holidays=False)
    last = local_day(person.zone, meeting.end - timedelta.resolution)
    on = list(days(local_day(person.zone, meeting.start), last))
    if person.start_date and on[0] < person.start_date:
        yield Clash(Rule.START_DATE, person.email)
    if any(day in closed.get(person.country, ()) for day in on):
        yield Clash(Rule.HOLIDAY, person.email)
    if any(one.first <= day <= one.last for one in person.leave for day in on):
        yield Clash(Rule.LEAVE, person.email)
    span = almanac.span(person.zone, on[0])
    working = almanac.working(profile, span)
    if not any(one.start <= meeting.start and meeting.end <= one.end for one in working):
        yield Clash(Rule.HOURS, person.email)
