"""What holds for every roster, zone, clock change, holiday, leave and calendar there can be."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.scan import World, broken, every_start
from daemon.core.domain import Due, Email, Interval, Meeting, NoSlot, Pair, Person, Slot, Window
from daemon.core.intervals import merge
from daemon.core.planner import place
from daemon.core.preferences import COMPANY, UNPLACED, price
from tests.factories import (
    ALWAYS,
    OFFICE_HOURS,
    a_cadence,
    a_due,
    a_meeting,
    a_pair,
    a_person,
    a_roster,
    some_hours,
)

BEGIN = date(2026, 3, 25)
"""Clocks change on 29 March in Europe; Lord Howe and Apia do so on 5 April, by halves too."""

NOW = datetime(2026, 3, 25, 3, 0, tzinfo=UTC)

ZONES = (
    "Europe/Berlin", "Europe/London", "America/St_Johns", "Asia/Kathmandu",
    "Australia/Lord_Howe", "Africa/Cairo", "America/Santiago", "Pacific/Kiritimati",
)  # fmt: skip

HOURS = (
    OFFICE_HOURS,
    ALWAYS,
    some_hours(("07:30", "12:00"), ("12:30", "15:02"), days=range(6)),
    some_hours(("00:00", "06:00"), ("22:00", "24:00"), days=range(7)),
)

GENTLE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

offsets = st.integers(0, 16 * 24 * 60)
days = st.integers(0, 14).map(lambda number: BEGIN + timedelta(days=number))
cadences = st.builds(
    a_cadence,
    buffer_minutes=st.sampled_from((0, 3, 5, 15)),
    max_per_day=st.integers(1, 4),
    max_per_week=st.integers(2, 6),
)


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    start = NOW + timedelta(minutes=draw(offsets), seconds=draw(st.sampled_from((0, 0, 0, 30))))
    return Interval(start, start + timedelta(minutes=draw(st.sampled_from((15, 60, 500, 3000)))))


@st.composite
def leaves(draw: st.DrawFn) -> list[tuple[date, date]]:
    first = draw(days)
    return draw(st.sampled_from(([], [(first, first)], [(first, first + timedelta(days=6))])))


@st.composite
def people(draw: st.DrawFn, number: int, zones: tuple[str, ...] = ZONES) -> dict[Email, Person]:
    near = draw(st.sampled_from(zones))
    return a_roster(
        *(
            a_person(
                f"p{each}@acme.example",
                zone=draw(st.sampled_from((near, near, draw(st.sampled_from(zones))))),
                hours=draw(st.sampled_from(HOURS)),
                country=draw(st.sampled_from(("", "DE"))),
                leave=draw(leaves()),
                start_date=draw(st.sampled_from((None, BEGIN + timedelta(days=4)))),
            )
            for each in range(number)
        )
    )


@st.composite
def windows(draw: st.DrawFn) -> Window:
    earliest = draw(st.integers(0, 6).map(lambda number: BEGIN + timedelta(days=number)))
    latest = earliest + timedelta(days=draw(st.integers(0, 5)))
    preferred = earliest + timedelta(days=draw(st.integers(0, 5)))
    return Window(earliest, latest, min(preferred, latest), latest + timedelta(days=2))


@st.composite
def dues(draw: st.DrawFn, pair: Pair) -> Due:
    return a_due(
        pair,
        minutes=draw(st.sampled_from((17, 20, 60))),
        window=draw(windows()),
        preferred_minute=draw(st.sampled_from((None, 9 * 60 + 30, 150))),
        not_at=tuple(draw(st.lists(intervals(), max_size=1))),
        not_before=draw(st.sampled_from((None, NOW + timedelta(days=3)))),
    )


@st.composite
def worlds(draw: st.DrawFn, chain: bool = True) -> dict[str, Any]:
    """Up to five pairs; with a chain, one employee leads the last ones."""
    number = draw(st.integers(2, 6))
    roster = draw(people(number))
    first, *others = roster
    leader = [first if each < 3 or not chain else others[0] for each in range(len(others))]
    pairs = [Pair(employee, lead) for employee, lead in zip(others, leader, strict=True)]
    return {
        "dues": [draw(dues(pair)) for pair in pairs],
        "people": roster,
        "busy": {who: merge(draw(st.lists(intervals(), max_size=8))) for who in roster},
        "placed": [
            a_meeting(a_pair("old@acme.example", first), start=one.start, minutes=20, number=number)
            for number, one in enumerate(draw(st.lists(intervals(), max_size=2)))
        ],
        "cadence": draw(cadences),
        "closed": {"DE": draw(st.lists(days, max_size=2))},
        "now": NOW,
    }


def placed_in(answers: Any) -> list[Slot]:
    return [answer for answer in answers.values() if isinstance(answer, Slot)]


def judge(world: dict[str, Any]) -> World:
    """The independent view of the hard rules, with what is booked already."""
    seen = World(*(world[name] for name in ("people", "busy", "cadence", "closed", "now")))
    for meeting in world["placed"]:
        seen.enter(meeting.pair, meeting.when)
    return seen


def booked(slot: Slot) -> Meeting:
    due = slot.due
    minutes = (slot.end - slot.start) // timedelta(minutes=1)
    return a_meeting(due.pair, start=slot.start, minutes=minutes, number=due.number)


def cost(slots: list[Slot], world: dict[str, Any]) -> int:
    """The objective, counted plainly."""
    total = UNPLACED * (len(world["dues"]) - len(slots))
    crowd: dict[tuple[Email, date], int] = {}
    for slot in slots:
        employee, manager = (
            world["people"][who].zone for who in (slot.due.pair.employee, slot.due.pair.manager)
        )
        total += price(slot.due.window, slot.start.astimezone(employee).date())
        day = (slot.due.pair.manager, slot.start.astimezone(manager).date())
        total += COMPANY * crowd.get(day, 0)
        crowd[day] = crowd.get(day, 0) + 1
    return total


@GENTLE
@given(worlds())
def test_no_hard_rule_is_ever_broken(world: dict[str, Any]):
    slots = placed_in(place(**world))

    seen = judge(world)
    for slot in slots:
        assert broken(seen, slot.due, slot.start) is None
        seen.enter(slot.due.pair, Interval(slot.start, slot.end))


@GENTLE
@given(worlds())
def test_whoever_got_no_slot_could_not_have_one_beside_the_others(world: dict[str, Any]):
    answers = place(**world)

    seen = judge(world)
    for slot in placed_in(answers):
        seen.enter(slot.due.pair, Interval(slot.start, slot.end))
    for answer in answers.values():
        if isinstance(answer, NoSlot):
            window = answer.due.window
            first = datetime(*window.earliest.timetuple()[:3], tzinfo=UTC) - timedelta(days=1)
            last = datetime(*window.late_until.timetuple()[:3], tzinfo=UTC) + timedelta(days=3)
            starts = every_start(first, last)
            assert not any(broken(seen, answer.due, start) is None for start in starts)


@GENTLE
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_what_is_given_does_not_matter(world: dict[str, Any], random: Any):
    shuffled = dict(world)
    shuffled["dues"] = random.sample(world["dues"], len(world["dues"]))
    shuffled["placed"] = random.sample(world["placed"], len(world["placed"]))
    for name in ("people", "busy"):
        items = list(world[name].items())
        shuffled[name] = dict(random.sample(items, len(items)))

    assert place(**shuffled) == place(**world)


@GENTLE
@given(worlds(chain=False), st.data())
def test_more_busy_time_never_places_more(world: dict[str, Any], data: st.DataObject):
    who = data.draw(st.sampled_from(list(world["people"])))
    more = data.draw(st.lists(intervals(), min_size=1, max_size=3))
    fuller = {**world, "busy": {**world["busy"], who: merge([*world["busy"][who], *more])}}

    assert len(placed_in(place(**fuller))) <= len(placed_in(place(**world)))


@GENTLE
@given(worlds())
def test_the_plan_of_an_applied_plan_is_empty(world: dict[str, Any]):
    slots = placed_in(place(**world))
    after = {**world, "placed": [*world["placed"], *map(booked, slots)]}

    assert place(**{**after, "dues": []}) == {}


@GENTLE
@given(worlds())
def test_what_is_placed_again_costs_the_same(world: dict[str, Any]):
    slots = placed_in(place(**world))
    meetings = {slot.due.pair: booked(slot) for slot in slots}
    again = {
        **world,
        "placed": [*world["placed"], *meetings.values()],
        "dues": [replace(due, replaces=meetings.get(due.pair)) for due in world["dues"]],
    }

    assert cost(placed_in(place(**again)), world) == cost(slots, world)


@GENTLE
@given(worlds())
def test_one_meeting_placed_again_among_the_others_keeps_its_day_s_cost(world: dict[str, Any]):
    slots = placed_in(place(**world))
    meetings = [booked(slot) for slot in slots]

    for slot, meeting in zip(slots, meetings, strict=True):
        due = replace(slot.due, replaces=meeting)
        alone = {**world, "placed": [*world["placed"], *meetings], "dues": [due]}
        moved = place(**alone)[due.pair]
        assert isinstance(moved, Slot)
        others = [one for one in slots if one is not slot]
        assert cost([*others, moved], world) == cost(slots, world)


@GENTLE
@given(worlds())
def test_a_late_start_is_taken_only_where_the_window_holds_none(world: dict[str, Any]):
    slots = placed_in(place(**world))

    seen = judge(world)
    for slot in slots:
        seen.enter(slot.due.pair, Interval(slot.start, slot.end))
    for slot in slots:
        zone = world["people"][slot.due.pair.employee].zone
        assert slot.late == (slot.start.astimezone(zone).date() > slot.due.window.latest)
        if slot.late:
            in_time = replace(slot.due, window=replace(slot.due.window, late_until=BEGIN))
            first = slot.start - timedelta(days=20)
            starts = every_start(first, slot.start)
            assert not any(broken(seen, in_time, start) is None for start in starts)


def test_the_half_hour_of_lord_howe_is_a_real_case():
    """The zones above do change their clocks within the days that are tried."""
    changes = {
        zone
        for zone in ZONES
        for one, two in pairwise(range(18))
        if _offset(zone, one) != _offset(zone, two)
    }

    assert changes == {"Europe/Berlin", "Europe/London", "Australia/Lord_Howe", "America/Santiago"}


def _offset(zone: str, number: int) -> timedelta | None:
    person = a_person(zone=zone)
    return (NOW + timedelta(days=number)).astimezone(person.zone).utcoffset()
