"""careloop check: configuration, secret, roster, templates and checklist, every problem at once."""

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
def command(as_json: bool) -> int:
    """Check configuration, roster and templates: every problem in one run."""
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
        click.echo(_verdict(path, errors), err=True)
    return USAGE if errors else OK


def _verdict(path: Path, errors: list[Problem]) -> str:
    if not errors:
        return f"{path}: all is well"
    return "1 problem" if len(errors) == 1 else f"{len(errors)} problems"


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
    folder = config.at(config.organization.hr_folder)
    if not folder.is_dir():
        yield Problem(
            f"{path}: [organization] hr_folder",
            f"{folder} does not exist: people will draft their role themselves",
            f"mkdir {folder}, one file a role: <role>.md",
        )
