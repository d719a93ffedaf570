"""Other times for a meeting, worked out beforehand: the pages never read a calendar."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta

from daemon.core import cadence, planner
from daemon.core.domain import (
    Because,
    Email,
    History,
    Interval,
    Meeting,
    Reason,
    State,
    Uid,
)
from daemon.loop.world import Decision, World
from daemon.store import conversations
from daemon.wiring import App

BEST = 3
SOON = timedelta(days=7)
"""Times are offered for a meeting that is near, and for the one after a talk that was just held."""

Standing = Mapping[Email, list[Meeting]]
"""The booked meetings of each person."""


def offer(app: App, world: World, decision: Decision) -> None:
    """Work out the offers of meetings people may want to move, and write what changed.

    Once for every meeting when it is booked or changed; again, while its page is open about now,
    whenever either calendar changed.
    """
    standing = _by_person(decision.histories.values())
    changed = {meeting.uid for meeting in decision.meetings}
    found: dict[Uid, tuple[Interval, ...]] = {}
    for history in decision.histories.values():
        for meeting in _wanted(history, world, changed):
            seen = _fingerprint(world, standing, meeting)
            if app.offered.get(meeting.uid) != seen:
                found[meeting.uid] = _best(world, history, meeting, standing)
                app.offered[meeting.uid] = seen
    _write(app, found)


def _write(app: App, found: Mapping[Uid, tuple[Interval, ...]]) -> None:
    if not found:
        return
    with app.database.reading() as conn:
        stale = {uid: x for uid, x in found.items() if conversations.offers(conn, uid) != x}
    if stale:
        with app.database.writing() as conn:
            for uid, slots in stale.items():
                conversations.set_offers(conn, uid, slots)


def _by_person(histories: Iterable[History]) -> Mapping[Email, list[Meeting]]:
    found: dict[Email, list[Meeting]] = defaultdict(list)
    for meeting in (m for h in histories for m in h.meetings if m.state is State.BOOKED):
        for who in (meeting.pair.employee, meeting.pair.manager):
            found[who].append(meeting)
    return found


def _wanted(history: History, world: World, changed: Collection[Uid]) -> Iterable[Meeting]:
    held = cadence.last_held(history, world.now)
    fresh = held is not None and world.now - held.end < SOON
    for alignment in (False, True):
        ahead = cadence.booked(history, world.now, alignment=alignment)
        if ahead is not None and (fresh or ahead.uid in changed or ahead.start - world.now < SOON):
            yield ahead


def _fingerprint(world: World, standing: Standing, meeting: Meeting) -> int:
    both = (meeting.pair.employee, meeting.pair.manager)
    booked = tuple((m.uid, m.start) for who in both for m in standing[who])
    day = world.now.date()
    return hash((meeting.start, meeting.refused, booked, day, *(world.busy.get(w) for w in both)))


def _best(
    world: World, history: History, meeting: Meeting, standing: Standing
) -> tuple[Interval, ...]:
    employee, manager = world.pair(history.pair)
    asked = cadence.move(
        history,
        meeting,
        Reason(Because.WISH),
        employee,
        manager,
        world.cadence,
        world.closed,
        world.now,
    )
    near = {m.uid: m for who in (employee.email, manager.email) for m in standing[who]}
    slots = planner.alternatives(
        asked,
        BEST + 1,
        world.people,
        world.busy,
        tuple(near.values()),
        world.cadence,
        world.closed,
        world.now,
    )
    others = (Interval(slot.start, slot.end) for slot in slots if slot.start != meeting.start)
    return tuple(others)[:BEST]
