"""Promises of the pages' languages: every word is translated, and every figure survives it."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment

from daemon.core.domain import Kind
from daemon.links import Purpose
from daemon.store import people
from daemon.web.show import DEEDS, THINGS
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
    found = {*DEEDS.values(), *THINGS.values()}
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
