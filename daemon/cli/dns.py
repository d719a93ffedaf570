"""Ask the machine's name servers for TXT records (RFC 1035): all that doctor needs of DNS."""

import secrets
import socket
import struct
from pathlib import Path

TXT, INTERNET = 16, 1
TRUNCATED, NO_SUCH_NAME = 0x0200, 3
TIMEOUT = 3.0

Server = tuple[str, int]


class NoAnswer(Exception):
    """No name server answered in a way that could be understood."""


def servers(file: Path = Path("/etc/resolv.conf")) -> list[Server]:
    """The name servers this machine asks."""
    try:
        lines = file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    named = (line.split() for line in lines)
    return [(words[1], 53) for words in named if len(words) > 1 and words[0] == "nameserver"]


def texts(name: str, asked: list[Server]) -> list[str]:
    """The TXT records of a name, none when it does not exist. Raises `NoAnswer`."""
    number = secrets.randbits(16)
    query = _query(number, name)
    for server in asked:
        try:
            answer = _udp(server, query)
            if struct.unpack_from(">H", answer, 2)[0] & TRUNCATED:
                answer = _tcp(server, query)
            return _records(answer, number)
        except (OSError, struct.error, IndexError, NoAnswer):
            continue
    raise NoAnswer(name)


def _query(number: int, name: str) -> bytes:
    labels = name.rstrip(".").encode("idna").split(b".")
    question = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    return struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + question + struct.pack(">2H", TXT, 1)


def _udp(server: Server, query: bytes) -> bytes:
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(TIMEOUT)
        sock.connect(server)
        sock.send(query)
        return sock.recv(4096)


def _tcp(server: Server, query: bytes) -> bytes:
    with socket.create_connection(server, TIMEOUT) as sock, sock.makefile("rwb") as stream:
        stream.write(struct.pack(">H", len(query)) + query)
        stream.flush()
        (length,) = struct.unpack(">H", stream.read(2))
        return stream.read(length)


def _records(answer: bytes, number: int) -> list[str]:
    got, flags, questions, count = struct.unpack_from(">4H", answer)
    code = flags & 0x000F
    if got != number or code not in (0, NO_SUCH_NAME):
        raise NoAnswer
    at = 12
    for _ in range(questions):
        at = _after_name(answer, at) + 4
    found = []
    for _ in range(count):
        at = _after_name(answer, at)
        kind, _, _, length = struct.unpack_from(">2HIH", answer, at)
        at += 10
        if kind == TXT:
            found.append(_text(answer[at : at + length]))
        at += length
    return found


def _after_name(answer: bytes, at: int) -> int:
    while answer[at] and answer[at] < 0xC0:
        at += answer[at] + 1
    return at + (2 if answer[at] >= 0xC0 else 1)


def _text(data: bytes) -> str:
    """A record's strings joined: each has its length before it."""
    parts, at = [], 0
    while at < len(data):
        parts.append(data[at + 1 : at + 1 + data[at]])
        at += data[at] + 1
    return b"".join(parts).decode("ascii", "replace")
