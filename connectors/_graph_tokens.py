"""Who careloop is to Microsoft: one token for the tenant, fetched by msal over our own HTTP."""

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast
from urllib.parse import urlencode

import msal

from connectors._http import Answer, Http, Request, demand
from daemon.config.microsoft import Microsoft
from daemon.config.secrets import SecretProblem, read
from daemon.core.ports import CredentialsRefused, Trouble

REMEMBER_REFUSAL = 60
"""Seconds for which a refused sign-in is not tried again."""

_CURES = {
    "7000215": "the client secret is wrong: it has to be the secret's value, not its id",
    "7000222": "the client secret has expired: make a new one (Certificates & secrets)",
    "7000112": "the app is disabled: enable it (Enterprise applications, Properties)",
    "700016": "the tenant does not know the app: check client_id and tenant",
    "7000229": "the app has no place in the tenant yet: grant admin consent once",
    "700027": "the certificate is not the app's: upload it, or renew the expired one",
    "90002": "the tenant is not known: check tenant",
    "900023": "the tenant is neither a GUID nor a domain name: check tenant",
    "65001": "nobody consented: grant admin consent (API permissions)",
    "53003": "a conditional access policy blocks the app: exempt it, or allow this machine",
    "500011": "the scope is not known in the tenant: check graph_url and scope",
}
_PASSING = frozenset({"temporarily_unavailable", "server_error"})


class App(Protocol):
    """The part of msal's confidential client that is used here."""

    def acquire_token_for_client(self, scopes: list[str]) -> dict[str, Any]:
        """Answer from the cache or ask; errors are in the dict."""
        ...


class Tokens:
    """The tenant's token: fetched when first needed, again shortly before it expires."""

    def __init__(
        self,
        settings: Microsoft,
        root: Path,
        http: Http,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._root = root
        self._http = http
        self._clock = clock
        self._app: App | None = None
        self._refused: tuple[float, CredentialsRefused] | None = None
        self._lock = threading.Lock()

    def bearer(self) -> str:
        """Return a token. Raises `CredentialsRefused` with the cure, or `Trouble`."""
        with self._lock:
            if self._refused and self._clock() < self._refused[0]:
                raise self._refused[1]
            try:
                return self._fetch()
            except CredentialsRefused as refused:
                self._app = None
                self._refused = (self._clock() + REMEMBER_REFUSAL, refused)
                raise

    def forget(self) -> None:
        """Drop a token Graph no longer accepts; the secret is read anew with the next one."""
        with self._lock:
            self._app = None

    def _fetch(self) -> str:
        try:
            self._app = self._app or self._new_app()
            answer = self._app.acquire_token_for_client(self._settings.scopes)
        except SecretProblem as problem:
            raise CredentialsRefused(f"Microsoft sign-in: {problem}") from problem
        except (ValueError, KeyError, TypeError) as error:
            said = f"{error} {error.__context__}"  # msal hides the reason behind a hint
            raise _refusal({"error_description": said}) from error
        if "access_token" not in answer:
            raise _refusal(answer)
        self._refused = None
        return str(answer["access_token"])

    def _new_app(self) -> App:
        settings = self._settings
        made = msal.ConfidentialClientApplication(
            settings.client_id,
            authority=f"{settings.authority}/{settings.tenant}",
            client_credential=self._credential(),
            instance_discovery=None if settings.instance_discovery else False,
            http_client=_Transport(self._http),
        )
        return cast("App", made)

    def _credential(self) -> str | dict[str, str]:
        settings = self._settings
        if settings.secret:
            return read(settings.secret, self._root).reveal()
        pem = read(settings.certificate or "", self._root).reveal()
        credential = {"private_key": pem, "public_certificate": _certificates(pem)}
        if settings.passphrase:
            credential["passphrase"] = read(settings.passphrase, self._root).reveal()
        return credential


def _certificates(pem: str) -> str:
    """The certificates of a PEM text that holds the key too."""
    found = re.findall(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", pem, re.DOTALL)
    if not found:
        raise SecretProblem(
            "[microsoft] certificate holds no certificate",
            "put the private key and its certificate into one PEM file",
        )
    return "\n".join(found)


def _refusal(said: Mapping[str, Any]) -> Trouble:
    """Say what a sign-in without a token means; the codes are Entra ID's AADSTS numbers."""
    if said.get("error") in _PASSING:
        return Trouble("Microsoft sign-in is out of order for now")
    text = str(said.get("error_description", ""))
    codes = [str(code) for code in said.get("error_codes", [])]
    codes += re.findall(r"AADSTS(\d+)", text)
    cure = next((_CURES[code] for code in codes if code in _CURES), None)
    named = f"AADSTS{codes[0]}" if codes else str(said.get("error") or "no usable answer")
    return CredentialsRefused(
        f"Microsoft sign-in ({named}): {cure or 'check [microsoft] and the app registration'}"
    )


@dataclass(frozen=True, slots=True)
class _Said:
    """An answer the way msal looks at it."""

    status_code: int
    text: str
    headers: Mapping[str, str]

    def raise_for_status(self) -> None:
        """Raise `ValueError` for an error, as msal expects some exception."""
        if self.status_code >= 400:
            raise ValueError(f"HTTP {self.status_code}")


@dataclass(frozen=True, slots=True)
class _Transport:
    """msal's calls with our limits, our ca_file and our list of hosts."""

    http: Http

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> _Said:
        """Read what the sign-in service says of itself; the names are msal's."""
        asked = f"{url}?{urlencode(params)}" if params else url
        return self._ask(Request("GET", asked, dict(headers or {}), what="microsoft discovery"))

    def post(
        self,
        url: str,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> _Said:
        """Ask for a token; the names are msal's."""
        form = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        body = urlencode(data or {}).encode()
        return self._ask(Request("POST", url, form, body, "microsoft sign-in", repeatable=True))

    def close(self) -> None:
        """Nothing to close: the sessions are the connection's."""

    def _ask(self, request: Request) -> _Said:
        answer: Answer = self.http.ask(request)
        if answer.status == 429 or answer.status >= 500:
            demand(answer, "Microsoft sign-in is out of order for now")
        return _Said(answer.status, answer.text, answer.headers)
