"""careloop pause: no meetings for somebody until a day, or until resumed."""

from datetime import date, datetime

import click

from daemon.cli.group import OK, config_option
from daemon.cli.opening import opened
from daemon.cli.output import plain


@click.command()
@config_option
@click.argument("address", metavar="EMAIL")
@click.option(
    "--until", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="The last day of the pause."
)
def command(address: str, until: datetime | None) -> int:
    """Pause somebody's meetings."""
    app = opened()
    from daemon.cli.people import pair_of  # the store is loaded by now
    from daemon.core.days import today
    from daemon.loop.noting import moment
    from daemon.store import pairs, people

    last = until.date() if until else date.max
    now = moment(app)
    with app.database.writing() as conn:
        pair = pair_of(conn, address)
        day = today(now, people.everybody(conn)[pair.employee].zone)
        if last < day:
            raise click.UsageError(f"--until {last} is over: for them it is {day} already")
        pairs.pause(conn, pair, last)
    said = f"until {last}" if until else f"until `careloop resume {pair.employee}`"
    click.echo(plain(f"{pair.employee} is paused {said}"), err=True)
    return OK
