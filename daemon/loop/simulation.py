"""Fast-forward: the service's own turns on a copy of the state, with people who disturb them."""

import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from daemon.core.cadence import over
from daemon.core.domain import (
    Because,
    Cadence,
    Email,
    History,
    Interval,
    Kind,
    LetterKind,
    Meeting,
    Pair,
    Person,
    Roster,
    State,
)
from daemon.loop.fate import Fate, Rates, continued
from daemon.loop.rehearsal import Rehearsal, rehearse
from daemon.loop.turn import run_turn
from daemon.store import pairs, people
from daemon.wiring import App

Progress = Callable[[int, int], None]
"""Told after each day: how many are done, of how many."""


@dataclass(frozen=True, slots=True)
class Gap:
    """The days between two talks of a pair, and why they are not what they should be."""

    pair: Pair
    first: date
    second: date
    days: int
    reason: str
    """Empty inside the window."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a simulated stretch of time came to."""

    start: date
    days: int
    pairs: int
    talks: int
    gaps: tuple[Gap, ...]
    moves: Mapping[str, int]
    """By who or what moved a meeting, or made it fall."""
    letters: Mapping[LetterKind, int]
    letters_per_person: float
    """A year."""
    manager_minutes_per_week: Mapping[Email, float]
    crowded_days: int
    """Days on which a manager has more than `crowd` talks."""
    crowd: int
    unmet: tuple[Pair, ...]
    """Pairs that never met."""

    @property
    def in_window(self) -> float:
        """The share of gaps inside the window; 1 when there is none yet."""
        good = sum(1 for gap in self.gaps if not gap.reason)
        return good / len(self.gaps) if self.gaps else 1.0

    @property
    def reasons(self) -> Mapping[str, int]:
        """Why gaps lie outside the window, the most frequent first."""
        return dict(Counter(g.reason for g in self.gaps if g.reason).most_common())

    @property
    def worst(self) -> tuple[Gap, ...]:
        """The ten gaps furthest from the window."""
        outside = [gap for gap in self.gaps if gap.reason]
        return tuple(sorted(outside, key=lambda g: (-g.days, g.pair))[:10])


def simulate(
    app: App,
    days: int,
    start: datetime,
    *,
    rates: Rates | None = None,
    seed: int = 1,
    crowd: int = 3,
    roster: Roster | None = None,
    progress: Progress | None = None,
) -> Simulation:
    """Play `days` turns, one a day from `start`; equal seeds give equal results.

    The copy of the state, paper calendars and paper mail are thrown away afterwards.
    """
    span = Interval(start, start + timedelta(days=days))
    played = rehearse(app, span, roster)
    played.calendar.beyond = continued
    fate = Fate(rates or Rates(), random.Random(seed))  # noqa: S311 - not for secrets
    try:
        for day in range(days):
            now = start + timedelta(days=day)
            known = {p.email: p for p in played.staff.people().people}
            fate.strike(played, known, now)
            run_turn(played.app, now)
            if progress is not None:
                progress(day + 1, days)
        return _measured(played, span, days, crowd)
    finally:
        played.close()


def _measured(played: Rehearsal, span: Interval, days: int, crowd: int) -> Simulation:
    with played.app.database.reading() as conn:
        known = people.everybody(conn)
        histories = pairs.histories(conn, ended=True)
    rules = played.app.config.cadence.rules()
    talks = [m for h in histories.values() for m in h.meetings if over(m, span.end)]
    sent = Counter(LetterKind(mail.key.split(":")[1]) for mail in played.mail.mails)
    per_year = 365 / max(1, days)
    active = [h for h in histories.values() if h.ended is None]
    return Simulation(
        start=span.start.date(),
        days=days,
        pairs=len(active),
        talks=len(talks),
        gaps=tuple(gap for h in histories.values() for gap in gaps(h, rules, span.end)),
        moves=_moves(histories.values()),
        letters=dict(sent),
        letters_per_person=round(sent.total() * per_year / max(1, len(known)), 1),
        manager_minutes_per_week=_minutes(talks, days),
        crowded_days=_crowded(talks, known, crowd),
        crowd=crowd,
        unmet=tuple(h.pair for h in active if not any(over(m, span.end) for m in h.meetings)),
    )


def gaps(history: History, rules: Cadence, now: datetime) -> Iterable[Gap]:
    """The days between one talk and the next, the hour that opens a cycle apart."""
    talks = sorted(
        (m for m in history.meetings if over(m, now) and m.kind is not Kind.ALIGNMENT),
        key=lambda m: (m.day, m.start),
    )
    for one, two in itertools.pairwise(talks):
        if two.kind is Kind.FIRST:
            continue
        length = (two.day - one.day).days
        inside = rules.min_days <= length <= rules.max_days
        reason = "" if inside else _reason(two, history)
        yield Gap(history.pair, one.day, two.day, length, reason)


def _reason(meeting: Meeting, history: History) -> str:
    if meeting.reason.because is not Because.DUE:
        return meeting.reason.because.value
    tries = [
        m for m in history.meetings if m.number == meeting.number and m.state is not State.BOOKED
    ]
    earlier = next((m.reason.because for m in tries if m.uid != meeting.uid), None)
    if earlier is not None:
        return earlier.value
    return "late" if meeting.late else "leave"


def _moves(histories: Iterable[History]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for history in histories:
        for meeting in history.meetings:
            if meeting.reason.because is not Because.DUE:
                found[meeting.reason.because.value] += 1
    return dict(found.most_common())


def _minutes(talks: Iterable[Meeting], days: int) -> dict[Email, float]:
    total: dict[Email, float] = defaultdict(float)
    for meeting in talks:
        total[meeting.pair.manager] += (meeting.end - meeting.start).total_seconds() / 60
    weeks = max(1.0, days / 7)
    return {who: round(minutes / weeks, 1) for who, minutes in sorted(total.items())}


def _crowded(talks: Iterable[Meeting], known: Mapping[Email, Person], crowd: int) -> int:
    utc = ZoneInfo("UTC")
    count: Counter[tuple[Email, date]] = Counter()
    for meeting in talks:
        boss = known.get(meeting.pair.manager)
        zone = boss.zone if boss else utc
        count[meeting.pair.manager, meeting.start.astimezone(zone).date()] += 1
    return sum(1 for n in count.values() if n > crowd)
