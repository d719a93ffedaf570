"""Busy times from getSchedule: within its limits, without our own meetings, never guessed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors._graph_schedule import PEOPLE as AT_ONCE
from daemon.core.domain import Availability, Email, Hours, Interval, Person, Reply
from daemon.core.ports import Unknown
from tests.connectors.contract import (
    DAY,
    EMPLOYEE,
    MANAGER,
    OTHER,
    a_meeting,
    an_invite,
    at,
    busy,
    intervals,
)
from tests.connectors.microsoft_world import World
from tests.doubles.microsoft import Fault
from tests.doubles.microsoft_books import Event
from tests.doubles.microsoft_books import Reply as Answer

ALL_DAY = Interval(at(0).start, at(23).end)


def staff(office: World, count: int) -> list[Person]:
    people = [Person(Email(f"p{n}@acme.example"), f"P{n}") for n in range(count)]
    for person in people:
        office.double.books.mailbox(person.email)
    return people


def test_a_hundred_people_over_a_quarter_are_asked_within_the_limits(office: World) -> None:
    people = staff(office, 5 * AT_ONCE + 1)
    within = Interval(DAY, DAY + timedelta(days=130))
    office.add(people[70].email, at(10, day=100))

    answer = office.calendar.busy(people, within, [])

    assert all(isinstance(one, Availability) for one in answer.values())
    assert intervals(answer[people[70].email]) == (at(10, day=100),)
    assert len([a for a in office.double.asked if a.part]) == 6 * 3
    assert len([a for a in office.double.requests() if a.path == "/$batch"]) == 4


def test_what_crosses_the_border_of_two_calls_counts_once(office: World) -> None:
    within = Interval(DAY, DAY + timedelta(days=90))
    border = DAY + timedelta(days=60)
    invite = replace(
        an_invite(at(10)), start=border - timedelta(hours=1), end=border + timedelta(hours=1)
    )
    office.calendar.put([invite])

    answer = office.calendar.busy([MANAGER], within, [a_meeting(invite)])

    assert intervals(answer[MANAGER.email]) == ()


def test_our_meeting_is_left_out_once_and_a_twin_of_it_stays(office: World) -> None:
    invite = an_invite(at(10))
    office.calendar.put([invite])
    office.add(MANAGER.email, at(10))

    answer = office.calendar.busy([EMPLOYEE, MANAGER], ALL_DAY, [a_meeting(invite)])

    assert intervals(answer[EMPLOYEE.email]) == ()
    assert intervals(answer[MANAGER.email]) == (at(10),)


def test_at_the_time_of_a_meeting_they_declined_people_are_busy_with_something_else(
    office: World,
) -> None:
    invite = an_invite(at(10))
    office.calendar.put([invite])
    office.answer(MANAGER.email, invite.uid, Reply.DECLINED)
    office.add(MANAGER.email, at(10))
    ours = replace(a_meeting(invite), replies={MANAGER.email: Reply.DECLINED})

    answer = office.calendar.busy([MANAGER], ALL_DAY, [ours])

    assert intervals(answer[MANAGER.email]) == (at(10),)


def test_a_meeting_of_others_is_not_left_out(office: World) -> None:
    invite = an_invite(at(10))
    office.calendar.put([invite])
    office.add(OTHER.email, at(10))

    answer = office.calendar.busy([OTHER], ALL_DAY, [a_meeting(invite)])

    assert intervals(answer[OTHER.email]) == (at(10),)


@pytest.mark.parametrize(
    ("status", "taken"),
    [
        ("Busy", True),
        ("tentative", True),
        ("oof", True),
        ("Oof", True),
        ("unknown", True),
        ("free", False),
        ("Free", False),
        ("workingElsewhere", False),
    ],
)
def test_only_free_and_working_elsewhere_are_free(office: World, status: str, taken: bool) -> None:
    event = Event("e", EMPLOYEE.email, at(10).start, at(10).end, status=status)
    office.double.books.mailbox(EMPLOYEE.email).events["e"] = event

    assert busy(office, EMPLOYEE, ALL_DAY) == ((at(10),) if taken else ())


def test_a_mailbox_that_may_not_ask_lets_the_next_one_ask(office: World) -> None:
    office.spoil(EMPLOYEE.email)
    office.add(MANAGER.email, at(10))

    answer = office.calendar.busy([EMPLOYEE, MANAGER], ALL_DAY, [])

    unknown = answer[EMPLOYEE.email]
    assert isinstance(unknown, Unknown)
    assert EMPLOYEE.email in unknown.reason
    assert "RBAC for Applications" in unknown.reason
    assert intervals(answer[MANAGER.email]) == (at(10),)


def test_a_person_without_a_mailbox_is_unknown_with_the_cure(office: World) -> None:
    nobody = Person(Email("nobody@acme.example"), "Nobody")

    answer = office.calendar.busy([EMPLOYEE, nobody], ALL_DAY, [])

    unknown = answer[nobody.email]
    assert isinstance(unknown, Unknown)
    assert "correct the address on the roster" in unknown.reason


def said(office: World, monkeypatch: pytest.MonkeyPatch, entry: dict[str, Any]) -> Any:
    """What we make of an entry of getSchedule for the employee."""
    body = {"value": [{"scheduleId": EMPLOYEE.email, **entry}]}
    monkeypatch.setattr(office.double.books, "_schedules", lambda _: Answer(200, body))
    return office.calendar.busy([EMPLOYEE], Interval(at(8).start, at(12).start), [])[EMPLOYEE.email]


def test_where_items_are_kept_back_the_view_tells(
    office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = said(office, monkeypatch, {"availabilityView": "0022103400000000"})

    assert intervals(answer) == (
        Interval(at(8, 30).end, at(8, 75).end),
        Interval(at(8, 90).end, at(8, 105).end),
    )


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"scheduleItems": None, "availabilityView": ""},
        {"scheduleItems": [{"status": "busy", "start": {"dateTime": "x", "timeZone": "UTC"}}]},
        {"scheduleItems": [{"status": "busy"}]},
        {"scheduleId": "somebody@else.example", "scheduleItems": []},
        {"error": {"responseCode": "ErrorTimeIntervalTooBig"}},
    ],
    ids=["nothing", "no view", "no time", "no end", "another person", "error"],
)
def test_what_is_not_understood_is_unknown(
    office: World, monkeypatch: pytest.MonkeyPatch, entry: dict[str, Any]
) -> None:
    assert isinstance(said(office, monkeypatch, entry), Unknown)


def test_a_call_that_failed_leaves_its_people_unknown_and_no_others(office: World) -> None:
    people = staff(office, 2 * AT_ONCE)
    seen: list[str] = []

    def hurt(asked: Any) -> Fault | None:
        first = people[0].email in asked.path
        seen.append(asked.path)
        return Fault(503) if first else None

    office.double.hurt = hurt

    answer = office.calendar.busy(people, ALL_DAY, [])

    unknown = [person for person in people if isinstance(answer[person.email], Unknown)]
    assert unknown == people[:AT_ONCE]


def test_hours_and_zone_come_with_the_answer(office: World) -> None:
    office.double.books.mailbox(EMPLOYEE.email).hours = {
        "daysOfWeek": ["monday", "tuesday"],
        "startTime": "08:30:00.0000000",
        "endTime": "17:00:00.0000000",
        "timeZone": {"name": "Pacific Standard Time"},
    }

    answer = office.calendar.busy([EMPLOYEE, MANAGER], ALL_DAY, [])

    told, silent = answer[EMPLOYEE.email], answer[MANAGER.email]
    assert isinstance(told, Availability)
    assert told.zone == ZoneInfo("America/Los_Angeles")
    assert told.hours == Hours((((510, 1020),),) * 2 + ((),) * 5)
    assert isinstance(silent, Availability)
    assert (silent.zone, silent.hours) == (None, None)
