"""Google's sign-in without a key on this machine, and google-auth's calls through our own HTTP."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass

import google.auth
from google.auth import crypt, exceptions

from connectors._answers import Request
from connectors._http import Http, Limits
from daemon.core.ports import Trouble

CLOUD = "https://www.googleapis.com/auth/cloud-platform"
_QUICK = Limits(connect=3, read=5, call=10, attempts=1)


@dataclass(frozen=True, slots=True)
class Said:
    """An answer the way google-auth looks at it."""

    status: int
    headers: Mapping[str, str]
    data: bytes


@dataclass(frozen=True, slots=True)
class Transport:
    """google-auth's calls with our limits; what gets no answer is a `TransportError`."""

    http: Http

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> Said:
        """Make one call; the names are google-auth's."""
        content = body.encode() if isinstance(body, str) else body
        asked = Request(method, url, dict(headers or {}), content, "google sign-in", True)
        try:
            answer = self.http.ask(asked)
        except Trouble as trouble:
            raise exceptions.TransportError(trouble.reason) from trouble
        if answer.status == 429 or answer.status >= 500:
            said = f"Google's sign-in answered {answer.status}"
            raise exceptions.TransportError(said) from Trouble(said, answer.pause)
        return Said(answer.status, answer.headers, answer.body)


class RemoteSigner(crypt.Signer):  # type: ignore[misc]  # google-auth has no types
    """Signs by asking Google's IAM, as the identity this machine has by itself."""

    def __init__(self, http: Http, endpoint: str, account: str) -> None:
        self._http = http
        self._url = f"{endpoint}/v1/projects/-/serviceAccounts/{account}:signBlob"
        self._account = account

    @property
    def key_id(self) -> None:
        """Google chooses the key."""

    def sign(self, message: bytes | str) -> bytes:
        """Sign with the service account's key (IAM Credentials API, signBlob)."""
        content = message.encode() if isinstance(message, str) else message
        answer = Transport(self._http)(
            self._url,
            "POST",
            json.dumps({"payload": base64.b64encode(content).decode()}),
            {"Authorization": f"Bearer {_own_token()}", "Content-Type": "application/json"},
        )
        if answer.status != 200:
            raise exceptions.RefreshError(f"keyless: {self._account} ({answer.status})")
        return base64.b64decode(json.loads(answer.data)["signedBlob"])


def _own_token() -> str:
    """Fetch a token of this machine's identity (Application Default Credentials); where that
    identity lives is its own business, so these calls know no list of hosts."""
    transport = Transport(Http(limits=_QUICK))
    try:
        identity, _ = google.auth.default(scopes=[CLOUD], request=transport)
        identity.refresh(transport)
    except exceptions.DefaultCredentialsError as error:
        raise exceptions.RefreshError("keyless: no identity") from error
    return str(identity.token)
