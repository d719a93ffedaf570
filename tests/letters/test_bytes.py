"""The bytes of every letter in every language: headers, parts, sizes (ecosystem rules 1 to 7)."""

import re
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from daemon.core.domain import Letter, LetterKind, email
from daemon.letters import Facts, Letters, Undeliverable, examples

LANGUAGES = ("en", "de", "fr", "es")
EVERY = [(kind, language) for kind in LetterKind for language in LANGUAGES]
TALKS = [kind for kind in LetterKind if kind not in (LetterKind.HELPER, LetterKind.SIGN_IN)]


def letters(**others: Any) -> Letters:
    settings: dict[str, Any] = {
        "organization": "Acme",
        "sender": email("careloop@acme.example"),
        "sender_name": "careloop",
    }
    return Letters(**settings | others)


WRITER = letters()


def parsed(facts: Facts, writer: Letters = WRITER) -> EmailMessage:
    message = message_from_bytes(writer.write(facts).content, policy=policy.SMTP)
    assert isinstance(message, EmailMessage)
    return message


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    text = part.get_content()
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_a_letter_has_text_first_and_html_second(kind: LetterKind, language: str) -> None:
    message = parsed(examples(kind, language))

    alternative = [p for p in message.walk() if p.get_content_type() == "multipart/alternative"]
    assert [part.get_content_type() for part in alternative[0].iter_parts()] == [
        "text/plain",
        "text/html",
    ]


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_the_headers_say_what_the_letter_is(kind: LetterKind, language: str) -> None:
    facts = examples(kind, language)

    message = parsed(facts)

    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["X-Careloop-Letter"] == str(kind)
    assert message["X-Careloop-Meeting"] == facts.letter.uid
    assert message["From"] == "careloop <careloop@acme.example>"
    assert re.fullmatch(r"<[a-z2-7]+@acme\.example>", message["Message-ID"])
    assert len(message["Message-ID"]) <= 70
    assert message["Date"].datetime == facts.now
    assert len(message["Subject"]) <= 60


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_the_bytes_are_fit_for_every_mail_system(kind: LetterKind, language: str) -> None:
    content = WRITER.write(examples(kind, language)).content

    lines = content.split(b"\r\n")
    assert b"\n" not in b"".join(lines)
    assert content.isascii()
    body_lines = lines[lines.index(b"") :]
    assert max(len(line) for line in body_lines) <= 78
    headers = content.split(b"\r\n\r\n", 1)[0]
    for name in (b"Message-ID", b"References", b"In-Reply-To"):
        assert all(b"=?" not in row for row in headers.split(b"\r\n") if row.startswith(name))


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_the_same_facts_give_the_same_bytes(kind: LetterKind, language: str) -> None:
    first = WRITER.write(examples(kind, language))

    again = letters().write(examples(kind, language))

    assert first == again


@pytest.mark.parametrize("kind", TALKS)
def test_an_answer_reaches_the_other_person(kind: LetterKind) -> None:
    facts = examples(kind, "en")
    assert facts.manager is not None
    other = facts.employee if facts.to == facts.manager else facts.manager

    assert parsed(facts)["Reply-To"] == f"{other.name} <{other.email}>"


def test_letters_of_a_pair_hang_on_one_thread() -> None:
    roots = {parsed(examples(kind, "en"))["References"] for kind in TALKS}

    assert len(roots) == 1
    assert parsed(examples(LetterKind.SIGN_IN, "en"))["References"] is None


def test_each_letter_has_its_own_message_id() -> None:
    facts = examples(LetterKind.SUMMARY, "en")
    other = replace(facts, letter=replace(facts.letter, revision=2))

    ids = {parsed(examples(kind, "en"))["Message-ID"] for kind in LetterKind}

    assert len(ids | {parsed(other)["Message-ID"]}) == len(LetterKind) + 1


@pytest.mark.parametrize("kind", list(LetterKind))
def test_only_reminders_can_be_switched_off(kind: LetterKind) -> None:
    url = "https://careloop.example/off/" + "x" * 80
    writer = letters(unsubscribe=lambda _: url)

    message = parsed(examples(kind, "en"), writer)

    reminders = {LetterKind.NUDGE, LetterKind.RECORD, LetterKind.OVERDUE}
    assert message["List-Unsubscribe"] == (f"<{url}>" if kind in reminders else None)


HOSTILE = [
    "Eve\r\nBcc: all@acme.example",
    "Eve\nX: y",
    "Eve\x00\x1b[31m",
    "=?UTF-8?Q?=0ABcc:_all@acme.example?= é",
    "=?utf-8?q?=0D=0AX-Evil=3A_1?=",
    "Ev\u202ee\u2028X: y",
    '"><script>alert(1)</script>',
    "{{ 7 * 7 }}{% include 'x' %}",
    "Eve, <eve@evil.example>, Mallory",
    "\ud800 lone",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", list(LetterKind))
def test_no_name_can_write_a_header_or_a_tag(kind: LetterKind, name: str) -> None:
    facts = examples(kind, "en")
    hostile = replace(facts.employee, name=name)
    facts = replace(facts, employee=hostile, to=replace(facts.to, name=name))

    message = parsed(facts)

    meant = parsed(examples(kind, "en")).keys()
    assert message.keys() == meant
    assert len(message["To"].addresses) == 1
    assert message["To"].addresses[0].addr_spec == facts.to.email
    assert "<script" not in body(message, "html")
    assert "49" not in body(message, "plain").replace(facts.link, "")


@pytest.mark.parametrize(
    "address",
    ["no-at", "jané@acme.example", "a b@acme.example", "a@", "a@b c.example", "a\n@acme.example"],
)
def test_an_impossible_address_is_refused(address: str) -> None:
    facts = examples(LetterKind.PREP, "en")

    with pytest.raises(Undeliverable, match="cannot be written to"):
        WRITER.write(replace(facts, to=replace(facts.to, email=email(address))))


@pytest.mark.parametrize(
    ("domain", "ascii_form"),
    [("bücher.example", "xn--bcher-kva.example"), ("straße.example", "xn--strae-oqa.example")],
)
def test_a_domain_beyond_ascii_is_written_as_dns_knows_it(domain: str, ascii_form: str) -> None:
    facts = examples(LetterKind.PREP, "en")

    message = parsed(replace(facts, to=replace(facts.to, email=email(f"ana@{domain}"))))

    assert message["To"].addresses[0].domain == ascii_form


def test_a_long_sender_domain_keeps_the_id_short() -> None:
    domain = ".".join(["department"] * 12) + ".example"
    writer = letters(sender=email(f"careloop@{domain}"))

    message = parsed(examples(LetterKind.PREP, "en"), writer)

    assert len(message["Message-ID"]) <= 70
    assert message["Message-ID"].endswith(".department.example>")


def test_a_long_subject_is_cut_at_a_word() -> None:
    facts = examples(LetterKind.RECORD, "de")
    assert facts.manager is not None
    long = replace(facts.manager, name="Maximiliane Alexandra von und zu Hohenstein-Waldenburg")

    subject = parsed(replace(facts, manager=long))["Subject"]

    assert len(subject) <= 60
    assert subject.endswith("…")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [LetterKind.OVERDUE, LetterKind.PREP, LetterKind.HELPER])
def test_a_long_name_never_costs_a_subject_its_verb(kind: LetterKind, language: str) -> None:
    facts = examples(kind, language)
    name = "Dr. Käthe von Müller-Lüdenscheidt zu Hohenstein"
    long = replace(facts, employee=replace(facts.employee, name=name))
    if facts.manager is not None:
        long = replace(facts, manager=replace(facts.manager, name=name))

    subject = parsed(long)["Subject"]

    assert "Käthe" in subject
    assert "…" not in subject


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York", "Pacific/Auckland", "UTC"])
@pytest.mark.parametrize("kind", [LetterKind.PREP, LetterKind.BRIEF, LetterKind.MOVED])
def test_every_letter_speaks_in_the_readers_zone(kind: LetterKind, zone: str) -> None:
    facts = examples(kind, "en")
    assert facts.meeting is not None
    reader = replace(facts.to, zone=ZoneInfo(zone))
    local = facts.meeting.start.astimezone(reader.zone)

    message = parsed(replace(facts, to=reader))

    for part in ("plain", "html"):
        said = " ".join(body(message, part).split())
        assert f"{local:%A}, {local.day} {local:%B}, {local:%H:%M}" in said
        assert zone.rpartition("/")[2].replace("_", " ") in said


def test_a_meeting_in_another_year_says_the_year() -> None:
    facts = examples(LetterKind.SUMMARY, "en")

    assert "7 January 2027" in body(parsed(facts), "plain")
    assert "3 December 2026" not in body(parsed(facts), "plain")


def test_a_letter_without_its_meeting_is_refused() -> None:
    facts = replace(examples(LetterKind.PREP, "en"), meeting=None)

    with pytest.raises(ValueError, match="needs its meeting"):
        WRITER.write(facts)


def test_a_letter_of_another_time_has_another_date() -> None:
    facts = examples(LetterKind.PREP, "en")

    later = replace(facts, now=facts.now + timedelta(hours=1))

    assert parsed(later)["Date"] != parsed(facts)["Date"]
    assert parsed(later)["Message-ID"] == parsed(facts)["Message-ID"]


def test_the_letter_key_names_one_mail() -> None:
    facts = examples(LetterKind.PREP, "en")

    mail = WRITER.write(facts)

    letter = Letter(facts.letter.due, LetterKind.PREP, facts.to.email, facts.letter.uid)
    assert mail.key == letter.key
    assert mail.message_id == parsed(facts)["Message-ID"]
