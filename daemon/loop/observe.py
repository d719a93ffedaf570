"""Observe: the roster, the store and the calendars as they are; nothing is changed."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from daemon.core.domain import (
    Email,
    History,
    Pair,
    Person,
    Problem,
    Roster,
    Uid,
)
from daemon.core.ports import CredentialsRefused, Trouble
from daemon.loop.days_off import closed_days
from daemon.loop.decide import wanted_pairs
from daemon.loop.looking import look, with_memory
from daemon.loop.world import World
from daemon.store import conversations, erasing, outbox, pairs, people, settings
from daemon.wiring import App

log = structlog.get_logger()

LOSS = 0.10
LEAST_LOSS = 3
ACCEPTED = "roster.accepted"
"""The setting that names the roster an operator confirmed in spite of its losses."""


@dataclass(frozen=True, slots=True)
class Staff:
    """The roster to act on, and what is wrong with today's."""

    people: Mapping[Email, Person]
    problems: tuple[Problem, ...] = ()
    refused: bool = False
    """Credentials were refused: an administrator has to act."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What the store knew when the turn began."""

    roster: Mapping[Email, Person]
    everybody: Mapping[Email, Person]
    histories: Mapping[Pair, History]
    """Ended pairs too."""
    pending: frozenset[Uid]
    refused: Mapping[Uid, str]
    accepted: str


def observe(app: App, now: datetime) -> World:
    """Look at everything the rules need, calendars last."""
    memory = remember(app)
    staff = read_staff(app, memory)
    rules = app.config.cadence.rules()
    years = tuple(range(now.year, now.year + 2))
    closed = closed_days(
        {p.country for p in staff.people.values()}, app.config.organization.closed_days, years
    )
    spent = spent_numbers(app, wanted_pairs(staff.people.values()))
    histories = {p: replace(h, spent=spent.get(p, 0)) for p, h in memory.histories.items()}
    world = World(
        now=now,
        cadence=rules,
        people=staff.people,
        everybody={**memory.everybody, **staff.people},
        histories={p: h for p, h in histories.items() if h.ended is None},
        ended={p: h for p, h in histories.items() if h.ended is not None},
        spent=spent,
        closed=closed,
        pending=memory.pending,
        refused=memory.refused,
        problems=staff.problems,
        credentials_refused=staff.refused,
        last_turn=app.last_turn,
    )
    return look(app, world)


def remember(app: App) -> Memory:
    """Read the store once."""
    with app.database.reading() as conn:
        pending = outbox.pending(conn)
        return Memory(
            roster=people.roster(conn),
            everybody=people.everybody(conn),
            histories=pairs.histories(
                conn,
                ended=True,
                talks=conversations.talks(conn),
                accords=conversations.accords(conn),
            ),
            pending=frozenset(x.uid for x in pending if x.action is not outbox.Action.LETTER),
            refused=outbox.refused(conn, outbox.Action.PUT),
            accepted=str(settings.get(conn, ACCEPTED) or ""),
        )


def spent_numbers(app: App, wanted: Collection[Pair]) -> Mapping[Pair, int]:
    """Which numbers pairs used before one of the two was erased."""
    with app.database.reading() as conn:
        return erasing.spent(conn, app.vault, wanted)


def read_staff(app: App, memory: Memory) -> Staff:
    """Read the roster; keep the last good one when it cannot be read or lost too many people."""
    try:
        found = app.directory.people()
    except Trouble as trouble:
        log.warning("roster.unread", reason=trouble.reason)
        problem = Problem("[people]", trouble.reason, "The last good roster is used until then.")
        return Staff(memory.roster, (problem,), isinstance(trouble, CredentialsRefused))
    present = present_of(found, memory)
    doubt = doubtful(present, memory)
    if doubt is not None:
        log.warning("roster.lost", reason=doubt.what)
        return Staff(memory.roster, (*found.problems, doubt))
    return Staff(present, found.problems)


def present_of(found: Roster, memory: Memory) -> dict[Email, Person]:
    """Everybody a roster names: whose entry cannot be used is there as before."""
    known = memory.roster
    present = {p.email: with_memory(p, known.get(p.email)) for p in found.people}
    return present | {who: known[who] for who in found.refused if who in known}


def doubtful(present: Collection[Email], memory: Memory) -> Problem | None:
    """Say why a roster of these people is not acted on: it lost too many at once, and nobody
    confirmed it (product rule 10). None: it is believed."""
    lost = [who for who in memory.roster if who not in present]
    if not _too_many(lost, memory.roster) or fingerprint(present) == memory.accepted:
        return None
    return Problem(
        "[people]",
        f"{len(lost)} of {len(memory.roster)} people are missing from the roster at once; "
        "nothing was ended, the last good roster is used",
        "Mend the roster, or confirm that they left: careloop check --accept-roster",
    )


def _too_many(lost: Collection[Email], known: Collection[Email]) -> bool:
    return len(lost) >= LEAST_LOSS and len(lost) > LOSS * len(known)


def fingerprint(present: Iterable[Email]) -> str:
    """Name a roster by who is on it."""
    return hashlib.sha256("\n".join(sorted(present)).encode()).hexdigest()
