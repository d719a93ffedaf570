"""The operator's own templates: read, tried in a bounded child, and used only when they work."""

import json
import subprocess
import sys
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


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that does not work; `ended`: it ended the child, and the others are not known yet."""

    name: str
    line: int
    what: str
    ended: bool = False


class Override:
    """The folder `letters` within the operator's template folder; tried again when it changes."""

    def __init__(self, folder: Path) -> None:
        self._root = folder
        self._folder = folder / "letters"
        self._signature: Signature | None = None
        self._verdict = Verdict({}, ())

    def sources(self) -> Sources:
        """The own templates that work, by file name."""
        return self._current().sources

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the others: file, line, what, cure."""
        return (*_misplaced(self._root), *self._current().problems)

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
        failures = trial(own)
        problems += [_problem(folder, failure) for failure in failures]
        names = {failure.name for failure in failures}
        own = {name: text for name, text in own.items() if name not in names}
        if not any(failure.ended for failure in failures):
            break
    return Verdict(own, tuple(problems))


def trial(own: Sources) -> list[Failure]:
    """Render everything in a child with bounded memory and time; what failed."""
    command = [sys.executable, "-m", "daemon.letters.trial"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        out, _ = child.communicate(json.dumps(dict(own)), timeout=TRIAL_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        out, _ = child.communicate()
    rows = [json.loads(row) for row in out.splitlines() if row.endswith("}")]
    failures = [Failure(row["name"], row["line"], row["what"]) for row in rows if "what" in row]
    return failures if child.returncode == 0 else [*failures, _last(rows, failures, own)]


def _last(rows: list[dict[str, str]], failures: list[Failure], own: Sources) -> Failure:
    """What the child was at when it ended: the file it named last, else any that is left."""
    told = {failure.name for failure in failures}
    left = [name for name in own if name not in told] or list(own)
    name = rows[-1]["name"] if rows else left[0]
    return Failure(name if name in left else left[0], 1, "needs too much memory or time", True)


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


def _misplaced(root: Path) -> tuple[Problem, ...]:
    """What would be overlooked silently: no folder at all, letters one level too high."""
    if not root.is_dir():
        return (Problem(str(root), "no such folder", "make it or take out [service] templates"),)
    high = sorted(file for file in root.glob("*.*") if file.name in built_in())
    cure = "move it into the folder letters beside it"
    return tuple(Problem(f"{file}:1", "not used where it stands", cure) for file in high)


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


def _problem(folder: Path, failure: Failure) -> Problem:
    cure = "mend the line; until then the built-in template is used"
    return Problem(f"{folder / failure.name}:{failure.line}", failure.what, cure)
