"""What a calendar program does to a file when a person drags, answers or deletes an event."""

import re
from datetime import datetime
from pathlib import Path

from tests.system.company import Company
from tests.system.invariants import Books, Event


def event_of(books: Books, employee: str, manager: str) -> Event:
    """The one event of that pair that still lies ahead of everything held."""
    pair = frozenset((employee, manager))
    ahead = [
        next(iter(copies.values()))
        for uid, copies in books.events.items()
        if uid not in books.held and next(iter(copies.values())).attendees == pair
    ]
    assert len(ahead) == 1, ahead
    return ahead[0]


def drag(company: Company, who: str, event: Event, start: datetime) -> None:
    """Move the event in one person's own calendar."""
    length = event.end - event.start
    file = _file(company, who, event)
    text = file.read_bytes().decode()
    text = re.sub(r"DTSTART[^\r]*", f"DTSTART:{start:%Y%m%dT%H%M%SZ}", text, count=1)
    text = re.sub(r"DTEND[^\r]*", f"DTEND:{start + length:%Y%m%dT%H%M%SZ}", text, count=1)
    file.write_bytes(text.encode())
    company.chosen[event.uid] = start


def decline(company: Company, who: str, event: Event) -> None:
    """Answer no, in one's own calendar."""
    file = _file(company, who, event)
    unfolded = file.read_bytes().decode().replace("\r\n ", "")
    lines = [_answered(line, who) for line in unfolded.split("\r\n")]
    file.write_bytes("\r\n".join(lines).encode())


def delete(company: Company, who: str, event: Event) -> None:
    """Delete the event from one's own calendar."""
    _file(company, who, event).unlink()


def _answered(line: str, who: str) -> str:
    if line.startswith("ATTENDEE") and line.lower().endswith(who):
        return re.sub(r"PARTSTAT=[A-Z-]+", "PARTSTAT=DECLINED", line)
    return line


def _file(company: Company, who: str, event: Event) -> Path:
    return company.root / "calendars" / who / f"{event.uid}.ics"
