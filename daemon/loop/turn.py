"""One turn: observe, decide, record, act."""

from dataclasses import dataclass, field
from datetime import datetime

import structlog

from daemon.core.domain import Because, Problem
from daemon.loop import illegible, unread
from daemon.loop.act import Tally, settle_calendars
from daemon.loop.decide import decide
from daemon.loop.forgetting import forget
from daemon.loop.noting import Note, leave
from daemon.loop.observe import observe
from daemon.loop.offers import offer
from daemon.loop.post import send_letters
from daemon.loop.record import record
from daemon.loop.telling import tell
from daemon.loop.world import Decision, World
from daemon.wiring import App

log = structlog.get_logger()

UNSERVED = (Because.UNKNOWN_CALENDAR, Because.REFUSED_BY_CALENDAR, Because.INTERNAL)
"""What somebody has to mend before a pair is served; every other problem is the pair's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnReport:
    """What a turn came to."""

    at: datetime
    tally: Tally
    decision: Decision
    problems: tuple[Problem, ...] = field(default=())
    """What is wrong with the roster, a connection or somebody's calendar."""
    unread: int = 0
    """Calendars that could not be read."""

    @property
    def credentials_refused(self) -> bool:
        """An administrator has to act (exit code 12)."""
        return self.tally.credentials_refused

    @property
    def complete(self) -> bool:
        """Everything that was owed is done, and everything could be read."""
        stuck = any(why.because in UNSERVED for why in self.decision.problems.values())
        return not (stuck or self.problems or self.tally.failed or self.tally.put_off)


def run_turn(app: App, now: datetime) -> TurnReport:
    """Do whatever is due at this moment; a second turn right after finds nothing to do."""
    world = illegible.remembered(app, unread.remembered(app, observe(app, now)))
    decision = decide(world)
    record(app, world, decision)
    tally = act(app, now, world, decision)
    tally.credentials_refused |= world.credentials_refused
    app.last_turn = now
    found = (*world.problems, *unread.problems(world, decision.problems.values()))
    leave(app, Note(now, app.played, found, tally.credentials_refused))
    report = TurnReport(
        at=now, tally=tally, decision=decision, problems=found, unread=len(world.unread)
    )
    _say(report)
    return report


def act(app: App, now: datetime, world: World, decision: Decision) -> Tally:
    """Tell the calendars first, then write the letters about what stands in them."""
    tally = Tally()
    settle_calendars(app, now, tally)
    offer(app, world, decision)
    tell(app, world, decision)
    send_letters(app, world, decision, tally)
    forget(app, now)
    return tally


def _say(report: TurnReport) -> None:
    t = report.tally
    counts = {
        "booked": t.booked,
        "withdrawn": t.withdrawn,
        "sent": t.sent,
        "put_off": t.put_off,
        "failed": t.failed,
        "lapsed": t.lapsed,
    }
    busy = {name: count for name, count in counts.items() if count}
    say = log.info if busy else log.debug
    say("turn.done", pairs=len(report.decision.histories), **busy)
