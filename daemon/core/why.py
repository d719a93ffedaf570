"""Why a meeting is where it is, or why there is none and what would free a slot."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from daemon.core.desk import Busy, Closed, Desk
from daemon.core.domain import Cadence, Due, Email, Hours, Interval, Meeting, Person, Slot
from daemon.core.intervals import GRID, Span, against, local_day, merge
from daemon.core.planner import place
from daemon.core.points import Nearer, nearer
from daemon.core.preferences import COMPANY, Setting, best, in_order, price, unmet
from daemon.core.request import Bounds, Request
from daemon.core.rules import Rule, left


@dataclass(frozen=True, slots=True)
class Choice:
    """A start and what it costs, in the units of the objective."""

    start: datetime
    price: int
    """The distance of its day from the preferred day (more when late)."""
    company: int
    """What the manager's other meetings of that day add."""
    unmet: tuple[str, ...]
    """The wishes it does not meet, weightiest first."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing in the way: an event of somebody's, or a rule."""

    rule: Rule
    who: Email | None = None
    when: Interval | None = None
    """The event, meeting or refused time; None for the other rules."""


@dataclass(frozen=True, slots=True)
class Cure:
    """The smallest change that frees a slot: as few rules as possible, then as few events."""

    obstacles: tuple[Obstacle, ...]
    slot: Slot
    """What the planner then finds (it was tried)."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that can be told about one due meeting."""

    due: Due
    left: tuple[tuple[str, int], ...] = ()
    """How many candidate starts each rule left, in the order the rules are applied."""
    unknown: tuple[Email, ...] = ()
    winner: Choice | None = None
    runner_up: Choice | None = None
    """The best other start, as things stand; None: there is no other."""
    cure: Cure | None = None
    nearer: tuple[Nearer, ...] = ()
    """The better days, and what speaks against each."""


_ALWAYS = Hours((((0, 1440),),) * 7)
_LONG_AGO = datetime(1970, 1, 2, tzinfo=UTC)
_MANY = 1_000_000


@dataclass(frozen=True, slots=True)
class _World:
    people: Mapping[Email, Person]
    busy: Busy
    placed: Collection[Meeting]
    cadence: Cadence
    closed: Closed
    now: datetime


def explain(
    due: Due,
    slot: Slot | None,
    people: Mapping[Email, Person],
    busy: Busy,
    placed: Collection[Meeting],
    cadence: Cadence,
    closed: Closed,
    now: datetime,
) -> Explanation:
    """Explain a slot, or its absence (None), against the world as it stands.

    For a booked meeting `due.replaces` names it, so that it does not stand in its own way.
    """
    world = _World(people, busy, placed, cadence, closed, now)
    desk = Desk([due], people, busy, placed, cadence, closed, now)
    if unknown := desk.unknown(due):
        return Explanation(due, unknown=unknown)
    if slot is None:
        return Explanation(due, left(desk, due), cure=_cure(world, desk, due))
    winner = _winner(desk, due, slot)
    return Explanation(
        due,
        left(desk, due),
        winner=winner,
        runner_up=_runner_up(desk, due, slot),
        nearer=nearer(desk, due, winner.price, winner.company),
    )


def briefly(
    asked: Sequence[tuple[Due, Slot | None]],
    people: Mapping[Email, Person],
    busy: Busy,
    placed: Collection[Meeting],
    cadence: Cadence,
    closed: Closed,
    now: datetime,
) -> list[Explanation]:
    """Explain many at one desk: what a slot costs, or what would free one; no counts, no
    runner-up. The rest is as in `explain`."""
    world = _World(people, busy, placed, cadence, closed, now)
    desk = Desk((), people, busy, placed, cadence, closed, now)
    return [_briefly(world, desk, due, slot) for due, slot in asked]


def _briefly(world: _World, desk: Desk, due: Due, slot: Slot | None) -> Explanation:
    if unknown := desk.unknown(due):
        return Explanation(due, unknown=unknown)
    with desk.without(due.replaces):
        if slot is None:
            return Explanation(due, cure=_cure(world, desk, due))
        return Explanation(due, winner=_winner(desk, due, slot))


# --- why then -------------------------------------------------------------------------------


def _winner(desk: Desk, due: Due, slot: Slot) -> Choice:
    overlap = desk.request(due).overlap
    employee, manager = overlap.employee.zone, overlap.manager.zone
    span = desk.almanac.span(manager, local_day(manager, slot.start))
    at = Setting(due, overlap, span, local_day(employee, slot.start))
    return _choice(desk, at, span.index(slot.start))


def _runner_up(desk: Desk, due: Due, slot: Slot) -> Choice | None:
    """The cheapest other start, wishes in the order of their weight."""
    found: list[tuple[int, int, Choice]] = []
    for option in desk.request(due).options():
        mask = option.mask & ~option.span.within(slot.start, slot.start + GRID)
        if mask and desk.load(due.pair.manager).has_room(option.span.day):
            index, missed = best(mask, option.at)
            choice = _choice(desk, option.at, index)
            found.append((choice.price + choice.company, missed, choice))
    return min(found, key=lambda one: (*one[:2], one[2].start))[2] if found else None


def _choice(desk: Desk, at: Setting, index: int) -> Choice:
    company = COMPANY * desk.load(at.due.pair.manager).days[at.span.day]
    return Choice(at.span.at(index), price(at.due.window, at.day), company, unmet(index, at))


# --- why not --------------------------------------------------------------------------------

Blocks = Sequence[tuple[Obstacle, int]]
"""What stands in the way on one day, each with the starts it blocks."""


def _cure(world: _World, desk: Desk, due: Due) -> Cure | None:
    """Look at every day for the start with the fewest rules, then events, in the way."""
    request = desk.request(due)
    cheapest: tuple[int, int, tuple[Obstacle, ...]] | None = None
    for _, day in in_order(due.window):
        for span, part in request.overlap.spans(day):
            rules, events = _rules(desk, request, span), _events(desk, due, span)
            few_rules, mask = _fewest(part, [blocked for _, blocked in rules])
            few_events, mask = _fewest(mask, [blocked for _, blocked in events])
            if mask and (cheapest is None or (few_rules, few_events) < cheapest[:2]):
                start = best(mask, Setting(due, request.overlap, span, day))[0]
                here = tuple(one for one, blocked in (*rules, *events) if blocked >> start & 1)
                cheapest = few_rules, few_events, here
    return _tried(world, due, cheapest[2]) if cheapest else None


def _fewest(mask: int, blocked: Iterable[int]) -> tuple[int, int]:
    """Among the starts of `mask`, those that the fewest of the others block, and by how many."""
    by = [mask]
    for one in blocked:
        by.append(0)
        for number in range(len(by) - 1, 0, -1):
            by[number] = by[number] & ~one | by[number - 1] & one
        by[0] &= ~one
    return next(((number, found) for number, found in enumerate(by) if found), (0, 0))


def _events(desk: Desk, due: Due, span: Span) -> Blocks:
    """Everybody's events, each with the starts it blocks, room included."""
    near = Interval(span.start, span.end).widened(desk.pad + timedelta(minutes=due.minutes))
    return [
        (Obstacle(Rule.CONFLICT, who, event), _blocked(desk, due, event, span))
        for who in (due.pair.employee, due.pair.manager)
        for event in dict.fromkeys(desk.busy[who])
        if event.overlaps(near)
    ]


def _blocked(desk: Desk, due: Due, event: Interval, span: Span) -> int:
    return against((event,), due.minutes, desk.pad, span)


def _rules(desk: Desk, request: Request, span: Span) -> Blocks:
    """Every rule but busy time, each with the starts it blocks."""
    due = request.due
    found = [(Obstacle(Rule.NOTICE), ~request.bounds.after_notice(span))]
    for refused in due.not_at:
        alone = Bounds(request.bounds.not_before, (refused,))
        found.append((Obstacle(Rule.REFUSED, None, refused), ~alone.not_refused(due.minutes, span)))
    for who in (due.pair.employee, due.pair.manager):
        found += _off_work(desk, due, who, span)
        found += [
            (Obstacle(Rule.MEETING, who, one), _blocked(desk, due, one, span))
            for one in desk.meetings(who)
        ]
    if not desk.load(due.pair.manager).has_room(span.day):
        found.append((Obstacle(Rule.LIMIT, due.pair.manager), -1))
    return [(one, blocked) for one, blocked in found if blocked]


def _off_work(desk: Desk, due: Due, who: Email, span: Span) -> Blocks:
    almanac, person, minutes = desk.almanac, desk.people[who], due.minutes
    works = almanac.starts(almanac.profile(person, holidays=False), minutes, span)
    open_too = almanac.starts(almanac.profile(person), minutes, span)
    first_day, leave = (
        against(merge(days), minutes, timedelta(), span)
        for days in (desk.before_first_day(who), desk.leave(who))
    )
    return [
        (Obstacle(Rule.HOURS, who), ~works),
        (Obstacle(Rule.START_DATE, who), works & first_day),
        (Obstacle(Rule.HOLIDAY, who), works & ~open_too),
        (Obstacle(Rule.LEAVE, who), works & leave),
    ]


# --- and what if ----------------------------------------------------------------------------


def _tried(world: _World, due: Due, obstacles: tuple[Obstacle, ...]) -> Cure | None:
    """Take the obstacles out of the world and let the planner look again."""
    for one in obstacles:
        world, due = _without(world, due, one)
    slot = place(
        [due], world.people, world.busy, world.placed, world.cadence, world.closed, world.now
    )[due.pair]
    return Cure(obstacles, slot) if isinstance(slot, Slot) else None


def _without(world: _World, due: Due, one: Obstacle) -> tuple[_World, Due]:
    """The world without one obstacle."""
    if one.rule is Rule.NOTICE:
        return replace(world, now=_LONG_AGO), replace(due, not_before=None)
    if one.rule is Rule.REFUSED:
        return world, replace(due, not_at=tuple(at for at in due.not_at if at != one.when))
    if one.rule is Rule.LIMIT:
        unlimited = replace(world.cadence, max_per_day=_MANY, max_per_week=_MANY)
        return replace(world, cadence=unlimited), due
    if one.rule is Rule.MEETING:
        kept = [meeting for meeting in world.placed if meeting.when != one.when]
        return replace(world, placed=kept), due
    return _with_more_time(world, one), due


def _with_more_time(world: _World, one: Obstacle) -> _World:
    assert one.who is not None
    if one.rule is Rule.CONFLICT:
        kept = [event for event in world.busy[one.who] if event != one.when]
        return replace(world, busy={**world.busy, one.who: kept})
    person = world.people[one.who]
    lifted = {
        Rule.HOURS: replace(person, hours=_ALWAYS),
        Rule.START_DATE: replace(person, start_date=None),
        Rule.HOLIDAY: replace(person, country=""),
        Rule.LEAVE: replace(person, leave=()),
    }
    return replace(world, people={**world.people, one.who: lifted[one.rule]})
