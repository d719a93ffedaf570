"""The last good roster, and those who left."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping, select

from daemon.core.domain import Email, Hours, Leave, Person
from daemon.store.rows import upsert
from daemon.store.schema import people as table


def remember(conn: Connection, people: Collection[Person], now: datetime) -> bool:
    """Make this the last good roster; whoever is absent now has left, whoever returns is back.

    Only differences are written; False: there were none. A day of leaving is the day in the
    person's own zone.
    """
    known = {row["email"]: row for row in conn.execute(select(table)).mappings()}
    present = {person.email: _columns(person) | {"left_on": None} for person in people}
    rows = [row for email, row in present.items() if _differs(row, known.get(email))]
    rows += [
        {**old, "left_on": now.astimezone(ZoneInfo(old["zone"])).date()}
        for email, old in known.items()
        if email not in present and old["left_on"] is None
    ]
    upsert(conn, table, [{**row, "changed_at": now} for row in rows])
    return bool(rows)


def roster(conn: Connection) -> dict[Email, Person]:
    """Everybody who was there at the last good reading."""
    present = select(table).where(table.c.left_on.is_(None)).order_by(table.c.email)
    return {Email(row["email"]): _person(row) for row in conn.execute(present).mappings()}


def everybody(conn: Connection) -> dict[Email, Person]:
    """Everybody ever known, leavers too."""
    known = select(table).order_by(table.c.email)
    return {Email(row["email"]): _person(row) for row in conn.execute(known).mappings()}


def some(conn: Connection, emails: Collection[Email]) -> dict[Email, Person]:
    """These people, leavers too; whoever is not known is missing."""
    wanted = select(table).where(table.c.email.in_(list(emails)))
    return {Email(row["email"]): _person(row) for row in conn.execute(wanted).mappings()}


def present(conn: Connection, person: Email) -> bool:
    """Tell whether somebody is on the roster."""
    here = (table.c.email == person) & table.c.left_on.is_(None)
    return conn.scalar(select(table.c.email).where(here)) is not None


def left(conn: Connection) -> dict[Email, date]:
    """Who has left, and since which day."""
    gone = select(table.c.email, table.c.left_on).where(table.c.left_on.is_not(None))
    return {Email(row.email): row.left_on for row in conn.execute(gone)}


def _differs(row: dict[str, Any], old: RowMapping | None) -> bool:
    return old is None or any(old[name] != value for name, value in row.items())


def _columns(person: Person) -> dict[str, Any]:
    return {
        "email": person.email,
        "name": person.name,
        "manager": person.manager,
        "zone": person.zone.key,
        "hours": [[list(stretch) for stretch in day] for day in person.hours.days],
        "country": person.country,
        "language": person.language,
        "start_date": person.start_date,
        "leave": [[away.first.isoformat(), away.last.isoformat()] for away in person.leave],
        "role": person.role,
        "unit": person.unit,
        "calendar_url": person.calendar_url,
        "stated": sorted(person.stated),
    }


def _person(row: RowMapping) -> Person:
    return Person(
        email=Email(row["email"]),
        name=row["name"],
        manager=Email(row["manager"]) if row["manager"] is not None else None,
        zone=ZoneInfo(row["zone"]),
        hours=Hours(tuple(tuple((start, end) for start, end in day) for day in row["hours"])),
        country=row["country"],
        language=row["language"],
        start_date=row["start_date"],
        leave=tuple(
            Leave(date.fromisoformat(first), date.fromisoformat(last))
            for first, last in row["leave"]
        ),
        role=row["role"],
        unit=row["unit"],
        calendar_url=row["calendar_url"],
        stated=frozenset(row["stated"]),
    )
