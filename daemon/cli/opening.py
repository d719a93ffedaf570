"""From the command line to a configuration, an open App and the moment it acts at."""

import ipaddress
from datetime import datetime
from typing import TYPE_CHECKING

import click

from daemon.cli.group import config_file
from daemon.cli.troubles import show
from daemon.config.checks import EMBEDDED, sections_of
from daemon.config.load import ConfigError, examine, find
from daemon.config.model import Config

if TYPE_CHECKING:
    from daemon.wiring import App


BEFORE_THE_FIRST_TURN = (
    "no turn has been taken yet, so nobody is known: `careloop plan` shows what it would do, "
    "`careloop run --once` takes it"
)


class Moment(click.ParamType[datetime]):
    """A time in RFC 3339 with its offset, such as 2026-12-01T08:00:00+01:00."""

    name = "TIME"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self.fail(
                f"{value!r} is not a time with its offset, such as 2026-12-01T08:00:00+01:00",
                param,
                ctx,
            )
        return moment


now_option = click.option(
    "--now",
    type=Moment(),
    metavar="TIME",
    help="Play another moment (RFC 3339); only where nothing leaves this machine.",
)


def configured() -> Config:
    """Read the configuration of this call; warnings go to stderr. Raises `ConfigError`."""
    reading = examine(find(config_file()))
    if reading.errors or reading.config is None:
        raise ConfigError(reading.errors)
    show(reading.warnings, "warning: ")
    return reading.config


def opened(now: datetime | None = None, *, on_copy: bool = False) -> "App":
    """Open everything the configuration names; with `now` its clock stands at that moment;
    `on_copy`: on a throw-away copy of the store."""
    config = configured()
    if now is not None:
        refuse_reaching_out(config)
    from daemon.wiring import open_app, wall_clock  # the store and the letters take their time

    app = open_app(config, wall_clock if now is None else lambda: now, on_copy=on_copy)
    click.get_current_context().call_on_close(app.database.close)
    return app


def refuse_reaching_out(config: Config) -> None:
    """Refuse a played clock where an effect could leave this machine. Raises a usage error."""
    used = {config.people.kind, config.calendar.kind, config.mail.kind} - EMBEDDED
    outside = sorted(kind for kind in used if not stays_here(config, kind))
    if outside:
        raise click.UsageError(
            f"--now is refused: {', '.join(outside)} reaches beyond this machine. A played moment "
            "works only with the kinds csv, folder and maildir, or endpoints on loopback."
        )


def stays_here(config: Config, kind: str) -> bool:
    """Tell whether every host a provider's section speaks to is this machine."""
    found = (getattr(config, name, None) for name in sections_of(kind))
    sections = [section for section in found if section is not None]
    hosts = [host for section in sections for host in getattr(section, "hosts", lambda: [""])()]
    return bool(hosts) and all(on_loopback(host) for host in hosts)


def on_loopback(host: str) -> bool:
    """Tell whether a host name or address can only mean this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
