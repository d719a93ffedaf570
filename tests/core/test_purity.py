"""The core stays pure: a short list of standard modules, and no look at the clock."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import daemon.core

ALLOWED = frozenset({
    "base64", "bisect", "collections", "collections.abc", "contextlib", "dataclasses", "datetime",
    "difflib", "enum", "functools", "hashlib", "itertools", "math", "operator", "re", "tomllib",
    "types", "typing", "zoneinfo",
})  # fmt: skip

CLOCKS = frozenset({"now", "today", "utcnow", "time", "time_ns", "monotonic"})

CORE = sorted(Path(daemon.core.__path__[0]).glob("**/*.py"))


def imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield node.module or "." * node.level


def clocks(source: str) -> Iterator[str]:
    """Calls such as `datetime.now()`; `datetime.time` and `.date()` are words, not clocks."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = node.func
            of_a_value = called.attr == "time" and not isinstance(called.value, ast.Name)
            if called.attr in CLOCKS and not of_a_value:
                yield ast.unparse(called)


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_a_rule_imports_only_words_and_a_few_standard_modules(path: Path):
    foreign = {
        name
        for name in imported(path.read_text())
        if name not in ALLOWED and not name.startswith("daemon.core")
    }

    assert foreign == set()


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_a_rule_never_looks_at_the_clock(path: Path):
    assert list(clocks(path.read_text())) == []


@pytest.mark.parametrize(
    "line", ["import requests", "from daemon.store import people", "import os"]
)
def test_the_guard_sees_a_foreign_import(line: str):
    foreign = [name for name in imported(line) if name not in ALLOWED]

    assert [name for name in foreign if not name.startswith("daemon.core")]


@pytest.mark.parametrize("line", ["datetime.now(UTC)", "date.today()", "time.monotonic()"])
def test_the_guard_sees_a_look_at_the_clock(line: str):
    assert list(clocks(line))
