"""Who needs a meeting, and in which window (product rules 1, 2, 3, 8, 9, 10)."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from daemon.core import cadence, followup, wishing
from daemon.core.days import today
from daemon.core.domain import (
    Accord,
    Because,
    Cadence,
    Evidence,
    History,
    Kind,
    Leave,
    Reason,
    State,
)
from tests.factories import (
    MONDAY,
    NOW,
    a_cadence,
    a_meeting,
    a_pair,
    a_person,
    an_interval,
    at,
)

EVA, MAX = a_person("eva@acme.example", manager="max@acme.example"), a_person("max@acme.example")


def a_history(*meetings, **fields):
    return History(pair=a_pair(), since=fields.pop("since", MONDAY), meetings=meetings, **fields)


def held(day: date, number=1, kind=Kind.FIRST, **fields):
    start = at(f"{day} 10:00")
    return a_meeting(
        start=start,
        number=number,
        kind=kind,
        state=State.HELD,
        held_on=day,
        **fields,
    )


def due(history, now=NOW, employee=EVA, manager=MAX, rules=None):
    return cadence.due(history, employee, manager, rules or a_cadence(), now)


def test_a_new_pair_gets_an_hour_within_two_weeks():
    asked = due(a_history())

    assert asked.kind is Kind.FIRST
    assert asked.minutes == 60
    assert asked.window.earliest == MONDAY
    assert asked.window.latest == MONDAY + timedelta(days=14)
    assert asked.window.earliest < asked.window.preferred <= asked.window.latest


def test_nobody_meets_before_the_start_date_of_either():
    newcomer = replace(EVA, start_date=MONDAY + timedelta(days=20))

    asked = due(a_history(), employee=newcomer)

    assert asked.window.earliest == MONDAY + timedelta(days=20)
    assert asked.window.latest == MONDAY + timedelta(days=34)


def test_a_follow_up_is_due_thirty_to_forty_five_days_after_the_held_day():
    asked = due(a_history(held(MONDAY)), now=at("2026-03-02 18:00"))

    assert asked.kind is Kind.FOLLOW_UP
    assert asked.minutes == 20
    assert asked.number == 2
    assert asked.window.earliest == MONDAY + timedelta(days=30)
    assert asked.window.latest == MONDAY + timedelta(days=45)
    assert asked.window.preferred == MONDAY + timedelta(days=35)
    assert asked.window.preferred.weekday() == MONDAY.weekday()
    assert asked.preferred_minute == 10 * 60


def test_a_meeting_that_is_over_counts_as_held_until_somebody_speaks():
    over = a_meeting(start=at("2026-03-02 10:00"), kind=Kind.FIRST)

    asked = due(a_history(over), now=at("2026-03-02 11:00"))

    assert asked.number == 2
    assert asked.window.earliest == MONDAY + timedelta(days=30)


def test_a_pair_with_a_future_meeting_needs_nothing():
    ahead = a_meeting(start=at("2026-04-06 10:00"), number=2)

    assert due(a_history(held(MONDAY), ahead), now=at("2026-03-03 10:00")) is None


def test_we_met_another_day_restarts_the_clock_and_moves_what_is_booked():
    met_later = replace(held(MONDAY), held_on=MONDAY + timedelta(days=10))
    ahead = a_meeting(start=at("2026-04-06 10:00"), number=2)

    asked = due(a_history(met_later, ahead), now=at("2026-03-13 10:00"))

    assert asked.replaces == ahead
    assert asked.reason.because is Because.MET_ANOTHER_DAY
    assert asked.window.earliest == MONDAY + timedelta(days=40)


def test_a_talk_that_did_not_happen_is_sought_again_as_soon_as_the_window_allows():
    missed = followup.deny(
        a_meeting(start=at("2026-04-06 10:00"), number=2),
        EVA.email,
        NOW,
    )

    asked = due(a_history(held(MONDAY), missed), now=at("2026-04-06 12:00"))

    assert (asked.number, asked.generation) == (2, 2)
    assert asked.window.preferred == date(2026, 4, 6)
    assert asked.window.latest == MONDAY + timedelta(days=45)


def test_a_denied_talk_pulls_the_next_one_that_is_booked_already_forward():
    first = held(MONDAY)
    missed = followup.deny(
        a_meeting(start=at("2026-04-06 10:00"), number=2),
        EVA.email,
        NOW,
    )
    ahead = a_meeting(start=at("2026-05-11 10:00"), number=3)

    asked = due(a_history(first, missed, ahead), now=at("2026-04-07 12:00"))

    assert asked.replaces == ahead
    assert asked.reason.because is Because.NOT_HELD
    assert asked.window.latest == MONDAY + timedelta(days=45)


def test_a_persons_own_time_outside_the_window_is_not_fought():
    chosen = a_meeting(
        start=at("2026-05-04 10:00"),
        number=2,
        reason=Reason(Because.MOVED_BY_PERSON),
    )

    assert due(a_history(held(MONDAY), chosen), now=at("2026-03-13 10:00")) is None


def test_a_deleted_identity_is_never_used_again():
    gone = followup.withdraw(
        a_meeting(start=at("2026-04-06 10:00"), number=2),
        Reason(Because.DELETED),
    )

    asked = due(a_history(held(MONDAY), gone), now=at("2026-03-13 10:00"))

    assert (asked.number, asked.generation) == (2, 2)


def test_after_too_many_refusals_the_employee_is_asked_instead():
    worn = followup.withdraw(
        a_meeting(start=at("2026-04-06 10:00"), number=2, moves=4),
        Reason(Because.DECLINED),
    )

    assert due(a_history(held(MONDAY), worn), now=at("2026-03-13 10:00")) is None
    again = followup.ask_again(worn)
    assert due(a_history(held(MONDAY), again), now=at("2026-03-13 10:00")) is not None


def test_a_paused_pair_rests_until_the_day_is_over():
    history = a_history(held(MONDAY), paused_until=date(2026, 3, 20))

    assert due(history, now=at("2026-03-20 10:00")) is None
    assert due(history, now=at("2026-03-21 10:00")) is not None


def test_a_long_leave_stops_the_clock():
    leave = Leave(MONDAY + timedelta(days=10), MONDAY + timedelta(days=29))
    away = replace(EVA, leave=(leave,))

    asked = due(a_history(held(MONDAY)), employee=away, now=at("2026-03-03 10:00"))

    assert asked.window.earliest == MONDAY + timedelta(days=50)
    assert asked.window.latest == MONDAY + timedelta(days=65)


def test_a_short_leave_does_not_stop_the_clock():
    leave = Leave(MONDAY + timedelta(days=10), MONDAY + timedelta(days=23))
    away = replace(EVA, leave=(leave,))

    asked = due(a_history(held(MONDAY)), employee=away, now=at("2026-03-03 10:00"))

    assert asked.window.earliest == MONDAY + timedelta(days=30)


def test_a_return_after_more_than_forty_five_days_starts_with_a_first_meeting():
    leave = Leave(MONDAY + timedelta(days=10), MONDAY + timedelta(days=69))
    away = replace(EVA, leave=(leave,))

    asked = due(a_history(held(MONDAY)), employee=away, now=at("2026-04-20 10:00"))

    assert asked.kind is Kind.FIRST
    assert asked.minutes == 60
    assert asked.window.earliest == leave.last + timedelta(days=1)


def test_a_missing_tick_asks_for_an_alignment_meeting_one_working_day_later():
    friday = at("2026-03-06 11:00")
    history = a_history(
        held(date(2026, 3, 6)), accord=Accord(statements=2, open=1, saved_at=friday)
    )

    saturday = cadence.alignment_due(history, EVA, a_cadence(), {}, at("2026-03-07 09:00"))
    monday = cadence.alignment_due(history, EVA, a_cadence(), {}, at("2026-03-09 09:00"))

    assert saturday is None
    assert monday.kind is Kind.ALIGNMENT
    assert monday.window.latest == date(2026, 3, 20)


def aligning(day, *talks, open_=1, saved="2026-03-06 11:00"):
    """What a pair with a missing tick asks for in the morning of a day."""
    history = a_history(held(date(2026, 3, 6)), *talks, accord=Accord(2, open_, at(saved)))
    return cadence.alignment_due(history, EVA, a_cadence(), {}, at(f"{day} 09:00"))


TALK = held(date(2026, 3, 12), number=3, kind=Kind.ALIGNMENT, evidence=Evidence.INFERRED)


def test_alignment_goes_on_until_both_agree():
    said = "2026-03-12 10:15"

    again = aligning("2026-03-13", TALK, saved=said)

    assert again.number == 4
    assert aligning("2026-03-13", TALK, saved=said, open_=0) is None


def test_a_talk_in_which_nothing_was_recorded_leaves_nothing_further_to_align():
    silent = {aligning(day, TALK) for day in ("2026-03-13", "2026-03-20", "2026-05-29")}

    assert silent == {None}
    assert aligning("2026-03-31", TALK, saved="2026-03-30 11:00").number == 4


def test_the_next_talk_about_a_tick_waits_until_the_last_one_was_recorded_or_inferred():
    over = replace(TALK, state=State.BOOKED, held_on=None, evidence=None)

    assert aligning("2026-03-13", over) is None
    assert aligning("2026-03-13", over, saved="2026-03-12 10:15").number == 4


def test_no_two_talks_about_a_tick_lie_within_ten_working_days():
    again = aligning("2026-03-13", TALK, saved="2026-03-12 10:15")
    late = aligning("2026-04-10", TALK, saved="2026-04-09 10:15")

    assert again.window.earliest == date(2026, 3, 26)
    assert again.window.latest == date(2026, 4, 8)
    assert late.window.earliest == date(2026, 4, 10)


def test_a_talk_about_a_tick_that_is_no_longer_missing_is_not_needed():
    ahead = a_meeting(start="2026-03-20 10:00", number=3, kind=Kind.ALIGNMENT)
    picked = replace(ahead, reason=Reason(Because.WISH))

    def needless(meeting, now="2026-03-16 10:00", open_=0):
        history = a_history(meeting, accord=Accord(1, open_, at("2026-03-16 09:00")))
        return cadence.aligned(history, a_cadence(), at(now))

    assert needless(ahead) == ahead
    assert needless(ahead, open_=1) is None
    assert needless(picked) is None
    assert needless(ahead, now="2026-03-19 10:01") is None


def test_the_clock_starts_at_the_meeting_in_which_they_agreed():
    saved = at("2026-03-06 11:00")
    first, talk = held(date(2026, 3, 6)), held(date(2026, 3, 18), number=3, kind=Kind.ALIGNMENT)
    booked = a_meeting(start=at("2026-04-10 10:00"), number=2)
    history = a_history(first, talk, booked, accord=Accord(2, 0, saved))

    asked = due(history, now=at("2026-03-19 10:00"))

    assert asked.replaces == booked
    assert asked.reason.because is Because.AGREED_LATER
    assert asked.window.earliest == date(2026, 4, 17)


def test_nothing_recorded_means_nothing_to_align():
    history = a_history(held(MONDAY))

    assert cadence.alignment_due(history, EVA, a_cadence(), {}, at("2026-03-20 09:00")) is None


def wishes(asked, now=NOW, proposed=None):
    return wishing.wishes(asked, EVA, a_cadence(), {}, now, proposed)


def test_a_first_talk_would_rather_leave_the_days_of_its_preparation():
    asked = due(a_history())

    best, plain = wishes(asked)

    assert plain == asked
    assert best.not_before == at("2026-03-07 00:00")
    assert asked.window.preferred >= MONDAY + timedelta(days=5)


def test_a_first_talk_that_moves_keeps_the_days_since_it_was_booked():
    first = a_meeting(
        start="2026-03-10 10:00", kind=Kind.FIRST, booked_at=at("2026-03-02 09:00"), number=1
    )
    now = at("2026-03-04 09:00")
    asked = cadence.move(
        a_history(first), first, Reason(Because.LEAVE), EVA, MAX, a_cadence(), {}, now
    )

    assert wishes(asked, now=now)[0].not_before == at("2026-03-07 00:00")


def test_a_talk_that_did_not_happen_would_rather_be_had_after_a_whole_working_day():
    friday = at("2026-04-10 12:00")
    missed = followup.deny(a_meeting(start="2026-04-10 10:00", number=2), EVA.email, friday)

    best, plain = wishes(due(a_history(held(MONDAY), missed), now=friday), now=friday)

    assert best.not_before == at("2026-04-14 00:00")
    assert plain.not_before == at("2026-04-11 12:00")


def test_after_a_no_another_day_is_wished_for_and_the_same_one_taken_where_there_is_no_other():
    declined = followup.refuse(
        a_meeting(start="2026-04-06 10:00", number=2, zone="UTC"), Because.DECLINED
    )
    asked = cadence.move(
        a_history(held(MONDAY), declined),
        declined,
        Reason(Because.DECLINED),
        EVA,
        MAX,
        a_cadence(),
        {},
        at("2026-03-20 10:00"),
    )

    best, plain = wishes(asked, now=at("2026-03-20 10:00"))

    assert plain.not_at == (declined.when,)
    assert best.not_at == (declined.when, an_interval("2026-04-06 00:00", "2026-04-07 00:00"))
    proposed = an_interval("2026-04-06 15:00", "15:20")
    assert wishes(asked, now=at("2026-03-20 10:00"), proposed=proposed) == (asked,)


@given(
    days=st.integers(0, 400),
    zone=st.sampled_from(["Europe/Berlin", "America/Santiago", "Asia/Kolkata", "Pacific/Apia"]),
    age=st.integers(0, 120),
)
def test_a_window_never_begins_in_the_past_nor_inside_thirty_days(days, zone, age):
    employee = a_person("eva@acme.example", zone=zone)
    day = MONDAY + timedelta(days=days)
    now = at(f"{day + timedelta(days=age)} 23:30")
    history = a_history(held(day), since=MONDAY - timedelta(days=1))

    kind, window = cadence.window(history, employee, MAX, Cadence(), now)

    assert kind is Kind.FOLLOW_UP
    assert window.earliest >= max(today(now, employee.zone), day + timedelta(days=30))
    assert window.latest == day + timedelta(days=45)
    assert window.earliest <= window.preferred
    assert window.late_until >= window.earliest
