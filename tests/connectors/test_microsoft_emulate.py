"""Tokens from a sign-in service that is not ours: `emulate`, behind a local TLS front."""

import http.client
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from connectors._graph_tokens import Tokens
from connectors._http import Http
from daemon.config.microsoft import Microsoft
from daemon.core.ports import CredentialsRefused
from tests.doubles.microsoft import certificate

PINNED = "emulate@0.11.2"
"""Version 1 of that name is another package; 0.12 needs a newer Node."""
SEED = """\
microsoft:
  users: [{email: emma@acme.test, name: Emma}]
  oauth_clients: [{client_id: careloop, client_secret: open-sesame, name: careloop,
                   redirect_uris: ["http://localhost:3000/cb"]}]
"""
ON_LOOPBACK = """\
const net = require("net"), listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  if (typeof port === "object") return listen.call(this, { ...port, host: "127.0.0.1" }, ...rest);
  return listen.call(this, port, "127.0.0.1", ...rest.filter((one) => typeof one === "function"));
};
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scratch folder with `emulate` in it."""
    if not (shutil.which("npm") and shutil.which("node")):
        pytest.skip("node and npm are not installed")
    scratch = tmp_path_factory.mktemp("emulate")
    (scratch / "package.json").write_text('{"private": true}')
    wanted = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", PINNED]
    command = ["npm", "install", "--fetch-retries=0", "--fetch-timeout=10000", *wanted]
    try:
        done = subprocess.run(command, cwd=scratch, capture_output=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("npm does not answer")
    if done.returncode:
        pytest.skip(f"npm cannot install {PINNED} here")
    (scratch / "seed.yaml").write_text(SEED)
    (scratch / "loopback.cjs").write_text(ON_LOOPBACK)
    return scratch


@pytest.fixture(scope="module")
def sign_in(folder: Path) -> Iterator[str]:
    """The address of the TLS front."""
    port = _free_port()
    program = str(folder / "node_modules/emulate/dist/index.js")
    told = ["start", "--service", "microsoft", "--port", str(port), "--seed", "seed.yaml"]
    command = ["node", "--require", "./loopback.cjs", program, *told]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=folder, **quiet) as process:  # type: ignore[call-overload]
        try:
            _wait_for(port, process)
            with _front(folder, port) as url:
                yield url
        finally:
            process.kill()


def _tokens(folder: Path, url: str, secret: str) -> Tokens:
    file = folder / f"secret-{secret}"
    file.write_text(secret)
    file.chmod(0o600)
    settings = Microsoft(
        tenant="acme.test",
        client_id="careloop",
        secret=f"file:{file}",
        authority=url,
        instance_discovery=False,
        graph_url=f"{url}/v1.0",
        ca_file=folder / "server.pem",
    )
    return Tokens(settings, folder, Http(hosts=settings.hosts(), ca_file=settings.ca_file))


def test_a_token_comes_through_msal(folder: Path, sign_in: str) -> None:
    tokens = _tokens(folder, sign_in, "open-sesame")

    first = tokens.bearer()

    assert len(first) > 20
    assert tokens.bearer() == first


def test_a_wrong_secret_is_refused(folder: Path, sign_in: str) -> None:
    with pytest.raises(CredentialsRefused, match="check \\[microsoft\\]"):
        _tokens(folder, sign_in, "wrong").bearer()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        threading.Event().wait(0.05)
    pytest.skip("emulate does not start here")


@contextmanager
def _front(folder: Path, port: int) -> Iterator[str]:
    """Serve TLS before a plain server, and name ourselves where it names itself."""
    key, pem = certificate(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Front)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    url = f"https://localhost:{server.server_address[1]}"
    server.behind, server.url = port, url  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()


class _Front(BaseHTTPRequestHandler):
    def _any(self) -> None:
        behind: int = self.server.behind  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        plain = http.client.HTTPConnection("127.0.0.1", behind, timeout=10)
        headers = {"Content-Type": self.headers.get("Content-Type") or "text/plain"}
        plain.request(self.command, self.path, body, headers)
        answer = plain.getresponse()
        said = json.dumps(json.loads(answer.read()))
        url = self.server.url  # type: ignore[attr-defined]
        content = said.replace(f"http://localhost:{behind}", url).encode()
        plain.close()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _any  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""
