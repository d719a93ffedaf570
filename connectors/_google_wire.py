"""Google's requests on the wire: the client library describes them, our own HTTP carries them.

httplib2 under the library repeats a POST whose answer is lost, and its batches spend half a
millisecond on each part; so a batch (multipart/mixed of application/http) is written here.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

from googleapiclient.discovery import build
from googleapiclient.http import HttpRequest

from connectors._answers import Answer, Request

_SENT = ("authorization", "if-match", "content-type")
_BLANK = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Part:
    """One answer, whether it came alone or in a batch; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def client(name: str, version: str, endpoint: str) -> Any:
    """Build a client from the discovery document inside the library: no network."""
    return build(
        name,
        version,
        http=object(),  # never used: what the client builds is sent by `Http`
        client_options={"api_endpoint": endpoint},
        static_discovery=True,
        cache_discovery=False,
    )


def alone(asked: HttpRequest, what: str, *, repeatable: bool) -> Request:
    """One request by itself."""
    return Request(asked.method, asked.uri, _headers(asked), _body(asked), what, repeatable)


def together(uri: str, asked: Sequence[HttpRequest], what: str, *, repeatable: bool) -> Request:
    """Many requests as one batch; each part carries its own subject's token."""
    boundary = uuid.uuid4().hex
    parts = [_part(boundary, number, one) for number, one in enumerate(asked)]
    headers = {
        "content-type": f"multipart/mixed; boundary={boundary}",
        "authorization": asked[0].headers["authorization"],
    }
    body = b"".join([*parts, f"--{boundary}--\r\n".encode()])
    return Request("POST", uri, headers, body, what, repeatable)


def as_part(answer: Answer) -> Part:
    """An answer that came alone."""
    return Part(answer.status, _lower(answer.headers), answer.body)


def parts_of(answer: Answer) -> dict[int, Part]:
    """The answers of a batch by the number of their part; what cannot be read is left out."""
    kind = Message()
    kind["content-type"] = answer.headers.get("content-type", "")
    boundary = kind.get_boundary()
    pieces = answer.body.split(b"--" + boundary.encode()) if boundary else []
    read = (_read(piece) for piece in pieces[1:])
    return dict(part for part in read if part is not None)


def _read(piece: bytes) -> tuple[int, Part] | None:
    """Read `Content-ID`, then an HTTP answer: status line, headers, body."""
    found = re.search(rb"content-id:[^\r\n]*?(\d+)\s*>", piece, re.IGNORECASE)
    pieces = _BLANK.split(piece, maxsplit=2)
    if not found or len(pieces) < 2:
        return None
    first, *lines = pieces[1].decode("utf-8", "replace").splitlines()
    status = re.match(r"HTTP/[\d.]+ (\d{3})\b", first)
    if not status:
        return None
    headers = dict(line.split(":", 1) for line in lines if ":" in line)
    body = pieces[2] if len(pieces) > 2 else b""
    return int(found[1]), Part(int(status[1]), _lower(headers), body.strip())


def _part(boundary: str, number: int, asked: HttpRequest) -> bytes:
    target = urlsplit(asked.uri)
    body = _body(asked) or b""
    lines = [
        f"--{boundary}",
        "Content-Type: application/http",
        f"Content-ID: <{number}>",
        "",
        f"{asked.method} {target.path}?{target.query} HTTP/1.1",
        *(f"{name}: {said}" for name, said in _headers(asked).items()),
        f"content-length: {len(body)}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + body + b"\r\n"


def _headers(asked: HttpRequest) -> dict[str, str]:
    given = _lower(asked.headers)
    wanted = _SENT if asked.body else _SENT[:2]
    return {name: given[name] for name in wanted if name in given}


def _body(asked: HttpRequest) -> bytes | None:
    return asked.body.encode() if isinstance(asked.body, str) else asked.body


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value.strip() for name, value in headers.items()}
