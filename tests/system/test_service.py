"""The service as a process: ready, fed, reloaded, stopped."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.system.company import Company, Somebody, found


@pytest.fixture
def company(tmp_path) -> Company:
    today = datetime.now(UTC).date()
    company = found(tmp_path / "acme", pairs=2, start=today, days=40, taken=(0.1, 0.2))
    config = company.root / "config.toml"
    bind = f"127.0.0.1:{free_port()}"
    config.write_text(
        config.read_text()
        + f'[web]\nurl = "http://{bind}"\nbind = "{bind}"\n[service]\nevery_seconds = 5\n'
    )
    return company


class Running:
    """`careloop run` in a process of its own, with this test in the place of systemd."""

    def __init__(self, company: Company, folder: Path) -> None:
        self.company = company
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "n"))
        self._socket.settimeout(60)
        self.log = (folder / "log").open("w+")
        self.process = subprocess.Popen(
            [str(Path(sys.executable).with_name("careloop")), "run"],
            cwd=company.root,
            env={**os.environ, "NOTIFY_SOCKET": str(folder / "n")},
            stdout=subprocess.DEVNULL,
            stderr=self.log,
        )

    def told(self, word: str) -> str:
        """Wait until the service tells systemd this word."""
        while True:
            said = self._socket.recv(4096).decode()
            if word in said:
                return said

    def get(self, path: str) -> int:
        config = (self.company.root / "config.toml").read_text()
        url = next(x for x in config.splitlines() if x.startswith("url")).split('"')[1]
        with urllib.request.urlopen(url + path, timeout=10) as answer:
            return int(answer.status)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self._socket.close()
        self.log.close()


@pytest.fixture
def running(company, tmp_path) -> Iterator[Running]:
    with closing(Running(company, tmp_path)) as running:
        yield running


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(true: Callable[[], bool], running: Running) -> None:
    """Let finished turns pass until something is true; a turn comes every five seconds."""
    for _ in range(12):
        if true():
            return
        running.told("WATCHDOG=1")
    assert true()


def events(company: Company, who: str) -> list[Path]:
    folder = company.root / "calendars" / who
    return [file for file in folder.glob("*.ics") if file.name != "export.ics"]


def test_the_service_is_ready_books_serves_pages_and_stops_when_told(running, company):
    running.told("READY=1")
    running.told("WATCHDOG=1")

    workers = [p.email for p in company.people.values() if p.manager]
    assert all(len(events(company, who)) == 1 for who in workers)
    assert running.get("/healthz") == 200

    began = time.monotonic()
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(15) == 0
    assert time.monotonic() - began < 10
    assert "STOPPING=1" in running.told("STOPPING=1")


def test_a_hang_up_is_a_turn_at_once_and_no_end(running, company):
    running.told("WATCHDOG=1")

    running.process.send_signal(signal.SIGHUP)

    running.told("WATCHDOG=1")
    assert running.process.poll() is None


def test_a_changed_roster_is_taken_up_while_it_runs(running, company):
    running.told("WATCHDOG=1")
    boss = next(p.manager for p in company.people.values() if p.manager)
    new = Somebody("new@acme.example", "New", boss, company.people[boss].zone)
    (company.root / "calendars" / new.email).mkdir()
    company.people[new.email] = new

    company.write_roster()

    until(lambda: len(events(company, new.email)) == 1, running)


def test_a_broken_configuration_is_named_in_the_log_and_the_last_good_one_kept(running, company):
    running.told("WATCHDOG=1")
    config = company.root / "config.toml"
    good = config.read_text()

    config.write_text(good.replace("[mail]", "[male]"))

    until(lambda: "kept_last_good" in log_of(running), running)
    assert running.process.poll() is None
    assert running.get("/healthz") == 200


def log_of(running: Running) -> str:
    return Path(running.log.name).read_text()
