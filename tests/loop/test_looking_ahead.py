"""Calendars are read as far ahead as anything may be booked, also for pairs that only begin."""

from datetime import date, timedelta

import pytest

from daemon.core.domain import State
from daemon.store import pairs
from tests.system.company import found
from tests.system.playing import fingerprint, opened, turn
from tests.system.test_cycle import START


@pytest.fixture
def company(tmp_path):
    return found(tmp_path / "acme", pairs=6, start=START.date(), days=160, taken=(0.4, 0.5))


def start_on(company, day: date) -> None:
    """Everybody but the manager begins that day."""
    company.write_roster()
    roster = company.root / "people.csv"
    roster.write_text(roster.read_text().replace(",en,,,engineer", f",en,{day},,engineer"))


@pytest.mark.parametrize("ahead", [50, 90, 128])
def test_a_first_day_far_ahead_is_not_booked_over_busy_time(company, ahead):
    start_on(company, START.date() + timedelta(days=ahead))
    app = opened(company)

    turn(app, START)

    with app.database.reading() as conn:
        known = pairs.histories(conn)
    app.database.close()
    meetings = [m for h in known.values() for m in h.meetings if m.state is State.BOOKED]
    over = [
        (m.pair, one)
        for m in meetings
        for who in (m.pair.employee, m.pair.manager)
        for one in company.people[who].busy
        if one[0] < m.end and m.start < one[1]
    ]
    assert len(meetings) == 6
    assert over == []


def test_a_second_turn_has_nothing_to_mend_about_a_first_day_far_ahead(company):
    start_on(company, START.date() + timedelta(days=100))
    app = opened(company)
    turn(app, START)
    before = fingerprint(company.root)

    turn(app, START)

    app.database.close()
    assert fingerprint(company.root) == before
