"""careloop check: configuration, secret, roster, templates and checklist, every problem at once."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from daemon.cli.group import OK, USAGE, config_file, config_option
from daemon.cli.output import json_option, plain, print_json
from daemon.config.load import Reading, examine, find, said
from daemon.config.model import Config
from daemon.config.secrets import SecretProblem, web_secret
from daemon.core.domain import Problem


@click.command()
@config_option
@json_option
@click.option(
    "--accept-roster",
    is_flag=True,
    help="Confirm that the people missing from the roster have left.",
)
def command(as_json: bool, accept_roster: bool) -> int:
    """Check configuration, roster and templates: every problem in one run."""
    if accept_roster:
        return _accept_roster()
    path = find(config_file())
    reading = examine(path)
    errors = [*reading.errors, *_beyond(path, reading)]
    warnings = [*reading.warnings, *_doubts(path, reading)]
    if as_json:
        print_json({"ok": not errors, "problems": errors, "warnings": warnings})
    else:
        for problem in errors:
            click.echo(plain(said(problem)))
        for problem in warnings:
            click.echo(plain(f"warning: {said(problem)}"))
        click.echo(_verdict(path, errors, warnings), err=True)
    return USAGE if errors else OK


def _accept_roster() -> int:
    """Confirm today's roster in spite of its losses (product rule 10): the next turn acts on it."""
    from daemon.cli.opening import opened  # only here is the store looked at
    from daemon.loop.observe import ACCEPTED, fingerprint, present_of, remember
    from daemon.store import settings

    app = opened()
    present = present_of(app.directory.people(), remember(app))
    with app.database.writing() as conn:
        settings.put(conn, ACCEPTED, fingerprint(present))
    click.echo(f"the roster of {len(present)} people is accepted; the next turn uses it", err=True)
    return OK


def _verdict(path: Path, errors: list[Problem], warnings: list[Problem]) -> str:
    counts = (_counted(errors, "problem"), _counted(warnings, "warning"))
    return f"{path}: {', '.join(filter(None, counts)) or 'all is well'}"


def _counted(some: list[Problem], word: str) -> str:
    return f"{len(some)} {word}{'s'[: len(some) != 1]}" if some else ""


def _beyond(path: Path, reading: Reading) -> Iterator[Problem]:
    """What the configuration leads to; a part that is broken itself is not followed."""
    config = reading.config
    if config is None:
        return
    if "web" not in reading.broken:
        yield from _secret(path, config)
    if not {"people", "organization"} & reading.broken:
        yield from _roster(config)
    if "service" not in reading.broken:
        yield from _templates(config)


def _secret(path: Path, config: Config) -> Iterator[Problem]:
    try:
        web_secret(config.web.secret, config.root)
    except SecretProblem as problem:
        yield Problem(f"{path}: [web] secret", problem.what, problem.cure)


def _roster(config: Config) -> Iterator[Problem]:
    import connectors  # these and what follows are loaded only as far as they are looked at
    from daemon.core.ports import Trouble

    try:
        yield from connectors.directory(config).people().problems
    except Trouble as trouble:
        yield Problem(f"[people] kind = {config.people.kind}", trouble.reason)


def _templates(config: Config) -> Iterator[Problem]:
    from daemon.wiring import letters_for

    own = config.service.templates
    if own is None:
        return
    folder = config.at(own)
    if not folder.is_dir():
        yield Problem(str(folder), "the folder of your templates does not exist", f"mkdir {folder}")
        return
    yield from letters_for(config).problems()
    yield from _checklist(folder / "checklist.toml")


def _checklist(file: Path) -> Iterator[Problem]:
    from daemon.core.checklist import ChecklistError, load_checklist

    if not file.exists():
        return
    try:
        load_checklist(file.read_text("utf-8"), "en", name=str(file))
    except ChecklistError as error:
        yield from error.problems
    except (OSError, UnicodeDecodeError) as error:
        yield Problem(str(file), f"cannot be read: {error}", "save it as UTF-8 text")


def _doubts(path: Path, reading: Reading) -> Iterator[Problem]:
    config = reading.config
    if config is None or reading.broken:
        return
    yield from _without_calendar(config)
    yield from _held_back(config)
    folder = config.at(config.organization.hr_folder)
    if not folder.is_dir():
        yield Problem(
            f"{path}: [organization] hr_folder",
            f"{folder} does not exist: people will draft their role themselves",
            f"mkdir {folder}, one file a role: <role>.md",
        )


def _without_calendar(config: Config) -> Iterator[Problem]:
    """Who is on the roster and has no folder: their time is unknown, never free."""
    import connectors  # loaded already, for the roster
    from daemon.core.ports import Trouble

    if config.calendar.kind != "folder":
        return
    try:
        people = connectors.directory(config).people().people
    except Trouble:
        return
    top = config.at(config.calendar.path)
    known = {entry.name.lower() for entry in top.iterdir()} if top.is_dir() else set()
    for person in people:
        folder = top / person.email
        if not known & {person.email, f"{person.email}.ics"}:
            yield Problem(
                str(folder),
                f"{person.name} has no calendar, so nothing can be booked for them",
                f"mkdir -p {shlex.quote(str(folder))} (an empty one is free time), "
                f"or put {person.email}.ics into {top}",
            )


def _held_back(config: Config) -> Iterator[Problem]:
    """A roster that suddenly loses many is not acted on: said before the next turn says so."""
    from daemon.cli.health import state_file  # only where turns were taken there is more to load

    file = state_file(config)
    if file is not None and not file.exists():
        return
    from daemon.core.ports import Trouble
    from daemon.loop.observe import doubtful, present_of, remember
    from daemon.store.trouble import StoreTrouble
    from daemon.wiring import open_app

    try:
        app = open_app(config, on_copy=True)
        found = app.directory.people()
    except (SecretProblem, StoreTrouble, Trouble):
        return  # told elsewhere
    memory = remember(app)
    app.database.close()
    doubt = doubtful(present_of(found, memory), memory)
    if doubt is not None:
        yield doubt
