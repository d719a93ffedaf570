"""Promises to everybody: who reaches what, links nobody can forge, and words that stay put."""

import random
import re
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from limits.storage import MemoryStorage
from sqlalchemy import text

from daemon.core.agreement import Record, Side, Statement
from daemon.core.conversation import Answer
from daemon.core.domain import Because, Meeting, Reason, Uid, email
from daemon.links import Links, Purpose
from daemon.store import access, agreements, answers, helpers, meetings, pairs, people
from daemon.store.export import everything
from daemon.store.helpers import HelperState, Request
from daemon.store.schema import metadata
from daemon.web.app import HEADERS, all_routes, create_app
from daemon.web.site import Door, reference
from tests.factories import NOW, a_meeting, a_pair
from tests.web.office import (
    EVA,
    HANA,
    MAX,
    MIA,
    OTHER,
    PAIR,
    SECRET,
    TOM,
    Browser,
    Office,
    an_office,
    staff,
)

CANARY = "The canary sings only for Eva"
HELPER = email("jo@else.example")
REQUEST = "f" * 32
BOOKKEEPING = {"audit", "sessions"}
"""What looking may write: who looked, and that a page is open."""


@dataclass
class House:
    """An office with something in every room."""

    office: Office
    meeting: Meeting
    theirs: Meeting
    paper: str
    sign_in: str

    def visitor(self, role: str) -> Browser:
        opened = self.office.opened
        match role:
            case "employee":
                return opened(Purpose.PREPARE, EVA, self.meeting.uid)
            case "manager":
                return opened(Purpose.BRIEF, MAX, self.meeting.uid)
            case "other employee":
                return opened(Purpose.PREPARE, TOM, self.theirs.uid)
            case "other manager":
                return opened(Purpose.BRIEF, MIA, self.theirs.uid)
            case "helper":
                return opened(Purpose.HELPER, HELPER, Uid(REQUEST))
            case "people team":
                browser = opened(Purpose.SIGN_IN, HANA, Uid(self.sign_in))
                return browser.send(browser.path)
        return self.office.browser().open("/overview")

    def path(self, rule: str, door: Door) -> str:
        refs = {Door.HELPER: REQUEST, Door.SIGN_IN: self.sign_in}
        words = {
            "<ref>": refs.get(door, reference(PAIR)),
            "<meeting>": self.meeting.uid.partition("@")[0],
            "<paper>": self.paper,
            "<step>": "clarity",
            "<token>": "nothing",
        }
        return re.sub("<[a-z]+>", lambda name: words[name[0]], rule)


@pytest.fixture
def house(office: Office) -> House:
    return furnished(office)


def furnished(office: Office) -> House:
    meeting = office.meeting(start="2026-03-02 05:00")
    theirs = a_meeting(OTHER, "2026-03-02 05:00")
    with office.app.database.writing() as conn:
        meetings.save(conn, [theirs])
        box = office.app.vault.make(conn, PAIR, NOW)
        answers.save(conn, box, PAIR, Side.EMPLOYEE, Answer("direction", NOW, CANARY))
        answers.save(conn, box, PAIR, Side.EMPLOYEE, Answer("role", NOW, "Bake", shared=True))
        answers.prepared(conn, meeting.uid, NOW)
        paper = answers.add_paper(
            conn, box, PAIR, "feedback", f"{CANARY}.txt", CANARY.encode(), NOW
        )
        agreements.keep(conn, box, PAIR, Record((Statement("1" * 16, "", "Full shelves"),)))
        helpers.ask(
            conn,
            box,
            Request(
                id=REQUEST,
                uid=meeting.uid,
                pair=PAIR,
                number=0,
                email=HELPER,
                state=HelperState.ASKED,
                asked_at=NOW,
                expires_at=NOW + helpers.LIFE,
                questions=("More of what?",),
            ),
        )
        access.ask_sign_in(conn, HANA, NOW)
        (request,) = access.sign_ins_owed(conn, NOW)
    return House(office, meeting, theirs, paper, request.id)


ROLES = (
    "employee",
    "manager",
    "other employee",
    "other manager",
    "helper",
    "people team",
    "stranger",
)

OPENS = {
    "employee": {Door.EMPLOYEE},
    "manager": {Door.MANAGER},
    "helper": {Door.HELPER},
    "people team": {Door.PEOPLE_TEAM, Door.SIGN_IN},
}
"""Which doors of this pair a role may pass; everybody passes Door.ANYONE."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def rules() -> Iterable[tuple[str, Door, frozenset[str]]]:
    """Every path with its door and the methods it knows."""
    known: dict[str, tuple[Door, set[str]]] = {}
    for route in all_routes():
        known.setdefault(route.path, (route.door, set()))[1].update(route.methods)
    for path, (door, methods) in known.items():
        yield path, door, frozenset(methods)


def state(office: Office) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table but the bookkeeping of looking."""
    with office.app.database.reading() as conn:
        return {
            table.name: [tuple(row) for row in conn.execute(table.select())]
            for table in metadata.sorted_tables
            if table.name not in BOOKKEEPING
        }


# --- route x role ---------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_nobody_reaches_what_is_not_theirs_and_all_refusals_are_one(
    house: House, role: str
) -> None:
    browser = house.visitor(role)
    lost = bare(browser.client.get("/nothing/here").get_data(as_text=True))
    reached: list[str] = []

    for rule, door, known in rules():
        path = house.path(rule, door)
        for method in METHODS:
            answer = browser.client.open(path, method=method, data={"csrf_token": token(browser)})
            mine = door is Door.ANYONE or door in OPENS.get(role, set())
            if not mine and answer.status_code < 400:
                reached.append(f"{method} {path} {answer.status_code}")
            if not mine and method == "GET":
                assert answer.status_code == 404, path
                assert bare(answer.get_data(as_text=True)) == lost
            if method not in known | {"HEAD"}:
                assert answer.status_code in (400, 404), (method, path)

    assert reached == []


def token(browser: Browser) -> str:
    """A token of the visitor's own form session, as an attacker with a page of their own has."""
    return browser.token() or Browser(browser.client, browser.office).open("/overview").token()


def bare(page: str) -> str:
    return re.sub(r'value="[^"]*"', "", page)


@pytest.mark.parametrize("role", ROLES)
def test_looking_changes_nothing(house: House, role: str) -> None:
    browser = house.visitor(role)
    before = state(house.office)

    statuses = [
        browser.client.open(house.path(rule, door), method=method).status_code
        for rule, door, _ in rules()
        for method in ("GET", "HEAD", "OPTIONS")
    ]

    assert state(house.office) == before
    assert 500 not in statuses
    assert 200 in statuses


def test_every_act_of_the_own_pages_works_for_its_owner(house: House) -> None:
    """The matrix would also be content if every door were shut."""
    opened = {
        role: [
            house.path(rule, door)
            for rule, door, methods in rules()
            if door in OPENS[role] and "GET" in methods and door is not Door.SIGN_IN
            and house.visitor(role).client.get(house.path(rule, door)).status_code != 200
        ]
        for role in ("employee", "manager", "helper")
    }  # fmt: skip

    assert opened == {
        "employee": [],
        "manager": [house.path("/m/<ref>/papers/<paper>", Door.MANAGER)],
        "helper": [],
    }


def test_a_session_of_one_pair_opens_no_other_pair_of_the_same_manager(office: Office) -> None:
    second = a_pair(TOM, MAX)
    mine, theirs = office.meeting(), a_meeting(second)
    with office.app.database.writing() as conn:
        pairs.begin(conn, second, NOW.date())
        meetings.save(conn, [theirs])

    browser = office.opened(Purpose.BRIEF, MAX, mine.uid)

    number = theirs.uid.partition("@")[0]
    assert browser.open(f"/m/{reference(second)}/").status == 404
    assert browser.open(f"/m/{reference(PAIR)}/record/{number}").status == 404


def test_every_post_wants_the_forms_own_token(house: House) -> None:
    doors = {Door.EMPLOYEE: "employee", Door.MANAGER: "manager", Door.HELPER: "helper"}
    before = state(house.office)

    for rule, door, methods in rules():
        if "POST" in methods:
            client = house.visitor(doors.get(door, "stranger")).client
            answer = client.post(house.path(rule, door), data={"csrf_token": "forged"})
            assert answer.status_code == 400, rule

    assert state(house.office) == before


# --- headers --------------------------------------------------------------------------------


def test_every_answer_carries_the_headers_and_no_inline_script_or_style(house: House) -> None:
    for role in ("employee", "manager", "helper", "people team", "stranger"):
        browser = house.visitor(role)
        for rule, door, _ in rules():
            answer = browser.client.get(house.path(rule, door))
            for name, value in HEADERS.items():
                assert answer.headers[name] == value, rule
            assert answer.headers["Cache-Control"] == "no-store"
            if answer.mimetype == "text/html":
                page = answer.get_data(as_text=True)
                assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page), rule
                assert not re.search(r"<script(?! src=\"/static/)", page), rule
                assert not re.search(r"(src|href|action)=\"(https?:)?//", page), rule


def test_the_policy_forbids_framing_and_foreign_sources() -> None:
    policy = HEADERS["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_the_link_becomes_a_short_cookie_for_its_own_pages_and_a_clean_address(
    house: House,
) -> None:
    link = house.office.link(Purpose.PREPARE, EVA, house.meeting.uid)

    answer = house.office.browser().client.get(link)

    cookie = answer.headers["Set-Cookie"]
    assert answer.status_code == 303
    assert link.rpartition("/")[2] not in answer.headers["Location"]
    assert f"Path=/e/{reference(PAIR)};" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_behind_https_every_cookie_is_secure(tmp_path: Path) -> None:
    office = an_office(tmp_path)
    web = office.app.config.web.model_copy(update={"url": "https://talks.acme.example"})
    office.app.config = office.app.config.model_copy(update={"web": web})
    office.flask = create_app(office.app, None)
    meeting = office.meeting()

    browser = office.browser()
    entered = browser.client.get(office.link(Purpose.PREPARE, EVA, meeting.uid))
    page = browser.client.get("/overview")

    assert "Secure" in entered.headers["Set-Cookie"]
    assert "Secure" in page.headers["Set-Cookie"]
    office.app.database.close()


# --- links ----------------------------------------------------------------------------------


def test_of_ten_thousand_bad_links_none_is_accepted(house: House) -> None:
    office, chance = house.office, random.Random(7)
    good = office.link(Purpose.PREPARE, EVA, house.meeting.uid).rpartition("/")[2]
    foreign = Links("http://x", [b"another secret of thirty-two byte"], 60)
    expired = office.app.links.make(Purpose.PREPARE, EVA, house.meeting.uid, NOW.replace(year=2025))
    bad = [expired.rpartition("/")[2], *mutations(good, chance, 8_000)]
    bad += [
        foreign.make(purpose, person, house.meeting.uid, NOW).rpartition("/")[2]
        for purpose in Purpose
        for person in (EVA, MAX, HANA)
    ]
    bad += list(mutations(expired.rpartition("/")[2], chance, 10_000 - len(bad)))

    accepted = [token for token in bad if office.app.links.read(token, NOW) is not None]
    over_http = [
        token
        for token in bad[::50]
        if office.browser().client.get(f"/l/{token}").status_code != 404
    ]

    assert len(bad) == 10_000
    assert accepted == []
    assert over_http == []
    assert office.app.links.read(good, NOW) is not None


def mutations(token: str, chance: random.Random, count: int) -> Iterator[str]:
    """The token with letters changed, left out, doubled or swapped; never the token itself."""
    alphabet = string.ascii_letters + string.digits + "-_."
    made = 0
    while made < count:
        letters, place = list(token), chance.randrange(len(token))
        match chance.randrange(4):
            case 0:
                letters[place] = chance.choice(alphabet)
            case 1:
                del letters[place]
            case 2:
                letters.insert(place, chance.choice(alphabet))
            case _:
                letters = letters[:place] + letters[place + 1 :] + letters[place : place + 1]
        changed = "".join(letters)
        if changed != token:
            made += 1
            yield changed


def test_the_last_letters_spare_bits_make_no_second_link(house: House) -> None:
    good = house.office.link(Purpose.PREPARE, EVA, house.meeting.uid).rpartition("/")[2]

    others = [good[:-1] + letter for letter in string.ascii_letters + string.digits + "-_"]

    accepted = [t for t in others if house.office.app.links.read(t, NOW) is not None]
    assert accepted == [good]


def test_a_link_dies_with_its_time(house: House) -> None:
    office = house.office
    link = office.link(Purpose.PREPARE, EVA, house.meeting.uid)

    office.clock.now = NOW.replace(month=12)

    assert office.browser().open(link).status == 404


def test_revoking_ends_links_and_open_pages_at_once(house: House) -> None:
    office = house.office
    link = office.link(Purpose.BRIEF, MAX, house.meeting.uid)
    browser = office.browser().open(link)

    with office.app.database.writing() as conn:
        access.revoke(conn, MAX)

    assert browser.open(f"{browser.root}/").status == 404
    assert office.browser().open(link).status == 404
    assert office.opened(Purpose.BRIEF, MAX, house.meeting.uid).status == 200


def test_a_link_names_its_person_and_no_other(house: House) -> None:
    for person in (TOM, MIA, HANA, email("nobody@else.example")):
        for purpose in (Purpose.PREPARE, Purpose.BRIEF, Purpose.RECORD):
            assert house.office.opened(purpose, person, house.meeting.uid).status == 404


def test_an_old_manager_loses_the_pages_that_second(house: House) -> None:
    office = house.office
    browser = office.opened(Purpose.BRIEF, MAX, house.meeting.uid)

    with office.app.database.writing() as conn:
        pairs.end(conn, PAIR, NOW.date(), Reason(Because.NEW_MANAGER))

    assert browser.open(f"{browser.root}/").status == 404
    assert office.opened(Purpose.BRIEF, MAX, house.meeting.uid).status == 404
    assert office.opened(Purpose.MY_PAGE, EVA, house.meeting.uid).status == 200


def test_whoever_left_the_company_opens_nothing(house: House) -> None:
    office = house.office
    browser = office.opened(Purpose.PREPARE, EVA, house.meeting.uid)

    with office.app.database.writing() as conn:
        people.remember(conn, [p for p in staff() if p.email != EVA], NOW)

    assert browser.open(f"{browser.root}/").status == 404
    assert office.opened(Purpose.PREPARE, EVA, house.meeting.uid).status == 404


def test_a_session_ends_after_eight_hours(house: House) -> None:
    browser = house.visitor("employee")

    house.office.clock.now = NOW.replace(hour=NOW.hour + 8)

    assert browser.open(f"{browser.root}/").status == 404


def test_an_earlier_secret_still_opens_and_a_lost_one_does_not() -> None:
    old = Links("http://x", [SECRET], 60)
    token = old.make(Purpose.PREPARE, EVA, Uid("u@careloop"), NOW).rpartition("/")[2]
    new = b"the next secret of thirty-two byte"

    assert Links("http://x", [SECRET, new], 60).read(token, NOW) is not None
    assert Links("http://x", [new], 60).read(token, NOW) is None


# --- limits ---------------------------------------------------------------------------------


def test_too_many_bad_links_from_one_address_are_slowed_down(tmp_path: Path) -> None:
    office = an_office(tmp_path, limits="memory://")
    client = office.browser().client

    statuses = [client.get(f"/l/{n}").status_code for n in range(40)]

    assert statuses == [404] * 30 + [429] * 10
    office.app.database.close()


def test_bad_links_from_many_addresses_are_slowed_down_together(tmp_path: Path) -> None:
    office = an_office(tmp_path, limits="memory://")
    client = office.browser().client

    statuses = [
        client.get("/l/x", environ_base={"REMOTE_ADDR": f"10.0.{n % 50}.{n // 50}"}).status_code
        for n in range(310)
    ]

    assert statuses.count(404) == 300
    office.app.database.close()


def test_behind_a_proxy_on_this_machine_each_visitor_is_counted_apart(tmp_path: Path) -> None:
    office = an_office(tmp_path, limits="memory://")
    client = office.browser().client

    def bad(told: str, peer: str = "127.0.0.1") -> int:
        headers, near = {"X-Forwarded-For": told}, {"REMOTE_ADDR": peer}
        return client.get("/l/x", headers=headers, environ_base=near).status_code

    one = [bad("6.6.6.6, 10.0.0.1") for _ in range(31)]
    another = bad("10.0.0.2")
    invented = [bad(f"10.9.0.{n}", peer="192.0.2.7") for n in range(31)]

    assert (one[-1], another, invented[-1]) == (429, 404, 429)
    office.app.database.close()


def test_a_scanner_that_opens_a_good_link_often_keeps_nobody_out(tmp_path: Path) -> None:
    office = an_office(tmp_path, limits="memory://")
    meeting = office.meeting()
    link = office.link(Purpose.PREPARE, EVA, meeting.uid)

    statuses = {office.browser().open(link).status for _ in range(60)}

    assert statuses == {200}
    office.app.database.close()


class BrokenStorage(MemoryStorage):
    """A place to count that has burnt down."""

    STORAGE_SCHEME = ["broken"]  # noqa: RUF012 - the name and shape `limits` asks for

    def incr(self, *args: object, **fields: object) -> int:
        raise OSError("gone")

    def get(self, key: str) -> int:
        raise OSError("gone")


def test_a_limiter_that_cannot_count_lets_nobody_in(tmp_path: Path) -> None:
    office = an_office(tmp_path, limits="broken://")
    meeting = office.meeting()

    answer = office.browser().open(office.link(Purpose.PREPARE, EVA, meeting.uid))

    assert answer.status == 500
    assert "Get ready" not in answer.text
    office.app.database.close()


def test_metrics_answer_this_machine_only(house: House) -> None:
    client = house.office.browser().client

    here = client.get("/metrics").status_code
    away = client.get("/metrics", environ_base={"REMOTE_ADDR": "10.0.0.1"}).status_code
    proxied = client.get("/metrics", headers={"X-Forwarded-For": "10.0.0.1"}).status_code

    assert (here, away, proxied) == (200, 404, 404)


# --- the canary -----------------------------------------------------------------------------


def test_a_private_sentence_is_on_its_own_page_and_export_and_nowhere_else(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    sung = {
        role: [path for path, page in pages(house, role) if CANARY in page]
        for role in ROLES
    }  # fmt: skip

    root = f"/e/{reference(PAIR)}"
    assert set(sung.pop("employee")) == {
        f"{root}/prepare/clarity",
        f"{root}/prepare/share",
        f"{root}/papers/{house.paper}",
        f"{root}/export.html",
        f"{root}/export.json",
    }
    assert not any(sung.values())
    assert CANARY not in dump(house.office)
    assert CANARY not in caplog.text


def pages(house: House, role: str) -> Iterator[tuple[str, str]]:
    browser = house.visitor(role)
    for rule, door, _ in rules():
        path = house.path(rule, door)
        yield path, browser.client.get(path).get_data(as_text=True)


def dump(office: Office) -> str:
    assert office.app.database.file is not None
    folder = office.app.database.file.parent
    return "".join(
        file.read_bytes().decode("latin-1") for file in folder.rglob("*") if file.is_file()
    )


def test_the_audit_holds_who_and_what_and_no_word_and_is_whole(house: House) -> None:
    for role in ROLES:
        list(pages(house, role))

    with house.office.app.database.reading() as conn:
        lines = conn.execute(text("SELECT person, did, what FROM audit")).all()
        broken = access.broken(conn)
        all_words = everything(conn, house.office.app.vault, EVA)

    assert broken is None
    assert {(who, did) for who, did, _ in lines} >= {(MAX, "saw"), (EVA, "exported")}
    assert CANARY not in str(lines)
    assert CANARY in str(all_words)
