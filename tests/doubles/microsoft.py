"""A Microsoft 365 of our own on loopback: Entra ID's token service and Graph, behind real TLS.

`hurt` is asked about every call (and every part of a batch) and may answer with a `Fault`.
"""

import base64
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from daemon.config.microsoft import Microsoft
from tests.doubles.microsoft_books import MOST, Books, Reply

TENANT = "8f2c9a52-0000-4000-8000-c0ffee000001"
SECRET = "the-app-secret-9e1"


@dataclass(frozen=True, slots=True)
class Asked:
    """One call the double was asked for: alone, as a batch, or as a part of one."""

    method: str
    path: str
    part: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong: a status, or (None) the connection is dropped. `after`: it was done."""

    status: int | None = None
    after: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    code: str = "TooManyRequests"

    @property
    def reply(self) -> Reply:
        """The answer of a fault with a status."""
        return Reply(self.status or 500, {"error": {"code": self.code}}, self.headers)


class Dropped(Exception):
    """The connection goes away without an answer."""


class Double:
    """The tenant and what was asked of it."""

    def __init__(self, url: str, ca_file: Path) -> None:
        self.url = url
        self.ca_file = ca_file
        self._lock = threading.RLock()
        self.renewed()

    def renewed(self) -> "Double":
        """Begin anew with an empty tenant."""
        self.books = Books()
        self.asked: list[Asked] = []
        self.hurt: Callable[[Asked], Fault | None] = lambda _: None
        self.latency = 0.0
        """Seconds between a request and its answer, the work on it included."""
        self.tokens: set[str] = set()
        self.token_answer: Reply | None = None
        """What the token service says instead of a token."""
        self.in_flight = self.most_in_flight = 0
        self.largest = 0
        """Bytes of the largest request."""
        return self

    def settings(self, secret_file: Path, **fields: Any) -> Microsoft:
        """The section that leads here."""
        if not secret_file.exists():
            secret_file.write_text(SECRET)
            secret_file.chmod(0o600)
        given = {
            "tenant": TENANT,
            "client_id": "careloop-app",
            "secret": f"file:{secret_file}",
            "authority": self.url,
            "instance_discovery": False,
            "graph_url": f"{self.url}/v1.0",
            "ca_file": self.ca_file,
            "messages_per_minute": 100_000,
        }
        return Microsoft(**given | fields)

    def requests(self) -> list[Asked]:
        """The HTTP requests so far, parts of batches left out."""
        return [asked for asked in self.asked if not asked.part]

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer one HTTP request. Raises `Dropped`."""
        self.largest = max(self.largest, len(body))
        if path.startswith(f"/{TENANT}/") or "/oauth2/" in path or "/.well-known/" in path:
            return self._guarded(Asked(method, path), lambda: self._sign_in(path, body))
        if headers.get("authorization", "")[7:] not in self.tokens:
            return Reply(401, {"error": {"code": "InvalidAuthenticationToken"}})
        url = path.removeprefix("/v1.0")
        if url == "/$batch":
            return self._guarded(Asked(method, url), lambda: self._batch(json.loads(body)))
        typed = headers.get("content-type", "")
        said = body.decode() if typed == "text/plain" else json.loads(body or b"null")
        done = lambda: self._one(method, url, headers, said)  # noqa: E731
        return self._guarded(Asked(method, url), done)

    def _guarded(self, asked: Asked, do: Callable[[], Reply]) -> Reply:
        """Do what was asked unless it is hurt; all of it under one lock, so books stay true."""
        with self._lock:
            self.asked.append(asked)
            fault = self.hurt(asked)
            if fault is None:
                return do()
            if fault.after:
                do()
            if fault.status is None:
                raise Dropped
            return fault.reply

    def _one(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Reply:
        reply = self.books.answer(method, url, headers, body)
        if reply.body is None:
            return reply
        whole = json.loads(json.dumps(reply.body).replace('"ROOT/', f'"{self.url}/v1.0/'))
        return Reply(reply.status, whole, reply.headers)

    def _batch(self, body: dict[str, Any]) -> Reply:
        requests = body["requests"]
        names = [one["id"].lower() for one in requests]
        if len(requests) > MOST or len(set(names)) != len(names):
            return Reply(400, {"error": {"code": "BadRequest"}})
        chained = [bool(one.get("dependsOn")) for one in requests]
        if any(chained) and not all(chained[1:]):
            return Reply(400, {"error": {"code": "NeitherSerialNorParallel"}})
        said: dict[str, Reply] = {}
        for one in requests:
            before = [said[name] for name in one.get("dependsOn", ())]
            if any(reply.status >= 400 for reply in before):
                said[one["id"]] = Reply(424, {"error": {"code": "FailedDependency"}})
            else:
                said[one["id"]] = self._part(one)
        answers = [
            {"id": name, "status": r.status, "headers": dict(r.headers), "body": r.body}
            for name, r in said.items()
        ]
        return Reply(200, {"responses": answers[::-1]})

    def _part(self, one: dict[str, Any]) -> Reply:
        body, headers = one.get("body"), one.get("headers", {})
        if body is not None and "Content-Type" not in headers:
            return Reply(400, {"error": {"code": "BadRequest"}})
        if headers.get("Content-Type") == "text/plain" and self.books.mime_in_batches:
            body = base64.b64decode(body).decode()
        asked = Asked(one["method"], one["url"], part=True)
        return self._guarded(asked, lambda: self._one(asked.method, asked.path, headers, body))

    def _sign_in(self, path: str, body: bytes) -> Reply:
        base = f"{self.url}/{TENANT}"
        if path.endswith("openid-configuration"):
            if TENANT not in path:
                said = "AADSTS90002: Tenant not found."
                return Reply(400, {"error": "invalid_tenant", "error_description": said})
            ends = {"authorization_endpoint": "authorize", "token_endpoint": "token"}
            urls = {name: f"{base}/oauth2/v2.0/{end}" for name, end in ends.items()}
            return Reply(200, {"issuer": f"{base}/v2.0", **urls})
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if self.token_answer:
            return self.token_answer
        if form.get("client_secret") != SECRET and "client_assertion" not in form:
            said = "AADSTS7000215: Invalid client secret provided."
            codes = {"error_description": said, "error_codes": [7000215]}
            return Reply(401, {"error": "invalid_client", **codes})
        token = f"token-{len(self.tokens)}"
        self.tokens.add(token)
        return Reply(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": token})


@contextmanager
def microsoft(folder: Path) -> Iterator[Double]:
    """Serve a tenant on a free port of loopback; `folder` takes the certificate."""
    server = _Server(("127.0.0.1", 0), _Handler)
    key_file, ca_file = certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca_file, key_file)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    double = Double(f"https://localhost:{server.server_address[1]}", ca_file)
    server.double = double  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that hangs up: some are meant to."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30

    def _any(self) -> None:
        double: Double = self.server.double  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        until = time.monotonic() + double.latency
        with double._lock:
            double.in_flight += 1
            double.most_in_flight = max(double.most_in_flight, double.in_flight)
        try:
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = double.handle(self.command, self.path, headers, body)
            time.sleep(max(0.0, until - time.monotonic()))
            self._say(reply)
        except Dropped:
            self.close_connection = True
        finally:
            with double._lock:
                double.in_flight -= 1

    def _say(self, reply: Reply) -> None:
        content = b"" if reply.body is None else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in {"request-id": "r-1", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self._headers_buffer.append(b"\r\n" + content)  # type: ignore[attr-defined]
        self.flush_headers()

    do_GET = do_POST = do_PATCH = do_DELETE = _any  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a key and a certificate for localhost; the certificate is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    places = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(places), critical=False)
        .sign(key, hashes.SHA256())
    )
    key_file, file = folder / "server.key", folder / "server.pem"
    key_file.write_bytes(_pem(key))
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return key_file, file


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
