"""The sections of config.toml as pydantic models. Every key has a default but the name.

A provider's section stands in a file named after its kind (google.py: `class Google(Section)`) and
is one field of `Config` here: `google: Google | None = None`. A kind that has no such field is not
part of this version, and `load` says so; nothing else has to be told about a new section.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from daemon.config.caldav import Caldav
from daemon.config.google import Google
from daemon.config.imap import Imap
from daemon.config.imip import Imip
from daemon.config.microsoft import Microsoft
from daemon.config.secrets import Reference
from daemon.config.section import Section
from daemon.config.smtp import Smtp
from daemon.core.domain import Cadence


class Organization(Section):
    """Who we are, and what a person gets who has none of their own."""

    name: str
    time_zone: str = "UTC"
    country: str = ""
    language: Literal["en", "de", "fr", "es"] = "en"
    working_hours: str = "Mon-Fri 09:00-17:00"
    closed_days: tuple[str, ...] = ()
    hr_folder: Path = Path("hr")
    vision: str = ""
    goals: tuple[str, ...] = ()
    values: tuple[str, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        """The default zone."""
        return ZoneInfo(self.time_zone)


class CadenceSection(Section):
    """The figures of the cycle; see `Cadence` in daemon/core/domain.py."""

    first_minutes: Annotated[int, Field(ge=15, le=240)] = 60
    follow_up_minutes: Annotated[int, Field(ge=5, le=120)] = 20
    alignment_minutes: Annotated[int, Field(ge=5, le=120)] = 20
    min_days: Annotated[int, Field(ge=1, le=365)] = 30
    max_days: Annotated[int, Field(ge=1, le=365)] = 45
    preferred_days: Annotated[int, Field(ge=1, le=365)] = 35
    first_within_days: Annotated[int, Field(ge=1, le=365)] = 14
    late_days: Annotated[int, Field(ge=0, le=365)] = 10
    buffer_minutes: Annotated[int, Field(ge=0, le=120)] = 5
    max_per_day: Annotated[int, Field(ge=1, le=50)] = 4
    max_per_week: Annotated[int, Field(ge=1, le=200)] = 12
    max_moves: Annotated[int, Field(ge=0, le=50)] = 3
    freeze_hours: Annotated[int, Field(ge=0, le=336)] = 24
    notice_hours: Annotated[int, Field(ge=0, le=336)] = 24
    prep_days: Annotated[int, Field(ge=0, le=30)] = 5
    inferred_after_days: Annotated[int, Field(ge=1, le=30)] = 3
    alignment_within_days: Annotated[int, Field(ge=1, le=60)] = 10
    long_leave_days: Annotated[int, Field(ge=1, le=365)] = 14
    restart_after_days: Annotated[int, Field(ge=1, le=365)] = 45
    record_both: bool = False

    def rules(self) -> Cadence:
        """The same figures as the rules take them."""
        return Cadence(**self.model_dump())


class People(Section):
    """Where the roster comes from."""

    kind: Literal["csv", "google", "microsoft"] = "csv"
    path: Path = Path("people.csv")


class CalendarSection(Section):
    """Where meetings stand and busy times are read."""

    kind: Literal["folder", "imip", "caldav", "google", "microsoft"] = "folder"
    path: Path = Path("calendars")
    look_every_seconds: Annotated[int, Field(ge=0, le=86400)] = 300
    """How often every calendar is read; a folder is near, and read at every turn. What is due is
    always decided on calendars read in that very turn."""

    @property
    def patience(self) -> timedelta:
        """How old a look at all calendars may be."""
        return timedelta(seconds=0 if self.kind == "folder" else self.look_every_seconds)


class MailSection(Section):
    """How letters go out."""

    kind: Literal["maildir", "smtp", "google", "microsoft"] = "maildir"
    path: Path = Path("outbox")
    sender: str = "careloop@localhost"
    sender_name: str = "careloop"
    on_ambiguous: Literal["resend", "hold"] = "resend"
    max_per_hour: Annotated[int, Field(ge=1)] = 2000


class Web(Section):
    """The pages."""

    url: str = "http://127.0.0.1:8080"
    bind: str = "127.0.0.1:8080"
    secret: Reference = "file:secret.key"
    link_days: Annotated[int, Field(ge=1, le=366)] = 60


class StateSection(Section):
    """Where careloop remembers."""

    url: str = "sqlite:///state.db"


class Service(Section):
    """How the service runs."""

    every_seconds: Annotated[int, Field(ge=5, le=3600)] = 60
    metrics: bool = True
    log: Literal["auto", "json", "text"] = "auto"
    templates: Path | None = None
    """A folder whose files take the place of the built-in templates of the same name."""


class PeopleTeam(Section):
    """Who may open the overview."""

    members: tuple[str, ...] = ()
    training_topics: tuple[str, ...] = ()
    """What a wish for training may be counted as, in the organisation's own words; the overview
    shows a topic once five people chose it."""


class Privacy(Section):
    """How long words are kept."""

    drafts_days: Annotated[int, Field(ge=30, le=3650)] = 90
    """What the employee shared with nobody: so long after it would be asked again."""
    shared_months: Annotated[int, Field(ge=6, le=240)] = 24
    """What was shared, records, and actions that are done or dropped."""
    audit_months: Annotated[int, Field(ge=6, le=240)] = 24
    leavers_months: Annotated[int, Field(ge=1, le=240)] = 24
    """Name and address of whoever left the roster."""


class Config(Section):
    """The whole file. `root` is the folder it stands in: relative paths start there."""

    root: Path = Path()
    organization: Organization
    cadence: CadenceSection = CadenceSection()
    people: People = People()
    people_team: PeopleTeam = PeopleTeam()
    privacy: Privacy = Privacy()
    calendar: CalendarSection = CalendarSection()
    mail: MailSection = MailSection()
    web: Web = Web()
    state: StateSection = StateSection()
    service: Service = Service()
    google: Google | None = None
    microsoft: Microsoft | None = None
    caldav: Caldav | None = None
    smtp: Smtp | None = None
    imap: Imap | None = None
    imip: Imip | None = None

    def at(self, path: Path) -> Path:
        """A path of this file, relative to its folder."""
        return self.root / path
