"""The mailboxes of the local Google: sending, and looking into Sent."""

import base64
import email
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import getaddresses
from typing import Any

from tests.doubles.google_books import Books, Oops
from tests.doubles.google_calendars import Handler, Query


@dataclass
class Sent:
    """A message that was sent."""

    id: str
    sender: str
    to: list[str]
    content: bytes


class Mailboxes:
    """Gmail API v1, as much of it as sending needs."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self.sent: list[Sent] = []
        self.rewrites_message_id = False

    def handlers(self) -> dict[str, Handler]:
        """What answers which method."""
        return {
            "gmail.users.messages.send": self._send,
            "gmail.users.messages.list": self._list,
            "gmail.users.messages.get": self._get,
        }

    def inbox(self, person: str) -> list[bytes]:
        """What has reached somebody."""
        return [message.content for message in self.sent if person in message.to]

    def _send(
        self, subject: str, names: Mapping[str, str], _q: object, body: Any, _h: object
    ) -> Any:
        assert names["userId"] == "me"
        content = base64.urlsafe_b64decode(body["raw"])
        letter = email.message_from_bytes(content)
        to = [address.lower() for _, address in getaddresses([letter.get("To", "")])]
        if not to:
            raise Oops(400, "invalidArgument", "Recipient address required")
        if any(
            one in self._books.accounts and self._books.accounts[one].refuses_mail for one in to
        ):
            raise Oops(400, "invalidArgument", "Invalid To header")
        if self.rewrites_message_id:
            ours = b"Message-ID: <CAF" + uuid.uuid4().hex.encode() + b"@mail.gmail.com>"
            content = content.replace(b"Message-ID:", ours + b"\r\nX-Was:", 1)
        message = Sent(uuid.uuid4().hex[:16], subject, to, content)
        self.sent.append(message)
        return {"id": message.id, "threadId": message.id, "labelIds": ["SENT"]}

    def _list(
        self, subject: str, _names: Mapping[str, str], query: Query, _b: object, _h: object
    ) -> Any:
        words = dict(word.split(":", 1) for word in query["q"][0].split())
        assert words.pop("in") == "sent"
        assert words.pop("newer_than") == "7d"
        found = [
            {"id": message.id, "threadId": message.id}
            for message in reversed(self.sent)
            if message.sender == subject and words["to"] in message.to
        ]
        return {"resultSizeEstimate": len(found), **({"messages": found} if found else {})}

    def _get(
        self, subject: str, names: Mapping[str, str], query: Query, _b: object, _h: object
    ) -> Any:
        for message in self.sent:
            if message.id == names["id"] and message.sender == subject:
                wanted = {name.lower() for name in query["metadataHeaders"]}
                letter = email.message_from_bytes(message.content)
                shown = [
                    {"name": name, "value": value}
                    for name, value in letter.items()
                    if name.lower() in wanted
                ]
                return {"id": message.id, "threadId": message.id, "payload": {"headers": shown}}
        raise Oops(404, "notFound", "Requested entity was not found.")
