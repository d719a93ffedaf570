"""Letters through Gmail: sent once each, in the name of their sender's mailbox."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from email import message_from_bytes, policy
from email.message import Message
from typing import Any

from connectors._google_transport import Call, Reply, Workspace
from connectors._google_words import UNREADABLE, Failure
from daemon.core.domain import Email, Key, Mail
from daemon.core.ports import Done, Result

_MARKS = ("X-Careloop-Letter", "X-Careloop-Meeting", "Date")
_IDS = ("Message-ID", "X-Google-Original-Message-ID")
RECENT = 50
"""How many letters to one reader are looked through in Sent."""


class GoogleMailer:
    """The `Mailer` of a Workspace (daemon/core/ports.py)."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._surface = workspace.gmail()

    def send(self, mails: Sequence[Mail]) -> Mapping[Key, Result]:
        """See `Mailer.send`: one attempt each; a lost answer is ambiguous and stays so."""
        messages = self._surface.api.messages
        calls = []
        for mail in mails:
            raw = base64.urlsafe_b64encode(mail.content).decode()
            send = messages.send(userId="me", body={"raw": raw})
            calls.append(Call(self._mailbox(mail), send, "id", writes=True, repeatable=False))
        return {
            mail.key: reply.result if isinstance(reply, Failure) else Done(str(reply.get("id", "")))
            for mail, reply in zip(mails, self._run(calls), strict=True)
        }

    def sent(self, mails: Sequence[Mail]) -> Mapping[Key, bool | None]:
        """See `Mailer.sent`: look into Sent, where `verify_sent` says that we may."""
        if not self._workspace.settings.verify_sent:
            return {mail.key: None for mail in mails}
        lists = self._run([self._list(mail) for mail in mails])
        rows = [
            (mail, str(entry["id"]))
            for mail, reply in zip(mails, lists, strict=True)
            for entry in _entries(reply)
        ]
        headers = self._run([self._headers(mail, entry) for mail, entry in rows])
        told: dict[Key, bool | None] = {
            mail.key: None if isinstance(reply, Failure) else False
            for mail, reply in zip(mails, lists, strict=True)
        }
        for (mail, _), reply in zip(rows, headers, strict=True):
            told[mail.key] = _either(told[mail.key], _is_it(mail, reply))
        return told

    def _mailbox(self, mail: Mail) -> Email:
        return Email(self._workspace.settings.send_as or mail.sender)

    def _list(self, mail: Mail) -> Call:
        asked = self._surface.api.messages
        query = f"in:sent to:{mail.to} newer_than:7d"
        return Call(self._mailbox(mail), asked.list(userId="me", q=query, maxResults=RECENT))

    def _headers(self, mail: Mail, entry: str) -> Call:
        messages = self._surface.api.messages
        asked = messages.get(
            userId="me", id=entry, format="metadata", metadataHeaders=[*_MARKS, *_IDS]
        )
        return Call(self._mailbox(mail), asked, "payload")

    def _run(self, calls: Sequence[Call]) -> list[Reply]:
        return self._workspace.run(self._surface, calls) if calls else []


def _entries(reply: Reply) -> Iterable[Mapping[str, Any]]:
    return () if isinstance(reply, Failure) else reply.get("messages", ())


def _either(one: bool | None, other: bool | None) -> bool | None:
    """Found in one is found; unknown in one, and found in none, is unknown."""
    if one or other:
        return True
    return None if one is None or other is None else False


def _is_it(mail: Mail, reply: Reply) -> bool | None:
    """Tell whether a sent message is this letter. Gmail may give it another Message-ID, so the
    letter, the meeting and the second it was written in count as well."""
    if isinstance(reply, Failure):
        return None
    try:
        listed = reply["payload"]["headers"]
        said = {str(one["name"]).lower(): str(one["value"]).strip() for one in listed}
    except UNREADABLE:
        return None
    if mail.message_id in (said.get(name.lower()) for name in _IDS):
        return True
    letter: Message[str, str] = message_from_bytes(mail.content, policy=policy.compat32)
    marks = [str(letter.get(name, "")).strip() for name in _MARKS]
    return all(marks) and marks == [said.get(name.lower(), "") for name in _MARKS]
