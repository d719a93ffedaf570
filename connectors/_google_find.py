"""Where our events stand: found by their id, in the calendar of whoever organizes them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from googleapiclient.http import HttpRequest

from connectors._google_events import MARK, Event, event_id, owner_of
from connectors._google_transport import Call, Reply, Surface, Workspace, answered
from connectors._google_words import Failure
from daemon.core.domain import Email, Invite, Meeting, Uid
from daemon.core.ports import Permanent

GONE = frozenset({404, 410})
MOST_PAGES = 100
_FIELDS = "id,status,etag,start,end,organizer(email),attendees,extendedProperties"


@dataclass(frozen=True, slots=True)
class Found:
    """An event and the calendar in which it can be changed."""

    owner: Email
    event: Event


Place = Found | Failure | None
"""Where an event is; None: in none of the calendars it may be in."""


class Finder:
    """Finds events by today's organizer policy, and by earlier ones."""

    def __init__(self, workspace: Workspace, surface: Surface) -> None:
        self._workspace = workspace
        self._surface = surface

    def owners(self, invite: Invite) -> list[Email]:
        """Whose calendar may hold the event, today's policy first."""
        people = [party.email for party in invite.attendees]
        return self._ranked(invite.organizer.email, people)

    def meeting_owners(self, meeting: Meeting) -> list[Email]:
        """The same for a meeting."""
        return self._ranked(meeting.pair.employee, [meeting.pair.manager])

    def _ranked(self, employee: Email, people: Sequence[Email]) -> list[Email]:
        """Whose calendar holds the event: first by today's policy, then by any earlier one."""
        others = [who for who in people if who != employee]
        service = Email(self._workspace.settings.subject)
        first = {"employee": [employee], "manager": others[:1], "service": [service]}
        chosen = first[self._workspace.settings.organizer]
        return list(dict.fromkeys([*chosen, employee, *others, service]))

    def find(self, rows: Sequence[tuple[Uid, Sequence[Email]]]) -> dict[Uid, Place]:
        """Get events from the first calendar that has them; None: from none of these."""
        found: dict[Uid, Place] = {uid: None for uid, _ in rows}
        places = max((len(owners) for _, owners in rows), default=0)
        for place in range(places):
            left = [(uid, own[place]) for uid, own in rows if found[uid] is None and own[place:]]
            replies = self._run([self._get(*row) for row in left], ours=not place)
            for (uid, owner), reply in zip(left, replies, strict=True):
                found[uid] = _place(owner, reply, first=not place)
        return found | self._at_home(found, dict(rows))

    def listed(self, meetings: Collection[Meeting]) -> dict[Uid, Place]:
        """Read the service's own calendar at once: one call where its rate allows 600 a minute;
        empty where somebody else is the organizer, or it cannot be read."""
        settings = self._workspace.settings
        if settings.organizer != "service" or len(meetings) < 2:
            return {}
        service = Email(settings.subject)
        uids = {event_id(one.uid): one.uid for one in meetings}
        span = (min(one.start for one in meetings), max(one.end for one in meetings))
        found: dict[Uid, Place] = {}
        token: str | None = None
        for _ in range(MOST_PAGES):
            (page,) = self._run([Call(service, self._page(span, token), "items")])
            if isinstance(page, Failure):
                return {}
            for event in page["items"]:
                if event.get("id") in uids:
                    found[uids[event["id"]]] = Found(service, event)
            token = page.get("nextPageToken")
            if not token:
                return found
        return {}

    def _page(self, span: tuple[datetime, datetime], token: str | None) -> HttpRequest:
        return self._surface.api.events.list(
            calendarId="primary",
            privateExtendedProperty="=".join(MARK),
            timeMin=span[0].isoformat(),
            timeMax=span[1].isoformat(),
            singleEvents=True,
            showDeleted=True,
            maxResults=2500,
            pageToken=token,
            fields=f"nextPageToken,items({_FIELDS})",
        )

    def _at_home(
        self,
        found: Mapping[Uid, Place],
        owners: Mapping[Uid, Sequence[Email]],
    ) -> dict[Uid, Place]:
        """Exchange a guest's copy (left by an earlier policy) for the organizer's event."""
        copies = [
            (uid, owner_of(place.event))
            for uid, place in found.items()
            if isinstance(place, Found) and owner_of(place.event) != place.owner
        ]
        known = [(uid, owner) for uid, owner in copies if owner in owners[uid]]
        replies = self._run([self._get(*row) for row in known], ours=False)
        return {
            uid: _place(owner, reply, first=True)
            for (uid, owner), reply in zip(known, replies, strict=True)
            if not answered(reply, GONE)
        }

    def _get(self, uid: Uid, owner: Email) -> Call:
        events = self._surface.api.events
        chosen = {"calendarId": "primary", "eventId": event_id(uid), "fields": _FIELDS}
        return Call(owner, events.get(**chosen), "status")

    def _run(self, calls: Sequence[Call], *, ours: bool = True) -> list[Reply]:
        return self._workspace.run(self._surface, calls, ours=ours) if calls else []


def _place(owner: Email, reply: Reply, *, first: bool) -> Place:
    """Where an event is; a calendar of an earlier policy that is closed to us holds nothing."""
    if not isinstance(reply, Failure):
        return Found(owner, reply)
    if reply.status in GONE or (isinstance(reply.result, Permanent) and not first):
        return None
    return reply
