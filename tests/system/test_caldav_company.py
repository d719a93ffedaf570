"""A company on real CalDAV servers for ninety days: the same invariants as on files, and nobody is
invited twice."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.doubles.dav_servers import Radicale, Xandikos, running
from tests.system.company import found
from tests.system.hosted import Hosted
from tests.system.humans import event_of

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
PAIRS = 8
DAYS = 90


def ninety_days(hosted: Hosted) -> None:
    """Play the scenario: on the second day some people decline, move and delete."""
    company, books = hosted.company, hosted.books
    hosted.play(START, 0, 1)
    assert len(books.events) == PAIRS
    for act, (employee, manager) in zip("xmd", company.pairs, strict=False):
        event = event_of(books, employee, manager)
        if act == "x":
            hosted.decline(manager, event)
        elif act == "d":
            hosted.delete(employee, event)
    hosted.play(START, 1, DAYS - 1)
    books.check_times()
    books.check_rhythm()
    books.check_letters(settled_before=START + timedelta(days=DAYS - 4))


@pytest.mark.slow
def test_ninety_days_on_radicale(tmp_path: Path) -> None:
    company = found(
        tmp_path / "acme", pairs=PAIRS, start=START.date(), days=DAYS, taken=(0.04, 0.08)
    )
    with running(Radicale(tmp_path / "server")) as server:
        hosted = Hosted(company, server, service=True)

        ninety_days(hosted)

    assert hosted.books.faults == []
    assert len(hosted.books.held) >= PAIRS * 2


@pytest.mark.slow
def test_ninety_days_on_xandikos_that_invites(tmp_path: Path) -> None:
    company = found(
        tmp_path / "acme", pairs=PAIRS, start=START.date(), days=DAYS, taken=(0.04, 0.08)
    )
    with running(Xandikos(tmp_path / "server")) as server:
        hosted = Hosted(company, server)

        ninety_days(hosted)

        assert hosted.invited_twice() == []
    assert hosted.books.faults == []
    assert len(hosted.books.held) >= PAIRS * 2
