"""Promises in a real browser: on a phone, with keys only, without scripts, in light and dark."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import make_server

from daemon.core.agreement import Record, Side, Statement
from daemon.core.checklist import ItemKind
from daemon.core.conversation import Answer, Mark, Row, bases, role_lines
from daemon.core.domain import (
    Action,
    Interval,
    Kind,
    Meeting,
    Owner,
    ResourceKind,
    Uid,
    email,
)
from daemon.links import Purpose
from daemon.store import access, agreements, answers, conversations, helpers
from daemon.store.helpers import HelperState, Request
from tests.factories import NOW
from tests.web.office import EVA, HANA, MAX, PAIR, ROLE, Office, an_office
from tests.web.test_overview import a_company

CHROMIUM = Path("/usr/bin/chromium")
Scheme = Literal["light", "dark"]
REQUEST = "f" * 32
JO = email("jo@else.example")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


class Served:
    """The office behind a real server on loopback."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.server = make_server("127.0.0.1", 0, office.flask, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def link(self, purpose: Purpose, person: str, uid: Uid) -> str:
        return self.url + self.office.link(purpose, email(person), uid)

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    office = an_office(tmp_path)
    running = Served(office)
    yield running
    running.close()
    office.app.database.close()


@pytest.fixture
def window(chromium: Browser, served: Served) -> Iterator[Callable[..., Page]]:
    """Open pages; afterwards: nothing left the machine, and nothing was complained about."""
    contexts: list[BrowserContext] = []
    foreign: list[str] = []
    complaints: list[str] = []

    def opened(width: int = 375, scheme: Scheme = "light", **fields: Any) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 780}, color_scheme=scheme, **fields
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on(
            "request", lambda r: None if r.url.startswith(served.url) else foreign.append(r.url)
        )
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert foreign == []
    assert complaints == []


def booked(served: Served, kind: Kind = Kind.FOLLOW_UP) -> Meeting:
    """Eva's next talk."""
    return served.office.meeting(kind=kind, number=2, zone="Europe/Berlin")


def settled(served: Served) -> Meeting:
    """A pair that has met and agreed: a record of last month, and a follow-up ahead."""
    office = served.office
    first = office.meeting(kind=Kind.FIRST, start="2026-02-02 10:00", zone="Europe/Berlin")
    office.held(first, EVA)
    coming = booked(served)
    month = NOW - timedelta(days=28)
    checklist = office.app.checklist("en")
    basis = bases(
        checklist, role_lines(ROLE), ("Bread for all", "Open a second shop", "Honest dough")
    )
    agreed = dict.fromkeys(Side, month)
    record = Record(
        (Statement("0" * 16, "success_work", "Full shelves at seven", agreed),),
        (
            Action("a" * 16, "Visit the mill", Owner.EMPLOYEE, NOW.date(), ResourceKind.NOTHING),
            Action("b" * 16, "Ask for an oven", Owner.MANAGER, NOW.date(), ResourceKind.PROCESS),
        ),
    )
    with office.app.database.writing() as conn:
        box = office.app.vault.make(conn, PAIR, NOW)
        for item in checklist.items:
            if item.kind not in (ItemKind.ACTIONS, ItemKind.NEEDS):
                marks = dict.fromkeys(role_lines(ROLE), Mark.CLEAR) if item.id == "role" else {}
                said = Answer(item.id, month, f"My {item.id}", marks, basis=basis.get(item.id, ""))
                answers.save(conn, box, PAIR, Side.EMPLOYEE, said)
        agreements.save(conn, box, PAIR, first.uid, record, Side.EMPLOYEE, month)
        slots = [
            Interval(coming.start + timedelta(days=d), coming.end + timedelta(days=d))
            for d in (1, 2, 3)
        ]
        conversations.set_offers(conn, coming.uid, slots)
    return coming


def the_record(served: Served) -> Record:
    with served.office.app.database.reading() as conn:
        box = served.office.app.vault.box(conn, PAIR)
        return agreements.current(conn, box, PAIR)


# --- the whole cycle ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "scheme", "script"),
    [(375, "light", True), (1280, "dark", True), (375, "dark", False), (1280, "light", False)],
)
def test_the_whole_cycle_of_a_pair(
    served: Served, window: Callable[..., Page], width: int, scheme: Scheme, script: bool
) -> None:
    meeting = booked(served, Kind.FIRST)
    eva = window(width, scheme, java_script_enabled=script)

    eva.goto(served.link(Purpose.PREPARE, EVA, meeting.uid))
    eva.get_by_role("button", name="Begin").click()
    mark(eva, "Bakes bread", "Clear")
    mark(eva, "Opens the shop", "Unclear")
    eva.locator('textarea[name="success_work.text"]').fill("Full shelves at seven")
    eva.locator('input[name="success_work.share"]').check()
    eva.locator('textarea[name="direction.text"]').fill("Run the second shop")
    for _ in range(4):
        eva.get_by_role("button", name="Save and go on").click()
    eva.get_by_role("button", name="I am prepared").click()
    eva.get_by_text("You are prepared").wait_for()

    max_ = window(width, scheme, java_script_enabled=script)
    max_.goto(served.link(Purpose.BRIEF, MAX, meeting.uid))
    assert "Full shelves at seven" in max_.inner_text("main")
    assert "Run the second shop" not in max_.content()

    served.office.clock.now = meeting.end
    eva.goto(served.link(Purpose.RECORD, EVA, meeting.uid))
    eva.get_by_role("button", name="We met", exact=True).click()
    eva.get_by_label("Another action").last.fill("Write the night list")
    eva.get_by_label("What do you need?").last.select_option("people")
    eva.get_by_role("button", name="Save the record").click()
    eva.get_by_text("You both get the actions by mail").wait_for()
    assert eva.get_by_text("The next talk is being booked").is_visible()

    max_.goto(served.link(Purpose.RECORD, MAX, meeting.uid))
    max_.get_by_role("radio", name="I agree").first.check()
    max_.get_by_role("button", name="Save the record").click()
    max_.get_by_text("You both get the actions by mail").wait_for()
    record = the_record(served)
    assert [s.agreed for s in record.statements if s.topic == "success_work"] == [True]
    assert [a.what for a in record.actions] == ["Write the night list"]


def mark(page: Page, line: str, word: str) -> None:
    """Mark one line of the role."""
    page.get_by_role("group", name=line).get_by_role("radio", name=word, exact=True).check()


def test_an_unchanged_follow_up_takes_at_most_twelve_interactions(
    served: Served, window: Callable[..., Page]
) -> None:
    meeting = settled(served)
    page, count = window(), 0

    def click(name: str) -> None:
        nonlocal count
        count += 1
        page.get_by_role("button", name=name, exact=True).click()

    count += 1  # the link in the letter
    page.goto(served.link(Purpose.PREPARE, EVA, meeting.uid))
    click("Nothing else has changed")
    click("I am prepared")
    page.get_by_text("You are prepared").wait_for()
    served.office.clock.now = meeting.end
    count += 1
    page.goto(served.link(Purpose.RECORD, EVA, meeting.uid))
    click("We met")
    click("Save the record")
    page.get_by_text("You both get the actions by mail").wait_for()

    assert count <= 12
    with served.office.app.database.reading() as conn:
        talk = conversations.talks(conn)[meeting.uid]
    assert (talk.prepared, talk.revision) == (True, 1)
    assert the_record(served).statements[0].ticks.keys() == {Side.EMPLOYEE, Side.MANAGER}


def test_keys_alone_are_enough(served: Served, window: Callable[..., Page]) -> None:
    meeting = settled(served)
    page = window(1280)

    def press_on(name: str, key: str = "Enter") -> None:
        for _ in range(120):
            page.keyboard.press("Tab")
            here = page.evaluate(
                "() => (document.activeElement.labels?.[0] ?? document.activeElement).innerText"
            )
            if here.strip() == name:
                page.keyboard.press(key)
                return
        raise AssertionError(f"{name} cannot be reached with the Tab key")

    page.goto(served.link(Purpose.PREPARE, EVA, meeting.uid))
    press_on("Nothing else has changed")
    page.wait_for_url("**/share")
    press_on("I am prepared")
    page.get_by_text("You are prepared").wait_for()
    served.office.clock.now = meeting.end
    page.goto(served.link(Purpose.RECORD, EVA, meeting.uid))
    press_on("We met")
    page.get_by_text("You met on").wait_for()
    press_on("Save the record")
    page.get_by_text("You both get the actions by mail").wait_for()


def test_what_is_typed_saves_itself(served: Served, window: Callable[..., Page]) -> None:
    meeting = booked(served, Kind.FIRST)
    page = window()
    page.goto(served.link(Purpose.PREPARE, EVA, meeting.uid))
    page.get_by_role("link", name="Clarity").click()

    page.locator('textarea[name="direction.text"]').fill("Run the second shop")
    page.get_by_text("Saved", exact=True).wait_for()
    page.reload()

    assert page.locator('textarea[name="direction.text"]').input_value() == "Run the second shop"


def test_the_reason_is_asked_only_where_we_differ(
    served: Served, window: Callable[..., Page]
) -> None:
    meeting = settled(served)
    served.office.clock.now = meeting.end
    page = window()
    page.goto(served.link(Purpose.RECORD, EVA, meeting.uid))
    reason = page.get_by_label("Why we differ").first

    before = reason.is_visible()
    page.get_by_role("radio", name="We differ").first.check()

    assert not before
    assert reason.is_visible()


# --- every page -----------------------------------------------------------------------------


def every_page(served: Served) -> dict[str, Callable[[Page], None]]:
    """How to come to each page, with something on it."""
    office, meeting = served.office, settled(served)
    a_company(office, bakery=6, shop=9, lab=5)
    with office.app.database.writing() as conn:
        box = office.app.vault.make(conn, PAIR, NOW)
        said = Answer("expectations", NOW, "I plan the shift", shared=True)
        rows = Answer("my_actions", NOW, rows=(Row("Night list"),), shared=True)
        for answer in (said, rows):
            answers.save(conn, box, PAIR, Side.EMPLOYEE, answer)
        proposal = Answer("expectations", NOW, "You decide on orders", shared=True)
        answers.save(conn, box, PAIR, Side.MANAGER, proposal)
        answers.add_paper(conn, box, PAIR, "feedback", "Review.pdf", b"x", NOW)
        helpers.ask(
            conn,
            box,
            Request(
                id=REQUEST,
                uid=meeting.uid,
                pair=PAIR,
                number=0,
                email=JO,
                state=HelperState.ASKED,
                asked_at=NOW,
                expires_at=NOW + helpers.LIFE,
                questions=("More of what?",),
            ),
        )

    def by(purpose: Purpose, person: str, path: str = "", over: bool = False) -> object:
        def go(page: Page) -> None:
            office.clock.now = meeting.end if over else NOW
            uid = Uid(REQUEST) if purpose is Purpose.HELPER else meeting.uid
            page.goto(served.link(purpose, person, uid))
            if path:
                page.goto("/".join(page.url.split("/")[:5]) + path)

        return go

    def team(page: Page) -> None:
        office.clock.now = NOW
        with office.app.database.writing() as conn:
            access.ask_sign_in(conn, HANA, NOW)
            (request,) = access.sign_ins_owed(conn, NOW)
        page.goto(served.link(Purpose.SIGN_IN, HANA, Uid(request.id)))
        page.get_by_role("button").click()

    steps = [section.id for section in office.app.checklist("en").sections]
    pages: dict[str, object] = {
        "start": by(Purpose.PREPARE, EVA),
        **{step: by(Purpose.PREPARE, EVA, f"/prepare/{step}") for step in steps},
        "share": by(Purpose.PREPARE, EVA, "/prepare/share"),
        "my page": by(Purpose.MY_PAGE, EVA),
        "seen": by(Purpose.MY_PAGE, EVA, "/seen"),
        "record": by(Purpose.RECORD, EVA, over=True),
        "manager": by(Purpose.BRIEF, MAX),
        "manager's record": by(Purpose.RECORD, MAX, over=True),
        "helper": by(Purpose.HELPER, JO),
        "overview": team,
        "sign in": lambda page: page.goto(f"{served.url}/overview"),
        "home": lambda page: page.goto(served.url),
        "thanks": lambda page: page.goto(f"{served.url}/thanks"),
    }
    return pages  # type: ignore[return-value]


OPEN_ALL = "() => document.querySelectorAll('details').forEach(d => { d.open = true; })"

TOO_WIDE = """() => document.documentElement.scrollWidth > window.innerWidth
  ? [...document.querySelectorAll('body *')]
      .filter(e => e.getBoundingClientRect().right > window.innerWidth + 1)
      .filter(e => !e.closest('.scroll, .trail'))
      .map(e => e.outerHTML.slice(0, 120)) : []"""

TOO_SMALL = """() => [...document.querySelectorAll(
    'button, .button, input:not([type=hidden]), select, textarea, summary, nav a, .steps a')]
  .filter(e => !e.closest('.hidden') && e.getClientRects().length)
  .map(e => [(e.closest('.chip, .switch') ?? e).getBoundingClientRect(), e])
  .filter(([box]) => box.height < 43.5 || box.width < 43.5)
  .map(([, e]) => e.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize(("width", "scheme"), [(375, "light"), (1280, "dark")])
def test_axe_finds_nothing_on_any_page(
    served: Served, window: Callable[..., Page], width: int, scheme: Scheme
) -> None:
    page, axe = window(width, scheme, bypass_csp=True), Axe()
    found: dict[str, list[str]] = {}

    for name, come in every_page(served).items():
        come(page)
        page.evaluate(OPEN_ALL)
        results = axe.run(page)
        if results.violations_count:
            found[name] = [
                f"{v['id']}: {node['html'][:150]} {node.get('failureSummary', '')[:200]}"
                for v in results.response["violations"]
                for node in v["nodes"]
            ]

    assert found == {}


def test_nothing_is_cut_off_at_320_pixels_and_every_target_is_large(
    served: Served, window: Callable[..., Page]
) -> None:
    page = window(320)
    wide: dict[str, list[str]] = {}
    small: dict[str, list[str]] = {}

    for name, come in every_page(served).items():
        come(page)
        page.evaluate(OPEN_ALL)
        wide[name], small[name] = page.evaluate(TOO_WIDE), page.evaluate(TOO_SMALL)

    assert {name: found for name, found in wide.items() if found} == {}
    assert {name: found for name, found in small.items() if found} == {}
