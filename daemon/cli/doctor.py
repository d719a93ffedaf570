"""careloop doctor: examine the live world; each answer is what ails, why, what mends it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from daemon.cli.group import FAILED, OK, REFUSED, config_option
from daemon.cli.opening import configured
from daemon.cli.output import json_option, plain, print_json

if TYPE_CHECKING:
    from daemon.cli.health import Ailment


@click.command()
@config_option
@json_option
def command(as_json: bool) -> int:
    """Examine the live world: credentials, calendars, mail path, clock, disk."""
    config = configured()
    from daemon.cli.health import EXAMINATIONS, Case  # these bring everything they look at
    from daemon.cli.mailnames import examine_sender
    from daemon.wiring import wall_clock

    case = Case(config, wall_clock())
    found: dict[str, list[Ailment]] = {}
    for name, examination in EXAMINATIONS.items():
        found[name] = list(examination(case))
        if not as_json:
            _show(name, found[name])
    found["sender's domain"], unchecked = examine_sender(config)
    if as_json:
        ailments = [one for some in found.values() for one in some]
        print_json({"ok": not ailments, "problems": ailments, "not_checked": unchecked})
    else:
        _show("sender's domain", found["sender's domain"])
        for one in unchecked:
            click.echo(plain(f"not checked: {one}"), err=True)
    return _code(one for some in found.values() for one in some)


def _show(name: str, ailments: "Iterable[Ailment]") -> None:
    if not ailments:
        click.echo(f"ok    {name}", err=True)
    for one in ailments:
        click.echo(plain(f"{one.what}\n    why:  {one.why}\n    mend: {one.mend}"))


def _code(ailments: "Iterable[Ailment]") -> int:
    refusals = [one.refused for one in ailments]
    return REFUSED if any(refusals) else FAILED if refusals else OK
