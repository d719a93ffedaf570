"""Read config.toml: one `Config`, or every problem of the file at once, with lines and cures."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from daemon.config.checks import findings
from daemon.config.lines import KeyPath, line_at, lines_of
from daemon.config.mistakes import INTERNAL, Finding, finding, unknown_key
from daemon.config.model import Config
from daemon.core.domain import Problem

PLACES = (Path("config.toml"), Path("/etc/careloop/config.toml"))


class ConfigError(Exception):
    """The configuration cannot be used; `problems` holds all that has to be mended."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(said(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a file gave. With errors, `config` holds the parts that are right (None where
    nothing is) and `broken` names the sections that are not."""

    config: Config | None
    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    broken: frozenset[str] = frozenset()


def load(path: Path) -> Config:
    """Read a configuration file. Raises `ConfigError` with every problem it has."""
    reading = examine(path)
    if reading.errors or reading.config is None:
        raise ConfigError(reading.errors)
    return reading.config


def find(path: Path | None) -> Path:
    """The file that was named, or else the first of `PLACES` that exists."""
    if path is not None:
        return path
    return next((place for place in PLACES if place.exists()), PLACES[0])


def said(problem: Problem) -> str:
    """A problem in one line: where, what, cure."""
    cure = f" -> {problem.cure}" if problem.cure else ""
    return f"{problem.where}: {problem.what}{cure}"


def examine(path: Path) -> Reading:
    """Read a configuration file and tell all that is wrong or doubtful about it."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        return Reading(None, (_unreadable(path, error),))
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Reading(None, (_not_toml(path, text, error),))
    config, mistakes = _validate(data, path.absolute().parent)
    found = [*mistakes, *(findings(config) if config else ())]
    if not found:
        return Reading(config)
    lines = lines_of(text)
    found.sort(key=lambda one: line_at(lines, one.key))
    errors = tuple(_problem(path, lines, one) for one in found if not one.warning)
    warnings = tuple(_problem(path, lines, one) for one in found if one.warning)
    broken = frozenset(one.key[0] for one in found if not one.warning)
    return Reading(config, errors, warnings, broken)


def _problem(path: Path, lines: Mapping[KeyPath, int], one: Finding) -> Problem:
    return Problem(f"{path}:{line_at(lines, one.key)}", one.what, one.cure)


def _unreadable(path: Path, error: Exception) -> Problem:
    if isinstance(error, FileNotFoundError):
        return Problem(
            str(path), "there is no configuration", "careloop init . makes one, or --config FILE"
        )
    if isinstance(error, UnicodeDecodeError):
        return Problem(str(path), "the file is not UTF-8 text", "save it as UTF-8")
    reason = error.strerror if isinstance(error, OSError) else error
    return Problem(str(path), f"the file cannot be read: {reason}", f"look at: ls -l {path}")


def _not_toml(path: Path, text: str, error: tomllib.TOMLDecodeError) -> Problem:
    what, _, at = str(error).partition(" (at ")
    number = re.search(r"line (\d+)", at)
    line = int(number[1]) if number else max(1, len(text.splitlines()))
    rows = text.splitlines()
    row = rows[line - 1].strip() if line <= len(rows) else ""
    row = re.sub(
        r"(\w*(?:password|secret|token|key)\w*)\s*=.*", r"\1 = ...", row, flags=re.IGNORECASE
    )
    return Problem(
        f"{path}:{line}",
        f"not TOML: {what[:1].lower()}{what[1:]}" + (f" in `{row[:60]}`" if row else ""),
        'write key = "text", key = 5, key = true or key = ["a", "b"]',
    )


def _validate(data: dict[str, Any], root: Path) -> tuple[Config | None, list[Finding]]:
    """Make a `Config`; with mistakes one of the parts that are right, so that all is examined."""
    internal = [unknown_key((name,)) for name in data if name in INTERNAL]
    data = {name: value for name, value in data.items() if name not in INTERNAL}
    try:
        return _config(data, root), internal
    except ValidationError as error:
        details = error.errors()
    mistakes = internal + list(_without_echo([finding(detail) for detail in details]))
    for detail in details:
        _remove(data, [str(part) for part in detail["loc"]])
    organization = data.get("organization")
    if isinstance(organization, dict):
        organization.setdefault("name", "?")
    else:
        data["organization"] = {"name": "?"}
    try:
        return _config(data, root), mistakes
    except ValidationError:
        return None, mistakes


def _config(data: Mapping[str, Any], root: Path) -> Config:
    """Validate strictly: JSON knows paths and lists as TOML writes them, but turns no text into a
    number."""
    as_json = json.dumps(data, default=lambda value: value.isoformat())
    return Config.model_validate_json(as_json, strict=True).model_copy(update={"root": root})


def _without_echo(found: list[Finding]) -> Iterator[Finding]:
    """Leave out what is missing only because it was misspelt."""
    for one in found:
        meant = f"`{one.key[-1]}`"
        echo = one.what.endswith(" is missing") and any(
            meant in other.cure for other in found if other.what.startswith("unknown")
        )
        if not echo:
            yield one


def _remove(data: Any, loc: list[str]) -> None:
    for part in loc[:-1]:
        inner = data.get(part) if isinstance(data, dict) else None
        if not isinstance(inner, dict):
            loc = [part]
            break
        data = inner
    if isinstance(data, dict):
        data.pop(loc[-1], None)
