"""The one place that chooses: from a configuration to an App with everything in its place."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import connectors
from daemon.config import secrets
from daemon.config.model import Config
from daemon.core.checklist import Checklist, load_checklist
from daemon.core.domain import Mail, Pair, Uid, email
from daemon.core.ports import Calendar, Directory, Mailer
from daemon.letters import Letters
from daemon.links import Links
from daemon.store import access
from daemon.store.database import Database, open_copy, open_database
from daemon.store.outbox import worker_identity
from daemon.store.vault import Vault

T = TypeVar("T")

TEMPLATES = Path(__file__).parent / "templates"


def wall_clock() -> datetime:
    """The time, in UTC: the only clock of careloop."""
    return datetime.now(UTC)


@dataclass(kw_only=True, slots=True)
class App:
    """Everything a door needs. Connectors are opened at first use: pages never open one."""

    config: Config
    database: Database
    letters: Letters
    links: Links
    vault: Vault
    clock: Callable[[], datetime] = wall_clock
    open_directory: Callable[[Config], Directory] = connectors.directory
    open_calendar: Callable[[Config], Calendar] = connectors.calendar
    open_mailer: Callable[[Config], Mailer] = connectors.mailer
    worker: str = field(default_factory=worker_identity)
    rung: threading.Event = field(default_factory=threading.Event)
    """Set by a page: the loop need not wait for its next tick."""
    compose: Callable[..., Mail] | None = None
    """How letters are written in a rehearsal: without words. None: as they are."""
    rehearsal: bool = False
    """Nobody will open a page: nothing is prepared for one."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when the service is told to stop: nothing new is begun."""
    offered: dict[Uid, int] = field(default_factory=dict)
    """What the offers of a meeting were worked out from, so that it is done once."""
    explained: dict[Pair, int] = field(default_factory=dict)
    """The same for the explanation of a pair without a time."""
    played: bool = False
    """The clock stands at a moment somebody chose (`--now`)."""
    looked_at: datetime | None = None
    """When this process last read every calendar."""
    last_turn: datetime | None = None
    """When this process last finished a turn."""
    _opened: dict[str, object] = field(default_factory=dict)

    @property
    def directory(self) -> Directory:
        """The source of people."""
        return self._once("people", self.open_directory)

    @property
    def calendar(self) -> Calendar:
        """The calendars."""
        return self._once("calendar", self.open_calendar)

    @property
    def mailer(self) -> Mailer:
        """The way letters go."""
        return self._once("mail", self.open_mailer)

    def wake(self) -> None:
        """Ask the loop for a turn now."""
        self.rung.set()

    def reconfigure(self, config: Config, letters: Letters) -> None:
        """Go on with another configuration; the store, the pages' address and secret stay."""
        self.config, self.letters = config, letters
        self._opened.clear()
        self.looked_at = None

    def checklist(self, language: str) -> Checklist:
        """The preparation's words, the operator's own file first."""
        return _checklist(self._template("checklist.toml"), language)

    def role_text(self, role: str) -> str:
        """What HR wrote about a role (`hr/<role>.md` or .txt); empty when there is nothing."""
        if not role or role != Path(role).name or role.startswith("."):
            return ""
        folder = self.config.at(self.config.organization.hr_folder)
        files = (folder / f"{role}{ending}" for ending in (".md", ".txt"))
        found = next((file for file in files if file.is_file()), None)
        return found.read_text(encoding="utf-8", errors="replace") if found else ""

    def _template(self, name: str) -> str:
        own = self.config.service.templates
        folders = [self.config.at(own)] if own else []
        files = (folder / name for folder in (*folders, TEMPLATES))
        return next(file for file in files if file.exists()).read_text(encoding="utf-8")

    def _once(self, name: str, opening: Callable[[Config], T]) -> T:
        if name not in self._opened:
            self._opened[name] = opening(self.config)
        return self._opened[name]  # type: ignore[return-value]


@lru_cache(maxsize=16)
def _checklist(text: str, language: str) -> Checklist:
    return load_checklist(text, language)


def open_app(
    config: Config, clock: Callable[[], datetime] = wall_clock, *, on_copy: bool = False
) -> App:
    """Open the store and put everything together; `on_copy`: a throw-away copy of it, so that not
    even a new store is founded. Raises `StoreTrouble` and `SecretProblem`."""
    secret = secrets.web_secret(config.web.secret, config.root).reveal().encode()
    opening = open_copy if on_copy else open_database
    database = opening(secrets.resolve(config.state.url, config.root), config.root)
    return App(
        config=config,
        database=database,
        letters=letters_for(config),
        links=Links(config.web.url, [secret], config.web.link_days, access.versions(database)),
        vault=Vault([secret]),
        clock=clock,
        played=clock is not wall_clock,
    )


def letters_for(config: Config) -> Letters:
    """The letters as this organization sends them."""
    own = config.service.templates
    return Letters(
        organization=config.organization.name,
        sender=email(config.mail.sender),
        sender_name=config.mail.sender_name,
        override=config.at(own) if own else None,
    )
