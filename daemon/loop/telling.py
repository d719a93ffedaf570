"""Why then, and why not, worked out beforehand for the employee's page."""

from dataclasses import replace

from daemon.core import why
from daemon.core.domain import Due, Meeting, NoSlot, Pair, Slot, State, Uid
from daemon.loop.world import Decision, World
from daemon.store import explanations
from daemon.wiring import App

Booked = tuple[Meeting, ...]


def tell(app: App, world: World, decision: Decision) -> None:
    """Explain what was planned in this turn and keep it; a pair without a slot anew whenever
    a calendar changed, or another day begins."""
    if app.rehearsal:
        return
    booked = tuple(
        m for h in decision.histories.values() for m in h.meetings if m.state is State.BOOKED
    )
    asked: dict[Pair, tuple[Uid | None, Due, Slot | None]] = {}
    for answer in decision.answers.values():
        if isinstance(answer, NoSlot):
            if _news(app, world, answer.due, len(booked)):
                asked[answer.due.pair] = None, answer.due, None
        elif meeting := _meeting(decision, answer):
            due = replace(answer.due, replaces=meeting)
            asked[answer.due.pair] = meeting.uid, due, answer
    if asked:
        _keep(app, world, booked, asked)


def _keep(
    app: App,
    world: World,
    booked: Booked,
    asked: dict[Pair, tuple[Uid | None, Due, Slot | None]],
) -> None:
    found = why.briefly(
        [(due, slot) for _, due, slot in asked.values()],
        world.people,
        world.busy,
        booked,
        world.cadence,
        world.closed,
        world.now,
    )
    said = {pair: (uid, one) for (pair, (uid, _, _)), one in zip(asked.items(), found, strict=True)}
    with app.database.writing() as conn:
        explanations.tell(conn, said)


def _meeting(decision: Decision, slot: Slot) -> Meeting | None:
    """The booked meeting a slot became."""
    theirs = decision.histories[slot.due.pair].meetings
    return next((m for m in theirs if m.state is State.BOOKED and m.start == slot.start), None)


def _news(app: App, world: World, due: Due, booked: int) -> bool:
    """Tell whether anything changed since a pair without a slot was last explained."""
    both = (due.pair.employee, due.pair.manager)
    seen = hash((due.window, world.now.date(), booked, *(world.busy.get(who) for who in both)))
    news = app.explained.get(due.pair) != seen
    app.explained[due.pair] = seen
    return news
