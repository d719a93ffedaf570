"""The whole cycle in a company without any calendar server: Postfix, Dovecot, feeds and answers as
Outlook, Gmail and Apple Mail write them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from tests.doubles.postfix import MISSING, Office, office
from tests.doubles.programs import Entry
from tests.system.company import found
from tests.system.invariants import Books
from tests.system.mail_company import MailCompany, with_mail
from tests.system.playing import opened, turn

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)
START = datetime(2026, 3, 2, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def served() -> Iterator[Office]:
    with office() as running:
        yield running


def a_company(
    tmp_path: Path, served: Office, web: HTTPServer, *, pairs: int, days: int
) -> MailCompany:
    company = found(
        tmp_path / "acme", pairs=pairs, start=START.date(), days=days, seed=3, taken=(0.1, 0.3)
    )
    return with_mail(company, served, web, seed=5)


def play(made: MailCompany, days: int, since: int = 0) -> Books:
    """A turn each morning, with freshly opened connectors; people answer in the evening."""
    books = Books(made.company)
    app = opened(made.company)
    for day in range(since, since + days):
        now = START + timedelta(days=day)
        app.reconfigure(app.config, app.letters)
        turn(app, now)
        made.evening(now)
        books.look(now)
    app.database.close()
    return books


@pytest.mark.slow
def test_a_company_with_nothing_but_mailboxes_is_served_for_ninety_days(
    tmp_path: Path, served: Office, httpserver: HTTPServer
) -> None:
    made = a_company(tmp_path, served, httpserver, pairs=8, days=90)

    books = play(made, 90)

    books.check_times()
    books.check_rhythm()
    books.check_letters(settled_before=START + timedelta(days=86))
    assert books.faults == []
    assert len(books.held) >= 8 * 2
    assert all(count == 1 for ids in made.ids.values() for count in ids.values())
    assert made.said["accepted"] > 10
    assert min(made.said[each] for each in ("declined", "proposed", "absent")) >= 1


@pytest.fixture
def quiet(tmp_path: Path, served: Office, httpserver: HTTPServer) -> MailCompany:
    """Two pairs whose managers never ask for another time, booked and answered."""
    made = a_company(tmp_path, served, httpserver, pairs=2, days=40)
    made.contrary = 0.0
    return made


def a_later_entry(made: MailCompany) -> Entry:
    entries = [e for program in made.programs.values() for e in program.entries.values()]
    return next(e for e in entries if e.start > START + timedelta(days=3))


def test_what_the_organizer_drags_is_adopted_by_both(quiet: MailCompany) -> None:
    play(quiet, 1)
    entry = a_later_entry(quiet)
    (manager,) = entry.attendees - {entry.organizer}
    there = entry.start + timedelta(days=1)
    employee = quiet.programs[entry.organizer]

    quiet.send(entry.organizer, employee.move(entry.uid, there, START + timedelta(hours=5)))
    play(quiet, 2, since=1)

    assert employee.entries[entry.uid].start == there
    assert quiet.programs[manager].entries[entry.uid].start == there
    assert employee.entries[entry.uid].sequence > entry.sequence + 1


def test_what_the_organizer_deletes_is_booked_anew_under_another_identity(
    quiet: MailCompany,
) -> None:
    play(quiet, 1)
    entry = a_later_entry(quiet)
    (manager,) = entry.attendees - {entry.organizer}
    employee = quiet.programs[entry.organizer]

    quiet.send(entry.organizer, employee.delete(entry.uid, START + timedelta(hours=5)))
    play(quiet, 1, since=1)

    assert entry.uid not in employee.entries
    assert entry.uid not in quiet.programs[manager].entries
    (again,) = employee.entries.values()
    assert again.start != entry.start


def test_another_time_a_manager_proposes_is_taken_when_it_suits(quiet: MailCompany) -> None:
    play(quiet, 1)
    entry = a_later_entry(quiet)
    (manager,) = entry.attendees - {entry.organizer}
    program = quiet.programs[manager]

    wish = program.propose(entry.uid, entry.start + timedelta(hours=1), START + timedelta(hours=5))
    quiet.send(manager, wish)
    play(quiet, 1, since=1)

    moved = program.entries[entry.uid]
    assert moved.start != entry.start
    assert moved.sequence > entry.sequence
    assert quiet.programs[entry.organizer].entries[entry.uid].start == moved.start
