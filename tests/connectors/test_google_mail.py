"""Gmail keeps the promises of every mailer, against a local Google."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from connectors._google_mail import GoogleMailer
from daemon.core.domain import Email, Mail
from daemon.core.ports import Ambiguous, Done, Mailer, Permanent, Temporary
from tests.connectors.contract import EMPLOYEE, MANAGER, MailerContract, a_mail
from tests.connectors.google_setting import SUBJECT, a_workspace, a_workspace_on_loopback
from tests.doubles.google import GoogleDouble


@pytest.fixture
def double() -> Iterator[GoogleDouble]:
    with a_workspace_on_loopback() as served:
        yield served


@dataclass
class World:
    """The connector and the mailboxes on the other side."""

    double: GoogleDouble
    root: Path
    knows: bool

    def __post_init__(self) -> None:
        self.mailer: Mailer = self.reopen()

    def reopen(self) -> Mailer:
        return GoogleMailer(a_workspace(self.double, self.root, verify_sent=self.knows))

    def inbox(self, person: Email) -> list[bytes]:
        return self.double.mailboxes.inbox(person)

    def refuse(self, person: Email) -> None:
        self.double.books.accounts[person].refuses_mail = True


class TestGmailThatMayOnlySend(MailerContract):
    @pytest.fixture
    def world(self, double: GoogleDouble, tmp_path: Path) -> World:
        return World(double, tmp_path, knows=False)


class TestGmailThatMayLookIntoSent(MailerContract):
    @pytest.fixture
    def world(self, double: GoogleDouble, tmp_path: Path) -> World:
        return World(double, tmp_path, knows=True)


def test_a_letter_is_known_again_under_another_message_id(
    double: GoogleDouble, tmp_path: Path
) -> None:
    double.mailboxes.rewrites_message_id = True
    mailer = GoogleMailer(a_workspace(double, tmp_path, verify_sent=True))
    mail, other = _marked("prep"), _marked("brief")
    mailer.send([mail])

    told = mailer.sent([mail, other])

    assert told == {mail.key: True, other.key: False}


def test_the_bytes_arrive_unchanged(double: GoogleDouble, tmp_path: Path) -> None:
    mailer = GoogleMailer(a_workspace(double, tmp_path))
    mail = a_mail(text="Grüße\r\n.\r\nFrom the start")

    mailer.send([mail])

    assert double.mailboxes.inbox(EMPLOYEE.email) == [mail.content]


@pytest.mark.parametrize("letters", [1, 3])
@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_lost_answer_is_ambiguous_and_never_repeated(
    double: GoogleDouble, tmp_path: Path, letters: int, drop: str
) -> None:
    on = "gmail.users.messages.send" if letters == 1 else "batch"
    double.fail(on, drop=drop, times=9)
    mailer = GoogleMailer(a_workspace(double, tmp_path))
    mails = [a_mail(name=f"letter{number}") for number in range(letters)]

    answer = mailer.send(mails)

    assert all(isinstance(answer[mail.key], Ambiguous) for mail in mails)
    assert len(double.arrived) == 2, "a token and one attempt"
    assert len(double.mailboxes.sent) == (letters if drop == "after" else 0)


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("late", [True, False])
def test_a_server_error_is_ambiguous_whether_the_letter_went_out_or_not(
    double: GoogleDouble, tmp_path: Path, status: int, late: bool
) -> None:
    double.fail("gmail.users.messages.send", status, "backendError", times=9, late=late)
    mailer = GoogleMailer(a_workspace(double, tmp_path))
    mails = [a_mail(), a_mail(MANAGER.email, "brief")]

    answer = mailer.send(mails)

    assert all(isinstance(answer[mail.key], Ambiguous) for mail in mails)
    assert double.arrived.count("/batch") == 1
    assert len(double.mailboxes.sent) == (2 if late else 0)


def test_only_the_throttled_letter_of_a_batch_is_tried_again(
    double: GoogleDouble, tmp_path: Path
) -> None:
    double.fail("gmail.users.messages.send", 429, "rateLimitExceeded")
    mailer = GoogleMailer(a_workspace(double, tmp_path))
    mails = [a_mail(), a_mail(MANAGER.email, "brief")]

    answer = mailer.send(mails)

    assert all(isinstance(answer[mail.key], Done) for mail in mails)
    assert len(double.mailboxes.sent) == 2


def test_a_long_pause_is_handed_back_and_not_waited_for(
    double: GoogleDouble, tmp_path: Path
) -> None:
    double.fail(
        "gmail.users.messages.send", 429, "rateLimitExceeded", headers={"Retry-After": "900"}
    )
    mailer = GoogleMailer(a_workspace(double, tmp_path))
    mails = [a_mail(), a_mail(MANAGER.email, "brief")]

    answer = mailer.send(mails)

    put_off = [one for one in answer.values() if isinstance(one, Temporary)]
    assert [one.retry_after for one in put_off] == [timedelta(minutes=15)]


def test_letters_beyond_a_mailboxs_rate_wait_for_another_turn(
    double: GoogleDouble, tmp_path: Path
) -> None:
    mailer = GoogleMailer(a_workspace(double, tmp_path, mails_per_minute=2))
    mails = [a_mail(name=f"letter{number}") for number in range(3)]

    answer = mailer.send(mails)

    waiting = [one for one in answer.values() if isinstance(one, Temporary)]
    assert len(waiting) == 1
    assert waiting[0].retry_after is not None
    assert len(double.mailboxes.sent) == 2


def test_a_letter_leaves_from_its_senders_mailbox_or_from_the_one_that_is_set(
    double: GoogleDouble, tmp_path: Path
) -> None:
    GoogleMailer(a_workspace(double, tmp_path)).send([a_mail()])
    GoogleMailer(a_workspace(double, tmp_path, send_as=MANAGER.email)).send([a_mail()])

    assert [message.sender for message in double.mailboxes.sent] == [SUBJECT, MANAGER.email]


def test_a_sender_without_a_mailbox_stops_only_their_own_letters(
    double: GoogleDouble, tmp_path: Path
) -> None:
    mailer = GoogleMailer(a_workspace(double, tmp_path))
    stranger = replace(a_mail(name="brief"), sender=Email("gone@acme.example"))
    mail = a_mail()

    answer = mailer.send([stranger, mail])

    refusal = answer[stranger.key]
    assert isinstance(refusal, Permanent)
    assert "gone@acme.example" in refusal.reason
    assert isinstance(answer[mail.key], Done)


def _marked(name: str) -> Mail:
    """A letter with every header ours have."""
    mail = a_mail(name=name)
    marked = mail.content.replace(
        b"MIME-Version", b"X-Careloop-Meeting: abc@careloop\r\nMIME-Version"
    )
    return replace(mail, content=marked)
