"""The operator at the command line: turns, status and doctor, each as a fresh process would."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
import structlog

from connectors import _graph_session, google
from tests.cli.support import Answer, Command


@dataclass
class Operator:
    """Calls the command about one company; nothing is remembered between two calls."""

    config: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, now: datetime) -> Answer:
        """`careloop run --once`."""
        return self._call("run", "--once", "--now", now.isoformat())

    def status(self) -> Answer:
        """`careloop status --json`."""
        return self._call("status", "--json")

    def doctor(self) -> Answer:
        """`careloop doctor`."""
        return self._call("doctor")

    def _call(self, *words: str) -> Answer:
        google._workspace.cache_clear()
        _graph_session.shared.cache_clear()
        try:
            return Command(self.capsys)(*words, "--config", self.config)
        finally:
            structlog.reset_defaults()


def lines_with(text: str, words: str) -> list[str]:
    """The lines that hold these words."""
    return [line for line in text.splitlines() if words in line]


def problem_of(status: Answer, employee: str) -> str:
    """What stands against a pair; empty when nothing does."""
    (row,) = (one for one in status.json["pairs"] if one["employee"] == employee)
    return str(row["problem"] or "")


def booked(status: Answer) -> set[str]:
    """The employees whose next talk stands, and nothing against it."""
    return {
        row["employee"]
        for row in status.json["pairs"]
        if row["state"] == "booked" and not row["problem"]
    }
