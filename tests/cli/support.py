"""How the tests of the command call it and lay out a company."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from daemon.cli.main import main

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call of the command gave back."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The output as JSON."""
        return json.loads(self.out)


class Command:
    """Calls the command inside this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str | Path) -> Answer:
        self._capsys.readouterr()
        code = main([str(one) for one in arguments])
        captured = self._capsys.readouterr()
        return Answer(code, captured.out, captured.err)


def process(*arguments: str | Path, cwd: Path = ROOT, code: str = "") -> Answer:
    """Run the command, or some `code`, in a process of its own."""
    front = ["-c", code] if code else [str(ROOT / "careloop.py")]
    done = subprocess.run(
        [sys.executable, *front, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)
