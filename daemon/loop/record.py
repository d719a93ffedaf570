"""Record: a decision becomes rows, and the effects it owes, in one short transaction."""

from sqlalchemy import Connection

from daemon import booking
from daemon.core.days import today
from daemon.core.domain import Pair
from daemon.loop import unread
from daemon.loop.world import Decision, World
from daemon.store import handover, pairs, people, problems
from daemon.wiring import App


def record(app: App, world: World, decision: Decision) -> None:
    """Write what was decided, or nothing of it."""
    changed, before = decision.meetings, decision.before
    owed = tuple(booking.effects(app.letters, changed, before, world.everybody, world.now))
    found = {pair: (why.because.value, why.facts) for pair, why in decision.problems.items()}
    with app.database.writing() as conn:
        people.remember(conn, tuple(world.people.values()), world.now)
        _pairs(app, conn, world, decision)
        booking.save(conn, changed, before, owed, world.now)
        problems.replace(conn, found, world.now)
        unread.keep(conn, world)


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
