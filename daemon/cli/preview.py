"""careloop preview: a letter as people get it, with invented content; no talk is ever opened."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.cli.group import OK, config_option
from daemon.cli.opening import configured, opened
from daemon.cli.output import json_option, plain, print_json

if TYPE_CHECKING:
    from daemon.letters import Facts, Letters

KINDS = ("prep", "nudge", "brief", "record", "summary", "moved", "overdue", "helper", "sign_in")
LANGUAGES = ("en", "de", "fr", "es")


@click.command()
@config_option
@click.argument("letter", type=click.Choice(KINDS), required=False)
@click.option("--pair", metavar="EMAIL", help="With the people and the meeting of this employee.")
@click.option("--language", type=click.Choice(LANGUAGES), help="Default: the reader's.")
@click.option("--html", is_flag=True, help="Print the HTML instead of the text.")
@click.option(
    "--all", "gallery", metavar="DIR", type=click.Path(path_type=Path, file_okay=False),
    help="Write every letter in every language into a folder, with an index.html.",
)  # fmt: skip
@json_option
def command(
    letter: str | None,
    pair: str | None,
    language: str | None,
    html: bool,
    gallery: Path | None,
    as_json: bool,
) -> int:
    """Show a letter as it would be written now."""
    if (letter is None) == (gallery is None):
        raise click.UsageError(f"name one of {', '.join(KINDS)}, or --all DIR")
    if gallery is not None:
        return _gallery(gallery)
    assert letter is not None
    letters, facts = _of_pair(letter, pair, language) if pair else _invented(letter, language)
    words = letters.words(facts)
    if as_json:
        print_json({"subject": words.subject, "text": words.text, "html": words.html})
    elif html:
        click.echo(words.html)
    else:
        click.echo(plain(f"Subject: {words.subject}\n\n{words.text}"))
    return OK


def _invented(letter: str, language: str | None) -> "tuple[Letters, Facts]":
    config = configured()
    from daemon.core.domain import LetterKind  # the letters bring the template engine
    from daemon.letters import examples
    from daemon.wiring import letters_for

    facts = examples(LetterKind(letter), language or config.organization.language)
    return letters_for(config), facts


def _of_pair(letter: str, address: str, language: str | None) -> "tuple[Letters, Facts]":
    """The people and the meeting are real; what was said, and the link, are invented."""
    app = opened()
    from daemon.cli.people import pair_of  # the store is loaded by now
    from daemon.core.domain import LetterKind
    from daemon.letters import examples
    from daemon.store import pairs, people

    with app.database.reading() as conn:
        pair = pair_of(conn, address)
        history = pairs.histories(conn)[pair]
        known = people.everybody(conn)
    employee, manager = known[pair.employee], known[pair.manager]
    to = manager if letter == "brief" else employee
    if language:
        to = replace(to, language=language)
    facts = examples(LetterKind(letter), to.language)
    meeting = history.meetings[-1] if history.meetings else facts.meeting
    return app.letters, replace(
        facts,
        letter=replace(facts.letter, to=to.email),
        to=facts.to if letter == "helper" else to,
        employee=employee,
        manager=manager,
        meeting=meeting,
        now=app.clock(),
    )


def _gallery(folder: Path) -> int:
    config = configured()
    from daemon.core.domain import LetterKind  # the letters bring the template engine
    from daemon.letters import examples
    from daemon.wiring import letters_for

    letters = letters_for(config)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for kind in KINDS:
        for language in LANGUAGES:
            facts = examples(LetterKind(kind), language)
            name = f"{kind}.{language}"
            (folder / f"{name}.eml").write_bytes(letters.write(facts).content)
            (folder / f"{name}.html").write_text(letters.words(facts).html, "utf-8")
            rows.append(f'<li><a href="{name}.html">{kind}, {language}</a></li>')
    page = "<!doctype html><meta charset=utf-8><title>Letters</title><h1>Letters</h1><ul>"
    (folder / "index.html").write_text(f"{page}{''.join(rows)}</ul>", "utf-8")
    click.echo(f"{len(rows)} letters: {folder / 'index.html'}", err=True)
    return OK
