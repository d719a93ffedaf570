"""A helper's page: one action or a few questions, without an account; over once it is answered."""

from collections.abc import Iterable
from dataclasses import replace

from flask import abort, redirect, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from daemon.core.domain import Progress
from daemon.store import access, agreements, helpers
from daemon.store.access import Entry
from daemon.store.helpers import HelperState, Request
from daemon.store.vault import Box
from daemon.web import forms
from daemon.web.site import Door, Help, Route


def routes() -> Iterable[Route]:
    """The one page and its one act."""
    yield Route("/h/<ref>", show, Door.HELPER)
    yield Route("/h/<ref>", act, Door.HELPER, ("POST",))


def show(visit: Help) -> str:
    """Show what is asked, by whom, and until when."""
    return visit.page("helper.html", asked=visit.request, states=HelperState)


def act(visit: Help) -> Response:
    """Accept, decline, finish or answer. A finished request is closed for good."""
    said = request.form.get("say", "")
    asked = visit.request
    possible = (
        {HelperState.ANSWERED, HelperState.DECLINED}
        if asked.questions
        else {HelperState.ACCEPTED, HelperState.DECLINED, HelperState.DONE}
    )
    if said not in possible:
        abort(404)
    answered = replace(
        asked,
        state=HelperState(said),
        answers=tuple(
            forms.words(request.form, f"answer.{n}") for n in range(len(asked.questions))
        ),
        note=forms.words(request.form, "note"),
    )
    with visit.app.database.writing() as conn:
        box = visit.app.vault.make(conn, asked.pair, visit.now)
        if not helpers.answer(conn, box, answered):
            abort(404)
        if answered.state is HelperState.DONE and asked.action_id:
            _finish(conn, box, answered)
        access.note(conn, Entry(visit.now, asked.email, said, "request"), asked.pair)
    return redirect(f"/h/{asked.id}" if answered.state is HelperState.ACCEPTED else "/thanks", 303)


def _finish(conn: Connection, box: Box, done: Request) -> None:
    """The action they helped with is done."""
    record = agreements.current(conn, box, done.pair)
    actions = tuple(
        replace(a, progress=Progress.DONE, note=done.note or a.note)
        if a.id == done.action_id
        else a
        for a in record.actions
    )
    agreements.keep(conn, box, done.pair, replace(record, actions=actions))
