"""On which line of a TOML file each key stands."""

import tomllib
from collections.abc import Mapping
from typing import Any

KeyPath = tuple[str, ...]


def lines_of(text: str) -> dict[KeyPath, int]:
    """Map every key and table of a valid TOML text to its line, counted from 1.

    A statement ends where it first parses on its own: tomllib itself is the only grammar."""
    found: dict[KeyPath, int] = {}
    table: KeyPath = ()
    statement, first = "", 1
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        statement += line
        try:
            parsed = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        if statement.lstrip().startswith("["):
            table = _deepest(parsed)
            _note(found, table, first)
        else:
            for path in _paths(parsed):
                _note(found, table + path, first)
        statement, first = "", number + 1
    return found


def line_at(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """The line of a key, or of the nearest table around it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _note(found: dict[KeyPath, int], path: KeyPath, line: int) -> None:
    for depth in range(1, len(path) + 1):
        found.setdefault(path[:depth], line)


def _deepest(parsed: Mapping[str, Any]) -> KeyPath:
    path: KeyPath = ()
    inner: Any = parsed
    while isinstance(inner, dict) and inner:
        key, inner = next(iter(inner.items()))
        path = (*path, key)
        inner = inner[0] if isinstance(inner, list) else inner
    return path


def _paths(parsed: Mapping[str, Any], prefix: KeyPath = ()) -> list[KeyPath]:
    paths = []
    for key, value in parsed.items():
        inside = isinstance(value, dict) and value
        paths += _paths(value, (*prefix, key)) if inside else [(*prefix, key)]
    return paths
