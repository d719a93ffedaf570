"""What a roster says, in whatever directory it stands: hours and leave as text, and who reports to
whom."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date

from daemon.core.domain import Email, Hours, Leave, Person, Problem, Roster

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIME = re.compile(r"(\d{1,2})(?::([0-5]\d))?")
_HOURS_LIKE = 'write hours like "Mon-Fri 09:00-17:00; Sat 10:00-12:00"'
_LEAVE_LIKE = 'write leave like "2026-12-21..2027-01-03; 2027-02-01"'
_SUGGESTIONS = 50
"""Looking for the address somebody meant is slow; a roster wrong throughout is not a typo."""

Span = tuple[int, int]


# --- working hours --------------------------------------------------------------------------


def parse_hours(text: str) -> Hours:
    """Read working hours: rules of days and times, joined by `;`, several times by `,`.

    `Mon-Thu 09:00-12:00, 13:00-17:30; Fri 09:00-14:00`. Raises ValueError with the rule that is
    wrong and what to write.
    """
    week: list[list[Span]] = [[] for _ in DAYS]
    for rule in _pieces(text):
        days, spans = _rule(rule)
        for day in days:
            week[day] += spans
    if not any(week):
        raise ValueError(f"no hours are given; {_HOURS_LIKE}")
    return Hours(tuple(tuple(_joined(spans)) for spans in week))


def _rule(rule: str) -> tuple[list[int], list[Span]]:
    plain = rule.replace("–", "-").replace("—", "-").lower()
    head = re.match(r"[a-z ,\-]+", re.sub(r"\s*-\s*", "-", plain))
    if head is None:
        raise ValueError(f'"{rule}" names no day; {_HOURS_LIKE}')
    plain = re.sub(r"\s*-\s*", "-", plain)
    days = [day for part in _pieces(head.group(), ",") for day in _days(part, rule)]
    spans = [_span(part, rule) for part in _pieces(plain[head.end() :], ",")]
    if not days or not spans:
        raise ValueError(f'"{rule}" needs days and times; {_HOURS_LIKE}')
    return days, spans


def _days(text: str, rule: str) -> list[int]:
    first, _, last = text.partition("-")
    start = _day(first, rule)
    count = (_day(last, rule) - start) % 7 if last else 0
    return [(start + step) % 7 for step in range(count + 1)]


def _day(text: str, rule: str) -> int:
    name = text.strip()
    for day, (short, long) in enumerate(zip(DAYS, _NAMES, strict=True)):
        if name in {short, long}:
            return day
    near = difflib.get_close_matches(name, (*DAYS, *_NAMES), 1)
    hint = f'did you mean "{near[0].capitalize()}"?' if near else _HOURS_LIKE
    raise ValueError(f'"{name}" in "{rule}" is not a day; {hint}')


def _span(text: str, rule: str) -> Span:
    first, _, last = text.partition("-")
    start, end = _minute(first, rule), _minute(last, rule)
    if end <= start:
        cure = "work past midnight takes two rules, up to 24:00 and from 00:00"
        raise ValueError(f'"{text}" in "{rule}" ends before it starts; {cure}')
    return start, end


def _minute(text: str, rule: str) -> int:
    found = _TIME.fullmatch(text.strip())
    minute = int(found[1]) * 60 + int(found[2] or 0) if found else 1441
    if minute > 1440:
        raise ValueError(f'"{text.strip()}" in "{rule}" is not a time of day; {_HOURS_LIKE}')
    return minute


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Spans of one day in order, touching ones as one."""
    current: Span | None = None
    for start, end in sorted(spans):
        if current and start <= current[1]:
            current = current[0], max(current[1], end)
        else:
            if current:
                yield current
            current = start, end
    if current:
        yield current


# --- leave ----------------------------------------------------------------------------------


def parse_leave(text: str) -> tuple[Leave, ...]:
    """Read absences in whole days, both ends included: `2026-12-21..2027-01-03; 2027-02-01`.

    Raises ValueError with the stretch that is wrong and what to write.
    """
    return tuple(sorted(_leave(piece) for piece in _pieces(text)))


def _leave(piece: str) -> Leave:
    first, dots, last = (part.strip() for part in piece.partition(".."))
    leave = Leave(_date(first, piece), _date(last, piece) if dots else _date(first, piece))
    if leave.last < leave.first:
        raise ValueError(f'"{piece}" ends before it starts; write the first day first')
    return leave


def _date(text: str, piece: str) -> date:
    try:
        return parse_day(text)
    except ValueError:
        raise ValueError(f'"{text}" in "{piece}" is not a day; {_LEAVE_LIKE}') from None


def parse_day(text: str) -> date:
    """Read a day as `2026-02-28`. Raises ValueError."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        raise ValueError(f'"{text}" is not a day; write days like "2026-02-28"')
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f'"{text}" is not a day of the calendar') from None


def _pieces(text: str, by: str = ";") -> list[str]:
    return [piece.strip() for piece in text.split(by) if piece.strip()]


# --- who reports to whom --------------------------------------------------------------------


def check_reporting_lines(
    people: Iterable[Person], places: Mapping[Email, str] | None = None
) -> Roster:
    """Find managers nobody knows, people who are their own, and circles; each circle once.

    Whoever it concerns stays on the roster without a manager and is named in `refused`; everybody
    else is as before. `places` tells where a person stands (`people.csv:12`), else their address.
    """
    staff, where = tuple(people), places or {}
    lines = {person.email: person.manager for person in staff if person.manager}
    known = {person.email for person in staff}
    problems: list[Problem] = []
    refused: set[Email] = set()
    for who, manager in lines.items():
        if manager not in known:
            refused.add(who)
            problems.append(_stranger(who, manager, known, where, len(problems)))
    for circle in _circles(lines):
        refused.update(circle)
        problems.append(_circle(circle, where))
    mended = (replace(x, manager=None) if x.email in refused else x for x in staff)
    return Roster(tuple(mended), tuple(problems), frozenset(refused))


def _circles(lines: Mapping[Email, Email]) -> Iterator[list[Email]]:
    """Follow everybody's managers upwards once; meeting one's own trail closes a circle."""
    trail_of: dict[Email, Email] = {}
    for start in lines:
        step, trail = start, []
        while step in lines and step not in trail_of:
            trail_of[step] = start
            trail.append(step)
            step = lines[step]
        if trail_of.get(step) == start and step in trail:
            yield trail[trail.index(step) :]


def _stranger(
    who: Email, manager: Email, known: Iterable[Email], where: Mapping[Email, str], before: int
) -> Problem:
    stands = where.get(who, who)
    if manager in where:
        what = f"the manager {manager} of {who} has a row that cannot be used"
        return Problem(stands, what, f"mend {where[manager]}")
    near = difflib.get_close_matches(manager, known, 1, 0.75) if before < _SUGGESTIONS else []
    hint = f"did you mean {near[0]}?" if near else "add a row for them, or correct the address"
    return Problem(stands, f"the manager {manager} of {who} is not on the roster", hint)


def _circle(circle: list[Email], where: Mapping[Email, str]) -> Problem:
    first = min(range(len(circle)), key=lambda place: _order(where.get(circle[place], "")))
    round_trip = [*circle[first:], *circle[:first]]
    stands = where.get(round_trip[0], round_trip[0])
    if len(circle) == 1:
        cure = "name their manager, or leave the cell empty at the top"
        return Problem(stands, f"{circle[0]} is their own manager", cure)
    links = (f"{who} ({where[who]})" if who in where else who for who in round_trip)
    what = f"{len(circle)} people report to each other in a circle: {' -> '.join(links)}"
    return Problem(stands, f"{what} -> {round_trip[0]}", "correct the manager of one of them")


def _order(stands: str) -> tuple[int, str]:
    number = stands.rpartition(":")[2]
    return (int(number) if number.isdecimal() else 0), stands
