"""The entry: a letter's link becomes a short session and a clean address."""

from collections.abc import Iterable

from flask import abort
from werkzeug.wrappers import Response

from daemon.core.agreement import Side, side_of
from daemon.core.domain import Meeting, Pair
from daemon.links import Link, Purpose
from daemon.store import meetings, pairs
from daemon.store.access import Session
from daemon.web.site import Door, Route, Visit, let_in, reference, seat, short

ANYONE = Door.ANYONE
BAD_LINKS = "30 per minute"


def routes() -> Iterable[Route]:
    """Links and the words of thanks."""
    yield Route("/l/<token>", follow, ANYONE, limit=BAD_LINKS)
    yield Route("/", home, ANYONE)
    yield Route("/thanks", thanks, ANYONE)


def home(visit: Visit) -> str:
    """Say what this is; there is nothing to sign in to."""
    return visit.page("home.html")


def thanks(visit: Visit) -> str:
    """Thank a helper, whose request is closed now."""
    return visit.page("thanks.html")


def follow(visit: Visit, token: str) -> Response:
    """Exchange a link for a session. Nothing else changes: scanners follow links too."""
    link = visit.app.links.read(token, visit.now)
    if link is None:
        abort(404)
    if link.purpose is Purpose.HELPER:
        return _enter(visit, Door.HELPER, link, link.uid, f"/h/{link.uid}")
    if link.purpose is Purpose.SIGN_IN:
        # only the button on that page uses the link up
        return _enter(visit, Door.SIGN_IN, link, link.uid, f"/sign-in/{link.uid}")
    return _to_the_table(visit, link)


def _enter(visit: Visit, door: Door, link: Link, subject: str, path: str) -> Response:
    return let_in(visit.app, Session(door, link.person, subject), path, visit.now)


def _to_the_table(visit: Visit, link: Link) -> Response:
    with visit.app.database.reading() as conn:
        meeting = meetings.by_uid(conn, link.uid)
        pair = meeting.pair if meeting else pairs.current(conn, link.person)
    side = side_of(pair, link.person) if pair else None
    if pair is None or side is None or seat(visit.app, pair, link.person, visit.now) is None:
        abort(404)
    door = Door.EMPLOYEE if side is Side.EMPLOYEE else Door.MANAGER
    scope = f"/{door}/{reference(pair)}"
    return _enter(visit, door, link, subject(pair), f"{scope}#{_within(link.purpose, meeting)}")


def subject(pair: Pair) -> str:
    """How a session names a pair."""
    return f"{pair.employee} {pair.manager}"


def _within(purpose: Purpose, meeting: Meeting | None) -> str:
    if purpose is Purpose.RECORD and meeting is not None:
        return f"/record/{short(meeting)}"
    return "/prepare" if purpose is Purpose.PREPARE else "/"
