"""careloop resume: the end of a pause."""

import click

from daemon.cli.group import OK, config_option
from daemon.cli.opening import opened
from daemon.cli.output import plain


@click.command()
@config_option
@click.argument("address", metavar="EMAIL")
def command(address: str) -> int:
    """Resume somebody's meetings."""
    app = opened()
    from daemon.cli.people import pair_of  # the store is loaded by now
    from daemon.store import pairs

    with app.database.writing() as conn:
        pair = pair_of(conn, address)
        changed = pairs.pause(conn, pair, None)
    said = "resumes with the next turn" if changed else "was not paused"
    click.echo(plain(f"{pair.employee} {said}"), err=True)
    return OK
