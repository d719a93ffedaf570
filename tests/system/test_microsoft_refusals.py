"""What the operator sees when Microsoft refuses: an exit code, a line each, nobody else waits."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.doubles.microsoft import Asked, Double, Fault, microsoft
from tests.doubles.microsoft_books import Reply
from tests.system.company import found
from tests.system.microsoft_tenant import MicrosoftTenant
from tests.system.operating import Operator, booked, lines_with, problem_of

START = datetime(2027, 3, 1, 6, tzinfo=UTC)
PAIRS = 4
LONELY, *_REST = (f"worker{number}@acme.example" for number in range(1, PAIRS + 1))
OTHERS = set(_REST)


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Double]:
    with microsoft(tmp_path) as double:
        yield double


@pytest.fixture
def operator(tmp_path: Path, tenant: Double, capsys: pytest.CaptureFixture[str]) -> Operator:
    company = found(
        tmp_path / "acme", pairs=PAIRS, start=START.date(), days=10, seed=3, taken=(0.1, 0.2)
    )
    MicrosoftTenant(company, tenant)
    return Operator(company.root / "config.toml", capsys)


def _sign_in(code: int) -> Callable[[Double], None]:
    """Entra ID refuses with this AADSTS number."""

    def hurt(tenant: Double) -> None:
        said = {"error": "invalid_client", "error_description": f"AADSTS{code}: no"}
        tenant.token_answer = Reply(401, {**said, "error_codes": [code]})

    return hurt


def _no_users(tenant: Double) -> None:
    tenant.books.may_read_users = False


def _no_calendars(tenant: Double) -> None:
    denied = Fault(403, code="ErrorAccessDenied")
    closed = ("/events", "/getSchedule")
    tenant.hurt = lambda asked: denied if any(one in asked.path for one in closed) else None


WHOLE = [
    (_sign_in(7000222), "the client secret has expired: make a new one"),
    (_sign_in(7000215), "the client secret is wrong: it has to be the secret's value"),
    (_sign_in(65001), "nobody consented: grant admin consent (API permissions)"),
    (_sign_in(53003), "a conditional access policy blocks the app"),
    (_no_users, "grant User.Read.All"),
    (_no_calendars, "grant Calendars.ReadWrite"),
]


@pytest.mark.parametrize(("hurt", "cure"), WHOLE)
def test_refused_credentials_are_exit_code_12_and_a_line_for_each_connection(
    operator: Operator, tenant: Double, hurt: Callable[[Double], None], cure: str
) -> None:
    assert operator.run(START).code == 0
    before = booked(operator.status())
    hurt(tenant)

    refused = operator.run(START + timedelta(days=1))

    assert refused.code == 12
    for connection in ("roster.unread", "calendar.unread"):
        assert len(lines_with(refused.err, connection)) <= 1
    assert lines_with(refused.err, cure)
    assert lines_with(refused.err, "effect.put_off") == []
    status = operator.status()
    assert status.json["credentials_refused"] is True
    said = [one["what"] for one in status.json["problems"] if cure in one["what"]]
    assert said
    assert all("\n" not in one for one in said)
    assert booked(status) == before
    told = operator.doctor()
    one_mailbox = hurt is _no_calendars
    assert told.code == (1 if one_mailbox else 12)
    assert lines_with(told.out, "access is denied by permission" if one_mailbox else cure)


def test_what_was_refused_is_made_up_for_when_it_works_again(
    operator: Operator, tenant: Double
) -> None:
    _sign_in(7000222)(tenant)
    assert operator.run(START).code == 12
    tenant.token_answer = None

    again = operator.run(START + timedelta(hours=1))

    assert again.code == 0
    assert len(booked(operator.status())) == PAIRS
    assert operator.status().json["problems"] == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("MailboxNotEnabledForRESTAPI", "there is no Exchange Online mailbox: assign a licence"),
        ("ErrorAccessDenied", "access is denied by permission or policy: grant the app access"),
    ],
)
def test_one_mailbox_that_is_closed_stops_nobody_else(
    operator: Operator, tenant: Double, code: str, words: str
) -> None:
    tenant.books.mailbox(LONELY).refuses = code

    answer = operator.run(START)

    status = operator.status()
    assert answer.code == 3
    assert booked(status) == OTHERS
    assert words in problem_of(status, LONELY)
    assert status.json["credentials_refused"] is False


@pytest.mark.parametrize("status", [429, 503])
def test_throttling_and_outages_are_partly_done_and_pass_by_themselves(
    operator: Operator, tenant: Double, status: int
) -> None:
    calm = Fault(status, headers={"Retry-After": "900"})
    tenant.hurt = lambda asked: calm if _is_graph(asked) else None
    late = operator.run(START)
    then = operator.status()
    tenant.hurt = lambda _: None

    again = operator.run(START + timedelta(hours=1))

    assert late.code == 3
    assert len(then.json["problems"]) == 1
    assert booked(then) == set()
    assert again.code == 0
    assert len(booked(operator.status())) == PAIRS


def _is_graph(asked: Asked) -> bool:
    return asked.path.startswith("/users") or "batch" in asked.path


def test_doctor_finds_nothing_wrong_with_a_tenant_that_works(
    operator: Operator, tenant: Double
) -> None:
    operator.run(START)

    answer = operator.doctor()

    assert lines_with(answer.err, "ok    connections")


def test_doctor_tells_of_a_mailbox_that_is_closed(operator: Operator, tenant: Double) -> None:
    operator.run(START)
    for box in tenant.books.boxes.values():
        box.refuses = "ErrorAccessDenied"

    answer = operator.doctor()

    assert answer.code == 1
    assert lines_with(answer.out, "access is denied by permission or policy")
