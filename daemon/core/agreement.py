"""Agreement: statements with two ticks, actions and resources, and what a revision changes."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

from daemon.core.domain import Accord, Action, Email, Owner, Pair, Progress, ResourceKind

T = TypeVar("T")


class Side(StrEnum):
    """Which of the two."""

    EMPLOYEE = "employee"
    MANAGER = "manager"

    @property
    def other(self) -> "Side":
        """The one across the table."""
        return Side.MANAGER if self is Side.EMPLOYEE else Side.EMPLOYEE


def side_of(pair: Pair, person: Email) -> Side | None:
    """Tell which side of the pair somebody is on; None: neither."""
    sides = {pair.employee: Side.EMPLOYEE, pair.manager: Side.MANAGER}
    return sides.get(person)


@dataclass(frozen=True, slots=True)
class Statement:
    """Something both should agree on, word for word."""

    id: str
    topic: str
    """The checklist item it came from; empty: added in the talk."""
    text: str
    ticks: Mapping[Side, datetime] = field(default_factory=dict)
    differs: Mapping[Side, str] = field(default_factory=dict)
    """Who recorded "we differ", and the reason."""
    to_hr: frozenset[Side] = frozenset()
    """Who wants the people team to have these words; only with both do they get them."""

    @property
    def agreed(self) -> bool:
        """Both have ticked it."""
        return all(side in self.ticks for side in Side)

    @property
    def settled(self) -> bool:
        """Nothing is left to align: both agree, or both say that they differ."""
        return self.agreed or all(side in self.differs for side in Side)

    @property
    def for_hr(self) -> bool:
        """Both agree to the words, and both want the people team to have them."""
        return self.agreed and self.to_hr == frozenset(Side)


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that is needed: what, who provides it, by when."""

    id: str
    kind: ResourceKind
    what: str
    who: str = ""
    by: date | None = None
    topic: str = ""
    """training: what the people team counts it as; empty: it is not counted."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a pair has agreed so far; it lives with the pair, each save is a revision of it."""

    statements: tuple[Statement, ...] = ()
    actions: tuple[Action, ...] = ()
    resources: tuple[Resource, ...] = ()


def tick(statement: Statement, side: Side, now: datetime) -> Statement:
    """Agree to the statement as it reads now; takes back one's own "we differ"."""
    ticks = {**statement.ticks, side: statement.ticks.get(side, now)}
    return replace(statement, ticks=ticks, differs=_without(statement.differs, side))


def untick(statement: Statement, side: Side) -> Statement:
    """Take one's own word back, whichever it was."""
    return replace(
        statement,
        ticks=_without(statement.ticks, side),
        differs=_without(statement.differs, side),
    )


def differ(statement: Statement, side: Side, reason: str) -> Statement:
    """Record "we differ" with a reason; takes back one's own tick."""
    differs = {**statement.differs, side: reason}
    return replace(statement, ticks=_without(statement.ticks, side), differs=differs)


def revise(before: Record, after: Record, side: Side, now: datetime) -> Record:
    """Save what one side wrote. Only their own ticks, reasons and wishes to tell the people team
    are taken from `after`; the other's stay where the words did and fall where they changed."""
    known = {statement.id: statement for statement in before.statements}
    statements = tuple(
        _revised(known.get(wanted.id), wanted, side, now) for wanted in after.statements
    )
    return replace(after, statements=statements)


def _revised(known: Statement | None, wanted: Statement, side: Side, now: datetime) -> Statement:
    base = Statement(wanted.id, wanted.topic, wanted.text)
    if known is not None and same_words(known.text, wanted.text):
        base = known
    base = replace(base, to_hr=(base.to_hr - {side}) | (wanted.to_hr & {side}))
    if side in wanted.differs:
        return differ(base, side, wanted.differs[side])
    return tick(base, side, now) if side in wanted.ticks else untick(base, side)


def agreed_first(record: Record, topics: Collection[str]) -> tuple[Statement, ...]:
    """What both agree on: first what stands on top of every talk, then the rest."""
    agreed = (s for s in record.statements if s.agreed)
    return tuple(sorted(agreed, key=lambda s: s.topic not in topics))


def same_words(one: str, other: str) -> bool:
    """Equal but for white space."""
    return one.split() == other.split()


def accord(record: Record, saved_at: datetime | None) -> Accord:
    """How far the two agree, in figures only."""
    return Accord(len(record.statements), open_statements(record), saved_at)


def open_statements(record: Record) -> int:
    """How many statements are neither agreed nor agreed to differ."""
    return sum(not statement.settled for statement in record.statements)


def open_actions(record: Record, today: date, owner: Owner | None = None) -> tuple[Action, ...]:
    """What is still to be done, overdue first, then by day; of one owner or of everybody."""
    wanted = [
        action
        for action in record.actions
        if action.progress is Progress.OPEN and owner in (None, action.owner)
    ]
    return tuple(sorted(wanted, key=lambda action: (action.due >= today, action.due)))


def carried(record: Record) -> Record:
    """What moves along to a new manager without being asked: the open actions."""
    return Record(actions=tuple(a for a in record.actions if a.progress is Progress.OPEN))


# --- what changed ---------------------------------------------------------------------------


class Verb(StrEnum):
    """What happened to a line between two revisions."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    AGREED = "agreed"
    DONE = "done"
    DROPPED = "dropped"


class About(StrEnum):
    """What kind of line it is."""

    STATEMENT = "statement"
    ACTION = "action"
    RESOURCE = "resource"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two revisions, in the words of the two."""

    about: About
    verb: Verb
    text: str
    was: str = ""


def changes(before: Record, after: Record) -> tuple[Change, ...]:
    """Tell what a revision changed: statements, then actions, then resources."""
    return (
        *_changes(About.STATEMENT, before.statements, after.statements),
        *_changes(About.ACTION, before.actions, after.actions),
        *_changes(About.RESOURCE, before.resources, after.resources),
    )


Line = Statement | Action | Resource


def _changes(about: About, before: Iterable[Line], after: Iterable[Line]) -> Iterator[Change]:
    old = {line.id: line for line in before}
    new = {line.id: line for line in after}
    for id_, line in new.items():
        verb = _verb(old.get(id_), line)
        if verb is not None:
            was = _words(old[id_]) if verb is Verb.CHANGED else ""
            yield Change(about, verb, _words(line), was)
    for id_, line in old.items():
        if id_ not in new:
            yield Change(about, Verb.REMOVED, _words(line))


def _verb(old: Line | None, new: Line) -> Verb | None:
    if old is None:
        return Verb.ADDED
    if isinstance(old, Action) and isinstance(new, Action) and old.progress is not new.progress:
        ends = {Progress.DONE: Verb.DONE, Progress.DROPPED: Verb.DROPPED}
        return ends.get(new.progress, Verb.CHANGED)
    if isinstance(old, Statement) and isinstance(new, Statement):
        if same_words(old.text, new.text):
            return Verb.AGREED if new.agreed and not old.agreed else None
        return Verb.CHANGED
    return None if old == new else Verb.CHANGED


def _words(line: Line) -> str:
    return line.text if isinstance(line, Statement) else line.what


def _without(words: Mapping[Side, T], side: Side) -> dict[Side, T]:
    return {key: word for key, word in words.items() if key is not side}
