"""The invented company: twelve people in three zones, their calendars, and a configuration."""

import csv
import random
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event

DOMAIN = "lumen.example"
BERLIN, NEW_YORK, KOLKATA = "Europe/Berlin", "America/New_York", "Asia/Kolkata"
COUNTRIES = {BERLIN: "DE", NEW_YORK: "US", KOLKATA: "IN"}
COLUMNS = ("email", "name", "manager", "time_zone", "country", "working_hours", "language", "role")
DAYS = 75
"""How far ahead the calendars are filled."""


@dataclass(frozen=True, slots=True)
class Colleague:
    """One row of the roster."""

    name: str
    zone: str
    language: str
    hours: str
    role: str
    manager: str = ""

    @property
    def email(self) -> str:
        """Their address."""
        return f"{self.name.split()[0].lower()}@{DOMAIN}"


STAFF = (
    Colleague("Ines Falk", BERLIN, "en", "Mon-Fri 09:00-17:00", "lead"),
    Colleague("Jonas Brandt", BERLIN, "en", "Mon-Thu 08:30-16:30; Fri 09:00-14:00", "lead", "ines"),
    Colleague("Priya Nair", KOLKATA, "en", "Mon-Fri 10:00-19:00", "lead", "ines"),
    Colleague("Marcus Reed", NEW_YORK, "en", "Mon-Fri 08:00-17:00", "lead", "ines"),
    Colleague("Clara Vogt", BERLIN, "de", "Mon-Fri 09:00-17:00", "engineer", "jonas"),
    Colleague("Emil Sander", BERLIN, "en", "Mon-Fri 09:00-17:00", "engineer", "jonas"),
    Colleague("Sofia Marin", BERLIN, "es", "Tue-Fri 09:00-17:00", "designer", "jonas"),
    Colleague("Arjun Rao", KOLKATA, "en", "Mon-Fri 10:00-19:00", "engineer", "priya"),
    Colleague("Meera Das", KOLKATA, "en", "Mon-Fri 09:30-18:30", "support", "priya"),
    Colleague("Nora Blake", NEW_YORK, "en", "Mon-Fri 08:30-17:00", "engineer", "marcus"),
    Colleague("Louis Petit", NEW_YORK, "fr", "Mon-Fri 09:00-17:30", "support", "marcus"),
    Colleague("Tess Howard", NEW_YORK, "en", "Mon-Fri 09:00-17:00", "designer", "marcus"),
)

ROLES = {
    "lead": ("Sees that the team knows what matters this quarter", "Grows the people in the team"),
    "engineer": ("Builds what the team has promised", "Reviews colleagues' work within a day"),
    "designer": (
        "Tests ideas with customers before they are built",
        "Keeps the design in one hand",
    ),
    "support": (
        "Answers every customer within a day",
        "Tells the team what customers stumble over",
    ),
}

TITLES = ("Planning", "Customer call", "Design review", "Focus time", "Interview", "Team meeting")

CONFIG = """\
# The invented company of `careloop demo`. Everything lies in this folder.
[organization]
name = "Lumen"
time_zone = "Europe/Berlin"
vision = "Light where people work"
goals = ["Every customer has an answer within a day", "Half the energy per lamp"]
values = ["Say it plainly", "Mend it together"]

[cadence]
record_both = true

[mail]
sender = "careloop@{domain}"

[web]
url = "http://127.0.0.1:{port}"
bind = "127.0.0.1:{port}"
"""


def found(
    folder: Path, port: int, first: date, seed: int, staff: Sequence[Colleague] = STAFF
) -> Path:
    """Lay the company down in an empty folder; returns its configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.toml"
    config.write_text(CONFIG.format(domain=DOMAIN, port=port), "utf-8")
    secret = folder / "secret.key"
    secret.touch(mode=0o600)
    secret.write_text(secrets.token_urlsafe(48), "utf-8")
    (folder / "hr").mkdir()
    for role, lines in ROLES.items():
        text = "\n".join(f"- {line}" for line in lines)
        (folder / "hr" / f"{role}.md").write_text(f"# {role.title()}\n\n{text}\n", "utf-8")
    _write_roster(folder / "people.csv", staff)
    dice = random.Random(seed)  # noqa: S311 - an invented calendar is no secret
    for one in staff:
        home = folder / "calendars" / one.email
        home.mkdir(parents=True)
        (home / "work.ics").write_bytes(_busy(one, first, dice).to_ical())
    return config


def _write_roster(path: Path, staff: Sequence[Colleague]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for one in staff:
            manager = f"{one.manager}@{DOMAIN}" if one.manager else ""
            place = (one.zone, COUNTRIES[one.zone], one.hours, one.language)
            rows.writerow((one.email, one.name, manager, *place, one.role))


def _busy(one: Colleague, first: date, dice: random.Random) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//Lumen//Calendar//EN")
    calendar.add("version", "2.0")
    for number, (start, minutes) in enumerate(_appointments(one, first, dice)):
        event = Event()
        event.add("uid", f"{number}-{one.email}")
        event.add("dtstamp", datetime.combine(first, time(), UTC))
        event.add("dtstart", start.astimezone(UTC))
        event.add("dtend", (start + timedelta(minutes=minutes)).astimezone(UTC))
        event.add("summary", dice.choice(TITLES))
        calendar.add_component(event)
    return calendar


def _appointments(
    one: Colleague, first: date, dice: random.Random
) -> Iterator[tuple[datetime, int]]:
    """Two to four appointments a working day, half of the hours at most."""
    zone = ZoneInfo(one.zone)
    for day in (first + timedelta(days=ahead) for ahead in range(DAYS)):
        if day.weekday() > 4:
            continue
        for hour in sorted(dice.sample(range(9, 17), dice.randint(2, 4))):
            start = datetime.combine(day, time(hour, dice.choice((0, 30))), zone)
            yield start, dice.choice((30, 45, 60))
