"""careloop export: everything that is kept about a person's talks, as JSON, for them."""

import click

from daemon.cli.group import OK, config_option
from daemon.cli.opening import opened
from daemon.cli.output import json_option, print_json


@click.command()
@config_option
@click.argument("address", metavar="EMAIL")
@json_option
def command(address: str, as_json: bool) -> int:  # noqa: ARG001 - it is JSON in any case
    """Write out everything that is known of a person."""
    app = opened()
    from daemon.cli.people import known  # the store is loaded by now
    from daemon.core.domain import Email
    from daemon.store import access, export, pairs, people

    with app.database.writing() as conn:
        person = known(address, people.everybody(conn))
        found = export.everything(conn, app.vault, person)
        note = access.Entry(app.clock(), Email("operator"), "exported", "everything")
        for pair in pairs.histories(conn, ended=True):
            if pair.employee == person:
                access.note(conn, note, pair)
    print_json(found)
    click.echo("These are private words: hand them to the person, keep no copy.", err=True)
    return OK
