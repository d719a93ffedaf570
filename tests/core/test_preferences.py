"""The price of a day and the wishes within it: the employee's come first."""

from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from daemon.core.almanac import Almanac
from daemon.core.domain import Person, Window
from daemon.core.preferences import LATE, WORST, Setting, best, in_order, price, unmet
from tests.factories import MONDAY, a_due, a_person, a_window, an_interval, at

TUESDAY = date(2026, 3, 10)


def a_setting(employee: Person | None = None, manager: Person | None = None, **due: Any) -> Setting:
    """A Tuesday of Eva and Max."""
    almanac = Almanac({})
    eva, max_ = employee or a_person(), manager or a_person("max@acme.example")
    span = almanac.span(max_.zone, TUESDAY)
    asked = a_due(**due)
    overlap = almanac.overlap(almanac.profile(eva), almanac.profile(max_), asked.minutes)
    return Setting(asked, overlap, span, TUESDAY)


def chosen(at_: Setting, *starts: str) -> str:
    """The best of some starts, on the manager's clock."""
    mask = sum(1 << at_.span.index(at(f"2026-03-10 {start}")) for start in starts)
    return at_.span.at(best(mask, at_)[0]).strftime("%H:%M")


def test_a_day_costs_its_distance_from_the_preferred_one():
    window = a_window(preferred=date(2026, 3, 9))

    assert [price(window, date(2026, 3, day)) for day in (7, 9, 12)] == [2, 0, 3]


def test_a_late_day_costs_more_than_any_in_the_window_and_every_further_one_more():
    window = a_window(preferred=MONDAY)
    costs = [price(window, window.latest + timedelta(days=late)) for late in range(1, 4)]

    assert LATE < costs[0] < costs[1] < costs[2]
    assert price(window, window.latest) < costs[0]


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 10))
def test_the_days_come_in_the_order_of_their_price(length: int, preferred: int, late: int):
    latest = MONDAY + timedelta(days=length)
    window = Window(
        MONDAY, latest, MONDAY + timedelta(days=preferred), latest + timedelta(days=late)
    )

    found = list(in_order(window))

    everyday = [MONDAY + timedelta(days=day) for day in range(length + late + 1)]
    assert sorted(day for _, day in found) == everyday
    assert found == sorted((price(window, day), day) for day in everyday)


def test_the_time_of_last_time_wins_over_a_quarter_hour():
    assert chosen(a_setting(preferred_minute=9 * 60 + 35), "09:30", "09:35", "10:00") == "09:35"


def test_without_it_the_nearest_quarter_hour_wins():
    at_ = a_setting(preferred_minute=14 * 60 + 35)

    assert chosen(at_, "09:30", "14:30", "14:40", "15:00") == "14:30"


def test_lunch_is_left_alone():
    assert chosen(a_setting(), "11:45", "12:15", "12:45", "14:00") == "14:00"


def test_the_employee_s_lunch_weighs_more_than_the_manager_s():
    at_ = a_setting(employee=a_person(zone="Europe/Berlin"))

    assert chosen(at_, "11:15", "12:15") == "12:15"


def test_the_first_and_the_last_slot_of_the_day_are_avoided():
    assert chosen(a_setting(), "09:00", "09:30", "16:40") == "09:30"


def test_the_weekday_and_time_somebody_refused_is_offered_last():
    at_ = a_setting(not_at=(an_interval("2026-03-03 10:00", "10:20"),), preferred_minute=600)

    assert chosen(at_, "10:00", "10:10", "16:55") == "16:55"


def test_another_weekday_is_not_meant_by_a_refusal():
    at_ = a_setting(not_at=(an_interval("2026-03-04 10:00", "10:20"),), preferred_minute=600)

    assert chosen(at_, "10:00", "11:00") == "10:00"


@given(st.sets(st.integers(0, 287), min_size=1), st.sampled_from((None, 540, 725)))
def test_the_best_start_leaves_the_least_weight_of_wishes_unmet(
    starts: set[int], preferred: int | None
):
    at_ = a_setting(preferred_minute=preferred)
    names = ("fresh", "same_time", "quarter", "employee_lunch", "employee_edges", "manager_lunch",
             "manager_edges")  # fmt: skip

    def weight(index: int) -> int:
        return sum(WORST >> (names.index(name) + 1) for name in unmet(index, at_))

    index, missed = best(sum(1 << start for start in starts), at_)

    assert index in starts
    assert missed == weight(index) == min(weight(start) for start in starts)
