"""The employee's own page: meetings, actions, helpers, moving, pausing, and who has seen what."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import abort, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from daemon.core import followup
from daemon.core.agreement import Record, Side, open_actions
from daemon.core.conversation import Answer
from daemon.core.domain import (
    Action,
    Because,
    Meeting,
    Owner,
    Progress,
    Reason,
    State,
    Uid,
    email,
)
from daemon.core.points import CHOSEN, Point, points
from daemon.store import (
    access,
    agreements,
    answers,
    conversations,
    explanations,
    handover,
    helpers,
    pairs,
)
from daemon.store.explanations import Told
from daemon.store.handover import Handover
from daemon.store.helpers import HelperState, Request, TooMany
from daemon.web import forms
from daemon.web.acts import change
from daemon.web.prepare import lacks_reason, progressed
from daemon.web.site import Door, Route, Seat

LONGEST_PAUSE = timedelta(days=366)


def routes() -> Iterable[Route]:
    """Everything the employee can do without their manager."""
    base = f"/{Door.EMPLOYEE}/<ref>"
    yield Route(f"{base}/", show, Door.EMPLOYEE)
    yield Route(f"{base}/seen", seen, Door.EMPLOYEE)
    for name, act in (
        ("move", move),
        ("snooze", snooze),
        ("pause", pause),
        ("resume", resume),
        ("again", again),
        ("actions", actions),
        ("helpers", bring_in),
        ("helpers/back", take_back),
        ("handover", choose),
    ):
        yield Route(f"{base}/{name}", act, Door.EMPLOYEE, ("POST",))


@dataclass(frozen=True, slots=True)
class Kept:
    """How many promises of one owner were kept, out of those that are settled or overdue."""

    owner: Owner
    done: int
    all: int


def show(seat: Seat) -> str:
    """Show where the employee stands: next and past talks, actions, people who help."""
    with seat.app.database.reading() as conn:
        box = seat.app.vault.box(conn, seat.pair)
        record = agreements.current(conn, box, seat.pair)
        asked = helpers.of(conn, seat.app.vault, seat.pair.employee)
        given = handover.of(conn, seat.pair)
        mine = answers.of(conn, box, seat.pair, Side.EMPLOYEE)
        old = _of_before(seat, conn, given)
        offers = conversations.offers(conn, seat.coming.uid) if seat.coming else ()
        told = explanations.of(conn, seat.pair)
        wanted = seat.coming is not None and answers.is_prepared(conn, seat.coming.uid)
    why = next((one for one in told if _holds(seat, one)), None)
    return seat.page(
        "my_page.html",
        record=record,
        actions=open_actions(record, seat.today),
        kept=[_kept(record, owner, seat.today) for owner in Owner],
        helpers=asked,
        unasked=unasked(seat, record),
        states=HelperState,
        handover=given if given and given.chosen_at is None else None,
        carried=_carried(seat, mine),
        old_statements=old.statements,
        offers=offers,
        why=why,
        points=_points(seat, why),
        prepared=wanted,
        error=request.args.get("error", ""),
        done=request.args.get("done", ""),
        most_questions=range(helpers.MOST_QUESTIONS),
    )


def _of_before(seat: Seat, conn: Connection, given: Handover | None) -> Record:
    if given is None:
        return Record()
    return agreements.current(conn, seat.app.vault.box(conn, given.old), given.old)


def _holds(seat: Seat, told: Told) -> bool:
    """Tell whether an explanation is about how things stand now."""
    if seat.coming is None:
        return told.uid is None and seat.today <= told.until
    return told.uid == seat.coming.uid and seat.coming.reason.because not in CHOSEN


def _points(seat: Seat, why: Told | None) -> tuple[Point, ...]:
    """What there is to say about the time of the coming talk."""
    if why is None or seat.coming is None:
        return ()
    late = seat.coming.late
    return points(late=late, away=why.away, company=why.company, unmet=why.unmet)


def _kept(record: Record, owner: Owner, today: date) -> Kept:
    due = [a for a in record.actions if a.owner is owner]
    settled = [a for a in due if a.progress is not Progress.OPEN or a.due < today]
    return Kept(owner, sum(a.progress is Progress.DONE for a in settled), len(settled))


def _carried(seat: Seat, mine: dict[str, Answer]) -> list[tuple[str, str]]:
    return [(item.id, item.title) for item in seat.checklist.items if item.id in mine]


def seen(seat: Seat) -> str:
    """Show who saw, changed or exported what; never the words."""
    with seat.app.database.reading() as conn:
        entries = access.seen(conn, seat.pair.employee)
    return seat.page("seen.html", entries=entries)


# --- the meeting ----------------------------------------------------------------------------


def move(seat: Seat) -> Response:
    """Move the coming talk to one of the offered times."""
    meeting = _coming(seat)
    start = _instant(request.form.get("start", ""))
    with seat.app.database.reading() as conn:
        offers = conversations.offers(conn, meeting.uid)
    if start not in [slot.start for slot in offers] or start is None or start <= seat.now:
        return seat.to("/?error=gone")
    change(seat, meeting.uid, lambda m: followup.shift(m, start, seat.now, Reason(Because.WISH)))
    seat.audit("moved", "meeting")
    return seat.to("/?done=moved")


def snooze(seat: Seat) -> Response:
    """Move the coming talk by a week, at the same time on the wall; where that is taken the loop
    finds another."""
    meeting = _coming(seat)
    start = week_later(meeting)
    change(seat, meeting.uid, lambda m: followup.shift(m, start, seat.now, Reason(Because.WISH)))
    seat.audit("moved", "meeting")
    return seat.to("/?done=moved")


def week_later(meeting: Meeting) -> datetime:
    """The same wall-clock time seven days on, in the zone the meeting was booked in."""
    local = meeting.start.astimezone(ZoneInfo(meeting.zone))
    return (local + timedelta(days=7)).astimezone(UTC)


def pause(seat: Seat) -> Response:
    """Book nothing until a day; a booked talk falls."""
    until = forms.day(request.form, "until")
    if until is None or not seat.today <= until <= seat.today + LONGEST_PAUSE:
        return seat.to("/?error=until")
    with seat.app.database.writing() as conn:
        pairs.pause(conn, seat.pair, until)
    return _done(seat, "paused")


def resume(seat: Seat) -> Response:
    """Go on before the pause is over."""
    with seat.app.database.writing() as conn:
        pairs.pause(conn, seat.pair, None)
    return _done(seat, "resumed")


def again(seat: Seat) -> Response:
    """Let careloop look for a time once more after it had given up."""
    fallen = [m for m in seat.meetings if m.state is State.CANCELLED]
    if seat.coming is None and fallen:
        change(seat, fallen[-1].uid, followup.ask_again)
    return _done(seat, "again")


def _coming(seat: Seat) -> Meeting:
    meeting = seat.coming
    if meeting is None or meeting.start <= seat.now or seat.ended:
        abort(404)
    return meeting


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _done(seat: Seat, what: str) -> Response:
    seat.audit(what, "meeting")
    seat.app.wake()
    return seat.to(f"/?done={what}")


# --- actions and people ---------------------------------------------------------------------


def actions(seat: Seat) -> Response:
    """Keep the progress of the employee's and the helpers' actions."""
    with seat.app.database.writing() as conn:
        box = seat.app.vault.make(conn, seat.pair, seat.now)
        record = agreements.current(conn, box, seat.pair)
        own = (Owner.EMPLOYEE, Owner.SPHERE)
        agreements.keep(conn, box, seat.pair, progressed(record, request.form, own))
    seat.audit("changed", "actions")
    lacking = lacks_reason(record, request.form, own)
    return seat.to("/?error=reason" if lacking else "/?done=actions#actions")


def unasked(seat: Seat, record: Record) -> tuple[Action, ...]:
    """Open actions of somebody else whose address is known and whom nobody has asked yet."""
    with seat.app.database.reading() as conn:
        asked = {x.action_id for x in helpers.of(conn, seat.app.vault, seat.pair.employee)}
    theirs = (a for a in record.actions if a.owner is Owner.SPHERE and a.helper_email)
    return tuple(a for a in theirs if a.progress is Progress.OPEN and a.id not in asked)


def bring_in(seat: Seat) -> Response:
    """Ask somebody of the sphere of influence: one of the actions, or up to three questions."""
    address = forms.words(request.form, "email")
    questions = tuple(
        q
        for n in range(helpers.MOST_QUESTIONS)
        if (q := forms.words(request.form, f"question.{n}"))
    )
    with seat.app.database.writing() as conn:
        box = seat.app.vault.make(conn, seat.pair, seat.now)
        record = agreements.current(conn, box, seat.pair)
        action = next((a for a in record.actions if a.id == request.form.get("action")), None)
        if not forms.ADDRESS.fullmatch(address) or not (action or questions):
            return seat.to("/?error=helper#people")
        asked = Request(
            id=helpers.new_id(),
            uid=_about(seat),
            pair=seat.pair,
            number=0,
            email=email(address),
            state=HelperState.ASKED,
            asked_at=seat.now,
            expires_at=seat.now + helpers.LIFE,
            name=forms.words(request.form, "name"),
            action=action.what if action else "",
            action_id=action.id if action else None,
            questions=() if action else questions,
        )
        try:
            helpers.ask(conn, box, asked)
        except TooMany:
            return seat.to("/?error=many#people")
    seat.audit("asked", "helper")
    seat.app.wake()
    return seat.to("/?done=asked#people")


def _about(seat: Seat) -> Uid:
    known = seat.coming or (seat.meetings[-1] if seat.meetings else None)
    if known is None:
        abort(404)
    return known.uid


def take_back(seat: Seat) -> Response:
    """Take a request back; its link opens nothing any more."""
    with seat.app.database.writing() as conn:
        helpers.take_back(conn, seat.pair, request.form.get("id", ""))
    seat.audit("took back", "helper")
    return seat.to("/#people")


def choose(seat: Seat) -> Response:
    """Choose what of the past the new manager may see."""
    with seat.app.database.writing() as conn:
        given = handover.of(conn, seat.pair)
        if given is None or given.chosen_at is not None:
            abort(404)
        items = request.form.getlist("item")
        handover.choose(
            conn, seat.app.vault, given, items, request.form.getlist("statement"), seat.now
        )
    seat.audit("handed over", "history")
    return seat.to("/?done=handover")
