"""What went wrong is said once, in a line, with the exit code it stands for."""

from pathlib import Path

import pytest

from daemon.cli import run as run_verb
from daemon.cli import troubles
from daemon.config.load import ConfigError
from daemon.config.secrets import SecretProblem
from daemon.core.domain import Problem
from daemon.core.ports import CredentialsRefused, Trouble
from daemon.loop.service import Invalid
from daemon.store.trouble import DamagedStore
from tests.cli.support import Command, process


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError((Problem("config.toml:3", "wrong", "cure"),)), 2),
        (SecretProblem("the secret is missing", "make one"), 2),
        (CredentialsRefused("sign in again"), 12),
        (Trouble("unreachable"), 1),
        (DamagedStore("state.db is damaged"), 1),
        (PermissionError(13, "Permission denied", "/var/lib/careloop"), 1),
    ],
)
def test_an_expected_error_is_a_line_and_an_exit_code(
    capsys: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    assert troubles.said(error) == code

    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1


def test_an_unexpected_error_is_a_bug_and_keeps_its_traceback() -> None:
    assert troubles.said(ZeroDivisionError()) is None


def test_a_state_of_a_newer_version_is_told_without_a_traceback(
    careloop: Command, company: Path
) -> None:
    company.with_name("state.db").write_bytes(
        b"not a database at all, but longer than a header" * 9
    )

    answer = careloop("status", "--config", company)

    assert answer.code == 1
    assert "careloop restore" in answer.err
    assert len(answer.err.splitlines()) == 1


def test_a_wrong_configuration_is_refused_at_reload_with_its_problems(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[organization]\nname = "Acme"\nlanguage = "xx"\n')

    with pytest.raises(Invalid) as raised:
        run_verb.load_again(path)

    assert raised.value.problems[0].where == f"{path}:3"


def test_status_loads_neither_pages_nor_planner_nor_providers(company: Path) -> None:
    unneeded = ("flask", "waitress", "holidays", "msal", "googleapiclient", "daemon.core.planner")
    code = (
        "import sys, careloop; sys.argv[0] = 'careloop'; code = careloop.main(); "
        f"print([one for one in {unneeded!r} if one in sys.modules], code)"
    )

    answer = process("status", "--config", company, code=code)

    assert answer.out.splitlines()[-1] == "[] 0"
