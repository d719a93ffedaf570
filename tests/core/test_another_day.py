"""What "we met another day" does to the talk that is booked next (product rules 2 and 8)."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core import cadence, followup
from daemon.core.domain import Accord, Because, History, Kind, Meeting, Reason
from tests.factories import MONDAY, NOW, a_cadence, a_meeting, a_pair, a_person, at

EVA, MAX = a_person(manager=a_pair().manager), a_person(a_pair().manager, manager=None)
LAST = a_meeting(start="2026-03-02 10:00", number=1, kind=Kind.FIRST)
NEXT = a_meeting(start="2026-04-06 10:00", number=2)


def due(now: datetime, *meetings: Meeting):
    history = History(pair=a_pair(), since=MONDAY, meetings=meetings)
    return cadence.due(history, EVA, MAX, a_cadence(), now)


def said(meeting: Meeting, day: str, now: datetime) -> Meeting:
    return followup.attest(meeting, EVA.email, at(f"{day} 00:00").date(), now)


def test_a_talk_tomorrow_moves_when_they_say_that_they_met_yesterday():
    now = at("2026-04-05 12:00")

    asked = due(now, said(LAST, "2026-04-04", now), NEXT)

    assert asked.replaces == NEXT
    assert asked.reason.because is Because.MET_ANOTHER_DAY
    assert asked.window.earliest == at("2026-05-04 00:00").date()


def test_a_talk_that_has_begun_stays_where_it_is():
    now = NEXT.start + timedelta(minutes=1)

    assert due(now, said(LAST, "2026-04-04", now), NEXT) is None


def test_a_talk_booked_late_does_not_stay_when_it_is_too_early_now():
    now = at("2026-03-30 12:00")
    late = replace(NEXT, start=at("2026-04-18 10:00"), end=at("2026-04-18 10:20"), late=True)

    assert due(now, LAST, late) is None
    assert due(now, said(LAST, "2026-03-29", now), late).replaces == late


def test_a_time_a_person_chose_stays():
    now = at("2026-04-05 12:00")
    chosen = replace(NEXT, reason=Reason(Because.WISH))

    assert due(now, said(LAST, "2026-04-04", now), chosen) is None


@pytest.mark.parametrize("word", [None, "2026-03-02"])
def test_without_another_day_the_freeze_holds(word):
    now = at("2026-03-20 12:00")
    soon = replace(NEXT, start=now + timedelta(hours=5), end=now + timedelta(hours=6))
    last = said(LAST, word, now) if word else followup.infer(LAST, now, a_cadence())

    assert due(now, last, soon) is None


@given(st.integers(1, 34))
def test_after_a_talk_before_its_time_the_next_one_counts_from_that_day(days):
    now = NOW + timedelta(days=days, hours=1)
    day = MONDAY + timedelta(days=days)
    met = said(NEXT, day.isoformat(), now)

    asked = due(now, followup.infer(LAST, NEXT.start, a_cadence()), met)

    assert (asked.number, asked.generation, asked.replaces) == (3, 0, None)
    assert asked.window.earliest == day + timedelta(days=30)
    assert asked.window.latest == day + timedelta(days=45)


def test_a_talk_held_before_careloop_knew_the_pair_starts_the_clock_too():
    first = replace(LAST, start=at("2026-03-09 10:00"), end=at("2026-03-09 11:00"))

    asked = due(NOW, said(first, "2026-02-20", NOW))

    assert asked.kind is Kind.FOLLOW_UP
    assert asked.window.earliest == at("2026-03-22 00:00").date()


def test_a_talk_of_an_earlier_time_of_the_pair_starts_no_clock():
    before = a_meeting(start="2026-01-05 10:00", number=1)

    asked = due(NOW, followup.attest(before, EVA.email, None, NOW))

    assert asked.kind is Kind.FIRST


def test_what_was_recorded_in_a_talk_to_align_before_its_time_was_said_since():
    align = a_meeting(start="2026-03-20 10:00", number=2, kind=Kind.ALIGNMENT)
    met = said(align, "2026-03-05", at("2026-03-05 12:00"))
    first = followup.attest(LAST, EVA.email, None, LAST.end)

    def asked(saved: str):
        accord = Accord(statements=1, open=1, saved_at=at(saved))
        history = History(pair=a_pair(), since=MONDAY, meetings=(first, met), accord=accord)
        return cadence.alignment_due(history, EVA, a_cadence(), {}, at("2026-03-10 09:00"))

    assert asked("2026-03-05 11:00") is None
    assert asked("2026-03-05 12:30").kind is Kind.ALIGNMENT
