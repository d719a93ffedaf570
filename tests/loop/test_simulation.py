"""Fast-forward and forecast are the service's own turns, and leave no trace."""

from datetime import timedelta

import pytest

from daemon.loop.fate import NONE, Rates
from daemon.loop.forecast import plan
from daemon.loop.simulation import simulate
from tests.system.company import found
from tests.system.playing import fingerprint, opened, play, turn
from tests.system.test_cycle import START


@pytest.fixture
def company(tmp_path):
    return found(
        tmp_path / "acme", pairs=6, start=START.date(), days=120, taken=(0.2, 0.4), seed=11
    )


@pytest.fixture
def app(company):
    app = opened(company)
    app.clock = lambda: START
    yield app
    app.database.close()


def test_an_undisturbed_simulation_equals_turns_played_day_by_day(company, app):
    simulated = simulate(app, 100, START, rates=NONE)

    books = play(company, START, 100)

    last = START + timedelta(days=99)
    held = [e for e in books.held.values() if e.end <= last]
    assert simulated.talks == len(held)
    assert sum(simulated.letters.values()) == len(books.posts)
    days = {
        (pair, second) for pair, second in ((g.pair.employee, g.second) for g in simulated.gaps)
    }
    played = {(e.organizer, e.start.date()) for e in held if e.minutes == 20}
    assert days == played


def test_equal_seeds_give_equal_futures_and_others_differ(app):
    one = simulate(app, 60, START, seed=4)
    same = simulate(app, 60, START, seed=4)
    other = simulate(app, 60, START, seed=5)

    assert one == same
    assert one != other


def test_people_who_disturb_leave_the_rhythm_in_its_window(app):
    seen = simulate(app, 200, START, rates=Rates(leaves=0), seed=2)

    assert seen.in_window >= 0.97
    assert all(gap.reason for gap in seen.gaps if not 30 <= gap.days <= 45)
    assert seen.moves
    assert not seen.unmet


def test_a_simulation_changes_neither_rows_nor_calendars_nor_mail(company, app):
    turn(app, START)
    before = fingerprint(company.root)

    simulate(app, 40, START + timedelta(days=1))

    assert fingerprint(company.root) == before


def test_a_plan_is_what_the_next_turn_then_does(company, app):
    planned = plan(app, START)

    report = turn(app, START)

    booked = {(m.pair, m.start, m.end) for m in report.decision.meetings}
    assert {(b.pair, b.start, b.end) for b in planned.bookings} == booked
    assert report.tally.sent == len(planned.letters)


def test_the_plan_of_an_applied_plan_is_empty(company, app):
    turn(app, START)
    before = fingerprint(company.root)

    again = plan(app, START)

    assert again.bookings == again.withdrawals == again.letters == ()
    assert fingerprint(company.root) == before
