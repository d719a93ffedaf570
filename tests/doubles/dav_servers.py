"""Real CalDAV servers on loopback, each a process of its own: Radicale and Xandikos."""

import base64
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

SERVICE = "careloop"
PASSWORD = "a password for tests"
_ADDRESSES = """<propertyupdate xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><set><prop>
<C:calendar-user-address-set><href>mailto:{address}</href></C:calendar-user-address-set>
</prop></set></propertyupdate>"""
_RADICALE = """[server]
hosts = 127.0.0.1:{port}
max_connections = 40
[auth]
type = htpasswd
htpasswd_filename = {root}/users
htpasswd_encryption = plain
delay = 0
[rights]
type = from_file
file = {root}/rights
[storage]
filesystem_folder = {root}/data
[logging]
level = error
"""
_RIGHTS = """[root]
user: .+
collection:
permissions: R
[own]
user: .+
collection: {user}(/.*)?
permissions: RrWw
[service]
user: careloop
collection: .*
permissions: RrWw
"""


class Server:
    """What both have in common: users with one password, reached as themselves."""

    url: str
    verify: str | bool = True

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.users: set[str] = set()
        self.session = requests.Session()
        self.session.trust_env = False

    def write_users(self) -> None:
        """Tell the server who may come in."""
        lines = "".join(f"{user}:{self.hashed()}\n" for user in sorted(self.users))
        draft = self.root / "users.new"
        draft.write_text(lines)
        draft.rename(self.root / "users")

    def hashed(self) -> str:
        """The password as this server's file holds it."""
        return PASSWORD

    def as_user(self, user: str, method: str, path: str, **more: object) -> requests.Response:
        """A person's own program speaks to the server."""
        answer = self.session.request(
            method,
            path if path.startswith("http") else self.url + path,
            auth=(user, PASSWORD),
            verify=self.verify,
            timeout=30,
            **more,  # type: ignore[arg-type]
        )
        assert answer.status_code < 500, (method, path, answer.status_code, answer.text[:300])
        return answer

    def shut_out(self, user: str) -> None:
        """From now on the person's password is another one."""
        self.users.discard(user)
        self.write_users()


class Radicale(Server):
    """Strict preconditions, nothing scheduled."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (root / "config").write_text(_RADICALE.format(port=self.port, root=root))
        (root / "rights").write_text(_RIGHTS)
        self.write_users()

    def command(self) -> list[str]:
        return [sys.executable, "-m", "radicale", "--config", str(self.root / "config")]

    def folder(self, user: str) -> Path:
        """Where a user's calendar stands on the disk."""
        return self.root / "data" / "collection-root" / user / "cal"

    def welcome(self, user: str, address: str) -> None:
        """A new person with an empty calendar."""
        self.users |= {user, SERVICE}
        self.write_users()
        shutil.rmtree(self.folder(user).parent, ignore_errors=True)
        self.as_user(user, "MKCALENDAR", f"/{user}/cal/").raise_for_status()

    def calendar(self, user: str) -> str:
        return f"/{user}/cal/"


class Xandikos(Server):
    """Several users, implicit scheduling, TLS."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.port = free_port()
        self.url = f"https://localhost:{self.port}"
        self.verify = str(root / "state" / "certs" / "selfsigned.crt")
        self.write_users()

    def hashed(self) -> str:
        digest = hashlib.sha1(PASSWORD.encode()).digest()
        return "{SHA}" + base64.b64encode(digest).decode()

    def command(self) -> list[str]:
        where = ["-d", str(self.root / "data"), "--state-dir", str(self.root / "state")]
        safe = ["--autocert", "--htpasswd", str(self.root / "users"), "--no-detect-systemd"]
        port = ["-l", "localhost", "-p", str(self.port)]
        program = Path(sys.executable).with_name("xandikos")
        return [str(program), "multi-user", *where, *safe, *port, "--defaults"]

    def welcome(self, user: str, address: str) -> None:
        """A new person with an empty calendar, known by their mail address."""
        self.users.add(user)
        self.write_users()
        self.as_user(user, "PROPFIND", f"/{user}/", headers={"Depth": "0"}).raise_for_status()
        self.name(user, address)

    def name(self, user: str, address: str) -> None:
        """Let the server know a person by this address."""
        body = _ADDRESSES.format(address=address)
        kind = {"Content-Type": "application/xml"}
        self.as_user(user, "PROPPATCH", f"/{user}/", data=body, headers=kind).raise_for_status()

    def calendar(self, user: str) -> str:
        return f"/{user}/calendars/calendar/"


@contextmanager
def running(server: Radicale | Xandikos) -> Iterator[Radicale | Xandikos]:
    """Start a server and end it."""
    with (server.root / "log").open("wb") as log:
        process = subprocess.Popen(
            server.command(),
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(server.root)},
        )
        try:
            _wait(server.port, process)
            yield server
        finally:
            server.session.close()
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    """A port of loopback nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        assert process.poll() is None, "the server ended"
        for host in ("127.0.0.1", "::1"):
            try:
                socket.create_connection((host, port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
    raise AssertionError("the server does not come up")
