"""Open a connector by its kind: the one place that knows their names."""

from collections.abc import Collection
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from daemon.core.ports import Calendar, Directory, Mailer

if TYPE_CHECKING:  # a reading child starts in a tenth of the time without the configuration
    from daemon.config.model import Config


def forget(config: "Config", words: Collection[str]) -> None:
    """Drop what is remembered of calendars and mailboxes where it mentions one of these words."""
    caches = import_module("connectors._cache")
    caches.forget(config.at(Path(".cache")), words)


def directory(config: "Config") -> Directory:
    """Open the source of people that `[people] kind` names."""
    opened: Directory = import_module(f"connectors.{config.people.kind}").directory(config)
    return opened


def calendar(config: "Config") -> Calendar:
    """Open the calendars that `[calendar] kind` names."""
    opened: Calendar = import_module(f"connectors.{config.calendar.kind}").calendar(config)
    return opened


def mailer(config: "Config") -> Mailer:
    """Open the way of letters that `[mail] kind` names."""
    opened: Mailer = import_module(f"connectors.{config.mail.kind}").mailer(config)
    return opened
