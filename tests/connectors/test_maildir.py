"""The Maildir keeps the mailers' word, and what only a Maildir can do wrong."""

import mailbox
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from email import message_from_bytes
from pathlib import Path

import pytest

from connectors import maildir
from connectors.maildir import Maildir, name_of
from daemon.config.model import Config, MailSection, Organization
from daemon.core.domain import Email
from daemon.core.ports import Done, Mailer, Permanent, Temporary, Trouble
from tests.connectors.contract import MailerContract, a_mail


class World:
    """A Maildir in a folder of its own, and what lies in it by reader."""

    knows = True

    def __init__(self, root: Path) -> None:
        self.root = root
        self.mailer: Mailer = Maildir(root)

    def reopen(self) -> Mailer:
        return Maildir(self.root)

    def inbox(self, person: Email) -> Sequence[bytes]:
        files = [f for box in ("new", "cur") for f in (self.root / box).glob("*") if f.is_file()]
        return [c for c in (f.read_bytes() for f in files) if message_from_bytes(c)["To"] == person]

    def refuse(self, person: Email) -> None:
        (self.root / "new" / name_of(a_mail(person, "brief").key)).mkdir(parents=True)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "outbox")


class TestContract(MailerContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> World:
        return World(tmp_path / "outbox")


def test_the_configured_path_starts_at_the_config_file(tmp_path: Path) -> None:
    config = Config(
        root=tmp_path, organization=Organization(name="Acme"), mail=MailSection(path=Path("post"))
    )

    maildir.mailer(config).send([a_mail()])

    assert len(list((tmp_path / "post" / "new").iterdir())) == 1


def test_other_programs_read_it_as_a_maildir(world: World) -> None:
    mail = a_mail(text="Grüße")
    world.mailer.send([mail])

    letters = list(mailbox.Maildir(world.root, create=False))

    assert [letter["Message-ID"] for letter in letters] == [mail.message_id]


def test_a_letter_is_private_and_exactly_the_bytes_given(world: World) -> None:
    mail = a_mail()

    world.mailer.send([mail])

    (file,) = (world.root / "new").iterdir()
    assert file.read_bytes() == mail.content
    assert file.stat().st_mode & 0o777 == 0o600
    assert world.root.joinpath("new").stat().st_mode & 0o777 == 0o700
    assert list((world.root / "tmp").iterdir()) == []


def test_a_letter_that_was_read_and_flagged_was_sent(world: World) -> None:
    mail = a_mail()
    world.mailer.send([mail])
    name = name_of(mail.key)

    (world.root / "new" / name).rename(world.root / "cur" / f"{name}:2,RS")

    assert world.mailer.sent([mail]) == {mail.key: True}
    assert isinstance(world.mailer.send([mail])[mail.key], Done)
    assert list((world.root / "new").iterdir()) == []


def test_a_letter_moved_to_a_folder_of_the_maildir_was_sent(world: World) -> None:
    mail = a_mail()
    world.mailer.send([mail])
    archive = world.root / ".Archive" / "cur"
    archive.mkdir(parents=True)

    (world.root / "new" / name_of(mail.key)).rename(archive / f"{name_of(mail.key)}:2,S")

    assert world.reopen().sent([mail]) == {mail.key: True}


def test_nothing_was_sent_where_no_maildir_is(world: World) -> None:
    mail = a_mail()

    told = world.mailer.sent([mail])

    assert told == {mail.key: False}
    assert not world.root.exists()


def test_a_draft_of_a_writer_that_died_is_no_letter_and_is_swept(world: World) -> None:
    mail = a_mail()
    tmp = world.root / "tmp"
    tmp.mkdir(parents=True)
    draft = tmp / f"{name_of(mail.key)}.x1"
    draft.write_bytes(mail.content[:20])
    foreign = tmp / "1700000000.M1.host"
    foreign.write_bytes(b"")
    for file in (draft, foreign):
        os.utime(file, (0, 0))

    assert world.mailer.sent([mail]) == {mail.key: False}
    world.mailer.send([mail])

    assert not draft.exists()
    assert foreign.exists()
    assert world.inbox(mail.to) == [mail.content]


def test_two_writers_at_once_make_one_letter(world: World) -> None:
    mail = a_mail()
    gate = threading.Barrier(8)
    answers = []

    def write() -> None:
        gate.wait()
        answers.append(Maildir(world.root).send([mail])[mail.key])

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 8
    assert all(isinstance(answer, Done) for answer in answers)
    assert world.inbox(mail.to) == [mail.content]


def test_a_full_disk_is_temporary_and_leaves_nothing_behind(world: World) -> None:
    script = (
        "import resource, signal, sys; from pathlib import Path;"
        "from connectors.maildir import Maildir; from tests.connectors.contract import a_mail;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "box = Maildir(Path(sys.argv[1])); mail = a_mail(text='x' * 9000);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        "print(type(box.send([mail])[mail.key]).__name__)"
    )

    told = subprocess.run(
        [sys.executable, "-c", script, str(world.root)], capture_output=True, text=True, check=True
    )

    assert told.stdout.strip() == Temporary.__name__
    assert [f for f in world.root.rglob("*") if f.is_file()] == []


def test_a_place_that_cannot_be_a_maildir_is_trouble_with_a_cure(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file")

    with pytest.raises(Trouble, match="mend it"):
        Maildir(tmp_path / "outbox").send([a_mail()])


def test_a_strange_thing_in_the_place_of_a_letter_is_named(world: World) -> None:
    mail = a_mail()
    (world.root / "new").mkdir(parents=True)
    (world.root / "new" / name_of(mail.key)).symlink_to("/dev/null")

    answer = world.mailer.send([mail])[mail.key]

    assert isinstance(answer, Permanent)
    assert "remove it" in answer.reason
