"""Promises of the pages' languages: every word is translated, and every figure survives it."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment

from daemon.core.domain import Kind, email
from daemon.links import Purpose
from daemon.store import access, people
from daemon.web.show import DEEDS, SOMEBODY, THINGS
from daemon.web.words import LOCALES, translations
from tests.factories import NOW, a_person
from tests.web.office import EVA, MAX, Office, staff

LANGUAGES = ("de", "fr", "es")
PAGES = sorted(Path("templates/web").glob("*.html"))
ENVIRONMENT = Environment(extensions=["jinja2.ext.i18n"], trim_blocks=True, lstrip_blocks=True)
OWN_NAMES = {"careloop", "JSON", "kB", "DOCTYPE"}
"""Words that are the same in every language."""


def _extracted(source: str) -> Iterable[tuple[int, str, str | tuple[str | None, ...]]]:
    found: Iterable[tuple[int, str, str | tuple[str | None, ...]]]
    found = ENVIRONMENT.extract_translations(source)  # type: ignore[attr-defined]
    return found


def messages() -> set[str]:
    """Every text the pages ask to be translated, singulars and plurals."""
    found = {*DEEDS.values(), *THINGS.values(), *SOMEBODY.values()}
    for page in PAGES:
        for _, _, said in _extracted(page.read_text("utf-8")):
            found |= {said} if isinstance(said, str) else {text for text in said if text}
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_is_translated_and_none_is_left_over(language: str) -> None:
    with (LOCALES / language / "LC_MESSAGES" / "web.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    known = {
        text: entry.string
        for entry in catalogue
        if entry.id
        for text in (entry.id if isinstance(entry.id, tuple) else (entry.id,))
    }

    assert set(known) == messages()
    assert not [text for text, said in known.items() if not said or not all(said)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_and_figures_survive_translation(language: str) -> None:
    words = translations(language)

    for text in messages():
        placed = re.findall(r"%\(\w+\)s", text)
        if placed and "%(num)s" not in placed:
            assert set(re.findall(r"%\(\w+\)s", words.gettext(text))) == set(placed), text


ONE_WORD = {
    "de": {"people team": "Personalteam", "overview": "Übersicht", "the record": "Protokoll"},
    "fr": {"people team": "quipe RH", "overview": "ue d’ensemble", "the record": "ompte rendu"},
    "es": {"people team": "quipo de personas", "overview": "anorama", "the record": "acta"},
}
OPEN_ACTIONS = {"de": "ffen", "fr": "en cours", "es": "endiente"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_letters_and_pages_have_one_word_for_one_thing(language: str) -> None:
    terms = ONE_WORD[language] | dict.fromkeys(
        ("open actions", "actions still open"), OPEN_ACTIONS[language]
    )
    strayed = []
    for file in ("letters.po", "web.po"):
        with (LOCALES / language / "LC_MESSAGES" / file).open("rb") as opened:
            said = {str(entry.id): str(entry.string) for entry in read_po(opened) if entry.id}
        for text, words in said.items():
            strayed += [
                (text, words)
                for term, word in terms.items()
                if term in text.lower() and word not in words
            ]

    assert strayed == []


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_the_list_of_who_saw_what_has_no_code_in_it(office: Office, language: str) -> None:
    eva = a_person(EVA, manager=MAX, role="Baker", language=language)
    with office.app.database.writing() as conn:
        people.remember(conn, [eva, *(p for p in staff() if p.email != EVA)], NOW)
    meeting = office.meeting(kind=Kind.FIRST, number=1)
    note = access.Entry(NOW, email("operator"), "exported", "everything")
    with office.app.database.writing() as conn:
        access.note(conn, note, meeting.pair)
    browser = office.opened(Purpose.PREPARE, EVA, meeting.uid)

    shown = browser.open(f"{browser.root}/seen").text

    (entry,) = re.findall(r"<li><p>(.*?)</p>", shown)
    words = translations(language)
    assert entry == " ".join(
        (
            words.gettext(SOMEBODY["operator"]),
            f"{words.gettext(DEEDS['exported'])}:",
            words.gettext(THINGS["everything"]),
        )
    )
    assert (entry == "the operator of careloop took a copy: everything") is (language == "en")


def test_everything_that_is_noted_has_words() -> None:
    noted = re.compile(r'(?:audit\(|Entry\([^")]*)"([a-z ]+)", "([a-z ]+)"')
    sources = [*Path("daemon").rglob("*.py")]
    found = {pair for file in sources for pair in noted.findall(file.read_text("utf-8"))}

    found -= {("signed in", "overview")}  # of no pair: no employee reads it
    assert len(found) > 10
    assert {deed for deed, _ in found} <= set(DEEDS)
    assert {thing for _, thing in found} <= set(THINGS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_word_stands_in_a_page_outside_the_catalogue(page: Path) -> None:
    source = page.read_text("utf-8")
    plain = "".join(text for _, kind, text in ENVIRONMENT.lex(source) if kind == "data")
    spoken = re.sub(r'<[^>]*>|[a-z-]+="[^"]*"', " ", plain)
    labels = re.findall(r'(?:aria-label|title|alt|placeholder)="([^"{]*[A-Za-z][^"{]*)"', source)

    words = set(re.findall(r"[A-Za-z]{2,}", spoken)) - OWN_NAMES
    assert words == set()
    assert labels == []


@pytest.mark.parametrize(
    ("language", "words"),
    [("de", "Bereiten Sie Ihr Gespräch"), ("fr", "Préparez votre entretien"), ("es", "Prepara tu")],
)
def test_each_reads_their_own_language(office: Office, language: str, words: str) -> None:
    eva = a_person(EVA, manager=MAX, role="Baker", language=language)
    with office.app.database.writing() as conn:
        people.remember(conn, [eva, *(p for p in staff() if p.email != EVA)], NOW)
    meeting = office.meeting(kind=Kind.FIRST, number=1)

    mine = office.opened(Purpose.PREPARE, EVA, meeting.uid)
    theirs = office.opened(Purpose.BRIEF, MAX, meeting.uid)

    assert words in mine.text
    assert f'<html lang="{language}">' in mine.text
    assert "Your talk with Eva" in theirs.text
