"""SMTP against a real server: Postfix takes the letters, Dovecot keeps the mailboxes."""

from collections.abc import Iterator, Sequence
from email import message_from_bytes
from pathlib import Path

import pytest

from connectors.smtp import Smtp
from daemon.config.imap import Imap
from daemon.config.model import Config, Organization
from daemon.config.smtp import Smtp as Section
from daemon.core.domain import Email
from daemon.core.ports import Done, Mailer, Trouble
from tests.connectors.contract import EMPLOYEE, PEOPLE, MailerContract, a_mail
from tests.doubles.mailboxes import PASSWORD
from tests.doubles.postfix import MISSING, Office, office

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)
ARCHIVE = "archive"


@pytest.fixture(scope="module")
def served() -> Iterator[Office]:
    with office() as running:
        yield running


class World:
    """Postfix and Dovecot; with `knows` a mailbox keeps a copy of everything, as Gmail does."""

    def __init__(self, served: Office, root: Path, *, knows: bool = False) -> None:
        self.served, self.root, self.knows = served, root, knows
        (root / "mail.secret").write_text(PASSWORD)
        (root / "mail.secret").chmod(0o600)
        served.settle()
        for who in (*(person.email for person in PEOPLE), ARCHIVE):
            served.boxes.forget(who)
        served.accept_all()
        self.mailer: Mailer = self.reopen()

    def reopen(self) -> Mailer:
        archive = Imap(
            host="127.0.0.1",
            port=self.served.boxes.port,
            tls="none",
            user=ARCHIVE,
            password="file:mail.secret",
            sent_folder="INBOX",
        )
        return Smtp(
            Config(
                root=self.root,
                organization=Organization(name="Acme"),
                smtp=Section(host="127.0.0.1", port=self.served.port, tls="none"),
                imap=archive if self.knows else None,
            )
        )

    def inbox(self, person: Email) -> Sequence[bytes]:
        self.served.settle()
        return self.served.boxes.mails(person)

    def refuse(self, person: Email) -> None:
        self.served.refuse(person)


class TestContract(MailerContract):
    @pytest.fixture
    def world(self, served: Office, tmp_path: Path) -> World:
        return World(served, tmp_path)


def test_a_letter_reaches_the_mailbox_as_it_was_written(served: Office, tmp_path: Path) -> None:
    world, mail = World(served, tmp_path), a_mail(text="Grüße\r\n.dot\r\n..dots\r\n")

    answer = world.mailer.send([mail])[mail.key]

    assert isinstance(answer, Done)
    assert answer.id
    (letter,) = world.inbox(EMPLOYEE.email)
    body = letter.replace(b"\r\n", b"\n").partition(b"\n\n")[2]
    assert body == mail.content.replace(b"\r\n", b"\n").partition(b"\n\n")[2]
    for name in ("Message-ID", "Date", "X-Careloop-Letter", "Content-Type"):
        assert message_from_bytes(letter)[name] == message_from_bytes(mail.content)[name]


def test_the_folder_of_sent_mail_tells_what_went_out(served: Office, tmp_path: Path) -> None:
    world = World(served, tmp_path, knows=True)
    mail, other = a_mail(), a_mail(name="nudge")
    served.boxes.deliver(ARCHIVE, mail.content)

    told = world.reopen().sent([mail, other])

    assert told == {mail.key: True, other.key: False}


def test_a_folder_of_sent_mail_that_is_not_there_is_trouble(served: Office, tmp_path: Path) -> None:
    world = World(served, tmp_path, knows=True)
    section = world.mailer._sent.imap.model_copy(update={"sent_folder": "Nowhere"})
    config = Config(
        root=tmp_path,
        organization=Organization(name="Acme"),
        smtp=Section(host="127.0.0.1", port=served.port, tls="none"),
        imap=section,
    )

    with pytest.raises(Trouble, match="Nowhere"):
        Smtp(config).sent([a_mail()])
