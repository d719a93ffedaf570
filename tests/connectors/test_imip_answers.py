"""What the mailbox tells: answers that count and those that do not, machines, bounces, poison."""

import re
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from connectors._imip_sort import Rules, Sort, sort
from connectors.imip import Imip
from daemon.core.domain import Email, Observed, Reply
from daemon.core.ports import Permanent, Temporary, Trouble, Unknown
from tests.connectors.contract import (
    EMPLOYEE,
    MANAGER,
    a_meeting,
    an_invite,
    at,
    done,
    moved,
)
from tests.connectors.mail_world import US, World
from tests.doubles.mailboxes import MISSING, Mailboxes, mailboxes
from tests.doubles.programs import STYLES, Program, bridged, passed_on
from tests.doubles.smtp import smtp

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus-ics" / "files"
RULES = Rules(Email("careloop@acme.example"))
needs_dovecot = pytest.mark.skipif(bool(MISSING), reason=MISSING)
INVITE = an_invite(at(10))
UID = INVITE.uid


@pytest.fixture(scope="module")
def boxes() -> Iterator[Mailboxes]:
    if MISSING:
        pytest.skip(MISSING)
    with mailboxes() as served:
        yield served


@pytest.fixture
def world(boxes: Mailboxes, httpserver: HTTPServer, tmp_path: Path) -> Iterator[World]:
    boxes.forget(US)
    with smtp() as server:
        yield World(server, boxes, httpserver, tmp_path)


@pytest.fixture
def booked(world: World) -> World:
    """`INVITE` stands in both calendars."""
    world.calendar.put([INVITE])
    return world


def seen(world: World) -> Observed:
    """What is known of `INVITE`'s meeting."""
    found = world.calendar.look([a_meeting(INVITE)])[UID]
    assert isinstance(found, Observed), found
    return found


def manager(world: World, style: str = "outlook") -> Program:
    """The manager's program, which has read its mail."""
    program = world.program(MANAGER.email)
    program.style = style
    return program


# --- answers that count ---------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("reply", [Reply.ACCEPTED, Reply.DECLINED, Reply.TENTATIVE])
@pytest.mark.parametrize("way", ["straight", "bridged", "passed_on"])
def test_every_program_is_understood(booked: World, style: str, reply: Reply, way: str) -> None:
    mail = manager(booked, style).answer(UID, reply.value, booked.later())
    if way == "bridged":
        mail = bridged(mail)
    if way == "passed_on":
        mail = passed_on(mail, EMPLOYEE.email)

    booked.tell(mail)

    assert seen(booked).replies == {MANAGER.email: reply}


@pytest.mark.parametrize("style", STYLES)
def test_another_time_is_told_as_a_proposal(booked: World, style: str) -> None:
    booked.tell(manager(booked, style).propose(UID, at(14).start, booked.later()))

    found = seen(booked)

    assert (found.start, found.end) == (at(10).start, at(10).end)
    assert found.proposed == at(14)


def test_the_later_word_counts(booked: World) -> None:
    program = manager(booked)
    proposal = program.propose(UID, at(14).start, booked.later())
    booked.tell(program.answer(UID, "ACCEPTED", booked.later()))
    booked.tell(proposal)

    found = seen(booked)

    assert found.replies == {MANAGER.email: Reply.ACCEPTED}
    assert found.proposed is None


def test_a_name_in_other_letters_is_the_same_person(booked: World) -> None:
    mail = manager(booked).answer(UID, "ACCEPTED", booked.later())

    booked.tell(mail.replace(b"From: Person <mara@", b"From: Person <MARA@"))

    assert seen(booked).replies == {MANAGER.email: Reply.ACCEPTED}


# --- answers that do not --------------------------------------------------------------------


def test_nobody_answers_for_somebody_else(booked: World) -> None:
    mail = manager(booked, "apple").answer(UID, "DECLINED", booked.later())
    booked.tell(mail.replace(b"From: Person <mara@acme", b"From: Person <otto@acme"))
    booked.tell(mail.replace(b"mara@acme", b"otto@acme"))
    booked.tell(
        mail.replace(b"From: Person <mara@acme.example>", b"From: a@b.c, mara@acme.example")
    )

    assert seen(booked).replies == {}


@pytest.mark.parametrize("style", STYLES)
def test_an_answer_to_an_earlier_time_does_not_count(booked: World, style: str) -> None:
    mail = manager(booked, style).answer(UID, "DECLINED", booked.later())
    later = moved(INVITE, at(14))
    booked.calendar.put([later])
    booked.tell(mail)

    found = booked.calendar.look([a_meeting(later)])[UID]

    assert isinstance(found, Observed)
    assert found.replies == {}
    assert found.start == at(14).start


@pytest.mark.parametrize("method", ["REQUEST", "CANCEL"])
def test_only_the_organizer_changes_an_event(booked: World, method: str) -> None:
    program = manager(booked)
    deed = program.move(UID, at(15).start, booked.later())
    mail = deed.replace(b"method=REQUEST", f"method={method}".encode())
    booked.tell(mail)

    found = seen(booked)

    assert found.present
    assert found.start == at(10).start


def test_a_series_made_of_a_meeting_is_refused_with_a_reason() -> None:
    mail = _answer("ACCEPTED", extra="RRULE:FREQ=DAILY\r\n")

    found = sort(mail, RULES)

    assert (found.sort, found.notes) == (Sort.REFUSED, ())
    assert "series" in found.why


def _answer(partstat: str, *, sender: str = "mara@acme.example", extra: str = "") -> bytes:
    made = EmailMessage()
    made["From"], made["To"] = sender, "careloop@acme.example"
    made.set_content("Yes")
    ics = (
        "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\n"
        f"UID:{UID}\r\nDTSTART:20270302T100000Z\r\nDTSTAMP:20270201T000000Z\r\n{extra}"
        f"ATTENDEE;PARTSTAT={partstat}:mailto:mara@acme.example\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    made.add_alternative(ics, subtype="calendar", params={"method": "REPLY"})
    return made.as_bytes()


# --- who vouches for a sender ---------------------------------------------------------------

VOUCHING = Rules(RULES.us, "mx.acme.example")


@pytest.mark.parametrize(
    ("lines", "believed"),
    [
        (["mx.acme.example; dkim=pass header.d=acme.example"], True),
        (["mx.acme.example; spf=fail; dmarc=pass (p=reject) header.from=acme.example"], True),
        (["mx.acme.example 1; spf=pass smtp.mailfrom=mara@acme.example"], True),
        (["other.example; none", "mx.acme.example; dkim=pass header.d=acme.example"], True),
        (["mx.acme.example; dkim=fail header.d=acme.example"], False),
        (["mx.acme.example; dkim=pass header.d=evil.example"], False),
        (["mx.acme.example; dkim=pass (header.d=acme.example) header.d=evil.example"], False),
        (["mx.acme.example; none", "mx.acme.example; dkim=pass header.d=acme.example"], False),
        (["evil.example; dkim=pass header.d=acme.example"], False),
        (["mx.acme.example; dkim=pass header.d=example"], False),
        ([], False),
    ],
)  # fmt: skip
def test_where_it_is_required_our_own_server_has_to_vouch(lines: list[str], believed: bool) -> None:
    head = "".join(f"Authentication-Results: {line}\r\n" for line in lines).encode()

    found = sort(head + _answer("DECLINED"), VOUCHING)

    assert found.sort is (Sort.ANSWER if believed else Sort.REFUSED)
    assert bool(found.notes) == believed


# --- mail that is no answer -----------------------------------------------------------------

ABSENT = b"From: mara@acme.example\r\nAuto-Submitted: auto-replied\r\n\r\nAway"
LISTED = b"From: list@acme.example\r\nList-Id: <all.acme.example>\r\nPrecedence: list\r\n\r\nHi"
HUMAN = b"From: mara@acme.example\r\nSubject: Can we talk?\r\n\r\nPlease call me."
OURS = b"From: x@acme.example\r\nX-Careloop-Meeting: a@careloop\r\n\r\nBack again"
RECEIPT = (
    b"From: mara@acme.example\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nread\r\n--b--\r\n"
)


def a_bounce(who: str = "mara@acme.example", status: str = "5.1.1", envelope: str = "") -> bytes:
    """A delivery report about mail of ours."""
    named = envelope or f"request:{UID}:0:{who}"
    lines = (
        "Return-Path: <>",
        "From: MAILER-DAEMON@mx.acme.example",
        "To: careloop@acme.example",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
        "",
        "--b",
        "Content-Type: text/plain",
        "",
        "I am sorry to have to inform you",
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.acme.example",
        f"Original-Envelope-Id: {named}",
        "",
        f"Final-Recipient: rfc822; {who}",
        "Action: failed",
        f"Status: {status}",
        "",
        "--b--",
        "",
    )
    return "\r\n".join(lines).encode()


def test_machines_are_neither_believed_nor_answered_and_people_are_left_alone(
    booked: World,
) -> None:
    sent = len(booked.server.taken)
    for mail in (ABSENT, LISTED, OURS, RECEIPT, a_bounce(), HUMAN):
        booked.tell(mail)

    found = seen(booked)

    assert found.replies == {}
    assert len(booked.server.taken) == sent
    assert [mail for mail in booked.boxes.mails(US) if b"call me" in mail] == [HUMAN]
    assert len(booked.boxes.mails(US)) == 1
    assert len(booked.boxes.mails(US, "Processed")) == 5


def test_an_address_that_came_back_twice_is_not_invited_again(booked: World) -> None:
    second = an_invite(at(12), number=2)
    booked.tell(a_bounce())
    first = booked.calendar.put([second])[second.uid]
    booked.tell(a_bounce())
    third = an_invite(at(14), number=3)

    answer = booked.calendar.put([third])[third.uid]

    assert done(first)
    assert isinstance(answer, Permanent)
    assert "5.1.1" in answer.reason


@pytest.mark.parametrize(
    "report",
    [
        a_bounce(status="4.4.1"),
        a_bounce(envelope="newsletter-7"),
        a_bounce().replace(b"Action: failed", b"Action: delayed"),
    ],
)
def test_only_a_final_report_about_our_mail_marks_an_address(report: bytes) -> None:
    found = sort(report, RULES)

    assert found.sort is Sort.REPORT
    assert found.bounced == ()


# --- hostile mail ---------------------------------------------------------------------------


def nested(depth: int) -> bytes:
    """Multiparts in multiparts."""
    head = b"From: mara@acme.example\r\nMIME-Version: 1.0\r\n"
    opened = b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n)
        for n in range(depth)
    )
    return head + opened + b"Content-Type: text/plain\r\n\r\nx\r\n"


@pytest.mark.parametrize(
    "mail",
    [
        b"",
        b"\x00\xff\xfe" * 1000,
        b"From: mara@acme.example\r\nContent-Type: text/calendar\r\n\r\n@careloop BEGIN:NOTHING",
        _answer("ACCEPTED")[:-60],
        _answer("ACCEPTED", extra="ATTENDEE:mailto:a@b.c\r\n", sender="x@acme.example"),
        _answer("ACCEPTED", extra="X:" + "y" * 300_000 + "\r\n"),
        nested(2000),
        b"From: mara@acme.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"--b\r\nContent-Type: text/calendar\r\n\r\n\r\n" * 5000,
        _answer("ACCEPTED").replace(b"utf-8", b"no-such-charset"),
    ],
    ids=range(9),
)
def test_whatever_comes_in_is_sorted_and_never_raises(mail: bytes) -> None:
    found = sort(mail, RULES)

    assert found.sort in {Sort.REFUSED, Sort.PERSON, Sort.MACHINE}
    assert found.notes == ()
    assert found.sort is not Sort.REFUSED or found.why


def test_poison_goes_to_the_quarantine_and_the_rest_is_read(booked: World) -> None:
    booked.tell(_answer("ACCEPTED")[:-60])
    booked.tell(HUMAN + b"x" * 2_000_000)
    booked.answer(MANAGER.email, UID, Reply.ACCEPTED)

    assert seen(booked).replies == {MANAGER.email: Reply.ACCEPTED}
    assert len(booked.boxes.mails(US, "Quarantine")) == 2
    assert len(booked.boxes.mails(US, "Processed")) == 1
    assert booked.boxes.mails(US) == []


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpus is not at {CORPUS}")
def test_real_calendar_objects_about_others_meetings_say_nothing_to_us() -> None:
    methods = set()
    for file in sorted(CORPUS.iterdir()):
        content = file.read_bytes()
        mail = EmailMessage()
        mail["From"] = "mara@acme.example"
        mail.set_content("x")
        mail.add_attachment(content, maintype="text", subtype="calendar", filename="a.ics")
        methods |= set(re.findall(rb"^METHOD:(\w+)", content, re.MULTILINE))

        found = sort(mail.as_bytes(), RULES)

        assert found.notes == ()
    assert {b"REPLY", b"COUNTER", b"DECLINECOUNTER", b"CANCEL"} <= methods


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpus is not at {CORPUS}")
@pytest.mark.parametrize("name", ["6f78d757", "d086c0e9", "499e7ce4", "136cae1a"])
def test_real_answers_are_understood_when_they_are_about_our_meeting(name: str) -> None:
    (file,) = CORPUS.glob(f"{name}*")
    content = re.sub(rb"(?m)^UID:[^\r\n]*", f"UID:{UID}".encode(), file.read_bytes())
    sender = "karim@example.com" if b"karim" in content else "b@example.com"
    mail = EmailMessage()
    mail["From"] = sender
    mail.set_content("x")
    mail.add_attachment(content, maintype="application", subtype="ics", filename="a.ics")

    found = sort(mail.as_bytes(), RULES)

    ((uid, note),) = found.notes
    assert uid == UID
    assert note.who == sender
    assert note.method in {"REPLY", "COUNTER"}


# --- remembering ----------------------------------------------------------------------------


def test_answers_survive_a_restart_and_the_loss_of_the_journal(booked: World) -> None:
    booked.answer(MANAGER.email, UID, Reply.ACCEPTED)
    before = seen(booked)
    again = booked.reopen().look([a_meeting(INVITE)])[UID]
    for file in (booked.root / ".cache").iterdir():
        file.unlink()

    rebuilt = booked.reopen().look([a_meeting(INVITE)])[UID]

    assert before.replies == {MANAGER.email: Reply.ACCEPTED}
    assert before == again == rebuilt


def test_another_daemon_learns_what_this_one_has_read(booked: World, tmp_path: Path) -> None:
    booked.answer(MANAGER.email, UID, Reply.DECLINED)
    seen(booked)
    elsewhere = booked.config().model_copy(update={"root": tmp_path / "elsewhere"})
    (tmp_path / "elsewhere").mkdir()
    secret = tmp_path / "elsewhere" / "mail.secret"
    secret.write_bytes((tmp_path / "mail.secret").read_bytes())
    secret.chmod(0o600)

    found = Imip(elsewhere).look([a_meeting(INVITE)])[UID]

    assert isinstance(found, Observed)
    assert found.replies == {MANAGER.email: Reply.DECLINED}


def test_a_mailbox_made_anew_is_read_from_its_beginning(booked: World) -> None:
    booked.tell(HUMAN)
    seen(booked)
    booked.boxes.forget(US)
    booked.answer(MANAGER.email, UID, Reply.ACCEPTED)

    found = booked.reopen().look([a_meeting(INVITE)])[UID]

    assert isinstance(found, Observed)
    assert found.replies == {MANAGER.email: Reply.ACCEPTED}


def test_without_folders_of_its_own_everything_stays_where_it_is(booked: World) -> None:
    bare = booked.bare(processed="", quarantine="")
    booked.answer(MANAGER.email, UID, Reply.ACCEPTED)
    booked.tell(_answer("ACCEPTED")[:-60])

    found = bare.look([a_meeting(INVITE)])[UID]

    assert isinstance(found, Observed)
    assert found.replies == {MANAGER.email: Reply.ACCEPTED}
    assert len(booked.boxes.mails(US)) == 2


def test_nothing_is_concluded_from_a_mailbox_that_is_half_read(booked: World) -> None:
    for _ in range(7):
        booked.tell(HUMAN)
    booked.answer(MANAGER.email, UID, Reply.ACCEPTED)
    bare = booked.bare(most_messages=5)
    other = an_invite(at(12), number=2)

    first = bare.look([a_meeting(INVITE)])[UID]
    second = bare.look([a_meeting(INVITE)])[UID]
    for _ in range(6):
        booked.tell(HUMAN)
    waiting = bare.put([other])[other.uid]

    assert isinstance(first, Unknown)
    assert "3 more" in first.reason
    assert isinstance(second, Observed)
    assert second.replies == {MANAGER.email: Reply.ACCEPTED}
    assert isinstance(waiting, Temporary)


def test_a_mailbox_out_of_reach_is_trouble_and_nothing_is_sent(booked: World) -> None:
    bare = booked.bare(port=booked.server.port)
    sent = len(booked.server.taken)

    with pytest.raises(Trouble, match="IMAP"):
        bare.look([a_meeting(INVITE)])
    with pytest.raises(Trouble, match="IMAP"):
        bare.put([an_invite(at(12), number=2)])
    assert len(booked.server.taken) == sent


def test_without_a_mailbox_answers_are_unknown_and_invitations_go_out(world: World) -> None:
    bare = Imip(world.config().model_copy(update={"imap": None}))

    answer = bare.put([INVITE])[UID]

    assert done(answer)
    assert len(world.sees(MANAGER.email)) == 1
    assert isinstance(bare.look([a_meeting(INVITE)])[UID], Unknown)
    assert [problem.cure for problem in bare.doctor()] != []


def test_an_organizers_own_revisions_are_outnumbered_by_the_next_of_ours(booked: World) -> None:
    employee = booked.program(EMPLOYEE.email)
    for hour in (13, 14, 15):
        booked.tell(employee.move(UID, at(hour).start, booked.later()))
    adopted = moved(INVITE, at(15))
    booked.calendar.look([a_meeting(INVITE)])

    answer = booked.calendar.put([adopted])[UID]
    again = booked.calendar.put([moved(adopted, at(17))])[UID]

    assert done(answer).found is None
    assert done(again).found is None
    for person in (EMPLOYEE, MANAGER):
        (entry,) = booked.program(person.email).entries.values()
        assert entry.start == at(17).start
        assert entry.sequence > 3
