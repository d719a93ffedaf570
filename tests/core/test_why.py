"""What is explained is true: counts, runner-up and cure against brute force over 400 pairs."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import combinations
from random import Random

import pytest

from bench.scan import World, broken, every_start
from daemon.core.domain import Due, Email, Interval, NoSlot, Person, Slot
from daemon.core.intervals import merge
from daemon.core.planner import place
from daemon.core.preferences import COMPANY, price
from daemon.core.rules import Rule
from daemon.core.why import explain
from tests.factories import (
    NOW,
    a_cadence,
    a_due,
    a_meeting,
    a_pair,
    a_person,
    a_roster,
    a_window,
    an_interval,
    at,
    some_hours,
)

EVA, MAX = a_pair().employee, a_pair().manager
CADENCE = a_cadence()


def some_world(random: Random, events: int) -> tuple[dict[Email, Person], dict, Due]:
    """Eva and Max in neighbouring zones, a window of one or two days, some long events each."""
    hours = some_hours(("09:00", "12:30"), days=range(7))
    roster = a_roster(
        a_person(EVA, zone="Europe/Berlin", hours=hours),
        a_person(MAX, zone="Europe/London", hours=some_hours(("08:00", "12:00"), days=range(7))),
    )
    first = date(2026, 3, 9)
    last = first + timedelta(days=random.randint(0, 1))
    due = a_due(window=a_window(first, last, first, last))
    busy = {who: merge(an_event(random, first, last) for _ in range(events)) for who in roster}
    return roster, busy, due


def an_event(random: Random, first: date, last: date) -> Interval:
    day = random.choice((first, last))
    start = at(f"{day} 08:00") + timedelta(minutes=random.randrange(0, 180, 5))
    return Interval(start, start + timedelta(minutes=random.choice((30, 60, 90, 240))))


def free_starts(roster, busy, due, placed=()) -> Iterator[datetime]:
    world = World(roster, busy, CADENCE, {}, NOW)
    for meeting in placed:
        world.enter(meeting.pair, meeting.when)
    first = at(f"{due.window.earliest} 00:00") - timedelta(days=1)
    last = at(f"{due.window.late_until} 00:00") + timedelta(days=2)
    return (start for start in every_start(first, last) if broken(world, due, start) is None)


def without(busy, events):
    return {
        who: [one for one in theirs if (who, one) not in events] for who, theirs in busy.items()
    }


@pytest.mark.parametrize("seed", range(10))
def test_the_named_events_free_a_slot_and_fewer_do_not(seed: int):
    random, seen = Random(seed), 0
    while seen < 20:
        roster, busy, due = some_world(random, events=5)
        answer = place([due], roster, busy, (), CADENCE, {}, NOW)[due.pair]
        if isinstance(answer, Slot):
            continue
        seen += 1

        cure = explain(due, None, roster, busy, (), CADENCE, {}, NOW).cure

        assert cure is not None
        assert {one.rule for one in cure.obstacles} == {Rule.CONFLICT}
        named = [(one.who, one.when) for one in cure.obstacles]
        assert cure.slot.start in set(free_starts(roster, without(busy, named), due))
        every = {(who, event) for who, theirs in busy.items() for event in theirs}
        for fewer in combinations(sorted(every), len(named) - 1):
            assert not any(free_starts(roster, without(busy, fewer), due))


@pytest.mark.parametrize("seed", range(10))
def test_counts_and_runner_up_are_those_of_a_plain_search(seed: int):
    random, seen = Random(seed), 0
    while seen < 20:
        roster, busy, due = some_world(random, events=2)
        other = a_meeting(a_pair("ida@acme.example"), start="2026-03-09 09:30")
        slot = place([due], roster, busy, [other], CADENCE, {}, NOW)[due.pair]
        if isinstance(slot, NoSlot):
            continue
        seen += 1

        told = explain(due, slot, roster, busy, [other], CADENCE, {}, NOW)

        costs = {
            start: price(due.window, start.date()) + COMPANY * (start.date() == other.day)
            for start in free_starts(roster, busy, due, [other])
        }
        assert dict(told.left)["limit"] == len(costs)
        assert told.winner.price + told.winner.company == costs.pop(slot.start)
        assert (told.runner_up is None) == (not costs)
        if told.runner_up:
            assert told.runner_up.price + told.runner_up.company == min(costs.values())


def test_the_wishes_a_slot_leaves_unmet_are_named():
    roster = a_roster(a_person(EVA, hours=some_hours(("11:30", "13:30"))), a_person(MAX))
    due = a_due(preferred_minute=12 * 60 + 10)
    busy = dict.fromkeys(roster, ())
    slot = place([due], roster, busy, (), CADENCE, {}, NOW)[due.pair]

    told = explain(due, slot, roster, busy, (), CADENCE, {}, NOW)

    assert told.winner.start == at("2026-03-09 12:10")
    assert told.winner.unmet == ("quarter", "employee_lunch", "manager_lunch")


def test_without_common_hours_the_rule_is_named_and_lifting_it_was_tried():
    roster = a_roster(a_person(EVA), a_person(MAX, zone="Asia/Tokyo"))
    due = a_due()

    told = explain(due, None, roster, dict.fromkeys(roster, ()), (), CADENCE, {}, NOW)

    assert [one.rule for one in told.cure.obstacles] == [Rule.HOURS]
    assert isinstance(told.cure.slot, Slot)


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        (Rule.HOLIDAY, {"closed": {"DE": [date(2026, 3, 9)]}}),
        (Rule.LEAVE, {"leave": [(date(2026, 3, 1), date(2026, 3, 20))]}),
        (Rule.START_DATE, {"start_date": date(2026, 6, 1)}),
        (Rule.REFUSED, {"not_at": (an_interval("2026-03-09 00:00", "2026-03-10 00:00"),)}),
        (Rule.NOTICE, {"not_before": at("2026-03-20 00:00")}),
        (Rule.LIMIT, {"cadence": a_cadence(max_per_day=1)}),
    ],
)
def test_a_single_rule_in_the_way_is_the_cure(rule: Rule, changes: dict):
    person = {name: changes[name] for name in ("leave", "start_date") if name in changes}
    asked = {name: changes[name] for name in ("not_at", "not_before") if name in changes}
    roster = a_roster(a_person(EVA, country="DE", **person), a_person(MAX))
    one_day = a_window(date(2026, 3, 9), date(2026, 3, 9), late_until=date(2026, 3, 9))
    other = a_meeting(a_pair("ida@acme.example"), start="2026-03-09 09:30")

    told = explain(
        a_due(window=one_day, **asked), None, roster, dict.fromkeys(roster, ()), [other],
        changes.get("cadence", CADENCE), changes.get("closed", {}), NOW,
    )  # fmt: skip

    assert [one.rule for one in told.cure.obstacles] == [rule]


def test_an_unreadable_calendar_is_all_there_is_to_say():
    roster = a_roster(a_person(EVA), a_person(MAX))

    told = explain(a_due(), None, roster, {EVA: ()}, (), CADENCE, {}, NOW)

    assert told.unknown == (MAX,)
    assert told.left == ()
