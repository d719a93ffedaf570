"""The preparation as data: templates/checklist.toml read into Checklist, Section and Item."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, TypeVar

from daemon.core.domain import Owner, Problem, ResourceKind


class ItemKind(StrEnum):
    """How an item is answered."""

    TEXT = "text"
    """Free words."""
    STATEMENT = "statement"
    """A sentence or two that both tick once it is shared."""
    LINES = "lines"
    """The role line by line: clear, unclear, not mine; without a role file the `questions`."""
    GOALS = "goals"
    """The organisation's vision, goals and values stand beside it."""
    MATERIAL = "material"
    """Gathered papers: text, a link or a file."""
    NEEDS = "needs"
    """Resources of one kind: what, who provides it, by when."""
    ACTIONS = "actions"
    """Actions of one owner: what, due day, what it needs."""


class Ask(StrEnum):
    """When an item is asked."""

    FIRST = "first"
    """In the first talk, and again when the answer is stale or was marked unclear."""
    ALWAYS = "always"
    """Before every talk."""
    IF_CHANGED = "if_changed"
    """In the first talk, and again when what it rests on (role file, goals) has changed."""


@dataclass(frozen=True, slots=True)
class Item:
    """One prompt of the preparation, in the reader's language."""

    id: str
    title: str
    prompt: str
    hint: str
    kind: ItemKind
    ask: Ask
    stale_after_days: int | None = None
    """Asked again when the answer is older; None: age alone is no reason."""
    agree: bool = False
    """Once shared it carries two ticks."""
    owner: Owner | None = None
    """Whose actions these are (kind `actions`)."""
    needs: ResourceKind | None = None
    """Which resources these are (kind `needs`)."""
    on_top: bool = False
    """Once agreed it stands on top of every later talk and summary."""
    questions: tuple[str, ...] = ()
    """What drafts the answer when nothing is at hand (kind `lines`)."""


@dataclass(frozen=True, slots=True)
class Section:
    """A step of the preparation."""

    id: str
    title: str
    intro: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Checklist:
    """The whole preparation in one language."""

    language: str
    sections: tuple[Section, ...]

    @property
    def items(self) -> tuple[Item, ...]:
        """Every item, in the order of the file."""
        return tuple(item for section in self.sections for item in section.items)

    @property
    def on_top(self) -> frozenset[str]:
        """The ids of the items that stand on top of every later talk."""
        return frozenset(item.id for item in self.items if item.on_top)

    def item(self, id: str) -> Item | None:  # noqa: A002 - the word of the file
        """The item of that id, or None when the operator took it out."""
        return next((item for item in self.items if item.id == id), None)


class ChecklistError(ValueError):
    """The file cannot be used; `problems` names every line that is wrong and its cure."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(f"{p.where}: {p.what} ({p.cure})" for p in problems))
        self.problems = problems


E = TypeVar("E", bound=StrEnum)

SECTION_KEYS = {"id", "item"}
ITEM_KEYS = {"id", "kind", "ask", "stale_after_days", "agree", "on_top", "owner", "needs"}
SECTION_WORDS = {"title": True, "intro": False}
ITEM_WORDS = {"title": True, "prompt": True, "hint": False, "questions": False}
LANGUAGE = re.compile(r"[a-z]{2}(-[A-Z]{2})?$")
HEADER = re.compile(r"^\s*\[\[\s*section(\s*\.\s*item)?\s*\]\]")


def load_checklist(text: str, language: str, *, name: str = "checklist.toml") -> Checklist:
    """Read the preparation in `language` (a tag; `fr-CA` falls back to `fr`, then `en`, then the
    first language an item has). `name` is the file's name for messages.
    Raises `ChecklistError` with every problem at once, each with its line."""
    return _Reader(text, language, name).checklist()


class _Reader:
    """One reading of the file: collects problems, knows the line of each table."""

    def __init__(self, text: str, language: str, name: str) -> None:
        self.text, self.language, self.name = text, language, name
        self.problems: list[Problem] = []
        self.seen: set[str] = set()
        self.lines = self._headers()

    def checklist(self) -> Checklist:
        parsed = self._parsed()
        for key in parsed:
            self._unknown({key: 0}, {"section"}, self._line_of(key))
        sections = tuple(self._section(table) for table in self._tables(parsed, "section"))
        if not sections and not self.problems:
            self._problem(1, "no [[section]] in the file", "copy the built-in checklist.toml")
        if self.problems:
            raise ChecklistError(tuple(self.problems))
        return Checklist(self.language, sections)

    def _headers(self) -> Iterator[int]:
        rows = enumerate(self.text.splitlines(), start=1)
        return iter([number for number, row in rows if HEADER.match(row)])

    def _line_of(self, key: str) -> int:
        rows = enumerate(self.text.splitlines(), start=1)
        return next((number for number, row in rows if key in row), 1)

    def _parsed(self) -> Mapping[str, Any]:
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"line (\d+)", str(error))
            line = int(found[1]) if found else self.text.count("\n") + 1
            self._problem(line, f"not valid TOML: {error}", "mend the line; see https://toml.io")
            return {}

    def _tables(self, table: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
        rows = table.get(key, [])
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            return rows
        self._problem(1, f"{key!r} is not a list of tables", f"write [[{key}]] above each")
        return []

    def _section(self, table: Mapping[str, Any]) -> Section:
        line = next(self.lines, 1)
        id_ = self._id(table, line)
        self._unknown(table, SECTION_KEYS, line)
        words = self._words(table, SECTION_WORDS, line, f"section {id_!r}")
        items = tuple(self._item(row) for row in self._tables(table, "item"))
        if not items:
            self._problem(line, f"section {id_!r} has no items", "add [[section.item]] or drop it")
        return Section(id_, words["title"], words["intro"], items)

    def _item(self, table: Mapping[str, Any]) -> Item:
        line = next(self.lines, 1)
        id_ = self._id(table, line)
        self._unknown(table, ITEM_KEYS, line)
        words = self._words(table, ITEM_WORDS, line, f"item {id_!r}")
        kind = self._one_of(table, "kind", ItemKind, line, required=True) or ItemKind.TEXT
        return Item(
            id=id_,
            title=words["title"],
            prompt=words["prompt"],
            hint=words["hint"],
            kind=kind,
            ask=self._one_of(table, "ask", Ask, line) or Ask.FIRST,
            stale_after_days=self._days(table, line),
            agree=self._flag(table, "agree", line),
            on_top=self._flag(table, "on_top", line),
            owner=self._one_of(table, "owner", Owner, line, required=kind is ItemKind.ACTIONS),
            needs=self._one_of(table, "needs", ResourceKind, line, required=kind is ItemKind.NEEDS),
            questions=tuple(words["questions"].splitlines()),
        )

    def _id(self, table: Mapping[str, Any], line: int) -> str:
        id_ = table.get("id")
        if not isinstance(id_, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", id_):
            self._problem(line, f"id {id_!r} is not a short name", 'write id = "my_item"')
            return str(id_)
        if id_ in self.seen:
            self._problem(line, f"id {id_!r} is used twice", "give each its own id")
        self.seen.add(id_)
        return id_

    def _unknown(self, table: Mapping[str, Any], known: set[str], line: int) -> None:
        for key in table:
            if key in known or LANGUAGE.match(key):
                continue
            near = get_close_matches(key, known, 1)
            cure = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
            self._problem(line, f"unknown key {key!r}", cure)

    def _words(
        self, table: Mapping[str, Any], known: Mapping[str, bool], line: int, what: str
    ) -> dict[str, str]:
        words = self._language(table)
        if words is None:
            self._problem(line, f"{what} has no words", "add a table of words such as [section.en]")
            words = {}
        self._unknown(words, set(known), line)
        found = {key: _joined(words.get(key, "")) for key in known}
        missing = [key for key, needed in known.items() if needed and not found[key] and words]
        for key in missing:
            self._problem(line, f"{what} has no {key}", f'write {key} = "..."')
        return found

    def _language(self, table: Mapping[str, Any]) -> Mapping[str, Any] | None:
        wanted = (self.language, self.language.partition("-")[0], "en")
        there = [key for key in table if LANGUAGE.match(key) and isinstance(table[key], dict)]
        chosen = next((key for key in wanted if key in there), next(iter(there), None))
        return None if chosen is None else table[chosen]

    def _one_of(
        self,
        table: Mapping[str, Any],
        key: str,
        kind: type[E],
        line: int,
        *,
        required: bool = False,
    ) -> E | None:
        value = table.get(key)
        if value is None and not required:
            return None
        known = [str(member) for member in kind]
        if value in known:
            return kind(value)
        near = get_close_matches(str(value), known, 1)
        cure = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(known)}"
        self._problem(line, f"{key} = {value!r}", cure)
        return None

    def _days(self, table: Mapping[str, Any], line: int) -> int | None:
        days = table.get("stale_after_days")
        if days is None or (type(days) is int and 1 <= days <= 3650):
            return days
        self._problem(line, f"stale_after_days = {days!r}", "write whole days, 1 to 3650")
        return None

    def _flag(self, table: Mapping[str, Any], key: str, line: int) -> bool:
        value = table.get(key, False)
        if not isinstance(value, bool):
            self._problem(line, f"{key} = {value!r}", f"write {key} = true or false")
        return value is True

    def _problem(self, line: int, what: str, cure: str) -> None:
        self.problems.append(Problem(f"{self.name}:{line}", what, cure))


def _joined(value: object) -> str:
    """Words as text: a list (the questions) becomes one line each."""
    rows = value if isinstance(value, list) else [value]
    return "\n".join(" ".join(str(row).split()) for row in rows)
