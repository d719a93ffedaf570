"""careloop explain: why a meeting is where it is, or what would free a slot where there is none."""

from typing import TYPE_CHECKING, Any

import click

from daemon.cli.group import OK, config_option
from daemon.cli.opening import now_option, opened
from daemon.cli.output import json_option, plain, print_json

if TYPE_CHECKING:
    from datetime import datetime

    from daemon.core.why import Choice, Obstacle
    from daemon.loop.explaining import Account


@click.command()
@config_option
@click.argument("address", metavar="EMAIL")
@now_option
@json_option
def command(address: str, now: "datetime | None", as_json: bool) -> int:
    """Tell why a meeting is where it is, or why there is none."""
    app = opened(now)
    from daemon.cli.people import known  # the store is loaded by now, the planner only here
    from daemon.loop.explaining import explain
    from daemon.loop.wording import lines
    from daemon.store import people

    with app.database.reading() as conn:
        person = known(address, people.everybody(conn))
    accounts = explain(app, person, app.clock())
    if as_json:
        print_json({"pairs": [_jsonable(one) for one in accounts]})
        return OK
    for account in accounts:
        click.echo(plain("\n".join(lines(account))))
    if not accounts:
        click.echo(
            plain(f"{person} has no talks: no manager, and nobody reports to them"), err=True
        )
    return OK


def _jsonable(account: "Account") -> dict[str, Any]:
    told = account.explanation
    booked, last = account.booked, account.last_held
    found: dict[str, Any] = {
        "employee": account.pair.employee,
        "manager": account.pair.manager,
        "booked": booked.start if booked else None,
        "last_held": last.day if last else None,
    }
    if told is None:
        return found
    from daemon.loop.wording import points_of  # loaded by now

    window, cure = told.due.window, told.cure
    return {
        **found,
        "window": {"from": window.earliest, "to": window.latest, "preferred": window.preferred},
        "left": [{"rule": str(rule), "starts": count} for rule, count in told.left],
        "unknown": {who: account.unknown.get(who, "") for who in told.unknown},
        "winner": _choice(told.winner),
        "runner_up": _choice(told.runner_up),
        "why": points_of(account),
        "nearer": [{"day": one.day, "rule": one.rule} for one in told.nearer],
        "in_the_way": [_obstacle(one) for one in cure.obstacles] if cure else [],
        "then": cure.slot.start if cure else None,
    }


def _choice(choice: "Choice | None") -> dict[str, Any] | None:
    if choice is None:
        return None
    return {"start": choice.start, "price": choice.price + choice.company, "unmet": choice.unmet}


def _obstacle(one: "Obstacle") -> dict[str, Any]:
    return {
        "rule": str(one.rule),
        "who": one.who,
        "start": one.when.start if one.when else None,
        "end": one.when.end if one.when else None,
    }
