"""Meetings that stand in the way of others across teams: move one to give the other its time.

A manager's own meeting with their manager and those with their team share one calendar, but
are settled apart. What got no slot or a late one is looked at once more here.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from daemon.core.desk import Desk
from daemon.core.domain import Due, Email, Pair, Slot
from daemon.core.intervals import days, local_day
from daemon.core.preferences import COMPANY, UNPLACED, price
from daemon.core.request import SCALE
from daemon.core.settling import a_slot, by_manager, settle

Slots = dict[Pair, Slot]


def mend(desk: Desk, dues: Sequence[Due], slots: Slots) -> Slots:
    """Let others give way, one meeting or a whole team, wherever that makes all cheaper."""
    teams = by_manager(dues)
    wanting = sorted((due for due in dues if _wants(due, slots)), key=_who)
    near = _near(wanting, dues)
    for due in wanting:
        for other in _in_the_way(due, near):
            if other.pair in slots and _wants(due, slots):
                _swap(desk, due, other, teams[other.pair.manager], slots)
    return slots


def _wants(due: Due, slots: Slots) -> bool:
    slot = slots.get(due.pair)
    return slot is None or slot.late


def _who(due: Due) -> tuple[Email, Email]:
    return due.pair.employee, due.pair.manager


def _near(some: Sequence[Due], dues: Sequence[Due]) -> dict[Email, list[Due]]:
    """The meetings of the people of some."""
    near: dict[Email, list[Due]] = {who: [] for due in some for who in _who(due)}
    for due in dues:
        for who in _who(due):
            if who in near:
                near[who].append(due)
    return {who: sorted(theirs, key=_who) for who, theirs in near.items()}


def _in_the_way(due: Due, near: dict[Email, list[Due]]) -> Iterator[Due]:
    """The meetings of the two people with others than this manager's team."""
    for who in _who(due):
        for other in near[who]:
            if other.pair.manager != due.pair.manager:
                yield other


def _swap(desk: Desk, due: Due, other: Due, team: Sequence[Due], slots: Slots) -> None:
    """Let one have a time at which another stands, who finds a new one: alone or, for somebody
    without a meeting, together with their team."""
    before = [slots[one.pair] for one in (due, other) if one.pair in slots]
    _lift(desk, before)
    slot = _instead(desk, due, slots[other.pair])
    for one in before:
        desk.book(one)
    if slot and not _is_better(desk, slot, [other], slots) and due.pair not in slots:
        _is_better(desk, slot, team, slots)


def _is_better(desk: Desk, slot: Slot, others: Sequence[Due], slots: Slots) -> bool:
    """Take a slot and settle others anew beside it; keep that if all of them cost less."""
    pairs = [slot.due.pair, *(one.pair for one in others)]
    before = [slots.pop(pair) for pair in pairs if pair in slots]
    paid = _lift(desk, before) + UNPLACED * (len(pairs) - len(before))
    desk.book(slot)
    found = [slot, *settle(desk, others).values()]
    cost = _lift(desk, found) + UNPLACED * (len(pairs) - len(found))
    kept = found if cost < paid else before
    for one in kept:
        desk.book(one)
    slots.update({one.due.pair: one for one in kept})
    return kept is found


def _instead(desk: Desk, due: Due, other: Slot) -> Slot | None:
    """The cheapest start on the days around another meeting, which was lifted."""
    request, load = desk.request(due), desk.load(due.pair.manager)
    zone, reach = desk.people[due.pair.employee].zone, timedelta(minutes=due.minutes) + desk.pad
    first, last = local_day(zone, other.start - reach), local_day(zone, other.end + reach)
    options = [
        option
        for day in days(max(first, due.window.earliest), min(last, due.window.late_until))
        for option in request.on(price(due.window, day), day)
        if load.has_room(option.span.day)
    ]
    if not options:
        return None
    option = min(options, key=lambda one: one.cost + COMPANY * SCALE * load.days[one.span.day])
    return a_slot(request, option, option.best(option.mask))


def _lift(desk: Desk, slots: Sequence[Slot]) -> int:
    """Take meetings out of the diaries and tell what they cost there."""
    cost = 0
    for slot in slots:
        desk.free(slot)
        employee, manager = (
            desk.people[who].zone for who in (slot.due.pair.employee, slot.due.pair.manager)
        )
        crowd = desk.load(slot.due.pair.manager).days[local_day(manager, slot.start)]
        cost += price(slot.due.window, local_day(employee, slot.start)) + COMPANY * crowd
    return cost
