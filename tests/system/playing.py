"""Play a company day by day with the real turn, on the embedded connectors."""

import hashlib
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from daemon.config.load import load
from daemon.loop.turn import TurnReport, run_turn
from daemon.wiring import App, open_app
from tests.system.company import Company
from tests.system.invariants import Books


def opened(company: Company) -> App:
    """The app of that company, as a fresh process would open it."""
    return open_app(load(company.root / "config.toml"))


def play(
    company: Company,
    start: datetime,
    days: int,
    *,
    twice: bool = False,
    each_day: Callable[[int, datetime, Books], None] | None = None,
) -> Books:
    """Take one turn a day; `twice`: and a second one, which must change nothing."""
    books = Books(company)
    app = opened(company)
    try:
        for day in range(days):
            now = start + timedelta(days=day)
            if each_day is not None:
                each_day(day, now, books)
            turn(app, now)
            books.look(now)
            if twice:
                before = fingerprint(company.root)
                turn(app, now)
                if fingerprint(company.root) != before:
                    books.faults.append(f"{now}: the second turn changed something")
    finally:
        app.database.close()
    return books


def turn(app: App, now: datetime) -> TurnReport:
    """One turn of a process that has just started: nothing is remembered but the rows."""
    app.last_turn = app.looked_at = None
    app.clock = lambda: now
    return run_turn(app, now)


def fingerprint(root: Path) -> str:
    """Everything a turn could have changed: files and rows."""
    said = hashlib.sha256()
    for folder in ("calendars", "outbox"):
        for file in sorted((root / folder).rglob("*")):
            if file.is_file():
                said.update(f"{file.name} {file.stat().st_mtime_ns}".encode())
    with sqlite3.connect(root / "state.db") as rows:
        for line in rows.iterdump():
            said.update(line.encode())
    rows.close()
    return said.hexdigest()
