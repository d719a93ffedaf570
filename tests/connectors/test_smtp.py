"""SMTP keeps the mailers' word: what each phase's refusal or loss means, and what goes out when."""

import ssl
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors import smtp as kind
from daemon.config.model import Config, Organization
from daemon.config.smtp import Smtp as Section
from daemon.core.domain import Email, Key, Mail
from daemon.core.ports import (
    Ambiguous,
    CredentialsRefused,
    Done,
    Mailer,
    Permanent,
    Result,
    Temporary,
    Trouble,
)
from tests.connectors.contract import MailerContract, a_mail
from tests.doubles.microsoft import certificate
from tests.doubles.smtp import DROP, EXTENSIONS, SILENT, TAKE_AND_DROP, Smtp, smtp

PLAIN = tuple(each for each in EXTENSIONS if each != "PIPELINING")


def a_mailer(server: Smtp, call: float = 20, root: Path = Path(), **settings: Any) -> kind.Smtp:
    """The connector, pointed at the double."""
    section = Section(**{"host": "127.0.0.1", "port": server.port, "tls": "none"} | settings)
    config = Config(root=root, organization=Organization(name="Acme"), smtp=section)
    return kind.Smtp(config, call)


def mails(number: int) -> list[Mail]:
    """Letters to people of the double, each with its own key and bytes."""
    return [a_mail(Email(f"p{each}@acme.example"), f"prep{each}") for each in range(number)]


def one(answer: object) -> Result:
    """The only result there is."""
    (result,) = answer.values()  # type: ignore[attr-defined]
    return result  # type: ignore[no-any-return]


@pytest.fixture(params=[EXTENSIONS, PLAIN], ids=["pipelined", "one-by-one"])
def server(request: pytest.FixtureRequest) -> Iterator[Smtp]:
    with smtp(extensions=request.param) as double:
        yield double


class World:
    """The double as mailboxes."""

    knows = False

    def __init__(self, server: Smtp) -> None:
        self.server = server
        self.mailer: Mailer = a_mailer(server)

    def reopen(self) -> Mailer:
        return a_mailer(self.server)

    def inbox(self, person: Email) -> Sequence[bytes]:
        return self.server.inbox(person)

    def refuse(self, person: Email) -> None:
        self.server.refused[person] = "550 5.1.1 no such mailbox"


class TestContract(MailerContract):
    @pytest.fixture
    def world(self, server: Smtp) -> World:
        return World(server)


# --- what goes out --------------------------------------------------------------------------


def test_a_letter_arrives_byte_for_byte(server: Smtp) -> None:
    mail = replace(a_mail(), content=a_mail().content + b".\r\n..dots\r\n.last\r\n")

    answer = one(a_mailer(server).send([mail]))

    assert answer == Done("Q1")
    assert [each.content for each in server.taken] == [mail.content]


def test_many_letters_share_one_connection(server: Smtp) -> None:
    some = mails(20)

    answer = a_mailer(server).send(some)

    assert all(isinstance(each, Done) for each in answer.values())
    assert len(server.heard) == 1
    assert [each.content for each in server.taken] == [mail.content for mail in some]
    assert server.heard[0][-1] == "QUIT"


def test_the_server_is_asked_for_a_report_and_told_the_key() -> None:
    mail = a_mail()
    with smtp() as server:
        a_mailer(server, return_path="bounces@acme.example").send([mail])

    (taken,) = server.taken
    assert taken.sender == "bounces@acme.example"
    assert "RET=HDRS ENVID=letter:prep:abc@careloop:emma@acme.example:0" in taken.mail
    assert "NOTIFY=FAILURE ORCPT=rfc822;emma@acme.example" in taken.rcpt[0]
    assert f"SIZE={len(mail.content)}" in taken.mail


def test_a_key_that_is_too_long_is_named_by_its_digest() -> None:
    mail = replace(a_mail(), key=Key("letter:prep:" + "x" * 120))
    with smtp() as server:
        a_mailer(server).send([mail])

    (envelope_id,) = [each for each in server.taken[0].mail.split() if each.startswith("ENVID=")]
    assert len(envelope_id) == len("ENVID=") + 64


def test_nothing_is_asked_that_the_server_does_not_offer() -> None:
    with smtp(extensions=()) as server:
        a_mailer(server).send([a_mail()])

    assert server.taken[0].mail == "MAIL FROM:<careloop@acme.example>"
    assert server.taken[0].rcpt == ("RCPT TO:<emma@acme.example>",)


def test_several_connections_share_the_work(server: Smtp) -> None:
    some = mails(40)

    answer = a_mailer(server, connections=4).send(some)

    assert all(isinstance(answer[mail.key], Done) for mail in some)
    assert 1 < len(server.heard) <= 4
    assert sorted(each.content for each in server.taken) == sorted(mail.content for mail in some)


# --- refusals, phase by phase ---------------------------------------------------------------

WORDS = "4.2.0 come\tback \x1b[31mlater"


@pytest.mark.parametrize("phase", ["mail", "rcpt", "data", "dot"])
@pytest.mark.parametrize(
    ("code", "expected", "pause"),
    [
        (450, Temporary, timedelta(minutes=10)),
        (451, Temporary, timedelta(minutes=10)),
        (452, Temporary, None),
        (550, Permanent, None),
        (554, Permanent, None),
    ],
)
def test_a_refusal_is_final_or_passing_by_its_code(
    server: Smtp, phase: str, code: int, expected: type[Result], pause: timedelta | None
) -> None:
    server.script(phase, f"{code} {WORDS}")
    first, second = a_mail(), a_mail(Email("mara@acme.example"), "brief")

    answer = a_mailer(server).send([first, second])

    refusal = answer[first.key]
    assert isinstance(refusal, expected)
    assert f"({code} 4.2.0 come back [31mlater)" in refusal.reason
    assert getattr(refusal, "retry_after", None) == pause
    assert isinstance(answer[second.key], Done)
    assert [each.to for each in server.taken] == [("mara@acme.example",)]
    assert len(server.heard) == 1


def test_content_is_awaited_for_nobody_and_none_is_given(server: Smtp) -> None:
    server.refused["emma@acme.example"] = "550 5.1.1 unknown"
    server.script("data", "354 go on")

    answer = one(a_mailer(server).send([a_mail()]))

    assert isinstance(answer, Permanent)
    assert server.taken == []


@pytest.mark.parametrize("phase", ["ehlo", "mail", "rcpt", "data"])
@pytest.mark.parametrize("fault", [DROP, "gibberish", "421 4.3.2 closing"])
def test_what_is_lost_before_the_dot_was_not_sent(server: Smtp, phase: str, fault: str) -> None:
    server.script(phase, fault)
    mailer, mail = a_mailer(server), a_mail()

    try:
        answer: Result = one(mailer.send([mail]))
    except Trouble as trouble:
        answer = Temporary(trouble.reason)

    assert isinstance(answer, Temporary)
    assert server.taken == []
    assert one(mailer.send([mail])) == Done("Q1")


@pytest.mark.parametrize("fault", [DROP, TAKE_AND_DROP, "gibberish"])
def test_what_is_lost_after_the_dot_perhaps_was_sent(server: Smtp, fault: str) -> None:
    server.script("dot", fault)
    some = mails(3)

    answer = a_mailer(server).send(some)

    assert isinstance(answer[some[0].key], Ambiguous)
    assert [type(answer[mail.key]) for mail in some[1:]] == [Done, Done]
    arrived = [each.content for each in server.taken]
    assert arrived.count(some[0].content) == (1 if fault == TAKE_AND_DROP else 0)
    assert all(arrived.count(mail.content) == 1 for mail in some[1:])


@pytest.mark.parametrize("fault", [DROP, "421 4.7.0 too many mails on this connection"])
def test_a_connection_closed_between_mails_is_opened_anew(server: Smtp, fault: str) -> None:
    server.script("mail", None, None, fault)
    some = mails(5)

    answer = a_mailer(server).send(some)

    assert all(isinstance(answer[mail.key], Done) for mail in some)
    assert [each.content for each in server.taken] == [mail.content for mail in some]
    assert len(server.heard) == 2


def test_a_mail_that_breaks_every_connection_does_not_stop_the_others(server: Smtp) -> None:
    server.script("data", DROP)
    some = mails(3)

    answer = a_mailer(server).send(some)

    assert isinstance(answer[some[0].key], Temporary)
    assert [type(answer[mail.key]) for mail in some[1:]] == [Done, Done]


def test_a_server_that_always_breaks_off_is_left_alone_after_a_while(server: Smtp) -> None:
    server.script("mail", *[DROP] * 50)
    some = mails(50)

    answer = a_mailer(server).send(some)

    assert {type(each) for each in answer.values()} == {Temporary}
    assert len(server.heard) == 3


# --- time -----------------------------------------------------------------------------------


def test_a_silent_server_costs_a_bounded_time(server: Smtp) -> None:
    server.script("rcpt", SILENT)

    answer = one(a_mailer(server, timeout_seconds=1).send([a_mail()]))

    assert isinstance(answer, Temporary)
    assert "no answer" in answer.reason or "timed out" in answer.reason


def test_silence_after_the_dot_ends_with_the_call(server: Smtp) -> None:
    server.script("dot", SILENT)
    some = mails(2)

    answer = a_mailer(server, call=0.5).send(some)

    assert isinstance(answer[some[0].key], Ambiguous)
    assert isinstance(answer[some[1].key], Temporary | Done)


# --- who we are, and who the server is ------------------------------------------------------


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """A server's context, and the file that makes its certificate trusted."""
    key, authority = certificate(tmp_path_factory.mktemp("tls"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, key)
    return context, authority


Tls = tuple[ssl.SSLContext, Path]


def credentials(folder: Path, password: str = "pässword") -> dict[str, str]:
    """`user` and `password` of a section, the secret in a private file."""
    (folder / "smtp.secret").write_text(password)
    (folder / "smtp.secret").chmod(0o600)
    return {"user": "careloop", "password": "file:smtp.secret"}


@pytest.mark.parametrize("how", ["starttls", "tls"])
def test_a_letter_goes_out_signed_in_and_over_tls(tls: Tls, tmp_path: Path, how: str) -> None:
    accounts = {"careloop": "pässword"}
    with smtp(tls=tls[0], at_once=how == "tls", accounts=accounts) as server:
        login = credentials(tmp_path)
        mailer = a_mailer(server, root=tmp_path, tls=how, host="localhost", ca_file=tls[1], **login)

        answer = one(mailer.send([a_mail()]))

    assert answer == Done("Q1")
    verbs = [line.split(" ")[0].upper() for line in server.heard[0]]
    assert verbs.index("AUTH") < verbs.index("MAIL")
    if how == "starttls":
        assert verbs[:3] == ["EHLO", "STARTTLS", "EHLO"]


def test_a_stripped_starttls_is_no_reason_to_speak_in_the_clear(tmp_path: Path) -> None:
    with smtp(accounts={"careloop": "pässword"}) as server:
        mailer = a_mailer(
            server, root=tmp_path, tls="starttls", host="localhost", **credentials(tmp_path)
        )

        with pytest.raises(Trouble, match="STARTTLS"):
            mailer.send([a_mail()])

    assert {line.split(" ")[0].upper() for line in server.heard[0]} <= {"EHLO", "QUIT"}


@pytest.mark.parametrize("how", ["starttls", "tls"])
def test_a_certificate_nobody_vouches_for_is_refused_with_a_cure(tls: Tls, how: str) -> None:
    with smtp(tls=tls[0], at_once=how == "tls") as server:
        mailer = a_mailer(server, tls=how, host="localhost")

        with pytest.raises(Trouble, match="ca_file"):
            mailer.send([a_mail()])

    assert server.taken == []


def test_a_wrong_password_is_said_so_and_never_shown(tls: Tls, tmp_path: Path) -> None:
    with smtp(tls=tls[0], at_once=True, accounts={"careloop": "another"}) as server:
        mailer = a_mailer(
            server,
            root=tmp_path,
            tls="tls",
            host="localhost",
            ca_file=tls[1],
            **credentials(tmp_path),
        )

        with pytest.raises(CredentialsRefused) as refused:
            mailer.send([a_mail()])

    assert "pässword" not in str(refused.value)
    assert "535" in str(refused.value)


def test_a_server_that_wants_a_login_and_got_none_is_refused_credentials() -> None:
    with (
        smtp(accounts={"careloop": "x"}) as server,
        pytest.raises(CredentialsRefused, match=r"\[smtp\] user"),
    ):
        a_mailer(server).send([a_mail()])


def test_a_missing_secret_is_refused_credentials(tls: Tls, tmp_path: Path) -> None:
    with smtp(tls=tls[0], at_once=True, accounts={"careloop": "x"}) as server:
        mailer = a_mailer(
            server,
            root=tmp_path,
            tls="tls",
            host="localhost",
            ca_file=tls[1],
            user="careloop",
            password="file:missing",
        )

        with pytest.raises(CredentialsRefused, match="does not exist"):
            mailer.send([a_mail()])


def test_no_server_at_all_is_trouble_and_nothing_was_sent() -> None:
    with smtp() as server:
        pass

    with pytest.raises(Trouble, match="no connection"):
        a_mailer(server).send([a_mail()])


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"tls": "none", "host": "mail.acme.example"}, "mail_in_the_clear"),
        ({"user": "careloop"}, "mail_login"),
        ({"password": "env:X"}, "mail_login"),
    ],
)
def test_a_section_that_would_give_secrets_away_is_refused(
    settings: dict[str, str], named: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        Section(**{"host": "mail.acme.example", **settings})  # type: ignore[arg-type]

    assert refused.value.errors()[0]["type"] == named


# --- addresses and bytes --------------------------------------------------------------------


def test_a_domain_beyond_ascii_goes_out_as_dns_knows_it(server: Smtp) -> None:
    a_mailer(server).send([a_mail(Email("emma@straße.example"))])

    assert server.taken[0].to == ("emma@xn--strae-oqa.example",)


def test_a_name_beyond_ascii_needs_a_server_that_takes_it() -> None:
    mail, other = a_mail(Email("émma@acme.example")), a_mail()
    with smtp() as able:
        done = one(a_mailer(able).send([mail]))
    with smtp(extensions=("PIPELINING",)) as unable:
        answer = a_mailer(unable).send([mail, other])

    assert done == Done("Q1")
    assert "SMTPUTF8" in able.taken[0].mail
    assert able.taken[0].to == ("émma@acme.example",)
    assert isinstance(answer[mail.key], Permanent)
    assert isinstance(answer[other.key], Done)


@pytest.mark.parametrize(
    "address",
    [
        "emma@acme.example>\r\nRCPT TO:<spy@evil.example",
        "emma smith@acme.example",
        "emma",
        "@acme.example",
        "emma@acme..example",
        "emma@acme.example\n",
    ],
)
def test_an_address_cannot_carry_a_command(server: Smtp, address: str) -> None:
    bad, good = a_mail(Email(address), "bad"), a_mail()

    answer = a_mailer(server).send([bad, good])

    assert isinstance(answer[bad.key], Permanent)
    assert isinstance(answer[good.key], Done)
    assert [each.to for each in server.taken] == [("emma@acme.example",)]


@pytest.mark.parametrize("tail", [b"a\n.\nMAIL FROM:<x@y>\r\n", b"a\r.\r", b"x" * 999 + b"\r\n"])
def test_bytes_behind_which_another_mail_could_hide_are_not_sent(server: Smtp, tail: bytes) -> None:
    mail = replace(a_mail(), content=a_mail().content + tail)

    answer = one(a_mailer(server).send([mail]))

    assert isinstance(answer, Permanent)
    assert server.taken == []


def test_a_mail_that_is_too_large_for_the_server_is_not_begun() -> None:
    with smtp(extensions=("PIPELINING", "SIZE 100")) as server:
        answer = one(a_mailer(server).send([a_mail()]))

    assert isinstance(answer, Permanent)
    assert "100" in answer.reason
    assert not any(line.startswith("MAIL") for line in server.heard[0])
