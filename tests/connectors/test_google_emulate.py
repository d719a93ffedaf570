"""Google as somebody else imitates it: the emulator `emulate` (npm, pinned), for what it covers.

It knows no service accounts, no ids of ours, no batches and no other calendars; what it does keep
is a mailbox and a calendar that were not written by us.
"""

import base64
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors._google_calendar import GoogleCalendar
from connectors._google_mail import GoogleMailer
from daemon.core.ports import CredentialsRefused, Done
from tests.connectors.contract import EMPLOYEE, MANAGER, a_mail, an_invite, at
from tests.connectors.google_setting import a_workspace, a_workspace_on_loopback
from tests.doubles.google import GoogleDouble

PINNED = "emulate@0.11.2"
SEED = f"""
tokens: {{tok: {{login: {EMPLOYEE.email}, scopes: [calendar, gmail]}}}}
google:
  users: [{{email: {EMPLOYEE.email}, name: Emma, hd: acme.example}}]
  calendars: [{{id: primary, user_email: {EMPLOYEE.email}, summary: Emma, primary: true,
    selected: true, time_zone: Europe/Berlin}}]
"""
LOOPBACK = """
const net = require("net");
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  const done = rest.filter((one) => typeof one === "function");
  return listen.call(this, { port: port.port ?? port, host: "127.0.0.1" }, ...done);
};
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The emulator on loopback, installed into a scratch folder; skips where that is impossible."""
    folder = tmp_path_factory.mktemp("emulate")
    _install(folder)
    (folder / "seed.yaml").write_text(SEED)
    (folder / "loopback.cjs").write_text(LOOPBACK)
    port = _free_port()
    start = ["node", "--require", "./loopback.cjs", "node_modules/emulate/dist/index.js", "start"]
    chosen = ["--service", "google", "--port", str(port), "--seed", "seed.yaml"]
    with subprocess.Popen([*start, *chosen], cwd=folder, stdout=subprocess.DEVNULL) as process:
        try:
            yield _awaited(f"http://127.0.0.1:{port}", process)
        finally:
            process.terminate()


@pytest.fixture
def double() -> Iterator[GoogleDouble]:
    """Our own sign-in: the emulator's knows no service accounts."""
    with a_workspace_on_loopback() as served:
        yield served


def _install(folder: Path) -> None:
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("npm and node are needed for the emulator")
    command = ["npm", "install", PINNED, "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=40, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("the npm registry does not answer")
    if done.returncode:
        pytest.skip("the npm registry has no emulator for us")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _awaited(url: str, process: "subprocess.Popen[bytes]") -> str:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        try:
            requests.get(f"{url}/.well-known/openid-configuration", timeout=1)
        except requests.RequestException:
            time.sleep(0.05)
        else:
            return url
    pytest.skip("the emulator did not start here")


def _get(url: str) -> Any:
    return requests.get(url, headers={"Authorization": "Bearer tok"}, timeout=5).json()


def test_a_letter_lies_in_the_emulated_mailbox_byte_for_byte(
    emulator: str, double: GoogleDouble, tmp_path: Path
) -> None:
    mailer = GoogleMailer(a_workspace(double, tmp_path, endpoint=emulator, send_as=EMPLOYEE.email))
    mail = a_mail(text="Grüße\r\n.\r\nund bis bald")

    answer = mailer.send([mail])

    sent = answer[mail.key]
    assert isinstance(sent, Done)
    kept = _get(f"{emulator}/gmail/v1/users/me/messages/{sent.id}?format=raw")
    raw = kept["raw"] + "=" * (-len(kept["raw"]) % 4)
    assert base64.urlsafe_b64decode(raw) == mail.content
    assert "SENT" in kept["labelIds"]


def test_a_meeting_stands_in_the_emulated_calendar(
    emulator: str, double: GoogleDouble, tmp_path: Path
) -> None:
    calendar = GoogleCalendar(a_workspace(double, tmp_path, endpoint=emulator))
    invite = an_invite(at(10, 20))

    answer = calendar.put([invite])

    assert isinstance(answer[invite.uid], Done)
    listed = _get(f"{emulator}/calendar/v3/calendars/primary/events")["items"]
    (event,) = [one for one in listed if one["summary"] == invite.summary]
    assert {guest["email"] for guest in event["attendees"]} == {EMPLOYEE.email, MANAGER.email}
    assert "2027-03-02T" in json.dumps(event["start"])


def test_a_sign_in_that_knows_no_service_accounts_is_said_in_one_line(
    emulator: str, double: GoogleDouble, tmp_path: Path
) -> None:
    settings = {"endpoint": emulator, "token_endpoint": f"{emulator}/oauth2/token"}
    mailer = GoogleMailer(a_workspace(double, tmp_path, **settings))

    with pytest.raises(CredentialsRefused, match=r"docs/google\.md") as refused:
        mailer.send([a_mail()])

    assert "\n" not in refused.value.reason
