"""An event the calendars refuse is tried again once its cure was applied, and is never a talk."""

from datetime import timedelta

import pytest

from daemon.core.domain import State
from daemon.core.ports import Permanent
from daemon.loop.act import AGAIN
from daemon.loop.standing import status
from daemon.store import meetings
from daemon.wiring import connectors
from tests.system.company import found
from tests.system.playing import opened, turn
from tests.system.test_cycle import START

WORKER = "worker1@acme.example"


class Guarded:
    """The calendars of a company, behind a door that may be shut for writing."""

    def __init__(self, real):
        self.real, self.shut, self.tries = real, True, 0

    def __getattr__(self, name):
        return getattr(self.real, name)

    def put(self, invites):
        if not self.shut:
            return self.real.put(invites)
        self.tries += len(invites)
        return {one.uid: Permanent("this calendar may only be read") for one in invites}


@pytest.fixture
def app(tmp_path):
    company = found(tmp_path / "acme", pairs=1, start=START.date(), days=60, taken=(0.1, 0.2))
    app = opened(company)
    door = Guarded(connectors.calendar(app.config))
    app.open_calendar = lambda _: door
    yield app
    app.database.close()


def theirs(app):
    with app.database.reading() as conn:
        return meetings.since(conn, START)


def files(app):
    folder = app.config.at(app.config.calendar.path) / WORKER
    return {file.stem for file in folder.glob("*.ics")}


def test_a_refused_event_is_booked_once_the_calendar_may_be_written(app):
    turn(app, START)
    (meeting,) = theirs(app)
    app.calendar.shut = False

    soon = turn(app, START + AGAIN / 2)
    later = turn(app, START + AGAIN)

    assert (soon.tally.booked, later.tally.booked) == (0, 1)
    assert meeting.uid in files(app)
    turn(app, START + AGAIN * 2)
    assert status(app, START + AGAIN * 2).pairs[0].problem == ""


def test_a_refused_event_is_not_knocked_for_at_every_turn(app):
    for hour in range(24):
        turn(app, START + timedelta(hours=hour))

    assert app.calendar.tries == 4
    assert "may only be read" in status(app, START + timedelta(hours=23)).pairs[0].problem


def test_a_talk_that_stood_in_no_calendar_was_not_held(app):
    turn(app, START)
    (first,) = theirs(app)

    for hours in (1, 24, 24 * 5):
        turn(app, first.end + timedelta(hours=hours))

    gone, *again = theirs(app)
    assert gone.state is State.CANCELLED
    assert again
    assert all(one.number == 1 for one in again)
    assert not any(one.state is State.HELD for one in theirs(app))
