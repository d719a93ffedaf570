"""`--now` plays another moment, and only where nothing can leave this machine."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import click
import pytest

from daemon.cli.opening import on_loopback, refuse_reaching_out
from daemon.config.model import Config
from tests.cli.support import Command


def _config(kind: str, *hosts: str) -> Config:
    """A configuration that uses a provider with these hosts for its mail."""
    section = SimpleNamespace(hosts=lambda: frozenset(hosts))
    made: dict[str, Any] = {
        "people": SimpleNamespace(kind="csv"),
        "calendar": SimpleNamespace(kind="folder"),
        "mail": SimpleNamespace(kind=kind),
        kind: section,
    }
    return cast("Config", SimpleNamespace(**made))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.8.0.1"])
def test_a_provider_on_loopback_may_be_played(host: str) -> None:
    assert on_loopback(host)
    refuse_reaching_out(_config("smtp", host))


@pytest.mark.parametrize(
    "hosts",
    [
        ("smtp.acme.example",),
        ("127.0.0.1", "smtp.acme.example"),
        ("10.0.0.1",),
        ("127.0.0.1.acme.example",),
        ("localhost.acme.example",),
        ("",),
        (),
    ],
)
def test_a_provider_elsewhere_is_refused(hosts: tuple[str, ...]) -> None:
    with pytest.raises(click.UsageError, match="--now is refused"):
        refuse_reaching_out(_config("smtp", *hosts))


def test_a_provider_that_does_not_tell_its_hosts_is_refused() -> None:
    config = cast(
        "Config",
        SimpleNamespace(
            people=SimpleNamespace(kind="csv"),
            calendar=SimpleNamespace(kind="caldav"),
            mail=SimpleNamespace(kind="maildir"),
            caldav=SimpleNamespace(),
        ),
    )

    with pytest.raises(click.UsageError, match="caldav"):
        refuse_reaching_out(config)


@pytest.mark.parametrize("time", ["tomorrow", "2026-12-01", "2026-12-01T08:00:00", "08:00Z"])
def test_a_moment_without_its_offset_is_a_usage_error(
    careloop: Command, company: Path, time: str
) -> None:
    answer = careloop("plan", "--now", time, "--config", company)

    assert answer.code == 2
    assert "2026-12-01T08:00:00+01:00" in answer.err


def test_the_service_has_no_moment_of_its_own(careloop: Command, company: Path) -> None:
    answer = careloop("run", "--now", "2026-12-01T08:00:00Z", "--config", company)

    assert answer.code == 2
    assert "--once" in answer.err


def test_a_moment_to_explain_is_refused_where_letters_could_leave_this_machine(
    careloop: Command, company: Path
) -> None:
    company.write_text(
        company.read_text().replace("[mail]", '[mail]\nkind = "smtp"', 1)
        + '\n[smtp]\nhost = "smtp.acme.example"\n'
    )

    answer = careloop(
        *("explain", "anna@acme.example", "--now", "2026-12-01T08:00:00Z", "--config", company)
    )

    assert answer.code == 2
    assert "--now is refused: smtp" in answer.err
