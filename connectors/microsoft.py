"""Microsoft 365: Entra ID users, Outlook calendars and letters, through Microsoft Graph."""

from connectors._graph_calendar import GraphCalendar
from connectors._graph_directory import GraphDirectory
from connectors._graph_mail import GraphMailer
from connectors._graph_session import Graph, shared
from daemon.config.model import Config
from daemon.core.ports import Calendar, Directory, Mailer, Trouble
from daemon.core.roster import parse_hours


def directory(config: Config) -> Directory:
    """Open the people of the tenant. Raises `Trouble` where our own working hours have no
    sense."""
    try:
        hours = parse_hours(config.organization.working_hours)
    except ValueError as error:
        raise Trouble(f"[organization] working_hours: {error}") from None
    return GraphDirectory(_graph(config), config.organization, hours)


def calendar(config: Config) -> Calendar:
    """Open the calendars of the tenant."""
    return GraphCalendar(_graph(config))


def mailer(config: Config) -> Mailer:
    """Open the way of letters through the tenant."""
    return GraphMailer(_graph(config))


def _graph(config: Config) -> Graph:
    assert config.microsoft is not None, "checked with the configuration"
    return shared(config.microsoft, config.root)
