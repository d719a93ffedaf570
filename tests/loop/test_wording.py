"""What an operator reads about a time: plain words, and those of the employee's page."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from daemon.core.domain import Because, Reason
from daemon.core.points import Point
from daemon.core.rules import Rule
from daemon.loop import wording
from daemon.loop.explaining import explain
from daemon.loop.wording import lines
from tests.system.company import found
from tests.system.playing import opened, turn
from tests.system.test_cycle import START

WORKER, BOSS = "worker1@acme.example", "boss0@acme.example"
PAGE = Path("templates/web/why.html").read_text("utf-8")


@pytest.fixture
def company(tmp_path):
    """One pair with nothing in its calendars."""
    return found(tmp_path / "acme", pairs=1, start=START.date(), days=5, taken=(0.0, 0.0))


@pytest.fixture
def accounts(company):
    """Tell about the pair after a turn, as the operator reads it."""
    apps = []

    def told(change=lambda account: account):
        apps.append(opened(company))
        turn(apps[-1], START)
        (account,) = explain(apps[-1], WORKER, START)
        return "\n".join(lines(change(account)))

    yield told
    for app in apps:
        app.database.close()


def best_day(text):
    return re.search(r"; (.+) would be the best day", text)[1]


def test_the_best_day_is_called_so_without_any_figure_of_the_planner(accounts):
    said = accounts()

    assert f"booked: {best_day(said)}" in said
    assert "It is the best day." in said
    assert "against" not in said


def test_full_days_are_named_with_what_speaks_against_them(accounts, company, tmp_path):
    taken = planned(tmp_path / "twin")
    midnight = taken.replace(hour=0, minute=0)
    company.make_busy(WORKER, midnight, midnight + timedelta(days=1), "project")

    said = accounts()

    assert f"It is the nearest day to {best_day(said)} that could be had. On nearer days:" in said
    assert f"{taken:%a} {taken.day} Mar: no time free in both calendars" in said


def planned(root):
    """When the same pair would meet if nothing stood in the way."""
    twin = found(root, pairs=1, start=START.date(), days=5, taken=(0.0, 0.0))
    app = opened(twin)
    turn(app, START)
    (account,) = explain(app, WORKER, START)
    app.database.close()
    return account.booked.start


def test_the_next_best_time_is_told_by_what_it_lacks(accounts):
    said = accounts()

    assert "the next best time would be" in said
    assert re.search(r"best time would be .*:\n    (a less fitting|as good as|further from)", said)


def test_a_time_that_a_person_chose_is_not_explained(accounts):
    wish = Reason(Because.WISH)

    said = accounts(lambda one: replace(one, booked=replace(one.booked, reason=wish)))

    assert "why then?" not in said
    assert "one of the two asked for that time" in said


def test_what_stands_in_the_way_is_said_with_its_first_and_last_day(accounts, company):
    company.make_busy(WORKER, START, START + timedelta(days=60), "sabbatical")

    said = accounts()

    assert "why is there none?" in said
    assert "no time suits both calendars." in said
    assert re.search(r"an appointment of Worker 1: Monday 2 March 2026 .* to .* May 2026", said)


def test_every_point_rule_and_obstacle_has_words():
    assert wording._POINTS.keys() == set(Point)
    assert wording._FULL.keys() == wording._LEFT.keys() == set(Rule)


@pytest.mark.parametrize(
    "phrase",
    [
        "would be the best day",
        "No time in those days suited both calendars; this is the first that does.",
        "On nearer days",
        "has enough talks",
        "It is the best day.",
        "has another talk that day.",
        "The time of last time is taken.",
        "Only lunch was free for both.",
        "It is early or late in the working day of one of",
        "no time suits both calendars.",
        "would be free without:",
        "an appointment of",
        "another talk of",
        "the working hours of",
        "the first day of",
        "a public holiday of",
        "days off of",
        "the number of talks",
    ],
)
def test_operator_and_employee_read_the_same_words(phrase):
    operators = Path(wording.__file__).read_text("utf-8").replace('"\n        "', "")

    assert phrase in PAGE
    assert phrase in operators
