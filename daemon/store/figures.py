"""Figures for the people team: how the cadence is kept, by month and by unit; no content."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import Connection, select

from daemon.core.domain import Cadence, Evidence, Kind, State
from daemon.core.gaps import Gap, gaps
from daemon.store.schema import meetings, pairs, people

SMALLEST = 5
"""Groups of fewer are never shown: a figure about four people is a figure about each of them."""

MONTHS = 12


@dataclass(frozen=True, slots=True)
class Group:
    """The pairs of a unit today, or of everybody."""

    name: str
    pairs: int
    in_window: int
    due: int
    overdue: int
    paused: int
    gap: float | None
    """Median days between talks in the last twelve months; None: too few to tell."""
    talks: int | None
    """Talks held in the last twelve months; None: too few to tell, as with the next."""
    inferred: int | None
    """Those of them that nobody has confirmed."""

    @property
    def on_time(self) -> int:
        """Pairs whose window is still open: it has not begun, or their talk is due."""
        return self.in_window + self.due

    @property
    def share(self) -> int:
        """Percent of the pairs that are not paused whose window is still open."""
        active = self.pairs - self.paused
        return round(100 * self.on_time / active) if active else 100


@dataclass(frozen=True, slots=True)
class Month:
    """The talks of a month; None where they are too few to show."""

    first: date
    held: int | None
    inferred: int | None
    """Those of them that nobody has confirmed."""
    share: int | None
    """Percent of the talks that followed the one before within the window."""
    gap: float | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the people team sees."""

    at: datetime
    everybody: Group | None
    units: tuple[Group, ...]
    months: tuple[Month, ...]


@dataclass(frozen=True, slots=True)
class _Held:
    """One talk that was held."""

    on: date
    kind: Kind
    inferred: bool


@dataclass(frozen=True, slots=True)
class _Course:
    """One pair's talks, and where it stands."""

    unit: str
    standing: str
    held: tuple[_Held, ...]
    gaps: tuple[Gap, ...]


def overview(conn: Connection, cadence: Cadence, now: datetime) -> Overview:
    """Count how the cadence is kept. Only dates and states of meetings are read."""
    today = now.date()
    courses = _courses(conn, cadence, today)
    return Overview(
        at=now,
        everybody=_group("", courses, today) if len(courses) >= SMALLEST else None,
        units=tuple(_units(courses, today)),
        months=tuple(_months(courses, cadence, today)),
    )


def _courses(conn: Connection, cadence: Cadence, today: date) -> list[_Course]:
    held = _held(conn)
    p = pairs.c
    active = (
        select(p.employee, p.manager, p.since, p.paused_until, people.c.unit)
        .join(people, people.c.email == p.employee)
        .where(p.ended.is_(None), people.c.left_on.is_(None))
    )
    return [
        _course(row, held.get((row.employee, row.manager), []), cadence, today)
        for row in conn.execute(active)
    ]


def _course(row: Any, held: Sequence[_Held], cadence: Cadence, today: date) -> _Course:
    days = [talk.on for talk in held]
    found = gaps([(talk.on, talk.kind) for talk in held], cadence.min_days)
    return _Course(
        unit=row.unit,
        standing=_standing(row.since, row.paused_until, days, cadence, today),
        held=tuple(held),
        gaps=tuple(gap for gap in found if gap.kind is not Kind.FIRST),
    )


def _held(conn: Connection) -> Mapping[tuple[str, str], list[_Held]]:
    m = meetings.c
    rows = select(m.employee, m.manager, m.held_on, m.kind, m.evidence).where(
        m.state == State.HELD, m.held_on.is_not(None)
    )
    found: dict[tuple[str, str], list[_Held]] = defaultdict(list)
    for employee, manager, on, kind, evidence in conn.execute(rows.order_by(m.held_on)):
        talk = _Held(on, Kind(kind), evidence == Evidence.INFERRED)
        found[employee, manager].append(talk)
    return found


def _standing(
    since: date, paused_until: date | None, held: Sequence[date], cadence: Cadence, today: date
) -> str:
    if paused_until is not None and today <= paused_until:
        return "paused"
    if not held:
        return "due" if today <= since + timedelta(days=cadence.first_within_days) else "overdue"
    days = (today - held[-1]).days
    if days < cadence.min_days:
        return "in_window"
    return "due" if days <= cadence.max_days else "overdue"


def _group(name: str, courses: Sequence[_Course], today: date) -> Group:
    standing = Counter(course.standing for course in courses)
    year = today - timedelta(days=365)
    lengths = [gap.days for course in courses for gap in course.gaps if gap.day > year]
    talks = [talk for course in courses for talk in course.held if talk.on > year]
    enough = len(talks) >= SMALLEST
    return Group(
        name=name,
        pairs=len(courses),
        in_window=standing["in_window"],
        due=standing["due"],
        overdue=standing["overdue"],
        paused=standing["paused"],
        gap=median(lengths) if len(lengths) >= SMALLEST else None,
        talks=len(talks) if enough else None,
        inferred=sum(talk.inferred for talk in talks) if enough else None,
    )


def _units(courses: Sequence[_Course], today: date) -> Iterable[Group]:
    """Each unit of five or more. Smaller ones are put together, with the next larger one where
    even together they are too few: nothing can be worked out by subtraction."""
    by_unit: dict[str, list[_Course]] = defaultdict(list)
    for course in courses:
        by_unit[course.unit].append(course)
    ordered = sorted(by_unit.items(), key=lambda unit: (len(unit[1]), unit[0]))
    together: list[_Course] = []
    shown: list[Group] = []
    for name, theirs in ordered:
        if not name or len(theirs) < SMALLEST or 0 < len(together) < SMALLEST:
            together += theirs
        else:
            shown.append(_group(name, theirs, today))
    shown.sort(key=lambda group: group.name)
    if len(together) >= SMALLEST:
        shown.append(_group("", together, today))
    return shown


def _months(courses: Sequence[_Course], cadence: Cadence, today: date) -> Iterable[Month]:
    talks: dict[date, list[_Held]] = defaultdict(list)
    lengths: dict[date, list[int]] = defaultdict(list)
    for course in courses:
        for talk in course.held:
            talks[talk.on.replace(day=1)].append(talk)
        for gap in course.gaps:
            lengths[gap.day.replace(day=1)].append(gap.days)
    for first in _last_months(today):
        yield _month(first, talks[first], lengths[first], cadence)


def _month(first: date, talks: Sequence[_Held], lengths: Sequence[int], cadence: Cadence) -> Month:
    kept = sum(cadence.min_days <= days <= cadence.max_days for days in lengths)
    shown = len(talks) >= SMALLEST or not talks
    enough = len(lengths) >= SMALLEST
    return Month(
        first=first,
        held=len(talks) if shown else None,
        inferred=sum(talk.inferred for talk in talks) if shown else None,
        share=round(100 * kept / len(lengths)) if enough else None,
        gap=median(lengths) if enough else None,
    )


def _last_months(today: date) -> list[date]:
    first = today.replace(day=1)
    months = [first]
    while len(months) < MONTHS:
        first = (first - timedelta(days=1)).replace(day=1)
        months.append(first)
    return months[::-1]
