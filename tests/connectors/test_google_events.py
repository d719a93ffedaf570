"""What our events are to Google, and what becomes of them when something goes wrong halfway."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors._google_calendar import GoogleCalendar
from daemon.core.domain import Invite, Reply
from daemon.core.ports import Ambiguous, Done, Observed, Permanent, Temporary, Unknown
from tests.connectors.contract import (
    EMPLOYEE,
    MANAGER,
    OTHER,
    a_meeting,
    an_invite,
    at,
    moved,
    withdrawn,
)
from tests.connectors.google_setting import SUBJECT, a_workspace, a_workspace_on_loopback
from tests.doubles.google import Asked, GoogleDouble, Told

Open = Callable[..., GoogleCalendar]


@pytest.fixture
def double() -> Iterator[GoogleDouble]:
    with a_workspace_on_loopback() as served:
        yield served


@pytest.fixture
def opened(double: GoogleDouble, tmp_path: Path) -> Open:
    def open_calendar(**settings: object) -> GoogleCalendar:
        return GoogleCalendar(a_workspace(double, tmp_path, **settings))

    return open_calendar


def body_of(
    double: GoogleDouble, invite: Invite, calendar: str = EMPLOYEE.email
) -> dict[str, object]:
    return double.books.events[calendar, invite.uid.partition("@")[0]].body


# --- an event -------------------------------------------------------------------------------


def test_an_event_is_private_neutral_marked_and_at_the_wall_clock_of_its_zone(
    double: GoogleDouble, opened: Open
) -> None:
    invite = an_invite(at(10, 20))

    opened().put([invite])

    body = body_of(double, invite)
    assert body["visibility"] == "private"
    assert body["start"] == {"dateTime": "2027-03-02T11:00:00+01:00", "timeZone": "Europe/Berlin"}
    assert body["extendedProperties"]["private"]["careloop-uid"] == invite.uid
    assert "recurrence" not in body
    assert "conferenceData" not in body
    assert body["source"] == {"title": "careloop", "url": invite.url}


def test_the_manager_is_invited_once_told_of_a_move_and_of_the_end(
    double: GoogleDouble, opened: Open
) -> None:
    calendar, invite = opened(), an_invite(at(10))

    calendar.put([invite])
    calendar.put([moved(invite, at(14))])
    calendar.cancel([withdrawn(moved(invite, at(14)))])

    assert [(to, what) for to, what, _ in double.books.notices] == [
        (MANAGER.email, "invited"),
        (MANAGER.email, "updated"),
        (MANAGER.email, "cancelled"),
    ]


def test_new_words_at_the_same_time_bother_nobody(double: GoogleDouble, opened: Open) -> None:
    calendar, invite = opened(), an_invite(at(10))
    calendar.put([invite])
    reworded = replace(moved(invite, at(10)), description="Other words.")

    answer = calendar.put([reworded])

    assert answer[invite.uid] == Done(invite.uid.partition("@")[0])
    assert body_of(double, invite)["description"] == "Other words."
    assert [what for _, what, _ in double.books.notices] == ["invited"]


def test_a_move_asks_everybody_anew_and_keeps_guests_people_added(
    double: GoogleDouble, opened: Open
) -> None:
    calendar, invite = opened(), an_invite(at(10))
    calendar.put([invite])
    double.calendars.answer(MANAGER.email, invite.uid, Reply.DECLINED)
    coach = {"email": "coach@acme.example", "responseStatus": "accepted", "optional": True}
    body_of(double, invite)["attendees"].append(coach)

    calendar.put([moved(invite, at(14))])

    seen = calendar.look([a_meeting(invite)])[invite.uid]
    assert isinstance(seen, Observed)
    assert seen.replies == {
        EMPLOYEE.email: Reply.ACCEPTED,
        MANAGER.email: Reply.NEEDS_ACTION,
        "coach@acme.example": Reply.NEEDS_ACTION,
    }
    assert body_of(double, invite)["attendees"][2]["optional"] is True


def test_new_words_leave_the_answers_alone(double: GoogleDouble, opened: Open) -> None:
    calendar, invite = opened(), an_invite(at(10))
    calendar.put([invite])
    double.calendars.answer(MANAGER.email, invite.uid, Reply.ACCEPTED)

    calendar.put([replace(moved(invite, at(10)), description="Other words.")])

    seen = calendar.look([a_meeting(invite)])[invite.uid]
    assert isinstance(seen, Observed)
    assert seen.replies[MANAGER.email] is Reply.ACCEPTED


def test_a_meeting_link_is_asked_for_where_it_is_wanted(double: GoogleDouble, opened: Open) -> None:
    invite = an_invite(at(10))

    opened(conference="meet").put([invite])

    wanted = body_of(double, invite)["conferenceData"]["createRequest"]
    assert wanted["requestId"] == invite.uid.partition("@")[0]
    assert wanted["conferenceSolutionKey"] == {"type": "hangoutsMeet"}


@pytest.mark.parametrize(
    ("policy", "organizer", "guests_may_move"),
    [
        ("employee", EMPLOYEE.email, False),
        ("manager", MANAGER.email, True),
        ("service", SUBJECT, True),
    ],
)
def test_the_organizer_follows_the_policy_and_the_employee_can_always_move_it(
    double: GoogleDouble, opened: Open, policy: str, organizer: str, guests_may_move: bool
) -> None:
    invite = an_invite(at(10))

    answer = opened(organizer=policy).put([invite])

    assert isinstance(answer[invite.uid], Done)
    stored = double.books.events[EMPLOYEE.email, invite.uid.partition("@")[0]]
    assert stored.organizer == organizer
    assert stored.body["guestsCanModify"] is guests_may_move


@pytest.mark.parametrize("later", ["manager", "service"])
def test_an_event_of_an_earlier_policy_is_found_moved_and_withdrawn_where_it_is(
    double: GoogleDouble, opened: Open, later: str
) -> None:
    invite = an_invite(at(10))
    opened().put([invite])
    calendar = opened(organizer=later)

    seen = calendar.look([a_meeting(invite)])[invite.uid]
    change = calendar.put([moved(invite, at(14))])
    stands = body_of(double, invite)["start"]
    end = calendar.cancel([withdrawn(moved(invite, at(14)))])

    assert isinstance(seen, Observed)
    assert seen.present
    assert change[invite.uid] == Done(invite.uid.partition("@")[0])
    assert stands["dateTime"].startswith("2027-03-02T15:00")
    assert end[invite.uid] == Done()
    assert double.calendars.standing(MANAGER.email) == []


def test_an_event_made_a_whole_day_by_hand_is_that_day_in_its_own_zone(
    double: GoogleDouble, opened: Open
) -> None:
    calendar, invite = opened(), an_invite(at(10))
    calendar.put([invite])
    body_of(double, invite).update(start={"date": "2027-03-05"}, end={"date": "2027-03-06"})

    seen = calendar.look([a_meeting(invite)])[invite.uid]

    assert isinstance(seen, Observed)
    assert seen.start == datetime(2027, 3, 5, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


# --- lost answers ---------------------------------------------------------------------------


def cycle(calendar: GoogleCalendar) -> list[object]:
    """Two pairs booked, one moved, one withdrawn: every writing call there is."""
    first, second = an_invite(at(10)), an_invite(at(12), OTHER, MANAGER)
    later = moved(first, at(15))
    return [
        *calendar.put([first, second]).values(),
        *calendar.put([later]).values(),
        *calendar.cancel([withdrawn(second)]).values(),
    ]


WRITES = ("batch", "calendar.events.patch", "calendar.events.delete")


@pytest.mark.parametrize("on", WRITES)
@pytest.mark.parametrize("drop", ["before", "after"])
def test_an_answer_lost_once_is_made_up_for_within_the_call(
    double: GoogleDouble, opened: Open, on: str, drop: str
) -> None:
    double.fail(on, drop=drop)

    results = cycle(opened())

    assert all(isinstance(result, Done) and result.found is None for result in results)
    (event,) = double.calendars.standing(EMPLOYEE.email)
    assert event.body["start"]["dateTime"].startswith("2027-03-02T16:00")
    assert double.calendars.standing(OTHER.email) == []


@pytest.mark.parametrize("on", WRITES)
def test_answers_lost_for_good_are_ambiguous_and_the_next_turn_settles_them(
    double: GoogleDouble, opened: Open, on: str
) -> None:
    double.fail(on, drop="after", times=3)

    first = cycle(opened())
    again = cycle_again(opened())

    assert any(isinstance(result, Ambiguous) for result in first)
    assert all(isinstance(result, Done) for result in again)
    (event,) = double.calendars.standing(EMPLOYEE.email)
    assert event.body["start"]["dateTime"].startswith("2027-03-02T16:00")
    assert double.calendars.standing(OTHER.email) == []
    assert double.count("calendar.events.insert") <= 2 + 2 * 3


def cycle_again(calendar: GoogleCalendar) -> list[object]:
    """The same wishes once more, as a loop that heard nothing would have them."""
    first, second = an_invite(at(10)), an_invite(at(12), OTHER, MANAGER)
    later = moved(first, at(15))
    return [*calendar.put([later]).values(), *calendar.cancel([withdrawn(second)]).values()]


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("late", [True, False])
def test_a_server_error_before_or_after_it_was_done_makes_one_event(
    double: GoogleDouble, opened: Open, number: int, late: bool
) -> None:
    invites = [an_invite(at(10)), an_invite(at(12), OTHER, MANAGER)][:number]
    double.fail("calendar.events.insert", 503, "backendError", late=late)

    answer = opened().put(invites)

    assert all(answer[one.uid] == Done(one.uid.partition("@")[0]) for one in invites)
    assert len(double.calendars.standing(MANAGER.email)) == number
    assert [what for _, what, _ in double.books.notices] == ["invited"] * number


@pytest.mark.parametrize("drop", ["before", "after"])
@pytest.mark.parametrize("lost", [1, 3])
def test_whichever_answer_is_lost_the_books_are_the_same_in_the_end(
    double: GoogleDouble, opened: Open, drop: str, lost: int
) -> None:
    skipped, finished = 0, False
    while not finished:
        _empty(double)
        fault = double.fail("anything", drop=drop, skip=skipped, times=lost)
        calendar = opened()
        for wish in _wishes():
            _insist(calendar, wish)
        skipped, finished = skipped + 1, fault.times == lost

        (event,) = double.calendars.standing(EMPLOYEE.email)
        assert event.body["start"]["dateTime"].startswith("2027-03-02T16:00")
        assert double.calendars.standing(OTHER.email) == []
        assert [what for _, what, _ in double.books.notices] == [
            *("invited", "invited"),
            *("updated", "cancelled"),
        ]

    assert skipped > 8, "every call of the cycle has lost its answer once"


def _wishes() -> list[tuple[str, list[Invite]]]:
    """Two pairs booked, one moved, one withdrawn."""
    first, second = an_invite(at(10)), an_invite(at(12), OTHER, MANAGER)
    return [
        ("put", [first, second]),
        ("put", [moved(first, at(15))]),
        ("cancel", [withdrawn(second)]),
    ]


def _insist(calendar: GoogleCalendar, wish: tuple[str, list[Invite]]) -> None:
    """Try as the loop does, again and again until every row is done."""
    name, left = wish
    for _ in range(5):
        answer = getattr(calendar, name)(left)
        left = [one for one in left if not isinstance(answer[one.uid], Done)]
        if not left:
            return
    raise AssertionError(f"{name} is never done")


def _empty(double: GoogleDouble) -> None:
    double.books.forget_events()
    double.books.notices.clear()
    double.faults.clear()


def test_an_event_another_hand_changes_at_the_same_moment_is_looked_at_again(
    double: GoogleDouble, opened: Open
) -> None:
    calendar, invite = opened(), an_invite(at(10))
    calendar.put([invite])
    double.fail("calendar.events.patch", 412, "conditionNotMet")

    answer = calendar.put([moved(invite, at(14))])

    assert answer[invite.uid] == Done(invite.uid.partition("@")[0])
    assert double.count("calendar.events.get") == 2


def test_a_move_under_our_hands_wins(double: GoogleDouble, opened: Open) -> None:
    calendar, invite = opened(), an_invite(at(10))
    calendar.put([invite])
    real = double.answer

    def moved_in_between(asked: Asked) -> Told | None:
        if asked.verb == "PATCH" and double.count("calendar.events.patch") == 0:
            double.calendars.move(EMPLOYEE.email, invite.uid, at(16))
        return real(asked)

    double.answer = moved_in_between  # type: ignore[method-assign]

    answer = calendar.put([moved(invite, at(14))])

    result = answer[invite.uid]
    assert isinstance(result, Done)
    assert result.found is not None
    assert result.found.start == at(16).start


def test_an_event_that_never_arrived_is_made_by_its_next_revision(
    double: GoogleDouble, opened: Open
) -> None:
    later = moved(an_invite(at(10)), at(14))

    answer = opened().put([later])

    assert answer[later.uid] == Done(later.uid.partition("@")[0])
    assert len(double.calendars.standing(MANAGER.email)) == 1


def test_another_event_under_our_id_is_left_alone(double: GoogleDouble, opened: Open) -> None:
    calendar, invite = opened(), an_invite(at(10))
    calendar.put([invite])
    body_of(double, invite)["extendedProperties"]["private"]["careloop-uid"] = "another@careloop"

    answer = calendar.put([moved(invite, at(14))])

    assert isinstance(answer[invite.uid], Permanent)
    assert body_of(double, invite)["start"]["dateTime"].startswith("2027-03-02T11:00")


def test_absence_is_believed_after_a_second_look_only(double: GoogleDouble, opened: Open) -> None:
    calendar, invite = opened(), an_invite(at(10))
    calendar.put([invite])
    double.fail("calendar.events.get", 404, "notFound", times=1)

    seen = calendar.look([a_meeting(invite)])[invite.uid]

    assert isinstance(seen, Observed)
    assert seen.present


def test_an_event_nobody_has_is_absent(opened: Open) -> None:
    meeting = a_meeting(an_invite(at(10)))

    assert opened().look([meeting])[meeting.uid] == Observed(present=False)


@pytest.mark.parametrize("status", [403, 429, 500, 502, 503, 504])
def test_an_error_is_never_taken_for_a_deletion(
    double: GoogleDouble, opened: Open, status: int
) -> None:
    calendar = opened()
    meetings = [a_meeting(an_invite(at(10))), a_meeting(an_invite(at(12), OTHER, MANAGER))]
    calendar.put([an_invite(at(10)), an_invite(at(12), OTHER, MANAGER)])
    double.fail("calendar.events.get", status, "forbidden" if status == 403 else "error", times=99)

    seen = calendar.look([*meetings, a_meeting(an_invite(at(15), number=2))])

    assert all(isinstance(seen[meeting.uid], Unknown) for meeting in meetings)


@pytest.mark.parametrize("on", ["calendar.events.get", "batch"])
@pytest.mark.parametrize("status", [404, 410])
def test_a_proxy_that_knows_nothing_is_not_a_deletion(
    double: GoogleDouble, opened: Open, on: str, status: int
) -> None:
    calendar = opened()
    invites = [an_invite(at(10)), an_invite(at(12), OTHER, MANAGER)]
    calendar.put(invites)
    chosen = invites if on == "batch" else invites[:1]
    double.fail(on, status, body=b"<h1>Not Found</h1>", times=9)

    seen = calendar.look([a_meeting(invite) for invite in chosen])
    end = calendar.cancel([withdrawn(invite) for invite in chosen])

    assert all(isinstance(one, Unknown) for one in seen.values())
    assert not any(isinstance(one, Done) for one in end.values())


# --- a calendar of the service's own ---------------------------------------------------------


def test_the_service_reads_its_own_calendar_in_pages_and_misses_nothing(
    double: GoogleDouble, opened: Open
) -> None:
    calendar = opened(organizer="service")
    invites = [an_invite(at(8 + number), number=number) for number in range(1, 8)]
    calendar.put(invites)
    double.calendars.page = 3
    deleted, far, declined = invites[1], invites[3], invites[5]
    double.calendars.delete(SUBJECT, deleted.uid)
    double.calendars.move(SUBJECT, far.uid, at(10, day=200))
    double.calendars.answer(MANAGER.email, declined.uid, Reply.DECLINED)
    before = double.count("calendar.events.get")

    seen = calendar.look([a_meeting(invite) for invite in invites])

    assert [one.uid for one in invites if not seen[one.uid].present] == [deleted.uid]
    assert seen[far.uid].start == at(10, day=200).start
    assert seen[declined.uid].replies[MANAGER.email] is Reply.DECLINED
    assert double.count("calendar.events.get") - before <= 3 + 2


def test_a_list_that_cannot_be_read_is_made_up_for_by_ids(
    double: GoogleDouble, opened: Open
) -> None:
    calendar = opened(organizer="service")
    invites = [an_invite(at(10)), an_invite(at(12), OTHER, MANAGER)]
    calendar.put(invites)
    double.fail("calendar.events.list", 403, "forbidden")

    seen = calendar.look([a_meeting(invite) for invite in invites])

    assert all(one.present for one in seen.values())


# --- one person's trouble -------------------------------------------------------------------


def test_a_revoked_person_blocks_nobody_else_and_the_reason_says_what_to_do(
    double: GoogleDouble, opened: Open
) -> None:
    bad, good = an_invite(at(10), OTHER, MANAGER), an_invite(at(12))
    double.books.accounts[OTHER.email].suspended = True

    answer = opened().put([bad, good])

    refused = answer[bad.uid]
    assert isinstance(refused, Permanent)
    assert OTHER.email in refused.reason
    assert "restore the account" in refused.reason
    assert isinstance(answer[good.uid], Done)


def test_when_a_leavers_account_is_closed_the_meeting_still_leaves_the_managers_calendar(
    double: GoogleDouble, opened: Open
) -> None:
    invite, other = an_invite(at(10)), an_invite(at(12), OTHER, MANAGER)
    opened().put([invite, other])
    double.books.accounts[EMPLOYEE.email].suspended = True

    answer = opened().cancel([withdrawn(invite)])

    assert answer[invite.uid] == Done()
    (left,) = double.calendars.standing(MANAGER.email)
    assert left.body["id"] == other.uid.partition("@")[0]


def test_when_nobody_of_a_pair_can_be_reached_the_end_says_why(
    double: GoogleDouble, opened: Open
) -> None:
    invite = an_invite(at(10))
    opened().put([invite])
    for who in (EMPLOYEE, MANAGER):
        double.books.accounts[who.email].suspended = True

    answer = opened().cancel([withdrawn(invite)])

    refused = answer[invite.uid]
    assert isinstance(refused, Permanent)
    assert EMPLOYEE.email in refused.reason


def test_a_person_without_a_calendar_is_told_apart(double: GoogleDouble, opened: Open) -> None:
    bad, good = an_invite(at(10), OTHER, MANAGER), an_invite(at(12))
    double.books.accounts[OTHER.email].without_calendar = True

    answer = opened().put([bad, good])

    refused = answer[bad.uid]
    assert isinstance(refused, Permanent)
    assert "notACalendarUser" in refused.reason
    assert "licence" in refused.reason
    assert isinstance(answer[good.uid], Done)


def test_a_quota_for_hours_puts_off_for_hours_and_is_not_knocked_at_again(
    double: GoogleDouble, opened: Open
) -> None:
    double.books.limits["calendar.events.insert"] = 1
    invites = [an_invite(at(8 + number), number=number) for number in range(1, 5)]

    answer = opened().put(invites)

    waiting = [one for one in answer.values() if isinstance(one, Temporary)]
    assert len(waiting) == 3
    assert all(one.retry_after and one.retry_after.total_seconds() >= 3600 for one in waiting)
    assert double.count("calendar.events.insert") == 4


def test_only_the_throttled_part_of_a_batch_is_sent_again(
    double: GoogleDouble, opened: Open
) -> None:
    double.fail("calendar.events.insert", 403, "userRateLimitExceeded")
    invites = [an_invite(at(8 + number), number=number) for number in range(1, 5)]

    answer = opened().put(invites)

    assert all(isinstance(result, Done) for result in answer.values())
    assert double.count("calendar.events.insert") == 4


def test_calls_beyond_a_persons_rate_are_put_off_and_the_rest_are_made(
    double: GoogleDouble, opened: Open
) -> None:
    invites = [an_invite(at(8 + number), number=number) for number in range(1, 5)]

    answer = opened(per_user_per_minute=3).put(invites)

    waiting = [one for one in answer.values() if isinstance(one, Temporary)]
    assert len(waiting) == 1
    assert waiting[0].retry_after is not None
    assert double.count("calendar.events.insert") == 3
