"""The sign-in of the local Google: signed assertions for tokens, an allow-list of scopes."""

import base64
import json
import time
from functools import cache
from typing import Any
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.doubles.google_books import Books, Oops

ACCOUNT = "careloop@project.iam.gserviceaccount.com"
AUTH = "https://www.googleapis.com/auth/"
EVERY_SCOPE = frozenset(
    AUTH + scope
    for scope in (
        "calendar.events.owned",
        "calendar.events.freebusy",
        "calendar.calendars.readonly",
        "gmail.send",
        "gmail.readonly",
        "admin.directory.user.readonly",
    )
)


@cache
def a_key(number: int = 0) -> rsa.RSAPrivateKey:
    """A key pair; making one takes a while, so tests share them."""
    assert number >= 0
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_file(number: int = 0) -> str:
    """The JSON key of the service account as Google hands it out."""
    pem = a_key(number).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "project",
            "private_key_id": f"key{number}",
            "private_key": pem.decode(),
            "client_email": ACCOUNT,
            "client_id": "1234567890",
            "token_uri": "https://oauth2.googleapis.com/token",
        }
    )


class SignIn:
    """Tokens by assertion, and who a token stands for."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self.allowed = EVERY_SCOPE
        self.disabled = False
        self.revoked = False
        """Tokens are handed out, and no longer accepted."""
        self.trusted_key = 0
        self.identity = "the-machine"
        """The bearer token that may ask for a signature."""
        self._tokens: dict[str, tuple[str, frozenset[str]]] = {}

    def revoke(self) -> None:
        """Forget every token that was given out."""
        self._tokens.clear()

    def token(self, body: bytes) -> tuple[int, dict[str, Any]]:
        """Exchange an assertion (RFC 7523)."""
        said = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if said.get("grant_type") == "urn:ietf:params:oauth:grant-type:token-exchange":
            return 200, self._machine()
        head, claims, signature = said["assertion"].split(".")
        told = json.loads(_unpacked(claims))
        problem = self._problem(f"{head}.{claims}".encode(), _unpacked(signature), told)
        if problem:
            return problem[0], {"error": problem[1], "error_description": problem[2]}
        token = f"ya29.{len(self._tokens)}.{told.get('sub')}"
        self._tokens[token] = (told.get("sub", ACCOUNT), frozenset(told["scope"].split()))
        return 200, {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}

    def sign_blob(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        """Sign for whoever shows the machine's token (IAM Credentials API)."""
        if headers.get("authorization") != f"Bearer {self.identity}":
            denied = {"code": 403, "message": "denied", "status": "PERMISSION_DENIED"}
            return 403, {"error": denied}
        payload = base64.b64decode(json.loads(body)["payload"])
        signed = a_key(self.trusted_key).sign(payload, padding.PKCS1v15(), hashes.SHA256())
        return 200, {"keyId": "key", "signedBlob": base64.b64encode(signed).decode()}

    def subject(self, headers: dict[str, str], scopes: list[str]) -> str:
        """Who is calling, if they may call a method with these scopes. Raises `Oops`."""
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self._tokens or self.revoked:
            raise Oops(401, "authError", "Invalid Credentials")
        subject, granted = self._tokens[token]
        if not granted & set(scopes):
            raise Oops(403, "insufficientPermissions", "Insufficient Permission")
        account = self._books.accounts.get(subject)
        if account is None or account.suspended:
            raise Oops(401, "authError", "Invalid Credentials")
        return subject

    def _machine(self) -> dict[str, Any]:
        return {
            "access_token": self.identity,
            "expires_in": 3599,
            "token_type": "Bearer",
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        }

    def _problem(
        self, signed: bytes, signature: bytes, claims: dict[str, Any]
    ) -> tuple[int, str, str] | None:
        try:
            a_key(self.trusted_key).public_key().verify(
                signature, signed, padding.PKCS1v15(), hashes.SHA256()
            )
        except InvalidSignature:
            return 400, "invalid_grant", "Invalid JWT Signature."
        if self.disabled:
            return 401, "disabled_client", "The OAuth client was disabled."
        if not claims["iat"] - 300 <= time.time() <= claims["exp"]:
            words = "Invalid JWT: Token must be a short-lived token (60 minutes)."
            return 400, "invalid_grant", words
        if not set(claims["scope"].split()) <= self.allowed:
            words = "Client is unauthorized to retrieve access tokens using this method."
            return 401, "unauthorized_client", words
        account = self._books.accounts.get(claims.get("sub", ""))
        if "sub" in claims and (account is None or account.suspended):
            return 400, "invalid_grant", "Invalid email or User ID"
        return None


def _unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
