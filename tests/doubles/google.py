"""Google on loopback: a server that keeps accounts, calendars and mailboxes as the real one does.

Every request and every answer is held against the discovery documents; what disagrees stands in
`complaints`, which a test has to find empty. `arrived` counts what came over the wire, `calls`
what was asked for (the parts of a batch one by one).
"""

import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.doubles.google_books import Books, Oops
from tests.doubles.google_calendars import Calendars
from tests.doubles.google_discovery import Method, masked, methods
from tests.doubles.google_mailboxes import Mailboxes
from tests.doubles.google_people import People
from tests.doubles.google_sign_in import SignIn

DOCUMENTS = ("calendar.v3", "gmail.v1", "admin.directory_v1")
LARGEST_BATCH = {"/batch/calendar/v3": 1000, "/batch": 100}


@dataclass
class Fault:
    """Something goes wrong `times` times, for requests named `on`: a method's id, `batch`, `token`,
    or `anything` that comes over the wire."""

    on: str
    times: int = 1
    status: int = 0
    reason: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    drop: str = ""
    """`before` anything is done, or `after` everything is."""
    late: bool = False
    """The error is told after everything is done."""
    skip: int = 0
    """So many such requests pass first."""


@dataclass(frozen=True)
class Asked:
    """One request, whole or part of a batch."""

    verb: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Told:
    """One answer."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class GoogleDouble:
    """The server and everything it keeps; its parts are the hands of the people in a test."""

    def __init__(self) -> None:
        self.books = Books()
        self.sign_in = SignIn(self.books)
        self.calendars = Calendars(self.books)
        self.mailboxes = Mailboxes(self.books)
        self.people = People(self.books)
        self.url = ""
        self.latency = 0.0
        self.strict = True
        """Hold everything against the discovery documents; takes its time."""
        self.busy = 0.0
        """Seconds the server itself has worked."""
        self.arrived: list[str] = []
        self.calls: list[tuple[str, str]] = []
        self.complaints: list[str] = []
        self.faults: list[Fault] = []
        self._lock = threading.RLock()
        self._handlers = {
            **self.calendars.handlers(),
            **self.mailboxes.handlers(),
            **self.people.handlers(),
        }

    def fail(self, on: str, status: int = 0, reason: str = "", **more: Any) -> Fault:
        """Arrange for something to go wrong (see `Fault`)."""
        self.faults.append(Fault(on, status=status, reason=reason, **more))
        return self.faults[-1]

    def count(self, method: str) -> int:
        """How often a method was asked for."""
        return sum(1 for name, _ in self.calls if name == method)

    def answer(self, asked: Asked) -> Told | None:
        """Answer one request off the wire; None: the connection breaks."""
        path = urlsplit(asked.target).path
        time.sleep(self.latency)
        with self._lock:
            began = time.thread_time()
            told = self._judged(asked, path)
            self.busy += time.thread_time() - began
            return told

    def _judged(self, asked: Asked, path: str) -> Told | None:
        self.arrived.append(path)
        name = _name_of(path, asked.verb)
        fault = self._fault(name)
        if fault and fault.drop == "before":
            return None
        if fault and not fault.drop and not fault.late:
            return _failed(fault)
        told = self._whole(name, asked, path)
        if fault:
            return None if fault.drop else _failed(fault)
        return told

    def _whole(self, name: str, asked: Asked, path: str) -> Told:
        if name == "token":
            status, said = self.sign_in.token(asked.body)
            return _json(status, said)
        if name == "signBlob":
            status, said = self.sign_in.sign_blob(asked.headers, asked.body)
            return _json(status, said)
        if name == "batch":
            return self._batch(asked, path)
        return self._one(asked, inner=False)

    def _batch(self, asked: Asked, path: str) -> Told:
        kind = f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode()
        parts = BytesParser().parsebytes(kind + asked.body).get_payload()
        assert isinstance(parts, list)
        if len(parts) > LARGEST_BATCH[path]:
            return _oops(Oops(400, "badRequest", "The batch request has too many parts"))
        answers = []
        for part in parts:
            inner = _read_part(part.get_payload(decode=True))
            told = self._one(inner, inner=True)
            answers.append((part["Content-ID"], told))
        random.Random(len(self.arrived)).shuffle(answers)
        return _multipart(answers)

    def _one(self, asked: Asked, *, inner: bool) -> Told:
        target = urlsplit(asked.target)
        found = _method(asked.verb, target.path)
        if found is None:
            return _oops(Oops(404, "notFound", "Not Found"))
        method, names = found
        fault = self._fault(method.id) if inner else None
        if fault and not fault.late:
            return _failed(fault)
        query = parse_qs(target.query, keep_blank_values=True)
        body = json.loads(asked.body) if asked.body else None
        if self.strict:
            self.complaints += [f"{method.id}: {one}" for one in method.complaints(query, body)]
        try:
            subject = self.sign_in.subject(asked.headers, method.said["scopes"])
            self.calls.append((method.id, subject))
            self.books.spend(subject, method.id)
            answer = self._handlers[method.id](subject, names, query, body, asked.headers)
        except Oops as oops:
            return _oops(oops)
        if fault:
            return _failed(fault)
        return self._checked(method, answer, query.get("fields", [""])[0])

    def _checked(self, method: Method, answer: Any, mask: str) -> Told:
        if self.strict:
            found = method.complaints_about_answer(answer)
            self.complaints += [f"{method.id}: {one}" for one in found]
        if answer is None:
            return Told(204)
        return _json(200, masked(answer, mask) if mask else answer)

    def _fault(self, name: str) -> Fault | None:
        for fault in self.faults:
            if not fault.times or fault.on not in (name, "anything"):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.times -= 1
            return fault
        return None


def _name_of(path: str, verb: str) -> str:
    if path in LARGEST_BATCH:
        return "batch"
    if path == "/token":
        return "token"
    if path.endswith(":signBlob"):
        return "signBlob"
    found = _method(verb, path)
    return found[0].id if found else path


def _method(verb: str, path: str) -> tuple[Method, dict[str, str]] | None:
    for document in DOCUMENTS:
        for method in methods(document):
            match = method.path.fullmatch(path) if method.verb == verb else None
            if match:
                return method, {name: unquote(value) for name, value in match.groupdict().items()}
    return None


def _read_part(content: bytes) -> Asked:
    head, _, body = content.replace(b"\r\n", b"\n").partition(b"\n\n")
    first, *lines = head.decode().split("\n")
    verb, target, _version = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    return Asked(verb, target, {name.lower(): value for name, value in headers.items()}, body)


def _json(status: int, said: Any, headers: dict[str, str] | None = None) -> Told:
    kind = {"Content-Type": "application/json; charset=UTF-8", **(headers or {})}
    return Told(status, json.dumps(said).encode(), kind)


def _oops(oops: Oops) -> Told:
    entry = {"domain": oops.domain, "reason": oops.reason, "message": oops.message}
    said = {"error": {"errors": [entry], "code": oops.status, "message": oops.message}}
    return _json(oops.status, said, oops.headers)


def _failed(fault: Fault) -> Told:
    if fault.body is not None:
        return Told(fault.status, fault.body, {"Content-Type": "text/html", **fault.headers})
    return _oops(Oops(fault.status, fault.reason, fault.reason, headers=fault.headers))


def _multipart(answers: list[tuple[str, Told]]) -> Told:
    boundary = "batch_of_answers"
    out = []
    for name, told in answers:
        head = "".join(f"{key}: {value}\r\n" for key, value in told.headers.items())
        out.append(
            f"--{boundary}\r\nContent-Type: application/http\r\n"
            f"Content-ID: {name.replace('<', '<response-', 1)}\r\n\r\n"
            f"HTTP/1.1 {told.status} Said\r\n{head}\r\n".encode()
            + told.body
            + b"\r\n"
        )
    out.append(f"--{boundary}--\r\n".encode())
    return Told(200, b"".join(out), {"Content-Type": f"multipart/mixed; boundary={boundary}"})


@contextmanager
def google_on_loopback() -> Iterator[GoogleDouble]:
    """Serve a Google of its own on a free port of loopback."""
    double = GoogleDouble()
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), _handler(lambda asked: double.answer(asked))
    ) as server:
        server.daemon_threads = True
        double.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield double
        finally:
            server.shutdown()


def _handler(answer: Callable[[Asked], Told | None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            told = answer(Asked(self.command, self.path, headers, self.rfile.read(length)))
            if told is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            if told.status != 204:
                self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            self.wfile.write(told.body)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
