"""Make the pictures of the documentation: python -m docs.images.make [DIR for every page].

An invented pair in a temporary folder, the real pages on loopback, Debian's chromium.
"""

import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import Connection
from werkzeug.serving import WSGIRequestHandler, make_server

from daemon.core.agreement import Record, Resource, Side, Statement
from daemon.core.conversation import Answer, Mark, Row, bases, role_lines
from daemon.core.domain import (
    Action,
    Interval,
    Kind,
    Letter,
    LetterKind,
    Meeting,
    Owner,
    Pair,
    Person,
    ResourceKind,
    Uid,
)
from daemon.core.followup import attest
from daemon.links import Purpose
from daemon.loop.facts import Errand, facts
from daemon.store import (
    access,
    agreements,
    answers,
    conversations,
    meetings,
    pairs,
    people,
    trainings,
)
from tests.factories import NOW, a_meeting, a_pair, a_person
from tests.web.office import EVA, HANA, MAX, PAIR, ROLE, Office, an_office

HERE = Path(__file__).parent
CHROMIUM = "/usr/bin/chromium"
NAMES = {EVA: "Eva Lindqvist", MAX: "Max Okafor", HANA: "Hana"}
MONTH = timedelta(days=28)
BERLIN = {"zone": "Europe/Berlin", "country": "DE"}


def main(everything: Path | None) -> None:
    """Write the four pictures; and every page in both widths and schemes where one wants them."""
    with tempfile.TemporaryDirectory() as folder, _chromium() as chromium:
        office = an_office(Path(folder))
        coming = _company(office)
        with _served(office) as url:
            _pictures(chromium, office, url, coming)
            if everything:
                _every_page(chromium, office, url, coming, everything)
        office.app.database.close()


def _pictures(chromium: Browser, office: Office, url: str, coming: Meeting) -> None:
    letter = _window(chromium, 700, height=760)
    letter.set_content(_letter(office, coming, LetterKind.PREP))
    letter.screenshot(path=HERE / "prep.png", full_page=True)
    phone = _window(chromium, 375, height=740, sharp=2)
    phone.goto(url + office.link(Purpose.PREPARE, EVA, coming.uid))
    phone.screenshot(path=HERE / "prepare-phone.png")
    office.clock.now = coming.end
    record = _window(chromium, 760, height=1320)
    record.goto(url + office.link(Purpose.RECORD, EVA, coming.uid))
    record.screenshot(path=HERE / "record.png", full_page=False)
    office.clock.now = NOW
    overview = _window(chromium, 900, height=900)
    overview.goto(url + _sign_in(office))
    overview.get_by_role("button").click()
    overview.wait_for_url("**/overview")
    overview.screenshot(path=HERE / "overview.png", full_page=False)


def _every_page(chromium: Browser, office: Office, url: str, coming: Meeting, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    for width in (375, 1200):
        for scheme in ("light", "dark"):
            name = f"{width}-{scheme}"
            for kind in LetterKind:
                if kind in (LetterKind.HELPER, LetterKind.SIGN_IN, LetterKind.OVERDUE):
                    continue
                page = _window(chromium, width, scheme=scheme)
                page.set_content(_letter(office, coming, kind))
                page.screenshot(path=into / f"letter-{kind}-{name}.png", full_page=True)
                page.context.close()
            _walk(_window(chromium, width, scheme=scheme), office, url, coming, into, name)


def _walk(page: Page, office: Office, url: str, coming: Meeting, into: Path, name: str) -> None:
    def seen(what: str) -> None:
        page.screenshot(path=into / f"{what}-{name}.png", full_page=True)

    page.goto(url + office.link(Purpose.PREPARE, EVA, coming.uid))
    seen("prepare")
    root = page.url.rpartition("/")[0]
    number = coming.uid.partition("@")[0]
    office.clock.now = coming.end
    page.goto(url + office.link(Purpose.RECORD, EVA, coming.uid))
    for path in (
        "prepare/clarity",
        "prepare/resources",
        "prepare/actions",
        "prepare/share",
        "",
        f"record/{number}",
        f"record/{number}/revisions",
        "seen",
    ):
        page.goto(f"{root}/{path}")
        seen(f"e-{path.replace('/', '-') or 'mine'}".replace(number, "talk"))
    office.clock.now = NOW
    page.goto(url + office.link(Purpose.BRIEF, MAX, coming.uid))
    seen("m-mine")
    page.goto(url + _sign_in(office))
    seen("welcome")
    page.get_by_role("button").click()
    page.wait_for_url("**/overview")
    seen("overview")


# --- an invented company --------------------------------------------------------------------


def _company(office: Office) -> Meeting:
    """Eva and Max a month after their first talk, and a company around them."""
    folk = [
        a_person(EVA, manager=MAX, role="Baker", unit="Bakery", name=NAMES[EVA], **BERLIN),
        a_person(MAX, name=NAMES[MAX], **BERLIN),
        *(_somebody(n) for n in range(40)),
    ]
    team = office.app.config.people_team.model_copy(
        update={"training_topics": ("Writing", "Leading a shift")}
    )
    office.app.config = office.app.config.model_copy(update={"people_team": team})
    with office.app.database.writing() as conn:
        people.remember(conn, folk, NOW)
        for person in folk[2:]:
            assert person.manager is not None
            _past(conn, office, a_pair(person.email, person.manager))
    first = office.held(office.meeting(kind=Kind.FIRST, start="2026-02-02 10:00", **_zone()), EVA)
    coming = office.meeting(number=2, start="2026-03-05 09:00", **_zone())
    _conversation(office, first, coming)
    return coming


def _zone() -> dict[str, str]:
    return {"zone": "Europe/Berlin"}


def _somebody(number: int) -> Person:
    unit = ("Bakery", "Shop", "Delivery", "Office")[number % 4]
    return a_person(f"p{number}@acme.example", manager=MAX, unit=unit)


def _past(conn: Connection, office: Office, pair: Pair) -> None:
    number = int(str(pair.employee)[1:].partition("@")[0])
    pairs.begin(conn, pair, NOW.date() - timedelta(days=300))
    for talk in range(7):
        ago = 8 + number % 30 + talk * (36 if (number + talk) % 6 else 48)
        meeting = a_meeting(pair, NOW - timedelta(days=ago), number=9 - talk)
        meetings.save(conn, [attest(meeting, pair.employee, None, NOW)])
    if number % 3 == 0:
        topics = {"Leading a shift"} if number % 2 else {"Writing"}
        trainings.keep(conn, office.app.vault, pair, topics, NOW)


def _conversation(office: Office, first: Meeting, coming: Meeting) -> None:
    ago = NOW - MONTH
    both = dict.fromkeys(Side, ago)
    record = Record(
        (
            Statement(
                "0" * 16,
                "success_work",
                "The shelves are full at seven, six days a week. We see it in the opening photo.",
                both,
            ),
            Statement(
                "1" * 16,
                "focus",
                "The new oven first, the rye starter second; the website may wait.",
                {Side.EMPLOYEE: ago},
            ),
        ),
        (
            Action(
                "a" * 16,
                "Write the night list for the apprentices",
                Owner.EMPLOYEE,
                date(2026, 3, 5),
                ResourceKind.PEOPLE,
                "an hour with Tom",
            ),
            Action(
                "b" * 16,
                "Ask the owner for a second oven",
                Owner.MANAGER,
                date(2026, 2, 27),
                ResourceKind.NOTHING,
            ),
        ),
        (
            Resource(
                "c" * 16,
                ResourceKind.TRAINING,
                "A day on leading a shift",
                "Max Okafor",
                date(2026, 4, 1),
                "Leading a shift",
            ),
        ),
    )
    said = {
        "agenda": "The night shift is one person short, and I have an idea.",
        "direction": "Run the second shop one day.",
        "success_work": "The shelves are full at seven, six days a week.",
        "expectations": "Bread at seven; a word before noon when something will be late.",
        "support": "Tell me early when orders change.",
        "purpose": "My work serves the second shop: the dough is ready for two.",
        "focus": "The new oven first, the rye starter second; the website may wait.",
    }
    with office.app.database.writing() as conn:
        box = office.app.vault.make(conn, PAIR, NOW)
        agreements.save(conn, box, PAIR, first.uid, record, Side.EMPLOYEE, ago)
        lines = role_lines(ROLE)
        organization = ("Bread for all", "Open a second shop", "Honest dough")
        basis = bases(office.app.checklist("en"), lines, organization, "Baker")
        for item, text in said.items():
            shared = item in ("agenda", "expectations")
            at = NOW if item == "agenda" else ago
            one = Answer(item, at, text, basis=basis.get(item, ""), shared=shared)
            answers.save(conn, box, PAIR, Side.EMPLOYEE, one)
        marks = dict.fromkeys(lines, Mark.CLEAR) | {lines[1]: Mark.UNCLEAR}
        role = Answer("role", NOW, marks=marks, basis=basis["role"], shared=True)
        answers.save(conn, box, PAIR, Side.EMPLOYEE, role)
        wish = Row("Try the rye starter", by=date(2026, 4, 9), needs=ResourceKind.NOTHING)
        mine = Answer("my_actions", NOW, rows=(wish,), shared=True)
        answers.save(conn, box, PAIR, Side.EMPLOYEE, mine)
        days = [
            Interval(coming.start + timedelta(days=d), coming.end + timedelta(days=d))
            for d in (1, 2, 5)
        ]
        conversations.set_offers(conn, coming.uid, days)


def _letter(office: Office, meeting: Meeting, kind: LetterKind) -> str:
    to = MAX if kind is LetterKind.BRIEF else EVA
    revision = 1 if kind is LetterKind.SUMMARY else 0
    errand = Errand(Letter(NOW, kind, to, meeting.uid, revision), PAIR, meeting)
    with office.app.database.reading() as conn:
        folk = people.everybody(conn)
        said = facts(office.app, conn, errand, folk, NOW)
    return office.app.letters.words(said).html


def _sign_in(office: Office) -> str:
    with office.app.database.writing() as conn:
        access.ask_sign_in(conn, HANA, office.clock.now)
        request = access.sign_ins_owed(conn, office.clock.now)[-1]
    return office.link(Purpose.SIGN_IN, HANA, Uid(request.id))


# --- a browser ------------------------------------------------------------------------------


class _Silent(WSGIRequestHandler):
    """Says nothing of each request."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - its name there
        """Leave it."""


@contextmanager
def _served(office: Office) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, office.flask, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def _chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


def _window(
    chromium: Browser, width: int, *, height: int = 800, sharp: int = 1, scheme: str = "light"
) -> Page:
    size = {"width": width, "height": height}
    context = chromium.new_context(
        viewport=size,
        device_scale_factor=sharp,
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    return context.new_page()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
