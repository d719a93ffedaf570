"""No word is left in another language: catalogues are whole, and a pseudo-locale shows through."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from daemon.core.domain import (
    Because,
    Evidence,
    Interval,
    Kind,
    LetterKind,
    Owner,
    Person,
    Progress,
    Reason,
    ResourceKind,
    State,
)
from daemon.letters import Facts, Letters, examples
from daemon.letters.context import context
from daemon.letters.language import LANGUAGES, LOCALES, Language, language
from daemon.letters.render import Renderer, built_in, renderer
from tests.letters.test_bytes import WRITER

ROOT = Path(__file__).parents[2]
TRANSLATED = [tag for tag in LANGUAGES if tag != "en"]


@lru_cache
def said_in_templates() -> frozenset[str | tuple[str, str]]:
    """Every sentence the templates ask to be translated."""
    with (LOCALES / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(ROOT, methods, options, directory_filter=within)
    return frozenset(m if isinstance(m, str) else (m[0], m[1]) for _, _, m, _, _ in found)


def within(folder: str | Path) -> bool:
    path = Path(folder).relative_to(ROOT)
    return str(path) in {".", "templates", "templates/letters", "daemon", "daemon/letters"}


def catalogue(tag: str) -> Catalog:
    with (LOCALES / tag / "LC_MESSAGES" / "letters.po").open("rb") as file:
        return read_po(file, locale=tag)


@pytest.mark.parametrize("tag", TRANSLATED)
def test_a_catalogue_has_every_sentence_and_no_other(tag: str) -> None:
    entries = [message for message in catalogue(tag) if message.id]

    ids = {m.id if isinstance(m.id, str) else tuple(m.id) for m in entries}
    assert len(said_in_templates()) > 90
    assert ids == said_in_templates()
    assert [m.id for m in entries if not m.string or m.fuzzy] == []


@pytest.mark.parametrize("tag", TRANSLATED)
def test_a_translation_keeps_the_places_of_names_and_times(tag: str) -> None:
    assert [errors for _, errors in catalogue(tag).check()] == []


@pytest.mark.parametrize("tag", TRANSLATED)
def test_the_compiled_catalogue_is_the_written_one(tag: str) -> None:
    with (LOCALES / tag / "LC_MESSAGES" / "letters.mo").open("rb") as file:
        compiled = GNUTranslations(file)

    for message in catalogue(tag):
        if isinstance(message.id, str) and message.id:
            assert compiled.gettext(message.id) == message.string
        elif message.id:
            assert compiled.ngettext(*message.id, 2) == message.string[1]


# --- the pseudo-locale ----------------------------------------------------------------------


class Pseudo(NullTranslations):
    """Every translated sentence becomes digits around its names; what is left was forgotten."""

    def gettext(self, message: str) -> str:
        names = re.findall(r"%\(\w+\)s", message)
        return "7" + "·".join(names) + "7"

    def ngettext(self, one: str, many: str, n: int) -> str:
        return self.gettext(one if n == 1 else many)


class PseudoLanguage(Language):
    """Dates and times without letters; the zone as its offset."""

    def when(self, time: Interval, zone: ZoneInfo, now: datetime) -> dict[str, str | int]:
        forms = ("day", "short_day", "start", "span", "zone", "zone_id", "offset")
        return dict.fromkeys(forms, "1") | {"minutes": 20}

    def day(self, on: date, today: date) -> str:
        return "1"

    def short_day(self, on: date) -> str:
        return "1"


PSEUDO = PseudoLanguage("0", Locale("en"), Pseudo())


def without_words(facts: Facts) -> Facts:
    """The same facts; whatever people wrote is a figure."""
    someone = Person(facts.to.email, "1", zone=ZoneInfo("UTC"))
    other = Person(facts.employee.email, "2", zone=ZoneInfo("UTC"))
    rows = [
        replace(facts_action(needs, owner), id=f"{needs}{owner}")
        for needs in ResourceKind
        for owner in Owner
    ]
    return replace(
        facts,
        to=someone if facts.to == facts.manager else other,
        employee=other,
        manager=replace(someone, email=facts.manager.email) if facts.manager else None,
        link="https://1.2/3",
        points=tuple(replace(p, title="1", hint="2") for p in facts.points * 5),
        shared=tuple(replace(s, title="1", text="2") for s in facts.shared),
        actions=tuple(rows) if facts.actions else (),
        agreed=("1",) if facts.agreed else (),
        differing=("1",) if facts.differing else (),
        waiting=("1",) if facts.waiting else (),
        resources=("1",) if facts.resources else (),
        questions=("1",) if facts.questions else (),
        note="1" if facts.note else "",
        helper_name="1" if facts.helper_name else "",
        choices=dict.fromkeys(facts.choices, "https://1.2/3"),
    )


def facts_action(needs: ResourceKind, owner: Owner):  # type: ignore[no-untyped-def]
    action = examples(LetterKind.SUMMARY, "en").actions[0]
    due = date(2020, 1, 1) if owner is Owner.MANAGER else date(2030, 1, 1)
    progress = Progress.DONE if needs is ResourceKind.NOTHING else Progress.OPEN
    resource = "1" if owner is Owner.SPHERE else ""
    named = replace(action, what="1", owner=owner, needs=needs, resource=resource, due=due)
    return replace(named, helper_name="1", progress=progress)


def variants(kind: LetterKind) -> list[Facts]:
    """One letter in every form its template has."""
    facts = examples(kind, "en")
    found = [facts]
    if facts.meeting:
        found += [replace(facts, meeting=replace(facts.meeting, kind=k)) for k in Kind]
    if facts.reason:
        found += [replace(facts, reason=Reason(because)) for because in Because]
        found += [replace(facts, reason=None, moved_from=None, choices={})]
    if kind is LetterKind.SUMMARY:
        found += [replace(facts, revision=2, changes=("1",))]
        found += [replace(facts, recorded=False, inferred=inferred) for inferred in (True, False)]
        found += [replace(facts, next_meeting=None, actions=(), waiting=("1",))]
        found += [
            replace(facts, recorded=False, inferred=inferred, actions=(), lacking=(1, 2))
            for inferred in (True, False)
        ]
        found += [replace(facts, to=facts.manager)] if facts.manager else []
    if kind is LetterKind.BRIEF:
        found += [replace(facts, shared=(), actions=(), lacking=(2, 1))]
    if kind is LetterKind.HELPER:
        summary = examples(LetterKind.SUMMARY, "en")
        found += [replace(facts, questions=(), note="", actions=summary.actions[2:])]
    if kind is LetterKind.MOVED:
        found += [replace(facts, to=facts.manager)] if facts.manager else []
    if kind is LetterKind.RECORD and facts.meeting:
        held = replace(facts.meeting, state=State.HELD, evidence=Evidence.MANAGER)
        found += [replace(facts, meeting=held, revision=n) for n in (0, 1)]
        found += [
            replace(facts, next_meeting=facts.meeting, lacking=(1, 1)),
            replace(facts, revision=1),
        ]
    return [without_words(variant) for variant in found]


class Visible(HTMLParser):
    """The text of a page, and the words of attributes people see or hear."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside.append(tag)
        self.words += [value or "" for name, value in attrs if name in ("alt", "title")]

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" not in self.inside:
            self.words.append(data)


def visible(html: str) -> str:
    parser = Visible()
    parser.feed(html)
    return " ".join(parser.words)


@pytest.fixture(scope="module")
def pseudo() -> Renderer:
    return renderer(built_in(), PSEUDO)


@pytest.mark.parametrize("kind", list(LetterKind))
def test_no_word_of_a_letter_escapes_translation(kind: LetterKind, pseudo: Renderer) -> None:
    for facts in variants(kind):
        said = context(facts, PSEUDO, "1", 1000)

        shown = {
            "subject": pseudo.subject(kind, said),
            "text": pseudo.text(kind, said).replace("https://1.2/3", ""),
            "html": visible(pseudo.html(kind, said)),
        }

        for form, words in shown.items():
            left = re.findall(r"[^\W\d_]+", words.replace("careloop", ""))
            assert left == [], (form, facts)


def test_the_pseudo_locale_would_show_a_forgotten_word(pseudo: Renderer) -> None:
    sources = {**built_in(), "sign_in.txt": "Hello\n"}
    said = context(examples(LetterKind.SIGN_IN, "en"), PSEUDO, "1", 1000)

    shown = renderer(sources, PSEUDO).text(LetterKind.SIGN_IN, said)

    assert re.findall(r"[^\W\d_]+", shown) == ["Hello"]


@pytest.mark.parametrize("tag", LANGUAGES)
@pytest.mark.parametrize("kind", list(Kind))
def test_the_event_says_what_it_is_and_nothing_of_the_talk(tag: str, kind: Kind) -> None:
    facts = examples(LetterKind.PREP, tag)
    assert facts.meeting is not None
    assert facts.manager is not None
    meeting = replace(facts.meeting, kind=kind)

    title, lines = WRITER.invite_words(meeting, facts.employee, facts.manager, tag)

    assert "Ana Lima" in title
    assert "Ben Okafor" in title
    assert len(lines.splitlines()) == 2


# --- languages and countries ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "country", "expected"),
    [
        ("en", "", "Thursday, 3 December 14:00"),
        ("en", "US", "Thursday, December 3 2:00\u00a0PM"),
        ("en", "DE-BY", "Thursday, 3 December 14:00"),
        ("en-GB", "", "Thursday, 3 December 14:00"),
        ("de", "AT", "Donnerstag, 3. Dezember 14:00"),
        ("fr-CA", "", "jeudi 3 décembre 14 h 00"),
        ("es", "MX", "jueves, 3 de diciembre 2:00\u00a0p.m."),
        ("pt", "BR", "Thursday, 3 December 14:00"),
        ("xx", "??", "Thursday, 3 December 14:00"),
    ],
)
def test_dates_look_as_they_do_at_home(tag: str, country: str, expected: str) -> None:
    reader = language(tag, country)
    at = datetime(2026, 12, 3, 14, 0, tzinfo=UTC)

    assert f"{reader.day(at.date(), at.date())} {reader.clock(at)}" == expected


@pytest.mark.parametrize(
    ("zone", "named", "offset"),
    [
        ("Europe/Berlin", "Berlin time", "UTC+1"),
        ("Asia/Kolkata", "Kolkata time", "UTC+5:30"),
        ("America/St_Johns", "St John’s time", "UTC-3:30"),
        ("UTC", "UTC", "UTC"),
        ("Etc/GMT+5", "GMT+5", "UTC-5"),
    ],
)
def test_a_zone_is_named_by_its_city_and_offset(zone: str, named: str, offset: str) -> None:
    at = datetime(2026, 12, 3, 14, 0, tzinfo=UTC)

    when = language("en").when(Interval(at, at), ZoneInfo(zone), at)

    assert (when["zone"], when["offset"]) == (named, offset)


def test_the_reader_decides_the_language_not_the_pair() -> None:
    facts = examples(LetterKind.BRIEF, "de")
    assert facts.manager is not None
    spanish = replace(facts.to, language="es")

    words = Letters(organization="Acme", sender=facts.to.email, sender_name="c").words(
        replace(facts, to=spanish)
    )

    assert "jueves, 3 de diciembre" in words.text


def test_plurals_follow_the_language() -> None:
    facts = examples(LetterKind.PREP, "fr")
    point = facts.points[0]

    one = WRITER.words(replace(facts, points=(point,) * 8)).text
    many = WRITER.words(replace(facts, points=(point,) * 9)).text

    assert "et 1 autre point sur la page" in one
    assert "et 2 autres points sur la page" in many
