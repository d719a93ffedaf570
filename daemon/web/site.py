"""What every page stands on: the doors, who stands in front of them, and how a page is written."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from flask import g, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from daemon.core import followup
from daemon.core.agreement import Record, Side, Statement
from daemon.core.checklist import Checklist
from daemon.core.conversation import bases, role_lines
from daemon.core.days import today
from daemon.core.domain import Email, Meeting, Pair, Person, State
from daemon.letters.language import Language, language, language_of
from daemon.store import access, helpers, pairs, people
from daemon.store.access import Entry, Session
from daemon.store.helpers import Request
from daemon.web.words import translations
from daemon.wiring import App

COOKIE = "careloop"
SESSION_LIFE = timedelta(hours=8)


class Door(StrEnum):
    """Who may open a page; the value is the first part of its path."""

    ANYONE = ""
    EMPLOYEE = "e"
    MANAGER = "m"
    HELPER = "h"
    SIGN_IN = "sign-in"
    PEOPLE_TEAM = "overview"


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody in front of a page: anyone at first, the doors tell more."""

    app: App
    now: datetime
    language: Language

    def page(self, template: str, **words: Any) -> str:
        """Write a page in the visitor's language."""
        g.words = translations(self.language.tag)
        return render_template(template, visit=self, lang=self.language, **words)


@dataclass(frozen=True, slots=True)
class Seat(Visit):
    """One of the two at the table."""

    side: Side
    pair: Pair
    employee: Person
    manager: Person
    meetings: tuple[Meeting, ...]
    paused_until: date | None
    ended: bool
    """Another manager took over; only the employee still comes here."""

    @property
    def me(self) -> Person:
        """Who is looking."""
        return self.employee if self.side is Side.EMPLOYEE else self.manager

    @property
    def other(self) -> Person:
        """Who sits across."""
        return self.manager if self.side is Side.EMPLOYEE else self.employee

    @property
    def root(self) -> str:
        """Where their pages begin."""
        door = Door.EMPLOYEE if self.side is Side.EMPLOYEE else Door.MANAGER
        return f"/{door}/{reference(self.pair)}"

    @property
    def today(self) -> date:
        """The day it is where they are."""
        return today(self.now, self.me.zone)

    @property
    def coming(self) -> Meeting | None:
        """The next meeting."""
        ahead = (m for m in self.meetings if m.state is State.BOOKED and m.end > self.now)
        return min(ahead, key=lambda m: m.start, default=None)

    @property
    def under_way(self) -> bool:
        """Whether the coming talk has begun."""
        return self.coming is not None and self.coming.start <= self.now

    @property
    def paused(self) -> bool:
        """Whether nothing is booked today; a booked talk falls with the next turn."""
        return self.paused_until is not None and self.paused_until >= self.today

    @property
    def unsaid(self) -> Meeting | None:
        """The last talk, if nobody has said whether they met."""
        return followup.unsaid(self.meetings, self.now)

    @property
    def at_hand(self) -> Meeting | None:
        """The talk a record is about: the one that is under way, else the last one they had, else
        the next."""
        had = (m for m in self.meetings if m.state is not State.MISSED)
        last = None if self.under_way else followup.latest(had, self.now)
        return last or self.coming

    @property
    def past(self) -> tuple[Meeting, ...]:
        """Every talk that is over, the latest first."""
        over = (m for m in self.meetings if min(m.start, m.over_at) <= self.now)
        return tuple(sorted(over, key=lambda m: (m.day, m.start), reverse=True))

    def record_of(self, meeting: Meeting) -> str:
        """Where the record of a talk is."""
        return f"{self.root}/record/{short(meeting)}"

    @property
    def checklist(self) -> Checklist:
        """The preparation in their language."""
        return self.app.checklist(self.me.language)

    @property
    def role(self) -> tuple[str, ...]:
        """The employee's role, line by line; empty when HR has none."""
        return role_lines(self.app.role_text(self.employee.role))

    @property
    def basis(self) -> dict[str, str]:
        """What the answers rest on today."""
        return bases(self.checklist, self.role, organization(self.app), self.employee.role)

    def meeting(self, number: str) -> Meeting | None:
        """A meeting of this pair by the first part of its uid."""
        return next((m for m in self.meetings if short(m) == number), None)

    def to(self, path: str = "") -> Response:
        """Go on to another of their pages."""
        return redirect(f"{self.root}{path}", 303)

    def audit(self, did: str, what: str) -> None:
        """Note an act, never its words."""
        with self.app.database.writing() as conn:
            access.note(conn, Entry(self.now, self.me.email, did, what), self.pair)

    def note_once(self, did: str, what: str) -> None:
        """Note a look, once a day."""
        entry = Entry(self.now, self.me.email, did, what)
        with self.app.database.reading() as conn:
            known = access.noted(conn, entry, self.pair)
        if not known:
            self.audit(did, what)

    def saw(self, what: str) -> None:
        """Note that the manager looked."""
        if self.side is Side.MANAGER:
            self.note_once("saw", what)


@dataclass(frozen=True, slots=True)
class Help(Visit):
    """A helper in front of their one request."""

    request: Request
    employee: Person


@dataclass(frozen=True, slots=True)
class Welcome(Visit):
    """Somebody with a sign-in link that is not used up yet."""

    id: str
    person: Email


@dataclass(frozen=True, slots=True)
class Team(Visit):
    """A member of the people team."""

    person: Email


View = Callable[..., Response | str | tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Route:
    """One page or act: where, how, who may, and how often."""

    path: str
    view: View
    door: Door
    methods: tuple[str, ...] = ("GET",)
    limit: str = ""
    every: bool = False
    """Every try counts against the limit, not only refused ones."""


def organization(app: App) -> tuple[str, ...]:
    """The organisation's vision, goals and values, one line each."""
    o = app.config.organization
    return tuple(line for line in (o.vision, *o.goals, *o.values) if line)


def on_top(seat: Seat, record: Record) -> tuple[Statement, ...]:
    """What both agreed that success is: it leads every page about the talk until replaced."""
    wanted = seat.checklist.on_top
    return tuple(s for s in record.statements if s.agreed and s.topic in wanted)


def reference(pair: Pair) -> str:
    """A short name of a pair for the address bar; it opens nothing by itself."""
    digest = hashlib.sha256(f"{pair.employee}\n{pair.manager}".encode()).digest()
    return base64.b32hexencode(digest[:10]).decode().lower()


def short(meeting: Meeting) -> str:
    """A meeting's name for the address bar."""
    return meeting.uid.partition("@")[0]


# --- who stands there -----------------------------------------------------------------------


def admit(app: App, door: Door, words: dict[str, str]) -> Visit | None:
    """Find out who is at the door; None: they may not come in, and do not learn why. Takes the
    door's own part (`ref`) out of the words of the path."""
    now = app.clock()
    if door is Door.ANYONE:
        return Visit(app, now, language(_browser_language()))
    with app.database.reading() as conn:
        session = access.session(conn, request.cookies.get(COOKIE, ""), now)
    ref = words.pop("ref", "")
    if session is None or session.role != door:
        return None
    return _ADMIT[door](app, session, ref, now)


def _pair(app: App, session: Session, ref: str, now: datetime) -> Seat | None:
    pair = Pair(*(Email(part) for part in session.subject.split(" ")))
    return seat(app, pair, session.person, now) if reference(pair) == ref else None


def seat(app: App, pair: Pair, person: Email, now: datetime) -> Seat | None:
    """The seat a person has at a pair's table now. A manager loses it with the pair, and whoever
    left the company has none."""
    with app.database.reading() as conn:
        known = people.some(conn, [pair.employee, pair.manager])
        history = pairs.history(conn, pair)
        here = people.present(conn, person)
    if history is None or not here or len(known) < 2:
        return None
    side = Side.EMPLOYEE if person == pair.employee else Side.MANAGER
    if side is Side.MANAGER and (history.ended is not None or person != pair.manager):
        return None
    return Seat(
        app=app,
        now=now,
        language=language_of(known[person]),
        side=side,
        pair=pair,
        employee=known[pair.employee],
        manager=known[pair.manager],
        meetings=history.meetings,
        paused_until=history.paused_until,
        ended=history.ended is not None,
    )


def _helper(app: App, session: Session, ref: str, now: datetime) -> Help | None:
    if session.subject != ref:
        return None
    with app.database.reading() as conn:
        found = helpers.by_id(conn, app.vault, ref)
        known = people.some(conn, [found.pair.employee]) if found else {}
    if found is None or not known or not found.open_at(now):
        return None
    employee = known[found.pair.employee]
    return Help(app, now, language_of(employee), found, employee)


def _welcome(app: App, session: Session, ref: str, now: datetime) -> Welcome | None:
    if session.subject != ref or not is_member(app, session.person):
        return None
    spoken = language(app.config.organization.language)
    return Welcome(app, now, spoken, ref, session.person)


def _team(app: App, session: Session, _ref: str, now: datetime) -> Team | None:
    if not is_member(app, session.person):
        return None
    return Team(app, now, language(app.config.organization.language), session.person)


def is_member(app: App, person: Email) -> bool:
    """Tell whether somebody belongs to the people team today."""
    return person in {member.strip().lower() for member in app.config.people_team.members}


_ADMIT: Mapping[Door, Callable[[App, Session, str, datetime], Visit | None]] = {
    Door.EMPLOYEE: _pair,
    Door.MANAGER: _pair,
    Door.HELPER: _helper,
    Door.SIGN_IN: _welcome,
    Door.PEOPLE_TEAM: _team,
}


def let_in(app: App, session: Session, path: str, now: datetime) -> Response:
    """Open a session whose cookie only the pages below `path` get, and go there by a clean
    address. `path` ends at the door's own part; what follows `#` is where to go within."""
    scope, _, rest = path.partition("#")
    with app.database.writing() as conn:
        token = access.open_session(conn, session, now, SESSION_LIFE)
    answer = make_response(redirect(scope + rest, 303))
    answer.set_cookie(
        COOKIE,
        token,
        max_age=SESSION_LIFE,
        path=scope,
        secure=app.config.web.url.startswith("https:"),
        httponly=True,
        samesite="Lax",
    )
    return answer


def _browser_language() -> str:
    return request.accept_languages.best_match(("en", "de", "fr", "es")) or "en"
