"""Find the person an address on the command line means."""

from collections.abc import Iterable
from difflib import get_close_matches

import click
from sqlalchemy import Connection

from daemon.cli.opening import BEFORE_THE_FIRST_TURN
from daemon.core.domain import Email, Pair, email
from daemon.store import pairs, people

email_argument = click.argument("address", metavar="EMAIL")


def known(address: str, among: Iterable[Email]) -> Email:
    """The address as the roster has it. Raises a usage error with the nearest one."""
    wanted = email(address)
    everybody = list(among)
    if wanted in everybody:
        return wanted
    if not everybody:
        raise click.UsageError(BEFORE_THE_FIRST_TURN)
    near = get_close_matches(wanted, everybody, n=1)
    hint = f" Did you mean {near[0]}?" if near else " `careloop status` lists everybody."
    raise click.UsageError(f"nobody known has the address {wanted}.{hint}")


def pair_of(conn: Connection, address: str) -> Pair:
    """The pair in which this person is the employee. Raises a usage error that names, where there
    is none, the employees whose talks they have as a manager."""
    who = known(address, people.everybody(conn))
    active = pairs.histories(conn)
    for pair in active:
        if pair.employee == who:
            return pair
    raise click.UsageError(_leads_none(who, active))


def _leads_none(who: Email, active: Iterable[Pair]) -> str:
    theirs = ", ".join(sorted(pair.employee for pair in active if pair.manager == who))
    if not theirs:
        return f"{who} has no talks: no manager, and nobody reports to them"
    return f"{who} has talks as a manager only: name the employee, one of {theirs}"
