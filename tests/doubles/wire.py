"""A server of bare sockets: what it does with each connection is a function of the test."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event

Behaviour = Callable[["Wire", socket.socket], None]


@dataclass
class Wire:
    """A listening server on loopback; `heard` holds the requests it has read."""

    url: str = ""
    heard: list[bytes] = field(default_factory=list)
    over: Event = field(default_factory=Event)

    def read(self, peer: socket.socket) -> bytes:
        """Read one request, head and body."""
        said = b""
        while b"\r\n\r\n" not in said:
            more = peer.recv(65536)
            if not more:
                return said
            said += more
        head, _, body = said.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if b"content-length" in line]
        wanted = int(lengths[0].split(b":")[1]) if lengths else 0
        while len(body) < wanted:
            body += peer.recv(65536)
        self.heard.append(head + b"\r\n\r\n" + body)
        return self.heard[-1]


@contextmanager
def wire(behaviour: Behaviour) -> Iterator[Wire]:
    """Serve `behaviour` on a free port of loopback, a thread for each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        served = Wire(f"http://127.0.0.1:{listening.getsockname()[1]}")
        threading.Thread(target=_accept, args=(listening, served, behaviour), daemon=True).start()
        try:
            yield served
        finally:
            served.over.set()
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, served: Wire, behaviour: Behaviour) -> None:
    with suppress(OSError):
        while True:
            peer, _ = listening.accept()
            threading.Thread(target=_serve, args=(peer, served, behaviour), daemon=True).start()


def _serve(peer: socket.socket, served: Wire, behaviour: Behaviour) -> None:
    with suppress(OSError), peer:
        behaviour(served, peer)


def says(*answers: bytes) -> Behaviour:
    """Answer each request with the next of `answers`, the last one for ever."""
    left = list(answers)

    def behave(served: Wire, peer: socket.socket) -> None:
        while served.read(peer):
            peer.sendall(left.pop(0) if len(left) > 1 else left[0])

    return behave


def reply(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """The bytes of one answer; `Retry_After="3"` becomes a header."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named.setdefault("Content-Length", str(len(body)))
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode() + body
