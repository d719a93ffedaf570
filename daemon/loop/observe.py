"""Observe: the roster, the store and the calendars as they are; nothing is changed."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from daemon.core import cadence
from daemon.core.domain import (
    Availability,
    Email,
    History,
    Interval,
    Meeting,
    Observed,
    Pair,
    Person,
    Problem,
    State,
    Uid,
)
from daemon.core.ports import CredentialsRefused, Trouble, Unknown
from daemon.loop.days_off import closed_days
from daemon.loop.decide import wanted_pairs
from daemon.loop.world import World
from daemon.store import conversations, outbox, pairs, people, settings
from daemon.wiring import App

log = structlog.get_logger()

LOSS = 0.10
LEAST_LOSS = 3
ACCEPTED = "roster.accepted"
"""The setting that names the roster an operator confirmed in spite of its losses."""
SPAN = timedelta(days=62)
"""How far ahead busy times are read at least: a window, its late days and a little more."""


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


def observe(app: App, now: datetime) -> tuple[World, Staff]:
    """Look at everything the rules need, calendars last."""
    memory = remember(app)
    staff = read_staff(app, memory)
    rules = app.config.cadence.rules()
    years = tuple(range(now.year, now.year + 2))
    closed = closed_days(
        {p.country for p in staff.people.values()}, app.config.organization.closed_days, years
    )
    world = World(
        now=now,
        cadence=rules,
        people=staff.people,
        everybody={**memory.everybody, **staff.people},
        histories={p: h for p, h in memory.histories.items() if h.ended is None},
        ended={p: h for p, h in memory.histories.items() if h.ended is not None},
        closed=closed,
        pending=memory.pending,
        refused=memory.refused,
        problems=staff.problems,
        last_turn=app.last_turn,
    )
    return look_at_calendars(app, world), staff


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


def read_staff(app: App, memory: Memory) -> Staff:
    """Read the roster; keep the last good one when it cannot be read or lost too many people."""
    try:
        found = app.directory.people()
    except Trouble as trouble:
        log.warning("roster.unread", reason=trouble.reason)
        problem = Problem("[people]", trouble.reason, "The last good roster is used until then.")
        return Staff(memory.roster, (problem,), isinstance(trouble, CredentialsRefused))
    present = {person.email: person for person in found.people}
    present |= {who: memory.roster[who] for who in found.refused if who in memory.roster}
    lost = [who for who in memory.roster if who not in present]
    if _too_many(lost, memory.roster) and fingerprint(present) != memory.accepted:
        log.warning("roster.lost", lost=len(lost), known=len(memory.roster))
        problem = Problem(
            "[people]",
            f"{len(lost)} of {len(memory.roster)} people are missing from the roster at once; "
            "nothing was ended, the last good roster is used",
            "Mend the roster, or confirm that they left: careloop check --accept-roster",
        )
        return Staff(memory.roster, (*found.problems, problem))
    return Staff(present, found.problems)


def _too_many(lost: Collection[Email], known: Collection[Email]) -> bool:
    return len(lost) >= LEAST_LOSS and len(lost) > LOSS * len(known)


def fingerprint(present: Collection[Email]) -> str:
    """Name a roster by who is on it."""
    return hashlib.sha256("\n".join(sorted(present)).encode()).hexdigest()


def look_at_calendars(app: App, world: World) -> World:
    """Read busy times and what became of our events, for everybody who is in a pair."""
    wanted = sorted(wanted_pairs(world.people.values()))
    staff = [world.people[who] for who in sorted({w for p in wanted for w in _both(p)})]
    ours = [
        m
        for h in world.histories.values()
        for m in h.meetings
        if m.state is State.BOOKED and m.uid not in world.pending
    ]
    app.database.assert_idle()
    try:
        seen = app.calendar.look([m for m in ours if worth_a_look(m, world.now)]) if ours else {}
        found = app.calendar.busy(staff, span(world, ours), ours) if staff else {}
    except Trouble as trouble:
        return _blind(world, staff, trouble)
    return _resolved(world, found, seen, staff)


def _both(pair: Pair) -> tuple[Email, Email]:
    return pair.employee, pair.manager


def worth_a_look(meeting: Meeting, now: datetime) -> bool:
    """Old events are not asked after: whoever tidies a calendar means nothing by it."""
    return meeting.end > now - timedelta(days=3)


def span(world: World, ours: Collection[Meeting]) -> Interval:
    """How far ahead busy times are needed: as far as any window or booked meeting reaches."""
    ends = [world.now + SPAN, *(m.end + timedelta(days=1) for m in ours)]
    for history in world.histories.values():
        if history.pair.employee in world.people and history.pair.manager in world.people:
            employee, manager = world.pair(history.pair)
            _, window = cadence.window(history, employee, manager, world.cadence, world.now)
            days = (window.late_until - world.now.date()).days + 2
            ends.append(world.now + timedelta(days=min(days, cadence.FAR_AHEAD)))
    return Interval(world.now, max(ends))


def _blind(world: World, staff: Collection[Person], trouble: Trouble) -> World:
    log.warning("calendar.unread", reason=trouble.reason)
    return replace(
        world,
        unknown={person.email: trouble.reason for person in staff},
        problems=(*world.problems, Problem("[calendar]", trouble.reason)),
    )


def _resolved(
    world: World,
    found: Mapping[Email, Availability | Unknown],
    seen: Mapping[Uid, Observed | Unknown],
    staff: Collection[Person],
) -> World:
    unknown = {p.email: _why_unknown(p, found.get(p.email)) for p in staff}
    known = {who: a for who, a in found.items() if isinstance(a, Availability)}
    people = dict(world.people)
    for who, answer in known.items():
        if who in people:
            people[who] = with_habits(people[who], answer)
    return replace(
        world,
        people=people,
        everybody={**world.everybody, **people},
        busy={who: answer.busy for who, answer in known.items()},
        unknown={who: why for who, why in unknown.items() if why is not None},
        seen=seen,
    )


def _why_unknown(person: Person, answer: Availability | Unknown | None) -> str | None:
    if isinstance(answer, Unknown):
        return answer.reason
    return None if answer is not None else f"{person.email}: the calendar gave no answer"


def with_habits(person: Person, answer: Availability) -> Person:
    """Take zone and hours from the person's calendar where the roster is silent."""
    if answer.zone is not None and "zone" not in person.stated:
        person = replace(person, zone=answer.zone)
    if answer.hours is not None and "hours" not in person.stated:
        person = replace(person, hours=answer.hours)
    return person
