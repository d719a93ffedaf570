"""A role the two drafted themselves: handed to the people team once both want it."""

from pathlib import Path

import structlog

from daemon.core.agreement import Record, Statement
from daemon.core.checklist import ItemKind
from daemon.web.site import Seat, reference

log = structlog.get_logger()

DRAFTS = "drafts"
"""Inside the HR folder; nothing in there is taken for a role file."""


def hand_in(seat: Seat, record: Record) -> None:
    """Write what both agreed of a role that HR has no file for, and both want to hand in. A folder
    that cannot be written is told on the page and in the log; the next save tries again."""
    if seat.role:
        return
    of_role = {item.id for item in seat.checklist.items if item.kind is ItemKind.LINES}
    for statement in record.statements:
        if statement.topic in of_role and statement.for_hr and not has(seat, statement):
            _write(seat, statement)


def has(seat: Seat, statement: Statement) -> bool:
    """Tell whether HR's folder holds exactly these words."""
    file = _file(seat)
    return file.is_file() and file.read_text("utf-8", "replace") == _text(seat, statement)


def _write(seat: Seat, statement: Statement) -> None:
    file = _file(seat)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.write_text(_text(seat, statement), encoding="utf-8")
        part.chmod(0o640)
        part.replace(file)
    except OSError as error:
        log.error("hr.draft_not_written", folder=str(file.parent), reason=error.strerror)
        return
    seat.audit("handed in", "role")


def _file(seat: Seat) -> Path:
    folder = seat.app.config.at(seat.app.config.organization.hr_folder) / DRAFTS
    role = "".join(c if c.isalnum() else "-" for c in seat.employee.role)[:60].strip("-")
    return folder / f"{role or 'role'}-{reference(seat.pair)[:8]}.md"


def _text(seat: Seat, statement: Statement) -> str:
    role = seat.employee.role or seat.employee.name
    names = f"{seat.employee.name} <{seat.employee.email}>, {seat.manager.name}"
    agreed = max(statement.ticks.values()).date()
    return f"# {role}\n\n{statement.text}\n\n<!-- {names} <{seat.manager.email}>, {agreed} -->\n"
