"""Each refusal of Graph ends in one line that says what to do, and stops nobody else."""

import pytest

from connectors._graph_words import meaning
from daemon.core.ports import Done, Permanent, Temporary, Unknown
from tests.connectors.contract import (
    EMPLOYEE,
    MANAGER,
    OTHER,
    a_meeting,
    an_invite,
    at,
    withdrawn,
)
from tests.connectors.microsoft_world import World
from tests.doubles.microsoft import Asked, Fault

MINE = an_invite(at(10))
OTHERS = an_invite(at(12), OTHER, MANAGER)

PERMANENT = [
    (403, "ErrorAccessDenied", "RBAC for Applications"),
    (403, "Authorization_RequestDenied", "admin consent"),
    (403, "SomethingNew", "RBAC for Applications"),
    (404, "MailboxNotEnabledForRESTAPI", "assign a licence"),
    (404, "ResourceNotFound", "correct the address"),
    (404, "ErrorInvalidUser", "correct the address"),
    (400, "ErrorInvalidRequest", "refused"),
]
LATER = [
    (503, "ErrorMailboxStoreUnavailable"),
    (507, "ErrorQuotaExceeded"),
    (409, "ErrorIrresolvableConflict"),
    (400, "MailboxInfoStale"),
]


def only(mailbox: str, status: int, code: str) -> object:
    def hurt(asked: Asked) -> Fault | None:
        return Fault(status, code=code) if asked.part and mailbox in asked.path else None

    return hurt


@pytest.mark.parametrize(("status", "code", "words"), PERMANENT)
def test_one_refused_mailbox_stops_nobody_else(
    office: World, status: int, code: str, words: str
) -> None:
    office.double.hurt = only(EMPLOYEE.email, status, code)  # type: ignore[assignment]

    put = office.calendar.put([MINE, OTHERS])
    seen = office.calendar.look([a_meeting(MINE), a_meeting(OTHERS)])
    gone = office.calendar.cancel([withdrawn(MINE), withdrawn(OTHERS)])

    for results in (put, gone):
        refused = results[MINE.uid]
        assert isinstance(refused, Permanent)
        assert EMPLOYEE.email in refused.reason
        assert words in refused.reason
        assert "\n" not in refused.reason
        assert isinstance(results[OTHERS.uid], Done)
    unknown, told = seen[MINE.uid], seen[OTHERS.uid]
    assert isinstance(unknown, Unknown)
    assert words in unknown.reason
    assert not isinstance(told, Unknown)
    assert told.present


@pytest.mark.parametrize(("status", "code"), LATER)
def test_what_will_pass_is_temporary(status: int, code: str) -> None:
    result = meaning(status, {"error": {"code": code}}, "a@acme.example")

    assert isinstance(result, Temporary)
    assert "a@acme.example" in result.reason


@pytest.mark.parametrize("body", [None, "", [], {}, {"error": None}, {"error": "x"}, {"error": {}}])
def test_an_answer_without_a_code_is_refused_with_its_status(body: object) -> None:
    assert meaning(400, body, "a@b.example") == Permanent("a@b.example: Microsoft refused (400)")


def test_what_graph_says_in_words_is_not_repeated() -> None:
    body = {"error": {"code": "ErrorX", "message": "the meeting about Emma's salary"}}

    assert "salary" not in meaning(400, body, "a@b.example").reason
