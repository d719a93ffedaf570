"""Letters as a mail program shows them: on a phone and a desk, light and dark, without network."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, ViewportSize, sync_playwright

from daemon.core.domain import LetterKind
from daemon.letters import examples
from tests.letters.test_bytes import WRITER

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed"),
]


Window = Callable[[int, str], Page]


@pytest.fixture(scope="module")
def window() -> Iterator[Window]:
    """A page of a width and colour scheme, opened once."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])

        @lru_cache
        def page(width: int, scheme: str) -> Page:
            dark = "dark" if scheme == "dark" else "light"
            size = ViewportSize(width=width, height=800)
            return browser.new_context(viewport=size, color_scheme=dark).new_page()

        yield page
        browser.close()


def shown(page: Page, kind: LetterKind, tag: str) -> Page:
    """The letter in the window; a request of any kind is refused and fails the test."""
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    page.unroute_all()
    page.route("**/*", refuse)
    page.set_content(WRITER.words(examples(kind, tag)).html)
    assert asked == []
    return page


@pytest.mark.parametrize("tag", ["en", "de", "fr", "es"])
@pytest.mark.parametrize("kind", list(LetterKind))
def test_a_letter_fits_the_smallest_phone_and_its_buttons_a_thumb(
    window: Window, kind: LetterKind, tag: str
) -> None:
    page = shown(window(320, "light"), kind, tag)

    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    for button in page.locator(".button a").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", list(LetterKind))
def test_a_letter_is_accessible(window: Window, kind: LetterKind, scheme: str) -> None:
    page = shown(window(600, scheme), kind, "en")

    found = Axe().run(page)

    broken = [(v["id"], v["nodes"][0]["html"]) for v in found.response["violations"]]
    assert broken == []


def test_the_dark_form_is_dark(window: Window) -> None:
    page = shown(window(600, "dark"), LetterKind.PREP, "en")

    ground = page.locator(".card").evaluate("e => getComputedStyle(e).backgroundColor")

    assert ground == "rgb(29, 36, 35)"
