"""The planner on small, readable days: each hard rule, the order of wishes, several pairs."""

from datetime import date, timedelta

from daemon.core.domain import Email, NoSlot, Slot
from daemon.core.planner import alternatives, place
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

EVA, MAX = "eva@acme.example", "max@acme.example"


def planned(due=None, people=(), busy=None, placed=(), cadence=None, closed=None, now=NOW):
    """Place one due meeting of Eva and Max, who are free unless told otherwise."""
    due = due or a_due()
    roster = a_roster(a_person(EVA), a_person(MAX)) | a_roster(*people)
    free = dict.fromkeys(roster, ())
    answers = place(
        [due], roster, free | (busy or {}), placed, cadence or a_cadence(), closed or {}, now
    )
    return answers[due.pair]


def test_an_open_calendar_gives_the_preferred_day_on_a_quarter_hour():
    slot = planned(a_due(window=a_window(preferred=date(2026, 3, 10))))

    assert isinstance(slot, Slot)
    assert slot.start.date() == date(2026, 3, 10)
    assert slot.start.minute % 15 == 0
    assert slot.end - slot.start == timedelta(minutes=20)


def test_the_time_of_last_time_is_kept_where_it_is_free():
    due = a_due(window=a_window(preferred=date(2026, 3, 10)), preferred_minute=13 * 60 + 35)

    slot = planned(due)

    assert slot.start == at("2026-03-10 13:35")


def test_buffers_are_kept_towards_busy_time():
    busy = {
        EVA: [an_interval("2026-03-10 09:00", "12:00"), an_interval("2026-03-10 12:30", "17:00")]
    }

    slot = planned(a_due(window=a_window(date(2026, 3, 10), date(2026, 3, 10))), busy=busy)

    assert slot.start == at("2026-03-10 12:05")


def test_a_meeting_for_which_no_other_time_is_found_keeps_its_own_against_all_others():
    day = a_window(date(2026, 3, 10), date(2026, 3, 10), late_until=date(2026, 3, 10))
    old = a_meeting(start="2026-03-10 10:00", minutes=20)
    ida = Email("ida@acme.example")
    roster = a_roster(a_person(EVA), a_person(ida), a_person(MAX))
    busy = {
        EVA: [an_interval("2026-03-10 00:00", "23:59")],
        MAX: [],
        ida: [an_interval("2026-03-10 09:00", "09:50"), an_interval("2026-03-10 10:25", "17:00")],
    }
    dues = [a_due(window=day, replaces=old), a_due(a_pair(ida), window=day)]

    answers = place(dues, roster, busy, [old], a_cadence(), {}, NOW)
    alone = place(dues[1:], roster, busy, [], a_cadence(), {}, NOW)

    assert isinstance(answers[a_pair()], NoSlot)
    assert isinstance(answers[a_pair(ida)], NoSlot)
    assert isinstance(alone[a_pair(ida)], Slot)


def test_a_calendar_that_could_not_be_read_is_never_free():
    roster = a_roster(a_person(EVA), a_person(MAX))

    answer = place([a_due()], roster, {EVA: ()}, (), a_cadence(), {}, NOW)[a_pair()]

    assert isinstance(answer, NoSlot)
    assert answer.unknown == (MAX,)


def test_a_full_window_gives_the_first_late_day():
    busy = {MAX: [an_interval("2026-03-02 00:00", "2026-03-18 15:00")]}

    slot = planned(a_due(window=a_window()), busy=busy)

    assert slot.late
    assert slot.start.date() == date(2026, 3, 18)


def test_no_slot_counts_what_each_rule_left():
    busy = {MAX: [an_interval("2026-03-01 00:00", "2026-05-01 00:00")]}

    answer = planned(busy=busy)

    assert isinstance(answer, NoSlot)
    left = dict(answer.left)
    assert left["window"] > left["hours"] > left["conflict"] == 0


def test_two_reports_share_a_tight_gap_of_their_manager():
    busy = [an_interval("2026-03-10 09:00", "12:00"), an_interval("2026-03-10 13:00", "17:00")]
    roster = a_roster(a_person(MAX), a_person(EVA), a_person("ida@acme.example"))
    one_day = a_window(date(2026, 3, 10), date(2026, 3, 10), late_until=date(2026, 3, 10))
    dues = [a_due(a_pair(who), window=one_day) for who in (EVA, "ida@acme.example")]

    answers = place(dues, roster, dict.fromkeys(roster, ()) | {MAX: busy}, (), a_cadence(), {}, NOW)

    starts = sorted(slot.start for slot in answers.values())
    assert starts[1] - starts[0] >= timedelta(minutes=25)


def test_a_meeting_that_has_to_move_does_not_stand_in_its_own_way():
    old = a_meeting(start="2026-03-10 10:00")
    hours = some_hours(("09:55", "10:25"))

    slot = planned(
        a_due(window=a_window(old.day, old.day), replaces=old),
        [a_person(MAX, hours=hours)],
        placed=[old],
    )

    assert slot.start == at("2026-03-10 10:00")


def test_alternatives_are_spread_over_days_best_first():
    roster = a_roster(a_person(EVA), a_person(MAX))

    (slots,) = alternatives(
        [a_due()], 3, roster, dict.fromkeys(roster, ()), (), a_cadence(), {}, NOW
    )

    assert [slot.start.date() for slot in slots] == [
        date(2026, 3, 9), date(2026, 3, 10), date(2026, 3, 11),
    ]  # fmt: skip


def test_alternatives_of_several_do_not_count_on_each_others_times():
    roster = a_roster(a_person(EVA), a_person("ida@acme.example"), a_person(MAX))
    times = {EVA: "2026-03-09 09:00", "ida@acme.example": "2026-03-09 09:30"}
    booked = {who: a_meeting(a_pair(who), start=start) for who, start in times.items()}
    monday = a_window(date(2026, 3, 9), date(2026, 3, 9))
    dues = [a_due(a_pair(who), window=monday, replaces=booked[who]) for who in times]
    free = dict.fromkeys(roster, ()) | {MAX: [an_interval("2026-03-09 10:00", "17:00")]}

    offered = alternatives(dues, 9, roster, free, booked.values(), a_cadence(), {}, NOW)

    apart = [
        alternatives([d], 9, roster, free, booked.values(), a_cadence(), {}, NOW)[0] for d in dues
    ]
    assert offered == apart
    assert [{slot.start for slot in slots} for slots in offered] == [
        {at("2026-03-09 09:00")}, {at("2026-03-09 09:30")},
    ]  # fmt: skip
