"""Record: a decision becomes rows, and the effects it owes, in one short transaction."""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection

from daemon import booking
from daemon.core.days import today
from daemon.core.domain import Meeting, Pair, Uid
from daemon.loop import illegible, unread
from daemon.loop.world import Decision, World
from daemon.store import handover, meetings, pairs, people, problems
from daemon.wiring import App


def record(app: App, world: World, decision: Decision) -> None:
    """Write what was decided, or nothing of it."""
    changed, before = decision.meetings, decision.before
    owed = tuple(booking.effects(app.letters, changed, before, world.everybody, world.now))
    found = {pair: (why.because.value, why.facts) for pair, why in decision.problems.items()}
    with app.database.writing() as conn:
        people.remember(conn, tuple(world.people.values()), world.now)
        _pairs(app, conn, world, decision)
        stale = _overtaken(conn, before)
        still = [meeting for meeting in changed if meeting.uid not in stale]
        timely = [effect for effect in owed if effect.uid not in stale]
        booking.save(conn, still, before, timely, world.now)
        problems.replace(conn, found, world.now)
        unread.keep(conn, world)
        illegible.keep(conn, world)


def _overtaken(conn: Connection, before: Mapping[Uid, Meeting]) -> Collection[Uid]:
    """Meetings somebody changed on a page since they were read: the next turn sees to them."""
    now = meetings.some(conn, before)
    return {uid for uid, meeting in before.items() if now.get(uid) != meeting}


def _pairs(app: App, conn: Connection, world: World, decision: Decision) -> None:
    for pair in decision.begun:
        pairs.begin(conn, pair, today(world.now, world.people[pair.employee].zone))
    for pair, why in decision.ended.items():
        pairs.end(conn, pair, today(world.now, world.everybody[pair.employee].zone), why)
    for pair in decision.begun:
        old = _left_behind(pair, decision)
        if old is not None:
            handover.hand_over(conn, app.vault, old, pair, world.now)


def _left_behind(pair: Pair, decision: Decision) -> Pair | None:
    """The pair of the same employee that ended in this turn: a change of manager."""
    return next((old for old in decision.ended if old.employee == pair.employee), None)
