"""The service: a metronome for one guarded turn, signals, readiness, reload."""

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Protocol

import schedule
import structlog

from daemon.config.model import Config
from daemon.core.domain import Problem
from daemon.loop import metrics
from daemon.loop.systemd import notify
from daemon.loop.turn import TurnReport, run_turn
from daemon.wiring import App, letters_for

log = structlog.get_logger()

NAP = 1.0
"""Seconds between two looks at the metronome; a ring of the bell cuts it short."""


class Pages(Protocol):
    """The web server beside the loop."""

    def run(self) -> None:
        """Serve until closed."""
        ...

    def close(self) -> None:
        """Stop serving."""
        ...


class Invalid(Exception):
    """The configuration as it stands now cannot be used."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(f"{p.where}: {p.what}" for p in problems))
        self.problems = problems


@dataclass(slots=True)
class Reload:
    """Watches the configuration file and gives the new one when it changed and is good."""

    file: Path
    load: Callable[[Path], Config]
    """Raises `Invalid`; the last good configuration is kept then."""
    _known: float = field(default=0.0)

    def __post_init__(self) -> None:
        self._known = self._changed_at()

    def changed(self) -> Config | None:
        """The new configuration, once after each change."""
        found = self._changed_at()
        if found == self._known:
            return None
        self._known = found
        try:
            return self.load(self.file)
        except Invalid as invalid:
            for problem in invalid.problems:
                log.error("config.kept_last_good", where=problem.where, what=problem.what)
            return None

    def _changed_at(self) -> float:
        try:
            return self.file.stat().st_mtime
        except OSError:
            return 0.0


@dataclass(slots=True)
class Service:
    """One daemon: its turns, and what it remembers of the last one."""

    app: App
    reload: Reload | None = None
    last: TurnReport | None = None
    failures: int = 0

    def tick(self) -> None:
        """Take one turn. Whatever goes wrong in it is logged, and the next one comes."""
        if self.app.stopping.is_set():
            return
        self._reload()
        began = time.monotonic()
        try:
            self.last = run_turn(self.app, self.app.clock())
        except Exception:
            self.failures += 1
            metrics.TURNS.labels(result="failed").inc()
            log.exception("turn.failed", in_a_row=self.failures)
            return
        self.failures = 0
        metrics.observe_turn(self.last, time.monotonic() - began)
        notify("WATCHDOG=1")

    def _reload(self) -> None:
        config = self.reload.changed() if self.reload else None
        if config is not None:
            self.app.reconfigure(config, letters_for(config))
            log.info("config.reloaded")


def serve(app: App, pages: Pages | None = None, reload: Reload | None = None) -> None:
    """Run until SIGTERM or SIGINT: turns on the beat or when a page rings, pages beside them.

    A signal lets the call that is under way finish; nothing new is begun after it. SIGHUP asks
    for a turn now, which takes up a changed configuration.
    """
    service = Service(app, reload)
    beat = schedule.Scheduler()
    beat.every(app.config.service.every_seconds).seconds.do(service.tick)
    _on_signals(app)
    thread = _beside(pages)
    notify("READY=1\nSTATUS=running")
    log.info("service.started", every_seconds=app.config.service.every_seconds)
    service.tick()
    while not app.stopping.is_set():
        if app.rung.wait(NAP):
            app.rung.clear()
            service.tick()
            continue
        _keep_beat(beat)
        beat.run_pending()
    notify("STOPPING=1")
    if pages is not None and thread is not None:
        pages.close()
        thread.join(5)
    log.info("service.stopped")


def _keep_beat(beat: schedule.Scheduler) -> None:
    """A clock that was set back must not silence the metronome until it has caught up."""
    for job in beat.jobs:
        left = beat.idle_seconds or 0
        if left > 2 * job.interval:
            job.run()  # type: ignore[no-untyped-call]


def _on_signals(app: App) -> None:
    def stop(number: int, _frame: FrameType | None) -> None:
        log.info("service.stopping", signal=signal.Signals(number).name)
        app.stopping.set()
        app.rung.set()

    def again(_number: int, _frame: FrameType | None) -> None:
        app.rung.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    signal.signal(signal.SIGHUP, again)


def _beside(pages: Pages | None) -> threading.Thread | None:
    if pages is None:
        return None
    thread = threading.Thread(target=pages.run, name="pages", daemon=True)
    thread.start()
    return thread
