"""careloop web: the pages alone, beside a `careloop run --no-web` elsewhere."""

import click

from daemon.cli.group import OK, config_option
from daemon.cli.opening import opened


@click.command()
@config_option
def command() -> int:
    """Serve the pages alone."""
    app = opened()
    from daemon.cli.logs import configure  # the pages bring their libraries: only when they run
    from daemon.cli.serving import Pages

    configure(app.config.service.log)
    click.echo(f"pages at {app.config.web.url}", err=True)
    Pages(app).run()
    return OK
