"""What Google's refusals mean: one line each, which says what an administrator must do."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from daemon.core.ports import Ambiguous, Permanent, Temporary

DELEGATION = "Admin console > Security > API controls > Domain-wide delegation"
REST = timedelta(hours=3)
"""How long Google is left alone after a quota that lasts for hours."""
MINUTE = timedelta(minutes=1)
UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)
"""What reading an answer raises that is not built as it should be."""

_THROTTLED = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "RESOURCE_EXHAUSTED"})
_EXHAUSTED = frozenset({"quotaExceeded", "dailyLimitExceeded", "limitExceeded"})
_SCOPES = frozenset({"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"})
_SWITCHED_OFF = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})
_NO_SERVICE = frozenset({"notACalendarUser", "failedPrecondition"})

_TELLING = frozenset({404, 409, 410, 412})
"""Statuses something is concluded from; a proxy's or a wrong endpoint's must not count."""

_SIGN_IN = (
    ("unauthorized_client", True, f"under {DELEGATION} give its client ID the scopes {{scopes}}"),
    ("invalid jwt signature", True, "its key was deleted or replaced: name a new one"),
    ("short-lived token", True, "the clock of this machine is wrong: set it"),
    ("_client", True, "the service account was disabled or deleted: enable it in IAM"),
    ("access_denied", True, "an app access rule blocks it: allow it under API controls"),
    ("keyless", True, "let this machine's identity sign for it (Service Account Token Creator)"),
    (
        "invalid_grant",
        False,
        "no active account has this address: correct the roster or restore the account",
    ),
    ("", True, "docs/google.md tells what the code means"),
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that was not done as asked. `status` 0: no answer; `whole`: for everybody alike."""

    result: Temporary | Permanent | Ambiguous
    status: int = 0
    whole: bool = False


def sign_in(code: str, said: str, subject: str, scopes: frozenset[str]) -> tuple[str, bool]:
    """Say why there is no token for a subject, and whether that holds for everybody."""
    heard = f"{code}: {said}" if said else code
    for sign, whole, cure in _SIGN_IN:
        if sign in heard.lower():
            asked = cure.format(scopes=",".join(sorted(scopes)))
            return f"Google does not let careloop act as {subject} ({heard}); {asked}", whole
    raise AssertionError("the last sign is part of every text")


def failure(
    status: int, body: bytes, subject: str, pause: timedelta | None = None, *, writes: bool = False
) -> Failure:
    """Say what an error answer means for its row (Calendar, Gmail and Directory alike)."""
    code, said = _code(body)
    heard = f"Google answered {status} {code} for {subject}"
    if not code and status in _TELLING:
        return Failure(Temporary(f"{heard}, but not in Google's words: check the endpoint"))
    if status == 429 or code in _THROTTLED:
        return Failure(Temporary(f"{heard}: too many calls", pause), status)
    if code in _EXHAUSTED:
        return Failure(Temporary(f"{heard}: a quota that lasts for hours", pause or REST), status)
    if status == 408 or status >= 500:
        return Failure(Ambiguous(heard) if writes else Temporary(heard, pause), status)
    cure, whole = _cure(status, code)
    return Failure(Permanent(f"{heard}: {cure or said or 'not possible'}"), status, whole)


def _cure(status: int, code: str) -> tuple[str, bool]:
    if code in _SCOPES:
        return f"a scope is missing under {DELEGATION} (docs/google.md lists them)", True
    if code in _SWITCHED_OFF:
        return (
            "the API is switched off: enable it in the Cloud project of the service account",
            True,
        )
    if status == 401:
        return "the token was revoked: check the service account and its delegation", True
    if code in _NO_SERVICE:
        return (
            "this service is off for the account: turn it on under Apps, or assign a licence",
            False,
        )
    if status == 403:
        return "the account may not do this: check its sharing settings and licence", False
    return "", False


def _code(body: bytes) -> tuple[str, str]:
    """The machine's word for an error and the sentence beside it; both may be empty."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return "", ""
    if not isinstance(error, Mapping):
        return str(error), ""
    listed = [*_mappings(error.get("errors")), *_mappings(error.get("details")), error]
    codes = [str(entry["reason"]) for entry in listed if entry.get("reason")]
    chosen = codes[0] if codes else str(error.get("status", ""))
    return chosen, " ".join(str(error.get("message", "")).split())[:200]


def _mappings(found: Any) -> list[Mapping[str, Any]]:
    return [entry for entry in found or () if isinstance(entry, Mapping)]
