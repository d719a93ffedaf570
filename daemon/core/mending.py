"""Meetings that stand in the way of others across teams: move one to give the other its time.

A manager's own meeting with their manager and those with their team share one calendar, but
are settled apart. What got no slot or a late one is looked at once more here.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from daemon.core.desk import Desk
from daemon.core.domain import Due, Email, Pair, Slot
from daemon.core.intervals import local_day
from daemon.core.preferences import COMPANY, UNPLACED, price
from daemon.core.settling import settle

Slots = dict[Pair, Slot]


def mend(desk: Desk, dues: Sequence[Due], slots: Slots) -> Slots:
    """Move one meeting for another, wherever that makes the two together cheaper."""
    near: dict[Email, list[Due]] = defaultdict(list)
    for due in sorted(dues, key=lambda due: due.pair):
        near[due.pair.employee].append(due)
        near[due.pair.manager].append(due)
    for due in sorted(dues, key=lambda due: due.pair):
        if due.pair not in slots or slots[due.pair].late:
            for other in _in_the_way(due, near):
                if other.pair in slots and _swap(desk, due, other, slots):
                    break
    return slots


def _in_the_way(due: Due, near: dict[Email, list[Due]]) -> Iterator[Due]:
    """The meetings of the two people with others than this manager's team."""
    for who in (due.pair.employee, due.pair.manager):
        for other in near[who]:
            if other.pair.manager != due.pair.manager:
                yield other


def _swap(desk: Desk, due: Due, other: Due, slots: Slots) -> bool:
    """Let one be placed before the other; keep that if the two cost less."""
    before = [slots[one.pair] for one in (due, other) if one.pair in slots]
    paid = _lift(desk, before) + UNPLACED * (2 - len(before))
    after = [*settle(desk, [due]).values(), *settle(desk, [other]).values()]
    if _lift(desk, after) + UNPLACED * (2 - len(after)) >= paid:
        after = before
    for slot in after:
        desk.book(slot)
    for one in (due, other):
        slots.pop(one.pair, None)
    slots.update({slot.due.pair: slot for slot in after})
    return after is not before


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
