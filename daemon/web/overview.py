"""The people team's overview: figures only, behind a mailed link that opens it once."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from flask import abort, current_app, make_response, redirect, request
from werkzeug.wrappers import Response

from daemon.core.domain import email
from daemon.store import access, trainings
from daemon.store.access import Entry, Session
from daemon.store.figures import Group, Month, Overview, overview
from daemon.web.site import Door, Route, Team, Visit, Welcome, admit, is_member, let_in

FRESH = timedelta(minutes=5)
SIGN_INS = "10 per hour"
HEADINGS = (
    *("unit", "pairs", "on time", "on time (%)", "of these due", "overdue", "paused"),
    *("median gap (days)", "talks in a year", "of these confirmed by nobody"),
)


def routes() -> Iterable[Route]:
    """Sign in, and look."""
    yield Route("/overview", show, Door.ANYONE)
    yield Route("/overview/sign-in", sign_in, Door.ANYONE, ("POST",), SIGN_INS, every=True)
    yield Route("/sign-in/<ref>", welcome, Door.SIGN_IN)
    yield Route("/sign-in/<ref>", enter, Door.SIGN_IN, ("POST",))
    yield Route("/overview/figures.csv", table, Door.PEOPLE_TEAM)


# --- signing in -----------------------------------------------------------------------------


def sign_in(visit: Visit) -> Response:
    """Ask for a letter with a link. The answer is the same for everybody."""
    person = email(request.form.get("email", "")[:320])
    if is_member(visit.app, person):
        with visit.app.database.writing() as conn:
            access.ask_sign_in(conn, person, visit.now)
        visit.app.wake()
    return redirect("/overview?asked=1", 303)


def welcome(visit: Welcome) -> str:
    """Show the button that uses the link up; opening the page does not."""
    return visit.page("welcome.html")


def enter(visit: Welcome) -> Response:
    """Use the link up and open the overview."""
    with visit.app.database.writing() as conn:
        mine = access.use_sign_in(conn, visit.id, visit.person, visit.now)
        if mine:
            access.note(conn, Entry(visit.now, visit.person, "signed in", "overview"), None)
    if not mine or not is_member(visit.app, visit.person):
        abort(404)
    return let_in(
        visit.app, Session(Door.PEOPLE_TEAM, visit.person, "overview"), "/overview", visit.now
    )


# --- figures --------------------------------------------------------------------------------


class Counted:
    """The figures, counted again at most every five minutes."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: Overview | None = None

    def at(self, visit: Visit) -> Overview:
        """The figures as they were counted last, if that is not long ago."""
        with self._lock:
            if self._known is None or not _fresh(self._known.at, visit.now):
                with visit.app.database.reading() as conn:
                    rules = visit.app.config.cadence.rules()
                    self._known = overview(conn, rules, visit.now)
            return self._known


def _fresh(at: datetime, now: datetime) -> bool:
    return at <= now < at + FRESH


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the chart, in the units of its view box (0 to 100 upwards)."""

    month: Month
    x: float
    height: float


def show(visit: Visit) -> str:
    """Show the figures to a member who signed in; to anybody else the way to sign in."""
    team = admit(visit.app, Door.PEOPLE_TEAM, {})
    if not isinstance(team, Team):
        return visit.page("sign_in.html", asked="asked" in request.args)
    figures = _counted().at(visit)
    with visit.app.database.reading() as conn:
        training = trainings.counts(conn, visit.now)
    return team.page(
        "overview.html", figures=figures, bars=list(_bars(figures.months)), training=training
    )


def _counted() -> Counted:
    counted: Counted = current_app.extensions["careloop_figures"]
    return counted


def _bars(months: Iterable[Month]) -> Iterator[Bar]:
    for place, month in enumerate(months):
        yield Bar(month, place * 50.0, float(month.share or 0))


def table(visit: Team) -> Response:
    """The same figures as a table for a spreadsheet."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(HEADINGS)
    figures = _counted().at(visit)
    for group in (*figures.units, *([figures.everybody] if figures.everybody else [])):
        name = group.name or ("everybody" if group is figures.everybody else "smaller units")
        rows.writerow([safe_cell(name), *_cells(group)])
    answer = make_response(text.getvalue())
    answer.mimetype = "text/csv"
    answer.headers["Content-Disposition"] = 'attachment; filename="careloop.csv"'
    return answer


def _cells(group: Group) -> list[object]:
    """What is too little to tell is an empty cell."""
    counts = (group.pairs, group.on_time, group.share, group.due, group.overdue, group.paused)
    told = (group.gap, group.talks, group.inferred)
    return [*counts, *("" if one is None else one for one in told)]


def safe_cell(text: str) -> str:
    """A cell no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r\n|%" else text
