"""Promises of "why then?" and "why is there none?" on the employee's page."""

from dataclasses import replace
from datetime import date

import pytest

from daemon.core.domain import Because, Interval, Kind, Meeting, Reason, Slot, State, Uid
from daemon.core.rules import Rule
from daemon.core.why import Choice, Cure, Explanation, Obstacle
from daemon.links import Purpose
from daemon.store import explanations, meetings, people
from tests.factories import NOW, a_due, a_person, a_window, at
from tests.web.office import EVA, MAX, PAIR, Browser, Office, staff

DUE = a_due(PAIR, window=a_window(date(2026, 3, 2), date(2026, 3, 13), date(2026, 3, 6)))
WINNER = Choice(at("2026-03-09 10:00"), 3, 2, ("same_time", "employee_lunch"))
THEN = Slot(DUE, at("2026-03-10 10:00"), at("2026-03-10 10:20"))
TALK = Obstacle(Rule.CONFLICT, MAX, Interval(at("2026-03-10 09:30"), at("2026-03-10 11:00")))


def told(office: Office, uid: Uid | None, said: Explanation) -> None:
    with office.app.database.writing() as conn:
        explanations.tell(conn, {PAIR: (uid, said)})


def without_a_talk(office: Office) -> Browser:
    fallen = office.meeting(zone="Europe/Berlin")
    with office.app.database.writing() as conn:
        meetings.save(conn, [_fallen(fallen)])
    return office.opened(Purpose.MY_PAGE, EVA, fallen.uid)


def _fallen(meeting: Meeting) -> Meeting:
    return replace(meeting, state=State.CANCELLED, reason=Reason(Because.DECLINED))


def test_the_page_says_why_a_talk_is_when_it_is(office: Office) -> None:
    meeting = office.meeting(zone="Europe/Berlin")
    told(office, meeting.uid, Explanation(DUE, winner=WINNER))

    page = office.opened(Purpose.MY_PAGE, EVA, meeting.uid).text

    assert "Why then?" in page
    assert "On nearer days one of you is not free" in page
    assert "The time of last time is taken." in page
    assert "Only lunch was free for both." in page
    assert "early or late in the working day" not in page


def test_a_time_that_a_person_chose_is_not_explained(office: Office) -> None:
    meeting = office.meeting(zone="Europe/Berlin", reason=Reason(Because.MOVED_BY_PERSON))
    told(office, meeting.uid, Explanation(DUE, winner=WINNER))

    assert "Why then?" not in office.opened(Purpose.MY_PAGE, EVA, meeting.uid).text


def test_what_was_said_of_an_earlier_talk_is_not_told_of_this_one(office: Office) -> None:
    meeting = office.meeting(zone="Europe/Berlin")
    told(office, Uid("earlier@careloop"), Explanation(DUE, winner=WINNER))

    assert "Why then?" not in office.opened(Purpose.MY_PAGE, EVA, meeting.uid).text


def test_the_page_says_what_stands_in_the_way_and_when_it_would_be_free(office: Office) -> None:
    browser = without_a_talk(office)
    told(office, None, Explanation(DUE, cure=Cure((TALK,), THEN)))

    page = browser.open(f"{browser.root}/").text

    assert "Why is there none?" in page
    assert "no time suits both calendars" in page
    assert "an appointment of" in page


def test_an_unread_calendar_is_named(office: Office) -> None:
    browser = without_a_talk(office)
    told(office, None, Explanation(DUE, unknown=(MAX,)))

    assert "could not be read" in browser.open(f"{browser.root}/").text


@pytest.mark.parametrize(
    ("language", "words"),
    [("de", "Warum gerade dann?"), ("fr", "Pourquoi à ce moment-là"), ("es", "¿Por qué entonces?")],
)
def test_the_reason_is_in_the_readers_language(office: Office, language: str, words: str) -> None:
    eva = a_person(EVA, manager=MAX, role="Baker", language=language)
    with office.app.database.writing() as conn:
        people.remember(conn, [eva, *(p for p in staff() if p.email != EVA)], NOW)
    meeting = office.meeting(kind=Kind.FIRST, number=1)
    told(office, meeting.uid, Explanation(DUE, winner=WINNER))

    assert words in office.opened(Purpose.MY_PAGE, EVA, meeting.uid).text


def test_the_same_explanation_is_written_once(office: Office) -> None:
    said = {PAIR: (None, Explanation(DUE, cure=Cure((TALK,), THEN)))}

    with office.app.database.writing() as conn:
        counts = [explanations.tell(conn, said) for _ in range(2)]
        kept = explanations.of(conn, PAIR)

    assert counts == [1, 0]
    assert kept[0].obstacles == (TALK,)
    assert kept[0].then == Interval(THEN.start, THEN.end)
