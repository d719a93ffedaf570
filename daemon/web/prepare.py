"""The preparation: one step a section, saved as it is written, shared item by item."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO

from flask import abort, request, send_file
from werkzeug.wrappers import Response

from daemon.core.agreement import Record, Side, open_actions
from daemon.core.checklist import Item, ItemKind, Section
from daemon.core.conversation import Answer, Why, questions_for
from daemon.core.domain import Action, Kind, Owner, Progress
from daemon.store import agreements, answers
from daemon.store.answers import Material
from daemon.web import forms
from daemon.web.site import Door, Route, Seat, on_top, organization

LARGEST = 5 * 1024 * 1024
"""Bytes of one paper."""

MOST_PAPERS = 20


def routes() -> Iterable[Route]:
    """The employee's own pages before a talk."""
    base = f"/{Door.EMPLOYEE}/<ref>"
    yield Route(f"{base}/prepare", start, Door.EMPLOYEE)
    yield Route(f"{base}/prepare", begin, Door.EMPLOYEE, ("POST",))
    yield Route(f"{base}/prepare/share", sharing, Door.EMPLOYEE)
    yield Route(f"{base}/prepare/share", share, Door.EMPLOYEE, ("POST",))
    yield Route(f"{base}/prepare/<step>", show, Door.EMPLOYEE)
    yield Route(f"{base}/prepare/<step>", save, Door.EMPLOYEE, ("POST",))
    yield Route(f"{base}/papers/<paper>", download, Door.EMPLOYEE)
    yield Route(f"{base}/papers/<paper>/remove", remove, Door.EMPLOYEE, ("POST",))
    yield Route(f"/{Door.MANAGER}/<ref>/papers/<paper>", download, Door.MANAGER)


@dataclass(frozen=True, slots=True)
class Entry:
    """One item on the page: what is known, and why it is asked."""

    item: Item
    answer: Answer
    why: Why | None
    papers: tuple[Material, ...]
    proposal: str

    @property
    def filled(self) -> bool:
        """Something is there."""
        return not self.answer.empty or bool(self.papers)


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything the employee's preparation shows."""

    entries: tuple[Entry, ...]
    record: Record
    prepared: bool

    def of(self, section: Section) -> tuple[Entry, ...]:
        """The entries of a step, those that are asked first."""
        mine = [e for e in self.entries if e.item in section.items]
        return tuple(sorted(mine, key=lambda e: e.why is None))

    def asked(self, section: Section) -> int:
        """How many items of a step are asked now."""
        return sum(e.why is not None for e in self.of(section))


def desk(seat: Seat) -> Desk:
    """Read what the employee has on their desk."""
    with seat.app.database.reading() as conn:
        box = seat.app.vault.box(conn, seat.pair)
        mine = answers.of(conn, box, seat.pair, Side.EMPLOYEE)
        theirs = answers.of(conn, box, seat.pair, Side.MANAGER)
        papers = answers.papers(conn, box, seat.pair)
        record = agreements.current(conn, box, seat.pair)
        ready = seat.coming is not None and answers.is_prepared(conn, seat.coming.uid)
    kind = seat.coming.kind if seat.coming else Kind.FOLLOW_UP
    asked = {
        question.item.id: question.why
        for question in questions_for(seat.checklist, mine, kind, seat.basis, seat.now)
    }
    entries = tuple(
        Entry(
            item=item,
            answer=mine.get(item.id, Answer(item.id, seat.now)),
            why=asked.get(item.id),
            papers=tuple(p for p in papers if p.item == item.id),
            proposal=theirs[item.id].text if item.id in theirs else "",
        )
        for item in seat.checklist.items
    )
    return Desk(entries, record, ready)


# --- the first page -------------------------------------------------------------------------


def start(seat: Seat) -> str:
    """Show what lies ahead: open actions first, then the steps and how much each asks."""
    here = desk(seat)
    return seat.page(
        "prepare_start.html",
        desk=here,
        sections=seat.checklist.sections,
        actions=open_actions(here.record, seat.today),
        success=on_top(seat, here.record),
        error=request.args.get("error", ""),
        first=seat.coming is not None and seat.coming.kind is Kind.FIRST,
    )


def begin(seat: Seat) -> Response:
    """Keep the progress of actions; then go on, or be done when nothing else has changed."""
    here = desk(seat)
    mine = (Owner.EMPLOYEE, Owner.SPHERE)
    if lacks_reason(here.record, request.form, mine):
        return seat.to("/prepare?error=reason")
    after = progressed(here.record, request.form, mine)
    unchanged = "unchanged" in request.form
    with seat.app.database.writing() as conn:
        box = seat.app.vault.make(conn, seat.pair, seat.now)
        if after != here.record:
            agreements.keep(conn, box, seat.pair, after)
        if unchanged:
            for entry in here.entries:
                if entry.why is Why.STALE:
                    fresh = replace(entry.answer, at=seat.now)
                    answers.save(conn, box, seat.pair, Side.EMPLOYEE, fresh)
        if seat.coming and (unchanged or after != here.record):
            answers.prepared(conn, seat.coming.uid, seat.now)
    if unchanged:
        return seat.to("/prepare/share")
    return seat.to(_following(seat, here, None))


def progressed(record: Record, form: forms.Form, owners: Sequence[Owner]) -> Record:
    """The record with the progress the form tells of the actions of these owners; what is dropped
    without a reason stays open (`lacks_reason`)."""

    def now_at(action: Action) -> Action:
        said = form.get(f"progress.{action.id}")
        if action.owner not in owners or said not in list(Progress):
            return action
        note = forms.words(form, f"note.{action.id}") or action.note
        if said == Progress.DROPPED and not note:
            return action
        return replace(action, progress=Progress(said), note=note)

    return replace(record, actions=tuple(map(now_at, record.actions)))


def lacks_reason(record: Record, form: forms.Form, owners: Sequence[Owner]) -> bool:
    """Tell whether the form drops an action of these owners without saying why."""
    return any(
        form.get(f"progress.{a.id}") == Progress.DROPPED
        and not (a.note or forms.words(form, f"note.{a.id}"))
        for a in record.actions
        if a.owner in owners
    )


def _following(seat: Seat, here: Desk, current: Section | None) -> str:
    """The next step that asks something; at the end what is shared."""
    sections = seat.checklist.sections
    rest = sections[sections.index(current) + 1 :] if current else sections
    ahead = next((section for section in rest if here.asked(section)), None)
    return f"/prepare/{ahead.id}" if ahead else "/prepare/share"


# --- a step ---------------------------------------------------------------------------------


def show(seat: Seat, step: str) -> str:
    """Show the items of a step, asked ones open, answered ones folded."""
    section = _section(seat, step)
    here = desk(seat)
    return seat.page(
        "prepare.html",
        section=section,
        sections=seat.checklist.sections,
        desk=here,
        entries=here.of(section),
        role=seat.role,
        vision=seat.app.config.organization,
        organization_lines=organization(seat.app),
        error=request.args.get("error", ""),
    )


def save(seat: Seat, step: str) -> Response | tuple[str, int]:
    """Keep the answers of a step. The little script saves the same way while one types; only a
    real "next" says that what was asked again still holds."""
    section = _section(seat, step)
    here = desk(seat)
    typing = request.headers.get("X-Autosave") == "1"
    changed = _changed(seat, here.of(section), typing=typing)
    wrong = "" if typing else _take_papers(seat, section, here)
    with seat.app.database.writing() as conn:
        box = seat.app.vault.make(conn, seat.pair, seat.now)
        for answer in changed:
            answers.save(conn, box, seat.pair, Side.EMPLOYEE, answer)
        if seat.coming and any(not answer.empty for answer in changed):
            answers.prepared(conn, seat.coming.uid, seat.now)
    if typing:
        return "", 204
    if wrong:
        return seat.to(f"/prepare/{step}?error={wrong}")
    if "stay" in request.form:
        return seat.to(f"/prepare/{step}")
    return seat.to(_following(seat, here, section))


def _changed(seat: Seat, entries: Iterable[Entry], *, typing: bool) -> tuple[Answer, ...]:
    found = []
    for entry in entries:
        said = forms.answer(request.form, entry.item, entry.answer, seat.role, seat.now)
        if said is None:
            continue
        same = forms.same(said, entry.answer)
        confirmed = not typing and entry.why is not None
        if not same or confirmed:
            basis = seat.basis.get(entry.item.id, "")
            found.append(replace(said, basis=basis))
        elif said.shared != entry.answer.shared:
            found.append(replace(entry.answer, shared=said.shared))
    return tuple(found)


def _take_papers(seat: Seat, section: Section, here: Desk) -> str:
    """Keep the files that came along; returns what was wrong with them, as a code."""
    kept = sum(len(entry.papers) for entry in here.entries)
    for item in section.items:
        file = request.files.get(f"{item.id}.file")
        if item.kind is not ItemKind.MATERIAL or file is None or not file.filename:
            continue
        content = file.stream.read(LARGEST + 1)
        if len(content) > LARGEST or kept >= MOST_PAPERS:
            return "large" if len(content) > LARGEST else "many"
        name = forms.words({"name": file.filename}, "name").replace("/", " ")[-120:]
        with seat.app.database.writing() as conn:
            box = seat.app.vault.make(conn, seat.pair, seat.now)
            answers.add_paper(conn, box, seat.pair, item.id, name, content, seat.now)
    return ""


def _section(seat: Seat, step: str) -> Section:
    found = next((s for s in seat.checklist.sections if s.id == step), None)
    if found is None:
        abort(404)
    return found


# --- sharing --------------------------------------------------------------------------------


def sharing(seat: Seat) -> str:
    """Show every answer with its switch: what the manager sees, and what nobody does."""
    here = desk(seat)
    return seat.page(
        "prepare_share.html",
        desk=here,
        sections=seat.checklist.sections,
        done="done" in request.args,
    )


def share(seat: Seat) -> Response:
    """Share and hide item by item; the employee is prepared."""
    here = desk(seat)
    wanted = _switched(here, request.form)
    with seat.app.database.writing() as conn:
        for entry in here.entries:
            if entry.answer.shared != wanted[entry.item.id] and not entry.answer.empty:
                answers.share(conn, seat.pair, entry.item.id, shared=wanted[entry.item.id])
            for paper in entry.papers:
                answers.share_paper(
                    conn, seat.pair, paper.id, shared=f"paper.{paper.id}" in request.form
                )
        if seat.coming:
            answers.prepared(conn, seat.coming.uid, seat.now)
    seat.audit("shared", "preparation")
    seat.app.wake()
    return seat.to("/prepare/share?done=1")


def _switched(here: Desk, form: Mapping[str, str]) -> dict[str, bool]:
    return {entry.item.id: f"share.{entry.item.id}" in form for entry in here.entries}


# --- papers ---------------------------------------------------------------------------------


def download(seat: Seat, paper: str) -> Response:
    """Hand a paper out: to the employee, and to the manager once it is shared."""
    with seat.app.database.reading() as conn:
        box = seat.app.vault.box(conn, seat.pair)
        found = answers.paper(conn, box, seat.pair, paper)
    if found is None or (seat.side is Side.MANAGER and not found[0].shared):
        abort(404)
    seat.saw("paper")
    return as_file(found[1], found[0].name)


def as_file(content: bytes, name: str) -> Response:
    """A download that no browser shows or runs in the page."""
    return send_file(
        BytesIO(content), "application/octet-stream", as_attachment=True, download_name=name
    )


def remove(seat: Seat, paper: str) -> Response:
    """Forget a paper."""
    with seat.app.database.writing() as conn:
        answers.remove_paper(conn, seat.pair, paper)
    return seat.to(f"/prepare/{_home_of_papers(seat)}")


def _home_of_papers(seat: Seat) -> str:
    homes = (
        section.id
        for section in seat.checklist.sections
        for item in section.items
        if item.kind is ItemKind.MATERIAL
    )
    return next(homes, "")
