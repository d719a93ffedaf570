"""A booked event somebody's program made illegible: never silent, never concluded from."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from daemon.core.domain import email
from daemon.core.ports import Unknown
from daemon.loop import illegible
from daemon.loop.forecast import plan
from daemon.loop.observe import observe
from daemon.loop.standing import status
from tests.doubles.caldav import caldav_double
from tests.system.company import found
from tests.system.playing import fingerprint, opened, turn
from tests.system.test_cycle import START

WORKER, USER = "worker1@acme.example", "worker1"
LATER, LATEST = START + timedelta(hours=1), START + timedelta(hours=2)
TIMES = ('DTSTART;TZID="UTC+01:00":20270201T100000', "DTSTART:gestern")


class Files:
    """Calendars as folders."""

    def __init__(self, app):
        self.folder = app.config.at(app.config.calendar.path) / WORKER

    def write(self, change):
        (file,) = self.folder.glob("*@careloop.ics")
        before = file.read_bytes().decode()
        file.write_bytes(change(before).encode())
        return before


class Server:
    """Calendars on a CalDAV server."""

    def __init__(self, double):
        self.double = double

    def write(self, change):
        items = self.double.books.items[USER]
        ((name, before),) = [(n, i.text) for n, i in items.items() if "@careloop" in i.text]
        self.double.store(USER, name, change(before))
        return before


@pytest.fixture(params=["folder", "caldav"])
def company(request, tmp_path):
    """A company of three pairs whose first talks are booked, and the books of its calendars."""
    made = found(tmp_path / "acme", pairs=3, start=START.date(), days=40, taken=(0.2, 0.3))
    with caldav_double() as double:
        if request.param == "caldav":
            on_a_server(made, double)
        app = opened(made)
        assert turn(app, START).complete
        yield app, Server(double) if request.param == "caldav" else Files(app)
        if request.param == "caldav":
            app.calendar.close()
        app.database.close()


def on_a_server(company, double):
    double.welcome(*(who.partition("@")[0] for who in company.people))
    (company.root / "password").write_text("secret")
    (company.root / "password").chmod(0o600)
    lines = (f"{who} {who.partition('@')[0]} file:password\n" for who in company.people)
    (company.root / "accounts.txt").write_text("".join(lines))
    with (company.root / "config.toml").open("a", encoding="utf-8") as file:
        file.write(f'[calendar]\nkind = "caldav"\n[caldav]\nurl = "{double.url}"\n')
        file.write('credentials = "accounts.txt"\n')


def at(line):
    """Change when the event stands, and nothing of its alarm or zone."""
    return lambda text: re.sub(r"DTSTART[^\r\n]*", line, text, count=1)


def problems_of(app, now):
    return {row.pair.employee: row.problem for row in status(app, now).pairs if row.problem}


@pytest.mark.parametrize("line", TIMES)
def test_a_time_nobody_can_read_is_told_and_nothing_is_concluded(company, line):
    app, books = company
    known = observe(app, LATER).histories
    books.write(at(line))

    report = turn(app, LATER)

    assert not report.complete
    said = problems_of(app, LATER)
    assert list(said) == [email(WORKER)]
    assert said[WORKER].startswith("The booked talk cannot be read in the calendar of Worker 1")
    assert "Set its time there again" in said[WORKER]
    assert re.search(r"\.ics:\d+: ", said[WORKER])
    assert observe(app, LATER).histories == known


def test_once_it_can_be_read_again_nothing_is_left_of_it_and_the_log_told_each_once(company):
    app, books = company
    before = books.write(at(TIMES[1]))

    with capture_logs() as lines:
        turn(app, LATER)
        turn(app, LATER)
        books.write(lambda _: before)
        report = turn(app, LATEST)

    assert report.complete
    assert problems_of(app, LATEST) == {}
    said = [one["event"] for one in lines if one["event"].startswith("event.")]
    assert said == ["event.unread", "event.no_longer_unread"]
    with app.database.reading() as conn:
        assert illegible.known(conn) == {}


def test_a_second_turn_over_it_writes_nothing(company):
    app, books = company
    books.write(at(TIMES[0]))
    turn(app, LATER)
    before = fingerprint(app.config.root)

    turn(app, LATER)

    assert fingerprint(app.config.root) == before


def test_between_two_looks_it_is_remembered_until_the_talk_is_over(company):
    app, books = company
    books.write(at(TIMES[0]))
    turn(app, LATER)
    not_looked = replace(observe(app, LATER), seen={})

    (told,) = illegible.remembered(app, not_looked).illegible.values()
    years_on = replace(not_looked, now=LATER + timedelta(days=700))

    assert told.who == WORKER
    assert illegible.remembered(app, years_on).illegible == {}


def test_the_event_of_somebody_who_left_is_not_waited_for(company):
    app, books = company
    books.write(at(TIMES[0]))
    turn(app, LATER)
    world = observe(app, LATER)
    others = {who: one for who, one in world.people.items() if who != WORKER}

    assert illegible.remembered(app, replace(world, people=others)).illegible == {}


def test_a_rehearsal_goes_by_what_the_turn_before_found(company):
    app, books = company
    books.write(at(TIMES[0]))
    turn(app, LATER)

    told = plan(app, LATER)

    assert not told.complete
    assert any("cannot be read in the calendar of Worker 1" in one.what for one in told.problems)


def test_what_is_not_the_events_own_fault_is_not_told_of_the_event(company):
    app, _ = company
    world = observe(app, LATER)
    closed = replace(world, seen={uid: Unknown("the server answered 503") for uid in world.seen})

    assert illegible.remembered(app, closed).illegible == {}
