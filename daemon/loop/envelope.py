"""A letter's finished bytes at rest: sealed while it is on its way, gone once it arrived."""

import json
from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet

from daemon.core.domain import Email, Key, Mail
from daemon.store.vault import Vault


def seal(vault: Vault, mail: Mail) -> bytes:
    """Put a mail away so that only this service reads it."""
    head = {
        "key": mail.key,
        "sender": mail.sender,
        "to": mail.to,
        "message_id": mail.message_id,
    }
    return _fernet(vault).encrypt(json.dumps(head).encode() + b"\n" + mail.content)


def unseal(vault: Vault, sealed: bytes) -> Mail:
    """Take a mail out again, byte for byte. Raises InvalidToken for another service's."""
    head, _, content = _fernet(vault).decrypt(sealed).partition(b"\n")
    said = json.loads(head)
    return Mail(
        key=Key(said["key"]),
        sender=Email(said["sender"]),
        to=Email(said["to"]),
        message_id=said["message_id"],
        content=content,
    )


def _fernet(vault: Vault) -> Fernet:
    return Fernet(urlsafe_b64encode(vault.derived("letters")))
