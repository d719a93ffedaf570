"""Google Workspace: its directory, its calendars and its mail, through one service account."""

import time
from collections.abc import Callable
from functools import lru_cache

from connectors._google_calendar import GoogleCalendar
from connectors._google_directory import GoogleDirectory
from connectors._google_mail import GoogleMailer
from connectors._google_tokens import Scopes
from connectors._google_transport import Workspace
from daemon.config.model import Config
from daemon.config.secrets import Secret, read
from daemon.core.ports import Calendar, Directory, Mailer
from daemon.core.roster import parse_hours

_AUTH = "https://www.googleapis.com/auth/"
_CALENDAR = ("calendar.events.owned", "calendar.events.freebusy", "calendar.calendars.readonly")


def directory(config: Config) -> Directory:
    """Open the Workspace directory."""
    hours = parse_hours(config.organization.working_hours)
    return GoogleDirectory(_workspace(config), config.organization, hours)


def calendar(config: Config) -> Calendar:
    """Open everybody's calendar."""
    return GoogleCalendar(_workspace(config))


def mailer(config: Config) -> Mailer:
    """Open the mailboxes letters are sent from."""
    return GoogleMailer(_workspace(config))


def scopes_of(config: Config) -> dict[str, Scopes]:
    """What has to be granted, by surface. Calendar and mail share a token where both are used."""
    assert config.google is not None
    work: set[str] = set()
    if config.calendar.kind == "google":
        work |= set(_CALENDAR)
    if config.mail.kind == "google":
        work |= {"gmail.send"} | ({"gmail.readonly"} if config.google.verify_sent else set())
    shared = frozenset(_AUTH + scope for scope in work)
    people = frozenset({_AUTH + "admin.directory.user.readonly"})
    return {"calendar": shared, "gmail": shared, "directory": people}


def open_workspace(config: Config, sleep: Callable[[float], None] = time.sleep) -> Workspace:
    """Open a connection of its own, without any call."""
    settings = config.google
    assert settings is not None, "the section [google] is checked when the file is read"

    def key() -> Secret:
        assert settings.service_account is not None
        return read(settings.service_account, config.root)

    return Workspace(settings, key, scopes_of(config), sleep=sleep)


@lru_cache(maxsize=4)
def _workspace(config: Config) -> Workspace:
    """One connection for every role: Google counts by project and by person, whoever asks."""
    return open_workspace(config)
