"""Set the stage: the invented company in its folder, the app with its own clock, the pages up."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random

import structlog
import waitress
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from daemon.cli import logs
from daemon.cli.stage import company
from daemon.cli.stage.play import Clock, Play
from daemon.cli.stage.window import window
from daemon.config.load import load
from daemon.web.app import create_app
from daemon.wiring import open_app


@dataclass(frozen=True, slots=True)
class Stage:
    """What the demo shows and where."""

    play: Play
    address: str


@contextmanager
def open_stage(
    home: Path, seed: int, staff: Sequence[company.Colleague] = company.STAFF
) -> Iterator[Stage]:
    """Found the company and open its doors on a free port of this machine."""
    port = _free_port()
    first = next_monday(date.today())  # noqa: DTZ011 - any day near today will do
    config = load(company.found(home, port, first, seed, staff))
    with (home / "demo.log").open("w", encoding="utf-8") as log:
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(log))
        clock = Clock(datetime.combine(first, time(3), UTC))
        app = open_app(config, clock)
        pages = create_app(app)
        play = Play(app, clock, pages, Random(seed))  # noqa: S311 - a play needs no secrets
        both = DispatcherMiddleware(pages, {"/demo": window(play)})
        server = waitress.create_server(both, listen=config.web.bind, ident=None)
        thread = threading.Thread(target=server.run, name="pages", daemon=True)
        thread.start()
        try:
            yield Stage(play, f"{config.web.url}/demo/")
        finally:
            server.close()
            thread.join(5)
            app.database.close()
            logs.warnings_only()


def next_monday(day: date) -> date:
    """The first Monday after a day."""
    return day + timedelta(days=7 - day.weekday())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
