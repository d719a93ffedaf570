"""careloop init: a folder that works at once, and never harm to what was there."""

import io
import re
import shutil
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest

from daemon.cli.scaffold import preparing, unit_text
from tests.cli.support import ROOT, Command


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


def test_no_line_of_the_configuration_ends_in_blanks(careloop: Command, company: Path) -> None:
    lines = company.read_text().splitlines()

    assert [line for line in lines if line != line.rstrip()] == []
    (zone,) = (line for line in lines if line.startswith("time_zone"))
    assert " # " in zone.partition('"')[2]


def test_on_a_terminal_the_name_is_asked_first(
    careloop: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = io.StringIO("Acme Ltd\nEurope/Berlin\n-\nen\nloop@acme.example\nhttp://here\n")
    monkeypatch.setattr(typed, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin", typed)

    answer = careloop("init", tmp_path / "acme")

    said = answer.out + answer.err
    assert said.index("organization called") < said.index("Time zone")
    assert _settings(tmp_path / "acme" / "config.toml")["organization"]["name"] == "Acme Ltd"


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


# --- the unit file --------------------------------------------------------------------------

FOLDERS = [
    (Path("/var/lib/careloop"), "root"),
    (Path("/var/lib/acme loop"), "root"),
    (Path("/srv/acme"), "root"),
    (Path("/srv/acme 100%"), "daemon"),
    (Path("/opt/acme"), "root"),
]
needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed"
)


def settings_of(unit: str) -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*)$", unit, re.MULTILINE))


@needs_systemd
@pytest.mark.parametrize(("folder", "owner"), FOLDERS)
def test_the_unit_of_any_folder_is_verified_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path, owner: str
) -> None:
    program = tmp_path / "careloop"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    (tmp_path / "careloop.service").write_text(unit_text(folder, owner))

    done = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", "--man=no", "careloop.service"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(("folder", "owner"), FOLDERS)
def test_a_unit_never_runs_as_root_nor_as_somebody_who_cannot_write_there(
    folder: Path, owner: str
) -> None:
    unit = unit_text(folder, owner)

    said = settings_of(unit)
    made_up = said.get("DynamicUser") == "yes"
    assert said["User"] not in ("", "root")
    assert made_up is (folder.parent == Path("/var/lib"))
    if made_up:
        assert said["StateDirectory"].strip('"') == folder.name
        assert said["WorkingDirectory"] == str(folder)
    else:
        assert said["ReadWritePaths"].strip('"') == str(folder).replace("%", "%%")
        assert ("useradd" in unit) is (said["User"] != owner)


def test_the_unit_of_the_usual_folder_is_the_one_that_is_shipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.executable", "/opt/careloop/bin/python")

    assert (
        unit_text(Path("/var/lib/careloop"), "root")
        == (ROOT / "systemd/careloop.service").read_text()
    )


@pytest.mark.parametrize(
    ("folder", "owner", "known", "expected"),
    [
        ("/var/lib/acme", "root", False, []),
        ("/srv/acme", "anna", True, []),
        ("/srv/acme", "root", True, ["chown -R careloop: /srv/acme"]),
        (
            "/srv/my acme",
            "root",
            False,
            [
                "useradd --system --no-create-home --shell /usr/sbin/nologin careloop",
                "chown -R careloop: '/srv/my acme'",
            ],
        ),
    ],
)
def test_what_has_to_be_done_before_the_unit_starts(
    folder: str, owner: str, known: bool, expected: list[str]
) -> None:
    assert preparing(Path(folder), owner, known=known) == expected


def test_the_commands_of_a_service_are_told_each_on_a_line(
    careloop: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.cli.init.owner_of", lambda _: "root")
    monkeypatch.setattr("daemon.cli.init.user_exists", lambda _: False)
    folder = tmp_path / "acme"

    told = careloop("init", folder, "--name", "Acme", "--yes").err

    commands = [line.strip() for line in told.partition("as root:")[2].splitlines() if line]
    assert commands == [
        "useradd --system --no-create-home --shell /usr/sbin/nologin careloop",
        f"chown -R careloop: {folder}",
        f"install -m 644 {folder}/careloop.service /etc/systemd/system/",
        "systemctl daemon-reload && systemctl enable --now careloop",
    ]
