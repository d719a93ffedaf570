"""Look at the calendars: who is busy when, and what became of our events."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta

import structlog

from daemon.core import cadence
from daemon.core.domain import (
    Availability,
    Email,
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
from daemon.loop.decide import beginning, wanted_pairs
from daemon.loop.world import World
from daemon.wiring import App

log = structlog.get_logger()

SPAN = timedelta(days=62)
"""How far ahead busy times are read at least: a window, its late days and a little more."""
SAID_BY_CALENDAR = {"zone": "calendar:zone", "hours": "calendar:hours"}
"""How `Person.stated` marks what the calendar said, so that it holds between two looks."""

BLIND = "No calendar can be read for now; the problems of `careloop status` say why, once."
"""What stands against a pair while the whole connection is out of order."""


def look(app: App, world: World) -> World:
    """Read everybody's calendar, or between two such looks only those of pairs with something
    due: nothing is ever decided on a calendar that was not read in the same turn."""
    everybody = sorted({who for p in wanted_pairs(world.people.values()) for who in _both(p)})
    whole = app.looked_at is None or world.now - app.looked_at >= app.config.calendar.patience
    staff = [world.people[who] for who in (everybody if whole else _concerned(world))]
    ours = [m for m in _booked(world) if m.uid not in world.pending]
    asked = [m for m in ours if worth_a_look(m, world)] if whole else []
    app.database.assert_idle()
    try:
        seen = app.calendar.look(asked) if asked else {}
        stands = [_as_seen(meeting, seen.get(meeting.uid)) for meeting in ours]
        found = app.calendar.busy(staff, span(world, ours), stands) if staff else {}
    except Trouble as trouble:
        return _blind(world, staff, trouble)
    if whole:
        app.looked_at = world.now
    return _resolved(world, found, seen, staff)


def _as_seen(meeting: Meeting, seen: Observed | Unknown | None) -> Meeting:
    """A meeting as its calendar shows it: one that was dragged is ours at its new time, too."""
    if not isinstance(seen, Observed) or seen.start is None or seen.end is None:
        return meeting
    return replace(meeting, start=seen.start, end=seen.end, replies=seen.replies)


def _booked(world: World) -> Iterable[Meeting]:
    return (m for h in world.histories.values() for m in h.meetings if m.state is State.BOOKED)


def _concerned(world: World) -> list[Email]:
    """The people of pairs for which a time has to be found now."""
    found: set[Email] = set()
    for pair in wanted_pairs(world.people.values()):
        history = world.histories.get(pair)
        if history is None or _something_due(world, history.pair):
            found.update(_both(pair))
    return sorted(found)


def _something_due(world: World, pair: Pair) -> bool:
    employee, manager = world.pair(pair)
    history = world.histories[pair]
    return (
        cadence.due(history, employee, manager, world.cadence, world.now) is not None
        or cadence.alignment_due(history, employee, world.cadence, world.closed, world.now)
        is not None
    )


def _both(pair: Pair) -> tuple[Email, Email]:
    return pair.employee, pair.manager


def worth_a_look(meeting: Meeting, world: World) -> bool:
    """Old events are not asked after: whoever tidies a calendar means nothing by it."""
    return meeting.end > world.now - timedelta(days=world.cadence.inferred_after_days)


def span(world: World, ours: Collection[Meeting]) -> Interval:
    """How far ahead busy times are needed: as far as any window or booked meeting reaches, those
    of pairs that begin with this turn too."""
    ends = [world.now + SPAN, *(m.end + timedelta(days=1) for m in ours)]
    for pair in wanted_pairs(world.people.values()):
        ends += [
            world.now + timedelta(days=(last - world.now.date()).days + 2)
            for last in _last_days(world, pair)
        ]
    return Interval(world.now, max(ends))


def _last_days(world: World, pair: Pair) -> Iterable[date]:
    """The last days on which something may be booked for a pair at this turn."""
    employee, manager = world.pair(pair)
    history = world.histories.get(pair) or beginning(world, pair)
    _, window = cadence.window(history, employee, manager, world.cadence, world.now)
    if window.earliest <= world.now.date() + timedelta(days=cadence.FAR_AHEAD + 1):
        yield window.late_until
    talk = cadence.alignment_due(history, employee, world.cadence, world.closed, world.now)
    if talk is not None:
        yield talk.window.late_until


def _blind(world: World, staff: Collection[Person], trouble: Trouble) -> World:
    log.warning("calendar.unread", reason=trouble.reason)
    return replace(
        world,
        unknown=dict.fromkeys((person.email for person in staff), BLIND),
        problems=(*world.problems, Problem("[calendar]", trouble.reason)),
        credentials_refused=world.credentials_refused or isinstance(trouble, CredentialsRefused),
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
        marked = person.stated | {SAID_BY_CALENDAR["zone"]}
        person = replace(person, zone=answer.zone, stated=marked)
    if answer.hours is not None and "hours" not in person.stated:
        marked = person.stated | {SAID_BY_CALENDAR["hours"]}
        person = replace(person, hours=answer.hours, stated=marked)
    return person


def with_memory(person: Person, before: Person | None) -> Person:
    """Keep what the calendar said of zone and hours at an earlier look."""
    if before is None:
        return person
    said = {name for name, mark in SAID_BY_CALENDAR.items() if mark in before.stated}
    return with_habits(
        person,
        Availability(
            busy=(),
            zone=before.zone if "zone" in said else None,
            hours=before.hours if "hours" in said else None,
        ),
    )
