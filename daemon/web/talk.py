"""The record page, for either of the two: did we meet, what did we agree, who does what."""

import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from flask import abort, request
from werkzeug.wrappers import Response

from daemon.core import followup, owed
from daemon.core.agreement import Record, Resource, Side, Statement, changes, revise
from daemon.core.checklist import Item, ItemKind
from daemon.core.conversation import Answer, Mark, Topic, agenda, may_record
from daemon.core.domain import (
    Action,
    Evidence,
    Interval,
    Kind,
    Letter,
    LetterKind,
    Meeting,
    Owner,
    Person,
    Progress,
    ResourceKind,
    State,
)
from daemon.store import agreements, answers, conversations, meetings, outbox, trainings
from daemon.store.agreements import Revision
from daemon.web import forms, hr
from daemon.web.acts import change
from daemon.web.forms import Wrong
from daemon.web.my_page import unasked
from daemon.web.site import Door, Route, Seat, on_top, short

BLANKS = 1
"""Empty lines offered for each kind of thing."""

LONGEST_AGO = timedelta(days=90)
"""How long ago a talk may be that people report."""


def routes() -> Iterable[Route]:
    """The same page for both, each behind their own door."""
    for door in (Door.EMPLOYEE, Door.MANAGER):
        base = f"/{door}/<ref>/record/<meeting>"
        yield Route(base, show, door)
        yield Route(base, save, door, ("POST",))
        yield Route(f"{base}/met", met, door, ("POST",))
        yield Route(f"{base}/revisions", revisions, door)
    yield Route(f"/{Door.MANAGER}/<ref>/record/<meeting>/ask", ask, Door.MANAGER, ("POST",))


@dataclass(frozen=True, slots=True)
class Table:
    """Everything on the table of one talk."""

    meeting: Meeting
    record: Record
    agenda: tuple[Topic, ...]
    wishes: Record
    """What the employee's shared answers propose and nobody has taken up yet."""
    revisions: tuple[Revision, ...]
    revision: int
    may_record: bool
    asked: bool
    """The manager has asked the employee to record."""
    offers: tuple[Interval, ...]


def table(seat: Seat, meeting: Meeting) -> Table:
    """Read what is on the table."""
    with seat.app.database.reading() as conn:
        box = seat.app.vault.box(conn, seat.pair)
        mine = answers.of(conn, box, seat.pair, Side.EMPLOYEE)
        theirs = answers.of(conn, box, seat.pair, Side.MANAGER)
        record = agreements.current(conn, box, seat.pair)
        saved = agreements.revisions(conn, box, seat.pair)
        last = agreements.last_revision(conn, meeting.uid)
        spoke = (
            meeting.evidence in (Evidence.EMPLOYEE, Evidence.ATTESTED)
            or answers.is_prepared(conn, meeting.uid)
            or agreements.saved_by(conn, meeting.uid, Side.EMPLOYEE)
            or (meeting.kind is Kind.ALIGNMENT and any(r.side is Side.EMPLOYEE for r in saved))
        )
        asked = agreements.asked_to_record(conn, meeting.uid) is not None
        offers = conversations.offers(conn, seat.coming.uid) if seat.coming else ()
    return Table(
        meeting=meeting,
        record=record,
        agenda=agenda(seat.checklist, mine, theirs, seat.side),
        wishes=_wishes(seat, mine, record, saved),
        revisions=saved,
        revision=last,
        may_record=may_record(seat.side, employee_spoke=spoke),
        asked=asked,
        offers=offers,
    )


# --- what the preparation proposes ----------------------------------------------------------


def _wishes(
    seat: Seat, mine: dict[str, Answer], record: Record, saved: tuple[Revision, ...]
) -> Record:
    last = saved[-1].at if saved else None
    fresh = [
        (item, mine[item.id])
        for item in seat.checklist.items
        if item.id in mine and mine[item.id].shared and (last is None or mine[item.id].at > last)
    ]
    topics = {statement.topic for statement in record.statements}
    return Record(
        statements=tuple(
            Statement(secrets.token_hex(8), item.id, text)
            for item, answer in fresh
            if item.agree and item.id not in topics and (text := as_statement(answer))
        ),
        actions=tuple(_wished_actions(seat, fresh)),
        resources=tuple(_wished_resources(seat, fresh)),
    )


def as_statement(answer: Answer) -> str:
    """The words of an answer that two can agree on: its text, its drafts, or the role's lines."""
    lines = [line for line, mark in answer.marks.items() if mark is not Mark.NOT_MINE]
    return answer.text or "\n".join(d for d in answer.drafts if d) or "\n".join(lines)


def _wished_actions(seat: Seat, fresh: list[tuple[Item, Answer]]) -> Iterator[Action]:
    for item, answer in fresh:
        if item.kind is ItemKind.ACTIONS:
            for row in answer.rows:
                yield Action(
                    id=secrets.token_hex(8),
                    what=row.what,
                    owner=item.owner or Owner.EMPLOYEE,
                    due=row.by or next_day(seat),
                    needs=row.needs or ResourceKind.NOTHING,
                    helper_name=row.who if item.owner is Owner.SPHERE else "",
                )


def _wished_resources(seat: Seat, fresh: list[tuple[Item, Answer]]) -> Iterator[Resource]:
    for item, answer in fresh:
        if item.kind is ItemKind.NEEDS:
            for row in answer.rows:
                kind = item.needs or ResourceKind.PEOPLE
                who, by = row.who or seat.manager.name, row.by or next_day(seat)
                yield Resource(secrets.token_hex(8), kind, row.what, who, by)


def next_day(seat: Seat) -> date:
    """By when a new action is due if nobody says otherwise: the next talk, or a month on."""
    if seat.coming is not None and seat.coming.start > seat.now:
        return seat.coming.day
    return seat.today + timedelta(days=seat.app.config.cadence.min_days)


# --- the page -------------------------------------------------------------------------------


def show(seat: Seat, meeting: str) -> str:
    """Show the talk: whether it was held, the agenda, and the record to fill in."""
    found = _meeting(seat, meeting)
    seat.saw("record")
    here = table(seat, found)
    return _page(seat, here, _proposed(here), (), int(request.args.get("more", "0") == "1"))


def _proposed(here: Table) -> Record:
    """What stands in the form at first: the record, and beside it what was wished for."""
    record, wishes = here.record, here.wishes
    active = tuple(a for a in record.actions if a.progress is Progress.OPEN)
    return Record(
        (*record.statements, *wishes.statements),
        (*active, *wishes.actions),
        (*record.resources, *wishes.resources),
    )


def mailed(seat: Seat, here: Table) -> tuple[Person, ...]:
    """Who gets this revision by mail: to nobody goes a fifth letter about one talk."""
    with seat.app.database.reading() as conn:
        sent = outbox.entries(conn, (outbox.State.DONE,), here.meeting.uid)
    these = {
        Letter(seat.now, LetterKind.SUMMARY, p.email, here.meeting.uid, here.revision).key
        for p in (seat.me, seat.other)
    }
    count = Counter(x.to for x in sent if x.action is outbox.Action.LETTER and x.key not in these)
    return tuple(p for p in (seat.me, seat.other) if count[p.email] < owed.MOST)


def _page(seat: Seat, here: Table, shown: Record, wrong: tuple[Wrong, ...], more: int) -> str:
    wished = {statement.id for statement in here.wishes.statements}
    return seat.page(
        "record.html",
        here=here,
        shown=shown,
        ticked=wished if seat.side is Side.EMPLOYEE else set(),
        wrong={w.field: w.code for w in wrong},
        more=more > 0,
        blanks=[secrets.token_hex(8) for _ in range(BLANKS + more)],
        next_day=next_day(seat),
        begun=_begun(seat, here.meeting),
        elsewhere=seat.unsaid if seat.unsaid != here.meeting else None,
        trouble=request.args.get("error", ""),
        days=(seat.app.config.cadence.min_days, seat.app.config.cadence.max_days),
        number=short(here.meeting),
        titles={item.id: item.title for item in seat.checklist.items},
        success=on_top(seat, here.record),
        drafted={i.id for i in seat.checklist.items if i.kind is ItemKind.LINES and not seat.role},
        with_hr={s.id for s in here.record.statements if s.for_hr and hr.has(seat, s)},
        topics=seat.app.config.people_team.training_topics,
        saved="saved" in request.args,
        mailed=mailed(seat, here),
        unasked=unasked(seat, here.record),
        earliest=_window(seat, here.meeting),
    )


def _window(seat: Seat, meeting: Meeting) -> tuple[date, date]:
    cadence = seat.app.config.cadence
    day = meeting.day
    return day + timedelta(days=cadence.min_days), day + timedelta(days=cadence.max_days)


def _meeting(seat: Seat, number: str) -> Meeting:
    found = seat.meeting(number)
    if found is None:
        abort(404)
    return found


# --- acts -----------------------------------------------------------------------------------


def met(seat: Seat, meeting: str) -> Response:
    """Note whether and when the talk took place."""
    found = _meeting(seat, meeting)
    said = request.form.get("held")
    on = forms.day(request.form, "on") if said == "other" else None
    if found.state is State.CANCELLED or said not in ("yes", "other", "no"):
        abort(404)
    if said == "other":
        owner = followup.owner_of(on, found, seat.meetings, seat.now) if on else None
        if owner is not None:
            return seat.to(f"/record/{short(owner)}?error=taken")
    if not (_possible(seat, on) if said == "other" else _begun(seat, found)):
        return seat.to(f"/record/{meeting}?error=day")
    if said == "no":
        change(seat, found.uid, lambda m: followup.deny(m, seat.me.email, seat.now))
    else:
        change(seat, found.uid, lambda m: followup.attest(m, seat.me.email, on, seat.now))
    seat.audit("attested", "meeting")
    return seat.to(f"/record/{meeting}")


def _begun(seat: Seat, meeting: Meeting) -> bool:
    """Nobody has met, or failed to, before it began, unless somebody said so."""
    return meeting.start <= seat.now or meeting.state is State.HELD


def _possible(seat: Seat, on: date | None) -> bool:
    return on is not None and seat.today - LONGEST_AGO <= on <= seat.today


def ask(seat: Seat, meeting: str) -> Response:
    """Ask the employee to record, since the manager does not do it alone."""
    found = _meeting(seat, meeting)
    with seat.app.database.writing() as conn:
        agreements.ask_to_record(conn, found.uid, seat.now)
    seat.audit("asked to record", "record")
    seat.app.wake()
    return seat.to(f"/record/{meeting}")


def save(seat: Seat, meeting: str) -> Response | tuple[str, int]:
    """Save the record: a revision both can read. Nothing is kept of a form with a mistake, or of
    one that was opened before the other saved; the page comes back with every word in it."""
    found = _meeting(seat, meeting)
    here = table(seat, found)
    wanted, wrong = forms.record(request.form, seat.side, seat.now)
    if not here.may_record:
        abort(404)
    if "more" in request.form:
        return _page(seat, here, wanted, (), 1), 200
    if request.form.get("based_on") != str(here.revision):
        wrong = (*wrong, Wrong("record", "meanwhile"))
    if found.start > seat.now and found.state is not State.HELD:
        wrong = (*wrong, Wrong("record", "early"))
    if wrong or not _keep(seat, here, wanted):
        wrong = wrong or (Wrong("record", "meanwhile"),)
        return _page(seat, table(seat, found), wanted, wrong, 0), 422
    seat.audit("recorded", "record")
    seat.app.wake()
    return seat.to(f"/record/{meeting}?saved=1")


def _keep(seat: Seat, here: Table, wanted: Record) -> bool:
    """Save in one transaction; False: the other one saved since the page was opened."""
    uid, known = here.meeting.uid, {action.id for action in wanted.actions}
    with seat.app.database.writing() as conn:
        if agreements.last_revision(conn, uid) != here.revision:
            return False
        box = seat.app.vault.make(conn, seat.pair, seat.now)
        before = agreements.current(conn, box, seat.pair)
        revised = revise(before, wanted, seat.side, seat.now)
        past = (a for a in before.actions if a.progress is not Progress.OPEN and a.id not in known)
        whole = replace(revised, actions=(*revised.actions, *past))
        agreements.save(conn, box, seat.pair, uid, whole, seat.side, seat.now)
        topics = _training(whole, seat.app.config.people_team.training_topics)
        trainings.keep(conn, seat.app.vault, seat.pair, topics, seat.now)
        fresh = meetings.by_uid(conn, uid)
        if fresh is not None and fresh.state in (State.BOOKED, State.HELD):
            meetings.save(conn, [followup.attest(fresh, seat.me.email, None, seat.now)])
    hr.hand_in(seat, whole)
    return True


def _training(record: Record, known: Collection[str]) -> set[str]:
    """The topics a record counts for; only those the people team asks about."""
    return {
        r.topic for r in record.resources if r.kind is ResourceKind.TRAINING and r.topic in known
    }


def revisions(seat: Seat, meeting: str) -> str:
    """Show what each save changed, newest first."""
    found = _meeting(seat, meeting)
    seat.saw("revisions")
    saved = table(seat, found).revisions
    before = [Record(), *(revision.record for revision in saved)]
    told = [
        (revision, changes(earlier, revision.record))
        for earlier, revision in zip(before, saved, strict=False)
    ]
    return seat.page("revisions.html", told=list(reversed(told)), number=meeting)
