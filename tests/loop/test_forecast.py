"""A plan tells when each letter falls due, in order, whatever the hour it is asked for."""

from datetime import timedelta

import pytest

from daemon.core.domain import LetterKind
from daemon.loop.forecast import plan
from daemon.store import pairs
from tests.system.company import found
from tests.system.playing import opened, turn
from tests.system.test_cycle import START


@pytest.fixture
def app(tmp_path):
    company = found(tmp_path / "acme", pairs=4, start=START.date(), days=60, taken=(0.1, 0.2))
    app = opened(company)
    turn(app, START)
    yield app
    app.database.close()


def test_letters_stand_at_the_time_they_fall_due_not_at_the_hour_of_the_plan(app):
    asked = START + timedelta(hours=7, minutes=13)

    letters = plan(app, asked, days=30).letters

    people = {p.email: p for p in app.directory.people().people}
    mornings = [
        x.at.astimezone(people[x.to].zone).strftime("%H:%M")
        for x in letters
        if x.kind in (LetterKind.PREP, LetterKind.NUDGE, LetterKind.BRIEF) and x.at > asked
    ]
    assert mornings
    assert set(mornings) == {"08:00"}
    assert [x.at for x in letters] == sorted(x.at for x in letters)


def test_a_record_letter_stands_at_the_end_of_its_meeting(app):
    found = plan(app, START, days=30)

    with app.database.reading() as conn:
        ends = {m.end for h in pairs.histories(conn).values() for m in h.meetings}
    records = [x.at for x in found.letters if x.kind is LetterKind.RECORD]
    assert records
    assert ends <= set(records)
