"""careloop plan: what the next turns would book and send; nothing is changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from daemon.cli.group import OK, PARTLY, config_option
from daemon.cli.opening import now_option, opened
from daemon.cli.output import json_option, print_json, print_table
from daemon.cli.troubles import show

if TYPE_CHECKING:
    from daemon.loop.forecast import Booking, Plan, Posting


@click.command()
@config_option
@click.option(
    *("--days", "days"),
    type=click.IntRange(0, 366),
    default=0,
    metavar="N",
    help="How many days to look ahead; without it the next turn alone.",
)
@click.option(
    "--diff", is_flag=True, help="Only what would change against what is booked, and why."
)
@now_option
@json_option
def command(days: int, diff: bool, now: datetime | None, as_json: bool) -> int:
    """Show what the next turns would book and send; change nothing."""
    app = opened(now, on_copy=True)
    from daemon.loop.forecast import plan  # the planner takes its time to load

    found = plan(app, app.clock(), days)
    zone = app.config.organization.zone
    if diff:
        _differ(found, zone, as_json=as_json)
    elif as_json:
        print_json(_jsonable(found, zone))
    else:
        _show(found, zone)
    return OK if found.complete else PARTLY


def _jsonable(found: "Plan", zone: ZoneInfo) -> dict[str, Any]:
    return {
        "bookings": [_booking(one, zone) for one in found.bookings],
        "withdrawals": [_booking(one, zone) for one in found.withdrawals],
        "letters": [_letter(one, zone) for one in found.letters],
        "problems": found.problems,
    }


def _differ(found: "Plan", zone: ZoneInfo, *, as_json: bool) -> None:
    rows = [
        *(_change("withdraw", one, one.was, None, zone) for one in found.withdrawals),
        *(_change("move", one, one.was, one.start, zone) for one in found.bookings if one.was),
        *(_change("book", one, None, one.start, zone) for one in found.bookings if not one.was),
    ]
    if as_json:
        print_json({"changes": rows, "problems": found.problems})
        return
    _table("changes", ("change", "kind", "employee", "manager", "from", "to", "reason"), rows)
    show(found.problems)


def _change(
    what: str, one: "Booking", was: datetime | None, then: datetime | None, zone: ZoneInfo
) -> dict[str, Any]:
    return {
        "change": what,
        "kind": one.kind.value,
        "employee": one.pair.employee,
        "manager": one.pair.manager,
        "from": was.astimezone(zone) if was else None,
        "to": then.astimezone(zone) if then else None,
        "reason": one.reason,
    }


def _booking(one: "Booking", zone: ZoneInfo) -> dict[str, Any]:
    return {
        "employee": one.pair.employee,
        "manager": one.pair.manager,
        "kind": one.kind.value,
        "start": one.start.astimezone(zone),
        "end": one.end.astimezone(zone),
        "reason": one.reason,
    }


def _letter(one: "Posting", zone: ZoneInfo) -> dict[str, Any]:
    return {
        "kind": one.kind.value,
        "to": one.to,
        "at": one.at.astimezone(zone),
        "employee": one.employee,
    }


def _show(found: "Plan", zone: ZoneInfo) -> None:
    meetings = ("kind", "employee", "manager", "start", "reason")
    _table("meetings to book", meetings, [_booking(one, zone) for one in found.bookings])
    _table("meetings to withdraw", meetings, [_booking(one, zone) for one in found.withdrawals])
    letters = [_letter(one, zone) for one in found.letters]
    _table("letters to send", ("kind", "to", "at", "employee"), letters)
    show(found.problems)


def _table(title: str, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    click.echo(f"{title}: {len(rows) or 'none'}", err=True)
    if rows:
        print_table(columns, [[cell(row[name]) for name in columns] for row in rows])


def cell(value: object) -> str:
    """A value as a person reads it in a table."""
    if isinstance(value, datetime):
        return value.strftime("%a %Y-%m-%d %H:%M %Z")
    return "" if value is None else str(value)
