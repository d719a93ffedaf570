"""Signed links: what a letter's button carries, and how it is read back."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from itsdangerous import BadData, URLSafeSerializer
from itsdangerous.encoding import base64_decode, base64_encode

from daemon.core.domain import Email, Uid, email


class Purpose(StrEnum):
    """Where a link leads."""

    PREPARE = "prepare"
    """The employee's preparation."""
    BRIEF = "brief"
    """The manager's page of a meeting."""
    RECORD = "record"
    """The record page, for either."""
    MY_PAGE = "my_page"
    """The employee's own page: move, pause, actions, export."""
    HELPER = "helper"
    """One action or a few questions; the uid is the request's id."""
    SIGN_IN = "sign_in"
    """The people team's overview, once; the uid is the request's id."""


LIFE = {Purpose.SIGN_IN: timedelta(minutes=30), Purpose.HELPER: timedelta(days=21)}
"""How long a link lives where it is not `[web] link_days`."""

Versions = Callable[[Email], int]
"""Tells a person's current link version; raising it revokes every older link of theirs."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a genuine link says."""

    purpose: Purpose
    person: Email
    uid: Uid
    expires: datetime


class Links:
    """Makes and reads links. The signature covers purpose, person, meeting, version and expiry
    (HMAC with SHA-256). Several secrets: the last signs, all are accepted (rotation)."""

    def __init__(
        self, url: str, secrets: Sequence[bytes], days: int, versions: Versions | None = None
    ) -> None:
        self._url = url.rstrip("/")
        self._days = timedelta(days=days)
        self._versions = versions or (lambda _: 0)
        self._serializer = URLSafeSerializer(
            list(secrets),
            salt="careloop link v1",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )

    def make(self, purpose: Purpose, person: Email, uid: Uid, now: datetime) -> str:
        """Write the address a person may open; the same arguments give the same address."""
        expires = int((now + LIFE.get(purpose, self._days)).timestamp())
        words = [purpose.value, person, uid, self._versions(person), expires]
        return f"{self._url}/l/{self._serializer.dumps(words)}"

    def read(self, token: str, now: datetime) -> Link | None:
        """Read a token back; None alike for wrong, expired and revoked ones."""
        try:
            words = self._serializer.loads(_canonical(token))
        except BadData:
            return None
        link, version = _link(words)
        genuine = now < link.expires and version == self._versions(link.person)
        return link if genuine else None


def _canonical(token: str) -> str:
    """Refuse a second spelling of the same bits (the spare ones of the last letter)."""
    parts = token.removeprefix(".").split(".")
    if any(base64_encode(base64_decode(part)).decode() != part for part in parts):
        raise BadData("not how it was written")
    return token


def _link(words: Any) -> tuple[Link, int]:
    """Unpack signed words; their shape is ours, the signature has said so."""
    purpose, person, uid, version, expires = words
    until = datetime.fromtimestamp(expires, UTC)
    return Link(Purpose(purpose), email(person), Uid(uid), until), version
