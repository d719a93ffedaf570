"""Find the person an address on the command line means."""

from collections.abc import Iterable
from difflib import get_close_matches

import click
from sqlalchemy import Connection

from daemon.core.domain import Email, Pair, email
from daemon.store import pairs

email_argument = click.argument("address", metavar="EMAIL")


def known(address: str, people: Iterable[Email]) -> Email:
    """The address as the roster has it. Raises a usage error with the nearest one."""
    wanted = email(address)
    everybody = list(people)
    if wanted in everybody:
        return wanted
    near = get_close_matches(wanted, everybody, n=1)
    hint = f" Did you mean {near[0]}?" if near else " `careloop status` lists everybody."
    raise click.UsageError(f"nobody known has the address {wanted}.{hint}")


def pair_of(conn: Connection, address: str) -> Pair:
    """The pair in which this person is the employee. Raises a usage error."""
    leads = {pair.employee: pair for pair in pairs.histories(conn)}
    return leads[known(address, leads)]
