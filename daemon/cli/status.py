"""careloop status: where every pair stands, and what is owed to the world."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from daemon.cli.group import OK, config_option
from daemon.cli.opening import BEFORE_THE_FIRST_TURN, opened
from daemon.cli.output import json_option, plain, print_json, print_table
from daemon.cli.plan import cell
from daemon.cli.troubles import show

if TYPE_CHECKING:
    from daemon.core.domain import Meeting
    from daemon.loop.standing import Row, Status

COLUMNS = ("employee", "manager", "state", "last_held", "next", "due_from", "due_to", "problem")


@click.command()
@config_option
@json_option
def command(as_json: bool) -> int:
    """Show where every pair stands, and what is owed to the world."""
    app = opened()
    from daemon.loop.noting import moment  # only once the configuration is good
    from daemon.loop.standing import status

    found = status(app, moment(app))
    show(found.problems)
    pairs = [_pair(row) for row in found.pairs]
    if as_json:
        print_json({"pairs": pairs, **_figures(found)})
        return OK
    if pairs:
        headings = [name.replace("_", " ") for name in COLUMNS]
        print_table(
            headings, [_cells(pair, row) for pair, row in zip(pairs, found.pairs, strict=True)]
        )
    click.echo(plain(_summary(found)), err=True)
    return OK


def _pair(row: "Row") -> dict[str, Any]:
    """A pair as JSON shows it; starts on the employee's wall clock."""
    return {
        "employee": row.pair.employee,
        "manager": row.pair.manager,
        "state": row.state.value,
        "last_held": row.last_held,
        "evidence": row.sure,
        "next": _start(row.next),
        "alignment": _start(row.alignment),
        "due_from": row.due_from,
        "due_to": row.due_to,
        "problem": row.problem or None,
    }


def _start(meeting: "Meeting | None") -> datetime | None:
    return meeting.start.astimezone(ZoneInfo(meeting.zone)) if meeting else None


def _cells(pair: dict[str, Any], row: "Row") -> list[str]:
    held = f"{row.last_held} ({row.sure.words})" if row.sure else ""
    aligning = f"alignment {cell(pair['alignment'])}" if row.alignment else ""
    ahead = ", ".join(filter(None, (cell(pair["next"]), aligning)))
    shown = {**pair, "last_held": held, "next": ahead}
    return [cell(shown[name]) for name in COLUMNS]


def _figures(found: "Status") -> dict[str, Any]:
    return {
        "last_turn": found.last_turn,
        "credentials_refused": found.credentials_refused,
        "problems": found.problems,
        "outbox": found.outbox,
        "held_back": found.held_back,
        "failed": found.failed,
    }


def _summary(found: "Status") -> str:
    owed = sum(
        count for name, count in found.outbox.items() if name.endswith((".owed", ".claimed"))
    )
    if found.last_turn is None:
        return f"0 pairs; {BEFORE_THE_FIRST_TURN}"
    lines = [f"{len(found.pairs)} pairs; {owed} owed to calendars and mailboxes"]
    if found.held_back:
        lines.append(
            f"{found.held_back} letters are held back, their fate is not known: "
            "careloop resume --held-letters send|drop"
        )
    return "\n".join([*lines, *(f"failed: {one}" for one in found.failed)])
