"""Fixtures of the command's tests."""

from pathlib import Path

import pytest

from tests.cli.support import Command


@pytest.fixture
def careloop(capsys: pytest.CaptureFixture[str]) -> Command:
    """The command, called inside this process."""
    return Command(capsys)


@pytest.fixture
def company(tmp_path: Path, careloop: Command) -> Path:
    """A folder as `careloop init` makes it; the path of its configuration."""
    assert careloop("init", tmp_path / "acme", "--name", "Acme", "--yes").code == 0
    return tmp_path / "acme" / "config.toml"
