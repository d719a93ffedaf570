"""Free/busy at Google: our own meetings among anonymous blocks, hours, zones, closed calendars."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._google_busy import parted
from connectors._google_calendar import GoogleCalendar
from daemon.core.domain import Availability, Email, Interval, Meeting, Person
from daemon.core.intervals import merge
from daemon.core.ports import CredentialsRefused, Unknown
from tests.connectors.contract import (
    EMPLOYEE,
    MANAGER,
    OTHER,
    PEOPLE,
    a_meeting,
    an_invite,
    at,
)
from tests.connectors.google_setting import SUBJECT, a_workspace, a_workspace_on_loopback
from tests.doubles.google import GoogleDouble

TODAY = Interval(at(0).start, at(24).start)


@pytest.fixture
def double() -> Iterator[GoogleDouble]:
    with a_workspace_on_loopback() as served:
        yield served


@pytest.fixture
def calendar(double: GoogleDouble, tmp_path: Path) -> GoogleCalendar:
    return GoogleCalendar(a_workspace(double, tmp_path))


@pytest.fixture
def ours(calendar: GoogleCalendar) -> Meeting:
    """A meeting of ours from ten to half past ten."""
    invite = an_invite(at(10, 30))
    calendar.put([invite])
    return a_meeting(invite)


def known(answer: Availability | Unknown) -> tuple[Interval, ...]:
    assert isinstance(answer, Availability), answer
    return answer.busy


# --- our own meetings -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("foreign", "left"),
    [
        (at(10, 60), at(10, 60)),  # begins with ours and goes on
        (at(9, 75), at(9, 75)),  # ends inside ours
        (at(9, 120), at(9, 120)),  # all around ours
        (at(9, 60), at(9, 60)),  # touches ours
    ],
)
def test_what_overlaps_our_meeting_is_told_whole(
    calendar: GoogleCalendar, double: GoogleDouble, ours: Meeting, foreign: Interval, left: Interval
) -> None:
    double.calendars.add(MANAGER.email, foreign)

    answer = calendar.busy([EMPLOYEE, MANAGER], TODAY, [ours])

    assert known(answer[MANAGER.email]) == (left,)
    assert known(answer[EMPLOYEE.email]) == ()


def test_an_event_of_just_the_same_time_is_not_hidden_by_ours(
    calendar: GoogleCalendar, double: GoogleDouble, ours: Meeting
) -> None:
    double.calendars.add(MANAGER.email, at(10, 30))

    answer = calendar.busy([EMPLOYEE, MANAGER], TODAY, [ours])

    assert known(answer[MANAGER.email]) == (at(10, 30),)
    assert known(answer[EMPLOYEE.email]) == ()


def test_a_closer_look_is_taken_once_an_hour_or_a_day_and_only_where_ours_are(
    calendar: GoogleCalendar, double: GoogleDouble, ours: Meeting
) -> None:
    double.calendars.add(MANAGER.email, at(10, 60))
    double.calendars.add(OTHER.email, at(10, 60))
    later = timedelta(minutes=59)
    far = an_invite(at(10, 30, day=9), number=2)
    calendar.put([far])
    week = at(0, day=20).start

    for start in (TODAY.start, TODAY.start + later):
        answer = calendar.busy(PEOPLE, Interval(start, week), [ours, a_meeting(far)])
        assert known(answer[MANAGER.email]) == (at(10, 60),)
    looked = double.count("calendar.events.list")
    double.calendars.add(EMPLOYEE.email, at(10, 30))
    hour_later = Interval(TODAY.start + 2 * later, week)
    answer = calendar.busy(PEOPLE, hour_later, [ours, a_meeting(far)])

    assert looked == 4
    assert double.count("calendar.events.list") == 4 + 2, "the far one is left for tomorrow"
    assert known(answer[EMPLOYEE.email]) == (at(10, 30),)
    assert ("calendar.events.list", OTHER.email) not in double.calls


def test_two_meetings_of_ours_back_to_back_leave_nothing(
    calendar: GoogleCalendar, ours: Meeting
) -> None:
    half_past = at(10).start + timedelta(minutes=30)
    second = an_invite(Interval(half_past, half_past + timedelta(minutes=20)), OTHER, MANAGER)
    calendar.put([second])

    answer = calendar.busy([MANAGER], TODAY, [ours, a_meeting(second)])

    assert known(answer[MANAGER.email]) == ()


@pytest.mark.parametrize("kind", ["transparent", "declined", "deleted"])
def test_what_does_not_block_is_not_told_in_a_closer_look(
    calendar: GoogleCalendar, double: GoogleDouble, ours: Meeting, kind: str
) -> None:
    double.calendars.add(MANAGER.email, at(10, 45))
    more = {
        "transparent": {"transparency": "transparent"},
        "declined": {"attendees": [{"email": MANAGER.email, "responseStatus": "declined"}]},
        "deleted": {"status": "cancelled"},
    }[kind]
    double.calendars.add(MANAGER.email, at(9, 120), **more)

    answer = calendar.busy([MANAGER], TODAY, [ours])

    assert known(answer[MANAGER.email]) == (at(10, 45),)


def test_a_meeting_somebody_moved_a_little_is_still_ours(
    calendar: GoogleCalendar, double: GoogleDouble, ours: Meeting
) -> None:
    double.calendars.move(EMPLOYEE.email, ours.uid, at(10, 40))

    answer = calendar.busy([EMPLOYEE, MANAGER], TODAY, [ours])

    assert known(answer[EMPLOYEE.email]) == ()
    assert known(answer[MANAGER.email]) == ()


def test_a_closer_look_that_fails_leaves_everything_around_ours_busy(
    calendar: GoogleCalendar, double: GoogleDouble, ours: Meeting
) -> None:
    double.calendars.add(MANAGER.email, at(9, 180))
    double.fail("calendar.events.list", 403, "forbidden")

    answer = calendar.busy([MANAGER], TODAY, [ours])

    half_past = at(10).start + timedelta(minutes=30)
    assert known(answer[MANAGER.email]) == (at(9), Interval(half_past, at(12).start))


_minutes = st.integers(0, 60)
_intervals = st.lists(
    st.tuples(_minutes, st.integers(1, 30)).map(
        lambda said: Interval(
            at(10).start + timedelta(minutes=said[0]),
            at(10).start + timedelta(minutes=said[0] + said[1]),
        )
    ),
    max_size=6,
)


@given(_intervals, _intervals)
def test_every_block_is_kept_or_looked_at(foreign: list[Interval], ours: list[Interval]) -> None:
    found = merge([*foreign, *ours])

    kept, doubtful = parted(found, ours)

    assert sorted([*kept, *doubtful]) == found
    assert not any(one.overlaps(mine) for one in kept for mine in ours)


# --- spans and people -----------------------------------------------------------------------


def test_a_long_stretch_is_asked_for_in_parts(
    calendar: GoogleCalendar, double: GoogleDouble
) -> None:
    early, late = at(10, day=3), at(10, day=130)
    double.calendars.add(EMPLOYEE.email, early)
    double.calendars.add(EMPLOYEE.email, late)

    answer = calendar.busy([EMPLOYEE], Interval(at(0).start, at(0, day=150).start), [])

    assert known(answer[EMPLOYEE.email]) == (early, late)
    assert double.count("calendar.freebusy.query") == 3


def test_fifty_people_are_one_query(calendar: GoogleCalendar, double: GoogleDouble) -> None:
    people = [Person(Email(f"p{number:03}@acme.example"), "P") for number in range(101)]
    for person in people:
        double.books.open_account(person.email)
    double.calendars.add(people[70].email, at(10))

    answer = calendar.busy(people, TODAY, [])

    assert double.count("calendar.freebusy.query") == 3
    assert {who for who, said in answer.items() if known(said)} == {people[70].email}


def test_a_calendar_that_is_shared_with_nobody_is_read_as_its_owner(
    calendar: GoogleCalendar, double: GoogleDouble
) -> None:
    account = double.books.accounts[EMPLOYEE.email]
    account.hidden, account.zone = True, "Asia/Kolkata"
    double.calendars.add(EMPLOYEE.email, at(10))

    answer = calendar.busy([EMPLOYEE, MANAGER], TODAY, [])

    told = answer[EMPLOYEE.email]
    assert known(told) == (at(10),)
    assert isinstance(told, Availability)
    assert told.zone == ZoneInfo("Asia/Kolkata")
    assert ("calendar.freebusy.query", EMPLOYEE.email) in double.calls
    assert ("calendar.freebusy.query", MANAGER.email) not in double.calls


def test_a_person_google_does_not_know_is_unknown_with_a_cure(
    calendar: GoogleCalendar,
) -> None:
    stranger = Person(Email("typo@acme.example"), "Typo")

    answer = calendar.busy([stranger, EMPLOYEE], TODAY, [])

    unknown = answer[stranger.email]
    assert isinstance(unknown, Unknown)
    assert "typo@acme.example" in unknown.reason
    assert "roster" in unknown.reason
    assert known(answer[EMPLOYEE.email]) == ()


# --- hours and zones ------------------------------------------------------------------------


def test_the_calendar_tells_hours_and_zone(calendar: GoogleCalendar, double: GoogleDouble) -> None:
    account = double.books.accounts[EMPLOYEE.email]
    account.zone = "America/Santiago"
    account.working_hours = {
        "workingHoursEnabled": True,
        "availableTimes": [
            {"dayOfWeek": "friday", "periodStart": 840, "periodEnd": 960},
            {"dayOfWeek": "friday", "periodStart": 480, "periodEnd": 720},
            {"dayOfWeek": "monday", "periodStart": 0, "periodEnd": 1440},
        ],
    }

    told = calendar.busy([EMPLOYEE], TODAY, [])[EMPLOYEE.email]

    assert isinstance(told, Availability)
    assert told.zone == ZoneInfo("America/Santiago")
    assert told.hours is not None
    assert told.hours.days == (((0, 1440),), (), (), (), ((480, 720), (840, 960)), (), ())


@pytest.mark.parametrize(
    "said",
    [
        {"workingHoursEnabled": False},
        {"workingHoursEnabled": True, "availableTimes": [{"dayOfWeek": "monday"}]},
        {
            "workingHoursEnabled": True,
            "availableTimes": [{"dayOfWeek": "monday", "periodStart": 600, "periodEnd": 500}],
        },
    ],
)
def test_hours_that_say_nothing_are_none(
    calendar: GoogleCalendar, double: GoogleDouble, said: dict[str, object]
) -> None:
    double.books.accounts[EMPLOYEE.email].working_hours = said

    told = calendar.busy([EMPLOYEE], TODAY, [])[EMPLOYEE.email]

    assert isinstance(told, Availability)
    assert told.hours is None


def test_a_profile_is_read_once_a_day_and_never_where_the_roster_speaks(
    calendar: GoogleCalendar, double: GoogleDouble
) -> None:
    stated = replace(OTHER, stated=frozenset({"zone", "hours"}))

    calendar.busy([EMPLOYEE, stated], TODAY, [])
    calendar.busy([EMPLOYEE, stated], TODAY, [])

    assert double.calls.count(("calendar.calendars.get", SUBJECT)) == 1


def test_hours_that_could_not_be_read_yet_leave_the_person_unknown(
    calendar: GoogleCalendar, double: GoogleDouble
) -> None:
    double.fail("calendar.calendars.get", 403, "quotaExceeded")

    first = calendar.busy([EMPLOYEE], TODAY, [])[EMPLOYEE.email]
    second = calendar.busy([EMPLOYEE], TODAY, [])[EMPLOYEE.email]

    assert isinstance(first, Unknown)
    assert "working hours" in first.reason
    assert isinstance(second, Availability)


# --- when Google is out of order ------------------------------------------------------------


def test_a_query_that_fails_leaves_its_people_unknown(double: GoogleDouble, tmp_path: Path) -> None:
    calendar = GoogleCalendar(a_workspace(double, tmp_path))
    double.fail("calendar.freebusy.query", 400, "invalid")

    answer = calendar.busy([EMPLOYEE], TODAY, [])

    assert isinstance(answer[EMPLOYEE.email], Unknown)


@pytest.mark.parametrize("body", [b"<html>Sign in</html>", b"[1, 2]", b'{"calendars": 7}', b""])
def test_garbage_is_unknown_and_never_free(
    double: GoogleDouble, tmp_path: Path, body: bytes
) -> None:
    calendar = GoogleCalendar(a_workspace(double, tmp_path))
    stated = replace(EMPLOYEE, stated=frozenset({"zone", "hours"}))
    double.fail("calendar.freebusy.query", 200, body=body)

    answer = calendar.busy([stated], TODAY, [])

    assert isinstance(answer[EMPLOYEE.email], Unknown)


def test_nobody_is_unknown_one_by_one_when_the_reader_itself_is_refused(
    calendar: GoogleCalendar, double: GoogleDouble
) -> None:
    double.books.accounts[SUBJECT].suspended = True

    with pytest.raises(CredentialsRefused) as refused:
        calendar.busy(PEOPLE, TODAY, [])

    assert SUBJECT in refused.value.reason


def test_times_are_utc(calendar: GoogleCalendar, double: GoogleDouble) -> None:
    double.calendars.add(EMPLOYEE.email, at(10))

    (taken,) = known(calendar.busy([EMPLOYEE], TODAY, [])[EMPLOYEE.email])

    assert taken.start == datetime(2027, 3, 2, 10, tzinfo=UTC)
    assert taken.start.tzinfo is UTC
