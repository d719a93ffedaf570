"""The calendars of the local Google: events with guests, free/busy, and the hands of people."""

import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from daemon.core.domain import Interval, Reply, Uid
from tests.doubles.google_books import Account, Books, Oops, Stored

_ID = re.compile(r"[a-v0-9]{5,1024}")
_ANSWERS = {
    Reply.ACCEPTED: "accepted",
    Reply.DECLINED: "declined",
    Reply.TENTATIVE: "tentative",
    Reply.NEEDS_ACTION: "needsAction",
}
Query = Mapping[str, list[str]]
Handler = Callable[[str, Mapping[str, str], Query, Any, Mapping[str, str]], Any]


class Calendars:
    """Calendar API v3, as much of it as a careful client may need."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self.page = 2500

    def handlers(self) -> dict[str, Handler]:
        """What answers which method."""
        return {
            "calendar.freebusy.query": self._free_busy,
            "calendar.calendars.get": self._calendar,
            "calendar.events.insert": self._insert,
            "calendar.events.get": self._get,
            "calendar.events.list": self._list,
            "calendar.events.patch": self._patch,
            "calendar.events.delete": self._delete,
        }

    # --- the hands of people ----------------------------------------------------------------

    def add(self, person: str, when: Interval, summary: str = "Dentist", **more: Any) -> str:
        """Somebody enters an appointment of their own; the answer is its id."""
        name = uuid.uuid4().hex.translate(str.maketrans("wxyz", "0123"))
        body = {"summary": summary, "start": _said(when.start), "end": _said(when.end), **more}
        self._store(person, name, body)
        return name

    def move(self, person: str, uid: Uid, to: Interval) -> None:
        """Somebody drags our event to another time."""
        stored = self._books.events[person, uid.partition("@")[0]]
        self._change(stored, {"start": _said(to.start), "end": _said(to.end)})

    def delete(self, person: str, uid: Uid) -> None:
        """Somebody deletes our event from their calendar."""
        self._drop(person, self._books.events[person, uid.partition("@")[0]])

    def answer(self, person: str, uid: Uid, reply: Reply) -> None:
        """Somebody answers the invitation."""
        stored = self._books.events[person, uid.partition("@")[0]]
        for guest in stored.body["attendees"]:
            if guest["email"] == person:
                guest["responseStatus"] = _ANSWERS[reply]
        self._touch(stored)

    def standing(self, person: str) -> list[Stored]:
        """Every event in somebody's calendar that is not deleted."""
        return [
            stored
            for stored in self._books.shelves.get(person, {}).values()
            if _stands(stored, person)
        ]

    # --- methods ----------------------------------------------------------------------------

    def _free_busy(self, subject: str, _n: object, _q: object, body: Any, _h: object) -> Any:
        span = Interval(_read(body["timeMin"]), _read(body["timeMax"]))
        if span.end - span.start > timedelta(days=90):
            raise Oops(400, "timeRangeTooLong", "The requested time range is too long.")
        most = min(50, body.get("calendarExpansionMax", 50))
        told = {}
        for number, item in enumerate(body["items"]):
            account = self._books.accounts.get(item["id"])
            if number >= most:
                told[item["id"]] = _error("tooManyCalendarsRequested")
            elif account is None or not _shows(account, subject):
                told[item["id"]] = _error("notFound")
            else:
                told[item["id"]] = {"busy": self._busy(item["id"], span)}
        stamps = {"timeMin": body["timeMin"], "timeMax": body["timeMax"]}
        return {"kind": "calendar#freeBusy", **stamps, "calendars": told}

    def _busy(self, person: str, span: Interval) -> list[dict[str, str]]:
        """Anonymous blocks: what overlaps or touches is one."""
        joined: list[Interval] = []
        for when in sorted(
            _when(one, person) for one in self.standing(person) if _busy(one, person)
        ):
            if not when.overlaps(span):
                continue
            if joined and when.start <= joined[-1].end:
                joined[-1] = Interval(joined[-1].start, max(joined[-1].end, when.end))
            else:
                joined.append(when)
        return [{"start": _stamp(one.start), "end": _stamp(one.end)} for one in joined]

    def _calendar(self, subject: str, names: Mapping[str, str], *_: object) -> Any:
        account = self._open(subject, names["calendarId"])
        told = {
            "kind": "calendar#calendar",
            "etag": '"1"',
            "id": account.address,
            "summary": account.address,
            "timeZone": account.zone,
        }
        return told | ({"workingHours": account.working_hours} if account.working_hours else {})

    def _insert(
        self, subject: str, names: Mapping[str, str], query: Query, body: Any, _h: object
    ) -> Any:
        calendar = self._own(subject, names["calendarId"])
        if {"id", "iCalUID"} <= set(body):
            raise Oops(400, "invalid", "only one of id and iCalUID")
        name = body.get("id") or uuid.uuid4().hex
        if not _ID.fullmatch(name):
            raise Oops(400, "invalid", "Invalid resource id value.")
        if (calendar, name) in self._books.events:
            raise Oops(409, "duplicate", "The requested identifier already exists.")
        if _read(body["end"]["dateTime"]) < _read(body["start"]["dateTime"]):
            raise Oops(400, "timeRangeEmpty", "The specified time range is empty.")
        given = deepcopy(body)
        if "conferenceDataVersion" not in query or query["conferenceDataVersion"] == ["0"]:
            given.pop("conferenceData", None)
        elif "conferenceData" in given:
            given["conferenceData"]["createRequest"]["status"] = {"statusCode": "pending"}
        stored = self._store(calendar, name, given)
        self._tell(stored, query, "invited")
        return _view(stored, calendar)

    def _get(self, subject: str, names: Mapping[str, str], *_: object) -> Any:
        calendar = self._own(subject, names["calendarId"])
        return _view(self._stored(calendar, names["eventId"]), calendar)

    def _list(
        self, subject: str, names: Mapping[str, str], query: Query, _b: object, _h: object
    ) -> Any:
        calendar = self._own(subject, names["calendarId"])
        chosen = [
            stored
            for _, stored in sorted(self._books.shelves.get(calendar, {}).items())
            if _matches(stored, calendar, query)
        ]
        size = min(self.page, int(query.get("maxResults", ["250"])[0]))
        start = int(query.get("pageToken", ["0"])[0])
        items = [_view(stored, calendar) for stored in chosen[start : start + size]]
        more = start + size < len(chosen)
        zone = self._books.account(calendar).zone
        told = {"kind": "calendar#events", "timeZone": zone, "items": items}
        return told | ({"nextPageToken": str(start + size)} if more else {})

    def _patch(
        self,
        subject: str,
        names: Mapping[str, str],
        query: Query,
        body: Any,
        headers: Mapping[str, str],
    ) -> Any:
        calendar = self._own(subject, names["calendarId"])
        stored = self._stored(calendar, names["eventId"])
        if not _stands(stored, calendar):
            raise Oops(403, "forbidden", "Forbidden")
        if calendar != stored.organizer and not stored.body.get("guestsCanModify"):
            raise Oops(403, "forbiddenForNonOrganizer", "Only the organizer may do this.")
        wanted = headers.get("if-match", "*")
        if wanted not in ("*", stored.body["etag"]):
            raise Oops(412, "conditionNotMet", "Precondition Failed")
        self._change(stored, body)
        self._tell(stored, query, "updated")
        return _view(stored, calendar)

    def _delete(
        self, subject: str, names: Mapping[str, str], query: Query, _b: object, _h: object
    ) -> None:
        calendar = self._own(subject, names["calendarId"])
        stored = self._stored(calendar, names["eventId"])
        if not _stands(stored, calendar):
            raise Oops(410, "deleted", "Resource has been deleted")
        self._drop(calendar, stored)
        self._tell(stored, query, "cancelled")

    # --- the books --------------------------------------------------------------------------

    def _open(self, subject: str, calendar: str) -> Account:
        account = self._books.account(subject if calendar == "primary" else calendar)
        if not _shows(account, subject):
            raise Oops(404, "notFound", "Not Found")
        if account.without_calendar:
            raise Oops(403, "notACalendarUser", "The user must be signed up for Google Calendar.")
        return account

    def _own(self, subject: str, calendar: str) -> str:
        """Somebody's calendar, if it is the caller's own: what calendar.events.owned reaches."""
        account = self._open(subject, calendar)
        if account.address != subject:
            raise Oops(403, "requiredAccessLevel", "You need to have writer access.")
        return subject

    def _stored(self, calendar: str, name: str) -> Stored:
        found = self._books.events.get((calendar, name))
        if found is None:
            raise Oops(404, "notFound", "Not Found")
        return found

    def _store(self, calendar: str, name: str, body: dict[str, Any]) -> Stored:
        given = {
            "kind": "calendar#event",
            "id": name,
            "status": "confirmed",
            "iCalUID": f"{name}@google.com",
            "sequence": 0,
            "organizer": {"email": calendar},
            "creator": {"email": calendar},
            **body,
        }
        guests = {guest["email"] for guest in body.get("attendees", ())}
        copies = {calendar, *(guests & set(self._books.accounts))}
        stored = Stored(given, calendar, copies)
        self._touch(stored)
        for copy in copies:
            self._books.shelve(copy, stored)
        return stored

    def _change(self, stored: Stored, body: Mapping[str, Any]) -> None:
        times = (stored.body["start"], stored.body["end"])
        private = {**_private(stored), **body.get("extendedProperties", {}).get("private", {})}
        stored.body.update(deepcopy(dict(body)))
        if private:
            stored.body["extendedProperties"] = {"private": private}
        if times != (stored.body["start"], stored.body["end"]):
            stored.body["sequence"] += 1
            self._invite_anew(stored)
        self._touch(stored)

    def _invite_anew(self, stored: Stored) -> None:
        """Who removed the event gets it again when it moves and they are asked once more."""
        for guest in stored.body.get("attendees", ()):
            known = (guest["email"], stored.body["id"]) in self._books.events
            if known and guest.get("responseStatus", "needsAction") == "needsAction":
                stored.copies.add(guest["email"])

    def _drop(self, calendar: str, stored: Stored) -> None:
        if calendar == stored.organizer:
            stored.body["status"] = "cancelled"
        else:
            stored.copies.discard(calendar)
            for guest in stored.body["attendees"]:
                if guest["email"] == calendar:
                    guest["responseStatus"] = "declined"
        self._touch(stored)

    def _touch(self, stored: Stored) -> None:
        stored.body["etag"] = f'"{uuid.uuid4().int}"'

    def _tell(self, stored: Stored, query: Query, what: str) -> None:
        if query.get("sendUpdates", ["none"]) == ["all"]:
            self._books.notices += [
                (guest["email"], what, stored.body["id"])
                for guest in stored.body.get("attendees", ())
                if guest["email"] != stored.organizer
            ]


def _private(stored: Stored) -> dict[str, str]:
    found: dict[str, str] = stored.body.get("extendedProperties", {}).get("private", {})
    return found


def _view(stored: Stored, calendar: str) -> dict[str, Any]:
    """An event as one calendar shows it."""
    if not _stands(stored, calendar):
        kept = ("kind", "id", "etag", "iCalUID", "sequence", "organizer")
        return {**{name: stored.body[name] for name in kept}, "status": "cancelled"}
    shown = deepcopy(stored.body)
    for who in (shown["organizer"], shown["creator"], *shown.get("attendees", ())):
        if who["email"] == calendar:
            who["self"] = True
        if who["email"] == stored.organizer and who is not shown["organizer"]:
            who["organizer"] = True
    shown["creator"].pop("organizer", None)
    if calendar != stored.organizer:
        shown.pop("extendedProperties", None)
    return shown


def _stands(stored: Stored, calendar: str) -> bool:
    return stored.body["status"] != "cancelled" and calendar in stored.copies


def _shows(account: Account, subject: str) -> bool:
    return not account.suspended and (account.address == subject or not account.hidden)


def _busy(stored: Stored, person: str) -> bool:
    declined = any(
        guest["email"] == person and guest.get("responseStatus") == "declined"
        for guest in stored.body.get("attendees", ())
    )
    return not declined and stored.body.get("transparency") != "transparent"


def _when(stored: Stored, _person: str) -> Interval:
    return Interval(_moment(stored.body["start"]), _moment(stored.body["end"]))


def _matches(stored: Stored, calendar: str, query: Query) -> bool:
    if not _stands(stored, calendar) and query.get("showDeleted") != ["true"]:
        return False
    marks: Iterable[str] = query.get("privateExtendedProperty", ())
    own = _private(stored) if calendar == stored.organizer else {}
    if any(own.get(mark.partition("=")[0]) != mark.partition("=")[2] for mark in marks):
        return False
    when = _when(stored, calendar)
    after = "timeMin" not in query or when.end > _read(query["timeMin"][0])
    return after and ("timeMax" not in query or when.start < _read(query["timeMax"][0]))


def _moment(said: Mapping[str, str]) -> datetime:
    if "date" in said:
        zone = ZoneInfo(said.get("timeZone", "UTC"))
        return datetime.fromisoformat(said["date"]).replace(tzinfo=zone).astimezone(UTC)
    return _read(said["dateTime"])


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _said(moment: datetime) -> dict[str, str]:
    return {"dateTime": _stamp(moment), "timeZone": "UTC"}


def _stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _error(reason: str) -> dict[str, Any]:
    return {"errors": [{"domain": "global", "reason": reason}], "busy": []}
