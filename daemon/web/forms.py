"""Forms back into words: answers, statements, actions and resources as people sent them."""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from daemon.core.agreement import Record, Resource, Side, Statement
from daemon.core.checklist import Item, ItemKind
from daemon.core.conversation import Answer, Mark, Row
from daemon.core.domain import Action, Owner, Progress, ResourceKind, email

Form = Mapping[str, str]

LONGEST = 20_000
"""Characters of one text; what is longer is cut."""

MOST_ROWS = 60
ADDRESS = re.compile(r"[^@\s\x00-\x1f,;<>]{1,64}@[^@\s\x00-\x1f,;<>]{1,255}")


def words(form: Form, name: str) -> str:
    """A text as it was meant: one kind of line end, no control characters, no white ends."""
    text = form.get(name, "").replace("\r\n", "\n").replace("\r", "\n")[:LONGEST]
    return "".join(c for c in text if c in "\n\t" or c.isprintable()).strip()


def day(form: Form, name: str) -> date | None:
    """A day (`2026-05-01`); None where there is none or it is none."""
    try:
        found = date.fromisoformat(form.get(name, ""))
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2100 else None


# --- preparation ----------------------------------------------------------------------------


def answer(
    form: Form, item: Item, known: Answer | None, lines: Sequence[str], now: datetime
) -> Answer | None:
    """What the form says to an item; None: the form does not speak of it."""
    if f"{item.id}.here" not in form:
        return None
    wanted = Answer(
        item=item.id,
        at=now,
        text=words(form, f"{item.id}.text"),
        marks=_marks(form, item, lines),
        drafts=_drafts(form, item),
        rows=tuple(_rows(form, item)),
        shared=f"{item.id}.share" in form,
    )
    return replace(wanted, basis=known.basis if known else "")


def same(one: Answer, other: Answer) -> bool:
    """Tell whether two answers say the same, whenever and whether shared."""
    return replace(one, at=other.at, shared=other.shared, basis=other.basis) == other


def _marks(form: Form, item: Item, lines: Sequence[str]) -> dict[str, Mark]:
    if item.kind is not ItemKind.LINES:
        return {}
    marks = {line: form.get(f"{item.id}.mark.{place}") for place, line in enumerate(lines)}
    return {line: Mark(mark) for line, mark in marks.items() if mark in list(Mark)}


def _drafts(form: Form, item: Item) -> tuple[str, ...]:
    drafts = tuple(words(form, f"{item.id}.draft.{n}") for n in range(len(item.questions)))
    return drafts if any(drafts) else ()


def _rows(form: Form, item: Item) -> Iterator[Row]:
    if item.kind not in (ItemKind.NEEDS, ItemKind.ACTIONS):
        return
    for place in range(MOST_ROWS):
        name = f"{item.id}.row.{place}"
        what = words(form, f"{name}.what")
        if what:
            needs = form.get(f"{name}.needs")
            kind = ResourceKind(needs) if needs in list(ResourceKind) else item.needs
            yield Row(what, words(form, f"{name}.who"), day(form, f"{name}.by"), kind)


# --- the record -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wrong:
    """A field that cannot be kept as it is: its name, and a code the page has words for."""

    field: str
    code: str


def ids(form: Form, kind: str) -> list[str]:
    """The lines of one kind that the form speaks of, in its order."""
    return form.get(f"{kind}.ids", "").split()[:MOST_ROWS]


def record(form: Form, side: Side, now: datetime) -> tuple[Record, tuple[Wrong, ...]]:
    """Read the record page: what it says, and what is wrong with it."""
    wrong: list[Wrong] = []
    statements = tuple(s for s in _statements(form, side, now, wrong) if s.text)
    actions = tuple(a for a in _actions(form, wrong) if a.what)
    resources = tuple(r for r in _resources(form, wrong) if r.what)
    return Record(statements, actions, resources), tuple(wrong)


def _statements(form: Form, side: Side, now: datetime, wrong: list[Wrong]) -> Iterator[Statement]:
    for id_ in ids(form, "s"):
        name = f"s.{id_}"
        base = Statement(
            id=_kept(id_),
            topic=words(form, f"{name}.topic")[:40],
            text=words(form, f"{name}.text"),
            to_hr=frozenset([side] if f"{name}.to_hr" in form else []),
        )
        said, reason = form.get(f"{name}.say"), words(form, f"{name}.reason")
        if said == "differ":
            if base.text and not reason:
                wrong.append(Wrong(f"{name}.reason", "reason"))
            yield replace(base, differs={side: reason})
        else:
            yield replace(base, ticks={side: now} if said == "agree" else {})


def _actions(form: Form, wrong: list[Wrong]) -> Iterator[Action]:
    for id_ in ids(form, "a"):
        name = f"a.{id_}"
        what, due = words(form, f"{name}.what"), day(form, f"{name}.due")
        owner, needs = form.get(f"{name}.owner"), form.get(f"{name}.needs")
        progress, address = form.get(f"{name}.progress"), words(form, f"{name}.helper_email")
        if what:
            wrong.extend(_wrong_action(name, owner, due, needs))
            if progress == Progress.DROPPED and not words(form, f"{name}.note"):
                wrong.append(Wrong(f"{name}.note", "reason"))
            if address and not ADDRESS.fullmatch(address):
                wrong.append(Wrong(f"{name}.helper_email", "address"))
        yield Action(
            id=_kept(id_),
            what=what,
            owner=Owner(owner) if owner in list(Owner) else Owner.EMPLOYEE,
            due=due or date.max,
            needs=ResourceKind(needs) if needs in list(ResourceKind) else ResourceKind.NOTHING,
            resource=words(form, f"{name}.resource"),
            helper_name=words(form, f"{name}.helper_name"),
            helper_email=email(address) if address else None,
            progress=Progress(progress) if progress in list(Progress) else Progress.OPEN,
            note=words(form, f"{name}.note"),
        )


def _wrong_action(
    name: str, owner: str | None, due: date | None, needs: str | None
) -> Iterator[Wrong]:
    if owner not in list(Owner):
        yield Wrong(f"{name}.owner", "owner")
    if due is None:
        yield Wrong(f"{name}.due", "due")
    if needs not in list(ResourceKind):
        yield Wrong(f"{name}.needs", "needs")


def _resources(form: Form, wrong: list[Wrong]) -> Iterator[Resource]:
    for id_ in ids(form, "r"):
        name = f"r.{id_}"
        kind = form.get(f"{name}.kind")
        wanted = Resource(
            id=_kept(id_),
            kind=ResourceKind(kind) if kind in list(ResourceKind) else ResourceKind.PEOPLE,
            what=words(form, f"{name}.what"),
            who=words(form, f"{name}.who"),
            by=day(form, f"{name}.by"),
            topic=words(form, f"{name}.topic"),
        )
        if wanted.what and not wanted.who:
            wrong.append(Wrong(f"{name}.who", "provider"))
        if wanted.what and wanted.by is None:
            wrong.append(Wrong(f"{name}.by", "due"))
        yield wanted


def _kept(id_: str) -> str:
    """The line's own id, or a fresh one for a new line (or a name that is none of ours)."""
    return id_ if re.fullmatch(r"[0-9a-f]{16}", id_) else secrets.token_hex(8)
