"""Reading calendars: 1,000 people with 400 events each, cold and unchanged; and the libraries."""

import random
import resource
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from connectors.folder import Folder
from daemon.core.domain import Availability, Email, Interval, Person

START = datetime(2026, 11, 2, tzinfo=UTC)
WITHIN = Interval(START, START + timedelta(days=60))
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata")
EVENTS = 400


def run() -> None:
    """Print seconds of wall clock and of processor (children included) for each way of asking."""
    with tempfile.TemporaryDirectory(prefix="careloop-bench-") as folder:
        print(f"{'':44} {'wall s':>8} {'cpu s':>8} {'parsed':>8}")
        _exports(Path(folder), 1000)
        _single_files(Path(folder), 50)
    used = max(resource.getrusage(who).ru_maxrss for who in (_SELF, _CHILDREN))
    print(f"peak memory of a process: {used >> 10} MiB")


_SELF, _CHILDREN = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN


def _exports(folder: Path, count: int) -> None:
    """One file a person, as programs export it."""
    root = folder / "exports"
    people = [_person(number) for number in range(count)]
    root.mkdir()
    for person in people:
        (root / f"{person.email}.ics").write_bytes(_file(_events(person)))
    calendar = Folder(root, folder / "exports.db")
    cold = _asked(f"{count} exports of {EVENTS} events, cold", calendar, people)
    _asked("   unchanged, same process", calendar, people)
    _asked("   unchanged, new process", Folder(root, folder / "exports.db"), people)
    (root / f"{people[0].email}.ics").write_bytes(_file(_events(people[0])[1:]))
    _asked("   one of them changed", calendar, people)
    _library(root, people[:10], count, cold)


def _single_files(folder: Path, count: int) -> None:
    """A file an event, as vdirsyncer and Thunderbird keep them."""
    root = folder / "files"
    people = [_person(number) for number in range(count)]
    for person in people:
        (root / person.email).mkdir(parents=True)
        for number, event in enumerate(_events(person)):
            (root / person.email / f"{number}.ics").write_bytes(_file([event]))
    calendar = Folder(root, folder / "files.db")
    _asked(f"{count} folders of {EVENTS} files, cold", calendar, people)
    _asked("   unchanged, same process", calendar, people)
    _asked("   unchanged, new process", Folder(root, folder / "files.db"), people)


def _asked(what: str, calendar: Folder, people: list[Person]) -> float:
    before = calendar.parsed
    with _timed(what, lambda: calendar.parsed - before) as spent:
        answer = calendar.busy(people, WITHIN, [])
    assert all(isinstance(each, Availability) and each.busy for each in answer.values())
    return spent[0]


def _library(root: Path, sample: list[Person], count: int, ours: float) -> None:
    """The same answer from icalendar and recurring-ical-events, on a sample."""
    warnings.simplefilter("ignore")
    began = time.process_time()
    for person in sample:
        found = icalendar.Calendar.from_ical((root / f"{person.email}.ics").read_bytes())
        assert recurring_ical_events.of(found).between(WITHIN.start, WITHIN.end)
    theirs = (time.process_time() - began) * count / len(sample)
    name = f"   the libraries alone ({len(sample)} read, scaled)"
    print(f"{name:44} {'':>8} {theirs:8.2f}   {theirs / ours:.1f} times ours")


@contextmanager
def _timed(what: str, parsed: Callable[[], int]) -> Iterator[list[float]]:
    wall, cpu = time.perf_counter(), _cpu()
    spent: list[float] = []
    yield spent
    spent.append(_cpu() - cpu)
    print(f"{what:44} {time.perf_counter() - wall:8.2f} {spent[0]:8.2f} {parsed():8}", flush=True)


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (_SELF, _CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


# --- a company's calendars ------------------------------------------------------------------


def _person(number: int) -> Person:
    zone = ZoneInfo(ZONES[number % len(ZONES)])
    return Person(Email(f"p{number}@acme.example"), f"Person {number}", zone=zone)


def _events(person: Person) -> list[list[str]]:
    """Single and recurring events of two years, with the freight real ones carry."""
    chance = random.Random(person.email)
    return [_event(person, number, chance) for number in range(EVENTS)]


def _event(person: Person, number: int, chance: random.Random) -> list[str]:
    start = START + timedelta(days=chance.randrange(-500, 120), minutes=15 * chance.randrange(96))
    length = timedelta(minutes=chance.choice((15, 30, 30, 60, 60, 90)))
    kind = chance.random()
    if kind < 0.05:
        times = [f"DTSTART;VALUE=DATE:{start:%Y%m%d}"]
    elif kind < 0.4:
        times = [f"DTSTART:{start:%Y%m%dT%H%M%SZ}", f"DTEND:{start + length:%Y%m%dT%H%M%SZ}"]
    else:
        zone = f"TZID={person.zone.key}:%Y%m%dT%H%M%S"
        times = [f"DTSTART;{start:{zone}}", f"DTEND;{start + length:{zone}}"]
    rule = chance.choice(("WEEKLY", "WEEKLY;INTERVAL=2", "DAILY;COUNT=40", "MONTHLY"))
    repeats = [f"RRULE:FREQ={rule}"] if chance.random() < 0.12 else []
    guests = [
        f"ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;CN=Guest {guest}"
        f"\r\n  of the house;X-NUM-GUESTS=0:mailto:guest{guest}@acme.example"
        for guest in range(chance.randrange(6))
    ]
    return [
        "BEGIN:VEVENT",
        f"UID:{person.email}-{number}",
        *times,
        *repeats,
        *guests,
        "DTSTAMP:20261101T000000Z",
        "SUMMARY:A meeting about something",
        "DESCRIPTION:" + "\r\n ".join(["What is to be said about it, at some length."] * 8),
        "LOCATION:Somewhere",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "END:VEVENT",
    ]


def _file(events: list[list[str]]) -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//bench//EN"]
    lines += (line for event in events for line in event)
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()
