"""A calendar that cannot be read while a talk stands: said everywhere, until it can be read."""

from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from daemon.core.domain import Pair, email
from daemon.loop import metrics, unread
from daemon.loop.observe import observe
from daemon.loop.standing import status
from tests.system.company import found
from tests.system.playing import fingerprint, opened, turn
from tests.system.test_cycle import START

WORKER, BOSS = "worker1@acme.example", "boss0@acme.example"
LATER = START + timedelta(hours=1)
TORN = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:soon\r\n"


@pytest.fixture
def app(tmp_path):
    """A company of three pairs whose first talks are booked."""
    company = found(tmp_path / "acme", pairs=3, start=START.date(), days=40, taken=(0.2, 0.3))
    app = opened(company)
    assert turn(app, START).complete
    yield app
    app.database.close()


def torn(app, who):
    file = app.config.at(app.config.calendar.path) / who / "torn.ics"
    file.write_text(TORN)
    return file


def problem_of(app, employee, now):
    rows = {row.pair.employee: row.problem for row in status(app, now).pairs}
    return rows[email(employee)]


def test_a_booked_talk_whose_calendar_cannot_be_read_is_a_problem_that_names_the_file(app):
    torn(app, WORKER)

    report = turn(app, LATER)

    said = problem_of(app, WORKER, LATER)
    assert not report.complete
    assert said.startswith("The calendar of ")
    assert "torn.ics" in said
    (told,) = status(app, LATER).problems
    assert (told.where, told.cure) == (f"[calendar] {WORKER}", unread.CURE)
    assert "torn.ics" in told.what


def test_a_manager_whose_calendar_cannot_be_read_is_told_once_and_beside_each_pair(app):
    torn(app, BOSS)

    turn(app, LATER)

    found = status(app, LATER)
    assert [row.problem[:15] for row in found.pairs] == ["The calendar of"] * len(found.pairs)
    assert [one.where for one in found.problems] == [f"[calendar] {BOSS}"]


def test_once_it_can_be_read_again_nothing_is_left_of_the_problem(app):
    file = torn(app, WORKER)
    turn(app, LATER)
    file.unlink()

    report = turn(app, LATER + timedelta(hours=1))

    assert report.complete
    assert problem_of(app, WORKER, LATER) == ""
    assert status(app, LATER).problems == ()
    with app.database.reading() as conn:
        assert unread.known(conn) == {}


def test_the_log_tells_each_change_once(app):
    file = torn(app, WORKER)

    with capture_logs() as lines:
        turn(app, LATER)
        turn(app, LATER + timedelta(hours=1))
        file.unlink()
        turn(app, LATER + timedelta(hours=2))
        turn(app, LATER + timedelta(hours=3))

    said = [(x["event"], x["person"]) for x in lines if x["event"].startswith("calendar.")]
    assert said == [("calendar.unread", WORKER), ("calendar.read_again", WORKER)]


def test_a_second_turn_over_an_unreadable_calendar_writes_nothing(app):
    torn(app, WORKER)
    turn(app, LATER)
    before = fingerprint(app.config.root)

    turn(app, LATER)

    assert fingerprint(app.config.root) == before


def test_between_two_looks_at_all_calendars_it_is_remembered(app):
    torn(app, WORKER)
    turn(app, LATER)
    nobody_looked_at = replace(observe(app, LATER), busy={}, unknown={})

    assert set(unread.remembered(app, nobody_looked_at).unread) == {WORKER}


def test_whoever_left_is_not_waited_for(app):
    torn(app, WORKER)
    turn(app, LATER)
    world = observe(app, LATER)
    others = {who: one for who, one in world.people.items() if who != WORKER}

    assert unread.remembered(app, replace(world, people=others, unknown={})).unread == {}


def test_many_with_the_same_reason_are_one_line(app):
    world = observe(app, LATER)
    pairs = [Pair(email(f"p{n}@acme.example"), email(BOSS)) for n in range(5)]
    world = replace(world, unread={pair.employee: "the server answered 503" for pair in pairs})
    against = [
        unread.Reason(unread.Because.UNKNOWN_CALENDAR, {"who": pair.employee}) for pair in pairs
    ]

    (told,) = unread.problems(world, against)

    assert told.what == "the server answered 503"
    assert told.where.endswith("p2@acme.example and 2 more")


def test_the_metrics_count_unreadable_calendars(app):
    torn(app, WORKER)

    metrics.observe_turn(turn(app, LATER), 0.1)

    assert REGISTRY.get_sample_value("careloop_unread_calendars") == 1
