"""What a roster says: working hours and leave as text, and who reports to whom."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.domain import OFFICE_HOURS, Email, Hours, Leave, Person
from daemon.core.roster import DAYS, check_reporting_lines, parse_hours, parse_leave

# --- working hours --------------------------------------------------------------------------

MORNING, AFTERNOON = (540, 720), (780, 1050)


@pytest.mark.parametrize(
    "text",
    [
        "Mon-Fri 09:00-17:00",
        "mon - fri 9:00 - 17:00",
        "Monday–Friday 9–17",
        "Fri 09:00-17:00; Mon,Tue,Wed-Thu 9-17",
        "Mon-Fri 09:00-13:00, 13:00-17:00;",
        "Mon-Fri 09:00-15:00; Mon-Fri 12:00-17:00",
    ],
)
def test_office_hours_may_be_written_in_many_ways(text: str) -> None:
    assert parse_hours(text) == OFFICE_HOURS


def test_breaks_and_weekends_are_kept() -> None:
    hours = parse_hours("Mon 09:00-12:00, 13:00-17:30; Sat-Sun 00:00-24:00")

    assert hours == Hours(((MORNING, AFTERNOON), (), (), (), (), ((0, 1440),), ((0, 1440),)))


def test_days_may_run_over_the_weekend() -> None:
    hours = parse_hours("Sun-Thu 09:00-12:00")

    assert [bool(day) for day in hours.days] == [True, True, True, True, False, False, True]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no hours"),
        (";;", "no hours"),
        ("09:00-17:00", "names no day"),
        ("Mon-Fri", "needs days and times"),
        ("Mon-Fri 17:00-09:00", "ends before it starts"),
        ("Mon-Fri 09:00-09:00", "ends before it starts"),
        ("Mon-Fri 22:00-06:00", "past midnight"),
        ("Mon-Fri 09:00-25:00", '"25:00"'),
        ("Mon-Fri 09:60-17:00", '"09:60"'),
        ("Mon-Fri 09:00", "not a time of day"),
        ("Mon-Fro 09:00-17:00", 'did you mean "Fri"'),
        ("Xyz 09:00-17:00", '"xyz"'),
    ],
)
def test_bad_hours_are_told_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"; ") as error:
        parse_hours(text)

    assert said in str(error.value)


SPANS = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda x: x[0] < x[1])


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), SPANS), min_size=1, max_size=12))
def test_what_is_written_is_what_is_read(rules: list[tuple[int, tuple[int, int]]]) -> None:
    text = "; ".join(f"{DAYS[day]} {clock(start)}-{clock(end)}" for day, (start, end) in rules)

    hours = parse_hours(text)

    for day in range(7):
        said = {m for on, (start, end) in rules if on == day for m in range(start, end)}
        read = [m for start, end in hours.days[day] for m in range(start, end)]
        assert sorted(said) == read


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


# --- leave ----------------------------------------------------------------------------------


def test_leave_is_whole_days_with_both_ends() -> None:
    leave = parse_leave("2027-02-01..2027-02-05; 2026-12-24;2026-12-28 .. 2026-12-31")

    assert leave == (
        Leave(date(2026, 12, 24), date(2026, 12, 24)),
        Leave(date(2026, 12, 28), date(2026, 12, 31)),
        Leave(date(2027, 2, 1), date(2027, 2, 5)),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("24.12.2026", "not a day"),
        ("2026-02-30", "2026-02-30"),
        ("2026-12-24..", '"" in "2026-12-24.."'),
        ("2027-01-03..2026-12-21", "ends before it starts"),
    ],
)
def test_bad_leave_is_told_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"; ") as error:
        parse_leave(text)

    assert said in str(error.value)


# --- who reports to whom --------------------------------------------------------------------


def a_company(lines: dict[str, str]) -> list[Person]:
    """People by name, each with their manager; an empty one is the top."""
    return [
        Person(address(name), name, address(manager) if manager else None)
        for name, manager in lines.items()
    ]


def address(name: str) -> Email:
    return Email(f"{name}@acme.example")


def test_a_sound_company_is_left_as_it_is() -> None:
    people = a_company({"top": "", "a": "top", "b": "a", "c": "a"})

    checked = check_reporting_lines(people)

    assert checked.people == tuple(people)
    assert (checked.problems, checked.refused) == ((), frozenset())


def test_an_unknown_manager_is_told_with_the_nearest_address() -> None:
    people = a_company({"maria": "", "anna": "mario"})

    checked = check_reporting_lines(people, {address("anna"): "people.csv:3"})

    (problem,) = checked.problems
    assert problem.where == "people.csv:3"
    assert "mario@acme.example" in problem.what
    assert problem.cure == "did you mean maria@acme.example?"
    assert checked.refused == {address("anna")}
    assert checked.people == (people[0], replace(people[1], manager=None))


def test_one_who_is_their_own_manager_is_told() -> None:
    checked = check_reporting_lines(a_company({"a": "a", "b": "a"}))

    assert ["their own manager" in problem.what for problem in checked.problems] == [True]
    assert checked.refused == {address("a")}


@pytest.mark.parametrize("size", [2, 3, 50, 5000])
def test_a_circle_is_told_once_with_every_line_and_the_rest_goes_on(size: int) -> None:
    ring = {f"p{n}": f"p{(n + 1) % size}" for n in range(size)}
    people = a_company({"below": "p1", **ring, "top": "", "other": "top"})
    places = {person.email: f"people.csv:{n}" for n, person in enumerate(people, 2)}

    checked = check_reporting_lines(people, places)

    (problem,) = checked.problems
    assert problem.where == "people.csv:3"
    assert all(f"(people.csv:{line})" in problem.what for line in range(3, size + 3))
    assert checked.refused == {address(name) for name in ring}
    below, other = checked.people[0], checked.people[-1]
    assert (below.manager, other.manager) == (address("p1"), address("top"))


COMPANIES = st.integers(1, 12).flatmap(
    lambda size: st.lists(st.integers(-1, size), min_size=size, max_size=size)
)


@settings(deadline=None)
@given(COMPANIES)
def test_after_the_check_everybody_can_walk_up_to_somebody(managers: list[int]) -> None:
    lines = {f"p{n}": f"p{manager}" if manager >= 0 else "" for n, manager in enumerate(managers)}

    checked = check_reporting_lines(a_company(lines))

    above = {person.email: person.manager for person in checked.people}
    for who in above:
        steps, step = 0, who
        while (manager := above[step]) is not None:
            step, steps = manager, steps + 1
            assert steps <= len(above)
    changed = {x.email for x in checked.people if x.manager is None} - {
        x.email for x in a_company(lines) if x.manager is None
    }
    assert changed == checked.refused
