"""Letters as a mail program shows them: on a phone and a desk, light and dark, without network."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, sync_playwright

from daemon.core.domain import LetterKind
from daemon.letters import examples
from tests.letters.test_bytes import WRITER

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield opened
        opened.close()


def shown(browser: Browser, kind: LetterKind, tag: str, width: int, scheme: str) -> Page:
    """The letter in a window of its own; every request is written down and refused."""
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    page.route("**/*", refuse)
    page.set_content(WRITER.words(examples(kind, tag)).html)
    assert asked == []
    return page


@pytest.mark.parametrize("tag", ["en", "de", "fr", "es"])
@pytest.mark.parametrize("kind", list(LetterKind))
def test_a_letter_fits_the_smallest_phone_and_its_buttons_a_thumb(
    browser: Browser, kind: LetterKind, tag: str
) -> None:
    page = shown(browser, kind, tag, 320, "light")

    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    for button in page.locator(".button a").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", list(LetterKind))
def test_a_letter_is_accessible(browser: Browser, kind: LetterKind, scheme: str) -> None:
    page = shown(browser, kind, "en", 600, scheme)

    found = Axe().run(page)

    broken = [(v["id"], v["nodes"][0]["html"]) for v in found.response["violations"]]
    assert broken == []
    page.context.close()


def test_the_dark_form_is_dark(browser: Browser) -> None:
    page = shown(browser, LetterKind.PREP, "en", 600, "dark")

    ground = page.locator(".card").evaluate("e => getComputedStyle(e).backgroundColor")

    assert ground == "rgb(29, 36, 35)"
    page.context.close()
