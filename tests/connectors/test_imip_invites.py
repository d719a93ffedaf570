"""Invitations as they leave: their shape, their bytes, who gets them, and what a refusal means."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._ical_write import write
from connectors._imip_mail import Sender, mail
from connectors.imip import Imip
from daemon.config.imip import Imip as ImipSection
from daemon.config.model import Config, MailSection, Organization
from daemon.config.smtp import Smtp as SmtpSection
from daemon.core.domain import Email, Interval, Invite, Key, Mail, Party
from daemon.core.ports import Done, Mailer, Permanent, Result, Temporary, Trouble
from tests.connectors.contract import EMPLOYEE, MANAGER, OTHER, an_invite, at, moved, withdrawn
from tests.doubles.programs import Program, opened
from tests.doubles.smtp import DROP, TAKE_AND_DROP, Smtp, smtp

INVITE = an_invite(at(10))
UID = INVITE.uid
SENDER = Sender(Email("careloop@acme.example"), "careloop")


@pytest.fixture
def server() -> Iterator[Smtp]:
    with smtp() as double:
        yield double


@pytest.fixture
def calendar(server: Smtp, tmp_path: Path) -> Imip:
    return opened_at(server, tmp_path)


def opened_at(server: Smtp, root: Path, *, mailer: Mailer | None = None, **settings: str) -> Imip:
    """The connector without a mailbox, as a fresh process opens it."""
    return Imip(
        Config(
            root=root,
            organization=Organization(name="Acme"),
            mail=MailSection(sender="careloop@acme.example", kind="smtp"),
            smtp=SmtpSection(host="127.0.0.1", port=server.port, tls="none"),
            imip=ImipSection(**settings),  # type: ignore[arg-type]
        ),
        mailer,
    )


def an_invitation(invite: Invite = INVITE, to: int = 1, method: str = "REQUEST") -> Mail:
    """The mail to an attendee."""
    ics = write(invite, method=method, sent_by=SENDER.email)
    return mail(invite, ics, method, invite.attendees[to], SENDER)


# --- the mail -------------------------------------------------------------------------------


def test_an_invitation_has_the_shape_every_program_shows() -> None:
    found = BytesParser(policy=policy.default).parsebytes(an_invitation().content)
    method, event = opened(an_invitation().content)

    assert method == "REQUEST"
    assert event.organizer.value == f"mailto:{EMPLOYEE.email}"
    assert event.organizer.params["SENT-BY"] == ["mailto:careloop@acme.example"]
    assert {each.value for each in event.attendee_list} == {
        f"mailto:{EMPLOYEE.email}",
        f"mailto:{MANAGER.email}",
    }
    assert str(event.dtstart.value.tzinfo) in {"UTC", "tzutc()"}
    assert found["From"].addresses[0].addr_spec == "careloop@acme.example"
    assert found["To"].addresses[0].addr_spec == MANAGER.email
    assert found["Content-Class"] == "urn:content-classes:calendarmessage"
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["X-Careloop-Meeting"] == UID
    assert found["Reply-To"] is None
    assert "2027-03-02 11:00-12:00 (Europe/Berlin)" in found.get_body(("plain",)).get_content()


def test_a_withdrawal_says_so_in_both_places() -> None:
    falls = withdrawn(INVITE)

    method, event = opened(an_invitation(falls, method="CANCEL").content)

    assert method == "CANCEL"
    assert event.status.value == "CANCELLED"
    assert int(event.sequence.value) > INVITE.sequence


def test_equal_invites_are_equal_mails_and_others_are_not() -> None:
    assert an_invitation() == an_invitation()
    assert an_invitation().message_id != an_invitation(to=0).message_id
    assert an_invitation().message_id != an_invitation(moved(INVITE, at(12))).message_id


@given(words=st.text(max_size=200), name=st.text(max_size=80))
def test_any_words_stay_words(words: str, name: str) -> None:
    party = Party(MANAGER.email, name)
    invite = replace(
        INVITE,
        summary=words,
        description=words,
        comment=words,
        attendees=(Party(EMPLOYEE.email, name), party),
    )

    content = an_invitation(invite).content
    method, event = opened(content)

    head, _, _ = content.partition(b"\r\n\r\n")
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if line[:1] not in b" \t"]
    assert names.count(b"To") == names.count(b"Subject") == names.count(b"From") == 1
    assert b"Bcc" not in names
    assert method == "REQUEST"
    assert event.uid.value == UID
    assert len(event.attendee_list) == 2
    assert max(map(len, content.split(b"\r\n"))) <= 998


def test_an_id_stays_short_whatever_our_domain() -> None:
    sender = Sender(Email(f"careloop@{'a-long-name.' * 10}example"), "careloop")

    sent = mail(INVITE, write(INVITE, method="REQUEST"), "REQUEST", INVITE.attendees[1], sender)

    assert len(sent.message_id) <= 70
    assert sent.message_id.encode() in sent.content


# --- who gets what --------------------------------------------------------------------------


def test_nobody_is_invited_twice_to_the_same(server: Smtp, calendar: Imip, tmp_path: Path) -> None:
    calendar.put([INVITE])
    calendar.put([INVITE])
    opened_at(server, tmp_path).put([INVITE])

    assert len(server.inbox(EMPLOYEE.email)) == len(server.inbox(MANAGER.email)) == 1


def test_without_its_journal_a_repeat_is_the_same_mail(
    server: Smtp, calendar: Imip, tmp_path: Path
) -> None:
    calendar.put([INVITE])
    for file in (tmp_path / ".cache").iterdir():
        file.unlink()

    opened_at(server, tmp_path).put([INVITE])

    first, second = server.inbox(MANAGER.email)
    assert first == second


def test_who_has_it_already_is_not_written_to_while_the_other_waits(
    server: Smtp, calendar: Imip
) -> None:
    server.script("rcpt", None, "451 4.7.1 greylisted")

    first = calendar.put([INVITE])[UID]
    second = calendar.put([INVITE])[UID]

    assert isinstance(first, Temporary)
    assert first.retry_after is not None
    assert isinstance(second, Done)
    assert len(server.inbox(EMPLOYEE.email)) == len(server.inbox(MANAGER.email)) == 1


@pytest.mark.parametrize("fault", [DROP, TAKE_AND_DROP])
def test_a_lost_answer_is_settled_by_the_same_mail_once_more(
    server: Smtp, calendar: Imip, fault: str
) -> None:
    server.script("dot", fault)

    first = calendar.put([INVITE])[UID]
    second = calendar.put([INVITE])[UID]

    assert isinstance(first, Temporary)
    assert isinstance(second, Done)
    assert len(set(server.inbox(MANAGER.email))) == 1
    assert len(server.inbox(EMPLOYEE.email)) == 1
    program = Program(MANAGER.email)
    for content in server.inbox(MANAGER.email):
        program.receive(content)
    assert program.shown == [("REQUEST", UID)]


class Killed(BaseException):
    """The process ends here."""


class Dying:
    """A mailer whose process is killed at its n-th letter, before or after it has gone out."""

    def __init__(self, mailer: Mailer, last: int, *, after: bool) -> None:
        self.mailer, self.left, self.after = mailer, last, after
        self.sent = mailer.sent

    def send(self, mails: Sequence[Mail]) -> Mapping[Key, Result]:
        results: dict[Key, Result] = {}
        for letter in mails:
            self.left -= 1
            if self.left == -1:
                if self.after:
                    self.mailer.send([letter])
                raise Killed
            results |= self.mailer.send([letter])
        return results


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(12))
def test_killed_at_any_letter_nobody_has_an_event_twice_or_not_at_all(
    server: Smtp, tmp_path: Path, number: int, after: bool
) -> None:
    invites = [INVITE, an_invite(at(12), OTHER, MANAGER)]
    revised = [moved(each, at(14 + n)) for n, each in enumerate(invites)]
    dying = Dying(opened_at(server, tmp_path)._mailer, number, after=after)

    for some in (invites, revised, [withdrawn(revised[0])]):
        deed = "cancel" if len(some) == 1 else "put"
        try:
            getattr(opened_at(server, tmp_path, mailer=dying), deed)(some)
        except Killed:
            getattr(opened_at(server, tmp_path), deed)(some)

    for person, expected in ((EMPLOYEE, []), (OTHER, [at(15)]), (MANAGER, [at(15)])):
        program = Program(person.email)
        for content in server.inbox(person.email):
            program.receive(content)
        assert [Interval(x.start, x.end) for x in program.entries.values()] == expected
        assert len(program.shown) == len(set(server.inbox(person.email)))
        assert len(server.inbox(person.email)) <= len(program.shown) + 2  # one round of both


def test_an_employee_is_not_invited_to_a_manager_out_of_reach(server: Smtp, calendar: Imip) -> None:
    server.refused[MANAGER.email] = "550 5.1.1 no such mailbox"
    other = an_invite(at(12), OTHER, EMPLOYEE)

    answer = calendar.put([INVITE, other])

    refusal = answer[UID]
    assert isinstance(refusal, Permanent)
    assert "no such mailbox" in refusal.reason
    assert isinstance(answer[other.uid], Done)
    assert [opened(each)[1].uid.value for each in server.inbox(EMPLOYEE.email)] == [other.uid]


def test_a_manager_invited_by_an_employee_out_of_reach_is_told_at_once(
    server: Smtp, calendar: Imip
) -> None:
    server.refused[EMPLOYEE.email] = "550 5.1.1 no such mailbox"

    answer = calendar.put([INVITE])[UID]

    assert isinstance(answer, Permanent)
    program = Program(MANAGER.email)
    for content in server.inbox(MANAGER.email):
        program.receive(content)
    assert program.entries == {}
    assert [method for method, _ in program.shown] == ["REQUEST", "CANCEL"]


def test_a_meeting_of_somebody_whose_mailbox_is_gone_can_be_withdrawn(
    server: Smtp, calendar: Imip
) -> None:
    calendar.put([INVITE])
    server.refused[EMPLOYEE.email] = "550 5.1.1 no such mailbox"

    answer = calendar.cancel([withdrawn(INVITE)])[UID]

    assert isinstance(answer, Done)
    assert opened(server.inbox(MANAGER.email)[-1])[0] == "CANCEL"


def test_an_address_no_mail_reaches_is_refused_before_anything_is_sent(
    server: Smtp, calendar: Imip
) -> None:
    strange = replace(MANAGER, email=Email("mära@acme.example"))
    invite = an_invite(at(10), EMPLOYEE, strange)

    answer = calendar.put([invite])[invite.uid]

    assert isinstance(answer, Permanent)
    assert server.taken == []


def test_a_number_used_before_a_restore_is_not_used_for_another_time(
    server: Smtp, calendar: Imip
) -> None:
    program = Program(MANAGER.email)
    calendar.put([INVITE])
    calendar.put([moved(INVITE, at(12))])
    restored = replace(moved(INVITE, at(16)), stamp=INVITE.stamp)

    answer = calendar.put([restored])[UID]

    for content in server.inbox(MANAGER.email):
        program.receive(content)
    assert isinstance(answer, Done)
    assert program.entries[UID].start == at(16).start


def test_with_the_service_as_organizer_answers_come_by_themselves(
    server: Smtp, tmp_path: Path
) -> None:
    calendar = opened_at(server, tmp_path, organizer="service")

    calendar.put([INVITE])

    for person in (EMPLOYEE, MANAGER):
        (content,) = server.inbox(person.email)
        _, event = opened(content)
        mine = [a for a in event.attendee_list if a.value == f"mailto:{person.email}"]
        assert event.organizer.value == "mailto:careloop@acme.example"
        assert mine[0].params["PARTSTAT"] == ["NEEDS-ACTION"]


def test_a_server_out_of_reach_is_trouble(calendar: Imip, tmp_path: Path) -> None:
    with smtp() as gone:
        pass

    with pytest.raises(Trouble):
        opened_at(gone, tmp_path).put([INVITE])


def test_without_a_mail_server_it_does_not_open() -> None:
    with pytest.raises(Trouble, match=r"\[smtp\]"):
        Imip(Config(organization=Organization(name="Acme")))
