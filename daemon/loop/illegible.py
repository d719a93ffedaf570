"""Which of our booked events somebody's program made illegible: kept between two looks, said once
a change."""

from collections.abc import Mapping
from dataclasses import replace

import structlog
from sqlalchemy import Connection

from daemon.core.domain import Email, Observed, State, Uid
from daemon.core.ports import Unknown
from daemon.loop.decide import wanted_pairs
from daemon.loop.world import World
from daemon.store import settings
from daemon.wiring import App

log = structlog.get_logger()

NAME = "event.unread"

Illegible = Mapping[Uid, Unknown]
"""Whose copy, and why, by event."""


def remembered(app: App, world: World) -> World:
    """Tell which talks ahead nobody can read, those of an earlier look too. Paper shows every
    event as it was noted: a rehearsal goes by what the turns before it found."""
    with app.database.reading() as conn:
        before = known(conn)
    seen = {} if app.rehearsal else world.seen
    ahead = _ahead(world)
    fresh = {uid: told for uid, told in seen.items() if isinstance(told, Unknown) and told.who}
    kept = {uid: told for uid, told in before.items() if not isinstance(seen.get(uid), Observed)}
    found = {uid: told for uid, told in {**kept, **fresh}.items() if uid in ahead}
    if not app.rehearsal:
        _say(before, found)
    return replace(world, illegible=found)


def _ahead(world: World) -> frozenset[Uid]:
    """The talks to come of pairs that go on."""
    wanted = wanted_pairs(world.people.values())
    return frozenset(
        meeting.uid
        for pair in wanted & world.histories.keys()
        for meeting in world.histories[pair].meetings
        if meeting.state is State.BOOKED and meeting.end > world.now
    )


def known(conn: Connection) -> Illegible:
    """What the turns up to now could not read."""
    found = settings.get(conn, NAME) or {}
    return {Uid(uid): Unknown(str(why), Email(who)) for uid, (who, why) in found.items()}


def keep(conn: Connection, world: World) -> None:
    """Keep it for the next turn."""
    rows = {uid: [told.who, told.reason] for uid, told in world.illegible.items()}
    settings.put(conn, NAME, rows or None)


def _say(before: Illegible, now: Illegible) -> None:
    for uid, told in now.items():
        if before.get(uid) != told:
            log.warning("event.unread", uid=uid, person=told.who, reason=told.reason)
    for uid in before:
        if uid not in now:
            log.info("event.no_longer_unread", uid=uid)
