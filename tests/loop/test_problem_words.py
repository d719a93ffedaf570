"""Problems as an operator reads them in status: which day, which edge of the window, why."""

from dataclasses import replace
from datetime import timedelta

import pytest

from daemon.core.domain import Because, Cadence, History, Kind, Reason
from daemon.core.rules import Rule
from daemon.loop.problems import problem_of, why, words
from daemon.loop.standing import status
from daemon.loop.world import World
from tests.factories import NOW, a_history, a_meeting, a_pair, a_person, a_roster, held
from tests.system.company import found
from tests.system.playing import opened, play, turn
from tests.system.test_cycle import START


def outside(day: str) -> str:
    facts = {"day": day, "from": "2026-12-09", "to": "2026-12-07", "because": Because.PAUSED}
    return words(Reason(Because.OUTSIDE_WINDOW, facts), {})


def test_a_meeting_after_its_window_is_told_by_the_last_day_of_the_window():
    said = outside("2026-12-10")

    assert said == (
        "Booked on 2026-12-10, after 2026-12-07, the last day of its window: the pair paused."
    )


def told(*talks: tuple[int, Kind], leave: tuple[int, int] | None = None) -> str:
    """What stands against a pair that held such talks so many days ago, the next being booked."""
    pair = a_pair()
    day = NOW.date()
    away = [(day - timedelta(days=leave[0]), day - timedelta(days=leave[1]))] if leave else []
    people = a_roster(a_person(manager=pair.manager, leave=away), a_person(pair.manager))
    past = [
        held(a_meeting(pair, NOW - timedelta(days=ago), kind=kind, number=n))
        for n, (ago, kind) in enumerate(talks)
    ]
    ahead = a_meeting(pair, past[-1].start + timedelta(days=35), number=len(past))
    history = a_history(pair, *past, ahead, since=day - timedelta(days=300))
    return said(history, people)


def said(history: History, people) -> str:
    histories = {history.pair: history}
    world = World(
        now=NOW, cadence=Cadence(), people=people, everybody=people, histories=histories, closed={}
    )
    found = problem_of(world, history, None, None)
    return words(found, people) if found else ""


FIRST, FOLLOW, ALIGN = Kind.FIRST, Kind.FOLLOW_UP, Kind.ALIGNMENT


def test_talks_about_a_missing_tick_are_no_gap():
    assert told((20, FIRST), (12, ALIGN), (8, ALIGN)) == ""


def test_a_gap_that_nothing_explains_is_told_without_a_reason():
    assert told((80, FIRST), (20, FOLLOW)) == "60 days between the last two talks."


def test_a_long_leave_between_two_talks_that_were_held_is_told():
    assert told((80, FIRST), (20, FOLLOW), leave=(60, 30)).startswith(
        "60 days between the last two talks: one of the two is on leave"
    )


def test_a_leave_before_both_talks_explains_nothing():
    assert told((80, FIRST), (20, FOLLOW), leave=(120, 90)) == "60 days between the last two talks."


@pytest.mark.parametrize("because", Because)
def test_every_reason_has_words(because):
    meeting = replace(a_meeting(), reason=Reason(because), late=True)
    facts = {"days": "48", "because": because, "day": "2026-12-10"}

    for text in (why(meeting), words(Reason(Because.OUTSIDE_WINDOW, facts), {})):
        assert "_" not in text
        assert ": " in text


@pytest.mark.parametrize("rule", Rule)
def test_every_rule_that_leaves_nothing_has_words(rule):
    text = words(Reason(Because.NO_SLOT, {"from": "A", "to": "B", "rule": rule}), {})

    assert "'" not in text
    assert text.count(". ") == 2


def test_a_long_leave_between_two_talks_is_named_as_the_reason_for_their_distance(tmp_path):
    company = found(tmp_path / "acme", pairs=1, start=START.date(), days=140, taken=(0.1, 0.2))
    books = play(company, START, 17)
    first = min(event.start for copies in books.events.values() for event in copies.values())
    who = next(w for w in company.people if w.startswith("worker"))
    day = first.date() + timedelta(days=16)
    company.people[who].leave.append((day, day + timedelta(days=29)))
    company.write_roster()
    app = opened(company)

    turn(app, START + timedelta(days=18))

    problem = status(app, START + timedelta(days=18)).pairs[0].problem
    app.database.close()
    assert problem is not None
    assert "days between the last talk and the next: one of the two is on leave" in problem
