"""Problems as an operator reads them in status: which day, which edge of the window, why."""

from datetime import timedelta

from daemon.core.domain import Because, Reason
from daemon.loop.problems import words
from daemon.loop.standing import status
from tests.system.company import found
from tests.system.playing import opened, play, turn
from tests.system.test_cycle import START


def outside(day: str) -> str:
    facts = {"day": day, "from": "2026-12-09", "to": "2026-12-07", "because": Because.PAUSED}
    return words(Reason(Because.OUTSIDE_WINDOW, facts), {})


def test_a_meeting_after_its_window_is_told_by_the_last_day_of_the_window():
    said = outside("2026-12-10")

    assert said == (
        "Booked on 2026-12-10, after 2026-12-07, the last day of its window: the pair paused."
    )


def test_a_long_leave_between_two_talks_is_named_as_the_reason_for_their_distance(tmp_path):
    company = found(tmp_path / "acme", pairs=1, start=START.date(), days=140, taken=(0.1, 0.2))
    books = play(company, START, 17)
    first = min(event.start for copies in books.events.values() for event in copies.values())
    who = next(w for w in company.people if w.startswith("worker"))
    day = first.date() + timedelta(days=16)
    company.people[who].leave.append((day, day + timedelta(days=29)))
    company.write_roster()
    app = opened(company)

    turn(app, START + timedelta(days=18))

    problem = status(app, START + timedelta(days=18)).pairs[0].problem
    app.database.close()
    assert problem is not None
    assert "days between the last talk and the next: one of the two is on leave" in problem
