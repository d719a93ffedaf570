"""Which letters are owed, and that nobody ever gets a fifth (product section 4)."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from daemon.core import followup
from daemon.core import owed as rules
from daemon.core.domain import Because, LetterKind, Reason, State, Talk
from daemon.loop.decide import MOST_MOVES
from tests.factories import a_cadence, a_meeting, a_person, at

EVA = a_person("eva@acme.example", manager="max@acme.example", zone="Europe/Berlin")
MAX = a_person("max@acme.example", zone="America/New_York")
BOOKED_AT = at("2026-03-02 09:00")
MEETING = a_meeting(start="2026-04-13 14:00", booked_at=BOOKED_AT, zone="Europe/Berlin")
"""A Monday."""

NAMING_A_TIME = (LetterKind.PREP, LetterKind.NUDGE, LetterKind.BRIEF, LetterKind.MOVED)
"""Letters by which their reader knows when the talk is."""


def case(now, *sent, meeting=MEETING, talk=None, **rules_changed):
    return rules.Case(
        meeting=meeting,
        talk=talk or Talk(),
        sent=sent,
        employee=EVA,
        manager=MAX,
        cadence=a_cadence(**rules_changed),
        closed={},
        now=at(now),
    )


def went(kind, to, when, revision=0):
    return rules.Sent(kind, to.email, revision, at(when))


def kinds(case_):
    return [(x.kind, x.to) for x in rules.owed(case_)]


PREP = went(LetterKind.PREP, EVA, "2026-04-08 06:00")


def test_the_preparation_goes_out_five_days_before_at_eight_in_the_employees_morning():
    assert kinds(case("2026-04-08 05:59")) == []
    assert kinds(case("2026-04-08 06:00")) == [(LetterKind.PREP, EVA.email)]


def test_the_preparation_goes_out_at_booking_when_that_is_later():
    late = replace(MEETING, booked_at=at("2026-04-12 09:00"))

    letters = rules.owed(case("2026-04-12 09:00", meeting=late))

    assert LetterKind.PREP in [x.kind for x in letters]
    assert {x.due for x in letters} == {at("2026-04-12 09:00")}


def test_a_nudge_comes_on_the_working_day_before_only_to_who_did_nothing():
    before, after = "2026-04-10 05:59", "2026-04-10 06:00"

    assert kinds(case(before, PREP)) == []
    assert kinds(case(after, PREP)) == [(LetterKind.NUDGE, EVA.email)]
    assert kinds(case(after, PREP, talk=Talk(prepared=True))) == []


def test_nobody_is_nudged_right_after_the_preparation_came():
    fresh = went(LetterKind.PREP, EVA, "2026-04-10 05:30")

    assert kinds(case("2026-04-10 06:00", fresh)) == []


def test_the_manager_gets_one_brief_at_eight_in_their_own_morning():
    nudge = went(LetterKind.NUDGE, EVA, "2026-04-10 06:00")

    assert kinds(case("2026-04-10 11:59", PREP, nudge)) == []
    assert kinds(case("2026-04-10 12:00", PREP, nudge)) == [(LetterKind.BRIEF, MAX.email)]


def test_a_moved_letter_takes_the_nudges_place():
    moved = replace(
        MEETING,
        moved_from=at("2026-04-09 14:00"),
        moved_at=at("2026-04-08 10:00"),
        sequence=1,
        reason=Reason(Because.CONFLICT),
    )
    told = went(LetterKind.MOVED, EVA, "2026-04-08 10:00", revision=1)
    told_too = went(LetterKind.MOVED, MAX, "2026-04-08 10:00", revision=1)

    first = kinds(case("2026-04-08 10:00", PREP, meeting=moved))
    later = kinds(case("2026-04-10 06:00", PREP, told, told_too, meeting=moved))

    assert first == [(LetterKind.MOVED, EVA.email), (LetterKind.MOVED, MAX.email)]
    assert later == []


def test_a_move_and_a_nudge_that_fall_due_together_are_one_letter():
    moved = replace(
        MEETING,
        moved_from=at("2026-04-15 14:00"),
        moved_at=at("2026-04-10 06:00"),
        sequence=1,
        reason=Reason(Because.CONFLICT),
    )

    mine = [
        kind for kind, to in kinds(case("2026-04-10 06:00", PREP, meeting=moved)) if to == EVA.email
    ]

    assert mine == [LetterKind.MOVED]


def a_move(by=None, because=Because.CONFLICT, moved_at="2026-04-09 10:00", sequence=1):
    """The talk after it was moved: by careloop, or by one of the two."""
    facts = {"by": by} if by else {}
    return replace(
        MEETING,
        moved_from=None if by or because is Because.WISH else at("2026-04-09 14:00"),
        moved_at=at(moved_at),
        sequence=sequence,
        reason=Reason(because, facts),
    )


def test_a_changed_time_outranks_the_record_and_the_summary_and_nothing_is_a_fifth_letter():
    third = a_move(moved_at="2026-04-09 12:00", sequence=3)
    moves = [went(LetterKind.MOVED, EVA, "2026-04-09 10:00", n) for n in (1, 2)]
    last = went(LetterKind.MOVED, EVA, "2026-04-09 12:00", 3)

    told = kinds(case("2026-04-09 12:00", PREP, *moves, meeting=third))
    record = kinds(case("2026-04-13 12:20", PREP, *moves, last, meeting=third))
    summary = kinds(case("2026-04-16 12:20", PREP, *moves, last, meeting=third))

    assert told == [(LetterKind.MOVED, EVA.email), (LetterKind.MOVED, MAX.email)]
    assert record == []
    assert summary == [(LetterKind.SUMMARY, MAX.email)]


def test_what_a_person_moved_is_told_by_their_calendar():
    by_max = a_move(by=MAX.email, because=Because.MOVED_BY_PERSON)
    wished = a_move(because=Because.WISH)

    for meeting in (by_max, wished):
        assert kinds(case("2026-04-09 10:00", PREP, meeting=meeting)) == []


def test_the_record_letter_goes_to_the_employee_when_the_meeting_ends():
    assert kinds(case("2026-04-13 12:19", PREP)) == []
    assert kinds(case("2026-04-13 12:20", PREP)) == [(LetterKind.RECORD, EVA.email)]
    both = kinds(case("2026-04-13 12:20", PREP, record_both=True))
    assert both == [(LetterKind.RECORD, EVA.email), (LetterKind.RECORD, MAX.email)]


def test_whoever_recorded_during_the_talk_is_not_asked_to():
    talk = Talk(prepared=True, revision=1, saved_at=at("2026-04-13 12:10"))

    assert kinds(case("2026-04-13 12:20", PREP, talk=talk)) == [
        (LetterKind.SUMMARY, EVA.email),
        (LetterKind.SUMMARY, MAX.email),
    ]


def test_the_record_letter_has_one_reminder_where_there_is_room_for_it():
    record = went(LetterKind.RECORD, EVA, "2026-04-13 12:20")
    nudge = went(LetterKind.NUDGE, EVA, "2026-04-10 06:00")

    assert kinds(case("2026-04-15 06:00", PREP, record)) == [(LetterKind.RECORD, EVA.email)]
    assert kinds(case("2026-04-15 06:00", PREP, nudge, record)) == []


def test_the_reminder_leaves_a_day_after_the_first_letter_unless_that_would_be_too_late():
    record = went(LetterKind.RECORD, EVA, "2026-04-13 12:20")
    thursday = replace(MEETING, start=at("2026-04-16 15:00"), end=at("2026-04-16 15:20"))
    late = went(LetterKind.RECORD, EVA, "2026-04-16 15:20")

    assert kinds(case("2026-04-15 05:59", PREP, record)) == []
    assert kinds(case("2026-04-15 06:00", PREP, record)) == [(LetterKind.RECORD, EVA.email)]
    assert kinds(case("2026-04-17 05:59", PREP, late, meeting=thursday)) == []
    assert kinds(case("2026-04-17 06:00", PREP, late, meeting=thursday)) == [
        (LetterKind.RECORD, EVA.email)
    ]


def test_a_manager_who_asks_brings_the_reminder_forward_and_never_adds_another():
    record = went(LetterKind.RECORD, EVA, "2026-04-13 12:20")
    reminded = went(LetterKind.RECORD, EVA, "2026-04-13 16:00", 1)
    talk = Talk(asked_at=at("2026-04-13 16:00"))

    assert kinds(case("2026-04-13 15:59", PREP, record)) == []
    assert kinds(case("2026-04-13 16:00", PREP, record, talk=talk)) == [
        (LetterKind.RECORD, EVA.email)
    ]
    assert kinds(case("2026-04-14 06:00", PREP, record, reminded, talk=talk)) == []


def test_an_ask_finds_no_room_where_a_nudge_went_and_the_summary_is_still_to_come():
    record = went(LetterKind.RECORD, EVA, "2026-04-13 12:20")
    nudge = went(LetterKind.NUDGE, EVA, "2026-04-10 06:00")
    talk = Talk(asked_at=at("2026-04-13 16:00"))

    assert kinds(case("2026-04-13 16:00", PREP, nudge, record, talk=talk)) == []


def test_three_days_without_a_record_end_in_an_honest_summary_and_in_nothing_else():
    letters = rules.owed(case("2026-04-16 12:20", PREP))

    assert [(x.kind, x.to, x.revision) for x in letters] == [
        (LetterKind.SUMMARY, EVA.email, 0),
        (LetterKind.SUMMARY, MAX.email, 0),
    ]


def test_a_talk_that_did_not_happen_or_fell_has_no_letters():
    for state in (State.MISSED, State.CANCELLED):
        gone = replace(MEETING, state=state)

        assert kinds(case("2026-04-13 12:20", meeting=gone)) == []


def test_a_stop_of_the_service_past_the_talk_sends_no_preparation_for_it():
    assert LetterKind.PREP not in {x.kind for x in rules.owed(case("2026-04-14 10:00"))}


def test_a_month_later_nothing_is_sent_any_more():
    assert kinds(case("2026-05-13 14:20", PREP)) == []


@given(
    hours=st.lists(st.integers(0, 24 * 60), min_size=1, max_size=60),
    moves=st.lists(st.integers(0, 40 * 24), max_size=MOST_MOVES),
    saves=st.lists(st.integers(40 * 24, 55 * 24), max_size=4),
    record_both=st.booleans(),
)
def test_nobody_ever_gets_a_fifth_letter_nor_keeps_a_time_that_is_no_longer_true(
    hours, moves, saves, record_both
):
    """Turns at any moments, moves and records at any others; the first summary gives way to
    nothing but a changed time."""
    meeting, sent, told = MEETING, [], {}
    for hour in sorted({*hours, *moves, *saves}):
        now = BOOKED_AT + timedelta(hours=hour)
        if hour in moves and now < meeting.start:
            meeting = replace(
                meeting, moved_from=meeting.start, moved_at=now, sequence=meeting.sequence + 1
            )
        revision = sum(1 for save in saves if save <= hour)
        talk = Talk(revision=revision, saved_at=now if revision else None)
        here = rules.Case(
            meeting=meeting,
            talk=talk,
            sent=tuple(sent),
            employee=EVA,
            manager=MAX,
            cadence=a_cadence(record_both=record_both),
            closed={},
            now=now,
        )
        owed = rules.owed(here)
        sent += [rules.Sent(x.kind, x.to, x.revision, now) for x in owed]
        told |= {x.to: meeting.sequence for x in owed if x.kind in NAMING_A_TIME}
        if now < meeting.start:
            assert set(told.values()) <= {meeting.sequence}

    for person in (EVA, MAX):
        mine = [x for x in sent if x.to == person.email]
        assert len(mine) <= 4
        assert sum(x.kind is LetterKind.PREP for x in mine) <= 1
        moved = sum(x.kind is LetterKind.MOVED for x in mine)
        room = moved < (2 if person is EVA else 3)
        if room and any(BOOKED_AT + timedelta(hours=h) > MEETING.end for h in saves):
            assert sum(x.kind is LetterKind.SUMMARY for x in mine) >= 1


# --- a talk that was held before its time ---------------------------------------------------

EARLY = followup.attest(MEETING, MAX.email, at("2026-04-02 12:00").date(), at("2026-04-02 12:00"))


def test_a_talk_held_before_its_time_is_recorded_and_summed_up_then_and_never_prepared():
    record = went(LetterKind.RECORD, EVA, "2026-04-02 12:00")
    reminder = went(LetterKind.RECORD, EVA, "2026-04-03 06:00", rules.REMINDER)
    summaries = {(LetterKind.SUMMARY, EVA.email), (LetterKind.SUMMARY, MAX.email)}

    assert kinds(case("2026-04-02 12:00", meeting=EARLY)) == [(LetterKind.RECORD, EVA.email)]
    assert kinds(case("2026-04-03 06:00", record, meeting=EARLY)) == [
        (LetterKind.RECORD, EVA.email)
    ]
    assert set(kinds(case("2026-04-05 12:00", record, reminder, meeting=EARLY))) == summaries


@given(st.integers(0, 60 * 24))
def test_nothing_is_said_of_the_booked_time_of_a_talk_held_before_it(hours):
    later = case("2026-04-02 12:00", meeting=EARLY)
    later = replace(later, now=later.now + timedelta(hours=hours))

    told = {x.kind for x in (*rules.owed(later),)}

    assert told <= {LetterKind.RECORD, LetterKind.SUMMARY}
    assert not told or later.now < at("2026-04-17 00:00")
