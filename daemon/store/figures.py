"""Figures for the people team: how the cadence is kept, by month and by unit; no content."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from sqlalchemy import Connection, select

from daemon.core.domain import Cadence, State
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

    @property
    def share(self) -> int:
        """Percent of the pairs that are not paused whose window is still open."""
        active = self.pairs - self.paused
        return round(100 * (self.in_window + self.due) / active) if active else 100


@dataclass(frozen=True, slots=True)
class Month:
    """The talks of a month; None where they are too few to show."""

    first: date
    held: int | None
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
class _Course:
    """One pair's talks as days, and where it stands."""

    unit: str
    standing: str
    held: tuple[date, ...]

    def gaps(self) -> Iterable[tuple[date, int]]:
        """The day of each talk but the first, with the days since the one before."""
        return ((b, (b - a).days) for a, b in zip(self.held, self.held[1:], strict=False))


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
        _Course(
            unit=row.unit,
            standing=_standing(
                row.since,
                row.paused_until,
                held.get((row.employee, row.manager), []),
                cadence,
                today,
            ),
            held=tuple(held.get((row.employee, row.manager), ())),
        )
        for row in conn.execute(active)
    ]


def _held(conn: Connection) -> Mapping[tuple[str, str], list[date]]:
    m = meetings.c
    rows = select(m.employee, m.manager, m.held_on).where(
        m.state == State.HELD, m.held_on.is_not(None)
    )
    found: dict[tuple[str, str], list[date]] = defaultdict(list)
    for employee, manager, on in conn.execute(rows.order_by(m.held_on)):
        found[employee, manager].append(on)
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
    gaps = [days for course in courses for on, days in course.gaps() if on > year]
    return Group(
        name=name,
        pairs=len(courses),
        in_window=standing["in_window"],
        due=standing["due"],
        overdue=standing["overdue"],
        paused=standing["paused"],
        gap=median(gaps) if len(gaps) >= SMALLEST else None,
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
    held = Counter(on.replace(day=1) for course in courses for on in course.held)
    gaps: dict[date, list[int]] = defaultdict(list)
    for course in courses:
        for on, days in course.gaps():
            gaps[on.replace(day=1)].append(days)
    for first in _last_months(today):
        theirs = gaps[first]
        kept = sum(cadence.min_days <= days <= cadence.max_days for days in theirs)
        enough = len(theirs) >= SMALLEST
        yield Month(
            first=first,
            held=held[first] if held[first] >= SMALLEST or not held[first] else None,
            share=round(100 * kept / len(theirs)) if enough else None,
            gap=median(theirs) if enough else None,
        )


def _last_months(today: date) -> list[date]:
    first = today.replace(day=1)
    months = [first]
    while len(months) < MONTHS:
        first = (first - timedelta(days=1)).replace(day=1)
        months.append(first)
    return months[::-1]
