"""careloop run: the service, or one turn."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.cli.group import OK, PARTLY, REFUSED, config_file, config_option
from daemon.cli.opening import now_option, opened
from daemon.cli.output import json_option, plain, print_json
from daemon.cli.troubles import show
from daemon.config.load import ConfigError, find, load
from daemon.config.model import Config

if TYPE_CHECKING:
    from daemon.loop.turn import TurnReport


@click.command()
@config_option
@click.option("--once", is_flag=True, help="Take one turn, then exit.")
@now_option
@click.option("--no-web", is_flag=True, help="Serve no pages (`careloop web` does, elsewhere).")
@json_option
def command(once: bool, now: datetime | None, no_web: bool, as_json: bool) -> int:
    """Run the service: loop, pages, metrics."""
    if once:
        return _one_turn(now, as_json)
    if now is not None or as_json:
        raise click.UsageError("--now and --json go with --once")
    return _service(web=not no_web)


def _one_turn(now: datetime | None, as_json: bool) -> int:
    app = opened(now)
    from daemon.cli.logs import configure  # the loop brings its libraries: only when it runs
    from daemon.loop.turn import run_turn

    configure(app.config.service.log)
    report = run_turn(app, app.clock())
    show(report.problems)
    if as_json:
        print_json(figures(report))
    else:
        click.echo(plain(sentence(report)), err=True)
    if report.credentials_refused:
        return REFUSED
    return OK if report.complete else PARTLY


def figures(report: "TurnReport") -> dict[str, object]:
    """What a turn came to, in numbers."""
    tally = report.tally
    return {
        "at": report.at,
        "pairs": len(report.decision.histories),
        "booked": tally.booked,
        "withdrawn": tally.withdrawn,
        "sent": tally.sent,
        "put_off": tally.put_off,
        "failed": tally.failed,
        "lapsed": tally.lapsed,
        "in_trouble": len(report.decision.problems),
        "problems": report.problems,
    }


def sentence(report: "TurnReport") -> str:
    """What a turn came to, in a line."""
    counted = {
        name: value for name, value in figures(report).items() if isinstance(value, int) and value
    }
    pairs, trouble = counted.pop("pairs", 0), counted.pop("in_trouble", 0)
    done = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in counted.items())
    more = f"; {trouble} with a problem (careloop status)" if trouble else ""
    return f"{pairs} pairs: {done or 'nothing to do'}{more}"


def _service(*, web: bool) -> int:
    app = opened()
    from daemon.cli.logs import configure  # the loop brings its libraries: only when it runs
    from daemon.loop.service import Reload, serve

    configure(app.config.service.log)
    pages = None
    if web:
        from daemon.cli.serving import Pages

        pages = Pages(app)
    serve(app, pages, Reload(find(config_file()), load_again))
    return OK


def load_again(path: Path) -> Config:
    """The configuration as it is now, in the service's own words when it is wrong."""
    from daemon.loop.service import Invalid

    try:
        return load(path)
    except ConfigError as error:
        raise Invalid(error.problems) from error
