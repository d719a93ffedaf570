"""What a CalDAV server may do wrong, one thing at a time, and what careloop makes of it."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors._dav_sync import MARK
from daemon.core.domain import Availability, Interval, Observed, Reply
from daemon.core.ports import CredentialsRefused, Done, Permanent, Temporary, Unknown
from tests.connectors.caldav_double_world import DoubleWorld, an_event, user_of
from tests.connectors.contract import (
    EMPLOYEE,
    MANAGER,
    OTHER,
    PEOPLE,
    a_meeting,
    an_invite,
    at,
    moved,
    withdrawn,
)
from tests.doubles.caldav import Double, Fault, caldav_double

DAY = Interval(at(0).start, at(24).start)
EMMA, MARA = user_of(EMPLOYEE.email), user_of(MANAGER.email)


@pytest.fixture
def double() -> Iterator[Double]:
    with caldav_double() as served:
        yield served


@pytest.fixture
def world(double: Double, tmp_path: Path) -> Iterator[DoubleWorld]:
    world = DoubleWorld(double, tmp_path)
    yield world
    world.close()


def ours(double: Double, user: str) -> list[str]:
    return [text for text in double.texts(user) if MARK in text]


# --- answers that are lost ------------------------------------------------------------------


@pytest.mark.parametrize("schedules", [False, True])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", [1, 2])
def test_a_lost_answer_to_a_creation_makes_no_second_event(
    double: Double, world: DoubleWorld, schedules: bool, when: str, number: int
) -> None:
    double.quirks.schedules = schedules
    invite = an_invite(at(10))
    double.faults.append(Fault("PUT", when, times=number))

    for _ in range(2):
        world.reopen().put([invite])

    assert len(ours(double, EMMA)) == len(ours(double, MARA)) == 1
    assert len(double.books.invited) == (1 if schedules else 0)


@pytest.mark.parametrize("schedules", [False, True])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_to_a_move_moves_once(
    double: Double, world: DoubleWorld, schedules: bool, when: str
) -> None:
    double.quirks.schedules = schedules
    invite = an_invite(at(10))
    world.calendar.put([invite])
    double.faults.append(Fault("PUT", when, times=2))

    results = [world.reopen().put([moved(invite, at(14))])[invite.uid] for _ in range(2)]

    assert results[-1] == Done(invite.uid)
    (event,) = world.sees(EMPLOYEE.email)
    assert event.start == at(14).start
    assert len(double.books.invited) == (2 if schedules else 0)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_to_a_deletion_is_settled_by_the_next_try(
    double: Double, world: DoubleWorld, when: str
) -> None:
    invite = an_invite(at(10))
    world.calendar.put([invite])
    double.faults.append(Fault("DELETE", when, times=2))

    results = [world.reopen().cancel([withdrawn(invite)])[invite.uid] for _ in range(2)]

    assert results[-1] == Done(invite.uid)
    assert ours(double, EMMA) == ours(double, MARA) == []


def test_a_persons_event_under_our_name_is_never_overwritten(
    double: Double, world: DoubleWorld
) -> None:
    invite = replace(an_invite(at(10)), fresh=True)
    world.calendar.put([invite])
    world.move(EMPLOYEE.email, invite.uid, at(16))

    result = world.reopen().put([invite])[invite.uid]

    assert isinstance(result, Done)
    assert result.found is not None
    assert result.found.start == at(16).start


# --- nobody is invited twice ----------------------------------------------------------------


def test_the_server_alone_invites_where_it_says_that_it_does(
    double: Double, world: DoubleWorld
) -> None:
    double.quirks.schedules = True
    invite = an_invite(at(10))

    world.calendar.put([invite])

    assert [who for who, _ in double.books.invited] == [MARA]
    assert len(ours(double, MARA)) == 1
    assert "METHOD" not in ours(double, EMMA)[0]


def test_the_server_is_told_to_invite_nobody_where_careloop_does(
    double: Double, world: DoubleWorld
) -> None:
    double.quirks.schedules = True
    invite = an_invite(at(10))

    world.reopen(scheduling="own").put([invite])

    assert double.books.invited == []
    assert "SCHEDULE-AGENT=NONE" in ours(double, EMMA)[0]
    assert len(ours(double, MARA)) == 1


def test_a_manager_whom_the_server_does_not_know_is_a_refusal_that_says_so(
    double: Double, world: DoubleWorld
) -> None:
    double.quirks.schedules, double.quirks.delivery = True, "3.7"
    invite = an_invite(at(10))

    result = world.calendar.put([invite])[invite.uid]

    assert isinstance(result, Permanent)
    assert MANAGER.email in result.reason
    assert ours(double, EMMA) == []


def test_an_answer_does_not_stand_in_the_way_of_a_move(double: Double, world: DoubleWorld) -> None:
    double.quirks.schedules = True
    invite = an_invite(at(10))
    world.calendar.put([invite])
    world.answer(MANAGER.email, invite.uid, Reply.DECLINED)

    world.calendar.put([moved(invite, at(14))])

    seen = world.calendar.look([replace(a_meeting(invite), start=at(14).start, end=at(14).end)])
    observed = seen[invite.uid]
    assert isinstance(observed, Observed)
    assert observed.replies[MANAGER.email] is Reply.NEEDS_ACTION


# --- following changes ----------------------------------------------------------------------


def test_an_unchanged_calendar_costs_one_request_a_person(
    double: Double, world: DoubleWorld
) -> None:
    invite = an_invite(at(10))
    world.calendar.put([invite])
    meeting = a_meeting(invite)
    for _ in range(2):
        world.calendar.look([meeting])
        world.calendar.busy(PEOPLE, DAY, [meeting])
    double.books.heard.clear()

    world.calendar.look([meeting])
    world.calendar.busy(PEOPLE, DAY, [meeting])

    assert sorted(method for method, _ in double.books.heard) == ["PROPFIND"] * 3


def test_a_change_is_followed_by_its_token_without_reading_everything(
    double: Double, world: DoubleWorld
) -> None:
    first, second = an_invite(at(10)), an_invite(at(14), number=2)
    world.calendar.put([first, second])
    meetings = [a_meeting(first), a_meeting(second)]
    world.calendar.look(meetings)
    before = world.calendar.mirrors.full_reads
    world.move(EMPLOYEE.email, first.uid, at(16))

    seen = world.calendar.look(meetings)

    observed = seen[first.uid]
    assert isinstance(observed, Observed)
    assert observed.start == at(16).start
    assert world.calendar.mirrors.full_reads == before


@pytest.mark.parametrize("refusal", [400, 403, 404, 409, 410, 412, 415, 418, 501, 507, 207])
def test_however_a_token_is_refused_the_same_look_tells_the_truth(
    double: Double, world: DoubleWorld, refusal: int
) -> None:
    invites = [an_invite(at(9 + 2 * number), number=number) for number in (1, 2, 3)]
    world.calendar.put(invites)
    meetings = [a_meeting(invite) for invite in invites]
    world.calendar.look(meetings)
    double.quirks.token_refusal = refusal
    world.delete(EMPLOYEE.email, invites[0].uid)
    world.move(EMPLOYEE.email, invites[1].uid, at(18))
    before = world.calendar.mirrors.full_reads

    seen = world.calendar.look(meetings)

    assert seen[invites[0].uid] == Observed(present=False, by=EMPLOYEE.email)
    moved_one = seen[invites[1].uid]
    assert isinstance(moved_one, Observed)
    assert moved_one.start == at(18).start
    reads = world.calendar.mirrors.full_reads - before
    assert reads == (0 if refusal == 207 else 1), "once for the one calendar that changed"


def test_an_event_a_search_does_not_show_is_not_gone(double: Double, world: DoubleWorld) -> None:
    invite = an_invite(at(10))
    world.calendar.put([invite])
    stored = double.books.items[EMMA][f"{invite.uid}.ics"]
    hidden = stored.text

    class Shy(dict):  # type: ignore[type-arg]
        """A calendar whose searches find nothing."""

        def items(self):
            return []

    double.books.items[EMMA] = Shy(double.books.items[EMMA])

    observed = world.calendar.look([a_meeting(invite)])[invite.uid]

    assert isinstance(observed, Observed)
    assert observed.present
    assert hidden


def test_our_event_that_cannot_be_understood_is_unknown_and_not_gone(
    double: Double, world: DoubleWorld
) -> None:
    invite = an_invite(at(10))
    world.calendar.put([invite])
    name = world.place(EMPLOYEE.email, invite.uid)
    text = double.books.items[EMMA][name].text
    double.store(EMMA, name, text.replace("DTSTART:", "DTSTART;TZID=Nowhere/At/All:x"))

    observed = world.calendar.look([a_meeting(invite)])[invite.uid]

    assert isinstance(observed, Unknown)
    assert "/dav/emma/cal/" in observed.reason
    assert observed.who == EMPLOYEE.email


# --- busy times -----------------------------------------------------------------------------


def test_where_events_are_closed_an_outbox_tells_and_ours_are_cut_out(
    double: Double, world: DoubleWorld
) -> None:
    double.quirks.outbox, double.quirks.schedules = "all", True
    invite = an_invite(at(10))
    world.calendar.put([invite])
    world.add(MANAGER.email, at(14))
    double.quirks.queries = 403

    answer = world.calendar.busy(PEOPLE, DAY, [a_meeting(invite)])

    assert taken(answer[EMPLOYEE.email]) == ()
    assert taken(answer[MANAGER.email]) == (at(14),)
    assert double.count("POST") == 1


def test_where_the_outbox_tells_of_its_owner_only_the_rest_is_asked_calendar_by_calendar(
    double: Double, world: DoubleWorld
) -> None:
    double.quirks.outbox, double.quirks.queries = "self", 501
    world.add(OTHER.email, at(14))

    answer = world.calendar.busy(PEOPLE, DAY, [])
    double.books.heard.clear()
    again = world.calendar.busy(PEOPLE, DAY, [])

    assert taken(answer[OTHER.email]) == taken(again[OTHER.email]) == (at(14),)
    assert double.count("POST") == 1, "those the outbox does not tell of are asked no more"


@pytest.mark.parametrize("status", [400, 403, 501, 500])
def test_where_no_way_is_open_people_are_unknown(
    double: Double, world: DoubleWorld, status: int
) -> None:
    double.quirks.queries, double.quirks.free_busy = 403, status

    answer = world.calendar.busy([EMPLOYEE], DAY, [])

    unknown = answer[EMPLOYEE.email]
    assert isinstance(unknown, Unknown)
    assert str(status) in unknown.reason


def test_anonymous_blocks_are_looked_into_where_they_touch_ours(
    double: Double, world: DoubleWorld
) -> None:
    double.quirks.outbox = "all"
    calendar = world.reopen(free_busy="outbox")
    invite = an_invite(at(10))
    calendar.put([invite])
    world.add(MANAGER.email, at(10), "On top of ours")

    answer = calendar.busy([MANAGER], DAY, [a_meeting(invite)])

    assert taken(answer[MANAGER.email]) == (at(10),)


def test_a_hostile_event_costs_its_owner_only(double: Double, world: DoubleWorld) -> None:
    bomb = an_event("bomb", at(10), "x", "RRULE:FREQ=SECONDLY")
    double.store(MARA, "bomb.ics", bomb)
    world.add(EMPLOYEE.email, at(9))

    answer = world.calendar.busy(PEOPLE, DAY, [])

    assert isinstance(answer[MANAGER.email], Unknown)
    assert taken(answer[EMPLOYEE.email]) == (at(9),)


def test_hours_and_zone_are_taken_from_the_server(double: Double, world: DoubleWorld) -> None:
    double.quirks.zone = _ZONE
    double.quirks.hours = _HOURS

    answer = world.calendar.busy([EMPLOYEE], DAY, [])[EMPLOYEE.email]

    assert isinstance(answer, Availability)
    assert str(answer.zone) == "Europe/Madrid"
    assert answer.hours is not None
    assert answer.hours.days[0] == ((480, 960),)
    assert answer.hours.days[5] == ()


_ZONE = "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Europe/Madrid\nEND:VTIMEZONE\nEND:VCALENDAR\n"
_HOURS = """BEGIN:VCALENDAR
BEGIN:VAVAILABILITY
UID:a
BEGIN:AVAILABLE
UID:b
DTSTART;TZID=Europe/Madrid:20260105T080000
DTEND;TZID=Europe/Madrid:20260105T160000
RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR
END:AVAILABLE
END:VAVAILABILITY
END:VCALENDAR
"""


# --- the connection -------------------------------------------------------------------------


def test_credentials_go_only_to_hosts_that_were_named(double: Double, world: DoubleWorld) -> None:
    with caldav_double() as thief:
        elsewhere = thief.url.replace("127.0.0.1", "localhost")
        double.faults.append(Fault("PROPFIND", "301", times=9, location=elsewhere))

        answer = world.calendar.busy([EMPLOYEE], DAY, [])

        assert thief.books.heard == []
    unknown = answer[EMPLOYEE.email]
    assert isinstance(unknown, Unknown)
    assert "allow_hosts" in unknown.reason


def test_a_home_on_a_host_that_was_not_named_is_refused(double: Double, world: DoubleWorld) -> None:
    with caldav_double() as thief:
        double.quirks.home_url = thief.url.replace("127.0.0.1", "localhost") + "emma/"

        answer = world.calendar.busy([EMPLOYEE], DAY, [])

        assert thief.books.heard == []
    unknown = answer[EMPLOYEE.email]
    assert isinstance(unknown, Unknown)
    assert "localhost is not one of the hosts" in unknown.reason


def test_a_home_on_another_host_is_reached_where_it_was_named(
    double: Double, world: DoubleWorld
) -> None:
    double.quirks.home_url = double.url.replace("127.0.0.1", "localhost") + "emma/"
    world.add(EMPLOYEE.email, at(10))

    answer = world.reopen(allow_hosts=["localhost"]).busy([EMPLOYEE], DAY, [])

    assert taken(answer[EMPLOYEE.email]) == (at(10),)


def test_addresses_inside_the_network_are_refused_where_that_is_asked_for(
    world: DoubleWorld,
) -> None:
    answer = world.reopen(public_only=True).busy([EMPLOYEE], DAY, [])

    unknown = answer[EMPLOYEE.email]
    assert isinstance(unknown, Unknown)
    assert "private network" in unknown.reason


@pytest.mark.parametrize("kind", ["silent", "slow"])
def test_a_server_that_does_not_finish_costs_bounded_time(
    double: Double, world: DoubleWorld, kind: str
) -> None:
    double.faults.append(Fault("PROPFIND", kind, times=99))
    calendar = world.reopen(timeout=1)
    began = time.monotonic()

    answer = calendar.busy(PEOPLE, DAY, [])

    assert time.monotonic() - began < 10
    assert all(isinstance(each, Unknown) for each in answer.values())


def test_entities_in_an_answer_are_not_expanded(double: Double, world: DoubleWorld) -> None:
    double.quirks.entity_bomb = True

    answer = world.calendar.busy([EMPLOYEE], DAY, [])

    assert isinstance(answer[EMPLOYEE.email], Unknown)


def test_one_persons_wrong_password_is_that_persons_trouble(
    double: Double, world: DoubleWorld
) -> None:
    world.add(OTHER.email, at(10))
    lines = (world.root / "people.txt").read_text().splitlines()
    (world.root / "people.txt").write_text("\n".join(lines[1:]))

    answer = world.calendar.busy(PEOPLE, DAY, [])

    unknown = answer[EMPLOYEE.email]
    assert isinstance(unknown, Unknown)
    assert "people.txt: no line for emma@acme.example" in unknown.reason
    assert taken(answer[OTHER.email]) == (at(10),)


def test_a_service_account_that_is_refused_is_everybodys_trouble(
    double: Double, world: DoubleWorld
) -> None:
    calendar = world.reopen(
        credentials=None,
        user="careloop",
        password="file:password",
        user_url=double.url + "{user}/",
    )
    double.faults.append(Fault("PROPFIND", "401", times=9))

    with pytest.raises(CredentialsRefused, match=r"careloop.*\[caldav\] password"):
        calendar.busy(PEOPLE, DAY, [])


def test_a_busy_server_is_asked_again_later(double: Double, world: DoubleWorld) -> None:
    invite = an_invite(at(10))
    double.faults.append(Fault("PUT", "503", times=9))

    result = world.calendar.put([invite])[invite.uid]

    assert isinstance(result, Temporary)


def test_a_calendar_we_may_not_write_says_what_to_do(double: Double, world: DoubleWorld) -> None:
    invite = an_invite(at(10))
    double.faults.append(Fault("PUT", "403", times=9))

    result = world.calendar.put([invite])[invite.uid]

    assert isinstance(result, Permanent)
    assert "rights to this calendar" in result.reason


def test_a_calendar_of_a_given_name_is_used_or_its_absence_told(
    double: Double, world: DoubleWorld
) -> None:
    invite = an_invite(at(10))

    found = world.reopen(calendar="cal").put([invite])[invite.uid]
    missing = world.reopen(calendar="Talks").put([an_invite(at(12), number=2)])

    assert found == Done(invite.uid)
    (told,) = missing.values()
    assert isinstance(told, Permanent)
    assert "no calendar named 'Talks'" in told.reason


def test_what_the_server_can_do_is_found_out_once(double: Double, world: DoubleWorld) -> None:
    world.calendar.put([an_invite(at(10))])
    double.books.heard.clear()

    world.reopen().put([an_invite(at(14), number=2)])

    assert double.count("OPTIONS") == 0
    assert double.count("PROPFIND") == 2, "one listing each; who they are is remembered"


def taken(answer: Availability | Unknown) -> tuple[Interval, ...]:
    assert isinstance(answer, Availability), answer
    return answer.busy
