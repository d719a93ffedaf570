"""careloop init: a folder that works at once, and never harm to what was there."""

import stat
import tomllib
from pathlib import Path

import pytest

from tests.cli.support import Command


def _settings(config: Path) -> dict[str, dict[str, object]]:
    return tomllib.loads(config.read_text())


def test_a_new_folder_passes_its_own_check(careloop: Command, tmp_path: Path) -> None:
    answer = careloop("init", tmp_path / "acme", "--name", "Acme", "--yes")

    assert answer.code == 0
    assert careloop("check", "--config", tmp_path / "acme" / "config.toml").code == 0


def test_everything_a_first_run_needs_is_laid_down(company: Path) -> None:
    made = {str(path.relative_to(company.parent)) for path in company.parent.rglob("*")}

    assert made >= {
        "config.toml",
        "people.csv",
        "secret.key",
        "careloop.service",
        "hr/engineer.md",
        "calendars/anna@acme.example",
    }


def test_the_secret_is_private_and_different_each_time(careloop: Command, tmp_path: Path) -> None:
    for name in ("one", "two"):
        careloop("init", tmp_path / name, "--name", "Acme", "--yes")
    one, two = (tmp_path / name / "secret.key" for name in ("one", "two"))

    assert stat.S_IMODE(one.stat().st_mode) == 0o600
    assert one.read_text() != two.read_text()
    assert len(one.read_text()) >= 32


def test_answers_reach_the_configuration_whatever_they_contain(
    careloop: Command, tmp_path: Path
) -> None:
    name = 'A"c\\me = [x] \\1 Ω'

    answer = careloop(
        *("init", tmp_path, "--yes", "--name", name, "--time-zone", "Asia/Kolkata"),
        *("--country", "DE-BY", "--language", "de", "--sender", "loop@acme.example"),
        *("--url", "https://loop.acme.example"),
    )

    settings = _settings(tmp_path / "config.toml")
    assert answer.code == 0
    assert settings["organization"] == {
        "name": name,
        "time_zone": "Asia/Kolkata",
        "country": "DE-BY",
        "language": "de",
    }
    assert settings["mail"] == {"sender": "loop@acme.example"}
    assert settings["web"] == {"url": "https://loop.acme.example"}


def test_nothing_that_exists_is_overwritten(careloop: Command, tmp_path: Path) -> None:
    for name in ("people.csv", "secret.key"):
        (tmp_path / name).write_text("mine")
        (tmp_path / name).chmod(0o600)

    answer = careloop("init", tmp_path, "--name", "Acme", "--yes")

    assert (tmp_path / "people.csv").read_text() == "mine"
    assert (tmp_path / "secret.key").read_text() == "mine"
    assert f"kept  {tmp_path / 'people.csv'}" in answer.err


def test_without_a_terminal_the_name_has_to_be_given(careloop: Command, tmp_path: Path) -> None:
    answer = careloop("init", tmp_path / "acme")

    assert answer.code == 2
    assert "--name" in answer.err
    assert not (tmp_path / "acme").exists()


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--time-zone", "Mars/Olympus"),
        ("--country", "Germany"),
        ("--sender", "nobody"),
        ("--url", "acme.example"),
        ("--language", "xx"),
    ],
)
def test_a_wrong_answer_is_refused_before_anything_is_written(
    careloop: Command, tmp_path: Path, flag: str, value: str
) -> None:
    answer = careloop("init", tmp_path / "acme", "--name", "Acme", "--yes", flag, value)

    assert answer.code == 2
    assert flag.replace("-", "_").strip("_") in answer.err.replace("-", "_")
    assert not (tmp_path / "acme").exists()


def test_the_unit_file_names_this_folder_and_this_installation(company: Path) -> None:
    unit = company.with_name("careloop.service").read_text()

    assert f"run --config {company}\n" in unit
    assert f"ReadWritePaths={company.parent}\n" in unit
    assert "DynamicUser" not in unit
    assert "/var/lib/careloop" not in unit


def test_a_folder_with_blanks_in_its_name_gives_a_unit_that_systemd_reads(
    careloop: Command, tmp_path: Path
) -> None:
    folder = tmp_path / "My 100% Company"

    careloop("init", folder, "--name", "Acme", "--yes")

    unit = (folder / "careloop.service").read_text()
    escaped = str(folder).replace("%", "%%")
    assert f'--config "{escaped}/config.toml"\n' in unit
    assert f'ReadWritePaths="{escaped}"\n' in unit
    assert f"WorkingDirectory={escaped}\n" in unit
