"""careloop preview: a letter as people get it, with invented content; no talk is ever opened."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from daemon.cli.group import OK, config_option
from daemon.cli.opening import configured, opened
from daemon.cli.output import json_option, plain, print_json

if TYPE_CHECKING:
    from daemon.core.domain import Meeting
    from daemon.letters import Facts, Letters

KINDS = ("prep", "nudge", "brief", "record", "summary", "moved", "overdue", "helper", "sign_in")
LANGUAGES = ("en", "de", "fr", "es")
SAID_OF_NOBODY = "everything in this letter is invented"
SAID_OF_PAIR = (
    "the people and the meeting are real; what is said of the talk and the links is invented"
)


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
    click.echo(SAID_OF_PAIR if pair else SAID_OF_NOBODY, err=True)
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
    from daemon.loop.noting import moment
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
    if history.meetings:
        facts = _about(facts, history.meetings[-1])
    return app.letters, replace(
        facts,
        letter=replace(facts.letter, to=to.email),
        to=facts.to if letter == "helper" else to,
        employee=employee,
        manager=manager,
        now=moment(app),
        link=_link(app.config.web.url),
        choices={way: f"{_link(app.config.web.url)}/{way}" for way in facts.choices},
    )


def _about(facts: "Facts", meeting: "Meeting") -> "Facts":
    """The invented content around a real meeting: its days follow, a first talk looks back on
    nothing."""
    from daemon.core.domain import Kind, LetterKind

    if facts.meeting is None:
        return facts
    later = meeting.day - facts.meeting.day
    looks_back = facts.letter.kind is not LetterKind.SUMMARY and meeting.kind is Kind.FIRST
    actions = () if looks_back else facts.actions
    following, was = facts.next_meeting, facts.moved_from
    return replace(
        facts,
        meeting=meeting,
        actions=tuple(replace(one, due=one.due + later) for one in actions),
        next_meeting=_at(following, _days_after(meeting, 35)) if following else None,
        moved_from=_days_after(meeting, -1) if was else None,
    )


def _days_after(meeting: "Meeting", days: int) -> datetime:
    """Its start so many days later, at the same time of the employee's clock."""
    here = meeting.start.astimezone(ZoneInfo(meeting.zone))
    return (here + timedelta(days=days)).astimezone(UTC)


def _at(meeting: "Meeting", start: datetime) -> "Meeting":
    return replace(meeting, start=start, end=start + (meeting.end - meeting.start))


def _link(url: str) -> str:
    return f"{url.rstrip('/')}/an-invented-link"


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
