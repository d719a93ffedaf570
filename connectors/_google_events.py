"""Our invites as Google events, and Google's events as we see them. No network here."""

import html
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from daemon.core.domain import Email, Interval, Invite, Observed, Reply, Uid, email

MARK = ("careloop", "meeting")
"""The private property by which all our events are found."""

Event = Mapping[str, Any]

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_REPLIES = {
    "needsAction": Reply.NEEDS_ACTION,
    "accepted": Reply.ACCEPTED,
    "declined": Reply.DECLINED,
    "tentative": Reply.TENTATIVE,
}


def event_id(uid: Uid) -> str:
    """Google's id of a meeting: the part before the `@`, which is base32hex."""
    return uid.partition("@")[0]


def new_event(invite: Invite, organizer: Email, conference: str) -> dict[str, Any]:
    """Describe a whole event for events.insert, on the calendar of `organizer`."""
    event = {
        "id": event_id(invite.uid),
        "attendees": [
            {
                "email": party.email,
                "displayName": _line(party.name),
                "responseStatus": "accepted" if party.email == organizer else "needsAction",
            }
            for party in invite.attendees
        ],
        "guestsCanModify": organizer != invite.organizer.email,
        "guestsCanInviteOthers": False,
        "transparency": "opaque",
        "visibility": "private",
        "reminders": {"useDefault": True},
        **revision(invite),
    }
    if conference == "meet":
        wanted = {"requestId": event["id"], "conferenceSolutionKey": {"type": "hangoutsMeet"}}
        event["conferenceData"] = {"createRequest": wanted}
    return event


def revision(invite: Invite) -> dict[str, Any]:
    """Describe what a later revision may change, for events.patch."""
    said: dict[str, Any] = {
        "summary": _line(invite.summary),
        "description": html.escape(_CONTROLS.sub("", invite.description), quote=False),
        "start": _moment(invite.start, invite.zone),
        "end": _moment(invite.end, invite.zone),
        "extendedProperties": {
            "private": {
                MARK[0]: MARK[1],
                "careloop-uid": invite.uid,
                "careloop-sequence": str(invite.sequence),
            }
        },
    }
    if invite.url.startswith(("https://", "http://")):
        said["source"] = {"title": "careloop", "url": invite.url}
    return said


def asked_anew(event: Event, owner: Email) -> list[dict[str, Any]]:
    """Everybody invited to an event, whose answers to its old time count no more."""
    return [
        {
            **{name: said for name, said in guest.items() if name not in ("self", "organizer")},
            "responseStatus": "accepted"
            if email(guest.get("email", "")) == owner
            else "needsAction",
        }
        for guest in event.get("attendees", ())
    ]


def sequence_of(event: Event) -> int:
    """The revision of ours an event carries; -1: it carries none."""
    said = _private(event).get("careloop-sequence", "")
    return int(said) if said.isascii() and said.isdigit() else -1


def is_foreign(event: Event, uid: Uid) -> bool:
    """Tell whether an event that has our id says that it is something else."""
    return _private(event).get("careloop-uid", uid) != uid


def owner_of(event: Event) -> Email:
    """Whose event it is."""
    return email(str(event.get("organizer", {}).get("email", "")))


def is_gone(event: Event) -> bool:
    """Tell whether only the memory of a deleted event is left."""
    return event.get("status") == "cancelled"


def when(event: Event, zone: str = "UTC") -> Interval:
    """The time an event takes; a whole day is one in `zone`. Raises `ValueError`."""
    return Interval(_instant(event.get("start"), zone), _instant(event.get("end"), zone))


def observed(event: Event, zone: str) -> Observed:
    """What an event on the organizer's calendar says of a meeting. Raises `ValueError`."""
    if is_gone(event):
        return Observed(present=False)
    taken = when(event, zone)
    replies = {
        email(guest["email"]): _REPLIES[guest["responseStatus"]]
        for guest in event.get("attendees", ())
        if guest.get("email") and guest.get("responseStatus") in _REPLIES
    }
    return Observed(True, taken.start, taken.end, replies)


def blocks(event: Event) -> bool:
    """Tell whether an event makes the person whose calendar it is on busy."""
    declined = any(
        guest.get("self") and guest.get("responseStatus") == "declined"
        for guest in event.get("attendees", ())
    )
    free = event.get("transparency") == "transparent" or event.get("eventType") == "workingLocation"
    return not (is_gone(event) or declined or free)


def _private(event: Event) -> Mapping[str, str]:
    found = event.get("extendedProperties", {}).get("private", {})
    return {str(name): str(value) for name, value in found.items()}


def _line(text: str) -> str:
    return " ".join(_CONTROLS.sub(" ", text).split())


def _moment(moment: datetime, zone: str) -> dict[str, str]:
    return {"dateTime": moment.astimezone(ZoneInfo(zone)).isoformat(), "timeZone": zone}


def _instant(said: Any, zone: str) -> datetime:
    """Read Google's start or end as UTC (RFC 3339; a bare date is the midnight it begins with)."""
    if not isinstance(said, Mapping):
        raise ValueError("an event without a time")
    if "dateTime" not in said:
        day = date.fromisoformat(str(said.get("date")))
        return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
    moment = datetime.fromisoformat(str(said["dateTime"]))
    if moment.tzinfo is None:
        raise ValueError("a time without an offset")
    return moment.astimezone(UTC)
