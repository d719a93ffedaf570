"""Whatever Graph loses, breaks or throttles: no event twice, no letter twice, none missing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors._graph_calendar import GraphCalendar
from connectors._graph_mail import GraphMailer
from daemon.core.domain import Email, Invite, Mail, Observed, Person
from daemon.core.ports import Ambiguous, Done, Permanent, Result, Temporary, Trouble
from tests.connectors.contract import (
    EMPLOYEE,
    MANAGER,
    OTHER,
    a_mail,
    a_meeting,
    an_invite,
    at,
    moved,
    withdrawn,
)
from tests.connectors.microsoft_world import World
from tests.doubles.microsoft import Asked, Fault
from tests.doubles.microsoft_books import Reply

INVITES = (
    an_invite(at(10)),
    an_invite(at(12), OTHER, MANAGER),
    an_invite(at(14), number=2),
)
MOVED = moved(INVITES[0], at(16))
GONE = withdrawn(INVITES[2])
MAILS = tuple(a_mail(person.email, f"prep{n}") for n in range(3) for person in (EMPLOYEE, MANAGER))

Results = Mapping[Any, Result]


def nth(number: int, fault: Fault, *, parts: bool) -> Callable[[Asked], Fault | None]:
    """Hurt the n-th change of the world, and only that one."""
    count = 0

    def hurt(asked: Asked) -> Fault | None:
        nonlocal count
        changes = asked.part == parts and asked.method != "GET" and "oauth2" not in asked.path
        if changes and not asked.path.endswith("getSchedule"):
            count += 1
            return fault if count == number else None
        return None

    return hurt


def a_cycle(office: World) -> None:
    """Book three, move one, withdraw one, send six letters; each until it is settled, and every
    attempt after the first in a new process."""
    _until_done(lambda again: _put(office, INVITES, again))
    _until_done(lambda again: _put(office, [MOVED], again))
    _until_done(lambda again: _calendar(office, again).cancel([GONE]))
    _until_done(lambda again: _post(office, MAILS, again))


def _calendar(office: World, again: bool) -> GraphCalendar:
    return GraphCalendar(office.graph()) if again else office.calendar


def _put(office: World, invites: Sequence[Invite], again: bool) -> Results:
    asked = [replace(invite, fresh=not again) for invite in invites]
    return _calendar(office, again).put(asked)


def _post(office: World, mails: Sequence[Mail], again: bool) -> Results:
    mailer = GraphMailer(office.graph()) if again else office.mailer
    went = mailer.sent(mails) if again else {}
    left = [mail for mail in mails if not went.get(mail.key)]
    return {mail.key: Done() for mail in mails} | dict(mailer.send(left))


def _until_done(act: Callable[[bool], Results]) -> None:
    """Act as the loop does: again while something is open, and careful after the first time."""
    for attempt in range(5):
        try:
            results = act(attempt > 0)
        except Trouble:
            continue
        assert not [result for result in results.values() if isinstance(result, Permanent)]
        if all(isinstance(result, Done) for result in results.values()):
            return
    pytest.fail("not settled after five attempts")


def assert_as_without_faults(office: World) -> None:
    """The books show what a cycle without any fault leaves behind."""
    books = office.double.books
    assert sorted(uid for _, uid in books.created) == sorted(invite.uid for invite in INVITES)
    assert len(books.cancelled) == 1
    seen = {event.uid: event.start for event in office.sees(MANAGER.email)}
    assert seen == {MOVED.uid: MOVED.start, INVITES[1].uid: INVITES[1].start}
    for person in (EMPLOYEE, MANAGER):
        arrived = [mail.content for mail in MAILS if mail.to == person.email]
        assert sorted(office.inbox(person.email)) == sorted(arrived)


FAULTS = {
    "lost after it was done": Fault(after=True),
    "lost before it was done": Fault(),
    "503 after it was done": Fault(503, after=True),
    "500 before it was done": Fault(500),
    "504 after it was done": Fault(504, after=True),
    "429 with a pause": Fault(429, headers={"Retry-After": "0"}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_request_of_a_cycle_may_be_hurt_once(office: World, name: str) -> None:
    number = 0
    while True:
        number += 1
        office.renew()
        office.double.hurt = nth(number, FAULTS[name], parts=False)
        a_cycle(office)
        assert_as_without_faults(office)
        changes = [a for a in office.double.requests() if a.method == "POST" and "$" in a.path]
        if len(changes) < number:
            break

    assert number > 5


@pytest.mark.parametrize("name", [name for name in FAULTS if FAULTS[name].status])
def test_each_part_of_a_batch_may_be_hurt_once(office: World, name: str) -> None:
    for number in range(1, 20):
        office.renew()
        office.double.hurt = nth(number, FAULTS[name], parts=True)
        a_cycle(office)
        assert_as_without_faults(office)


@pytest.mark.parametrize("name", ["lost after it was done", "503 after it was done"])
def test_nothing_depends_on_how_long_a_transaction_is_remembered(office: World, name: str) -> None:
    for number in range(1, 14):
        office.renew()
        office.double.books.forgets_transactions = True
        office.double.hurt = nth(number, FAULTS[name], parts=False)
        a_cycle(office)
        assert_as_without_faults(office)


def test_an_event_from_before_a_restore_is_found_and_not_made_again(office: World) -> None:
    office.double.books.forgets_transactions = True
    office.calendar.put([replace(INVITES[0], fresh=True)])

    (result,) = GraphCalendar(office.graph()).put([INVITES[0]]).values()

    assert isinstance(result, Done)
    assert len(office.double.books.created) == 1


def test_a_second_turn_creates_and_sends_nothing(office: World) -> None:
    a_cycle(office)
    before = len(office.double.asked)

    results = GraphCalendar(office.graph()).put([MOVED, INVITES[1]])
    sent = GraphMailer(office.graph()).sent(MAILS)

    assert all(isinstance(result, Done) for result in results.values())
    assert all(sent.values())
    assert_as_without_faults(office)
    later = [asked for asked in office.double.asked[before:] if asked.part]
    assert {asked.method for asked in later} == {"GET"}


def test_a_creation_whose_answer_is_always_lost_is_ambiguous_and_made_once(office: World) -> None:
    def hurt(asked: Asked) -> Fault | None:
        creates = asked.part and asked.path.endswith("/events")
        looks = asked.part and "$filter" in asked.path
        return Fault(503, after=True) if creates else Fault(503) if looks else None

    office.double.hurt = hurt

    (result,) = office.calendar.put([replace(INVITES[0], fresh=True)]).values()

    office.double.hurt = lambda _: None
    (again,) = office.calendar.put([INVITES[0]]).values()

    assert isinstance(result, Ambiguous)
    assert isinstance(again, Done)
    assert again.found is None
    assert len(office.double.books.created) == 1


def test_an_event_a_person_deleted_during_the_doubt_stays_deleted(office: World) -> None:
    office.calendar.put([INVITES[0]])
    office.delete(EMPLOYEE.email, INVITES[0].uid)

    (result,) = office.calendar.put([replace(INVITES[0], fresh=True)]).values()

    assert isinstance(result, Done)
    assert result.found is not None
    assert not result.found.present


def test_a_repeat_with_another_time_finds_the_event_it_made(office: World) -> None:
    """A database from before the booking plans anew and meets its own event."""
    office.calendar.put([INVITES[0]])
    elsewhere = replace(INVITES[0], start=at(9).start, end=at(9).end, fresh=True)

    (result,) = office.calendar.put([elsewhere]).values()

    assert isinstance(result, Done)
    assert result.found is not None
    assert (result.found.start, result.found.end) == (INVITES[0].start, INVITES[0].end)
    assert len(office.double.books.created) == 1


def test_a_change_between_reading_and_writing_is_not_overwritten(office: World) -> None:
    office.calendar.put([INVITES[0]])

    def hurt(asked: Asked) -> Fault | None:
        if asked.method == "PATCH":
            office.double.hurt = lambda _: None
            office.move(EMPLOYEE.email, INVITES[0].uid, at(8))
        return None

    office.double.hurt = hurt
    (result,) = office.calendar.put([MOVED]).values()

    assert isinstance(result, Done)
    assert result.found is not None
    assert result.found.start == at(8).start
    assert office.sees(EMPLOYEE.email)[0].start == at(8).start


def test_a_whole_outage_is_trouble(office: World) -> None:
    office.double.hurt = lambda asked: Fault(503) if "oauth2" not in asked.path else None

    with pytest.raises(Trouble):
        office.calendar.look([a_meeting(INVITES[0])])


def test_an_outage_that_may_have_done_something_is_not_trouble(office: World) -> None:
    office.double.hurt = lambda asked: Fault(after=True) if asked.path == "/$batch" else None

    results = office.calendar.put([replace(INVITES[0], fresh=True)])

    assert isinstance(results[INVITES[0].uid], Ambiguous)
    assert len(office.double.books.created) == 1


def test_only_what_was_throttled_is_asked_again_after_the_longest_pause(office: World) -> None:
    seen: list[str] = []
    pauses = {1: "7", 3: "3"}

    def hurt(asked: Asked) -> Fault | None:
        if asked.part:
            seen.append(asked.path)
        wait = pauses.pop(len(seen), "")
        return Fault(429, headers={"Retry-After": wait}) if asked.part and wait else None

    office.double.hurt = hurt
    results = office.calendar.put([replace(invite, fresh=True) for invite in INVITES])

    assert all(isinstance(result, Done) for result in results.values())
    assert len(seen) == 5
    assert 7 <= office.slept[0] <= 9
    assert len(office.double.books.created) == 3


@pytest.mark.parametrize(("stated", "least", "most"), [("0", 1, 3), ("-1", 0, 3), ("soon", 0, 3)])
def test_a_pause_without_sense_gets_our_own_floor(
    office: World, stated: str, least: float, most: float
) -> None:
    office.double.hurt = nth(1, Fault(429, headers={"Retry-After": stated}), parts=True)

    office.calendar.put([replace(INVITES[0], fresh=True)])

    assert least <= office.slept[0] <= most


def test_a_pause_longer_than_the_call_is_left_to_the_caller(office: World) -> None:
    office.double.hurt = nth(1, Fault(429, headers={"Retry-After": "1000000000"}), parts=True)

    (result,) = office.calendar.put([replace(INVITES[0], fresh=True)]).values()

    assert result == Temporary("Microsoft asks for a pause", timedelta(hours=1))
    assert office.slept == []


def test_no_more_than_four_requests_are_in_flight(office: World) -> None:
    people = [Person(Email(f"p{n}@acme.example"), "P", MANAGER.email) for n in range(200)]
    for person in people:
        office.double.books.mailbox(person.email)
    office.double.latency = 0.02

    office.calendar.put([replace(an_invite(at(10), p), fresh=True) for p in people])

    assert len(office.double.books.created) == 200
    assert 2 <= office.double.most_in_flight <= 4


def test_a_part_without_an_answer_is_settled(
    office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = office.double._batch

    def without_first(body: dict) -> object:
        reply = whole(body)
        reply.body["responses"].pop()
        monkeypatch.undo()
        return reply

    monkeypatch.setattr(office.double, "_batch", without_first)
    results = office.calendar.put([replace(invite, fresh=True) for invite in INVITES])

    assert all(isinstance(result, Done) for result in results.values())
    assert len(office.double.books.created) == 3


def empty_once(office: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next look-up is answered as if nothing was there."""
    whole = office.double.books.answer
    left = ["once"]

    def answer(method: str, url: str, headers: Mapping[str, str], body: Any) -> Reply:
        if "$filter" in url and left:
            left.clear()
            return Reply(200, {"value": []})
        return whole(method, url, headers, body)

    monkeypatch.setattr(office.double.books, "answer", answer)


def test_an_event_that_is_missing_once_is_not_deleted(
    office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.calendar.put([INVITES[0]])
    empty_once(office, monkeypatch)

    seen = office.calendar.look([a_meeting(INVITES[0])])[INVITES[0].uid]

    assert isinstance(seen, Observed)
    assert seen.present


def test_a_change_to_an_event_that_is_missing_once_is_made(
    office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.calendar.put([INVITES[0]])
    empty_once(office, monkeypatch)

    (result,) = office.calendar.put([MOVED]).values()

    assert isinstance(result, Done)
    assert result.found is None
    assert office.sees(MANAGER.email)[0].start == MOVED.start
