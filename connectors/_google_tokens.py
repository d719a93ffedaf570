"""Who careloop is to Google: one short-lived token per subject, by domain-wide delegation."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, Protocol, cast

from google.auth import exceptions
from google.oauth2 import service_account

from connectors._google_keyless import RemoteSigner, Transport
from connectors._google_words import sign_in
from connectors._http import Http
from daemon.config.google import Google
from daemon.config.secrets import Secret, SecretProblem
from daemon.core.domain import Email
from daemon.core.ports import Permanent, Temporary, Trouble

REMEMBER_REFUSAL = 300
"""Seconds for which a refused subject is not asked for again."""

Scopes = frozenset[str]
_untyped: Any = service_account
"""google-auth has no types."""


@dataclass(frozen=True, slots=True)
class Denied:
    """No token for a subject, and why. `whole`: the same for everybody, the connection is off."""

    result: Temporary | Permanent
    whole: bool = False


class Credential(Protocol):
    """The part of google-auth's service account credential that is used here."""

    token: str
    valid: bool

    def refresh(self, request: Callable[..., Any]) -> None:
        """Fetch a token."""
        ...


class Tokens:
    """Tokens by subject, fetched when first needed and again shortly before they expire."""

    def __init__(
        self, settings: Google, http: Http, key: Callable[[], Secret], clock: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._http = http
        self._key = key
        self._clock = clock
        self._held: dict[tuple[Email, Scopes], Credential] = {}
        self._refused: dict[tuple[Email, Scopes], tuple[float, Denied]] = {}
        self._locks: dict[tuple[Email, Scopes], threading.Lock] = {}
        self._guard = threading.Lock()

    def bearer(self, subject: Email, scopes: Scopes) -> str | Denied:
        """Return a token that acts as `subject`, or say why there is none."""
        name = (subject, scopes)
        with self._guard:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            until, refused = self._refused.get(name, (0.0, None))
            if refused and self._clock() < until:
                return refused
            answer = self._fetch(subject, scopes)
            if isinstance(answer, Denied) and isinstance(answer.result, Permanent):
                self._refused[name] = (self._clock() + REMEMBER_REFUSAL, answer)
            return answer

    def forget(self, subject: Email, scopes: Scopes) -> None:
        """Drop a token Google no longer accepts."""
        self._held.pop((subject, scopes), None)

    def _fetch(self, subject: Email, scopes: Scopes) -> str | Denied:
        try:
            credential = self._held.get((subject, scopes)) or self._credential(subject, scopes)
            if not credential.valid:
                credential.refresh(Transport(self._http))
        except SecretProblem as problem:
            return Denied(Permanent(f"the service account's key: {problem}"), whole=True)
        except (ValueError, TypeError):  # google-auth's word for a key it cannot read is one, too
            return Denied(Permanent(_BROKEN_KEY), whole=True)
        except exceptions.GoogleAuthError as error:
            return self._denial(error, subject, scopes)
        self._held[(subject, scopes)] = credential
        return credential.token

    def _credential(self, subject: Email, scopes: Scopes) -> Credential:
        chosen = {"scopes": sorted(scopes), "subject": str(subject)}
        at = self._settings.token_endpoint
        account = self._settings.impersonate
        if account:
            signer = RemoteSigner(self._http, self._settings.iam_endpoint, account)
            made = _untyped.Credentials(signer, account, at, **chosen)
        else:
            made = _parsed(self._key().reveal(), at).with_scopes(chosen["scopes"])
            made = made.with_subject(chosen["subject"])
        return cast("Credential", made)

    def _denial(self, error: Exception, subject: Email, scopes: Scopes) -> Denied:
        if isinstance(error.__cause__, Trouble):
            return Denied(Temporary(error.__cause__.reason, error.__cause__.retry_after))
        if isinstance(error, exceptions.TransportError):
            return Denied(Temporary(str(error), timedelta(minutes=1)))
        code, _, said = str(error.args[0] if error.args else error).partition(": ")
        words, whole = sign_in(code, said, subject, scopes)
        others_work = any(held[1] == scopes for held in self._held if held[0] != subject)
        configured = subject in (self._settings.subject, self._settings.admin)
        return Denied(Permanent(words), whole=(whole and not others_work) or configured)


@lru_cache(maxsize=2)
def _parsed(key: str, token_endpoint: str) -> Any:
    """Read a JSON key: checking the numbers in it takes longer than all the rest."""
    info = {**json.loads(key), "token_uri": token_endpoint}
    return _untyped.Credentials.from_service_account_info(info)


_BROKEN_KEY = (
    "the service account's key is not a JSON key file: download a new one from "
    "IAM > Service accounts > Keys and name it in [google] service_account"
)
