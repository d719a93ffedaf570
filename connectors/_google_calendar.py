"""Meetings in Google Calendar: one event each, in the organizer's calendar, under our own id."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta

from connectors._google_busy import Availabilities
from connectors._google_events import (
    asked_anew,
    event_id,
    is_foreign,
    is_gone,
    new_event,
    observed,
    revision,
    sequence_of,
    when,
)
from connectors._google_find import GONE, Finder, Found, Place
from connectors._google_transport import Call, Reply, Workspace, answered
from connectors._google_words import UNREADABLE, Failure
from daemon.core.domain import (
    Availability,
    Email,
    Interval,
    Invite,
    Meeting,
    Observed,
    Person,
    Problem,
    Uid,
)
from daemon.core.ports import Done, Permanent, Result, Temporary, Unknown

NOBODYS = "careloopdoctor"
"""An event's id that is never given: ours are longer."""


class GoogleCalendar:
    """The `Calendar` of a Workspace (daemon/core/ports.py)."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._surface = workspace.calendar()
        self._finder = Finder(workspace, self._surface)
        self._availabilities = Availabilities(workspace)

    def busy(
        self, people: Collection[Person], within: Interval, ours: Collection[Meeting]
    ) -> Mapping[Email, Availability | Unknown]:
        """See `Calendar.busy`."""
        return self._availabilities.busy(people, within, ours) if people else {}

    def put(self, invites: Sequence[Invite]) -> Mapping[Uid, Result]:
        """See `Calendar.put`: insert what is new, look before changing what is known."""
        new = [invite for invite in invites if invite.before is None]
        results, doubles = self._insert(new)
        doubles += [invite for invite in invites if invite.before is not None]
        found = self._finder.find([(invite.uid, self._finder.owners(invite)) for invite in doubles])
        lost = [one for one in doubles if found[one.uid] is None]
        again, still = self._insert([one for one in lost if one.before is not None])
        results |= again
        results |= {one.uid: _CHANGING for one in [*still, *lost] if one.uid not in results}
        standing = [(one, found[one.uid]) for one in doubles if found[one.uid] is not None]
        return results | self._revise(standing, last=False)

    def cancel(self, invites: Sequence[Invite]) -> Mapping[Uid, Result]:
        """See `Calendar.cancel`: delete where it stands, and tell everybody. Of somebody whose
        account is closed, at least the guests' copies go."""
        asked = [(invite.uid, self._finder.owners(invite)) for invite in invites]
        found = self._finder.find(asked)
        closed = [(uid, owners[1:]) for uid, owners in asked if _is_closed(found[uid])]
        copies = self._finder.find(closed)
        found |= {uid: place for uid, place in copies.items() if isinstance(place, Found)}
        results = {uid: _ended(place) for uid, place in found.items()}
        rows = [
            (uid, place)
            for uid, place in found.items()
            if isinstance(place, Found) and not is_gone(place.event)
        ]
        replies = self._run([self._delete(uid, place.owner) for uid, place in rows])
        for (uid, _), reply in zip(rows, replies, strict=True):
            results[uid] = Done() if answered(reply, GONE) else _written(reply)
        return results

    def look(self, meetings: Collection[Meeting]) -> Mapping[Uid, Observed | Unknown]:
        """See `Calendar.look`: what seems gone is looked for a second time, by its id."""
        asked = [(one.uid, self._finder.meeting_owners(one)) for one in meetings]
        found = self._finder.listed(meetings) or self._finder.find(asked)
        found |= {uid: None for uid, _ in asked if uid not in found}
        gone = [row for row in asked if _seems_gone(found[row[0]])]
        found |= self._finder.find(gone)
        return {one.uid: _told(found[one.uid], one.zone) for one in meetings}

    def doctor(self) -> Iterator[Problem]:
        """Ask, as the account that reads everybody, for its calendar and for an event that is not
        there: what that takes is a token with every scope, the API, and a calendar."""
        api, subject = self._surface.api, Email(self._workspace.settings.subject)
        asked = [
            Call(subject, api.calendars.get(calendarId="primary"), "id"),
            Call(subject, api.events.get(calendarId="primary", eventId=NOBODYS), "status"),
        ]
        for reply in self._run(asked):
            if isinstance(reply, Failure) and not answered(reply, GONE):
                yield Problem("[google] subject", reply.result.reason, "docs/google.md")
                return

    # --- calls ------------------------------------------------------------------------------

    def _insert(self, invites: Sequence[Invite]) -> tuple[dict[Uid, Result], list[Invite]]:
        """Create events; the second answer names the ones whose id is taken."""
        conference = self._workspace.settings.conference
        events = self._surface.api.events
        calls = []
        for invite in invites:
            owner = self._finder.owners(invite)[0]
            insert = events.insert(
                calendarId="primary",
                body=new_event(invite, owner, conference),
                sendUpdates="all",
                conferenceDataVersion=1,
            )
            calls.append(Call(owner, insert, "id", writes=True))
        rows = list(zip(invites, self._run(calls), strict=True))
        taken = [invite for invite, reply in rows if answered(reply, {409})]
        results = {one.uid: _written(reply) for one, reply in rows if not answered(reply, {409})}
        return results, taken

    def _revise(self, standing: Sequence[tuple[Invite, Place]], *, last: bool) -> dict[Uid, Result]:
        """Bring events to their invite's revision, except where a person changed them."""
        results: dict[Uid, Result] = {}
        rows: list[tuple[Invite, Found]] = []
        for invite, found in standing:
            settled = _decide(invite, found)
            if settled is not None:
                results[invite.uid] = settled
            elif isinstance(found, Found):
                rows.append((invite, found))
        replies = self._run([self._patch(invite, found) for invite, found in rows])
        changed = []
        for (invite, _), reply in zip(rows, replies, strict=True):
            results[invite.uid] = _CHANGING if answered(reply, {412}) else _written(reply)
            changed += [invite] if answered(reply, {412}) else []
        if changed and not last:
            found_now = self._finder.find([(one.uid, self._finder.owners(one)) for one in changed])
            again = [(one, found_now[one.uid]) for one in changed]
            results |= self._revise(again, last=True)
        return results

    def _patch(self, invite: Invite, found: Found) -> Call:
        moved = when(found.event, invite.zone) != Interval(invite.start, invite.end)
        body = revision(invite)
        if moved:
            body["attendees"] = asked_anew(found.event, found.owner)
        patch = self._surface.api.events.patch(
            calendarId="primary",
            eventId=event_id(invite.uid),
            body=body,
            sendUpdates="all" if moved else "none",
            conferenceDataVersion=1,
        )
        patch.headers["If-Match"] = str(found.event.get("etag", "*"))
        return Call(found.owner, patch, "id", writes=True)

    def _delete(self, uid: Uid, owner: Email) -> Call:
        delete = self._surface.api.events.delete(
            calendarId="primary", eventId=event_id(uid), sendUpdates="all"
        )
        return Call(owner, delete, writes=True)

    def _run(self, calls: Sequence[Call], *, ours: bool = True) -> list[Reply]:
        return self._workspace.run(self._surface, calls, ours=ours) if calls else []


_CHANGING = Temporary("the event is being changed by somebody else just now", timedelta(minutes=1))


def _decide(invite: Invite, found: Place) -> Result | None:
    """Say what is settled without writing; None: the event has to be brought up to date."""
    if found is None:
        return _CHANGING
    if isinstance(found, Failure):
        return found.result
    try:
        seen = observed(found.event, invite.zone)
    except UNREADABLE:
        return Permanent(f"the event {event_id(invite.uid)} has no time that can be read")
    if is_foreign(found.event, invite.uid):
        return Permanent(f"another event has our id {event_id(invite.uid)}")
    if not seen.present:
        return Done(event_id(invite.uid), seen)
    stands = when(found.event, invite.zone)
    if stands == Interval(invite.start, invite.end):
        done = sequence_of(found.event) >= invite.sequence
        return Done(event_id(invite.uid)) if done else None
    return None if stands == invite.before else Done(event_id(invite.uid), seen)


def _written(reply: Reply) -> Result:
    return reply.result if isinstance(reply, Failure) else Done(str(reply.get("id", "")))


def _ended(found: Place) -> Result:
    return found.result if isinstance(found, Failure) else Done()


def _is_closed(found: Place) -> bool:
    return isinstance(found, Failure) and isinstance(found.result, Permanent)


def _seems_gone(found: Place) -> bool:
    return found is None or (isinstance(found, Found) and is_gone(found.event))


def _told(found: Place, zone: str) -> Observed | Unknown:
    if found is None:
        return Observed(present=False)
    if isinstance(found, Failure):
        return Unknown(found.result.reason)
    try:
        return observed(found.event, zone)
    except UNREADABLE:
        return Unknown("the event has no time that can be read")
