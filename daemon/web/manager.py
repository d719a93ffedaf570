"""The manager's page: what was shared, what to propose beside it, and one's own promises."""

from collections.abc import Iterable

from flask import request
from werkzeug.wrappers import Response

from daemon.core.agreement import Side, open_actions
from daemon.core.conversation import Answer, may_propose
from daemon.core.domain import Owner
from daemon.store import agreements, answers
from daemon.web import forms
from daemon.web.prepare import lacks_reason, progressed
from daemon.web.site import Door, Route, Seat, on_top
from daemon.web.talk import as_statement


def routes() -> Iterable[Route]:
    """The manager's own pages."""
    base = f"/{Door.MANAGER}/<ref>"
    yield Route(f"{base}/", show, Door.MANAGER)
    yield Route(f"{base}/propose", propose, Door.MANAGER, ("POST",))
    yield Route(f"{base}/promises", promises, Door.MANAGER, ("POST",))


def show(seat: Seat) -> str:
    """Show what the employee leads on; nothing that was not shared is even read here."""
    seat.saw("shared items")
    with seat.app.database.reading() as conn:
        box = seat.app.vault.box(conn, seat.pair)
        mine = answers.of(conn, box, seat.pair, Side.EMPLOYEE, shared_only=True)
        theirs = answers.of(conn, box, seat.pair, Side.MANAGER)
        papers = [p for p in answers.papers(conn, box, seat.pair) if p.shared]
        record = agreements.current(conn, box, seat.pair)
    shared = [
        (item, mine[item.id], theirs.get(item.id))
        for item in seat.checklist.items
        if item.id in mine
    ]
    return seat.page(
        "manager.html",
        shared=shared,
        papers=papers,
        promises=open_actions(record, seat.today, Owner.MANAGER),
        success=on_top(seat, record),
        statements=record.statements,
        may_propose=may_propose,
        as_statement=as_statement,
        done="done" in request.args,
        error=request.args.get("error", ""),
    )


def propose(seat: Seat) -> Response:
    """Keep what the manager would say instead, beside the employee's words."""
    with seat.app.database.writing() as conn:
        box = seat.app.vault.make(conn, seat.pair, seat.now)
        mine = answers.of(conn, box, seat.pair, Side.EMPLOYEE, shared_only=True)
        for item in seat.checklist.items:
            name = f"beside.{item.id}"
            if item.id in mine and may_propose(item) and name in request.form:
                text = forms.words(request.form, name)
                said = Answer(item.id, seat.now, text, shared=True)
                answers.save(conn, box, seat.pair, Side.MANAGER, said)
    seat.audit("proposed", "expectations")
    return seat.to("/?done=1")


def promises(seat: Seat) -> Response:
    """Keep the progress of the manager's own promises."""
    with seat.app.database.writing() as conn:
        box = seat.app.vault.make(conn, seat.pair, seat.now)
        record = agreements.current(conn, box, seat.pair)
        agreements.keep(conn, box, seat.pair, progressed(record, request.form, (Owner.MANAGER,)))
    seat.audit("changed", "promises")
    lacking = lacks_reason(record, request.form, (Owner.MANAGER,))
    return seat.to("/?error=reason" if lacking else "/?done=1")
