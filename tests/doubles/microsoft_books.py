"""The books of an invented Microsoft 365 tenant: mailboxes, users, and Graph's rules over them."""

import base64
import binascii
import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.parser import BytesHeaderParser
from email.utils import parseaddr
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo, available_timezones

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

Json = dict[str, Any]
MOST = 20
"""People in one getSchedule, and parts in one batch."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    body: Json | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Denied(Exception):
    """A call that Graph refuses."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.reply = Reply(status, {"error": {"code": code, "message": "not for programs"}})


@dataclass
class Event:
    """An event in the mailbox of its organizer; attendees see the same one."""

    id: str
    owner: str
    start: datetime
    end: datetime
    subject: str = ""
    body: str = ""
    marks: dict[str, str] = field(default_factory=dict)
    attendees: dict[str, Json] = field(default_factory=dict)
    status: str = "Busy"
    version: int = 1
    online: bool = False


@dataclass
class Message:
    """A mail in a mailbox."""

    id: str
    content: bytes
    draft: bool

    def __post_init__(self) -> None:
        self.headers = BytesHeaderParser().parsebytes(self.content)

    @property
    def message_id(self) -> str:
        """The Message-ID header."""
        return str(self.headers["Message-ID"])


@dataclass
class Mailbox:
    """Somebody's mailbox."""

    address: str
    events: dict[str, Event] = field(default_factory=dict)
    used: dict[str, tuple[str, str]] = field(default_factory=dict)
    """transactionId: what was created with it, and the id it got."""
    messages: dict[str, Message] = field(default_factory=dict)
    inbox: list[bytes] = field(default_factory=list)
    refuses: str = ""
    """The error code every call to this mailbox gets."""
    hours: Json | None = None
    deaf: bool = False
    """Letters to it are refused."""


class Books:
    """What really happened in the tenant: the truth the tests ask for."""

    def __init__(self) -> None:
        self.boxes: dict[str, Mailbox] = {}
        self.users: dict[str, Json] = {}
        self.signs_in_otherwise: set[str] = set()
        """Addresses that are not the sign-in name: Graph finds these people by id alone."""
        self.groups: dict[str, set[str]] = {}
        self.changes: list[str] = []
        """Ids of changed users, oldest first: the delta token is a place in it."""
        self.expired_before = 0
        self.expired_as = (410, "resyncRequired")
        self.mime_in_batches = True
        self.forgets_transactions = False
        self.may_read_users = True
        self.created: list[tuple[str, str]] = []
        self.cancelled: list[str] = []
        self._ids = itertools.count(1)

    def mailbox(self, address: str) -> Mailbox:
        """Give somebody a mailbox."""
        return self.boxes.setdefault(address, Mailbox(address))

    def hire(self, address: str, manager: str = "", **fields: Any) -> str:
        """Enter a user into Entra ID and return the object id."""
        name = f"id-{address}"
        self.users[name] = {
            "id": name,
            "displayName": address.partition("@")[0].title(),
            "mail": address or None,
            "accountEnabled": True,
            "userType": "Member",
            "preferredLanguage": None,
            "jobTitle": None,
            "department": None,
            "usageLocation": None,
            "employeeHireDate": "0001-01-01T00:00:00Z",
            "boss": f"id-{manager}" if manager else "",
            **fields,
        }
        self.changes.append(name)
        return name

    def event_of(self, uid: str) -> Event | None:
        """The event that carries our uid, wherever it is."""
        found = [e for box in self.boxes.values() for e in box.events.values()]
        return next((e for e in found if uid in e.marks.values()), None)

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Reply:
        """Do what one call asks and answer it."""
        try:
            return self._route(method, url, {k.lower(): v for k, v in headers.items()}, body)
        except Denied as denied:
            return denied.reply

    def _route(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Reply:
        parts = urlsplit(url)
        steps = [unquote(step) for step in parts.path.strip("/").split("/")]
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if steps[0] == "groups":
            members = sorted(self.groups[steps[1]])
            return Reply(200, {"value": [{"id": member} for member in members]})
        if steps[0] != "users":
            raise Denied(400, "BadRequest")
        if steps[1:] in ([], ["delta"]):
            return self._list_users(query, delta=bool(steps[1:]))
        box = self._box(steps[1])
        if 'IdType="ImmutableId"' not in headers.get("prefer", ""):
            raise Denied(400, "TheseTestsWantImmutableIds")
        return self._in_box(box, method, steps[2:], query, headers, body)

    def _box(self, address: str) -> Mailbox:
        user = self.users.get(address, {})
        box = self.boxes.get(user.get("mail", address))
        if box is None or address in self.signs_in_otherwise:
            raise Denied(404, "ErrorInvalidUser")
        if box.refuses:
            raise Denied(404 if "Mailbox" in box.refuses else 403, box.refuses)
        return box

    def _in_box(
        self,
        box: Mailbox,
        method: str,
        steps: list[str],
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: Any,
    ) -> Reply:
        match [method, *steps]:
            case ["POST", "events"]:
                return self._create(box, body)
            case ["GET", "events"]:
                return _find(box, query)
            case ["PATCH", "events", name]:
                return _change(_event(box, name), headers, body)
            case ["POST", "events", name, "cancel"]:
                self.cancelled.append(_event(box, name).id)
                del box.events[name]
                return Reply(202)
            case ["POST", "calendar", "getSchedule"]:
                return self._schedules(body)
        return self._in_mail(box, [method, *steps], query, body)

    def _in_mail(
        self, box: Mailbox, steps: list[str], query: Mapping[str, str], body: Any
    ) -> Reply:
        match steps:
            case ["DELETE", "messages", name]:
                del box.messages[name]
                return Reply(204)
            case ["POST", "messages"]:
                message = self._draft(box, body)
                return Reply(201, {"id": message.id, "internetMessageId": message.message_id})
            case ["POST", "sendMail"]:
                return self._send(box, self._draft(box, body))
            case ["POST", "messages", name, "send"]:
                message = box.messages.get(name)
                if message is None or not message.draft:
                    raise Denied(404, "ErrorItemNotFound")
                return self._send(box, message)
            case ["GET", "messages"] | ["GET", "mailFolders", "drafts", "messages"]:
                return _messages(box, query, drafts=len(steps) > 2)
        raise Denied(405, "ErrorInvalidRequest")

    # --- events -----------------------------------------------------------------------------

    def _create(self, box: Mailbox, body: Json) -> Reply:
        ticket, content = body.get("transactionId", ""), json.dumps(body, sort_keys=True)
        if ticket in box.used:
            before, name = box.used[ticket]
            if before != content or name not in box.events:
                raise Denied(409, "ErrorDuplicateTransactionId")
            return Reply(201, _shown(box.events[name]))
        event = Event(f"AAMk={next(self._ids)}/+", box.address, *_times(body))
        event.online = bool(body.get("isOnlineMeeting"))
        _write(event, body)
        for attendee in body.get("attendees", []):
            address = attendee["emailAddress"]["address"].lower()
            event.attendees[address] = {**attendee, "status": {"response": "none"}}
        box.events[event.id] = event
        if not self.forgets_transactions:
            box.used[ticket] = (content, event.id)
        self.created.append((box.address, event.marks.get(UID_NAME, "")))
        return Reply(201, _shown(event))

    def _schedules(self, body: Json) -> Reply:
        start, end = _moment(body["startTime"]), _moment(body["endTime"])
        if len(body["schedules"]) > MOST:
            raise Denied(400, "ErrorMailboxDataArrayTooBig")
        if end - start >= timedelta(days=62):
            raise Denied(400, "ErrorTimeIntervalTooBig")
        every = [event for box in self.boxes.values() for event in box.events.values()]
        near = [event for event in every if event.start < end and start < event.end]
        people = [self._schedule(address, near) for address in body["schedules"]]
        return Reply(200, {"value": people})

    def _schedule(self, address: str, near: list[Event]) -> Json:
        box = self.boxes.get(address)
        if box is None or box.refuses:
            code = box.refuses if box else "ErrorMailRecipientNotFound"
            error = {"responseCode": code, "message": "no"}
            return {"scheduleId": address, "error": error, "availabilityView": ""}
        items = [
            {"status": e.status, "isPrivate": True, "start": _wire(e.start), "end": _wire(e.end)}
            for e in near
            if _takes_part(e, address)
        ]
        return {
            "scheduleId": address.upper(),
            "availabilityView": "",
            "scheduleItems": items,
            **({"workingHours": box.hours} if box.hours else {}),
        }

    def events_of(self, address: str) -> list[Event]:
        """Everything in somebody's calendar: their own events and accepted or open invitations."""
        every = [event for box in self.boxes.values() for event in box.events.values()]
        return [event for event in every if _takes_part(event, address)]

    # --- letters ----------------------------------------------------------------------------

    def _draft(self, box: Mailbox, body: Any) -> Message:
        try:
            content = base64.b64decode(body, validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise Denied(400, "ErrorMimeContentInvalidBase64String") from None
        if b"\r\n\r\n" not in content:
            raise Denied(400, "ErrorMimeContentInvalidBase64String")
        message = Message(f"AAMm={next(self._ids)}/", content, draft=True)
        box.messages[message.id] = message
        return message

    def _send(self, box: Mailbox, message: Message) -> Reply:
        to = self.boxes.get(parseaddr(str(message.headers["To"]))[1])
        if to is None or to.deaf:
            raise Denied(400, "ErrorInvalidRecipients")
        message.draft = False
        to.inbox.append(message.content)
        return Reply(202)

    # --- people -----------------------------------------------------------------------------

    def _list_users(self, query: Mapping[str, str], *, delta: bool) -> Reply:
        if not self.may_read_users:
            raise Denied(403, "Authorization_RequestDenied")
        if not delta:
            return self._all_users(int(query.get("skip", 0)))
        token = query["$deltatoken"]
        if token == "latest":
            return Reply(200, {"value": [], "@odata.deltaLink": self._link(len(self.changes))})
        at = int(token)
        if at < self.expired_before:
            raise Denied(*self.expired_as)
        names = self.changes[at : at + 2]
        # Graph may say a thing twice: every page begins with the last user of the one before.
        replay = self.changes[max(0, at - 1) : at]
        values = [self._as_change(name) for name in replay + names]
        more = at + 2 < len(self.changes)
        link = "@odata.nextLink" if more else "@odata.deltaLink"
        return Reply(200, {"value": values, link: self._link(min(at + 2, len(self.changes)))})

    def _all_users(self, skip: int) -> Reply:
        users = list(self.users.values())
        body: Json = {"value": [self._with_manager(user) for user in users[skip : skip + 999]]}
        if skip + 999 < len(users):
            body["@odata.nextLink"] = f"ROOT/users?skip={skip + 999}"
        return Reply(200, body)

    def _with_manager(self, user: Json) -> Json:
        shown = {name: value for name, value in user.items() if name != "boss"}
        return {**shown, "manager": {"id": user["boss"]}} if user["boss"] in self.users else shown

    def _as_change(self, name: str) -> Json:
        user = self.users.get(name)
        if user is None:
            return {"id": name, "@removed": {"reason": "deleted"}}
        shown = {key: value for key, value in user.items() if key != "boss"}
        boss = {"@odata.type": "#microsoft.graph.user", "id": user["boss"]}
        return {**shown, "manager@delta": [boss]} if user["boss"] else shown

    def _link(self, place: int) -> str:
        return f"ROOT/users/delta?$deltatoken={place}"


UID_NAME = "careloop"
_ZONES = frozenset(available_timezones())
_MARK = re.compile(r"String \{[0-9a-f-]{36}\} Name ([^\s')]+)")
_LOOK = re.compile(r"ep/id eq '([^']+)' and ep/value eq '([^']+)'")


def _takes_part(event: Event, address: str) -> bool:
    """Tell whether an event stands in somebody's calendar: their own, or not declined."""
    attendee = event.attendees.get(address)
    return event.owner == address or bool(attendee and attendee["status"]["response"] != "declined")


def _event(box: Mailbox, name: str) -> Event:
    if name not in box.events:
        raise Denied(404, "ErrorItemNotFound")
    return box.events[name]


def _find(box: Mailbox, query: Mapping[str, str]) -> Reply:
    found = _LOOK.search(query["$filter"])
    if found is None:
        raise Denied(400, "ErrorInvalidUrlQueryFilter")
    named = _MARK.fullmatch(found[1])
    assert named is not None
    wanted = found[2].lower()
    events = [e for e in box.events.values() if e.marks.get(named[1], "").lower() == wanted]
    expand = _MARK.search(query.get("$expand", ""))
    name = expand[1] if expand else ""
    return Reply(200, {"value": [_shown(e, expand[0] if expand else "", name) for e in events]})


def _change(event: Event, headers: Mapping[str, str], body: Json) -> Reply:
    if headers.get("if-match", _etag(event)) != _etag(event):
        raise Denied(412, "ErrorIrresolvableConflict")
    if event.online and "body" in body:
        raise Denied(400, "TheTeamsLinkWouldBeLost")
    _write(event, body)
    event.version += 1
    return Reply(200, _shown(event))


def _write(event: Event, body: Json) -> None:
    subject = body.get("subject", event.subject)
    if not subject.isprintable():
        raise Denied(400, "ErrorInvalidRequest")
    before = (event.start, event.end)
    event.start, event.end = _times(body)
    if before != (event.start, event.end):
        _ask_anew(event)
    event.subject, event.body = subject, body.get("body", {}).get("content", event.body)
    for mark in body.get("singleValueExtendedProperties", []):
        named = _MARK.fullmatch(mark["id"])
        if named is None:
            raise Denied(400, "ErrorInvalidProperty")
        event.marks[named[1]] = mark["value"]


def _ask_anew(event: Event) -> None:
    """Whoever answered was asked about another time: Exchange forgets the answers."""
    for attendee in event.attendees.values():
        attendee["status"] = {"response": "none"}
        attendee.pop("proposedNewTime", None)


def _times(body: Json) -> tuple[datetime, datetime]:
    start, end = _moment(body["start"]), _moment(body["end"])
    if end < start:
        raise Denied(400, "ErrorPropertyValidationFailure")
    return start, end


def _moment(said: Json) -> datetime:
    name = WINDOWS_TO_OLSON.get(said["timeZone"], said["timeZone"])
    if name not in _ZONES:
        raise Denied(400, "TimeZoneNotSupportedException")
    return datetime.fromisoformat(said["dateTime"]).replace(tzinfo=ZoneInfo(name)).astimezone(UTC)


def _wire(when: datetime) -> Json:
    return {"dateTime": when.strftime("%Y-%m-%dT%H:%M:%S.0000000"), "timeZone": "UTC"}


def _etag(event: Event) -> str:
    return f'W/"{event.id}:{event.version}"'


def _shown(event: Event, mark: str = "", name: str = "") -> Json:
    marks = [{"id": mark, "value": event.marks[name]}] if name in event.marks else []
    return {
        "@odata.etag": _etag(event),
        "id": event.id,
        "subject": event.subject,
        "start": _wire(event.start),
        "end": _wire(event.end),
        "isCancelled": False,
        "attendees": list(event.attendees.values()),
        **({"singleValueExtendedProperties": marks} if marks else {}),
    }


def _messages(box: Mailbox, query: Mapping[str, str], *, drafts: bool) -> Reply:
    wanted = re.fullmatch(r"internetMessageId eq '(.+)'", query.get("$filter", ""))
    name = wanted[1].replace("''", "'") if wanted else ""
    found = [
        {"id": m.id, "internetMessageId": m.message_id, "isDraft": m.draft}
        for m in box.messages.values()
        if (not drafts or m.draft) and (not name or m.message_id == name)
    ]
    return Reply(200, {"value": found})
