"""careloop backup: a copy of the state in one file, taken while the service runs."""

from pathlib import Path

import click

from daemon.cli.group import OK, config_option
from daemon.cli.opening import opened


@click.command()
@config_option
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
def command(file: Path) -> int:
    """Copy the state while the service runs."""
    app = opened()
    from daemon.store.backup import backup  # the store is loaded by now

    backup(app.database, file)
    click.echo(f"{file} holds the state. Keep the file of [web] secret with it.", err=True)
    return OK
