"""The employee's copy of everything: to read, for a program, for a calendar."""

import json
from collections.abc import Iterable
from typing import Any

from flask import make_response
from icalendar import Calendar, Event, Todo
from werkzeug.wrappers import Response

from daemon.core.agreement import Record
from daemon.core.domain import Progress, State
from daemon.store import agreements
from daemon.store.export import everything
from daemon.web.site import Door, Route, Seat


def routes() -> Iterable[Route]:
    """One copy, three forms."""
    base = f"/{Door.EMPLOYEE}/<ref>/export"
    yield Route(f"{base}.html", to_read, Door.EMPLOYEE)
    yield Route(f"{base}.json", for_programs, Door.EMPLOYEE)
    yield Route(f"{base}.ics", for_calendars, Door.EMPLOYEE)


def to_read(seat: Seat) -> Response:
    """Everything on one page."""
    titles = {item.id: item.title for item in seat.checklist.items}
    page = seat.page("export.html", all=_all(seat), titles=titles)
    return _download(seat, page, "text/html; charset=utf-8", "html")


def for_programs(seat: Seat) -> Response:
    """Everything as JSON, papers in base64."""
    words = json.dumps(_all(seat), ensure_ascii=False, indent=2)
    return _download(seat, words, "application/json", "json")


def for_calendars(seat: Seat) -> Response:
    """Talks as events and open actions as tasks (RFC 5545)."""
    with seat.app.database.reading() as conn:
        box = seat.app.vault.box(conn, seat.pair)
        record = agreements.current(conn, box, seat.pair)
    calendar = Calendar()
    calendar.add("prodid", "-//careloop//export//EN")
    calendar.add("version", "2.0")
    for part in (*_events(seat), *_tasks(seat, record)):
        calendar.add_component(part)
    return _download(seat, calendar.to_ical().decode(), "text/calendar; charset=utf-8", "ics")


def _events(seat: Seat) -> Iterable[Event]:
    for meeting in seat.meetings:
        if meeting.state in (State.BOOKED, State.HELD):
            event = Event()
            event.add("uid", meeting.uid)
            event.add("dtstamp", seat.now)
            if meeting.day == meeting.planned_on:
                event.add("dtstart", meeting.start)
                event.add("dtend", meeting.end)
            else:
                event.add("dtstart", meeting.day)
            event.add("summary", "Performance connection")
            yield event


def _tasks(seat: Seat, record: Record) -> Iterable[Todo]:
    for action in record.actions:
        task = Todo()
        task.add("uid", f"{action.id}@careloop")
        task.add("dtstamp", seat.now)
        task.add("summary", action.what)
        task.add("due", action.due)
        done = action.progress is not Progress.OPEN
        task.add("status", "COMPLETED" if done else "NEEDS-ACTION")
        yield task


def _all(seat: Seat) -> dict[str, Any]:
    with seat.app.database.reading() as conn:
        return everything(conn, seat.app.vault, seat.pair.employee)


def _download(seat: Seat, words: str, kind: str, ending: str) -> Response:
    seat.note_once("exported", ending)
    answer = make_response(words)
    answer.headers["Content-Type"] = kind
    answer.headers["Content-Disposition"] = f'attachment; filename="careloop.{ending}"'
    return answer
