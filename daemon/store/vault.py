"""Content at rest: one key a pair, sealed by a key derived from the web secret."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, delete, select, update

from daemon.core.domain import Pair
from daemon.store.rows import insert_new
from daemon.store.schema_conversation import (
    of_pair,
    pair_keys,
)


class Unreadable(Exception):
    """Content was sealed with another secret; restore the file `[web] secret` points to."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class Box:
    """Seals and opens the words of one pair."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(key)

    def seal(self, words: Any) -> bytes:
        """Encrypt JSON-safe words."""
        return self.seal_bytes(json.dumps(words, ensure_ascii=False).encode())

    def open(self, sealed: bytes) -> Any:
        """Decrypt what `seal` made. Raises `Unreadable`."""
        return json.loads(self.open_bytes(sealed))

    def seal_bytes(self, content: bytes) -> bytes:
        """Encrypt a file."""
        return self._fernet.encrypt(content)

    def open_bytes(self, sealed: bytes) -> bytes:
        """Decrypt what `seal_bytes` made. Raises `Unreadable`."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken as wrong:
            raise Unreadable from wrong


class Vault:
    """Keeps the pairs' keys. Several secrets: the first seals, all open (rotation)."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._secrets = tuple(secrets)
        self._service = MultiFernet([_fernet(secret, "vault") for secret in secrets])

    def derived(self, purpose: str) -> bytes:
        """A key of 32 bytes for another purpose of the same service (cookies, forms)."""
        return _derived(self._secrets[0], purpose)

    def box(self, conn: Connection, pair: Pair) -> Box | None:
        """The pair's box; None when nothing was ever written, or all was erased."""
        sealed = conn.scalar(select(pair_keys.c.sealed).where(of_pair(pair_keys, pair)))
        return None if sealed is None else Box(self._opened(sealed))

    def make(self, conn: Connection, pair: Pair, now: datetime) -> Box:
        """The pair's box, made at need. Two who make it at once get the same one."""
        known = self.box(conn, pair)
        if known is not None:
            return known
        sealed = self._service.encrypt(Fernet.generate_key())
        fields = {"employee": pair.employee, "manager": pair.manager}
        insert_new(conn, pair_keys, [{**fields, "sealed": sealed, "made_at": now}])
        return self.make(conn, pair, now)

    def forget(self, conn: Connection, pair: Pair) -> None:
        """Throw the pair's key away: what it sealed is gone, but for backups made before."""
        conn.execute(delete(pair_keys).where(of_pair(pair_keys, pair)))

    def rotate(self, conn: Connection) -> int:
        """Seal every pair's key with the first secret; tells how many."""
        rows = conn.execute(select(pair_keys)).all()
        for row in rows:
            pair = Pair(row.employee, row.manager)
            sealed = self._service.encrypt(self._opened(row.sealed))
            conn.execute(update(pair_keys).where(of_pair(pair_keys, pair)).values(sealed=sealed))
        return len(rows)

    def _opened(self, sealed: bytes) -> bytes:
        try:
            return self._service.decrypt(sealed)
        except InvalidToken as wrong:
            raise Unreadable from wrong


def _derived(secret: bytes, purpose: str) -> bytes:
    """HKDF (RFC 5869) with SHA-256."""
    info = f"careloop {purpose} v1".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)


def _fernet(secret: bytes, purpose: str) -> Fernet:
    return Fernet(urlsafe_b64encode(_derived(secret, purpose)))
