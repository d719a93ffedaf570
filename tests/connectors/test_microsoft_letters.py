"""Letters through Graph: whole, at the pace of a mailbox, and settled by looking."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors._graph_mail import GraphMailer
from daemon.core.domain import Email
from daemon.core.ports import Ambiguous, Done, Permanent, Temporary
from tests.connectors.contract import EMPLOYEE, MANAGER, a_mail
from tests.connectors.microsoft_world import SENDER, World
from tests.doubles.microsoft import Asked, Fault
from tests.doubles.microsoft_books import Message

MAIL = a_mail(text="Grüße")


def mails(count: int) -> list:
    return [a_mail(EMPLOYEE.email, f"prep{n}") for n in range(count)]


def test_a_letter_arrives_byte_by_byte(office: World) -> None:
    office.mailer.send([MAIL])

    assert office.inbox(EMPLOYEE.email) == [MAIL.content]


def test_a_draft_left_behind_is_sent_and_not_written_again(office: World) -> None:
    box = office.double.books.mailbox(SENDER)
    box.messages["left"] = Message("left", MAIL.content, draft=True)

    answer = office.mailer.send([MAIL])

    assert answer[MAIL.key] == Done("left")
    assert office.inbox(EMPLOYEE.email) == [MAIL.content]
    assert len(box.messages) == 1


def test_a_draft_is_not_a_letter_that_was_sent(office: World) -> None:
    box = office.double.books.mailbox(SENDER)
    box.messages["left"] = Message("left", MAIL.content, draft=True)

    assert office.mailer.sent([MAIL]) == {MAIL.key: False}


def test_nobody_can_say_what_was_sent_while_the_mailbox_is_closed(office: World) -> None:
    office.double.books.mailbox(SENDER).refuses = "ErrorAccessDenied"

    assert office.mailer.sent([MAIL]) == {MAIL.key: None}


def test_a_mailbox_sends_at_its_own_pace(office: World) -> None:
    mailer = GraphMailer(office.graph(messages_per_minute=30))

    answer = mailer.send(mails(32))

    late = [result for result in answer.values() if isinstance(result, Temporary)]
    assert len(office.inbox(EMPLOYEE.email)) == 30
    assert len(late) == 2
    assert [result.retry_after for result in late] == sorted(r.retry_after for r in late)
    assert timedelta(0) < (late[-1].retry_after or timedelta()) <= timedelta(seconds=4)


def test_one_sender_out_of_breath_does_not_hold_the_other(office: World) -> None:
    other = Email("people@acme.example")
    office.double.books.mailbox(other)
    mailer = GraphMailer(office.graph(messages_per_minute=1))
    first, second = mails(2)

    answer = mailer.send([first, second, replace(MAIL, sender=other)])

    assert isinstance(answer[second.key], Temporary)
    assert isinstance(answer[MAIL.key], Done)


def test_letters_of_one_mailbox_go_one_after_the_other(office: World) -> None:
    bad = a_mail(MANAGER.email, "brief")
    office.refuse(MANAGER.email)

    answer = office.mailer.send([*mails(9), bad, *[a_mail(name="last")]])

    assert isinstance(answer[bad.key], Permanent)
    assert len(office.inbox(EMPLOYEE.email)) == 10


def test_mime_a_batch_does_not_carry_goes_alone(office: World) -> None:
    office.double.books.mime_in_batches = False
    letters = mails(3)

    first = office.mailer.send(letters)
    asked = len(office.double.asked)
    second = office.mailer.send([MAIL])

    assert all(isinstance(result, Done) for result in [*first.values(), *second.values()])
    assert len(office.inbox(EMPLOYEE.email)) == 4
    refused = [a for a in office.double.asked[asked:] if a.part and a.path.endswith("/messages")]
    assert refused == []


def test_large_letters_share_a_batch_with_fewer_others(office: World) -> None:
    letters = [a_mail(EMPLOYEE.email, f"n{n}", "x" * 700_000) for n in range(6)]

    answer = office.mailer.send(letters)

    assert all(isinstance(result, Done) for result in answer.values())
    assert office.double.largest < 4_000_000


def test_a_letter_lost_between_draft_and_sent_is_ambiguous(office: World) -> None:
    def hurt(asked: Asked) -> Fault | None:
        if asked.path.endswith("/send"):
            office.double.books.mailbox(SENDER).messages.clear()
        return None

    office.double.hurt = hurt

    answer = office.mailer.send([MAIL])

    assert isinstance(answer[MAIL.key], Ambiguous)


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("ErrorAccessDenied", 403, "RBAC for Applications"),
        ("MailboxNotEnabledForRESTAPI", 404, "assign a licence"),
        ("ErrorSendAsDenied", 403, "Send As"),
    ],
)
def test_a_sender_that_is_refused_is_told_with_the_cure(
    office: World, code: str, status: int, words: str
) -> None:
    office.double.hurt = lambda a: Fault(status, code=code) if SENDER in a.path else None

    answer = office.mailer.send([MAIL])

    result = answer[MAIL.key]
    assert isinstance(result, Permanent)
    assert SENDER in result.reason
    assert words in result.reason


class TestWithTheRightToSendOnly:
    def test_a_letter_is_one_call(self, office: World) -> None:
        answer = GraphMailer(office.graph(mail="send")).send([MAIL])

        assert isinstance(answer[MAIL.key], Done)
        assert office.inbox(EMPLOYEE.email) == [MAIL.content]
        parts = [asked for asked in office.double.asked if asked.part]
        assert [asked.path.rpartition("/")[2] for asked in parts] == ["sendMail"]

    def test_a_lost_answer_stays_ambiguous_and_is_not_repeated(self, office: World) -> None:
        office.double.hurt = lambda a: Fault(after=True) if a.path == "/$batch" else None

        answer = GraphMailer(office.graph(mail="send")).send([MAIL])

        assert isinstance(answer[MAIL.key], Ambiguous)
        assert len(office.inbox(EMPLOYEE.email)) == 1

    def test_nobody_knows_what_was_sent(self, office: World) -> None:
        assert GraphMailer(office.graph(mail="send")).sent([MAIL]) == {MAIL.key: None}
