"""Each expected error in one line for the operator, and the exit code it stands for."""

from collections.abc import Iterable

import click

from daemon.cli.group import FAILED, REFUSED, USAGE
from daemon.cli.output import plain
from daemon.config.load import ConfigError
from daemon.config.load import said as in_a_line
from daemon.config.secrets import SecretProblem
from daemon.core.domain import Problem
from daemon.core.ports import CredentialsRefused, Trouble


def said(error: Exception) -> int | None:
    """Print what is wrong and what to do next; None when the error is not an expected one."""
    if isinstance(error, ConfigError):
        show(error.problems)
        return USAGE
    if isinstance(error, SecretProblem):
        return _line(str(error), USAGE)
    if isinstance(error, CredentialsRefused):
        return _line(error.reason, REFUSED)
    if isinstance(error, Trouble):
        return _line(error.reason, FAILED)
    if isinstance(error, OSError) and error.strerror:
        return _line(f"{error.filename or 'the system'}: {error.strerror}", FAILED)
    from daemon.store.trouble import StoreTrouble  # only now: it brings the whole store

    return _line(str(error), FAILED) if isinstance(error, StoreTrouble) else None


def show(problems: Iterable[Problem], title: str = "") -> None:
    """Print problems to stderr, one a line."""
    for problem in problems:
        click.echo(plain(title + in_a_line(problem)), err=True)


def _line(text: str, code: int) -> int:
    click.echo(f"careloop: {plain(text)}", err=True)
    return code
