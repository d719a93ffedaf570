"""Meetings that stand in the way of others across teams: move one to give the other its time.

A manager's own meeting with their manager and those with their team share one calendar, but
are settled apart. What got no slot or a late one is looked at once more here.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta

from daemon.core.desk import Desk
from daemon.core.domain import Due, Email, Pair, Slot
from daemon.core.intervals import days, local_day
from daemon.core.preferences import COMPANY, UNPLACED, price
from daemon.core.request import SCALE
from daemon.core.settling import a_slot, settle

Slots = dict[Pair, Slot]


def mend(desk: Desk, dues: Sequence[Due], slots: Slots) -> Slots:
    """Move one meeting for another, wherever that makes the two together cheaper."""
    in_order = sorted(dues, key=lambda due: (due.pair.employee, due.pair.manager))
    wanting = [due for due in in_order if due.pair not in slots or slots[due.pair].late]
    near = _near(wanting, in_order)
    for due in wanting:
        if due.pair not in slots or slots[due.pair].late:
            for other in _in_the_way(due, near):
                if other.pair in slots and _swap(desk, due, other, slots):
                    break
    return slots


def _near(some: Sequence[Due], dues: Sequence[Due]) -> dict[Email, list[Due]]:
    """The meetings of the people of some."""
    near: dict[Email, list[Due]] = defaultdict(list)
    concerned = {who for due in some for who in (due.pair.employee, due.pair.manager)}
    for due in dues:
        for who in concerned & {due.pair.employee, due.pair.manager}:
            near[who].append(due)
    return near


def _in_the_way(due: Due, near: dict[Email, list[Due]]) -> Iterator[Due]:
    """The meetings of the two people with others than this manager's team."""
    for who in (due.pair.employee, due.pair.manager):
        for other in near[who]:
            if other.pair.manager != due.pair.manager:
                yield other


def _swap(desk: Desk, due: Due, other: Due, slots: Slots) -> bool:
    """Let one have a time at which the other stands; keep that if the two cost less."""
    before = [slots[one.pair] for one in (due, other) if one.pair in slots]
    paid = _lift(desk, before) + UNPLACED * (2 - len(before))
    after = before
    if slot := _instead(desk, due, slots[other.pair]):
        desk.book(slot)
        both = [slot, *settle(desk, [other]).values()]
        after = both if _lift(desk, both) + UNPLACED * (2 - len(both)) < paid else before
    for one in after:
        desk.book(one)
    for pair in (due.pair, other.pair):
        slots.pop(pair, None)
    slots.update({one.due.pair: one for one in after})
    return after is not before


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
