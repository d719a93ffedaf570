"""What the loop works out for the page: why a talk is when it is, or why there is none."""

from datetime import timedelta

import pytest

from daemon.core.domain import Email, Pair, State
from daemon.core.rules import Rule
from daemon.store import explanations, pairs
from tests.system.company import found
from tests.system.playing import fingerprint, opened, turn
from tests.system.test_cycle import START

WORKER = "worker1@acme.example"
PAIR = Pair(Email(WORKER), Email("boss0@acme.example"))


@pytest.fixture
def company(tmp_path):
    return found(tmp_path / "acme", pairs=3, start=START.date(), days=40, taken=(0.4, 0.5))


def told(app, pair):
    with app.database.reading() as conn:
        return explanations.of(conn, pair)


def test_every_talk_that_was_planned_is_explained(company):
    app = opened(company)

    turn(app, START)

    with app.database.reading() as conn:
        known = pairs.histories(conn)
    said = {pair: told(app, pair) for pair in known}
    app.database.close()
    assert len(known) == 3
    for pair, history in known.items():
        (booked,) = [m for m in history.meetings if m.state is State.BOOKED]
        assert [one.uid for one in said[pair]] == [booked.uid]


def test_who_has_no_time_is_told_what_stands_in_the_way(company):
    company.make_busy(WORKER, START, START + timedelta(days=60), "sabbatical")
    app = opened(company)

    turn(app, START)

    (one,) = told(app, PAIR)
    app.database.close()
    assert one.uid is None
    assert (Rule.CONFLICT, WORKER) in [(x.rule, x.who) for x in one.obstacles]
    assert one.then is not None


def test_a_second_turn_tells_nothing_anew(company):
    company.make_busy(WORKER, START, START + timedelta(days=60), "sabbatical")
    app = opened(company)
    turn(app, START)
    before = fingerprint(company.root)

    turn(app, START)

    app.database.close()
    assert fingerprint(company.root) == before
