"""Where meetings fall, all pairs at once: place, alternatives."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

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
)
from daemon.core.intervals import bits
from daemon.core.mending import mend
from daemon.core.request import Option, Request
from daemon.core.rules import left
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

    At most one due meeting a pair; a meeting that one of them replaces stands in nobody's way,
    unless nothing else is found for it. The answer does not depend on the order of dues, people or
    meetings.
    """
    desk = Desk(dues, people, busy, placed, cadence, closed, now)
    known = [due for due in dues if not desk.unknown(due)]
    slots = mend(desk, known, settle(desk, known))
    answers = {due.pair: slots.get(due.pair) or _no_slot(desk, due) for due in dues}
    stuck = {due.pair: due.replaces for due in dues if due.replaces and due.pair not in slots}
    if not any(_meet(slot, old) for slot in slots.values() for old in stuck.values()):
        return answers
    others = [due for due in dues if due.pair not in stuck]
    return {**answers, **place(others, people, busy, placed, cadence, closed, now)}


def _meet(slot: Slot, meeting: Meeting) -> bool:
    """Tell whether somebody would have to be at both."""
    one, two = slot.due.pair, meeting.pair
    together = {one.employee, one.manager} & {two.employee, two.manager}
    return bool(together) and meeting.when.overlaps(Interval(slot.start, slot.end))


def _no_slot(desk: Desk, due: Due) -> NoSlot:
    unknown = desk.unknown(due)
    return NoSlot(due, () if unknown else left(desk, due), unknown)


def alternatives(
    dues: Sequence[Due],
    count: int,
    people: Mapping[Email, Person],
    busy: Busy,
    placed: Collection[Meeting],
    cadence: Cadence,
    closed: Closed,
    now: datetime,
) -> list[tuple[Slot, ...]]:
    """Offer for each due meeting its best `count` different starts, best first, on different days
    where there are enough of them; late ones only where the window holds none.

    Each is looked at by itself: only the meeting it replaces itself stands in nobody's way.
    """
    desk = Desk((), people, busy, placed, cadence, closed, now)
    return [_offers(desk, due, count) for due in dues]


def _offers(desk: Desk, due: Due, count: int) -> tuple[Slot, ...]:
    if desk.unknown(due):
        return ()
    with desk.without(due.replaces):
        request, load = desk.request(due), desk.load(due.pair.manager)
        room = (one for one in request.options() if load.has_room(one.span.day))
        options = list(islice(room, count))
    options = [one for one in options if one.at.day <= due.window.latest] or options
    ranked = sorted(
        (turn, rank, start)
        for rank, option in enumerate(options)
        for turn, start in enumerate(_apart(request, option, count))
    )
    return tuple(a_slot(request, options[rank], start) for _, rank, start in ranked[:count])


def _apart(request: Request, option: Option, count: int) -> Iterator[int]:
    """The best starts of a day that do not overlap one another, at most `count`."""
    mask = option.mask
    while mask and count:
        start = option.best(mask)
        yield start
        mask &= ~bits(max(start - request.length + 1, 0), start + request.length)
        count -= 1
