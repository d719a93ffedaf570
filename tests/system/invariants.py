"""What must hold of a company that careloop serves, checked from the outside: calendar files and
letters are read with this file's own eyes, never with careloop's."""

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import holidays

from tests.system.company import COUNTRIES, Company

NAMING_A_TIME = ("prep", "nudge", "brief", "moved")
"""Letters by which their reader knows when the talk is."""

_LINE = re.compile(r"^(UID|DTSTART|DTEND|ORGANIZER|ATTENDEE|STATUS|RRULE)([^:]*):(.*)$")


@dataclass(frozen=True, slots=True)
class Event:
    """A careloop event as a file shows it."""

    uid: str
    start: datetime
    end: datetime
    organizer: str
    attendees: frozenset[str]

    @property
    def minutes(self) -> int:
        """How long it is."""
        return int((self.end - self.start).total_seconds() // 60)


@dataclass(frozen=True, slots=True)
class Post:
    """A letter as the mailbox shows it."""

    kind: str
    uid: str
    to: str
    seen: datetime
    message_id: str
    text: str = field(default="", repr=False)

    def names(self, start: datetime, end: datetime, zone: ZoneInfo) -> bool:
        """Tell whether a reader of that zone finds this very time in it."""
        first, last = start.astimezone(zone), end.astimezone(zone)
        clocks = ("%H:%M", "%H:%M"), ("%-I:%M %p", "%-I:%M %p")
        spans = {re.sub(r"\W+", " ", f"{first:{a}}-{last:{b}}").lower() for a, b in clocks}
        said = " ".join(re.sub(r"\W+", " ", self.text).split()).lower()
        day = all(re.search(rf"\b{word}\b", said) for word in f"{first:%A %B %-d}".lower().split())
        return day and any(span in said for span in spans)


class Shelves(Protocol):
    """Where an observer finds what careloop did."""

    def events(self) -> dict[str, dict[str, Event]]:
        """Every event of careloop's that stands: uid -> owner of the calendar -> event."""
        ...

    def letters(self, known: Collection[str]) -> Iterable[tuple[str, bytes]]:
        """Every letter that is not known yet, by a name of its own."""
        ...


@dataclass(frozen=True, slots=True)
class Files:
    """Calendar folders and a maildir."""

    root: Path

    def events(self) -> dict[str, dict[str, Event]]:
        """See `Shelves.events`."""
        return _events(self.root / "calendars")

    def letters(self, known: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """See `Shelves.letters`."""
        for file in sorted((self.root / "outbox" / "new").glob("*")):
            if file.name not in known:
                yield file.name, file.read_bytes()


@dataclass(slots=True)
class Books:
    """What an observer wrote down after each turn."""

    company: Company
    shelves: Shelves | None = None
    """Where to look; None: into the company's own folder."""
    events: dict[str, dict[str, Event]] = field(default_factory=dict)
    """Now standing: uid -> folder owner -> event."""
    held: dict[str, Event] = field(default_factory=dict)
    """Events that still stood when their time came."""
    posts: list[Post] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _mails: set[str] = field(default_factory=set)

    def look(self, now: datetime) -> None:
        """Read everything anew, and note what is wrong."""
        before = {uid: next(iter(copies.values())) for uid, copies in self.events.items()}
        shelves = self.shelves or Files(self.company.root)
        self.events = shelves.events()
        self._look_at_mail(shelves, now)
        for uid, copies in self.events.items():
            self._check_copies(uid, copies)
            event = next(iter(copies.values()))
            if event.end <= now:
                self.held.setdefault(uid, event)
        for uid, event in before.items():
            if event.end <= now and uid not in self.events:
                self.held.setdefault(uid, event)
        self._check_overlaps()
        self._check_told(now)

    def _check_told(self, now: datetime) -> None:
        """The last time a letter told somebody of a talk to come is the calendar's, unless
        one of the two chose the new one in their calendar."""
        last = {(p.uid, p.to): p for p in self.posts if p.kind in NAMING_A_TIME}
        for (uid, who), post in last.items():
            event = next(iter(self.events.get(uid, {}).values()), None)
            if event is None or event.start <= now or who not in self.company.people:
                continue
            zone = ZoneInfo(self.company.people[who].zone)
            chosen = self.company.chosen.get(uid) == event.start
            if not chosen and not post.names(event.start, event.end, zone):
                self.faults.append(f"{now} {who}: {uid} is at {event.start}, told by {post}")

    def _look_at_mail(self, shelves: Shelves, now: datetime) -> None:
        for name, content in shelves.letters(self._mails):
            self._mails.add(name)
            mail = BytesParser(policy=policy.default).parsebytes(content)
            kind, uid = str(mail["X-Careloop-Letter"]), str(mail["X-Careloop-Meeting"])
            to = mail["To"].addresses[0].addr_spec
            body = mail.get_body(("plain",))
            text = str(body.get_content()) if body is not None else ""
            self.posts.append(Post(kind, uid, to, now, str(mail["Message-ID"]), text))

    def _check_copies(self, uid: str, copies: dict[str, Event]) -> None:
        event = next(iter(copies.values()))
        if set(copies) != event.attendees:
            self.faults.append(f"{uid}: in the folders of {sorted(copies)}")
        if len(set(copies.values())) != 1:
            self.faults.append(f"{uid}: the two copies differ")

    def _check_overlaps(self) -> None:
        by_person: dict[str, list[Event]] = defaultdict(list)
        for copies in self.events.values():
            event = next(iter(copies.values()))
            for who in event.attendees:
                by_person[who].append(event)
        for who, events in by_person.items():
            events.sort(key=lambda e: e.start)
            for one, two in itertools.pairwise(events):
                if two.start < one.end:
                    self.faults.append(f"{who}: {one.uid} and {two.uid} overlap")

    def check_times(self) -> None:
        """No meeting over busy time, outside hours, on a holiday or on leave."""
        everything = {**{u: next(iter(c.values())) for u, c in self.events.items()}, **self.held}
        for event in everything.values():
            for who in event.attendees:
                self.faults.extend(f"{event.uid} {who}: {x}" for x in self._wrong(event, who))

    def suits(self, event: Event) -> bool:
        """Tell whether both could meet then, as far as this file knows."""
        others = (next(iter(copies.values())) for copies in self.events.values())
        met = any(
            one.uid != event.uid
            and one.attendees & event.attendees
            and one.start < event.end
            and event.start < one.end
            for one in others
        )
        return not met and not any(x for who in event.attendees for x in self._wrong(event, who))

    def _wrong(self, event: Event, who: str) -> Iterable[str]:
        person = self.company.people.get(who)
        if person is None:
            return
        zone = ZoneInfo(person.zone)
        first, last = event.start.astimezone(zone), event.end.astimezone(zone)
        if any(start < event.end and event.start < end for start, end in person.busy):
            yield f"over busy time at {event.start}"
        inside = (first.hour, first.minute) >= (9, 0) and (last.hour, last.minute) <= (17, 0)
        if first.weekday() >= 5 or first.date() != last.date() or not inside:
            yield f"outside working hours: {first}"
        if any(a <= first.date() <= b for a, b in person.leave):
            yield f"on leave: {first}"
        country = COUNTRIES.get(person.zone, "")
        if country and first.date() in holidays.country_holidays(country, years=first.year):
            yield f"on a holiday: {first}"

    def check_rhythm(self, excused: frozenset[tuple[str, str]] = frozenset()) -> None:
        """One first hour per pair, then twenty minutes, 30 to 45 days apart."""
        for pair in self.company.pairs:
            talks = sorted(
                (e for e in self.held.values() if e.attendees == frozenset(pair)),
                key=lambda e: e.start,
            )
            lengths = [e.minutes for e in talks]
            if not talks or lengths != [60] + [20] * (len(talks) - 1):
                self.faults.append(f"{pair}: lengths {lengths}")
            zone = ZoneInfo(self.company.people[pair[0]].zone)
            days = [e.start.astimezone(zone).date() for e in talks]
            for one, two in itertools.pairwise(days):
                gap = (two - one).days
                if not 30 <= gap <= 45 and pair not in excused:
                    self.faults.append(f"{pair}: {gap} days from {one} to {two}")

    def check_letters(self, settled_before: datetime) -> None:
        """One preparation before, one summary to each after, never more than four to anybody; the
        last gives way to letters about moves alone."""
        count: dict[tuple[str, str], int] = defaultdict(int)
        for post in self.posts:
            count[post.uid, post.to] += 1
        self.faults.extend(f"{key}: {n} letters" for key, n in count.items() if n > 4)
        for uid, event in self.held.items():
            preps = [p for p in self.posts if p.uid == uid and p.kind == "prep"]
            if [p.to for p in preps] != [event.organizer] or preps[0].seen > event.start:
                self.faults.append(f"{uid}: preparations {preps}")
            if event.end > settled_before:
                continue
            told = sorted(p.to for p in self.posts if p.uid == uid and p.kind == "summary")
            moves = Counter(p.to for p in self.posts if p.uid == uid and p.kind == "moved")
            full = {who for who in event.attendees if count[uid, who] == 4 and moves[who] > 1}
            if told != sorted(event.attendees - (full - set(told))):
                self.faults.append(f"{uid}: summaries to {told}")


def _events(folder: Path) -> dict[str, dict[str, Event]]:
    found: dict[str, dict[str, Event]] = defaultdict(dict)
    for file in folder.glob("*/*.ics"):
        if file.name.startswith("export"):
            continue
        text = file.read_bytes().decode().replace("\r\n ", "")
        if "@careloop" not in text:
            continue
        event = _event(text)
        owner = file.parent.name
        assert owner not in found[event.uid], f"{event.uid} twice in {owner}"
        found[event.uid][owner] = event
    return dict(found)


def _event(text: str) -> Event:
    fields: dict[str, list[str]] = defaultdict(list)
    body = text[text.index("BEGIN:VEVENT") :]
    for line in body.split("\r\n"):
        if match := _LINE.match(line):
            fields[match[1]].append(match[3])
    assert "RRULE" not in fields
    mails = [value.removeprefix("mailto:").lower() for value in fields["ATTENDEE"]]
    return Event(
        uid=fields["UID"][0],
        start=_time(fields["DTSTART"][0]),
        end=_time(fields["DTEND"][0]),
        organizer=fields["ORGANIZER"][0].removeprefix("mailto:").lower(),
        attendees=frozenset(mails),
    )


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


WEEK = timedelta(days=7)
