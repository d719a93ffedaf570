"""The HTML of every letter in every language: whole, light, readable, and fetching nothing."""

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from daemon.core.domain import Action, LetterKind, Owner, ResourceKind
from daemon.letters import Letters, examples
from daemon.letters.gallery import gallery
from daemon.letters.language import LANGUAGES
from daemon.letters.render import built_in
from tests.letters.test_bytes import EVERY, WRITER

VOID = {"meta", "br", "hr", "img", "link", "input"}
STYLE = re.search(r"<style>(.*?)</style>", built_in()["_base.html"], re.DOTALL)


class Page(HTMLParser):
    """Elements with their attributes, and whether every tag is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(html)
        self.wrong += self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_the_page_is_whole_and_names_its_language(kind: LetterKind, language: str) -> None:
    html = WRITER.words(examples(kind, language)).html

    page = Page(html)

    tags = [tag for tag, _ in page.elements]
    assert page.wrong == []
    assert dict(page.elements)["html"] == {"lang": language, "dir": "ltr"}
    assert tags.count("h1") == tags.count("title") == 1
    assert ("meta", {"name": "color-scheme", "content": "light dark"}) in page.elements


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_the_page_is_light_and_fetches_nothing(kind: LetterKind, language: str) -> None:
    html = WRITER.words(examples(kind, language)).html

    page = Page(html)

    assert len(html.encode()) <= 30_000
    tags = {tag for tag, _ in page.elements}
    assert tags.isdisjoint({"img", "link", "script", "form", "input", "iframe", "object", "base"})
    assert "url(" not in html
    assert "@import" not in html
    named = {name for _, attributes in page.elements for name in attributes}
    assert named.isdisjoint({"src", "srcset", "background", "onclick", "action"})


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_styles_stand_on_the_elements_and_text_is_large_enough(
    kind: LetterKind, language: str
) -> None:
    html = WRITER.words(examples(kind, language)).html

    sizes = [float(size) for size in re.findall(r"font-size: ?([\d.]+)px", html)]
    style = html.partition("<style>")[2].partition("</style>")[0]
    assert min(sizes) >= 16
    assert style.count("@media") == 2
    assert not re.search(r"^\.card \{ background-color: #fd", style, re.MULTILINE)
    assert 'style="font-family' in html or "font-family" in html.partition("<body")[2]


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_the_layout_is_one_table_of_600_pixels(kind: LetterKind, language: str) -> None:
    page = Page(WRITER.words(examples(kind, language)).html)

    tables = [attributes for tag, attributes in page.elements if tag == "table"]
    assert sum(attributes.get("width") == "600" for attributes in tables) == 1
    for attributes in tables:
        assert attributes.get("role") == "presentation" or attributes["class"] == "rows"


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_links_say_where_they_go_and_stand_in_the_text_too(kind: LetterKind, language: str) -> None:
    words = WRITER.words(examples(kind, language))

    links = [a["href"] for tag, a in Page(words.html).elements if tag == "a"]
    labels = re.findall(r"<a [^>]*>(.*?)</a>", words.html)
    assert links
    assert all(link.startswith("https://careloop.example/") for link in links)
    assert all(link in words.text for link in links)
    assert all(len(label.split()) >= 2 for label in labels)


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_the_first_words_are_the_same_everywhere(kind: LetterKind, language: str) -> None:
    words = WRITER.words(examples(kind, language))

    first = " ".join(words.text.split("\n\n", 1)[0].split())
    preheader = re.search(r'<div style="display: ?none[^>]*>([^<]*)<', words.html)
    assert preheader is not None
    assert " ".join(preheader[1].replace("&nbsp;", "\u00a0").split()) == first


def test_actions_are_a_table_with_headings() -> None:
    html = WRITER.words(examples(LetterKind.SUMMARY, "en")).html

    scopes = [a.get("scope") for tag, a in Page(html).elements if tag == "th"]
    assert scopes == ["col", "col", "row", "col", "col", "col", "row", "row"]


def test_a_letter_shows_at_most_seven_points() -> None:
    facts = examples(LetterKind.PREP, "en")

    words = WRITER.words(replace(facts, actions=(), points=facts.points * 5))

    assert words.html.count("<li") == 7
    assert "and 8 more points on the page" in words.text


def test_a_very_long_record_still_fits_while_the_text_says_it_all() -> None:
    facts = examples(LetterKind.SUMMARY, "en")
    long = " ".join(f"word{n}" for n in range(1000))
    due = date(2026, 12, 18)
    many = tuple(
        Action(f"x{n}", long, Owner.EMPLOYEE, due, ResourceKind.NOTHING) for n in range(200)
    )

    words = WRITER.words(replace(facts, agreed=(long,) * 8, actions=many))

    assert len(words.html.encode()) <= 30_000
    assert words.text.count("word999") == 208


# --- colours --------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2, definition of contrast ratio)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def colours(css: str) -> dict[str, dict[str, str]]:
    """What each selector sets: {selector: {property: colour}}."""
    found: dict[str, dict[str, str]] = {}
    for selectors, body in re.findall(r"([^{}@]+)\{([^{}]*)\}", css):
        pairs = re.findall(r"(?:^|[;\s])(color|background-color):\s*(#[0-9a-f]{6})", body)
        for selector in selectors.split(","):
            found.setdefault(selector.strip(), {}).update(dict(pairs))
    return found


ON = {
    ".words": (".card", ".panel"),
    "h1": (".card",),
    "h2": (".card",),
    ".day": (".panel",),
    ".old": (".panel",),
    ".muted": (".card", ".panel"),
    ".brand": (".page",),
    ".name": (".page",),
    ".foot": (".page",),
    ".link": (".page",),
    ".button a": (".button",),
    ".quiet a": (".quiet",),
    ".rows .late": (".card",),
}


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_stands_out_from_its_ground(dark: bool) -> None:
    assert STYLE is not None
    light_css, _, dark_css = STYLE[1].partition("@media (prefers-color-scheme: dark)")
    sets = colours(light_css.partition("@media")[0])
    if dark:
        for selector, values in colours(dark_css).items():
            sets.setdefault(selector, {}).update(values)

    for text, grounds in ON.items():
        for ground in grounds:
            ratio = contrast(sets[text]["color"], sets[ground]["background-color"])
            assert ratio >= 4.5, (text, ground, ratio)


# --- the gallery ----------------------------------------------------------------------------


def test_the_gallery_holds_every_letter_in_every_language_and_form(tmp_path: Path) -> None:
    index = gallery(WRITER, tmp_path / "letters")

    names = {file.name for file in index.parent.iterdir()} - {"index.html"}
    linked = set(re.findall(r'href="([^"]+)"', index.read_text("utf-8")))
    assert len(names) == len(LetterKind) * len(LANGUAGES) * 3
    assert linked == names


def test_no_letter_speaks_of_another_organisation() -> None:
    writer = Letters(
        organization="Ärzte & Söhne <b>",
        sender=examples(LetterKind.PREP, "en").to.email,
        sender_name="c",
    )

    words = writer.words(examples(LetterKind.SIGN_IN, "en"))

    assert "Ärzte & Söhne <b>" in words.text
    assert "Ärzte &amp; Söhne &lt;b&gt;" in words.html


def test_a_statement_that_lacks_a_tick_is_not_called_a_difference() -> None:
    facts = replace(examples(LetterKind.SUMMARY, "en"), differing=(), waiting=("Ship weekly",))

    words = WRITER.words(facts)

    for said in (words.text, words.html):
        assert "Not yet ticked by both of you" in said
        assert "Ship weekly" in said
        assert "differ" not in said
