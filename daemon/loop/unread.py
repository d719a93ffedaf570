"""Whose calendar could not be read: kept between two looks, said once a change."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

import structlog
from sqlalchemy import Connection

from daemon.core.domain import Because, Email, Problem, Reason
from daemon.loop.decide import wanted_pairs
from daemon.loop.looking import BLIND
from daemon.loop.world import World
from daemon.store import settings
from daemon.wiring import App

log = structlog.get_logger()

NAME = "calendar.unread"
SHOWN = 3
"""So many people are named where one reason holds for many."""
CURE = (
    "Mend what it names: until then nothing new is booked for them, and clashes and changes there "
    "are not seen. The next turn reads it again."
)

Unread = Mapping[Email, str]
"""Why, by person."""


def remembered(app: App, world: World) -> World:
    """Add what an earlier look found of calendars that were not looked at in this turn."""
    with app.database.reading() as conn:
        before = known(conn)
    seen = {who: why for who, why in world.unknown.items() if why != BLIND}
    looked_at = {*seen, *world.busy}
    pairs = wanted_pairs(world.people.values())
    matters = {who for pair in pairs for who in (pair.employee, pair.manager)}
    kept = {who: why for who, why in before.items() if who in matters - looked_at}
    unread = dict(sorted({**kept, **seen}.items()))
    if not app.rehearsal:
        _say(before, unread)
    return replace(world, unread=unread)


def known(conn: Connection) -> Unread:
    """What the turns up to now could not read."""
    found = settings.get(conn, NAME)
    return {Email(who): str(why) for who, why in found.items()} if found else {}


def keep(conn: Connection, world: World) -> None:
    """Keep it for the next turn."""
    settings.put(conn, NAME, dict(world.unread) or None)


def problems(world: World, against: Iterable[Reason]) -> tuple[Problem, ...]:
    """Say once for each reason whose calendar a pair waits for."""
    waiting = {
        Email(who)
        for reason in against
        if reason.because is Because.UNKNOWN_CALENDAR
        for who in reason.facts["who"].split(", ")
    }
    people: dict[str, list[Email]] = defaultdict(list)
    for who, why in world.unread.items():
        if who in waiting:
            people[why].append(who)
    return tuple(Problem(f"[calendar] {_some(who)}", why, CURE) for why, who in people.items())


def _some(people: Collection[Email]) -> str:
    named = ", ".join(list(people)[:SHOWN])
    more = len(people) - SHOWN
    return f"{named} and {more} more" if more > 0 else named


def _say(before: Unread, now: Unread) -> None:
    for who, why in now.items():
        if before.get(who) != why:
            log.warning("calendar.unread", person=who, reason=why)
    for who in before:
        if who not in now:
            log.info("calendar.read_again", person=who)
