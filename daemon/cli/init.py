"""careloop init: a folder with everything a first run needs; nothing is ever overwritten."""

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import click

from daemon.cli.group import CONFIG_FILE, config_option
from daemon.cli.scaffold import (
    Answers,
    found_country,
    found_language,
    found_zone,
    lay,
    owner_of,
    preparing,
    user_exists,
    user_for,
)
from daemon.config.checks import countries, is_address, known_zone

LANGUAGES = ("en", "de", "fr", "es")
_CURES = {
    "time_zone": "write an IANA zone such as Europe/Berlin",
    "country": "write an ISO 3166 code such as DE or DE-BY, or - for none",
    "language": "write en, de, fr or es",
    "sender": "write an address such as careloop@acme.example",
    "url": "write an address that begins with http:// or https://",
}
"""What an answer that will not do should be instead."""


@click.command()
@config_option
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--name", help="What the organization is called.")
@click.option("--time-zone", help="Zone of people without their own (Europe/Berlin).")
@click.option("--country", help="Public holidays (DE, DE-BY; - for none).")
@click.option("--language", type=click.Choice(LANGUAGES), help="Of letters and pages.")
@click.option("--sender", help="The address letters come from.")
@click.option("--url", help="How people's browsers reach the pages.")
@click.option("--yes", is_flag=True, help="Ask nothing: take flags and defaults.")
def command(folder: Path, yes: bool, name: str | None, **given: str | None) -> int:
    """Set up a folder: configuration, sample roster, secret, unit file."""
    asking = sys.stdin.isatty() and not yes
    if name is None and not asking:
        raise click.UsageError("say what the organization is called: --name NAME")
    answers = _answers(asking, name, given)
    made, kept = lay(folder, answers)
    for path in made:
        click.echo(f"made  {path}", err=True)
    for path in kept:
        click.echo(f"kept  {path} (it was there)", err=True)
    ctx = click.get_current_context()
    ctx.meta[CONFIG_FILE] = folder / "config.toml"
    from daemon.cli import check  # only now is there something to check

    code: int = ctx.invoke(check.command, as_json=False)
    click.echo(_next_steps(folder), err=True)
    return code


def _answers(asking: bool, name: str | None, given: dict[str, str | None]) -> Answers:
    """Take each answer from its flag, or ask, or fall back on what the machine suggests."""

    def answer(key: str, question: str, default: str, right: Callable[[str], bool]) -> str:
        value = given[key]
        if value is None:
            value = _asked(question, default, right, _CURES[key]) if asking else default
        if not right(value):
            flag = f"--{key.replace('_', '-')}"
            raise click.BadParameter(f"{value!r}: {_CURES[key]}", param_hint=flag)
        return value

    called = name or _asked("What is the organization called?", "", bool, "it needs a name")
    zone = answer("time_zone", "Time zone", found_zone(), known_zone)
    return Answers(
        name=called,
        time_zone=zone,
        country=answer("country", "Country for public holidays", found_country(zone), _is_country),
        language=answer("language", "Language", found_language(), LANGUAGES.__contains__),
        sender=answer("sender", "Letters come from", "careloop@localhost", is_address),
        url=answer("url", "Address of the pages", "http://127.0.0.1:8080", _is_url),
    )


def _asked(question: str, default: str, right: Callable[[str], bool], cure: str) -> str:
    while True:
        value: str = click.prompt(question, default=default or None, err=True)
        if right(value.strip()):
            return value.strip()
        click.echo(f"{value!r}: {cure}.", err=True)


def _is_country(text: str) -> bool:
    return text == "-" or text.partition("-")[0] in countries()


def _is_url(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def _next_steps(folder: Path) -> str:
    config = shlex.quote(os.path.relpath(folder / "config.toml"))
    return f"""
Next:
  1. put your people into {folder / "people.csv"}
     and their calendar exports into {folder / "calendars"}/<email>/
  2. careloop --config {config} check
  3. careloop --config {config} plan
  4. careloop --config {config} run
  5. as a service, as root:
{_as_service(folder.resolve())}"""


def _as_service(folder: Path) -> str:
    """The commands that make a service of it, each on a line."""
    owner = owner_of(folder)
    unit = shlex.quote(str(folder / "careloop.service"))
    return "\n".join(
        f"     {command}"
        for command in (
            *preparing(folder, owner, known=user_exists(user_for(owner))),
            f"install -m 644 {unit} /etc/systemd/system/",
            "systemctl daemon-reload && systemctl enable --now careloop",
        )
    )
