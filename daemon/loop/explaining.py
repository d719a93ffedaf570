"""Why then, and why not: what `explain` tells about the pairs of a person."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from daemon.core import cadence, why
from daemon.core.domain import (
    Because,
    Due,
    Email,
    History,
    Interval,
    Meeting,
    Pair,
    Person,
    Reason,
    Slot,
    State,
)
from daemon.core.why import Explanation, Obstacle
from daemon.loop.observe import observe
from daemon.loop.problems import why as why_there
from daemon.loop.world import World
from daemon.wiring import App


@dataclass(frozen=True, slots=True)
class Account:
    """What can be told about one pair."""

    pair: Pair
    booked: Meeting | None
    last_held: Meeting | None
    explanation: Explanation | None
    """None: nothing is due (the pair rests, or its tries ran out)."""
    people: Mapping[Email, Person]
    unknown: Mapping[Email, str]
    """Why a calendar could not be read."""


def explain(app: App, who: Email, now: datetime) -> tuple[Account, ...]:
    """Look at the world as a turn would, and account for every pair of this person."""
    world = observe(app, now)
    mine = [h for p, h in world.histories.items() if who in (p.employee, p.manager)]
    return tuple(account(world, history) for history in mine)


def account(world: World, history: History) -> Account:
    """Account for one pair: the booked meeting, or why there is none."""
    stands = cadence.booked(history, world.now) or cadence.booked(
        history, world.now, alignment=True
    )
    asked = _asked(world, history, stands)
    slot = Slot(asked, stands.start, stands.end, stands.late) if asked and stands else None
    placed = [m for h in world.histories.values() for m in h.meetings if m.state is State.BOOKED]
    explanation = (
        why.explain(
            asked,
            slot,
            world.people,
            world.busy,
            placed,
            world.cadence,
            world.closed,
            world.now,
        )
        if asked
        else None
    )
    return Account(
        pair=history.pair,
        booked=stands,
        last_held=cadence.last_held(history, world.now),
        explanation=explanation,
        people=world.people,
        unknown=world.unknown,
    )


def _asked(world: World, history: History, stands: Meeting | None) -> Due | None:
    employee, manager = world.pair(history.pair)
    if stands is None:
        return cadence.due(history, employee, manager, world.cadence, world.now)
    asked = cadence.move(
        history,
        stands,
        Reason(Because.DUE),
        employee,
        manager,
        world.cadence,
        world.closed,
        world.now,
    )
    others = tuple(m for m in history.meetings if m.uid != stands.uid)
    if stands.kind.value == "alignment":
        return asked
    _, window = cadence.window(
        replace(history, meetings=others), employee, manager, world.cadence, world.now
    )
    return replace(asked, window=window)


# --- in words -------------------------------------------------------------------------------

_RULES = {
    "window": "inside the window of days",
    "notice": "far enough ahead",
    "refused": "not refused before",
    "hours": "inside the working hours of both",
    "start_date": "not before a first day",
    "holiday": "not on a public holiday",
    "leave": "not on leave",
    "conflict": "free in both calendars",
    "meeting": "not over another talk",
    "buffer": "with some minutes around it",
    "limit": "not too many talks for the manager",
}


def lines(told: Account) -> Iterable[str]:
    """Say an account in English lines for the operator."""
    employee, manager = told.people.get(told.pair.employee), told.people.get(told.pair.manager)
    if employee is None or manager is None:
        yield f"{told.pair.employee} with {told.pair.manager}: one of the two left the roster."
        return
    yield f"{employee.name} with {manager.name}"
    if told.last_held is not None:
        sure = told.last_held.evidence or "nobody has said so yet"
        yield f"  last talk: {told.last_held.day} ({sure})"
    explanation = told.explanation
    if explanation is None:
        yield "  nothing is due: the pair rests, or its tries ran out and the employee was asked"
        return
    window = explanation.due.window
    yield f"  window: {window.earliest} to {window.latest}, best {window.preferred}"
    for who in explanation.unknown:
        yield f"  not read, so never free: {told.unknown.get(who, who)}"
    for rule, count in explanation.left:
        yield f"  {count:>7} possible starts are {_RULES.get(rule, rule)}"
    yield from _verdict(told, explanation, employee.zone)


def _verdict(told: Account, explanation: Explanation, zone: ZoneInfo) -> Iterable[str]:
    if told.booked is not None:
        yield f"  booked: {_when(told.booked.start, zone)} ({why_there(told.booked)})"
    if explanation.winner is not None and explanation.runner_up is not None:
        one, two = explanation.winner, explanation.runner_up
        yield f"  the next best start would be {_when(two.start, zone)}"
        yield f"    {one.price + one.company} against {two.price + two.company} (days away from"
        yield "    the best day, and how crowded the manager's day is; less is better)"
    if explanation.cure is not None:
        yield "  one slot would be free without:"
        for obstacle in explanation.cure.obstacles:
            yield f"    {_obstacle(obstacle, told.people, zone)}"
        yield f"  then: {_when(explanation.cure.slot.start, zone)}"


def _obstacle(obstacle: Obstacle, people: Mapping[Email, Person], zone: ZoneInfo) -> str:
    person = people.get(obstacle.who) if obstacle.who else None
    whose = f" of {person.name}" if person else ""
    if obstacle.when is None:
        return f"the rule '{_RULES.get(obstacle.rule, obstacle.rule)}'{whose}"
    return f"{_what(obstacle)}{whose}, {_span(obstacle.when, zone)}"


def _what(obstacle: Obstacle) -> str:
    return {"conflict": "the appointment", "meeting": "the other talk"}.get(
        obstacle.rule, "the refused time"
    )


def _when(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M} {zone.key}"


def _span(when: Interval, zone: ZoneInfo) -> str:
    return f"{_when(when.start, zone)} to {when.end.astimezone(zone):%H:%M}"
