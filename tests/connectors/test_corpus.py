"""Real calendar files: each, as somebody's calendar, is read as a second library reads it, or makes
that person unknown with file and line. The files themselves are no part of this repository."""

import re
import signal
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events

from connectors.folder import Folder
from daemon.core.domain import Availability, Email, Interval, Person
from daemon.core.intervals import merge
from daemon.core.ports import Unknown

FILES = Path(__file__).parents[2].parent / "shared" / "corpus-ics" / "files"
HOME = ZoneInfo("Europe/Berlin")
pytestmark = pytest.mark.skipif(not FILES.is_dir(), reason=f"the corpus is not at {FILES}")

DIFFERENT: Mapping[str, str] = {
    "2dc0b758": "the only occurrence of a series repeats itself as an RDATE",
    "85938a7f": "the only occurrence of a series repeats itself as an RDATE",
    "df1291db": "the only occurrence of a series repeats itself as an RDATE",
    "fc2bad00": "the only occurrence of a series repeats itself as an RDATE",
    "46313d08": "whole days are the owner's, not the ones of X-WR-TIMEZONE",
    "7c46987f": "whole days have no TZID (RFC 5545 section 3.2.19)",
    "ce006477": "whole days have no TZID (RFC 5545 section 3.2.19)",
    "f9af263b": "whole days have no TZID (RFC 5545 section 3.2.19)",
    "8886c1d1": "a whole day that ends where it starts still is a day",
    "99fdbb84": "a day without VALUE=DATE still is a day",
    "db91cf19": "one end floats and the other does not",
    "eae26950": "a blank after VEVENT hides the event from the library",
}
"""Files where we are right and the second library is not, or both may be."""


def year(number: int) -> Interval:
    return Interval(datetime(number, 1, 1, tzinfo=UTC), datetime(number + 1, 1, 1, tzinfo=UTC))


def ask(tmp_path: Path, within: Interval, names: list[str]) -> Mapping[str, object]:
    """Everybody's answer, each with one file of the corpus for a calendar."""
    people = []
    root = tmp_path / "calendars"
    for name in names:
        who = Email(f"{name.split('_', maxsplit=1)[0]}@acme.example")
        people.append(Person(who, name, zone=HOME))
        (root / who).mkdir(parents=True, exist_ok=True)
        (root / who / name).write_bytes((FILES / name).read_bytes())
    answer = Folder(root, tmp_path / "cache.db").busy(people, within, [])
    return {person.name: answer[person.email] for person in people}


def test_each_file_is_read_or_unknown_with_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = sorted(path.name for path in FILES.iterdir())
    within = Interval(year(1990).start, year(2030).end)

    answers = ask(tmp_path, within, names)

    counts: Counter[str] = Counter()
    for name, answer in answers.items():
        if isinstance(answer, Unknown):
            assert re.search(rf"/{re.escape(name)}:\d+: \S", answer.reason), answer.reason
            why = re.sub(r"^\S+: |'[^']*'|\"[^\"]*\"|[<(].*|: .*", "", answer.reason)
            counts[f"unknown: {' '.join(why.split()[:8])}"] += 1
        else:
            assert isinstance(answer, Availability)
            counts["read, busy" if answer.busy else "read, nothing in it takes time"] += 1
    assert counts.total() == len(names) >= 500
    with capsys.disabled():
        print(f"\n{len(names)} real files, each as a calendar, {within.start:%Y}-{within.end:%Y}:")
        print("\n".join(f"{count:5} {what}" for what, count in counts.most_common()))


def test_a_second_library_reads_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts: Counter[str] = Counter()
    for within, names in windows().items():
        for name, answer in ask(tmp_path / str(within.start.year), within, names).items():
            if isinstance(answer, Unknown):
                counts["unknown to us"] += 1
                continue
            assert isinstance(answer, Availability)
            try:
                expected = by_library((FILES / name).read_bytes(), within)
            except TooSlow:
                counts["too slow for the library"] += 1
            except Exception:  # noqa: BLE001 - whatever the library stumbles over
                counts["unreadable for the library"] += 1
            else:
                same = answer.busy == expected
                assert same or name[:8] in DIFFERENT, (name, within, answer.busy, expected)
                counts["the same" if same else "different, and why is known"] += 1

    assert counts["the same"] >= 0.9 * (counts.total() - counts["unknown to us"])
    with capsys.disabled():
        print(f"\nfiles and years: {dict(counts)}")


def windows() -> dict[Interval, list[str]]:
    """For each file the year of its last event, and where it recurs one after all of them."""
    found: dict[Interval, list[str]] = {}
    for path in sorted(FILES.iterdir()):
        content = path.read_bytes()
        if b"BEGIN:VFREEBUSY" in content:
            continue  # the library knows events only
        years = [int(x) for x in re.findall(rb"DTSTART[^:\r\n]*:(\d{4})", content)]
        years = [each for each in years if 1970 < each < 2037] or [2026]
        later = {max(years) + 2} if b"RRULE" in content else set()
        for each in {max(years)} | later:
            found.setdefault(year(each), []).append(path.name)
    return found


NOT_BUSY = {"CANCEL", "REPLY", "REFRESH", "COUNTER", "DECLINECOUNTER"}


def by_library(content: bytes, within: Interval) -> tuple[Interval, ...]:
    """The same question to icalendar and recurring-ical-events, the whole file at once."""
    if b"BEGIN:VCALENDAR" not in content:
        content = b"BEGIN:VCALENDAR\n" + content.strip() + b"\nEND:VCALENDAR"
    taken: list[Interval] = []
    with at_most(3.0), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for calendar in icalendar.Calendar.from_ical(content, multiple=True):
            if str(calendar.get("METHOD", "")).upper() not in NOT_BUSY:
                taken += occurrences(calendar, within)
    return tuple(merge(taken))


def occurrences(calendar: icalendar.Component, within: Interval) -> Iterator[Interval]:
    margin = timedelta(days=2)
    found = recurring_ical_events.of(calendar)
    for event in found.between(within.start - margin, within.end + margin):
        takes = str(event.get("TRANSP", "")).upper() != "TRANSPARENT"
        if takes and str(event.get("STATUS", "")).upper() != "CANCELLED":
            start = max(instant(event["DTSTART"].dt), within.start)
            end = min(instant(event["DTEND"].dt), within.end)
            if start < end:
                yield Interval(start, end)


def instant(value: date) -> datetime:
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=HOME)
    return (value if value.tzinfo else value.replace(tzinfo=HOME)).astimezone(UTC)


class TooSlow(BaseException):
    """The library took too long."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Give up after so much processor time."""

    def stop(*_: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
