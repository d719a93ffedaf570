"""What is shipped: the wheel, the units, the locked requirements, the scripts of a developer."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
UNITS = ["careloop.service", "careloop-web.service"]

needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed"
)


def _run(*command: str | Path, **settings: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [str(part) for part in command], capture_output=True, text=True, check=False, **settings
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as `make` builds the package: without isolation."""
    folder = tmp_path_factory.mktemp("dist")
    built = _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    assert built.returncode == 0, built.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """A folder with the wheel's content, as an installation has it."""
    folder = wheel.parent / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_the_wheel_holds_every_template_and_nothing_of_the_tests(wheel: Path) -> None:
    templates = ROOT / "templates"
    expected = {
        f"daemon/templates/{path.relative_to(templates)}"
        for path in templates.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    names = set(zipfile.ZipFile(wheel).namelist())

    assert expected
    assert expected <= names
    assert not [name for name in names if name.startswith(("tests/", "bench/", "docs/"))]


def test_an_installed_copy_finds_its_templates_and_sets_up_a_folder(
    installed: Path, tmp_path: Path
) -> None:
    code = (
        "import daemon, sys; from daemon.letters.render import built_in; "
        "print(daemon.__file__, len(built_in())); import careloop; "
        "sys.argv = ['careloop', 'init', 'acme', '--name', 'Acme', '--yes']; "
        "sys.exit(careloop.main())"
    )

    done = _run(
        *(sys.executable, "-c", code),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
    )

    place, count = done.stdout.split()
    assert done.returncode == 0, done.stderr
    assert place == str(installed / "daemon" / "__init__.py")
    assert int(count) > 20
    assert (tmp_path / "acme" / "config.toml").exists()


def test_the_command_of_the_wheel_is_the_front_door(installed: Path) -> None:
    entry = next(installed.glob("*.dist-info/entry_points.txt")).read_text()

    assert "careloop = careloop:main" in entry


@needs_systemd
@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_exposed_by_1_5_at_most(name: str) -> None:
    done = _run(
        *("systemd-analyze", "security", "--offline=true", "--threshold=15"),
        ROOT / "systemd" / name,
    )

    assert done.returncode == 0, done.stdout


@needs_systemd
@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_verified_without_a_word(name: str, tmp_path: Path) -> None:
    program = tmp_path / "careloop"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for unit in UNITS:
        text = (ROOT / "systemd" / unit).read_text()
        (tmp_path / unit).write_text(text.replace("/opt/careloop/bin/careloop", str(program)))

    done = _run(
        *("systemd-analyze", "verify", "--recursive-errors=no", "--man=no"), tmp_path / name
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", UNITS)
def test_a_wrong_configuration_does_not_start_again_and_again(name: str) -> None:
    unit = (ROOT / "systemd" / name).read_text()

    assert re.search(r"^RestartPreventExitStatus=2\b", unit, re.MULTILINE)


def test_the_service_has_a_watchdog_and_time_to_finish_a_call() -> None:
    unit = (ROOT / "systemd" / "careloop.service").read_text()
    said = dict(re.findall(r"^(\w+)=(\w+)$", unit, re.MULTILINE))

    assert said["Type"] == "notify"
    assert int(said["WatchdogSec"]) >= 120
    assert int(said["TimeoutStopSec"]) > 10


def test_the_requirements_are_locked_by_hash_and_name_no_host() -> None:
    text = (ROOT / "requirements.txt").read_text()
    statements = text.replace("\\\n", " ").splitlines()
    packages = [line for line in statements if line and not line.startswith("#")]

    assert packages
    assert "://" not in text
    assert all("==" in line and "--hash=sha256:" in line for line in packages)


def test_the_script_of_the_build_machine_is_valid_and_may_be_run() -> None:
    script = ROOT / ".ci" / "run"

    checked = _run("bash", "-n", script)

    assert checked.returncode == 0, checked.stderr
    assert os.access(script, os.X_OK)
    assert "make test" in script.read_text()
    assert "make check" in script.read_text()


@pytest.mark.parametrize(("broken", "code"), [("", 0), ("test", 1), ("check", 1)])
def test_the_script_of_the_build_machine_fails_when_any_part_does(
    tmp_path: Path, broken: str, code: int
) -> None:
    make = tmp_path / "make"
    make.write_text(f'#!/bin/sh\necho "made $1"\n[ "$1" != "{broken}" ]\n')
    make.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"

    done = _run(ROOT / ".ci" / "run", env={**os.environ, "PATH": path, "CI": ""})

    assert done.returncode == code
    assert done.stdout.split() == ["made", "test", "made", "check"]
