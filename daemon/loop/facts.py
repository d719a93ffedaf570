"""Gather what one letter says: the rows and words behind a `Letter`, sealed things opened."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import Connection

from daemon.core.agreement import Change, side_of
from daemon.core.conversation import bases, role_lines
from daemon.core.days import today
from daemon.core.domain import (
    Action,
    Due,
    Email,
    Evidence,
    History,
    Kind,
    Letter,
    LetterKind,
    Meeting,
    Owner,
    Pair,
    Person,
    ResourceKind,
    State,
    Uid,
)
from daemon.letters import Facts, Point, Shared
from daemon.links import Purpose
from daemon.store import agreements, conversations, helpers
from daemon.wiring import App

DOORS = {
    LetterKind.PREP: Purpose.PREPARE,
    LetterKind.NUDGE: Purpose.PREPARE,
    LetterKind.BRIEF: Purpose.BRIEF,
    LetterKind.RECORD: Purpose.RECORD,
    LetterKind.SUMMARY: Purpose.RECORD,
    LetterKind.HELPER: Purpose.HELPER,
    LetterKind.SIGN_IN: Purpose.SIGN_IN,
}
"""Where a letter's link leads, if not to the reader's own page."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A letter that is owed, with the pair and the meeting it is about."""

    letter: Letter
    pair: Pair
    meeting: Meeting | None = None
    history: History | None = None
    gap: Due | None = None
    since: int = 0
    """summary: the last revision this reader was sent; 0: none."""
    request: str = ""
    """The id of a helper's request or of a sign-in: what the letter's link opens."""


def facts(
    app: App, conn: Connection, errand: Errand, people: Mapping[Email, Person], now: datetime
) -> Facts:
    """Tell everything the letter says; the same rows give the same facts."""
    letter = errand.letter
    employee = people.get(errand.pair.employee) or guest(letter.to, "", app)
    manager = people.get(errand.pair.manager)
    to = people.get(letter.to) or guest(letter.to, "", app, employee)
    base = Facts(
        letter=letter,
        to=to,
        employee=employee,
        manager=manager,
        meeting=errand.meeting,
        now=now,
        link=_link(app, errand, now),
        page=_page(app, errand, now),
        revision=letter.revision,
        reason=errand.meeting.reason if errand.meeting else None,
    )
    said = _SAID.get(letter.kind)
    return said(app, conn, errand, base) if said else base


def _link(app: App, errand: Errand, now: datetime) -> str:
    if errand.letter.kind in (LetterKind.MOVED, LetterKind.OVERDUE):
        return _page(app, errand, now)
    about = Uid(errand.request) if errand.request else errand.letter.uid
    return app.links.make(DOORS[errand.letter.kind], errand.letter.to, about, now)


def _page(app: App, errand: Errand, now: datetime) -> str:
    """The reader's own page; none for those who have none."""
    if errand.request:
        return ""
    theirs = Purpose.MY_PAGE if errand.letter.to == errand.pair.employee else Purpose.BRIEF
    return app.links.make(theirs, errand.letter.to, errand.letter.uid, now)


def guest(address: Email, name: str, app: App, like: Person | None = None) -> Person:
    """Somebody who is not on the roster; they read in the language and zone of whoever asks."""
    organization = app.config.organization
    return Person(
        email=address,
        name=name or address.partition("@")[0],
        zone=like.zone if like else organization.zone,
        language=like.language if like else organization.language,
    )


def _prep(app: App, conn: Connection, errand: Errand, base: Facts) -> Facts:
    assert errand.meeting is not None
    employee = base.employee
    checklist = app.checklist(employee.language)
    organization = app.config.organization
    resting = bases(
        checklist,
        role_lines(app.role_text(employee.role)),
        tuple(x for x in (organization.vision, *organization.goals, *organization.values) if x),
        employee.role,
    )
    prep = conversations.for_prep(
        conn, app.vault, errand.pair, errand.meeting.kind, checklist, resting, base.now
    )
    points = tuple(Point(p.title, p.text) for p in prep.points)
    aligning = errand.meeting.kind is Kind.ALIGNMENT
    lacking = _lacking(conn, errand) if aligning else base.lacking
    return replace(base, points=points, actions=prep.actions, lacking=lacking)


def _brief(app: App, conn: Connection, errand: Errand, base: Facts) -> Facts:
    day = today(base.now, base.to.zone)
    checklist = app.checklist(base.to.language)
    brief = conversations.for_brief(conn, app.vault, errand.pair, checklist, day)
    shared = tuple(Shared(p.title, p.text) for p in brief.points)
    lacking = _lacking(conn, errand)
    return replace(base, shared=shared, actions=brief.promises, lacking=lacking)


def _lacking(conn: Connection, errand: Errand) -> tuple[int, int]:
    """How many ticks are missing: the reader's, and the other one's."""
    missing = agreements.lacking(conn, errand.pair)
    side = side_of(errand.pair, errand.letter.to)
    return (missing[side], missing[side.other]) if side else (0, 0)


def _summary(app: App, conn: Connection, errand: Errand, base: Facts) -> Facts:
    meeting = errand.meeting
    assert meeting is not None
    day = today(base.now, base.to.zone)
    said = conversations.for_summary(
        conn,
        app.vault,
        errand.pair,
        meeting.uid,
        errand.letter.revision,
        day,
        errand.since,
        app.checklist(base.to.language).on_top,
    )
    return replace(
        base,
        actions=said.actions,
        agreed=said.agreed,
        differing=tuple(d.text for d in said.differing),
        waiting=said.open,
        lacking=_lacking(conn, errand),
        resources=tuple(_resource(r.what, r.who, r.by) for r in said.resources),
        changes=tuple(_change(c) for c in said.changes),
        next_meeting=_next(errand.history, base.now),
        recorded=errand.letter.revision > 0,
        asked=not errand.letter.revision and _asked_to_record(conn, errand),
        revision=errand.letter.revision if errand.since else min(errand.letter.revision, 1),
        inferred=meeting.evidence in (None, Evidence.INFERRED),
    )


def _record(_app: App, conn: Connection, errand: Errand, base: Facts) -> Facts:
    asked = _asked_to_record(conn, errand)
    return replace(base, asked=asked, lacking=_lacking(conn, errand))


def _asked_to_record(conn: Connection, errand: Errand) -> bool:
    """Tell whether this reader is the employee, and the manager waits for their record."""
    if errand.letter.to != errand.pair.employee:
        return False
    return agreements.asked_to_record(conn, errand.letter.uid) is not None


def _moved(_app: App, _conn: Connection, errand: Errand, base: Facts) -> Facts:
    assert errand.meeting is not None
    return replace(base, moved_from=errand.meeting.moved_from)


def _overdue(app: App, _conn: Connection, errand: Errand, base: Facts) -> Facts:
    link = app.links.make(Purpose.MY_PAGE, base.to.email, errand.letter.uid, base.now)
    reason = errand.gap.reason if errand.gap else base.reason
    return replace(base, reason=reason, choices={"ask": link, "help": link, "pause": link})


def _helper(app: App, conn: Connection, errand: Errand, base: Facts) -> Facts:
    request = helpers.by_id(conn, app.vault, errand.request)
    if request is None:
        raise ValueError("the request was taken back")
    name = request.name or base.to.name
    asked = _asked(app, conn, request)
    return replace(
        base,
        to=replace(base.to, name=name),
        helper_name=name,
        actions=(asked,) if asked else (),
        questions=request.questions,
        note=request.note,
    )


def _asked(app: App, conn: Connection, request: helpers.Request) -> Action | None:
    """The action a helper is asked for, as the record has it."""
    if not request.action:
        return None
    box = app.vault.box(conn, request.pair)
    known = agreements.current(conn, box, request.pair).actions if box else ()
    found = next((action for action in known if action.id == request.action_id), None)
    return found or Action(
        id=request.id,
        what=request.action,
        owner=Owner.SPHERE,
        due=request.expires_at.date(),
        needs=ResourceKind.NOTHING,
    )


_SAID = {
    LetterKind.PREP: _prep,
    LetterKind.NUDGE: _prep,
    LetterKind.BRIEF: _brief,
    LetterKind.RECORD: _record,
    LetterKind.SUMMARY: _summary,
    LetterKind.MOVED: _moved,
    LetterKind.OVERDUE: _overdue,
    LetterKind.HELPER: _helper,
}


def _next(history: History | None, now: datetime) -> Meeting | None:
    ahead = [
        m
        for m in (history.meetings if history else ())
        if m.state is State.BOOKED and m.start > now
    ]
    return min(ahead, key=lambda m: m.start, default=None)


def _resource(what: str, who: str, by: date | None) -> str:
    return ", ".join(part for part in (what, who, by.isoformat() if by else "") if part)


def _change(change: Change) -> str:
    """A difference without words of any language: was -> is, + new, - gone."""
    if change.was and change.text and change.was != change.text:
        return f"{change.was} → {change.text}"
    return f"+ {change.text}" if change.text else f"− {change.was}"
