"""careloop doctor: what ails, why it matters, what mends it."""

import shutil
import socketserver
import struct
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from daemon.cli import dns, health
from daemon.cli.mailnames import examine_sender
from daemon.config import zonedata
from daemon.config.load import load
from daemon.config.model import Config, MailSection, Organization
from tests.cli.support import Command

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)


def _case(company: Path, now: datetime = NOW) -> health.Case:
    return health.Case(load(company), now)


def _said(ailments: Iterator[health.Ailment]) -> str:
    return "\n".join(f"{one.what} | {one.why} | {one.mend}" for one in ailments)


def test_each_ailment_comes_with_its_reason_and_its_cure(careloop: Command, company: Path) -> None:
    company.with_name("secret.key").chmod(0o644)

    answer = careloop("doctor", "--config", company)

    lines = answer.out.splitlines()
    at = next(number for number, line in enumerate(lines) if "secret.key" in line)
    assert answer.code == 1
    assert lines[at + 1].startswith("    why:  ")
    assert lines[at + 2] == f"    mend: chmod 600 {company.with_name('secret.key')}"


def test_the_same_is_given_as_json_with_what_was_not_checked(
    careloop: Command, company: Path
) -> None:
    company.with_name("secret.key").chmod(0o644)

    answer = careloop("doctor", "--json", "--config", company)

    assert answer.json["ok"] is False
    assert {"what", "why", "mend"} <= set(answer.json["problems"][0])
    assert any("SPF" in one for one in answer.json["not_checked"])


def test_a_fresh_folder_that_never_took_a_turn_is_healthy(company: Path) -> None:
    assert _said(health.state(_case(company))) == ""


def test_a_state_that_others_can_read_is_told(company: Path) -> None:
    file = company.with_name("state.db")
    file.write_bytes(b"")
    file.chmod(0o644)

    assert f"chmod 600 {file}" in _said(health.state(_case(company)))


def test_a_damaged_state_is_told(company: Path) -> None:
    file = company.with_name("state.db")
    file.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    file.chmod(0o600)

    assert "careloop restore" in _said(health.state(_case(company)))


def test_a_full_disk_is_told(company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=5 * 1024 * 1024)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)

    assert "5 MiB are free" in _said(health.disk(_case(company)))


def test_a_clock_before_this_version_is_told(company: Path) -> None:
    early = _case(company, datetime(2020, 1, 1, tzinfo=UTC))

    assert "2020-01-01" in _said(health.clock(early))


def test_old_zone_data_is_told_and_new_is_not(company: Path) -> None:
    in_years = _case(company, datetime(2031, 1, 1, tzinfo=UTC))

    assert "tzdata" in _said(health.zones(in_years))
    assert _said(health.zones(_case(company))) == ""


def test_the_age_of_zone_data_is_read_from_its_version() -> None:
    versions = ["2024a", "2024b", "2025a", "2026f"]

    released = [zonedata.released(version) for version in versions]

    assert released == sorted(released)
    assert [one.year for one in released] == [2024, 2024, 2025, 2026]


def test_a_folder_nobody_can_write_into_is_told(company: Path) -> None:
    calendars = company.with_name("calendars")
    shutil.rmtree(calendars)
    calendars.write_text("a file where a folder should be")

    assert str(calendars) in _said(health.folders(_case(company)))


def test_the_write_test_leaves_nothing_behind(company: Path) -> None:
    before = sorted(company.parent.rglob("*"))

    assert _said(health.folders(_case(company))) == ""
    after = [path for path in sorted(company.parent.rglob("*")) if "outbox" not in path.parts]
    assert after == before


def test_a_calendar_that_cannot_be_read_is_told_with_its_file(company: Path) -> None:
    torn = company.parent / "calendars" / "omar@acme.example" / "torn.ics"
    torn.write_text("not a calendar at all\n")

    assert "torn.ics" in _said(health.calendars(_case(company)))


def test_calendars_of_people_without_talks_are_not_asked_for(company: Path) -> None:
    roster = company.with_name("people.csv")
    roster.write_text(roster.read_text() + "board@acme.example,The Board,,,,,,,,,\n")

    assert _said(health.calendars(_case(company))) == ""


def test_a_missing_roster_is_told_by_the_connection(company: Path) -> None:
    company.with_name("people.csv").unlink()

    assert '[people] kind = "csv"' in _said(health.connections(_case(company)))


ZONE = dict[str, list[str]]


@pytest.fixture
def name_server() -> Iterator[tuple[dns.Server, ZONE]]:
    """A name server on loopback that answers TXT questions from a dictionary."""
    zone: ZONE = {}

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            query, sock = self.request
            sock.sendto(_answer(query, zone), self.client_address)

    with socketserver.UDPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address, zone  # type: ignore[misc]
        server.shutdown()
        thread.join()


def _answer(query: bytes, zone: ZONE) -> bytes:
    question = query[12:]
    labels, at = [], 0
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode())
        at += question[at] + 1
    texts = zone.get(".".join(labels), [])
    code = 0 if texts else dns.NO_SUCH_NAME
    answer = query[:2] + struct.pack(">5H", 0x8180 | code, 1, len(texts), 0, 0) + question
    for text in texts:
        parts = [text[i : i + 200].encode() for i in range(0, len(text), 200)]
        data = b"".join(bytes([len(part)]) + part for part in parts)
        answer += b"\xc0\x0c" + struct.pack(">2HIH", dns.TXT, dns.INTERNET, 60, len(data)) + data
    return answer


def _mailing(sender: str = "careloop@acme.de") -> Config:
    return Config(
        organization=Organization(name="Acme"), mail=MailSection(kind="smtp", sender=sender)
    )


def test_a_domain_with_spf_and_dmarc_has_nothing_to_mend(
    name_server: tuple[dns.Server, ZONE],
) -> None:
    server, zone = name_server
    zone["acme.de"] = ["site-verification=1", "v=spf1 mx " + "ip4:192.0.2.1 " * 20 + "-all"]
    zone["_dmarc.acme.de"] = ["v=DMARC1; p=quarantine"]

    ailments, unchecked = examine_sender(_mailing(), [server])

    assert ailments == []
    assert [one for one in unchecked if one.startswith("DKIM")]


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([], "no SPF record"),
        (["v=spf1 mx -all", "v=spf1 a -all"], "2 SPF records"),
        (["v=spf1 +all"], "ends in +all"),
    ],
)
def test_what_is_wrong_with_spf_is_told_with_the_record_to_publish(
    name_server: tuple[dns.Server, ZONE], records: list[str], said: str
) -> None:
    server, zone = name_server
    zone["acme.de"] = records

    ailments, _ = examine_sender(_mailing(), [server])

    assert said in ailments[0].what
    assert ailments[0].mend.startswith("publish: acme.de. TXT")
    assert "_dmarc.acme.de" in ailments[1].mend


def test_without_a_name_server_it_says_that_it_did_not_look() -> None:
    ailments, unchecked = examine_sender(_mailing(), [])

    assert ailments == []
    assert "no name server answered" in unchecked[0]


def test_letters_that_stay_here_are_not_looked_up() -> None:
    ailments, unchecked = examine_sender(_mailing("careloop@acme.example"), [("127.0.0.1", 1)])

    assert ailments == []
    assert "do not leave this machine" in unchecked[0]
