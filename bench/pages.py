"""What one page costs the server, with ten thousand pairs in the store."""

import logging
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import structlog
from sqlalchemy import Connection

from daemon.core.agreement import Record, Side, Statement
from daemon.core.conversation import Answer
from daemon.core.domain import Action, Meeting, Owner, Person, ResourceKind, Uid, email
from daemon.links import Purpose
from daemon.store import access, agreements, answers, meetings, pairs, people
from tests.factories import NOW, a_meeting, a_pair, a_person
from tests.web.office import EVA, HANA, MAX, PAIR, Browser, Office, an_office, staff

PAIRS = 10_000
TEAM = 8
ROUNDS = 10
MOST = 50
"""Milliseconds of CPU one page may take."""


def run() -> None:
    """Print CPU per page, the slowest last; fails when one takes longer than it may."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder:
        office = an_office(Path(folder))
        meeting = fill(office)
        costs = sorted((cost(page, path), name) for name, page, path in pages(office, meeting))
        office.app.database.close()
    for spent, name in costs:
        print(f"{name:32}{spent:8.1f} ms CPU")
    assert costs[-1][0] < MOST, f"{costs[-1][1]} takes more than {MOST} ms"


def pages(office: Office, meeting: Meeting) -> Iterator[tuple[str, Browser, str]]:
    """Every page somebody reads: its name, a browser that may open it, its path."""
    eva = office.opened(Purpose.PREPARE, EVA, meeting.uid)
    number = meeting.uid.partition("@")[0]
    for path in ("/", "/prepare", "/prepare/clarity", "/prepare/share", "/seen"):
        yield f"employee {path}", eva, eva.root + path
    for path in (f"/record/{number}", f"/record/{number}/revisions"):
        yield f"employee {path.replace(number, '<meeting>')}", eva, eva.root + path
    boss = office.opened(Purpose.BRIEF, MAX, meeting.uid)
    yield "manager /", boss, f"{boss.root}/"
    yield "manager /record/<meeting>", boss, f"{boss.root}/record/{number}"
    hana = _signed_in(office)
    yield "people team /overview", hana, "/overview"
    yield "people team /figures.csv", hana, "/overview/figures.csv"


def cost(page: Browser, path: str) -> float:
    """Milliseconds of CPU for one answer, once its template is compiled."""
    assert page.open(path).status == 200, path
    began = time.process_time()
    for _ in range(ROUNDS):
        page.open(path)
    return (time.process_time() - began) / ROUNDS * 1000


def _signed_in(office: Office) -> Browser:
    with office.app.database.writing() as conn:
        access.ask_sign_in(conn, HANA, NOW)
        (request,) = access.sign_ins_owed(conn, NOW)
    browser = office.opened(Purpose.SIGN_IN, HANA, Uid(request.id))
    began = time.process_time()
    browser.send(browser.path)
    spent = (time.process_time() - began) * 1000
    print(f"{'figures, once in five minutes':32}{spent:8.1f} ms CPU")
    return browser


# --- the company ----------------------------------------------------------------------------


def fill(office: Office) -> Meeting:
    """So many pairs with two talks each; Eva and Max with a full record. Returns their talk."""
    folk = [_somebody(number) for number in range(PAIRS)]
    bosses = [a_person(f"boss{n}@acme.example") for n in range(0, PAIRS, TEAM)]
    with office.app.database.writing() as conn:
        people.remember(conn, [*staff(), *bosses, *folk], NOW)
        for person in folk:
            assert person.manager is not None
            pair = a_pair(person.email, person.manager)
            pairs.begin(conn, pair, NOW.date() - timedelta(days=60))
        meetings.save(conn, list(_talks(folk)))
        return _conversation(conn, office)


def _somebody(number: int) -> Person:
    boss = email(f"boss{number - number % TEAM}@acme.example")
    return a_person(f"p{number}@acme.example", manager=boss, unit=f"Unit {number % 40}")


def _talks(folk: list[Person]) -> Iterator[Meeting]:
    for person in folk:
        assert person.manager is not None
        pair = a_pair(person.email, person.manager)
        for number, days in ((1, -20), (2, 15)):
            yield a_meeting(pair, NOW + timedelta(days=days), number=number)


def _conversation(conn: Connection, office: Office) -> Meeting:
    """Every item answered and shared, ten statements and ten actions, five versions."""
    meeting = a_meeting(start=NOW - timedelta(days=1))
    meetings.save(conn, [meeting])
    both = dict.fromkeys(Side, NOW)
    day = NOW.date()
    record = Record(
        tuple(Statement(f"{n:016x}", "focus", f"Statement {n}", both) for n in range(10)),
        tuple(
            Action(f"{n:016x}", f"Step {n}", Owner.EMPLOYEE, day, ResourceKind.NOTHING)
            for n in range(10)
        ),
    )
    box = office.app.vault.make(conn, PAIR, NOW)
    for item in office.app.checklist("en").items:
        said = Answer(item.id, NOW, "Some words " * 20, shared=True)
        answers.save(conn, box, PAIR, Side.EMPLOYEE, said)
    for _ in range(5):
        agreements.save(conn, box, PAIR, meeting.uid, record, Side.EMPLOYEE, NOW)
    return meeting
