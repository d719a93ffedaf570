"""What the operator sees when Google refuses: an exit code, a line each, and nobody else waits."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.doubles.google import GoogleDouble, google_on_loopback
from tests.doubles.google_sign_in import AUTH
from tests.system.company import found
from tests.system.google_tenant import SERVICE, GoogleTenant
from tests.system.operating import Operator, booked, lines_with, problem_of

START = datetime(2027, 3, 1, 6, tzinfo=UTC)
PAIRS = 4
LONELY, *_REST = (f"worker{number}@acme.example" for number in range(1, PAIRS + 1))
OTHERS = set(_REST)
SHORT = (
    "Not booked: a calendar could not be read, and unknown is never free. No calendar can be read "
    "for now; the problems of `careloop status` say why, once."
)


@pytest.fixture
def google() -> Iterator[GoogleDouble]:
    with google_on_loopback() as served:
        yield served


@pytest.fixture
def operator(tmp_path: Path, google: GoogleDouble, capsys: pytest.CaptureFixture[str]) -> Operator:
    company = found(
        tmp_path / "acme", pairs=PAIRS, start=START.date(), days=10, seed=3, taken=(0.1, 0.2)
    )
    GoogleTenant(company, google)
    return Operator(company.root / "config.toml", capsys)


def _revoke(google: GoogleDouble) -> None:
    google.sign_in.revoked = True


def _replace_key(google: GoogleDouble) -> None:
    google.sign_in.trusted_key = 1


def _disable(google: GoogleDouble) -> None:
    google.sign_in.disabled = True


def _take_scope(google: GoogleDouble) -> None:
    google.sign_in.allowed -= {AUTH + "calendar.events.owned"}


def _take_directory(google: GoogleDouble) -> None:
    google.sign_in.allowed -= {AUTH + "admin.directory.user.readonly"}


def _close_subject(google: GoogleDouble) -> None:
    google.books.accounts[SERVICE].suspended = True


WHOLE = [
    (_revoke, "the token was revoked: check the service account and its delegation"),
    (_replace_key, "its key was deleted or replaced: name a new one"),
    (_disable, "the service account was disabled or deleted: enable it in IAM"),
    (_take_scope, "Domain-wide delegation give its client ID the scopes"),
    (_take_directory, "Domain-wide delegation give its client ID the scopes"),
    (_close_subject, f"does not let careloop act as {SERVICE}"),
]


@pytest.mark.parametrize(("hurt", "cure"), WHOLE)
def test_refused_credentials_are_exit_code_12_and_a_line_for_each_connection(
    operator: Operator, google: GoogleDouble, hurt: Callable[[GoogleDouble], None], cure: str
) -> None:
    assert operator.run(START).code == 0
    before = booked(operator.status())
    hurt(google)

    refused = operator.run(START + timedelta(days=1))

    assert refused.code == 12
    for connection in ("roster.unread", "calendar.unread"):
        assert len(lines_with(refused.err, connection)) <= 1
    assert lines_with(refused.err, cure)
    assert len(lines_with(refused.err, "effect.put_off")) == 0
    status = operator.status()
    assert status.json["credentials_refused"] is True
    said = [one["what"] for one in status.json["problems"] if cure in one["what"]]
    assert said
    assert all("\n" not in one for one in said)
    assert booked(status) == before
    doctor = operator.doctor()
    assert doctor.code == 12
    assert lines_with(doctor.out, cure)


def test_what_was_refused_is_made_up_for_when_it_works_again(
    operator: Operator, google: GoogleDouble
) -> None:
    google.sign_in.allowed -= {AUTH + "calendar.events.owned"}
    assert operator.run(START).code == 12
    told = operator.status()
    google.sign_in.allowed |= {AUTH + "calendar.events.owned"}

    again = operator.run(START + timedelta(hours=1))

    assert told.out.count("Domain-wide delegation") == 1
    assert {problem_of(told, who) for who in (LONELY, *OTHERS)} == {SHORT}
    assert again.code == 0
    assert len(booked(operator.status())) == PAIRS
    assert operator.status().json["problems"] == []


def test_an_employee_without_google_calendar_stops_nobody_else(
    operator: Operator, google: GoogleDouble
) -> None:
    google.books.accounts[LONELY].without_calendar = True

    codes = [operator.run(START + timedelta(hours=hours)).code for hours in (0, 1)]

    status = operator.status()
    assert codes == [3, 3]
    assert booked(status) == OTHERS
    assert "turn it on under Apps, or assign a licence" in problem_of(status, LONELY)
    (failed,) = status.json["failed"]
    assert LONELY in failed


@pytest.mark.parametrize(
    ("on", "status", "reason", "words"),
    [
        ("calendar.freebusy.query", 403, "quotaExceeded", "a quota that lasts for hours"),
        ("anything", 503, "backendError", "Google answered 503"),
    ],
)
def test_exhausted_quotas_and_outages_are_partly_done_and_pass_by_themselves(
    operator: Operator, google: GoogleDouble, on: str, status: int, reason: str, words: str
) -> None:
    google.fail(on, status, reason, times=999, skip=1 if on == "anything" else 0)
    late = operator.run(START)
    then = operator.status()
    google.faults.clear()

    again = operator.run(START + timedelta(hours=4))

    assert late.code == 3
    assert words in str([then.json["problems"], then.json["pairs"]])
    assert booked(then) == set()
    assert again.code == 0
    assert len(booked(operator.status())) == PAIRS


def test_doctor_finds_nothing_wrong_with_a_google_that_works(operator: Operator) -> None:
    operator.run(START)

    answer = operator.doctor()

    assert lines_with(answer.err, "ok    connections")
