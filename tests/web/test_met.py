"""Promises of "we met": which talk is meant, what becomes of its event, where it can be said."""

from datetime import date, timedelta

import pytest

from daemon.core import followup
from daemon.core.domain import Because as Why
from daemon.core.domain import Email, Evidence, Kind, Meeting, Reason, State
from daemon.links import Purpose
from daemon.store import meetings, pairs
from tests.factories import NOW
from tests.web.office import EVA, MAX, PAIR, Browser, Office

LAST, NEXT = "2026-02-27 10:00", "2026-04-01 10:00"


def last(office: Office, **fields: object) -> Meeting:
    """The talk of last Friday; nobody has said a word of it."""
    return office.meeting(start=LAST, number=1, kind=Kind.FIRST, minutes=60, **fields)


def the_next(office: Office) -> Meeting:
    return office.meeting(start=NEXT, number=2)


def at_the_record(office: Office, meeting: Meeting, who: Email = EVA) -> Browser:
    return office.opened(Purpose.RECORD, who, meeting.uid)


def say(browser: Browser, held: str, on: str = "") -> Browser:
    """Answer on the record page that is open."""
    return browser.send(f"{browser.path}/met", data={"held": held, "on": on})


def owed(office: Office, meeting: Meeting) -> list[tuple[str, int]]:
    with office.app.database.reading() as conn:
        rows = conn.exec_driver_sql(
            "SELECT action, sequence FROM outbox WHERE uid = ?", (meeting.uid,)
        )
        return [(row[0], row[1]) for row in rows]


# --- a talk before its time -----------------------------------------------------------------


@pytest.mark.parametrize("who", [EVA, MAX])
def test_a_coming_talk_held_already_leaves_the_calendars(office: Office, who: Email) -> None:
    meeting = the_next(office)
    browser = at_the_record(office, meeting, who)

    say(browser, "other", "2026-03-01")

    kept = office.kept(meeting.uid)
    assert (kept.state, kept.day) == (State.HELD, date(2026, 3, 1))
    assert owed(office, meeting) == [("cancel", 1)]
    assert "It was booked for Wednesday, 1 April" in browser.text
    assert "Past talks" in browser.open(f"{browser.root}/").text


def test_the_other_one_confirms_the_day_with_one_click(office: Office) -> None:
    meeting = the_next(office)
    say(at_the_record(office, meeting), "other", "2026-03-01")

    say(at_the_record(office, meeting, MAX), "yes")

    kept = office.kept(meeting.uid)
    assert (kept.evidence, kept.day) == (Evidence.ATTESTED, date(2026, 3, 1))
    assert owed(office, meeting) == [("cancel", 1)]


def test_a_talk_held_before_its_time_can_be_recorded_and_taken_back(office: Office) -> None:
    meeting = the_next(office)
    browser = say(at_the_record(office, meeting), "other", "2026-03-01")
    recording = "Save the record" in browser.text

    say(browser, "no")

    assert recording
    assert office.kept(meeting.uid).state is State.MISSED
    assert "careloop looks for a new time" in browser.text


@pytest.mark.parametrize("held", ["yes", "no"])
def test_of_a_coming_talk_nobody_says_that_it_was_or_was_not(office: Office, held: str) -> None:
    meeting = the_next(office)
    browser = at_the_record(office, meeting)

    say(browser, held)

    assert office.kept(meeting.uid) == meeting
    assert 'role="alert"' in browser.text


def test_a_withdrawn_talk_is_not_held(office: Office) -> None:
    meeting = the_next(office)
    browser = at_the_record(office, meeting)
    gone = followup.withdraw(meeting, Reason(Why.PAUSED))
    with office.app.database.writing() as conn:
        meetings.save(conn, [gone])

    say(browser, "other", "2026-03-01")

    assert office.kept(meeting.uid) == gone
    assert browser.status == 404


def test_the_export_shows_the_day_they_met_not_the_time_that_was_booked(office: Office) -> None:
    meeting = the_next(office)
    browser = say(at_the_record(office, meeting), "other", "2026-03-01")

    exported = browser.open(f"{browser.root}/export.ics").text

    assert "DTSTART;VALUE=DATE:20260301" in exported
    assert "20260401" not in exported


# --- which talk is meant --------------------------------------------------------------------


@pytest.mark.parametrize("on", ["2026-02-27", "2026-02-20"])
def test_a_day_up_to_the_last_talk_leads_to_that_talk_and_changes_nothing(
    office: Office, on: str
) -> None:
    before, meeting = last(office), the_next(office)
    browser = at_the_record(office, meeting)

    say(browser, "other", on)

    assert browser.path.endswith(before.uid.partition("@")[0])
    assert "belongs to this talk" in browser.text
    assert (office.kept(before.uid), office.kept(meeting.uid)) == (before, meeting)
    assert owed(office, meeting) == []


def test_the_last_talk_is_offered_before_the_next_one(office: Office) -> None:
    before, meeting = last(office), the_next(office)

    page = at_the_record(office, meeting).text

    asked = page.index(f"{before.uid.partition('@')[0]}/met")
    assert asked < page.index(f"{meeting.uid.partition('@')[0]}/met")


def test_what_was_said_of_the_last_talk_is_asked_no_more(office: Office) -> None:
    before, meeting = last(office), the_next(office)
    office.held(before, MAX)

    page = at_the_record(office, meeting).text

    assert "Your talk of" not in page


def test_two_talks_are_not_held_on_one_day(office: Office) -> None:
    before, meeting = last(office), the_next(office)
    say(at_the_record(office, meeting), "other", "2026-03-01")

    browser = say(at_the_record(office, before, MAX), "other", "2026-03-01")

    assert browser.path.endswith(meeting.uid.partition("@")[0])
    assert office.kept(before.uid) == before


# --- where it can be said -------------------------------------------------------------------


@pytest.mark.parametrize("days", [0, 5])
@pytest.mark.parametrize("who", [EVA, MAX])
def test_we_met_is_one_click_on_ones_own_page(office: Office, who: Email, days: int) -> None:
    before, meeting = last(office), the_next(office)
    office.clock.now = NOW + timedelta(days=days)
    with office.app.database.writing() as conn:
        inferred = followup.infer(before, office.clock.now, office.app.config.cadence.rules())
        meetings.save(conn, [inferred])
    page = office.opened(Purpose.BRIEF if who == MAX else Purpose.MY_PAGE, who, meeting.uid)
    path = f"{page.root}/record/{before.uid.partition('@')[0]}/met"
    offered = f'action="{path}"' in page.text

    page.send(path, data={"held": "yes"})

    mine = Evidence.MANAGER if who == MAX else Evidence.EMPLOYEE
    assert offered
    assert office.kept(before.uid).evidence is mine
    assert office.kept(before.uid).day == before.day


EVERY = {
    EVA: ("/", "/prepare", "/prepare/clarity", "/prepare/share", "/seen", "/record/{next}"),
    MAX: ("/", "/record/{next}", "/record/{next}/revisions"),
}


@pytest.mark.parametrize(("who", "path"), [(w, p) for w, all_ in EVERY.items() for p in all_])
def test_every_page_leads_to_the_talk_that_was_over_last(
    office: Office, who: Email, path: str
) -> None:
    before, meeting = last(office), the_next(office)
    page = office.opened(Purpose.BRIEF if who == MAX else Purpose.MY_PAGE, who, meeting.uid)

    page.open(page.root + path.format(next=meeting.uid.partition("@")[0]))

    assert page.status == 200
    assert f'href="{page.root}/record/{before.uid.partition("@")[0]}"' in page.text


def test_the_manager_opens_the_record_of_the_last_talk_not_of_the_next(office: Office) -> None:
    before, meeting = last(office), the_next(office)
    office.held(before, EVA)

    page = office.opened(Purpose.BRIEF, MAX, meeting.uid)

    button = page.text.partition("Open the record")[0].rpartition('href="')[2]
    assert before.uid.partition("@")[0] in button


def test_the_record_of_an_assumed_talk_asks_openly_whether_they_met(office: Office) -> None:
    before = last(office)
    office.clock.now = NOW + timedelta(days=5)
    with office.app.database.writing() as conn:
        rules = office.app.config.cadence.rules()
        meetings.save(conn, [followup.infer(before, office.clock.now, rules)])

    text = at_the_record(office, before).text

    question = text.partition('id="held"')[2].partition("</section>")[0]
    assert question.index('value="yes"') < question.index("<details")
    assert question.count('value="yes"') == question.count('value="no"') == 1


def test_saving_the_record_of_an_assumed_talk_says_that_it_took_place(office: Office) -> None:
    before = last(office)
    office.clock.now = NOW + timedelta(days=5)
    with office.app.database.writing() as conn:
        rules = office.app.config.cadence.rules()
        meetings.save(conn, [followup.infer(before, office.clock.now, rules)])
    browser = at_the_record(office, before)

    browser.send(browser.path, data={"based_on": "0"})

    assert "Saved" in browser.text
    assert office.kept(before.uid).evidence is Evidence.EMPLOYEE


# --- pairs that rest or ended ---------------------------------------------------------------


def test_after_a_change_of_manager_no_new_time_is_promised(office: Office) -> None:
    before = last(office)
    with office.app.database.writing() as conn:
        pairs.end(conn, PAIR, NOW.date(), Reason(Why.NEW_MANAGER))

    browser = say(at_the_record(office, before), "no")

    assert office.kept(before.uid).state is State.MISSED
    assert "It did not happen." in browser.text
    assert "new time" not in browser.text


def test_a_fresh_pause_shows_no_talk_that_is_about_to_fall(office: Office) -> None:
    browser = office.opened(Purpose.MY_PAGE, EVA, the_next(office).uid)

    browser.send(f"{browser.root}/pause", data={"until": "2026-05-01"})

    card = browser.text.partition('id="next"')[2].partition("</section>")[0]
    assert "Paused until Friday, 1 May" in card
    assert "1 April" not in card
    assert "/prepare" not in card
