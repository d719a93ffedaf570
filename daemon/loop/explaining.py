"""Why then, and why not: what `explain` tells about the pairs of a person."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from daemon.core import cadence, why
from daemon.core.domain import (
    Because,
    Due,
    Email,
    History,
    Meeting,
    Pair,
    Person,
    Reason,
    Slot,
    State,
)
from daemon.core.why import Explanation
from daemon.loop.observe import observe
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
