"""Preparation: answers, what is asked again, what the two talk about, what moves along."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from daemon.core.agreement import Side, same_words
from daemon.core.checklist import Ask, Checklist, Item, ItemKind
from daemon.core.domain import Kind, ResourceKind


class Mark(StrEnum):
    """What the employee says of one line of the role."""

    CLEAR = "clear"
    UNCLEAR = "unclear"
    NOT_MINE = "not_mine"


@dataclass(frozen=True, slots=True)
class Row:
    """A wish for the talk: a resource somebody needs, or an action to propose."""

    what: str
    who: str = ""
    by: date | None = None
    needs: ResourceKind | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What one side wrote to one item; the employee's is private until shared."""

    item: str
    at: datetime
    text: str = ""
    marks: Mapping[str, Mark] = field(default_factory=dict)
    """Per line of the role."""
    drafts: tuple[str, ...] = ()
    """Answers to the item's drafting questions, in their order."""
    rows: tuple[Row, ...] = ()
    basis: str = ""
    """Fingerprint of what it rests on (role file, goals); see `fingerprint`."""
    shared: bool = False

    @property
    def empty(self) -> bool:
        """Nothing was written."""
        return not (self.text.strip() or self.marks or any(self.drafts) or self.rows)

    @property
    def unclear(self) -> tuple[str, ...]:
        """The lines that need talking about."""
        return tuple(line for line, mark in self.marks.items() if mark is not Mark.CLEAR)


Answers = Mapping[str, Answer]
"""By item id, of one side."""


def fingerprint(lines: Iterable[str]) -> str:
    """A short name for exactly these words, so that a change is noticed."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


# --- what is asked --------------------------------------------------------------------------


class Why(StrEnum):
    """Why an item is asked now."""

    NEW = "new"
    ALWAYS = "always"
    CHANGED = "changed"
    STALE = "stale"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Question:
    """An item and why it is asked now."""

    item: Item
    why: Why


def questions_for(
    checklist: Checklist, answers: Answers, kind: Kind, basis: Mapping[str, str], now: datetime
) -> tuple[Question, ...]:
    """Choose what to ask the employee before a meeting. A first meeting asks everything; later
    ones only what changed, grew stale or is unclear. `basis` is today's fingerprint per item."""
    asked = ((item, _why(item, answers.get(item.id), kind, basis, now)) for item in checklist.items)
    return tuple(Question(item, why) for item, why in asked if why is not None)


def _why(
    item: Item, answer: Answer | None, kind: Kind, basis: Mapping[str, str], now: datetime
) -> Why | None:
    if answer is None or answer.empty:
        return Why.NEW if _opens(item, kind) else _always(item)
    if answer.basis != basis.get(item.id, ""):
        return Why.CHANGED
    if answer.unclear:
        return Why.UNCLEAR
    days = item.stale_after_days
    if days is not None and (now - answer.at).days >= days:
        return Why.STALE
    return Why.NEW if kind is Kind.FIRST else _always(item)


def _opens(item: Item, kind: Kind) -> bool:
    """An unanswered item is put in the first meeting; later a gap is left alone, unless it is one
    of those the two have to agree on."""
    return kind is Kind.FIRST or item.agree


def _always(item: Item) -> Why | None:
    return Why.ALWAYS if item.ask is Ask.ALWAYS else None


# --- what the two talk about ----------------------------------------------------------------


class Point(StrEnum):
    """Why something is on the agenda."""

    SHARED = "shared"
    UNCLEAR = "unclear"
    PROPOSED = "proposed"
    """The manager wrote something else beside it."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One line of the agenda."""

    item: Item
    point: Point
    text: str = ""
    lines: tuple[str, ...] = ()
    """Lines of the role that are unclear or not theirs."""
    rows: tuple[Row, ...] = ()
    beside: str = ""
    """What the manager proposes."""
    private: bool = False
    """Only the employee sees this line."""


def agenda(
    checklist: Checklist, answers: Answers, proposals: Answers, viewer: Side
) -> tuple[Topic, ...]:
    """List what to talk about, in the employee's order: what was shared, and, for the employee's
    own eyes, what is unclear and not shared."""
    topics = (
        _topic(item, answers.get(item.id), proposals.get(item.id)) for item in checklist.items
    )
    return tuple(t for t in topics if t is not None and (viewer is Side.EMPLOYEE or not t.private))


def _topic(item: Item, answer: Answer | None, proposal: Answer | None) -> Topic | None:
    beside = proposal.text if proposal else ""
    if answer is None or not answer.shared or answer.empty:
        return _unshared(item, answer, beside)
    differs = bool(beside) and not same_words(answer.text, beside)
    point = Point.PROPOSED if differs else Point.UNCLEAR if answer.unclear else Point.SHARED
    text = answer.text or "\n".join(draft for draft in answer.drafts if draft)
    return Topic(item, point, text, answer.unclear, answer.rows, beside if differs else "")


def _unshared(item: Item, answer: Answer | None, beside: str) -> Topic | None:
    if beside:
        return Topic(item, Point.PROPOSED, beside=beside)
    if answer is not None and answer.unclear:
        return Topic(item, Point.UNCLEAR, lines=answer.unclear, private=True)
    return None


def may_propose(item: Item) -> bool:
    """Tell whether the manager may write something beside this item."""
    return item.agree


# --- what moves along -----------------------------------------------------------------------


def carry_forward(answers: Answers, shown: Sequence[str] = ()) -> tuple[Answer, ...]:
    """Take the employee's answers along to a new manager: private again, but for the items the
    employee chose to show."""
    return tuple(
        replace(answer, shared=answer.shared and item in shown) for item, answer in answers.items()
    )


def may_record(side: Side, *, employee_spoke: bool) -> bool:
    """Tell whether this side may save a record: the employee always, the manager once the
    employee has prepared, attested or recorded something for this meeting."""
    return side is Side.EMPLOYEE or employee_spoke


def unanswered(checklist: Checklist, answers: Answers) -> Iterator[Item]:
    """The items nobody wrote anything to yet, papers apart."""
    for item in checklist.items:
        known = answers.get(item.id)
        if item.kind is not ItemKind.MATERIAL and (known is None or known.empty):
            yield item


# --- what an answer rests on ----------------------------------------------------------------


def role_lines(text: str) -> tuple[str, ...]:
    """Read a role file (Markdown or plain): each paragraph line or list item, headings apart."""
    rows = (row.strip() for row in text.splitlines())
    return tuple(
        words for row in rows if not row.startswith("#") and (words := row.lstrip("-*+• ").strip())
    )


def bases(
    checklist: Checklist, role: Sequence[str], organization: Sequence[str], name: str = ""
) -> dict[str, str]:
    """Today's fingerprint of each item that rests on the role file, on the organisation's vision,
    goals and values, or on which role (`name`) somebody has; nothing to rest on gives none."""
    rests = {ItemKind.LINES: role, ItemKind.GOALS: organization}
    named = (name,) if name else ()
    found = {
        item.id: rests.get(item.kind, named if item.ask is Ask.IF_CHANGED else ())
        for item in checklist.items
    }
    return {id_: fingerprint(words) for id_, words in found.items() if words}
