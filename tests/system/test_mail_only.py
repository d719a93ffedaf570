"""The whole cycle in a company without any calendar server: Postfix, Dovecot, feeds and answers as
Outlook, Gmail and Apple Mail write them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from tests.doubles.postfix import MISSING, Office, office
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


def play(made: MailCompany, days: int) -> Books:
    """A turn each morning, by a process that has just started; people answer in the evening."""
    books = Books(made.company)
    for day in range(days):
        now = START + timedelta(days=day)
        app = opened(made.company)
        turn(app, now)
        app.database.close()
        made.evening(now)
        books.look(now)
    return books


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
