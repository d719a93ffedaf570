"""careloop restore: a backup in the place of the state; the replaced one is kept."""

from pathlib import Path

import click

from daemon.cli.group import OK, config_option
from daemon.cli.opening import configured


@click.command()
@config_option
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
def command(file: Path) -> int:
    """Put a backup in place of the state."""
    config = configured()
    from daemon.config.secrets import resolve  # the store takes its time to load
    from daemon.store.backup import restore
    from daemon.wiring import wall_clock

    kept = restore(file, resolve(config.state.url, config.root), config.root, wall_clock())
    click.echo(f"{file} is the state now.", err=True)
    if kept:
        click.echo(f"What it replaced is kept in {kept}.", err=True)
    click.echo("The next turn looks before it acts: nothing is booked or sent twice.", err=True)
    return OK
