"""An Outlook event in our words and ours in its: how it is looked up, written and read."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from connectors._graph_parts import Part
from connectors._graph_zones import moment, on_wire
from daemon.core.domain import Email, Interval, Invite, Observed, Reply, Uid, email

_OURS = "{b0c1f0de-6c7a-4d0c-9a51-c1a7e1009af5}"
UID_MARK = f"String {_OURS} Name careloop"
"""The extended property that carries our uid: how an event is known again after any doubt."""
SEQUENCE_MARK = f"String {_OURS} Name careloop-sequence"

_FIELDS = "id,start,end,isCancelled,attendees,lastModifiedDateTime"
_REPLIES = {
    "accepted": Reply.ACCEPTED,
    "organizer": Reply.ACCEPTED,
    "declined": Reply.DECLINED,
    "tentativelyaccepted": Reply.TENTATIVE,
}


@dataclass(frozen=True, slots=True)
class Event:
    """What a mailbox says of one of our events. `sequence` None: it does not tell."""

    id: str
    when: Interval
    sequence: int | None
    etag: str
    replies: Mapping[Email, Reply]
    proposed: Interval | None
    by: Email | None

    def observed(self) -> Observed:
        """The same in the words of the port."""
        return Observed(
            True, self.when.start, self.when.end, dict(self.replies), self.proposed, self.by
        )


def path(mailbox: str, rest: str) -> str:
    """The address of something in a mailbox."""
    return f"/users/{quote(mailbox, safe='@')}/{rest}"


def look_up(mailbox: str, uid: Uid) -> Part:
    """Ask for the event that carries our uid (Graph, singleValueExtendedProperty)."""
    mine = f"singleValueExtendedProperties/Any(ep: ep/id eq '{UID_MARK}' and ep/value eq '{uid}')"
    expand = f"singleValueExtendedProperties($filter=id eq '{SEQUENCE_MARK}')"
    asked = f"$filter={quote(mine)}&$expand={quote(expand)}&$select={_FIELDS}&$top=5"
    return Part("GET", path(mailbox, f"events?{asked}"), mailbox=mailbox)


def create(invite: Invite, *, teams: bool) -> Part:
    """Make the event; the transactionId lets Exchange know a repeat for one."""
    online = {"isOnlineMeeting": True, "onlineMeetingProvider": "teamsForBusiness"} if teams else {}
    body = {
        **_content(invite),
        **online,
        "transactionId": f"{invite.uid}-{invite.sequence}",
        "attendees": [_attendee(party.email, party.name) for party in invite.attendees[1:]],
        "allowNewTimeProposals": True,
        "responseRequested": True,
        "sensitivity": "private",
        "showAs": "busy",
    }
    mailbox = invite.organizer.email
    return Part("POST", path(mailbox, "events"), body, mailbox, repeatable=False)


def change(invite: Invite, event: Event, *, keep_body: bool) -> Part:
    """Bring an event up to this revision, if nobody changed it since it was read.

    `keep_body`: the body holds a Teams link that a new text would wipe out.
    """
    mailbox = invite.organizer.email
    condition = {"If-Match": event.etag} if event.etag else {}
    url = path(mailbox, f"events/{quote(event.id, safe='')}")
    body = {
        name: said for name, said in _content(invite).items() if name != "body" or not keep_body
    }
    return Part("PATCH", url, body, mailbox, headers=condition)


def withdraw(invite: Invite, event: Event) -> Part:
    """Cancel an event and tell the others, with our one line."""
    mailbox = invite.organizer.email
    url = path(mailbox, f"events/{quote(event.id, safe='')}/cancel")
    return Part("POST", url, {"Comment": _plain(invite.comment)}, mailbox)


def read_events(body: object) -> list[Event]:
    """Read the events of a look-up, cancelled ones left out."""
    listed = body.get("value") if isinstance(body, Mapping) else None
    events = (read_event(one) for one in listed or [] if not one.get("isCancelled"))
    return [event for event in events if event]


def read_event(body: object) -> Event | None:
    """Read one event; None where it has no time we can read."""
    if not isinstance(body, Mapping):
        return None
    when = _span(body)
    if when is None:
        return None
    attendees = [one for one in body.get("attendees") or [] if isinstance(one, Mapping)]
    proposals = [(one, _span(one.get("proposedNewTime"))) for one in attendees]
    one, proposed = next(((o, p) for o, p in proposals if p), ({}, None))
    return Event(
        id=str(body.get("id") or ""),
        when=when,
        sequence=_sequence(body.get("singleValueExtendedProperties") or ()),
        etag=str(body.get("@odata.etag") or ""),
        replies=dict(_reply(one) for one in attendees),
        proposed=proposed,
        by=_address(one) if proposed else None,
    )


def _content(invite: Invite) -> dict[str, Any]:
    return {
        "subject": _plain(invite.summary),
        "body": {"contentType": "HTML", "content": _html(invite)},
        "start": on_wire(invite.start, invite.zone),
        "end": on_wire(invite.end, invite.zone),
        "singleValueExtendedProperties": [
            {"id": UID_MARK, "value": invite.uid},
            {"id": SEQUENCE_MARK, "value": str(invite.sequence)},
        ],
    }


def _html(invite: Invite) -> str:
    lines = html.escape(_plain(invite.description, keep="\n")).split("\n")
    link = html.escape(invite.url, quote=True)
    linked = f'<p><a href="{link}">{link}</a></p>' if invite.url else ""
    return f"<p>{'<br>'.join(lines)}</p>{linked}"


def _plain(text: str, keep: str = "") -> str:
    """Text without control characters: a subject is one line."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c if c.isprintable() or c in keep else " " for c in text)


def _attendee(address: Email, name: str) -> dict[str, Any]:
    return {"emailAddress": {"address": address, "name": _plain(name)}, "type": "required"}


def _span(said: object) -> Interval | None:
    if not isinstance(said, Mapping):
        return None
    start, end = moment(said.get("start")), moment(said.get("end"))
    return Interval(start, end) if start and end else None


def _sequence(marks: Sequence[Mapping[str, Any]]) -> int | None:
    values = [str(mark.get("value")) for mark in marks if mark.get("id") == SEQUENCE_MARK]
    return int(values[0]) if values and values[0].isdecimal() else None


def _reply(attendee: Mapping[str, Any]) -> tuple[Email, Reply]:
    said = str((attendee.get("status") or {}).get("response") or "").lower()
    return _address(attendee), _REPLIES.get(said, Reply.NEEDS_ACTION)


def _address(attendee: Mapping[str, Any]) -> Email:
    return email(str((attendee.get("emailAddress") or {}).get("address") or ""))
