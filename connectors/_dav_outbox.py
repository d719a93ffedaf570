"""Free/busy of many people through one scheduling outbox (RFC 6638 section 5)."""

from collections.abc import Iterable

from connectors._dav_words import C, D, NotDav, parsed, stamp
from connectors._ical_write import PRODID
from daemon.core.domain import Email, Interval, email


def question(asker: Email, people: Iterable[Email], within: Interval) -> bytes:
    """A request for free/busy in the name of the outbox's owner."""
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODID}",
        "METHOD:REQUEST",
        "BEGIN:VFREEBUSY",
        f"UID:free-busy-{stamp(within.start)}@careloop",
        f"DTSTAMP:{stamp(within.start)}",
        f"DTSTART:{stamp(within.start)}",
        f"DTEND:{stamp(within.end)}",
        f"ORGANIZER:mailto:{asker}",
        *(f"ATTENDEE:mailto:{who}" for who in people),
        "END:VFREEBUSY",
        "END:VCALENDAR",
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


def answers(body: bytes) -> dict[Email, bytes]:
    """The VFREEBUSY of each person the server tells of. Raises `NotDav`."""
    root = parsed(body)
    if root.tag != f"{C}schedule-response":
        raise NotDav("the outbox gave no schedule-response")
    told: dict[Email, bytes] = {}
    for response in root.findall(f"{C}response"):
        href = response.findtext(f"{C}recipient/{D}href") or ""
        status = (response.findtext(f"{C}request-status") or "").strip()
        data = response.findtext(f"{C}calendar-data") or ""
        if status.startswith("2") and "VFREEBUSY" in data:
            told[email(href)] = data.strip().encode()
    return told
