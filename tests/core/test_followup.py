"""What becomes of a meeting when people do something (product rules 6, 8)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from daemon.core import followup
from daemon.core.domain import (
    Because,
    Evidence,
    Interval,
    Observed,
    Reason,
    Reply,
    Slot,
    State,
)
from tests.factories import NOW, a_cadence, a_due, a_meeting, a_pair, a_person, at, replies

EVA, MAX = a_pair().employee, a_pair().manager
MEETING = a_meeting(start="2026-03-09 10:00")


def seen(meeting=MEETING, **changes):
    said = {"present": True, "start": meeting.start, "end": meeting.end}
    return Observed(**said | changes)


def adopt(what, meeting=MEETING, now=NOW):
    return followup.adopt(meeting, what, now, a_cadence())


def test_nothing_new_changes_nothing():
    assert adopt(seen()).meeting == MEETING
    assert adopt(seen()).rebook is None


def test_a_time_a_person_dragged_it_to_is_adopted():
    start = at("2026-03-11 14:00")

    taken = adopt(seen(start=start, end=start + timedelta(minutes=20))).meeting

    assert taken.start == start
    assert taken.uid == MEETING.uid
    assert taken.sequence == MEETING.sequence + 1
    assert taken.reason.because is Because.MOVED_BY_PERSON
    assert taken.moved_from is None


def test_a_deleted_event_spends_its_identity():
    taken = adopt(Observed(present=False))

    assert taken.meeting.state is State.CANCELLED
    assert taken.meeting.moves == 1
    assert MEETING.when in taken.meeting.refused
    assert taken.rebook.because is Because.DELETED


def test_a_declined_meeting_keeps_its_identity_and_asks_for_another_time():
    taken = adopt(seen(replies=replies(max="DECLINED")))

    assert taken.meeting.state is State.BOOKED
    assert taken.meeting.uid == MEETING.uid
    assert taken.rebook.because is Because.DECLINED
    assert MEETING.when in taken.meeting.refused


def test_the_fourth_no_ends_the_tries():
    tired = replace(MEETING, moves=3)

    taken = adopt(seen(replies=replies(max="DECLINED")), meeting=tired)

    assert taken.meeting.state is State.CANCELLED
    assert taken.meeting.reason.because is Because.TOO_MANY_MOVES


def test_an_acceptance_is_noted_and_moves_nothing():
    taken = adopt(seen(replies=replies(max="ACCEPTED")))

    assert taken.meeting.replies == {MAX: Reply.ACCEPTED}
    assert taken.meeting.sequence == MEETING.sequence
    assert taken.rebook is None


def test_another_proposed_time_is_a_wish_for_exactly_that_time():
    wish = Interval(at("2026-03-12 10:00"), at("2026-03-12 10:20"))

    taken = adopt(seen(proposed=wish))

    assert taken.proposed == wish
    assert taken.rebook is not None


def test_a_no_after_the_talk_means_nothing():
    taken = adopt(seen(replies=replies(max="DECLINED")), now=MEETING.end)

    assert taken.rebook is None


def test_without_a_word_a_talk_is_inferred_after_three_days_not_before():
    early = followup.infer(MEETING, MEETING.end + timedelta(days=2, hours=23), a_cadence())
    late = followup.infer(MEETING, MEETING.end + timedelta(days=3), a_cadence())

    assert early == MEETING
    assert late.state is State.HELD
    assert late.evidence is Evidence.INFERRED


def test_two_voices_attest_one_does_not():
    one = followup.attest(MEETING, EVA, None, MEETING.end)
    same = followup.attest(one, EVA, None, MEETING.end)
    both = followup.attest(one, MAX, None, MEETING.end)

    assert one.evidence is same.evidence is Evidence.EMPLOYEE
    assert both.evidence is Evidence.ATTESTED
    assert both.held_on == MEETING.start.date()


def test_a_day_that_is_still_to_come_cannot_be_attested():
    with pytest.raises(ValueError, match="future"):
        followup.attest(MEETING, EVA, NOW.date() + timedelta(days=9), NOW)


def test_a_move_by_careloop_remembers_where_it_came_from():
    slot = Slot(a_due(replaces=MEETING, reason=Reason(Because.CONFLICT)), NOW, NOW, late=False)

    moved = followup.book(slot, a_person(), NOW)

    assert moved.uid == MEETING.uid
    assert moved.moved_from == MEETING.start
    assert moved.sequence == 1
    assert moved.replies == {}


def test_it_did_not_happen_takes_back_every_attestation():
    denied = followup.deny(followup.attest(MEETING, EVA, None, MEETING.end), MAX, MEETING.end)

    assert denied.state is State.MISSED
    assert denied.held_on is None
    assert denied.evidence is None


SAID = at("2026-03-05 08:00")
"""Four days before the meeting."""


def test_who_met_before_the_booked_time_has_its_event_withdrawn():
    met = followup.attest(MEETING, EVA, SAID.date(), SAID)

    assert met.state is State.HELD
    assert met.day == SAID.date()
    assert met.sequence == MEETING.sequence + 1
    assert met.over_at == SAID


def test_the_other_voice_and_another_day_withdraw_nothing_twice():
    met = followup.attest(MEETING, EVA, SAID.date(), SAID)
    later = SAID + timedelta(days=1)

    both = followup.attest(met, MAX, None, later)
    changed = followup.attest(met, EVA, SAID.date() - timedelta(days=1), later)

    assert both == replace(met, evidence=Evidence.ATTESTED)
    assert changed == replace(met, held_on=SAID.date() - timedelta(days=1))


def test_a_talk_that_has_begun_keeps_its_event_unless_they_met_another_day():
    during = MEETING.start + timedelta(minutes=5)

    met = followup.attest(MEETING, EVA, MEETING.day, during)
    before = followup.attest(MEETING, EVA, SAID.date(), during)
    after = followup.attest(MEETING, EVA, SAID.date(), MEETING.end)

    assert (met.sequence, before.sequence, after.sequence) == (0, 1, 0)
    assert (met.over_at, before.over_at, after.over_at) == (MEETING.end, during, MEETING.end)


def test_a_talk_before_its_time_that_did_not_happen_after_all_is_missed():
    met = followup.attest(MEETING, EVA, SAID.date(), SAID)

    denied = followup.deny(met, EVA, SAID)

    assert (denied.state, denied.day) == (State.MISSED, MEETING.day)
    assert denied.sequence == met.sequence


def test_a_cancelled_talk_is_not_woken_up_by_a_word():
    gone = followup.withdraw(MEETING, Reason(Because.PAUSED))

    assert followup.attest(gone, EVA, SAID.date(), SAID) == gone
    assert followup.deny(gone, EVA, SAID) == gone


def test_the_planned_day_cannot_be_attested_from_afar():
    with pytest.raises(ValueError, match="future"):
        followup.attest(MEETING, EVA, None, SAID)


# --- which talk is meant --------------------------------------------------------------------

LAST = a_meeting(start="2026-02-02 10:00", number=1)
INFERRED = followup.infer(LAST, at("2026-02-09 10:00"), a_cadence())


def test_the_talk_nobody_spoke_of_is_the_one_that_was_over_last():
    met = followup.attest(LAST, MAX, None, NOW)
    missed = followup.deny(LAST, MAX, NOW)

    assert followup.unsaid((LAST, MEETING), NOW) == LAST
    assert followup.unsaid((INFERRED, MEETING), NOW) == INFERRED
    assert followup.unsaid((met, MEETING), NOW) is None
    assert followup.unsaid((missed, MEETING), NOW) is None
    assert followup.unsaid((LAST, MEETING), MEETING.start) == LAST
    assert followup.unsaid((LAST, MEETING), MEETING.end) == MEETING


def test_a_talk_held_before_its_time_is_over_and_said():
    met = followup.attest(MEETING, EVA, SAID.date(), SAID)

    assert followup.latest((INFERRED, met), SAID) == met
    assert followup.unsaid((INFERRED, met), SAID) is None


@pytest.mark.parametrize("last", [LAST, INFERRED])
def test_a_day_up_to_the_last_talk_is_that_talks_and_a_later_one_is_free(last):
    def owner(day):
        return followup.owner_of(at(f"{day} 00:00").date(), MEETING, (last, MEETING), NOW)

    assert owner("2026-01-30") == last
    assert owner("2026-02-02") == last
    assert owner("2026-02-03") is None


def test_the_last_talk_was_not_held_after_the_one_that_followed_it():
    met = followup.attest(MEETING, EVA, SAID.date(), SAID)

    assert followup.owner_of(SAID.date(), LAST, (LAST, met), SAID) == met
    assert followup.owner_of(SAID.date() - timedelta(days=1), LAST, (LAST, met), SAID) is None


def test_a_talk_that_did_not_happen_takes_no_day():
    missed = followup.deny(LAST, MAX, NOW)

    assert followup.owner_of(LAST.day, MEETING, (missed, MEETING), NOW) is None
