"""An invented company on disk: a roster, calendar files as programs export them, and the truth
about who is busy when, kept apart so that a checker need not trust what careloop reads."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

GROUPS = (
    ("Europe/Berlin", "Europe/London", "Asia/Kolkata"),
    ("America/New_York", "America/Los_Angeles", "America/Sao_Paulo"),
)
"""Zones whose office hours overlap."""
COUNTRIES = {
    "Europe/Berlin": "DE",
    "Europe/London": "GB",
    "Asia/Kolkata": "IN",
    "America/New_York": "US",
    "America/Los_Angeles": "US",
    "America/Sao_Paulo": "BR",
}
SECRET = "a secret for tests that is longer than thirty-two bytes"


@dataclass(slots=True)
class Somebody:
    """A person as the test knows them."""

    email: str
    name: str
    manager: str
    zone: str
    leave: list[tuple[date, date]] = field(default_factory=list)
    busy: list[tuple[datetime, datetime]] = field(default_factory=list)

    def row(self) -> str:
        """Their line in people.csv."""
        leave = "; ".join(f"{first}..{last}" for first, last in self.leave)
        country = COUNTRIES.get(self.zone, "")
        return (
            f"{self.email},{self.name},{self.manager},{self.zone},Mon-Fri 09:00-17:00,"
            f"{country},en,,{leave},engineer,\n"
        )


@dataclass(slots=True)
class Company:
    """A folder careloop can be pointed at, and what is true about it."""

    root: Path
    people: dict[str, Somebody]
    chosen: dict[str, datetime] = field(default_factory=dict)
    """The time somebody moved an event to, by its uid: their calendar tells the other."""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Everybody with a manager."""
        return [(p.email, p.manager) for p in self.people.values() if p.manager]

    def write_roster(self) -> None:
        """Write people.csv as it is now."""
        head = (
            "email,name,manager,time_zone,working_hours,country,language,start_date,leave,role,"
            "calendar_url\n"
        )
        rows = "".join(person.row() for person in self.people.values())
        (self.root / "people.csv").write_text(head + rows, encoding="utf-8")

    def make_busy(self, who: str, start: datetime, end: datetime, uid: str) -> None:
        """Somebody puts an appointment of their own into their calendar."""
        self.people[who].busy.append((start, end))
        text = _calendar([_event(uid, start, end)])
        (self.root / "calendars" / who / f"{uid}.ics").write_text(text, encoding="utf-8")


def found(
    root: Path,
    *,
    pairs: int,
    start: date,
    days: int,
    seed: int = 1,
    team: int = 6,
    taken: tuple[float, float] = (0.4, 0.6),
    groups: Sequence[Sequence[str]] = GROUPS,
) -> Company:
    """Make a company of that many pairs, such a share of whose working time is taken; each team
    lives in the zones of one group."""
    dice = random.Random(seed)
    people = _staff(pairs, team, groups, dice)
    company = Company(root, people)
    root.mkdir(parents=True, exist_ok=True)
    for person in people.values():
        _fill(root, person, start, days, dice.uniform(*taken), dice)
    company.write_roster()
    (root / "hr").mkdir()
    (root / "hr" / "engineer.md").write_text("# Engineer\n- Build things that last\n- Review\n")
    (root / "secret.key").write_text(SECRET)
    (root / "secret.key").chmod(0o600)
    (root / "config.toml").write_text(CONFIG, encoding="utf-8")
    return company


CONFIG = """[organization]
name = "Acme"
time_zone = "Europe/Berlin"
hr_folder = "hr"
vision = "Things that last"
goals = ["Fewer surprises"]
values = ["Candour"]
[mail]
sender = "careloop@acme.example"
"""


def _staff(
    pairs: int, team: int, groups: Sequence[Sequence[str]], dice: random.Random
) -> dict[str, Somebody]:
    people: dict[str, Somebody] = {}
    number = 0
    while number < pairs:
        group = dice.choice(groups)
        boss = f"boss{number}@acme.example"
        people[boss] = Somebody(boss, f"Boss {number}", "", dice.choice(group))
        for _ in range(min(team, pairs - number)):
            number += 1
            who = f"worker{number}@acme.example"
            people[who] = Somebody(who, f"Worker {number}", boss, dice.choice(group))
    return people


def _fill(
    root: Path, person: Somebody, start: date, days: int, share: float, dice: random.Random
) -> None:
    zone = ZoneInfo(person.zone)
    events = []
    for offset in range(-2, days + 80):
        day = start + timedelta(days=offset)
        if day.weekday() >= 5:
            continue
        for number, (first, last) in enumerate(_appointments(share, dice)):
            span = (_utc(day, first, zone), _utc(day, last, zone))
            person.busy.append(span)
            events.append(_event(f"{person.email}-{day}-{number}", *span))
    folder = root / "calendars" / person.email
    folder.mkdir(parents=True)
    (folder / "export.ics").write_text(_calendar(events), encoding="utf-8")


def _appointments(share: float, dice: random.Random) -> Sequence[tuple[int, int]]:
    """Stretches of the working day in minutes, back to back or not, in the given share of it."""
    minute, taken = 9 * 60, []
    while minute < 17 * 60:
        length = dice.choice((30, 30, 60, 60, 90))
        if dice.random() < share:
            taken.append((minute, min(minute + length, 17 * 60)))
        minute += length
    return taken


def _utc(day: date, minute: int, zone: ZoneInfo) -> datetime:
    wall = datetime.combine(day, time(minute // 60, minute % 60), zone)
    return wall.astimezone(UTC)


def _event(uid: str, start: datetime, end: datetime) -> str:
    return (
        f"BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:{start:%Y%m%dT%H%M%SZ}\r\n"
        f"DTEND:{end:%Y%m%dT%H%M%SZ}\r\nSUMMARY:Busy\r\nEND:VEVENT\r\n"
    )


def _calendar(events: Sequence[str]) -> str:
    body = "".join(events)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{body}END:VCALENDAR\r\n"
