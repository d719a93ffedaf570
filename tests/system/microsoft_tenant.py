"""A company on Microsoft 365: the local tenant with its people in it, and their hands."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator

from daemon.core.domain import Interval
from tests.doubles.microsoft import TENANT, Double
from tests.doubles.microsoft_books import UID_NAME
from tests.doubles.microsoft_books import Event as Entry
from tests.system.company import COUNTRIES, Company
from tests.system.invariants import Event

SENDER = "careloop@acme.example"
ZONES = {
    "Europe/Berlin": "W. Europe Standard Time",
    "Europe/London": "GMT Standard Time",
    "Asia/Kolkata": "India Standard Time",
    "America/New_York": "Eastern Standard Time",
    "America/Los_Angeles": "Pacific Standard Time",
    "America/Sao_Paulo": "E. South America Standard Time",
}
SECTIONS = """kind = "microsoft"
[people]
kind = "microsoft"
[calendar]
kind = "microsoft"
[microsoft]
tenant = "{tenant}"
client_id = "careloop-app"
secret = "file:microsoft.secret"
authority = "{url}"
instance_discovery = false
graph_url = "{url}/v1.0"
ca_file = "{ca_file}"
messages_per_minute = 100000
"""


class MicrosoftTenant:
    """See `Tenant`."""

    def __init__(self, company: Company, double: Double) -> None:
        self.company, self.double = company, double
        double.books.mailbox(SENDER)
        for who in company.people:
            self._hire(who)
        double.settings(company.root / "microsoft.secret")
        section = SECTIONS.format(tenant=TENANT, url=double.url, ca_file=double.ca_file)
        with (company.root / "config.toml").open("a", encoding="utf-8") as file:
            file.write(section)

    def _hire(self, who: str) -> None:
        person, books = self.company.people[who], self.double.books
        books.hire(who, person.manager, usageLocation=COUNTRIES[person.zone])
        box = books.mailbox(who)
        box.hours = {
            "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
            "startTime": "09:00:00.0000000",
            "endTime": "17:00:00.0000000",
            "timeZone": {"name": ZONES[person.zone]},
        }
        for start, end in person.busy:
            self.appoint(who, Interval(start, end))

    def events(self) -> dict[str, dict[str, Event]]:
        """See `Shelves.events`: a person's calendar is what their own Outlook shows."""
        found: dict[str, dict[str, Event]] = defaultdict(dict)
        for who in self.company.people:
            for entry in self.double.books.events_of(who):
                if uid := entry.marks.get(UID_NAME):
                    assert who not in found[uid], f"{uid} twice in {who}"
                    guests = frozenset({entry.owner, *entry.attendees})
                    found[uid][who] = Event(uid, entry.start, entry.end, entry.owner, guests)
        return dict(found)

    def letters(self, known: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """See `Shelves.letters`."""
        for who in self.company.people:
            for number, content in enumerate(self.double.books.mailbox(who).inbox):
                if f"{who} {number}" not in known:
                    yield f"{who} {number}", content

    def changes(self) -> Counter[str]:
        """See `Tenant.changes`: everything but reading, batches and tokens."""
        told = (asked for asked in self.double.asked if asked.part or "$batch" not in asked.path)
        return Counter(
            f"{asked.method} {'event' if asked.method == 'PATCH' else asked.path.split('/')[-1]}"
            for asked in told
            if asked.method != "GET" and not asked.path.endswith(("/getSchedule", "/token"))
        )

    def drag(self, who: str, event: Event, to: Interval) -> None:
        """See `Tenant.drag`; only the organizer can."""
        entry = self._entry(event)
        assert entry.owner == who
        entry.start, entry.end, entry.version = to.start, to.end, entry.version + 1

    def decline(self, who: str, event: Event) -> None:
        """See `Tenant.decline`."""
        self._entry(event).attendees[who]["status"] = {"response": "declined"}

    def delete(self, who: str, event: Event) -> None:
        """See `Tenant.delete`."""
        entry = self._entry(event)
        del self.double.books.mailbox(entry.owner).events[entry.id]

    def propose(self, who: str, event: Event, to: Interval) -> bool:
        """See `Tenant.propose`: half a yes, with another time beside it."""
        guest = self._entry(event).attendees[who]
        guest["status"] = {"response": "tentativelyAccepted"}
        guest["proposedNewTime"] = {
            name: {"dateTime": f"{moment:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"}
            for name, moment in (("start", to.start), ("end", to.end))
        }
        return True

    def appoint(self, who: str, span: Interval, *, leave: bool = False) -> None:
        """See `Tenant.appoint`."""
        box = self.double.books.mailbox(who)
        name, status = f"own-{uuid.uuid4()}", "Oof" if leave else "Busy"
        box.events[name] = Entry(name, who, span.start, span.end, "Own", status=status)

    def _entry(self, event: Event) -> Entry:
        entry = self.double.books.event_of(event.uid)
        assert entry is not None
        return entry
