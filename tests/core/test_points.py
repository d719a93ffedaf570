"""What is said about a time is true: the better days, and what speaks against each."""

from datetime import date

import pytest

from daemon.core.domain import Interval, Slot
from daemon.core.planner import place
from daemon.core.points import Nearer, Point, points
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
)

EVA, MAX = a_pair().employee, a_pair().manager
ROSTER = a_roster(a_person(EVA), a_person(MAX))
TUESDAY, WEDNESDAY, THURSDAY = (date(2026, 3, day) for day in (10, 11, 12))
DUE = a_due(window=a_window(date(2026, 3, 9), date(2026, 3, 20), TUESDAY))


def all_day(day: date) -> Interval:
    return an_interval(f"{day} 00:00", f"{day} 23:59")


def nearer(busy=(), placed=(), cadence=None, roster=ROSTER, closed=None):
    """What is said of the days nearer than the one the planner takes."""
    cadence = cadence or a_cadence()
    calendars = {EVA: list(busy), MAX: []}
    slot = place([DUE], roster, calendars, placed, cadence, closed or {}, NOW)[DUE.pair]
    assert isinstance(slot, Slot)
    return explain(DUE, slot, roster, calendars, placed, cadence, closed or {}, NOW).nearer


def test_on_the_best_day_there_is_none_nearer():
    assert nearer() == ()


def test_full_days_are_named_by_the_rule_that_left_nothing_of_them():
    monday = date(2026, 3, 9)

    said = nearer(busy=[all_day(monday), all_day(TUESDAY), all_day(WEDNESDAY)])

    assert said == (
        Nearer(monday, Rule.CONFLICT),
        Nearer(TUESDAY, Rule.CONFLICT),
        Nearer(WEDNESDAY, Rule.CONFLICT),
    )


def test_a_manager_who_has_enough_talks_and_days_off_are_told_apart():
    away = a_roster(a_person(EVA, leave=[(date(2026, 3, 9), date(2026, 3, 9))]), a_person(MAX))
    others = [
        a_meeting(a_pair(f"p{n}@acme.example"), start=f"2026-03-10 1{n}:00") for n in range(2)
    ]

    said = nearer(placed=others, cadence=a_cadence(max_per_day=2), roster=away, busy=[
        all_day(WEDNESDAY),
    ])  # fmt: skip

    assert [(one.day, one.rule) for one in said] == [
        (date(2026, 3, 9), Rule.LEAVE),
        (TUESDAY, Rule.LIMIT),
        (WEDNESDAY, Rule.CONFLICT),
    ]


def test_a_day_that_is_free_but_crowded_is_told_apart_from_one_that_is_free_by_now():
    others = [
        a_meeting(a_pair(f"p{n}@acme.example"), start=f"2026-03-10 1{n}:00") for n in range(3)
    ]
    calendars = {EVA: [], MAX: []}
    taken = Slot(DUE, at(f"{THURSDAY} 10:00"), at(f"{THURSDAY} 10:20"))

    said = explain(DUE, taken, ROSTER, calendars, others, a_cadence(), {}, NOW).nearer

    assert [(one.day, one.rule, one.crowded) for one in said] == [
        (date(2026, 3, 9), None, False),
        (TUESDAY, None, True),
        (WEDNESDAY, None, False),
    ]


@pytest.mark.parametrize(
    ("late", "away", "company", "unmet", "expected"),
    [
        (False, 0, 0, (), [Point.BEST]),
        (False, 2, 2, (), [Point.FULL, Point.COMPANY]),
        (True, 120, 0, ("same_time",), [Point.LATE, Point.TIME]),
        (False, 0, 0, ("quarter", "manager_lunch"), [Point.BEST, Point.LUNCH]),
        (False, 0, 0, ("employee_edges", "manager_edges"), [Point.BEST, Point.EDGES]),
    ],
)
def test_what_is_worth_a_word(late, away, company, unmet, expected):
    assert list(points(late=late, away=away, company=company, unmet=unmet)) == expected
