"""Why then, and why not, in English for the operator: the words of templates/web/why.html, told of
two people instead of to one of them."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from daemon.core.domain import Due, Email, Interval, Person
from daemon.core.points import CHOSEN, Nearer, Point, points
from daemon.core.rules import Rule
from daemon.core.why import Choice, Cure, Explanation, Obstacle
from daemon.loop.explaining import Account
from daemon.loop.problems import why as why_there

_LEFT = {
    Rule.WINDOW: "inside the window of days",
    Rule.NOTICE: "far enough ahead",
    Rule.REFUSED: "not refused before",
    Rule.HOURS: "inside the working hours of both",
    Rule.START_DATE: "not before a first day",
    Rule.HOLIDAY: "not on a public holiday",
    Rule.LEAVE: "not on days off",
    Rule.CONFLICT: "free in both calendars",
    Rule.MEETING: "not over another talk",
    Rule.BUFFER: "with some minutes around it",
    Rule.LIMIT: "not too many talks for the manager",
}
"""What the starts are that a rule leaves."""

_FULL = {
    Rule.WINDOW: "no time at all",
    Rule.NOTICE: "too near: it keeps the notice both need",
    Rule.REFUSED: "nothing but times one of the two refused",
    Rule.HOURS: "no working hours in common",
    Rule.START_DATE: "before somebody's first day",
    Rule.HOLIDAY: "a public holiday",
    Rule.LEAVE: "days off",
    Rule.CONFLICT: "no time free in both calendars",
    Rule.MEETING: "what is free in both calendars is taken by other talks",
    Rule.BUFFER: "too little room between appointments",
    Rule.LIMIT: "{manager} has enough talks",
}
"""What speaks against a day."""

_POINTS = {
    Point.LATE: "No time in those days suited both calendars; this is the first that does.",
    Point.FULL: "It is the nearest day to {best} that could be had. On nearer days:",
    Point.BEST: "It is the best day.",
    Point.COMPANY: "{manager} has another talk that day.",
    Point.TIME: "The time of last time is taken.",
    Point.LUNCH: "Only lunch was free for both.",
    Point.EDGES: "It is early or late in the working day of one of the two.",
}

_OBSTACLES = {
    Rule.CONFLICT: "an appointment of {name}",
    Rule.MEETING: "another talk of {name}",
    Rule.REFUSED: "a time one of the two refused",
    Rule.HOURS: "the working hours of {name}",
    Rule.START_DATE: "the first day of {name}",
    Rule.HOLIDAY: "a public holiday of {name}",
    Rule.LEAVE: "days off of {name}",
    Rule.LIMIT: "the number of talks {name} may have",
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
        yield f"  last talk: {_day(told.last_held.day)} ({sure})"
    explanation = told.explanation
    if explanation is None:
        yield "  nothing is due: the pair rests, or its tries ran out and the employee was asked"
        return
    yield f"  {_belongs(explanation.due)}"
    for who in explanation.unknown:
        yield f"  not read, so never free: {told.unknown.get(who, who)}"
    if told.booked is not None:
        yield f"  booked: {_when(told.booked.start, employee.zone)} ({why_there(told.booked)})"
        yield from _why_then(told, explanation, manager, employee.zone)
    if explanation.cure is not None:
        yield from _why_none(explanation, explanation.cure, told.people, employee.zone)
    for rule, count in explanation.left:
        yield f"  {count:>7} possible starts are {_LEFT[Rule(rule)]}"


def _belongs(due: Due) -> str:
    window = due.window
    return (
        f"the talk belongs between {_day(window.earliest)} and {_day(window.latest)}; "
        f"{_day(window.preferred)} would be the best day"
    )


# --- why then -------------------------------------------------------------------------------


def _why_then(told: Account, said: Explanation, manager: Person, zone: ZoneInfo) -> Iterable[str]:
    if (why := points_of(told)) and said.winner is not None:
        yield "  why then?"
        best = _day(said.due.window.preferred)
        for point in why:
            yield f"    {_POINTS[point].format(best=best, manager=manager.name)}"
            if point in (Point.LATE, Point.FULL):
                yield from _full(said.nearer, manager)
    if said.winner is not None and said.runner_up is not None:
        yield f"  the next best time would be {_when(said.runner_up.start, zone)}:"
        yield f"    {_against(said.winner, said.runner_up, manager)}"


def points_of(told: Account) -> tuple[Point, ...]:
    """What there is to say about the time that was taken; nothing where none was, or where a
    person chose it."""
    taken = told.explanation.winner if told.explanation else None
    if taken is None or told.booked is None or told.booked.reason.because in CHOSEN:
        return ()
    late = told.booked.late
    return points(late=late, away=taken.price, company=taken.company, unmet=taken.unmet)


def _full(nearer: Iterable[Nearer], manager: Person) -> Iterable[str]:
    """The better days, those together against which the same speaks."""
    by: dict[str, list[date]] = {}
    for one in nearer:
        by.setdefault(_speaks_against(one, manager), []).append(one.day)
    for words, days in by.items():
        yield f"      {', '.join(map(_short, days))}: {words}"


def _speaks_against(one: Nearer, manager: Person) -> str:
    if one.rule is not None:
        return _FULL[one.rule].format(manager=manager.name)
    if one.crowded:
        return f"free, but {manager.name} has more talks that day"
    return "free by now; it was not when the talk was booked, or the talks of others needed it"


def _against(taken: Choice, other: Choice, manager: Person) -> str:
    """What the other time lacks against the one that was taken."""
    if other.price + other.company < taken.price + taken.company:
        return "better as things stand now, but a talk that is booked is not moved for that"
    lacks = []
    if other.price > taken.price:
        lacks.append("further from the best day")
    if other.company > taken.company:
        lacks.append(f"{manager.name} has more talks that day")
    if set(other.unmet) - set(taken.unmet) and not lacks:
        lacks.append("a less fitting time of day")
    return "; ".join(lacks) or "as good as the one that was taken, which comes first"


# --- why not --------------------------------------------------------------------------------


def _why_none(
    said: Explanation, cure: Cure, people: Mapping[Email, Person], zone: ZoneInfo
) -> Iterable[str]:
    window = said.due.window
    yield "  why is there none?"
    yield (
        f"    Between {_day(window.earliest)} and {_day(window.late_until)} no time suits both "
        "calendars."
    )
    yield f"    {_when(cure.slot.start, zone)} would be free without:"
    for obstacle in cure.obstacles:
        yield f"      {_obstacle(obstacle, people, zone)}"


def _obstacle(obstacle: Obstacle, people: Mapping[Email, Person], zone: ZoneInfo) -> str:
    person = people.get(obstacle.who) if obstacle.who else None
    words = _OBSTACLES.get(obstacle.rule, "the notice both need")
    said = words.format(name=person.name if person else "one of the two")
    return said if obstacle.when is None else f"{said}: {_span(obstacle.when, zone)}"


# --- days and times -------------------------------------------------------------------------


def _day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"


def _short(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"


def _when(moment: datetime, zone: ZoneInfo) -> str:
    wall = moment.astimezone(zone)
    return f"{_day(wall.date())} {wall:%H:%M} {zone.key}"


def _span(when: Interval, zone: ZoneInfo) -> str:
    first, last = when.start.astimezone(zone), when.end.astimezone(zone)
    same_day = first.date() == last.date()
    return f"{_when(first, zone)} to {f'{last:%H:%M}' if same_day else _when(last, zone)}"
