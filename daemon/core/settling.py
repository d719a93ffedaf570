"""All due meetings placed, manager after manager: days first, then the starts on each day."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from daemon.core.assignment import Assignment
from daemon.core.desk import Desk
from daemon.core.domain import Due, Email, Pair, Slot
from daemon.core.packing import pack
from daemon.core.request import Option, Request


def settle(desk: Desk, dues: Sequence[Due]) -> dict[Pair, Slot]:
    """Place and book what can be placed. Whoever leads most people has the least choice and
    comes first; their own meeting with their manager is more easily moved."""
    slots: dict[Pair, Slot] = {}
    teams = by_manager(dues)
    for manager in sorted(teams, key=lambda who: (-len(teams[who]), who)):
        slots |= {slot.due.pair: slot for slot in _rounds(desk, teams[manager])}
        desk.close()
    return slots


def by_manager(dues: Sequence[Due]) -> dict[Email, list[Due]]:
    """The meetings each manager has with their team, in the order of the employees."""
    found: dict[Email, list[Due]] = defaultdict(list)
    for due in sorted(dues, key=lambda due: due.pair.employee):
        found[due.pair.manager].append(due)
    return found


def _rounds(desk: Desk, dues: Sequence[Due]) -> Iterator[Slot]:
    """Place one manager's meetings; who lost their start to a meeting of the next day (a night
    worker's, over midnight) or in a crowd tries once more beside the others."""
    while dues:
        assignment = Assignment(desk.load(dues[0].pair.manager).copy())
        assignment.settle([desk.request(due) for due in dues])
        booked = set()
        until: datetime | None = None
        for slot in sorted(_slots(assignment), key=lambda slot: slot.start):
            if until is None or slot.start >= until:
                until = slot.end + desk.pad
                booked.add(slot.due.pair)
                desk.book(slot)
                yield slot
        dues = [due for due in dues if due.pair not in booked] if booked else []


def _slots(assignment: Assignment) -> Iterator[Slot]:
    """Choose the starts on each day."""
    for on in assignment.days():
        requests = sorted(on, key=lambda request: request.due.pair.employee)
        pairs = [(request, request.chosen) for request in requests if request.chosen]
        items = [option.item for _, option in pairs]
        starts = pack(items, [option.best for _, option in pairs])
        for (request, option), start in zip(pairs, starts, strict=True):
            if start is not None:
                yield a_slot(request, option, start)


def a_slot(request: Request, option: Option, index: int) -> Slot:
    """The answer that one start of an option makes."""
    due, start = request.due, option.span.at(index)
    end = start + timedelta(minutes=due.minutes)
    return Slot(due, start, end, late=option.at.day > due.window.latest)
