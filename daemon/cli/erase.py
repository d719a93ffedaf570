"""careloop erase: forget what a person and their managers wrote, and destroy its keys."""

import sys

import click

from daemon.cli.group import OK, config_option
from daemon.cli.opening import opened
from daemon.cli.output import plain


@click.command()
@config_option
@click.argument("address", metavar="EMAIL")
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(address: str, yes: bool) -> int:
    """Erase what is known of a person."""
    app = opened()
    from daemon.cli.people import known  # the store is loaded by now
    from daemon.core.domain import Email
    from daemon.store import access, conversations, pairs, people

    with app.database.reading() as conn:
        person = known(address, people.everybody(conn))
        mine = [pair for pair in pairs.histories(conn, ended=True) if pair.employee == person]
    if not yes:
        _confirm(person, len(mine))
    with app.database.writing() as conn:
        for pair in mine:
            conversations.erase(conn, app.vault, pair)
            note = access.Entry(app.clock(), Email("operator"), "erased", "everything")
            access.note(conn, note, pair)
        access.revoke(conn, person)
    said = f"Every word of {person}'s talks is erased; when talks were held is kept as figures."
    click.echo(plain(said), err=True)
    return OK


def _confirm(person: str, count: int) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError("this cannot be undone: add --yes")
    question = f"Erase every word of {person}'s talks ({count} pairs)? This cannot be undone"
    click.confirm(plain(question), abort=True, err=True)
