"""A company on Google Workspace: the local Google with its people in it, and their hands."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from daemon.core.domain import Interval, Reply, Uid
from tests.doubles.google import GoogleDouble
from tests.doubles.google_books import Stored
from tests.doubles.google_sign_in import key_file
from tests.system.company import COUNTRIES, Company
from tests.system.invariants import Event

SERVICE, ADMIN = "careloop@acme.example", "admin@acme.example"
WORK = {
    "workingHoursEnabled": True,
    "availableTimes": [
        {"dayOfWeek": day, "periodStart": 9 * 60, "periodEnd": 17 * 60}
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday")
    ],
}
CHANGES = (
    "calendar.events.insert",
    "calendar.events.patch",
    "calendar.events.delete",
    "gmail.users.messages.send",
)
SECTIONS = """kind = "google"
[people]
kind = "google"
[calendar]
kind = "google"
[google]
subject = "careloop@acme.example"
admin = "admin@acme.example"
people_query = "orgUnitPath='/Staff'"
service_account = "file:google.json"
endpoint = "{url}"
token_endpoint = "{url}/token"
mails_per_minute = 100000
per_minute = 1000000
per_user_per_minute = 100000
organizer = "{organizer}"
"""


class GoogleTenant:
    """See `Tenant`. `organizer` as in `[google]`: in whose calendar our events stand."""

    def __init__(self, company: Company, double: GoogleDouble, organizer: str = "employee") -> None:
        self.company, self.double, self.organizer = company, double, organizer
        double.people.admins.add(ADMIN)
        for who in (SERVICE, ADMIN):
            double.books.open_account(who)
        for who in company.people:
            self._hire(who)
        key = company.root / "google.json"
        key.write_text(key_file())
        key.chmod(0o600)
        with (company.root / "config.toml").open("a", encoding="utf-8") as file:
            file.write(SECTIONS.format(url=double.url, organizer=organizer))

    def _hire(self, who: str) -> None:
        person = self.company.people[who]
        relations = [{"type": "manager", "value": person.manager}] if person.manager else []
        home = {"type": "work", "countryCode": COUNTRIES[person.zone]}
        self.double.books.open_account(
            who,
            zone=person.zone,
            working_hours=WORK,
            profile={"relations": relations, "addresses": [home]},
        )
        for start, end in person.busy:
            self.double.calendars.add(who, Interval(start, end), "Own")

    def events(self) -> dict[str, dict[str, Event]]:
        """See `Shelves.events`: a person's calendar is what their own Google shows."""
        found: dict[str, dict[str, Event]] = defaultdict(dict)
        for who in self.company.people:
            for stored in self.double.calendars.standing(who):
                if "extendedProperties" in stored.body:
                    event = self._event(stored)
                    found[event.uid][who] = event
        return dict(found)

    def _event(self, stored: Stored) -> Event:
        employee, *others = (guest["email"] for guest in stored.body["attendees"])
        owners = {"employee": employee, "manager": others[0], "service": SERVICE}
        assert stored.organizer == owners[self.organizer]
        assert "recurrence" not in stored.body
        start, end = (
            datetime.fromisoformat(stored.body[name]["dateTime"]).astimezone(UTC)
            for name in ("start", "end")
        )
        uid = f"{stored.body['id']}@careloop"
        return Event(uid, start, end, employee, frozenset({employee, *others}))

    def letters(self, known: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """See `Shelves.letters`."""
        for message in self.double.mailboxes.sent:
            if message.id not in known:
                yield message.id, message.content

    def changes(self) -> Counter[str]:
        """See `Tenant.changes`."""
        return Counter(name for name, _ in self.double.calls if name in CHANGES)

    def drag(self, who: str, event: Event, to: Interval) -> None:
        """See `Tenant.drag`; only the organizer can."""
        owner = SERVICE if self.organizer == "service" else who
        self.double.calendars.move(owner, Uid(event.uid), to)

    def decline(self, who: str, event: Event) -> None:
        """See `Tenant.decline`."""
        self.double.calendars.answer(who, Uid(event.uid), Reply.DECLINED)

    def delete(self, who: str, event: Event) -> None:
        """See `Tenant.delete`: of an event of the service's, only one's own copy."""
        self.double.calendars.delete(who, Uid(event.uid))

    def propose(self, who: str, event: Event, to: Interval) -> bool:
        """See `Tenant.propose`: Google's interface does not tell of proposals."""
        return False

    def appoint(self, who: str, span: Interval, *, leave: bool = False) -> None:
        """See `Tenant.appoint`."""
        kind = {"eventType": "outOfOffice"} if leave else {}
        self.double.calendars.add(who, span, "Away" if leave else "Board", **kind)
