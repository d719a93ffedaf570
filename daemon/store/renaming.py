"""Put what means nobody in the place of addresses and names, wherever the store has them."""

import json
import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, Connection, String, Table, and_, or_, select
from sqlalchemy import func as sql
from sqlalchemy import update as updating

from daemon.core.domain import Email
from daemon.store import access
from daemon.store.schema import metadata, people
from daemon.store.schema_conversation import audit


class Renaming:
    """What stands for each address and name, and the texts without them."""

    def __init__(self, said: Mapping[str, str]) -> None:
        self._said = {word.lower(): other for word, other in said.items()}
        self.words = tuple(said)
        any_of = "|".join(map(re.escape, sorted(said, key=len, reverse=True)))
        # not within a longer address: ann@acme.example is not joann@acme.example
        self._found = re.compile(rf"(?<![\w.+-])(?:{any_of})(?![\w-]|\.\w)", re.IGNORECASE)

    def of(self, text: str) -> str:
        """The text without them."""
        return self._found.sub(lambda found: self._said[found[0].lower()], text)

    def of_any(self, value: Any) -> Any:
        """Anything JSON can say, without them."""
        if isinstance(value, str):
            return self.of(value)
        if isinstance(value, list):
            return [self.of_any(one) for one in value]
        if isinstance(value, dict):
            return {self.of(key): self.of_any(one) for key, one in value.items()}
        return value


def of_people(conn: Connection, aliases: Mapping[Email, Email]) -> Renaming:
    """Rename people, by their addresses; full names go too, where nobody else has the same."""
    called = conn.execute(select(people.c.email, people.c.name)).all()
    others = {name for who, name in called if who not in aliases}
    full = {name for who, name in called if who in aliases and " " in name} - others
    said: dict[str, str] = dict.fromkeys(sorted(full), "somebody erased")
    return Renaming(said | {str(who): str(alias) for who, alias in aliases.items()})


def everywhere(conn: Connection, renaming: Renaming) -> None:
    """Rename in every text of every table: whatever table is added later is renamed in too."""
    for table in metadata.sorted_tables:
        if table is not audit:
            _sweep(conn, table, renaming)
    seen = _seen([c for c in audit.c if isinstance(c.type, String)], renaming)
    first = conn.scalar(select(sql.min(audit.c.number)).where(seen))
    if first is not None:
        access.rename(conn, first, renaming.of)


def _sweep(conn: Connection, table: Table, renaming: Renaming) -> None:
    texts = [c for c in table.c if isinstance(c.type, String | JSON) and c is not people.c.name]
    if not texts:
        return
    keys = list(table.primary_key)
    wanted = select(*dict.fromkeys([*keys, *texts])).where(_seen(texts, renaming))
    for row in conn.execute(wanted).mappings().all():
        said = {column.name: renaming.of_any(row[column.name]) for column in texts}
        fresh = {name: value for name, value in said.items() if value != row[name]}
        if fresh:
            same = and_(*(key == row[key.name] for key in keys))
            conn.execute(updating(table).where(same).values(fresh))


def _seen(texts: list[Column[Any]], renaming: Renaming) -> ColumnElement[bool]:
    """The rows in which one of the words may stand."""
    return or_(*(_mentions(column, word) for column in texts for word in renaming.words))


def _mentions(column: Column[Any], word: str) -> ColumnElement[bool]:
    text = sql.lower(column.cast(String))
    escaped = json.dumps(word)[1:-1]  # as a JSON column spells it
    spelled = {word.lower(), escaped.lower(), *(() if word.isascii() else (word,))}
    return or_(*(text.contains(one, autoescape=True) for one in sorted(spelled)))
