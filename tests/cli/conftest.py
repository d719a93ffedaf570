"""Fixtures of the command's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.cli.support import Command


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """A verb sets up the log of its process; the tests after it have their own."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def careloop(capsys: pytest.CaptureFixture[str]) -> Command:
    """The command, called inside this process."""
    return Command(capsys)


@pytest.fixture
def company(tmp_path: Path, careloop: Command) -> Path:
    """A folder as `careloop init` makes it; the path of its configuration."""
    assert careloop("init", tmp_path / "acme", "--name", "Acme", "--yes").code == 0
    return tmp_path / "acme" / "config.toml"
