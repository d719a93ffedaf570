"""The command itself: help, verbs, `--config`, exit codes, and what it loads."""

import os
import resource
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from daemon.cli.verbs import VERBS
from tests.cli.support import ROOT, Command, process

HEAVY = ("click", "sqlalchemy", "flask", "pydantic", "icalendar", "rich", "jinja2", "requests")
LOADED = "import sys, careloop; sys.argv[0] = 'careloop'; code = careloop.main(); "


def test_help_names_every_verb_and_every_exit_code(careloop: Command) -> None:
    answer = careloop("--help")

    assert answer.code == 0
    assert all(f"  {verb} " in answer.out for verb in VERBS)
    assert "12 credentials refused" in answer.out.replace("\n", " ")


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], [], ["--version"]])
def test_help_and_version_load_nothing_heavy(arguments: list[str]) -> None:
    code = LOADED + f"print([one for one in {HEAVY!r} if one in sys.modules], code)"

    answer = process(*arguments, code=code)

    assert answer.out.splitlines()[-1] == "[] 0"


def test_help_costs_at_most_three_bare_interpreters() -> None:
    def cpu(*arguments: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        for _ in range(10):
            subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    bare = cpu("-c", "pass")
    help_page = cpu(str(ROOT / "careloop.py"), "--help")

    assert help_page <= 3 * bare


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_a_file_that_says_the_same_as_the_help_page(verb: str) -> None:
    command = import_module(f"daemon.cli.{verb}").command

    assert isinstance(command, click.Command)
    assert (command.help or "").splitlines()[0] == VERBS[verb]


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_explains_itself(careloop: Command, verb: str) -> None:
    answer = careloop(verb, "--help")

    assert answer.code == 0
    assert VERBS[verb].split()[0] in answer.out


def test_version_is_the_one_of_the_package(careloop: Command) -> None:
    declared = (ROOT / "pyproject.toml").read_text()

    version = careloop("--version").out.split()[1]

    assert f'version = "{version}"' in declared


def test_a_misspelt_verb_is_a_usage_error_with_the_nearest_one(careloop: Command) -> None:
    answer = careloop("staus")

    assert answer.code == 2
    assert "'status'" in answer.err
    assert answer.out == ""


def test_an_unknown_option_is_a_usage_error(careloop: Command) -> None:
    assert careloop("check", "--jsno").code == 2


@pytest.mark.parametrize("before", [True, False])
def test_the_configuration_may_be_named_before_or_after_the_verb(
    careloop: Command, tmp_path: Path, before: bool
) -> None:
    named = ["--config", tmp_path / "missing.toml"]

    answer = careloop(*named, "check") if before else careloop("check", *named)

    assert answer.code == 2
    assert str(tmp_path / "missing.toml") in answer.out


@pytest.mark.parametrize("verb", ["status", "plan", "run", "web", "export", "pause"])
def test_a_wrong_configuration_is_exit_code_2_with_every_problem(
    careloop: Command, tmp_path: Path, verb: str
) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[organization]\nnme = "Acme"\n[web]\nbind = "x"\n')
    person = ["anna@acme.example"] if verb in ("export", "pause") else []

    answer = careloop(verb, *person, "--config", config)

    assert answer.code == 2
    assert answer.out == ""
    assert f"{config}:2: unknown key `nme`" in answer.err
    assert f"{config}:4: [web] bind" in answer.err


def test_a_missing_secret_is_exit_code_2_with_the_command_that_makes_one(
    careloop: Command, company: Path
) -> None:
    company.with_name("secret.key").unlink()

    answer = careloop("status", "--config", company)

    assert answer.code == 2
    assert "/dev/urandom" in answer.err


@pytest.mark.parametrize("clash", ["earlier on the path", "overlaid"])
def test_another_distribution_named_daemon_is_told_clearly(tmp_path: Path, clash: str) -> None:
    (tmp_path / "daemon").mkdir()
    (tmp_path / "daemon" / "__init__.py").write_text('"""Somebody else."""\n')
    front = ROOT / "careloop.py"
    if clash == "overlaid":
        front = tmp_path / "careloop.py"
        front.write_text((ROOT / "careloop.py").read_text())
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import runpy; runpy.run_path({str(front)!r}, run_name='__main__')",
        ],
        cwd=tmp_path.parent,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert str(tmp_path / "daemon") in done.stderr
    assert "environment of its own" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    done = subprocess.run(
        f"{sys.executable} {ROOT / 'careloop.py'} check --config /nowhere/config.toml | true",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "Traceback" not in done.stderr
