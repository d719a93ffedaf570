"""One SMTP connection: smtplib's primitives on a leash, replies of bounded size.

Greeting, EHLO, TLS, AUTH and the replies are here; which mail goes when is the session's.
"""

import base64
import smtplib
import socket
from collections.abc import Sequence

from connectors._leash import Leash
from connectors._mail_account import Account
from connectors._smtp_words import AUTHENTICATION, Reply
from daemon.config.mailserver import on_this_machine
from daemon.core.ports import CredentialsRefused

_MOST_LINES = 128
"""Of one reply."""
_LONGEST_LINE = 4096


class Lost(Exception):
    """The connection broke off, or what came over it was no SMTP."""


class Wire(smtplib.SMTP):
    """smtplib without its own connecting, and with an end to every reply."""

    def getreply(self) -> tuple[int, bytes]:
        """Read one reply. Raises `Lost`."""
        assert self.sock is not None
        if self.file is None:
            self.file = self.sock.makefile("rb")
        said: list[bytes] = []
        for _ in range(_MOST_LINES):
            line = self._line()
            said.append(line[4:].strip())
            if line[3:4] != b"-":
                return int(line[:3]), b"\n".join(said)
        raise Lost("a reply without an end")

    def _line(self) -> bytes:
        assert self.file is not None
        try:
            line: bytes = self.file.readline(_LONGEST_LINE)
        except OSError as error:
            raise Lost(str(error) or "no answer in time") from None
        if not line:
            raise Lost("the connection broke off")
        if not line[:3].isdigit() or not line.endswith(b"\n"):
            raise Lost("the answer is no SMTP")
        return line

    def reply(self) -> Reply:
        """Read one reply as a value. Raises `Lost`."""
        return Reply(*self.getreply())

    def write(self, content: bytes) -> None:
        """Hand bytes to the other side. Raises `Lost`."""
        assert self.sock is not None
        try:
            self.sock.sendall(content)
        except OSError as error:
            raise Lost(str(error) or "no room in time") from None

    def ask(self, command: str) -> Reply:
        """Send one command and read its reply. Raises `Lost`."""
        self.write(lines([command]))
        return self.reply()

    def wait(self, seconds: float) -> None:
        """How long each answer may take from now on."""
        assert self.sock is not None
        self.sock.settimeout(seconds)

    def offers(self, extension: str) -> bool:
        """Tell whether the server's EHLO named an extension."""
        return self.has_extn(extension)


def lines(commands: Sequence[str]) -> bytes:
    """Commands as they go over the wire, together."""
    return "".join(f"{command}\r\n" for command in commands).encode()


def opened(account: Account, hello: str, leash: Leash) -> Wire:
    """Connect, greet, secure and sign in. Raises `Trouble` and `CredentialsRefused`."""
    connected = account.connected(leash)
    wire = Wire(local_hostname=hello or _own_name(connected))
    wire.sock = connected
    try:
        _prepare(wire, account, leash)
    except Lost as lost:
        wire.close()
        raise account.trouble(f"{lost} before any mail was begun") from None
    except BaseException:
        wire.close()
        raise
    return wire


def _own_name(connected: socket.socket) -> str:
    """This machine's full name, or else the address it speaks from (RFC 5321 section 4.1.3); no
    name server is asked."""
    name = socket.gethostname()
    address = str(connected.getsockname()[0]).partition("%")[0]
    return name if "." in name else f"[{'IPv6:' if ':' in address else ''}{address}]"


def _prepare(wire: Wire, account: Account, leash: Leash) -> None:
    wire.wait(leash.within(account.server.timeout_seconds))
    greeting = wire.reply()
    if greeting.code != 220:
        raise account.trouble(f"it does not want us ({greeting})")
    _greet(wire, account)
    if account.server.tls == "starttls":
        _start_tls(wire, account)
        _greet(wire, account)
    if account.server.user:
        _sign_in(wire, account)


def _greet(wire: Wire, account: Account) -> None:
    reply = Reply(*wire.ehlo())
    if not reply.ok:
        raise account.trouble(f"it does not speak ESMTP ({reply})")


def _start_tls(wire: Wire, account: Account) -> None:
    """Begin TLS, or go no further: there is no mail in the clear instead."""
    if not wire.offers("starttls"):
        cure = f'write [{account.section}] tls = "tls", or mend the server'
        raise account.trouble(f"it offers no STARTTLS; {cure}")
    reply = wire.ask("STARTTLS")
    if reply.code != 220:
        raise account.trouble(f"STARTTLS was refused ({reply})")
    assert wire.sock is not None
    wire.sock = account.secured(wire.sock)
    wire.file = None  # what came before TLS is not to be believed
    wire.helo_resp = wire.ehlo_resp = None
    wire.esmtp_features, wire.does_esmtp = {}, False


def _sign_in(wire: Wire, account: Account) -> None:
    if account.server.tls == "none" and not on_this_machine(account.server.host):
        raise CredentialsRefused(f"{account.name}: a password is not sent without TLS")
    user, password = account.server.user, account.password()
    ways = wire.esmtp_features.get("auth", "").upper().split()
    if "PLAIN" in ways:
        reply = wire.ask(f"AUTH PLAIN {_encoded(f'{chr(0)}{user}{chr(0)}{password}')}")
    elif "LOGIN" in ways:
        reply = _by_login(wire, user, password)
    else:
        raise account.trouble("it offers neither AUTH PLAIN nor AUTH LOGIN here")
    if not reply.ok:
        refused = reply.code in AUTHENTICATION or 500 <= reply.code < 600
        why = f"signing in as {user} was refused ({reply}); mend [{account.section}] user, password"
        raise CredentialsRefused(f"{account.name}: {why}") if refused else account.trouble(why)


def _by_login(wire: Wire, user: str, password: str) -> Reply:
    reply = wire.ask("AUTH LOGIN")
    for answer in (user, password):
        if reply.code != 334:
            return reply
        reply = wire.ask(_encoded(answer))
    return reply


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
