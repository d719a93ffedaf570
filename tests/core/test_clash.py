"""What a booked meeting runs into after it was booked (product rules 4 and 6)."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from daemon.core.clash import clash
from daemon.core.domain import Because, Reason
from tests.factories import ALWAYS, a_meeting, a_person, a_roster, an_interval, some_hours

EVA = a_person("eva@acme.example", manager="max@acme.example", zone="Europe/Berlin")
MAX = a_person("max@acme.example", zone="Europe/Berlin")
TALK = a_meeting(start="2026-11-13 14:00", zone="Europe/Berlin")


def against(*people, meeting=TALK, busy=None):
    reason = clash(meeting, a_roster(*people), busy or {}, {}, {})
    return (reason.because, reason.facts["who"]) if reason else None


def test_nothing_stands_against_a_talk_both_still_work_at():
    assert against(EVA, MAX) is None


@pytest.mark.parametrize("who", ["eva", "max"])
def test_who_moved_to_another_zone_no_longer_meets_at_eight_in_the_morning(who):
    away = {"eva": EVA, "max": MAX}
    away[who] = replace(away[who], zone=ZoneInfo("America/New_York"))

    assert against(*away.values()) == (Because.HOURS, f"{who}@acme.example")


def test_who_works_less_no_longer_meets_in_the_afternoon():
    mornings = replace(EVA, hours=some_hours(("09:00", "14:10")))

    assert against(mornings, MAX) == (Because.HOURS, EVA.email)


def test_another_zone_in_which_it_is_a_working_hour_changes_nothing():
    assert against(replace(EVA, zone=ZoneInfo("Europe/London")), MAX) is None


def test_who_works_through_midnight_may_meet_then():
    night = a_meeting(start="2026-11-13 23:50", zone="Europe/Berlin")

    assert against(replace(EVA, hours=ALWAYS), replace(MAX, hours=ALWAYS), meeting=night) is None


def test_a_time_a_person_chose_stays_outside_their_hours():
    chosen = replace(TALK, reason=Reason(Because.MOVED_BY_PERSON))

    assert against(replace(EVA, hours=some_hours(("08:00", "10:00"))), MAX, meeting=chosen) is None


def test_leave_is_graver_than_hours_and_these_than_an_appointment():
    busy = {EVA.email: (an_interval("2026-11-13 13:00", "2026-11-13 13:30"),)}
    short = replace(EVA, hours=some_hours(("08:00", "10:00")))
    gone = replace(short, leave=a_person(leave=[(TALK.day, TALK.day)]).leave)

    assert against(gone, MAX, busy=busy) == (Because.LEAVE, EVA.email)
    assert against(short, MAX, busy=busy) == (Because.HOURS, EVA.email)
    assert against(EVA, MAX, busy=busy) == (Because.CONFLICT, EVA.email)
