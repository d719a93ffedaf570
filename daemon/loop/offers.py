"""Other times for a meeting, worked out beforehand: the pages never read a calendar."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta

from daemon.core import cadence, planner
from daemon.core.domain import (
    Because,
    Due,
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
    """Work out the offers of meetings people may want to move, and write what changed; nobody
    moves anything in a rehearsal.

    Once for every meeting when it is booked or changed; again, while its page is open about now,
    whenever either calendar changed.
    """
    if app.rehearsal:
        return
    standing = _by_person(decision.histories.values())
    changed = {meeting.uid for meeting in decision.meetings}
    wanted: dict[Uid, tuple[Meeting, Due]] = {}
    for history in decision.histories.values():
        for meeting in _wanted(history, world, changed):
            seen = _fingerprint(world, standing, meeting)
            if app.offered.get(meeting.uid) != seen:
                wanted[meeting.uid] = meeting, _asked(world, history, meeting)
                app.offered[meeting.uid] = seen
    _write(app, _best(world, wanted, standing))


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


def _asked(world: World, history: History, meeting: Meeting) -> Due:
    employee, manager = world.pair(history.pair)
    return cadence.move(
        history,
        meeting,
        Reason(Because.WISH),
        employee,
        manager,
        world.cadence,
        world.closed,
        world.now,
    )


def _best(
    world: World, wanted: Mapping[Uid, tuple[Meeting, Due]], standing: Standing
) -> Mapping[Uid, tuple[Interval, ...]]:
    """The best other times of each meeting."""
    if not wanted:
        return {}
    booked = {m.uid: m for theirs in standing.values() for m in theirs}
    found = planner.alternatives(
        [asked for _, asked in wanted.values()],
        BEST + 1,
        world.people,
        world.busy,
        tuple(booked.values()),
        world.cadence,
        world.closed,
        world.now,
    )
    return {
        uid: tuple(Interval(x.start, x.end) for x in slots if x.start != meeting.start)[:BEST]
        for (uid, (meeting, _)), slots in zip(wanted.items(), found, strict=True)
    }
