"""Mail over one SMTP connection, phase by phase: what was lost before the final dot was not sent,
what was lost after it perhaps was.

Where the server offers PIPELINING (RFC 2920) a mail's content and the next mail's commands travel
together, so that a mail costs one round trip.
"""

import re
from collections import deque
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass

from connectors._leash import Leash
from connectors._mail_account import Account
from connectors._smtp_wire import Lost, Wire, lines, opened
from connectors._smtp_words import (
    AUTHENTICATION,
    CLOSING,
    Envelope,
    Reply,
    Unsendable,
    checked,
    envelope,
    envelope_id,
    refusal,
    xtext,
)
from daemon.config.smtp import Smtp
from daemon.core.domain import Key, Mail
from daemon.core.ports import Ambiguous, CredentialsRefused, Done, Permanent, Result, Temporary

_DOTS = re.compile(rb"(?m)^\.")
_PATIENCE = 3
"""So many connections in a row may break before their first mail."""


class Session:
    """Takes mails from a shared queue until it is empty; notes a result for each it took."""

    def __init__(
        self,
        account: Account,
        settings: Smtp,
        queue: deque[Mail],
        results: MutableMapping[Key, Result],
        leash: Leash,
    ) -> None:
        self._account, self._settings = account, settings
        self._queue, self._results, self._leash = queue, results, leash
        self._fresh = True
        """Nothing has been finished on this connection yet."""

    def run(self) -> None:
        """Send until nothing is left. Raises `Trouble` where no (further) connection is to be had;
        what is then left stays in the queue."""
        broken = 0
        while self._queue and broken < _PATIENCE and not self._leash.cut:
            wire = opened(self._account, self._settings.hello, self._leash)
            self._fresh = True
            try:
                self._send_all(wire)
                _part(wire)
            except Lost:
                broken = broken + 1 if self._fresh else 0
            finally:
                wire.close()

    def _take(self, wire: Wire) -> "_Draft | None":
        """The next mail that can be sent over this connection."""
        while self._queue:
            try:
                mail = self._queue.popleft()
            except IndexError:  # another connection was faster
                return None
            try:
                return _draft(wire, mail, self._settings)
            except Unsendable as error:
                self._results[mail.key] = Permanent(str(error))
        return None

    def _send_all(self, wire: Wire) -> None:
        pipelined = wire.offers("pipelining")
        draft = self._take(wire)
        begun = False
        while draft:
            with self._before_the_dot(draft):
                if pipelined and not begun:
                    wire.write(lines(draft.commands))
                wire.wait(self._leash.within(self._settings.timeout_seconds))
                refused = _offered(wire, draft, pipelined=pipelined)
            if refused is not None:
                draft = self._refused(wire, draft, refused)
                begun = False
                continue
            following = self._take(wire) if pipelined else None
            self._pour(wire, draft, following)
            begun = following is not None
            draft = following or self._take(wire)

    @contextmanager
    def _before_the_dot(self, draft: "_Draft") -> Iterator[None]:
        """A mail lost in here was not sent; on a connection that has served others before, it gets
        a second one."""
        try:
            yield
        except Lost as lost:
            self._put_back(draft.mail, f"{self._account.name}: {lost}")
            raise

    def _put_back(self, mail: Mail, why: str) -> None:
        if self._fresh or self._leash.cut:
            self._results[mail.key] = Temporary(f"{why}; nothing was sent")
        else:
            self._queue.appendleft(mail)

    def _refused(self, wire: Wire, draft: "_Draft", reply: Reply) -> "_Draft | None":
        """Note a refusal, clear the way for the next mail."""
        said = f"{self._account.name} refused the mail to {draft.mail.to}"
        if reply.code in AUTHENTICATION:
            self._queue.appendleft(draft.mail)
            raise CredentialsRefused(f"{said} ({reply}); set [smtp] user and password")
        if reply.code == CLOSING:
            self._put_back(draft.mail, f"{said} ({reply})")
            raise Lost("the server closes")
        self._results[draft.mail.key] = refusal(said, reply)
        self._fresh = False
        wire.ask("RSET")
        return self._take(wire)

    def _pour(self, wire: Wire, draft: "_Draft", following: "_Draft | None") -> None:
        """Send the content, the dot, and the next mail's commands; read what became of it."""
        try:
            with self._before_the_dot(draft):
                wire.write(draft.content)
            self._finish(wire, draft, following)
        except Lost:
            if following:
                self._queue.appendleft(following.mail)
            raise

    def _finish(self, wire: Wire, draft: "_Draft", following: "_Draft | None") -> None:
        key = draft.mail.key
        self._results[key] = Ambiguous(f"{self._account.name}: no word after the final dot")
        commands = lines(following.commands) if following else b""
        wire.write(b".\r\n" + commands)
        wire.wait(self._leash.within(float("inf")))
        reply = wire.reply()
        said = f"{self._account.name} refused the content for {draft.mail.to}"
        if reply.ok:
            self._results[key] = Done(reply.queued_as)
        elif reply.code >= 400:
            self._results[key] = refusal(said, reply)
        self._fresh = False


@dataclass(frozen=True, slots=True)
class _Draft:
    """A mail with its commands and its content as this server takes them."""

    mail: Mail
    commands: tuple[str, ...]
    content: bytes


def _draft(wire: Wire, mail: Mail, settings: Smtp) -> _Draft:
    addressed = envelope(mail, settings.return_path)
    if addressed.utf8 and not wire.offers("smtputf8"):
        raise Unsendable(f"{mail.to}: the server takes only ASCII addresses (no SMTPUTF8)")
    content = checked(mail.content)
    limit = wire.esmtp_features.get("size", "").strip()
    if limit.isdigit() and 0 < int(limit) < len(content):
        raise Unsendable(f"the mail has {len(content)} bytes, the server takes {limit}")
    commands = (_mail(wire, mail, addressed), _rcpt(wire, addressed), "DATA")
    return _Draft(mail, commands, _stuffed(content))


def _mail(wire: Wire, mail: Mail, addressed: Envelope) -> str:
    said = [f"MAIL FROM:<{addressed.sender}>"]
    if wire.offers("size"):
        said.append(f"SIZE={len(mail.content)}")
    if wire.offers("8bitmime") and not mail.content.isascii():
        said.append("BODY=8BITMIME")
    if addressed.utf8:
        said.append("SMTPUTF8")
    if wire.offers("dsn"):
        said.append(f"RET=HDRS ENVID={envelope_id(mail)}")
    return " ".join(said)


def _rcpt(wire: Wire, addressed: Envelope) -> str:
    said = f"RCPT TO:<{addressed.to}>"
    if wire.offers("dsn") and not addressed.utf8:
        return f"{said} NOTIFY=FAILURE ORCPT=rfc822;{xtext(addressed.to)}"
    return said


def _stuffed(content: bytes) -> bytes:
    """The content with its dots doubled and a line end of its own (RFC 5321 section 4.5.2)."""
    ended = content if content.endswith(b"\r\n") else content + b"\r\n"
    return _DOTS.sub(b"..", ended)


def _offered(wire: Wire, draft: _Draft, *, pipelined: bool) -> Reply | None:
    """Go through MAIL, RCPT and DATA; the first refusal, or None: the content is awaited."""
    if pipelined:
        replies = [wire.reply() for _ in draft.commands]
    else:
        replies = []
        for command in draft.commands:
            replies.append(wire.ask(command))
            if not (replies[-1].ok or replies[-1].code == 354):
                break
    refused = [reply for reply in replies[:2] if not reply.ok]
    awaited = len(replies) == 3 and replies[2].code == 354
    if refused and awaited:  # it would take content for nobody: none is given
        wire.ask(".")
    return refused[0] if refused else None if awaited else replies[-1]


def _part(wire: Wire) -> None:
    """Say goodbye; nobody waits long for an answer to that."""
    wire.wait(5)
    wire.ask("QUIT")
