"""careloop resume: the end of a pause, a new search, letters held back let go."""

from typing import TYPE_CHECKING

import click

from daemon.cli.group import OK, config_option
from daemon.cli.opening import opened
from daemon.cli.output import plain

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from daemon.core.domain import Pair
    from daemon.wiring import App


@click.command()
@config_option
@click.argument("address", metavar="[EMAIL]", required=False)
@click.option(
    "--held-letters",
    type=click.Choice(("send", "drop")),
    help="Decide about the letters whose fate is not known (on_ambiguous = hold).",
)
def command(address: str | None, held_letters: str | None) -> int:
    """Resume somebody's meetings."""
    if (address is None) == (held_letters is None):
        raise click.UsageError("name the EMAIL whose meetings go on, or --held-letters")
    app = opened()
    said = _meetings(app, address) if address else _letters(app, drop=held_letters == "drop")
    click.echo(plain(said), err=True)
    return OK


def _meetings(app: "App", address: str) -> str:
    from daemon.cli.people import pair_of  # the store is loaded by now
    from daemon.store import pairs

    with app.database.writing() as conn:
        pair = pair_of(conn, address)
        changed = pairs.pause(conn, pair, None) | _search_again(conn, pair)
    said = "resumes with the next turn" if changed else "was not paused"
    return f"{pair.employee} {said}"


def _search_again(conn: "Connection", pair: "Pair") -> bool:
    """Give a number whose tries ran out new ones; False: none ran out."""
    from daemon.core import cadence, followup
    from daemon.store import meetings, pairs

    history = pairs.history(conn, pair)
    last_try = cadence.fallen(history) if history else None
    if last_try is None or not last_try.moves:
        return False
    meetings.save(conn, [followup.ask_again(last_try)])
    return True


def _letters(app: "App", *, drop: bool) -> str:
    from daemon.store import outbox

    with app.database.writing() as conn:
        held = [entry.key for entry in outbox.entries(conn, [outbox.State.HELD])]
        for key in held:
            if drop:
                outbox.lapse(conn, key, "dropped by the operator", app.clock())
            else:
                outbox.release(conn, key, app.clock())
    return f"{len(held)} letters {'are dropped' if drop else 'go out with the next turn'}"
