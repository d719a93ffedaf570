"""What status tells of a pair: how sure its last talk is, and the window it really has."""

from dataclasses import replace
from datetime import timedelta

import pytest

from daemon.core.domain import Cadence, Evidence, Kind
from daemon.loop.standing import Standing, Sure, row
from tests.factories import NOW, a_history, a_meeting, a_pair, a_person, a_roster, held

PAIR = a_pair()
PEOPLE = a_roster(a_person(manager=PAIR.manager), a_person(PAIR.manager))
LAST = a_meeting(PAIR, NOW - timedelta(days=1), kind=Kind.FIRST)


@pytest.mark.parametrize(
    ("last", "sure", "words"),
    [
        (LAST, Sure.NOT_TOLD, "not told yet"),
        (held(LAST, evidence=Evidence.INFERRED), Sure.INFERRED, "inferred"),
        (held(LAST, evidence=Evidence.EMPLOYEE), Sure.EMPLOYEE, "said by the employee"),
        (held(LAST, evidence=Evidence.MANAGER), Sure.MANAGER, "said by the manager"),
        (held(LAST, evidence=Evidence.ATTESTED), Sure.ATTESTED, "attested"),
    ],
)
def test_the_last_talk_carries_how_sure_it_is(last, sure, words):
    told = row(a_history(PAIR, last, since=LAST.day), PEOPLE, Cadence(), None, NOW)

    assert (told.last_held, told.sure) == (LAST.day, sure)
    assert told.sure.words == words


def test_a_pair_that_never_met_has_nothing_to_be_sure_of():
    told = row(a_history(PAIR), PEOPLE, Cadence(), None, NOW)

    assert (told.last_held, told.sure) == (None, None)


def test_a_talk_to_align_stands_beside_the_next_one_and_is_not_it():
    align = a_meeting(PAIR, NOW + timedelta(days=3), kind=Kind.ALIGNMENT)

    ahead = row(a_history(PAIR, held(LAST), align), PEOPLE, Cadence(), None, NOW)
    over = row(a_history(PAIR, held(LAST), align), PEOPLE, Cadence(), None, align.end)

    assert (ahead.state, ahead.next, ahead.alignment) == (Standing.DUE, None, align)
    assert over.alignment is None


@pytest.mark.parametrize("days", [0, 40, 60, 200])
def test_a_window_that_has_closed_is_told_as_it_was(days):
    later = NOW + timedelta(days=days)
    talked = held(replace(LAST, start=NOW, end=NOW + timedelta(hours=1)))

    told = row(a_history(PAIR, talked), PEOPLE, Cadence(), None, later)

    assert (told.due_from - talked.day).days == 30
    assert (told.due_to - talked.day).days == 45


@pytest.mark.parametrize("days", [0, 10, 100])
def test_the_window_of_a_first_talk_begins_on_the_day_the_pair_appeared(days):
    history = a_history(PAIR, since=NOW.date())

    told = row(history, PEOPLE, Cadence(), None, NOW + timedelta(days=days))

    assert (told.due_from, told.due_to) == (NOW.date(), NOW.date() + timedelta(days=14))
