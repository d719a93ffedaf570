"""The operator's own templates: read, tried in a bounded child, and used only when they work."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from daemon.core.domain import Problem
from daemon.letters.render import Sources, built_in

TRIAL_SECONDS = 60
SOURCE_BYTES = 200_000
Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a trial of the folder found: templates that may be used, and what is wrong."""

    sources: Sources
    problems: tuple[Problem, ...]


class Override:
    """The folder `letters` within the operator's template folder; tried again when it changes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "letters"
        self._signature: Signature | None = None
        self._verdict = Verdict({}, ())

    def sources(self) -> Sources:
        """The own templates that work, by file name."""
        return self._current().sources

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the others: file, line, what, cure."""
        return self._current().problems

    def _current(self) -> Verdict:
        signature = self._sign()
        if signature != self._signature:
            self._verdict = tried(self._folder)
            self._signature = signature
        return self._verdict

    def _sign(self) -> Signature:
        if not self._folder.is_dir():
            return ()
        stats = ((file.name, file.stat()) for file in sorted(self._folder.iterdir()))
        return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


def tried(folder: Path) -> Verdict:
    """Try every file of the folder with invented facts, in each letter and language."""
    own, problems = _read(folder)
    while own:
        found = trial(own)
        if found is None:
            break
        name, line, what = found
        blamed = name if name in own else next(iter(own))
        problems.append(_problem(folder, blamed, line, what))
        own = {other: text for other, text in own.items() if other != blamed}
    return Verdict(own, tuple(problems))


def trial(own: Sources) -> tuple[str, int, str] | None:
    """Render everything in a child with bounded memory and time; the first failure as file,
    line and what went wrong, or None."""
    command = [sys.executable, "-m", "daemon.letters.trial"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        out, _ = child.communicate(json.dumps(dict(own)), timeout=TRIAL_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        out, _ = child.communicate()
    return _first_failure(out, child.returncode)


def _first_failure(out: str, code: int) -> tuple[str, int, str] | None:
    last: Mapping[str, str] = {}
    for row in out.splitlines():
        last = json.loads(row)
        if "what" in last:
            return last["name"], int(last["line"]), last["what"]
    if code == 0:
        return None
    return last.get("name", ""), 1, "needs too much memory or time"


def _read(folder: Path) -> tuple[dict[str, str], list[Problem]]:
    own: dict[str, str] = {}
    problems: list[Problem] = []
    for file in sorted(folder.glob("*.*")) if folder.is_dir() else []:
        if file.name not in built_in():
            problems.append(_stranger(file))
        elif file.stat().st_size > SOURCE_BYTES:
            problems.append(Problem(f"{file}:1", "larger than 200 kB", "keep a letter short"))
        else:
            _read_one(file, own, problems)
    return own, problems


def _read_one(file: Path, own: dict[str, str], problems: list[Problem]) -> None:
    try:
        own[file.name] = file.read_text("utf-8")
    except UnicodeDecodeError as error:
        line = file.read_bytes()[: error.start].count(b"\n") + 1
        problems.append(Problem(f"{file}:{line}", "not UTF-8", "save the file as UTF-8"))
    except OSError as error:
        problems.append(Problem(f"{file}:1", str(error.strerror), "make the file readable"))


def _stranger(file: Path) -> Problem:
    near = get_close_matches(file.name, built_in(), 1)
    cure = f"did you mean {near[0]}?" if near else "known: " + ", ".join(sorted(built_in()))
    return Problem(f"{file}:1", "no template of this name exists", cure)


def _problem(folder: Path, name: str, line: int, what: str) -> Problem:
    cure = "mend the line; until then the built-in template is used"
    return Problem(f"{folder / name}:{line}", what, cure)
