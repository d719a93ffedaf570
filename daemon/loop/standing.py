"""How every pair stands: what `status` shows, read from the store alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from daemon.core import cadence
from daemon.core.days import at_wall, today
from daemon.core.domain import (
    Because,
    Cadence,
    Email,
    Evidence,
    History,
    Meeting,
    Pair,
    Person,
    Problem,
    Reason,
)
from daemon.loop import noting
from daemon.loop.problems import words
from daemon.store import conversations, outbox, pairs, people, problems
from daemon.store.outbox import Action, State
from daemon.wiring import App


class Standing(StrEnum):
    """Where a pair is in its cycle."""

    BOOKED = "booked"
    """The next talk stands in both calendars, or is on its way there."""
    DUE = "due"
    """A talk is due and has no time yet."""
    OVERDUE = "overdue"
    """The window closed without a talk."""
    ASKED = "asked"
    """The tries ran out; the employee was asked what they want."""
    PAUSED = "paused"
    AWAY = "away"
    """The next talk lies beyond a long absence."""


class Sure(StrEnum):
    """How sure it is that the last talk was held: its evidence, or that nobody has told yet."""

    ATTESTED = Evidence.ATTESTED
    EMPLOYEE = Evidence.EMPLOYEE
    MANAGER = Evidence.MANAGER
    INFERRED = Evidence.INFERRED
    NOT_TOLD = "not_told"
    """It ended within the last three days."""

    @property
    def words(self) -> str:
        """The same as a label behind the day."""
        said_by_one = self in (Sure.EMPLOYEE, Sure.MANAGER)
        return f"said by the {self}" if said_by_one else self.replace("not_told", "not told yet")


@dataclass(frozen=True, slots=True)
class Row:
    """One pair."""

    pair: Pair
    state: Standing
    last_held: date | None
    sure: Sure | None
    """None: there was no talk yet."""
    next: Meeting | None
    alignment: Meeting | None
    """The talk to align that stands beside the cycle."""
    due_from: date
    due_to: date
    problem: str


@dataclass(frozen=True, slots=True)
class Status:
    """The whole company in figures, and its pairs one by one."""

    pairs: tuple[Row, ...]
    outbox: Mapping[str, int]
    last_turn: datetime | None
    problems: tuple[Problem, ...]
    """What is wrong with the roster or a whole connection."""
    credentials_refused: bool
    held_back: int
    """Letters an operator has to decide about."""
    failed: tuple[str, ...]


def status(app: App, now: datetime) -> Status:
    """Tell how everything stands at this moment; nothing outside the store is asked."""
    with app.database.reading() as conn:
        known = people.everybody(conn)
        found = pairs.histories(
            conn, talks=conversations.talks(conn), accords=conversations.accords(conn)
        )
        against = {
            pair: Reason(Because(code), facts) for pair, (code, facts) in problems.all(conn).items()
        }
        counts = outbox.counts(conn)
        failed = outbox.entries(conn, [State.FAILED])
        note = noting.read(conn)
    rules = app.config.cadence.rules()
    return Status(
        pairs=tuple(row(h, known, rules, against.get(pair), now) for pair, h in found.items()),
        outbox={f"{action.value}.{state.value}": n for (action, state), n in counts.items()},
        last_turn=note.at if note else None,
        problems=note.problems if note else (),
        credentials_refused=note is not None and note.credentials_refused,
        held_back=counts.get((Action.LETTER, State.HELD), 0),
        failed=tuple(f"{x.key}: {x.reason}" for x in failed[-20:]),
    )


def row(
    history: History,
    known: Mapping[Email, Person],
    rules: Cadence,
    problem: Reason | None,
    now: datetime,
) -> Row:
    """Tell how one pair stands."""
    employee, manager = known[history.pair.employee], known[history.pair.manager]
    held = cadence.last_held(history, now)
    began = held.end if held else at_wall(history.since, 0, employee.zone)
    # as seen from there: seen from today, a window that has closed has lost its first days
    _, window = cadence.window(history, employee, manager, rules, min(began, now))
    stands = cadence.booked(history, now)
    return Row(
        pair=history.pair,
        state=_state(history, stands, problem, employee, window.latest, now),
        last_held=held.day if held else None,
        sure=Sure(held.evidence or Sure.NOT_TOLD) if held else None,
        next=stands,
        alignment=cadence.booked(history, now, alignment=True),
        due_from=window.earliest,
        due_to=window.latest,
        problem=words(problem, known) if problem else "",
    )


def _state(
    history: History,
    stands: Meeting | None,
    problem: Reason | None,
    employee: Person,
    latest: date,
    now: datetime,
) -> Standing:
    if cadence.paused(history, employee, now):
        return Standing.PAUSED
    if stands is not None:
        return Standing.BOOKED
    because = problem.because if problem else None
    if because is Because.TOO_MANY_MOVES:
        return Standing.ASKED
    if because is Because.AWAY:
        return Standing.AWAY
    return Standing.OVERDUE if today(now, employee.zone) > latest else Standing.DUE
