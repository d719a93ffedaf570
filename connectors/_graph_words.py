"""What Graph's error codes mean for us, and what an administrator should do about each."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from daemon.core.ports import Permanent, Temporary

DENIED = frozenset(
    {"ErrorAccessDenied", "AccessDenied", "Authorization_RequestDenied", "Forbidden"}
)
GONE = frozenset({"ErrorItemNotFound", "itemNotFound"})
"""The item is gone; the mailbox is there."""
DUPLICATE = "ErrorDuplicateTransactionId"
STALE_TOKEN = frozenset({"syncStateNotFound", "SyncStateNotFound", "resyncRequired", "410"})

_ACCESS = (
    "grant the app access to this mailbox (its RBAC for Applications scope, or the application "
    "permission with admin consent)"
)
_CURES = {
    **dict.fromkeys(DENIED, f"access is denied by permission or policy: {_ACCESS}"),
    "MailboxNotEnabledForRESTAPI": "there is no Exchange Online mailbox: assign a licence, "
    "move the mailbox to the cloud, or take the person off the roster",
    "MailboxNotSupportedForRESTAPI": "this kind of mailbox cannot be used: take it off the roster",
    "ErrorNonExistentMailbox": "there is no such mailbox: correct the address on the roster",
    "ErrorMailRecipientNotFound": "there is no such mailbox: correct the address on the roster",
    **dict.fromkeys(
        ("ErrorInvalidUser", "Request_ResourceNotFound", "ResourceNotFound"),
        "there is no such user: correct the address on the roster (write the sign-in name, where "
        "the two differ)",
    ),
    "ErrorSendAsDenied": "the app may not send as this address: send from the mailbox's own "
    "address, or grant Send As",
    "ErrorInvalidRecipients": "the recipient's address is not valid: correct it on the roster",
    "ErrorMessageSizeExceeded": "the letter is too large for this mailbox",
    "ErrorMimeContentInvalidBase64String": "the letter was not understood",
}
_LATER = {
    "ErrorQuotaExceeded": ("the mailbox is full: make room in it", timedelta(hours=6)),
    "ErrorMailboxMoveInProgress": ("the mailbox is being moved", timedelta(minutes=30)),
    "MailboxInfoStale": ("the mailbox is being moved", timedelta(minutes=5)),
    "ErrorMailboxStoreUnavailable": ("the mailbox is out of order", timedelta(minutes=5)),
    "ErrorIrresolvableConflict": ("somebody changed the item at the same time", timedelta(0)),
    "ErrorExceededMessageLimit": ("the mailbox sent too much today", timedelta(hours=6)),
    "ErrorExceededRecipientLimit": ("the mailbox sent too much today", timedelta(hours=6)),
}


def code_of(body: object) -> str:
    """The error code of an answer's body; empty where it names none."""
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return ""
    return str(error.get("code") or error.get("responseCode") or "")


def meaning(status: int, body: Any, mailbox: str) -> Temporary | Permanent:
    """Say what an error answer means for one mailbox's row, and what to do."""
    code = code_of(body)
    if code in _LATER:
        words, wait = _LATER[code]
        return Temporary(f"{mailbox}: {words} ({code})", wait or None)
    words = _CURES.get(code) or (_CURES["AccessDenied"] if status == 403 else "")
    return Permanent(f"{mailbox}: {words or 'Microsoft refused'} ({code or status})")


def unreadable(code: str, mailbox: str) -> str:
    """Say why somebody's free and busy times are not known."""
    cure = _CURES.get(code, "the free and busy times could not be read")
    return f"{mailbox}: {cure} ({code or 'no reason given'})"
