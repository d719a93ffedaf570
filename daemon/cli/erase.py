"""careloop erase: forget what a person wrote; once they have left, also who they were."""

import sys
from typing import TYPE_CHECKING

import click

from daemon.cli.group import OK, PARTLY, config_option
from daemon.cli.opening import opened
from daemon.cli.output import plain

if TYPE_CHECKING:
    from daemon.core.domain import Email
    from daemon.loop.forgetting import Traces
    from daemon.wiring import App


@click.command()
@config_option
@click.argument("address", metavar="EMAIL")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--anyway", is_flag=True, help="Also where a talk still stands in a calendar.")
def command(address: str, yes: bool, anyway: bool) -> int:
    """Erase what is known of a person."""
    app = opened()
    from daemon.loop import noting  # the store is loaded by now
    from daemon.loop.forgetting import erase, traces

    person, moment = _known(app, address), noting.moment(app)
    left = traces(app, person, moment)
    name = not left.here and (anyway or not left.withdrawals)
    if not yes:
        _confirm(app, person, name=name)
    clean = erase(app, person, moment, name=name)
    for line in (*_said(person, left, name=name), *(() if clean else (_BUSY,))):
        click.echo(plain(line), err=True)
    return OK if clean and (name or left.here) else PARTLY


def _known(app: "App", address: str) -> "Email":
    from daemon.cli.people import known
    from daemon.store import helpers, people

    with app.database.reading() as conn:
        everybody = people.everybody(conn)
        managers = {one.manager for one in everybody.values() if one.manager}
        return known(address, {*everybody, *managers, *helpers.asked(conn)})


def _confirm(app: "App", person: str, *, name: bool) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError("this cannot be undone: add --yes")
    copies = len(app.database.copies())
    what = f"everything that names {person}" if name else f"every word of {person}'s talks"
    more = f", and {copies} older copies beside the store" if copies else ""
    click.confirm(plain(f"Erase {what}{more}? This cannot be undone"), abort=True, err=True)


def _said(person: str, left: "Traces", *, name: bool) -> list[str]:
    """Tell what is gone, and where else the person may stand."""
    if name:
        reports = [_REPORTS.format(person=person, who=", ".join(left.reports))]
        return [_ERASED.format(person=person), *(reports if left.reports else ()), _ELSEWHERE]
    gone = f"Every word of {person}'s talks is erased; when talks were held is kept as figures."
    if left.here:
        return [gone, _HERE.format(person=person), _ELSEWHERE]
    return [gone, _WAITING.format(person=person, count=left.withdrawals)]


_ERASED = (
    "{person} is erased: no word, name or address of theirs is left in the store. That talks were "
    "held stays, as figures of nobody."
)
_REPORTS = (
    "The roster still names {person} as manager of {who}, and the next turn reads it: give them "
    "another, then erase once more."
)
_HERE = (
    "{person} is on the roster: name, address and meetings stay, and the talks go on. Take them "
    "off it and erase once more after the next turn; then nothing names them any more."
)
_WAITING = (
    "{person} has left, but {count} of their talks may still stand in a calendar: name and "
    "meetings stay until it is withdrawn. Erase once more after the next turn; --anyway does not "
    "wait, and leaves the event where it is."
)
_BUSY = (
    "Somebody keeps the store busy, so it could not be written anew: deleted bytes are still in "
    "the file. The service does it with the next day's forgetting."
)
_ELSEWHERE = (
    "Not erased, because it is not the store's: the roster, calendars, mailboxes and sent letters, "
    "the log, and backups you made. After a restore, erase once more."
)
