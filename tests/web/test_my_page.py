"""Promises of the employee's own page: move, snooze, pause, bring someone in, hand over, export."""

import json
from datetime import date, timedelta

import pytest
from icalendar import Calendar

from daemon.core.agreement import Record, Side, Statement
from daemon.core.conversation import Answer
from daemon.core.domain import (
    Action,
    Because,
    Interval,
    Meeting,
    Owner,
    Progress,
    Reason,
    ResourceKind,
    Uid,
    email,
)
from daemon.core.followup import refuse, withdraw
from daemon.links import Purpose
from daemon.store import agreements, answers, conversations, handover, helpers, outbox, pairs
from daemon.store import meetings as kept_meetings
from daemon.store.helpers import HelperState, Request
from tests.factories import NOW, a_pair, at
from tests.system.pages import form
from tests.web.office import EVA, MAX, MIA, PAIR, Browser, Office

JO = email("jo@else.example")


def at_home(office: Office) -> tuple[Browser, Meeting]:
    meeting = office.meeting(zone="Europe/Berlin")
    return office.opened(Purpose.MY_PAGE, EVA, meeting.uid), meeting


def puts(office: Office, meeting: Meeting) -> list[int]:
    with office.app.database.reading() as conn:
        rows = conn.exec_driver_sql(
            "SELECT sequence FROM outbox WHERE uid = ? AND action = 'put'", (meeting.uid,)
        )
        return [row[0] for row in rows]


# --- the meeting ----------------------------------------------------------------------------


def test_moving_to_an_offered_time_is_one_post_and_tells_the_calendars(office: Office) -> None:
    browser, meeting = at_home(office)
    slot = Interval(meeting.start + timedelta(days=1), meeting.end + timedelta(days=1))
    with office.app.database.writing() as conn:
        conversations.set_offers(conn, meeting.uid, [slot])

    browser.send(f"{browser.root}/move", data={"start": slot.start.isoformat()})

    moved = office.kept(meeting.uid)
    assert moved.when == slot
    assert moved.reason == Reason(Because.WISH)
    assert puts(office, meeting) == [1]
    assert "Both calendars follow" in browser.text


@pytest.mark.parametrize("start", ["2026-03-10T10:00:00+00:00", "tomorrow", "2026-03-10", ""])
def test_a_time_that_was_not_offered_is_refused(office: Office, start: str) -> None:
    browser, meeting = at_home(office)

    browser.send(f"{browser.root}/move", data={"start": start})

    assert office.kept(meeting.uid) == meeting
    assert puts(office, meeting) == []


def test_a_week_later_keeps_the_time_on_the_wall_across_a_clock_change(office: Office) -> None:
    meeting = office.meeting(start="2026-03-25 10:00", zone="Europe/Berlin")
    browser = office.opened(Purpose.MY_PAGE, EVA, meeting.uid)

    browser.send(f"{browser.root}/snooze")

    assert office.kept(meeting.uid).start == at("2026-04-01 10:00", "Europe/Berlin")


def test_pausing_and_going_on(office: Office) -> None:
    browser, _ = at_home(office)

    browser.send(f"{browser.root}/pause", data={"until": "2026-04-01"})
    paused = _paused(office)
    browser.send(f"{browser.root}/resume")

    assert paused == date(2026, 4, 1)
    assert _paused(office) is None


@pytest.mark.parametrize("until", ["2026-03-01", "2030-01-01", "soon"])
def test_a_pause_ends_within_a_year_from_today(office: Office, until: str) -> None:
    browser, _ = at_home(office)

    browser.send(f"{browser.root}/pause", data={"until": until})

    assert _paused(office) is None
    assert "within the next year" in browser.text


def _paused(office: Office) -> date | None:
    with office.app.database.reading() as conn:
        found = pairs.history(conn, PAIR)
    assert found is not None
    return found.paused_until


def test_after_careloop_gave_up_the_employee_asks_once_more(office: Office) -> None:
    tired = refuse(refuse(office.meeting(), Because.DECLINED), Because.DECLINED)
    fallen = withdraw(tired, Reason(Because.TOO_MANY_MOVES))
    with office.app.database.writing() as conn:
        kept_meetings.save(conn, [fallen])
    browser = office.opened(Purpose.MY_PAGE, EVA, Uid("gone@careloop"))

    browser.send(f"{browser.root}/again")

    assert "Look for a time again" in browser.text
    assert (fallen.moves, office.kept(fallen.uid).moves) == (2, 0)


# --- actions --------------------------------------------------------------------------------


def test_promises_kept_are_counted_for_each_side(office: Office) -> None:
    browser, _ = at_home(office)
    late = NOW.date() - timedelta(days=3)

    def one(id_: str, owner: Owner, progress: Progress) -> Action:
        return Action(id_ * 16, id_, owner, late, ResourceKind.NOTHING, progress=progress)

    record = Record(
        actions=(
            one("a", Owner.EMPLOYEE, Progress.DONE),
            one("b", Owner.EMPLOYEE, Progress.OPEN),
            one("c", Owner.MANAGER, Progress.DONE),
        )
    )
    with office.app.database.writing() as conn:
        agreements.keep(conn, office.app.vault.make(conn, PAIR, NOW), PAIR, record)

    browser.open(f"{browser.root}/")

    assert "1 of 2" in browser.text
    assert "1 of 1" in browser.text


# --- helpers --------------------------------------------------------------------------------


def asked(office: Office) -> tuple[Browser, Request]:
    browser, _ = at_home(office)
    browser.send(
        f"{browser.root}/helpers",
        data={"name": "Jo", "email": str(JO), "question.0": "More of what?", "question.1": " "},
    )
    (request,) = requests(office)
    return browser, request


def requests(office: Office) -> tuple[Request, ...]:
    with office.app.database.reading() as conn:
        return helpers.of(conn, office.app.vault, EVA)


def test_a_helpers_answer_goes_to_the_employee_only(office: Office) -> None:
    browser, request = asked(office)

    helper = office.opened(Purpose.HELPER, JO, Uid(request.id))
    helper.send(f"/h/{request.id}", data={"say": "answered", "answer.0": "Ask earlier"})
    manager = office.opened(Purpose.BRIEF, MAX, request.uid)

    assert helper.path == "/thanks"
    assert "Ask earlier" in browser.open(f"{browser.root}/").text
    assert "Ask earlier" not in manager.text


def test_a_helpers_link_is_used_up_by_the_answer_and_not_by_scanners(office: Office) -> None:
    _, request = asked(office)
    link = office.link(Purpose.HELPER, JO, Uid(request.id))
    for _ in range(20):
        office.browser().open(link)

    helper = office.browser().open(link)
    form = {"say": "answered", "answer.0": "x", "csrf_token": helper.token()}
    helper.send(f"/h/{request.id}", data=form)
    replayed = office.browser().open(link).status
    again = helper.client.post(f"/h/{request.id}", data={**form, "answer.0": "y"}).status_code

    assert (replayed, again) == (404, 404)
    assert requests(office)[0].answers == ("x",)


def test_a_request_expires(office: Office) -> None:
    _, request = asked(office)
    helper = office.opened(Purpose.HELPER, JO, Uid(request.id))

    office.clock.now = request.expires_at

    assert helper.open(f"/h/{request.id}").status == 404


def test_a_helper_accepts_and_finishes_an_action(office: Office) -> None:
    browser, _ = at_home(office)
    action = Action("a" * 16, "Read the plan", Owner.SPHERE, NOW.date(), ResourceKind.NOTHING)
    with office.app.database.writing() as conn:
        box = office.app.vault.make(conn, PAIR, NOW)
        agreements.keep(conn, box, PAIR, Record(actions=(action,)))
    browser.send(
        f"{browser.root}/helpers", data={"name": "Jo", "email": str(JO), "action": "a" * 16}
    )
    (request,) = requests(office)

    helper = office.opened(Purpose.HELPER, JO, Uid(request.id))
    helper.send(f"/h/{request.id}", data={"say": "accepted"})
    accepted = requests(office)[0].state
    helper.send(f"/h/{request.id}", data={"say": "done", "note": "All fine"})

    with office.app.database.reading() as conn:
        record = agreements.current(conn, office.app.vault.box(conn, PAIR), PAIR)
    assert accepted is HelperState.ACCEPTED
    assert record.actions[0].progress is Progress.DONE
    assert record.actions[0].note == "All fine"


def test_a_helper_sees_one_action_and_nothing_else(office: Office) -> None:
    _, request = asked(office)
    with office.app.database.writing() as conn:
        box = office.app.vault.make(conn, PAIR, NOW)
        answers.save(conn, box, PAIR, Side.EMPLOYEE, Answer("role", NOW, "Bake", shared=True))

    helper = office.opened(Purpose.HELPER, JO, Uid(request.id))

    assert "More of what?" in helper.text
    assert "Bake" not in helper.text
    assert "max@acme.example" not in helper.text


@pytest.mark.parametrize(
    "data",
    [
        {"email": "no address", "question.0": "x"},
        {"email": "jo@else.example\nbcc:x@y.z", "question.0": "x"},
        {"email": "jo@else.example"},
        {"email": "a@b.c, d@e.f", "question.0": "x"},
    ],
)
def test_a_request_needs_one_address_and_something_to_ask(
    office: Office, data: dict[str, str]
) -> None:
    browser, _ = at_home(office)

    browser.send(f"{browser.root}/helpers", data=data)

    assert requests(office) == ()


def test_three_people_are_the_most_and_one_can_be_taken_back(office: Office) -> None:
    browser, _ = at_home(office)
    for n in range(4):
        data = {"email": f"h{n}@else.example", "question.0": "x"}
        browser.send(f"{browser.root}/helpers", data=data)
    full = requests(office)
    said = "Take one back first" in browser.text

    browser.send(f"{browser.root}/helpers/back", data={"id": full[0].id})

    assert said
    assert [len(full), len(requests(office))] == [3, 2]


# --- a new manager --------------------------------------------------------------------------


def test_the_employee_chooses_what_a_new_manager_sees(office: Office) -> None:
    new = a_pair(EVA, MIA)
    agreed = Statement("1" * 16, "success_work", "Full shelves", dict.fromkeys(Side, NOW))
    with office.app.database.writing() as conn:
        box = office.app.vault.make(conn, PAIR, NOW)
        for item, text in (("direction", "Run the second shop"), ("learning", "Rye")):
            said = Answer(item, NOW, text, shared=True)
            answers.save(conn, box, PAIR, Side.EMPLOYEE, said)
        agreements.keep(conn, box, PAIR, Record((agreed,)))
        pairs.end(conn, PAIR, NOW.date(), Reason(Because.NEW_MANAGER))
        pairs.begin(conn, new, NOW.date())
        handover.hand_over(conn, office.app.vault, PAIR, new, NOW)
    meeting = office.meeting(pair=new, number=1)
    browser = office.opened(Purpose.MY_PAGE, EVA, meeting.uid)
    manager = office.opened(Purpose.BRIEF, MIA, meeting.uid)
    before = manager.text

    browser.send(f"{browser.root}/handover", data={"item": ["learning"], "statement": ["1" * 16]})
    after = manager.open(f"{manager.root}/").text

    assert "Rye" not in before
    assert "Rye" in after
    assert "Full shelves" in after
    assert "Run the second shop" not in after
    assert "What may Mia know?" not in browser.open(f"{browser.root}/").text


# --- one's own copy -------------------------------------------------------------------------


def test_the_export_holds_everything_in_three_forms(office: Office) -> None:
    browser, meeting = at_home(office)
    action = Action("a" * 16, "Visit the mill", Owner.EMPLOYEE, NOW.date(), ResourceKind.NOTHING)
    with office.app.database.writing() as conn:
        box = office.app.vault.make(conn, PAIR, NOW)
        answers.save(conn, box, PAIR, Side.EMPLOYEE, Answer("direction", NOW, "Up and away"))
        answers.add_paper(conn, box, PAIR, "feedback", "r.txt", b"well done", NOW)
        agreements.keep(conn, box, PAIR, Record(actions=(action,)))

    page = browser.open(f"{browser.root}/export.html").text
    words = json.loads(browser.open(f"{browser.root}/export.json").text)
    calendar = Calendar.from_ical(browser.open(f"{browser.root}/export.ics").text)

    assert "Up and away" in page
    assert words["pairs"][0]["answers"][0]["text"] == "Up and away"
    assert words["pairs"][0]["papers"][0]["content_base64"] == "d2VsbCBkb25l"
    assert [str(e["UID"]) for e in calendar.walk("VEVENT")] == [meeting.uid]
    assert [str(t["SUMMARY"]) for t in calendar.walk("VTODO")] == ["Visit the mill"]


def test_an_address_in_the_record_is_asked_with_one_click_and_never_by_itself(
    office: Office,
) -> None:
    browser, _ = at_home(office)
    helped = Action(
        "a" * 16,
        "Read the plan",
        Owner.SPHERE,
        NOW.date(),
        ResourceKind.NOTHING,
        helper_name="Jo",
        helper_email=JO,
    )
    with office.app.database.writing() as conn:
        box = office.app.vault.make(conn, PAIR, NOW)
        agreements.keep(conn, box, PAIR, Record(actions=(helped,)))
    page = browser.open(f"{browser.root}/").text
    before = requests(office)
    action, fields = form(page, "/helpers")

    browser.send(action, data=fields)

    (request,) = requests(office)
    assert "Ask Jo by mail" in page
    assert before == ()
    assert (request.email, request.action, request.name) == (JO, "Read the plan", "Jo")
    assert "Ask Jo by mail" not in browser.text


def test_a_new_manager_of_somebody_who_wrote_nothing_leaves_nothing_to_choose(
    office: Office,
) -> None:
    new = a_pair(EVA, MIA)
    with office.app.database.writing() as conn:
        pairs.end(conn, PAIR, NOW.date(), Reason(Because.NEW_MANAGER))
        pairs.begin(conn, new, NOW.date())
        handover.hand_over(conn, office.app.vault, PAIR, new, NOW)
    meeting = office.meeting(pair=new)

    page = office.opened(Purpose.MY_PAGE, EVA, meeting.uid).text

    assert "There is nothing else that could be shown" in page
    assert "Show what is ticked" not in page


def test_a_talk_nobody_said_a_word_of_is_brought_up_until_somebody_does(office: Office) -> None:
    meeting = office.meeting(start="2026-03-02 05:00")
    page = office.opened(Purpose.MY_PAGE, EVA, meeting.uid)
    before = page.text

    office.held(meeting, MAX)

    assert "Your talk of" in before
    assert "Your talk of" not in page.open(page.path).text


def test_who_has_seen_what_is_told_to_the_employee(office: Office) -> None:
    browser, meeting = at_home(office)
    office.opened(Purpose.BRIEF, MAX, meeting.uid)
    office.opened(Purpose.BRIEF, MAX, meeting.uid)

    browser.open(f"{browser.root}/seen")

    assert browser.text.count("max@acme.example") == 1
    assert "looked at: what you shared" in browser.text


def test_the_ledger_of_effects_knows_no_word_of_the_page(office: Office) -> None:
    browser, meeting = at_home(office)
    browser.send(f"{browser.root}/snooze")

    with office.app.database.reading() as conn:
        letters = outbox.letters(conn, NOW - timedelta(days=1))

    assert letters == {}
    assert puts(office, meeting) == [1]
