"""A submission server on loopback that does what a script says, phase by phase.

Truth is in its books: `taken` holds what it accepted, `heard` every command of every connection.
"""

import base64
import socket
import ssl
import threading
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import BinaryIO

DROP = "DROP"
"""Close the connection instead of an answer."""
SILENT = "SILENT"
"""Say nothing until the test is over."""
TAKE_AND_DROP = "TAKE_AND_DROP"
"""After the dot: accept the mail, then close without a word."""

EXTENSIONS = ("PIPELINING", "SIZE 1000000", "8BITMIME", "DSN", "SMTPUTF8")


@dataclass(frozen=True)
class Taken:
    """A mail that was accepted."""

    sender: str
    to: tuple[str, ...]
    content: bytes
    mail: str
    rcpt: tuple[str, ...]


@dataclass
class Smtp:
    """The server: set `scripts[phase]` to answers that are used up one by one (None: as usual);
    `refused` answers a recipient's RCPT always the same way."""

    port: int = 0
    extensions: Sequence[str] = EXTENSIONS
    accounts: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    at_once: bool = False
    """TLS from the first byte, not by STARTTLS."""
    scripts: dict[str, deque[str | None]] = field(default_factory=lambda: defaultdict(deque))
    refused: dict[str, str] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    heard: list[list[str]] = field(default_factory=list)
    """The commands of each connection; a mail's content is not among them."""
    over: threading.Event = field(default_factory=threading.Event)

    def script(self, phase: str, *answers: str | None) -> None:
        """Answer the next commands of a phase (connect, ehlo, mail, rcpt, data, dot, ...) so."""
        self.scripts[phase].extend(answers)

    def inbox(self, address: str) -> list[bytes]:
        """What was accepted for an address."""
        return [mail.content for mail in self.taken if address in mail.to]


class _Gone(Exception):
    """This connection is over."""


class _Talk:
    """One connection."""

    def __init__(self, server: Smtp, peer: socket.socket) -> None:
        self.server, self.peer = server, peer
        self.secure = server.at_once
        self.signed_in = False
        self.heard: list[str] = []
        server.heard.append(self.heard)
        self.file: BinaryIO = peer.makefile("rb")
        self.forget()

    def forget(self) -> None:
        self.mail, self.sender = "", ""
        self.to: list[str] = []
        self.rcpt: list[str] = []

    def run(self) -> None:
        self.say("connect", "220 double ESMTP")
        while line := self.file.readline(8192):
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            self.heard.append(text)
            verb = text.partition(" ")[0].partition(":")[0].upper()
            getattr(self, f"do_{verb.lower()}", self.unknown)(text)

    def say(self, phase: str, usual: str) -> bool:
        """Answer as the script says or as usual; True: it was a yes."""
        script = self.server.scripts[phase]
        answer = (script.popleft() if script else None) or usual
        if answer == DROP:
            raise _Gone
        if answer == SILENT:
            self.server.over.wait()
            raise _Gone
        self.peer.sendall(f"{answer}\r\n".encode())
        return answer[0] in "23"

    def unknown(self, text: str) -> None:
        self.say("unknown", "500 5.5.1 what?")

    def do_ehlo(self, text: str) -> None:
        offers = list(self.server.extensions)
        if self.server.tls and not self.secure:
            offers.append("STARTTLS")
        if self.server.accounts and (self.secure or not self.server.tls):
            offers.append("AUTH PLAIN LOGIN")
        lines = ["double", *offers]
        rows = [f"250{'-' if each is not lines[-1] else ' '}{each}" for each in lines]
        self.say("ehlo", "\r\n".join(rows))

    def do_starttls(self, text: str) -> None:
        if self.say("starttls", "220 go ahead"):
            assert self.server.tls is not None
            self.peer = self.server.tls.wrap_socket(self.peer, server_side=True)
            self.file, self.secure = self.peer.makefile("rb"), True

    def do_auth(self, text: str) -> None:
        _, way, *initial = text.split(" ")
        if way.upper() == "PLAIN":
            _, user, password = base64.b64decode(initial[0]).decode().split("\0")
        else:
            user, password = self.asked("Username:"), self.asked("Password:")
        right = self.server.accounts.get(user) == password
        usual = "235 2.7.0 yes" if right else "535 5.7.8 wrong"
        self.signed_in = self.say("auth", usual) and right

    def asked(self, question: str) -> str:
        self.peer.sendall(b"334 " + base64.b64encode(question.encode()) + b"\r\n")
        return base64.b64decode(self.file.readline(8192)).decode()

    def do_mail(self, text: str) -> None:
        if self.server.accounts and not self.signed_in:
            self.say("mail", "530 5.7.0 sign in first")
        elif self.mail:
            self.say("mail", "503 5.5.1 nested MAIL")
        elif self.say("mail", "250 2.1.0 ok"):
            self.mail, self.sender = text, _address(text)

    def do_rcpt(self, text: str) -> None:
        address = _address(text)
        usual = self.server.refused.get(address, "250 2.1.5 ok")
        if self.say("rcpt", usual if self.mail else "503 5.5.1 no MAIL"):
            self.to.append(address)
            self.rcpt.append(text)

    def do_data(self, text: str) -> None:
        if not self.say("data", "354 go on" if self.to else "554 5.5.1 no valid recipients"):
            return
        content = self.content()
        script = self.server.scripts["dot"]
        dropped = bool(script) and script[0] == TAKE_AND_DROP
        number = len(self.server.taken) + 1
        if (dropped or self.say("dot", f"250 2.0.0 ok: queued as Q{number}")) and self.to:
            self.server.taken.append(
                Taken(self.sender, tuple(self.to), content, self.mail, tuple(self.rcpt))
            )
        if dropped:
            script.popleft()
            raise _Gone
        self.forget()

    def content(self) -> bytes:
        lines = []
        while (line := self.file.readline()) != b".\r\n":
            if not line:
                raise _Gone
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def do_rset(self, text: str) -> None:
        self.forget()
        self.say("rset", "250 2.0.0 ok")

    def do_quit(self, text: str) -> None:
        self.say("quit", "221 2.0.0 bye")
        raise _Gone


def _address(text: str) -> str:
    return text[text.index("<") + 1 : text.index(">")]


@contextmanager
def smtp(**settings: object) -> Iterator[Smtp]:
    """Serve on a free port of loopback, a thread for each connection."""
    server = Smtp(**settings)  # type: ignore[arg-type]
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server.port = listening.getsockname()[1]
        threading.Thread(target=_accept, args=(listening, server), daemon=True).start()
        try:
            yield server
        finally:
            server.over.set()
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, server: Smtp) -> None:
    with suppress(OSError):
        while True:
            peer, _ = listening.accept()
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_serve, args=(server, peer), daemon=True).start()


def _serve(server: Smtp, peer: socket.socket) -> None:
    talk = None
    with suppress(_Gone, OSError, ssl.SSLError):
        if server.at_once and server.tls:
            peer = server.tls.wrap_socket(peer, server_side=True)
        talk = _Talk(server, peer)
        talk.run()
    with suppress(OSError):
        (talk.peer if talk else peer).shutdown(socket.SHUT_RDWR)
    (talk.peer if talk else peer).close()
