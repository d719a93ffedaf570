"""Why a talk is when it is, or why there is none: worked out by the loop, told by the pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from daemon.core.domain import Email, Interval, Kind, Pair, Uid
from daemon.core.rules import Rule
from daemon.core.why import Explanation, Obstacle
from daemon.store.rows import upsert
from daemon.store.schema_conversation import explanations as table
from daemon.store.schema_conversation import of_pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was last found out about a talk of a pair."""

    uid: Uid | None
    """None: no time was found."""
    earliest: date
    latest: date
    preferred: date
    until: date
    """The last day on which a late one is looked for."""
    away: int = 0
    """The price of the day: within the window the days from the preferred one."""
    company: int = 0
    """The price of the manager's other talks of that day."""
    unmet: tuple[str, ...] = ()
    unknown: tuple[Email, ...] = ()
    """Whose calendar could not be read."""
    obstacles: tuple[Obstacle, ...] = ()
    """Without all of these there is a time, `then`."""
    then: Interval | None = None


def tell(conn: Connection, found: Mapping[Pair, tuple[Uid | None, Explanation]]) -> int:
    """Keep what was found out, writing only differences; tell how many there were."""
    rows = [_row(pair, uid, one) for pair, (uid, one) in found.items()]
    known = {
        (row.employee, row.manager, row.track): row.said for row in conn.execute(select(table))
    }
    fresh = [x for x in rows if known.get((x["employee"], x["manager"], x["track"])) != x["said"]]
    upsert(conn, table, fresh)
    return len(fresh)


def of(conn: Connection, pair: Pair) -> tuple[Told, ...]:
    """What is known about the talks of a pair."""
    rows = conn.execute(select(table.c.said).where(of_pair(table, pair)).order_by(table.c.track))
    return tuple(_told(row.said) for row in rows)


def _row(pair: Pair, uid: Uid | None, one: Explanation) -> dict[str, Any]:
    window, winner, cure = one.due.window, one.winner, one.cure
    said = {
        "uid": uid,
        "days": [str(day) for day in (window.earliest, window.latest, window.preferred)],
        "until": str(window.late_until),
        "away": winner.price if winner else 0,
        "company": winner.company if winner else 0,
        "unmet": list(winner.unmet) if winner else [],
        "unknown": list(one.unknown),
        "obstacles": [_frozen(x) for x in cure.obstacles] if cure else [],
        "then": _span(Interval(cure.slot.start, cure.slot.end)) if cure else None,
    }
    track = "alignment" if one.due.kind is Kind.ALIGNMENT else "cycle"
    return {"employee": pair.employee, "manager": pair.manager, "track": track, "said": said}


def _frozen(one: Obstacle) -> dict[str, Any]:
    return {"rule": one.rule.value, "who": one.who, "when": one.when and _span(one.when)}


def _span(when: Interval) -> list[str]:
    return [when.start.isoformat(), when.end.isoformat()]


def _interval(span: list[str] | None) -> Interval | None:
    return Interval(*map(datetime.fromisoformat, span)) if span else None


def _told(said: dict[str, Any]) -> Told:
    earliest, latest, preferred = map(date.fromisoformat, said["days"])
    return Told(
        uid=said["uid"],
        earliest=earliest,
        latest=latest,
        preferred=preferred,
        until=date.fromisoformat(said["until"]),
        away=said["away"],
        company=said["company"],
        unmet=tuple(said["unmet"]),
        unknown=tuple(said["unknown"]),
        obstacles=tuple(
            Obstacle(Rule(x["rule"]), x["who"], _interval(x["when"])) for x in said["obstacles"]
        ),
        then=_interval(said["then"]),
    )
