"""careloop simulate: what a stretch of time would bring, played on a copy of the state."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from daemon.cli.group import OK, config_option
from daemon.cli.opening import opened
from daemon.cli.output import plain, print_json, print_table

if TYPE_CHECKING:
    from daemon.core.domain import Roster
    from daemon.loop.fate import Rates
    from daemon.loop.simulation import Progress, Simulation
    from daemon.wiring import App

STDOUT = "-"
SHARE = click.FloatRange(0, 1)
TIMES = click.FloatRange(0, 100)


@click.command()
@config_option
@click.option("--days", type=click.IntRange(1, 3660), default=365, show_default=True, metavar="N")
@click.option(
    *("--from", "first"),
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The first day [default: now].",
)
@click.option(
    "--people",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Another roster (CSV).",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, other chances.")
@click.option("--moved", type=SHARE, help="Share of meetings people move [default: 0.42].")
@click.option("--cancelled", type=SHARE, help="Share they decline or delete [default: 0.3].")
@click.option("--ill", type=TIMES, help="Times a person falls ill a year [default: 2].")
@click.option("--leaves", type=SHARE, help="Share of people who leave in a year [default: 0.1].")
@click.option("--calm", is_flag=True, help="Nobody moves, declines, falls ill or deletes anything.")
@click.option(
    *("--json", "report"),
    is_flag=False,
    flag_value=STDOUT,
    metavar="[FILE]",
    help="Print JSON, or write it into a file.",
)
@click.option(
    *("--html", "page"),
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a page with charts.",
)
def command(
    days: int,
    first: datetime | None,
    people: Path | None,
    seed: int,
    calm: bool,
    report: str | None,
    page: Path | None,
    **stated: float | None,
) -> int:
    """Fast-forward on a copy: windows kept, moves, letters, managers' time."""
    app = opened()
    from daemon.loop.fate import NONE, Rates  # the planner takes its time to load
    from daemon.loop.simulation import simulate

    given = {name: value for name, value in stated.items() if value is not None}
    rates = replace(NONE if calm else Rates(), **given)
    with _progress(days) as progress:
        found = simulate(
            app,
            days,
            _start(app, first),
            rates=rates,
            seed=seed,
            roster=_roster(app, people) if people else None,
            progress=progress,
        )
    _tell(found, rates, seed, report)
    if page is not None:
        from daemon.cli.sheet import write  # only for a page

        write(found, rates, seed, page)
        click.echo(plain(f"written: {page}"), err=True)
    return OK


def _start(app: "App", first: datetime | None) -> datetime:
    """A turn a day, five minutes after the letters of the day are due."""
    if first is None:
        return app.clock()
    return datetime.combine(first.date(), time(8, 5), app.config.organization.zone)


def _roster(app: "App", file: Path) -> "Roster":
    import connectors  # only for another roster than one's own
    from daemon.cli.troubles import show
    from daemon.config.model import People

    other = People(kind="csv", path=file.absolute())
    roster = connectors.directory(app.config.model_copy(update={"people": other})).people()
    show(roster.problems)
    return roster


def _tell(found: "Simulation", rates: "Rates", seed: int, report: str | None) -> None:
    said = {**_jsonable(found), "played": {**asdict(rates), "seed": seed}}
    if report == STDOUT:
        print_json(said)
        return
    click.echo(_played(rates, seed), err=True)
    if report is not None:
        text = json.dumps(said, indent=2, default=str)
        Path(report).write_text(text + "\n", "utf-8")
        click.echo(plain(f"written: {report}"), err=True)
    print_table(("figure", "value"), list(_figures(found)))
    if found.worst:
        click.echo()
        rows = [
            (one.pair.employee, one.pair.manager, str(one.first), str(one.second), str(one.days),
             one.reason)
            for one in found.worst
        ]  # fmt: skip
        print_table(("employee", "manager", "from", "to", "days", "reason"), rows)


def _played(rates: "Rates", seed: int) -> str:
    """What people do in it; without this the moves look like careloop's own."""
    if not any(asdict(rates).values()):
        return "played: nobody moves, declines, falls ill or leaves"
    return (
        f"played: people move {rates.moved:.0%} of the talks and decline or delete "
        f"{rates.cancelled:.0%}, fall ill {rates.ill:g} times a year, {rates.leaves:.0%} leave "
        f"within a year (seed {seed}); --calm plays none of it"
    )


def _figures(found: "Simulation") -> Iterator[tuple[str, str]]:
    minutes = found.manager_minutes_per_week.values()
    yield "pairs", str(found.pairs)
    yield "talks", str(found.talks)
    yield "gaps inside the window", f"{found.in_window:.1%} of {len(found.gaps)}"
    for reason, count in found.reasons.items():
        yield f"  outside: {reason.replace('_', ' ')}", str(count)
    for why, count in found.moves.items():
        yield f"moved or fell: {why.replace('_', ' ')}", str(count)
    yield "letters per person and year", str(found.letters_per_person)
    yield "busiest manager, minutes a week", f"{max(minutes, default=0.0):.0f}"
    yield f"days with more than {found.crowd} talks", str(found.crowded_days)
    yield "pairs that never met", str(len(found.unmet))


def _jsonable(found: "Simulation") -> dict[str, Any]:
    return {
        "start": found.start,
        "days": found.days,
        "pairs": found.pairs,
        "talks": found.talks,
        "in_window": found.in_window,
        "outside": found.reasons,
        "moves": found.moves,
        "letters": {kind.value: count for kind, count in found.letters.items()},
        "letters_per_person": found.letters_per_person,
        "manager_minutes_per_week": found.manager_minutes_per_week,
        "crowded_days": found.crowded_days,
        "crowd": found.crowd,
        "unmet": [_pair(pair) for pair in found.unmet],
        "gaps": [
            {**_pair(one.pair), "first": one.first, "second": one.second, "days": one.days,
             "reason": one.reason}
            for one in found.gaps
        ],
    }  # fmt: skip


def _pair(pair: Any) -> dict[str, str]:
    return {"employee": pair.employee, "manager": pair.manager}


@contextmanager
def _progress(days: int) -> "Iterator[Progress | None]":
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # rich takes its time, and logs do not need it
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("playing", total=days)
        yield lambda done, _: bar.update(task, completed=done)
