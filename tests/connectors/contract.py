"""What every calendar and every mailer promises, whatever its kind.

A kind subclasses `CalendarContract` or `MailerContract` and supplies one fixture, `world`: its
connector together with the hands and eyes of the people on the other side.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from daemon.core.domain import (
    Availability,
    Email,
    Interval,
    Invite,
    Key,
    Kind,
    Mail,
    Meeting,
    Pair,
    Party,
    Person,
    Reply,
    Uid,
    uid_of,
)
from daemon.core.ports import Calendar, Done, Mailer, Permanent, Unknown

EMPLOYEE = Person(Email("emma@acme.example"), "Emma Employee", Email("mara@acme.example"))
MANAGER = Person(Email("mara@acme.example"), "Mara Manager")
OTHER = Person(Email("otto@acme.example"), "Otto Other", Email("mara@acme.example"))
PEOPLE = (EMPLOYEE, MANAGER, OTHER)

DAY = datetime(2027, 3, 2, tzinfo=UTC)
"""A Tuesday."""


def at(hour: int, minutes: int = 60, day: int = 0) -> Interval:
    """A stretch of `minutes` that starts at `hour` UTC, `day` days after `DAY`."""
    start = DAY + timedelta(days=day, hours=hour)
    return Interval(start, start + timedelta(minutes=minutes))


def an_invite(
    when: Interval,
    employee: Person = EMPLOYEE,
    manager: Person = MANAGER,
    *,
    number: int = 1,
    generation: int = 1,
) -> Invite:
    """A new invite of a pair."""
    pair = Pair(employee.email, manager.email)
    organizer = Party(employee.email, employee.name)
    return Invite(
        uid=uid_of(pair, number, generation),
        sequence=0,
        organizer=organizer,
        attendees=(organizer, Party(manager.email, manager.name)),
        start=when.start,
        end=when.end,
        zone="Europe/Berlin",
        summary="Performance connection",
        description="A talk the employee leads.",
        stamp=DAY - timedelta(days=20),
        url="http://127.0.0.1:8080/m/abc",
        pair=pair,
        number=number,
        generation=generation,
    )


def moved(invite: Invite, when: Interval) -> Invite:
    """The next revision of an invite, at another time."""
    return replace(
        invite,
        sequence=invite.sequence + 1,
        start=when.start,
        end=when.end,
        stamp=invite.stamp + timedelta(days=1),
        before=Interval(invite.start, invite.end),
    )


def withdrawn(invite: Invite) -> Invite:
    """The invite as `cancel` gets it."""
    return replace(
        invite,
        sequence=invite.sequence + 1,
        stamp=invite.stamp + timedelta(days=2),
        before=Interval(invite.start, invite.end),
        comment="This meeting will not take place.",
    )


def a_meeting(invite: Invite) -> Meeting:
    """The meeting an invite stands for, as the store knows it."""
    assert invite.pair is not None
    return Meeting(
        uid=invite.uid,
        pair=invite.pair,
        number=invite.number,
        generation=invite.generation,
        kind=Kind.FIRST,
        start=invite.start,
        end=invite.end,
        zone=invite.zone,
        sequence=invite.sequence,
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as one person sees it in their calendar. `uid` is the iCalendar UID."""

    uid: str
    start: datetime
    end: datetime
    summary: str = ""
    organizer: str = ""
    attendees: frozenset[str] = frozenset()
    sequence: int | None = None
    """None where this kind of calendar has none."""


class CalendarWorld(Protocol):
    """A connector and the people on the other side of it; all of `PEOPLE` have a calendar."""

    calendar: Calendar

    def reopen(self) -> Calendar:
        """The connector of a new process over the same calendars."""
        ...

    def add(self, person: Email, when: Interval, summary: str = "Dentist") -> None:
        """The person enters an appointment of their own."""
        ...

    def move(self, person: Email, uid: Uid, to: Interval) -> None:
        """The person drags our event to another time."""
        ...

    def delete(self, person: Email, uid: Uid) -> None:
        """The person deletes our event."""
        ...

    def answer(self, person: Email, uid: Uid, reply: Reply) -> None:
        """The person accepts or declines."""
        ...

    def sees(self, person: Email) -> list[Seen]:
        """Everything in the person's calendar, our events and their own."""
        ...

    def spoil(self, person: Email) -> None:
        """From now on the person's calendar cannot be read."""
        ...


class CalendarContract:
    """Inherit, supply the fixture `world`, and a kind of calendar is held to its word."""

    @pytest.fixture
    def world(self) -> CalendarWorld:
        """Supplied by each kind."""
        raise NotImplementedError

    # --- busy -------------------------------------------------------------------------------

    def test_busy_time_is_half_open(self, world: CalendarWorld) -> None:
        world.add(EMPLOYEE.email, at(10))

        during = busy(world, EMPLOYEE, Interval(at(9).start, at(12).start))
        before = busy(world, EMPLOYEE, Interval(at(9).start, at(10).start))
        after = busy(world, EMPLOYEE, Interval(at(11).start, at(12).start))

        assert during == (at(10),)
        assert before == ()
        assert after == ()

    def test_busy_time_is_merged_and_sorted(self, world: CalendarWorld) -> None:
        world.add(EMPLOYEE.email, at(15))
        world.add(EMPLOYEE.email, at(10))
        world.add(EMPLOYEE.email, at(11))

        taken = busy(world, EMPLOYEE, Interval(at(8).start, at(18).start))

        assert taken == (at(10, 120), at(15))

    def test_an_empty_calendar_is_free(self, world: CalendarWorld) -> None:
        taken = busy(world, EMPLOYEE, Interval(at(8).start, at(18).start))

        assert taken == ()

    def test_own_meetings_do_not_make_busy(self, world: CalendarWorld) -> None:
        invite = an_invite(at(10))
        world.calendar.put([invite])
        world.add(MANAGER.email, at(14))

        answer = world.calendar.busy(
            [EMPLOYEE, MANAGER], Interval(at(8).start, at(18).start), [a_meeting(invite)]
        )

        assert intervals(answer[EMPLOYEE.email]) == ()
        assert intervals(answer[MANAGER.email]) == (at(14),)

    def test_an_unreadable_calendar_is_unknown_and_the_others_are_answered(
        self, world: CalendarWorld
    ) -> None:
        world.add(EMPLOYEE.email, at(10))
        world.spoil(MANAGER.email)

        answer = world.calendar.busy(PEOPLE, Interval(at(8).start, at(18).start), [])

        broken = answer.get(MANAGER.email, Unknown("left out"))
        assert isinstance(broken, Unknown)
        assert broken.reason
        assert intervals(answer[EMPLOYEE.email]) == (at(10),)
        assert intervals(answer[OTHER.email]) == ()

    def test_nothing_asked_is_nothing_answered(self, world: CalendarWorld) -> None:
        assert world.calendar.busy([], at(8), []) == {}
        assert world.calendar.put([]) == {}
        assert world.calendar.cancel([]) == {}
        assert world.calendar.look([]) == {}

    # --- put --------------------------------------------------------------------------------

    def test_a_new_invite_stands_once_in_both_calendars(self, world: CalendarWorld) -> None:
        invite = an_invite(at(10))

        answer = world.calendar.put([invite])

        assert isinstance(answer[invite.uid], Done)
        for person in (EMPLOYEE, MANAGER):
            (event,) = world.sees(person.email)
            assert (event.uid, event.start, event.end) == (invite.uid, invite.start, invite.end)
            assert event.organizer == EMPLOYEE.email
            assert event.attendees == {EMPLOYEE.email, MANAGER.email}
        assert world.sees(OTHER.email) == []

    def test_the_same_put_twice_is_one_event(self, world: CalendarWorld) -> None:
        invite = an_invite(at(10))

        world.calendar.put([invite])
        again = world.calendar.put([invite])

        assert again[invite.uid] == Done(id=done(again[invite.uid]).id)
        assert len(world.sees(EMPLOYEE.email)) == 1
        assert len(world.sees(MANAGER.email)) == 1

    def test_a_put_whose_answer_was_lost_adopts_its_own_event(self, world: CalendarWorld) -> None:
        invite = an_invite(at(10))
        world.calendar.put([invite])

        again = world.reopen().put([invite])

        assert done(again[invite.uid]).found is None
        assert len(world.sees(EMPLOYEE.email)) == 1
        assert len(world.sees(MANAGER.email)) == 1

    def test_a_moved_invite_keeps_its_uid_and_raises_its_sequence(
        self, world: CalendarWorld
    ) -> None:
        invite = an_invite(at(10))
        world.calendar.put([invite])
        (before,) = world.sees(MANAGER.email)

        answer = world.calendar.put([moved(invite, at(14))])

        assert done(answer[invite.uid]).found is None
        for person in (EMPLOYEE, MANAGER):
            (event,) = world.sees(person.email)
            assert (event.uid, event.start, event.end) == (invite.uid, at(14).start, at(14).end)
        (after,) = world.sees(MANAGER.email)
        if before.sequence is not None and after.sequence is not None:
            assert after.sequence > before.sequence

    def test_a_moved_invite_may_be_repeated(self, world: CalendarWorld) -> None:
        invite = an_invite(at(10))
        world.calendar.put([invite])
        world.calendar.put([moved(invite, at(14))])

        again = world.reopen().put([moved(invite, at(14))])

        assert done(again[invite.uid]).found is None
        (event,) = world.sees(MANAGER.email)
        assert event.start == at(14).start

    def test_a_persons_move_wins_over_a_late_put(self, world: CalendarWorld) -> None:
        invite = an_invite(at(10))
        world.calendar.put([invite])
        world.move(EMPLOYEE.email, invite.uid, at(16))

        answer = world.calendar.put([moved(invite, at(14))])

        found = done(answer[invite.uid]).found
        assert found is not None
        assert (found.present, found.start, found.end) == (True, at(16).start, at(16).end)
        (event,) = world.sees(EMPLOYEE.email)
        assert event.start == at(16).start

    def test_a_deleted_event_does_not_come_back(self, world: CalendarWorld) -> None:
        invite = an_invite(at(10))
        world.calendar.put([invite])
        world.delete(EMPLOYEE.email, invite.uid)

        answer = world.calendar.put([moved(invite, at(14))])

        found = done(answer[invite.uid]).found
        assert found is not None
        assert not found.present
        assert world.sees(EMPLOYEE.email) == []

    def test_the_next_generation_is_another_event(self, world: CalendarWorld) -> None:
        invite = an_invite(at(10))
        world.calendar.put([invite])
        world.delete(EMPLOYEE.email, invite.uid)
        second = an_invite(at(14), generation=2)

        answer = world.calendar.put([second])

        assert done(answer[second.uid]).found is None
        (event,) = world.sees(EMPLOYEE.email)
        assert (event.uid, event.start) == (second.uid, at(14).start)

    def test_hostile_words_stay_words(self, world: CalendarWorld) -> None:
        evil = 'Eve";CN="x\r\nATTENDEE:mailto:spy@evil.example\nX-A:b\x00;,:\\^n'
        invite = an_invite(at(10))
        hostile = replace(
            invite,
            organizer=Party(EMPLOYEE.email, evil),
            attendees=(Party(EMPLOYEE.email, evil), Party(MANAGER.email, evil)),
            summary=evil,
            description=evil * 20,
        )

        answer = world.calendar.put([hostile])

        assert isinstance(answer[invite.uid], Done)
        (event,) = world.sees(MANAGER.email)
        assert event.attendees == {EMPLOYEE.email, MANAGER.email}
        assert event.organizer == EMPLOYEE.email
        assert (event.start, event.end) == (invite.start, invite.end)

    def test_each_invite_gets_its_own_result(self, world: CalendarWorld) -> None:
        invites = [
            an_invite(at(10)),
            an_invite(at(12), OTHER, MANAGER),
            an_invite(at(14), number=2),
        ]

        answer = world.calendar.put(invites)

        assert set(answer) == {invite.uid for invite in invites}
        assert all(isinstance(result, Done) for result in answer.values())
        assert len(world.sees(MANAGER.email)) == 3

    def test_one_broken_row_does_not_stop_the_others(self, world: CalendarWorld) -> None:
        nobody = Person(Email("nobody@elsewhere.invalid"), "Nobody", MANAGER.email)
        bad = an_invite(at(9), nobody, MANAGER)
        good = an_invite(at(10))

        answer = world.calendar.put([bad, good])

        assert not isinstance(answer[bad.uid], Done)
        assert isinstance(answer[good.uid], Done)

    # --- look -------------------------------------------------------------------------------

    def test_an_untouched_event_is_told_as_it_stands(self, world: CalendarWorld) -> None:
        invite = an_invite(at(10))
        world.calendar.put([invite])

        observed = world.calendar.look([a_meeting(invite)])[invite.uid]

        assert not isinstance(observed, Unknown)
        assert observed.present
        assert (observed.start, observed.end) == (invite.start, invite.end)
        assert observed.replies.get(MANAGER.email, Reply.NEEDS_ACTION) is Reply.NEEDS_ACTION

    def test_a_persons_move_is_seen(self, world: CalendarWorld) -> None:
        invite = an_invite(at(10))
        world.calendar.put([invite])
        world.move(EMPLOYEE.email, invite.uid, at(16, 30))

        observed = world.calendar.look([a_meeting(invite)])[invite.uid]

        assert not isinstance(observed, Unknown)
        assert (observed.present, observed.start, observed.end) == (
            True,
            at(16, 30).start,
            at(16, 30).end,
        )

    def test_a_deletion_is_seen(self, world: CalendarWorld) -> None:
        invite, stays = an_invite(at(10)), an_invite(at(12), OTHER, MANAGER)
        world.calendar.put([invite, stays])
        world.delete(EMPLOYEE.email, invite.uid)

        answer = world.calendar.look([a_meeting(invite), a_meeting(stays)])

        gone, still = answer[invite.uid], answer[stays.uid]
        assert not isinstance(gone, Unknown)
        assert not gone.present
        assert not isinstance(still, Unknown)
        assert still.present

    @pytest.mark.parametrize("reply", [Reply.ACCEPTED, Reply.DECLINED, Reply.TENTATIVE])
    def test_the_managers_answer_is_seen(self, world: CalendarWorld, reply: Reply) -> None:
        invite = an_invite(at(10))
        world.calendar.put([invite])
        world.answer(MANAGER.email, invite.uid, reply)

        observed = world.calendar.look([a_meeting(invite)])[invite.uid]

        assert not isinstance(observed, Unknown)
        assert observed.replies[MANAGER.email] is reply

    def test_a_calendar_that_cannot_be_read_is_not_a_deletion(self, world: CalendarWorld) -> None:
        invite = an_invite(at(10))
        world.calendar.put([invite])
        world.spoil(EMPLOYEE.email)
        world.spoil(MANAGER.email)

        observed = world.calendar.look([a_meeting(invite)]).get(invite.uid, Unknown("left out"))

        assert isinstance(observed, Unknown) or observed.present

    # --- cancel -----------------------------------------------------------------------------

    def test_a_cancelled_event_is_gone_and_foreign_ones_stay(self, world: CalendarWorld) -> None:
        invite = an_invite(at(10))
        world.calendar.put([invite])
        world.add(EMPLOYEE.email, at(10), "Dentist")

        answer = world.calendar.cancel([withdrawn(invite)])

        assert isinstance(answer[invite.uid], Done)
        assert [event.uid for event in world.sees(EMPLOYEE.email) if event.uid == invite.uid] == []
        assert len(world.sees(EMPLOYEE.email)) == 1
        assert world.sees(MANAGER.email) == []

    def test_cancelling_twice_is_fine(self, world: CalendarWorld) -> None:
        invite = an_invite(at(10))
        world.calendar.put([invite])
        world.calendar.cancel([withdrawn(invite)])

        again = world.reopen().cancel([withdrawn(invite)])

        assert isinstance(again[invite.uid], Done)

    def test_cancelling_what_a_person_deleted_is_fine(self, world: CalendarWorld) -> None:
        invite = an_invite(at(10))
        world.calendar.put([invite])
        world.delete(EMPLOYEE.email, invite.uid)

        answer = world.calendar.cancel([withdrawn(invite)])

        assert isinstance(answer[invite.uid], Done)
        assert world.sees(MANAGER.email) == []


def busy(world: CalendarWorld, person: Person, within: Interval) -> tuple[Interval, ...]:
    """What the calendar says of one person."""
    return intervals(world.calendar.busy([person], within, [])[person.email])


def intervals(answer: Availability | Unknown) -> tuple[Interval, ...]:
    """The busy time of an answer that has to be known."""
    assert isinstance(answer, Availability), answer
    return answer.busy


def done(result: object) -> Done:
    """A result that has to be done."""
    assert isinstance(result, Done), result
    return result


# --- letters --------------------------------------------------------------------------------


def a_mail(to: Email = EMPLOYEE.email, name: str = "prep", text: str = "Hello") -> Mail:
    """A finished letter as the outbox hands it over."""
    message_id = f"<{name}.{to.split('@', maxsplit=1)[0]}@acme.example>"
    lines = (
        "From: careloop <careloop@acme.example>",
        f"To: {to}",
        "Subject: Your performance connection",
        "Date: Mon, 01 Mar 2027 08:00:00 +0100",
        f"Message-ID: {message_id}",
        "Auto-Submitted: auto-generated",
        f"X-Careloop-Letter: {name}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "",
        text,
        "",
    )
    content = "\r\n".join(lines).encode()
    key = Key(f"letter:{name}:abc@careloop:{to}:0")
    return Mail(key, Email("careloop@acme.example"), to, message_id, content)


class MailWorld(Protocol):
    """A connector and the mailboxes on the other side of it; all of `PEOPLE` have one."""

    mailer: Mailer
    knows: bool
    """Whether this channel can tell what was sent before."""

    def reopen(self) -> Mailer:
        """The connector of a new process over the same mailboxes."""
        ...

    def inbox(self, person: Email) -> Sequence[bytes]:
        """The letters that reached the person, as bytes."""
        ...

    def refuse(self, person: Email) -> None:
        """From now on letters to this person cannot be delivered, for good."""
        ...


class MailerContract:
    """Inherit, supply the fixture `world`, and a kind of mail is held to its word."""

    @pytest.fixture
    def world(self) -> MailWorld:
        """Supplied by each kind."""
        raise NotImplementedError

    def test_a_letter_arrives_once_and_whole(self, world: MailWorld) -> None:
        mail = a_mail(text="Grüße aus Köln")

        answer = world.mailer.send([mail])

        assert isinstance(answer[mail.key], Done)
        (letter,) = world.inbox(EMPLOYEE.email)
        assert "Grüße aus Köln".encode() in letter
        assert mail.message_id.encode() in letter

    def test_nothing_to_send_is_nothing_sent(self, world: MailWorld) -> None:
        assert world.mailer.send([]) == {}
        assert world.mailer.sent([]) == {}

    def test_each_reader_gets_their_own_letter_only(self, world: MailWorld) -> None:
        mails = [a_mail(), a_mail(MANAGER.email, "brief")]

        answer = world.mailer.send(mails)

        assert all(isinstance(answer[mail.key], Done) for mail in mails)
        assert len(world.inbox(EMPLOYEE.email)) == 1
        assert len(world.inbox(MANAGER.email)) == 1
        assert world.inbox(OTHER.email) == []

    def test_the_channel_tells_what_was_sent_where_it_can(self, world: MailWorld) -> None:
        mail, other = a_mail(), a_mail(MANAGER.email, "brief")
        world.mailer.send([mail])

        told = world.reopen().sent([mail, other])

        expected = (True, False) if world.knows else (None, None)
        assert (told[mail.key], told[other.key]) == expected

    def test_a_repeat_makes_no_second_letter_where_the_channel_knows(
        self, world: MailWorld
    ) -> None:
        mail = a_mail()
        world.mailer.send([mail])

        if world.reopen().sent([mail])[mail.key] is not True:
            answer = world.reopen().send([mail])
            assert isinstance(answer[mail.key], Done)

        letters = world.inbox(EMPLOYEE.email)
        assert len(letters) == (1 if world.knows else 2)
        assert {mail.message_id.encode() in letter for letter in letters} == {True}

    def test_a_refused_reader_does_not_stop_the_others(self, world: MailWorld) -> None:
        world.refuse(MANAGER.email)
        bad, good = a_mail(MANAGER.email, "brief"), a_mail()

        answer = world.mailer.send([bad, good])

        refusal = answer[bad.key]
        assert isinstance(refusal, Permanent)
        assert refusal.reason
        assert isinstance(answer[good.key], Done)
        assert len(world.inbox(EMPLOYEE.email)) == 1
        assert world.inbox(MANAGER.email) == []
