"""Promises of the record page: who may save, what two ticks mean, what a mistake costs."""

import re
from datetime import date, timedelta

import pytest

from daemon import booking
from daemon.core.agreement import Record, Side
from daemon.core.conversation import Answer
from daemon.core.domain import (
    Accord,
    Action,
    Email,
    Evidence,
    Interval,
    Letter,
    LetterKind,
    Meeting,
    Owner,
    Progress,
    ResourceKind,
    State,
)
from daemon.core.ports import Done
from daemon.links import Purpose
from daemon.store import agreements, answers, conversations, outbox
from tests.factories import NOW
from tests.web.office import EVA, MAX, PAIR, Browser, Office

NEW = "f" * 16
"""The name of a line the page has just offered."""


def a_talk_that_is_over(office: Office) -> Meeting:
    meeting = office.meeting(start="2026-03-02 05:00")
    assert meeting.end < office.clock.now
    return meeting


def recording(office: Office, meeting: Meeting, by: str = "eva") -> Browser:
    return office.opened(Purpose.RECORD, EVA if by == "eva" else MAX, meeting.uid)


def an_action(**fields: str) -> dict[str, str]:
    words = {"what": "Visit the mill", "owner": "employee", "due": "2026-04-01", "needs": "nothing"}
    return {"a.ids": NEW, **{f"a.{NEW}.{k}": v for k, v in {**words, **fields}.items()}}


def a_statement(say: str = "agree", text: str = "Full shelves", id_: str = NEW) -> dict[str, str]:
    return {"s.ids": id_, f"s.{id_}.text": text, f"s.{id_}.say": say}


def save(browser: Browser, **data: str) -> Browser:
    based = re.search(r'name="based_on" value="(\d+)"', browser.text)
    path = browser.path
    return browser.send(path, data={"based_on": based[1] if based else "0", **data})


def the_record(office: Office) -> Record:
    with office.app.database.reading() as conn:
        return agreements.current(conn, office.app.vault.box(conn, PAIR), PAIR)


def the_accord(office: Office) -> Accord:
    with office.app.database.reading() as conn:
        return conversations.accords(conn)[PAIR]


# --- did we meet ----------------------------------------------------------------------------


def test_we_met_is_one_click_of_either_and_attested_by_both(office: Office) -> None:
    meeting = a_talk_that_is_over(office)
    evidence = []

    for who in ("max", "eva"):
        browser = recording(office, meeting, who)
        browser.send(f"{browser.path}/met", data={"held": "yes"})
        evidence.append(office.kept(meeting.uid).evidence)

    assert evidence == [Evidence.MANAGER, Evidence.ATTESTED]
    assert office.app.rung.is_set()


def test_we_met_another_day_counts_from_that_day(office: Office) -> None:
    meeting = a_talk_that_is_over(office)
    browser = recording(office, meeting)

    browser.send(f"{browser.path}/met", data={"held": "other", "on": "2026-02-27"})

    assert office.kept(meeting.uid).held_on == date(2026, 2, 27)


@pytest.mark.parametrize("on", ["2026-03-20", "1999-01-01", "yesterday", ""])
def test_an_impossible_day_changes_nothing(office: Office, on: str) -> None:
    meeting = a_talk_that_is_over(office)
    browser = recording(office, meeting)

    browser.send(f"{browser.path}/met", data={"held": "other", "on": on})

    assert office.kept(meeting.uid) == meeting


def test_it_did_not_happen_is_told_to_the_loop(office: Office) -> None:
    meeting = a_talk_that_is_over(office)
    browser = recording(office, meeting)

    browser.send(f"{browser.path}/met", data={"held": "no"})

    assert office.kept(meeting.uid).state is State.MISSED


def test_nobody_attests_a_talk_that_has_not_begun(office: Office) -> None:
    meeting = office.meeting()
    browser = recording(office, meeting)

    browser.send(f"{browser.path}/met", data={"held": "yes"})

    assert office.kept(meeting.uid) == meeting


def test_people_who_met_before_the_planned_day_say_so(office: Office) -> None:
    meeting = office.meeting()
    browser = recording(office, meeting)

    browser.send(f"{browser.path}/met", data={"held": "other", "on": "2026-03-02"})

    assert office.kept(meeting.uid).held_on == date(2026, 3, 2)


# --- saving ---------------------------------------------------------------------------------


def test_with_a_silent_manager_the_record_completes(office: Office) -> None:
    meeting = a_talk_that_is_over(office)
    browser = recording(office, meeting)

    save(browser, **an_action(), **a_statement())

    assert "You both get the actions by mail" in browser.text
    record = the_record(office)
    assert [a.what for a in record.actions] == ["Visit the mill"]
    assert the_accord(office) == Accord(1, 1, NOW)
    assert office.kept(meeting.uid).evidence is Evidence.EMPLOYEE


def test_with_a_silent_employee_the_manager_can_ask_but_not_record(office: Office) -> None:
    meeting = a_talk_that_is_over(office)
    browser = recording(office, meeting, "max")
    path = browser.path
    shown = browser.text

    refused = browser.send(path, data={"based_on": "0", **an_action()}).status
    browser.open(path)
    browser.send(f"{path}/ask")

    assert "Save the record" not in shown
    assert refused == 404
    assert the_record(office) == Record()
    assert "You asked Eva to record" in browser.text
    assert "asks you to record" in recording(office, meeting).text


@pytest.mark.parametrize("spoke", ["prepared", "met"])
def test_once_the_employee_spoke_the_manager_may_record(office: Office, spoke: str) -> None:
    meeting = a_talk_that_is_over(office)
    if spoke == "met":
        office.held(meeting, EVA)
    else:
        with office.app.database.writing() as conn:
            answers.prepared(conn, meeting.uid, NOW)

    save(recording(office, meeting, "max"), **an_action(owner="manager"))

    assert [a.owner for a in the_record(office).actions] == [Owner.MANAGER]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("needs", "", "say what it needs"),
        ("due", "", "choose a day"),
        ("due", "2026-13-45", "choose a day"),
        ("owner", "nobody", "choose who"),
        ("helper_email", "not an address", "not a mail address"),
    ],
)
def test_a_mistake_saves_nothing_and_loses_no_word(
    office: Office, field: str, value: str, words: str
) -> None:
    browser = recording(office, a_talk_that_is_over(office))

    save(browser, **an_action(**{field: value}), **a_statement())

    assert browser.status == 422
    assert words in browser.text
    assert "Visit the mill" in browser.text
    assert "Full shelves" in browser.text
    assert 'aria-invalid="true"' in browser.text
    assert the_record(office) == Record()


def test_we_differ_wants_a_reason(office: Office) -> None:
    browser = recording(office, a_talk_that_is_over(office))

    save(browser, **a_statement("differ"))
    refused = browser.status
    save(browser, **a_statement("differ"), **{f"s.{NEW}.reason": "Too early"})

    assert refused == 422
    assert the_record(office).statements[0].differs == {Side.EMPLOYEE: "Too early"}


def test_two_ticks_make_an_agreement_and_an_edit_clears_the_others(office: Office) -> None:
    meeting = a_talk_that_is_over(office)
    save(recording(office, meeting), **a_statement())
    id_ = the_record(office).statements[0].id
    save(recording(office, meeting, "max"), **a_statement(id_=id_))
    agreed = the_record(office).statements[0].agreed

    save(recording(office, meeting, "max"), **a_statement(id_=id_, text="Full by seven"))

    edited = the_record(office).statements[0]
    assert agreed
    assert set(edited.ticks) == {Side.MANAGER}
    assert the_accord(office).open == 1


def test_nobody_ticks_for_the_other_through_the_form(office: Office) -> None:
    meeting = a_talk_that_is_over(office)
    browser = recording(office, meeting)

    save(browser, **a_statement(), **{f"s.{NEW}.manager": "agree", "side": "manager"})

    assert set(the_record(office).statements[0].ticks) == {Side.EMPLOYEE}


def test_whoever_saves_second_sees_it_and_keeps_every_word(office: Office) -> None:
    meeting = a_talk_that_is_over(office)
    eva, late = recording(office, meeting), recording(office, meeting)
    save(eva, **an_action())

    save(late, **an_action(what="My own words"))

    assert late.status == 422
    assert "saved while you were writing" in late.text
    assert "My own words" in late.text
    assert [a.what for a in the_record(office).actions] == ["Visit the mill"]
    save(late, **an_action(what="My own words"))
    assert late.status == 200


def test_a_talk_that_has_not_begun_is_not_recorded(office: Office) -> None:
    browser = recording(office, office.meeting())

    browser.send(browser.path, data={"based_on": "0", **an_action()})

    assert browser.status == 422
    assert the_record(office) == Record()


def test_more_lines_keeps_the_words_and_saves_nothing(office: Office) -> None:
    browser = recording(office, a_talk_that_is_over(office))

    save(browser, more="1", **an_action())

    assert browser.status == 200
    assert "Visit the mill" in browser.text
    assert the_record(office) == Record()


def test_shared_wishes_are_offered_once(office: Office) -> None:
    meeting = a_talk_that_is_over(office)
    with office.app.database.writing() as conn:
        box = office.app.vault.make(conn, PAIR, NOW)
        said = Answer("success_work", NOW - timedelta(hours=1), "Full by seven", shared=True)
        answers.save(conn, box, PAIR, Side.EMPLOYEE, said)

    first = recording(office, meeting)
    offered = "Full by seven" in first.text.partition('id="statements"')[2]
    save(first, **an_action())
    again = recording(office, meeting).text.partition('id="statements"')[2]

    assert offered
    assert "Full by seven" not in again


def test_done_actions_leave_the_page_and_stay_in_the_record(office: Office) -> None:
    meeting = a_talk_that_is_over(office)
    done = Action(
        "a" * 16, "Old", Owner.EMPLOYEE, NOW.date(), ResourceKind.NOTHING, progress=Progress.DONE
    )
    with office.app.database.writing() as conn:
        box = office.app.vault.make(conn, PAIR, NOW)
        agreements.keep(conn, box, PAIR, Record(actions=(done,)))

    save(recording(office, meeting), **an_action())

    assert {a.what for a in the_record(office).actions} == {"Old", "Visit the mill"}


def test_both_see_every_version_and_what_it_changed(office: Office) -> None:
    meeting = a_talk_that_is_over(office)
    browser = recording(office, meeting)
    save(browser, **an_action())
    id_ = the_record(office).actions[0].id
    done = {
        "a.ids": id_,
        **{
            f"a.{id_}.{k}": v
            for k, v in {
                "what": "Visit the mill",
                "owner": "employee",
                "due": "2026-04-01",
                "needs": "nothing",
                "progress": "done",
            }.items()
        },
    }
    save(recording(office, meeting), **done)

    for who in ("eva", "max"):
        page = recording(office, meeting, who)
        page.open(f"{page.path}/revisions")
        assert page.text.count("Saved by Eva") == 2
        assert ">done<" in page.text


def test_saving_shows_the_next_date_and_three_other_times(office: Office) -> None:
    meeting = a_talk_that_is_over(office)
    upcoming = office.meeting(start="2026-04-06 09:00", number=3)
    slots = [
        Interval(upcoming.start + timedelta(days=d), upcoming.end + timedelta(days=d))
        for d in (1, 2, 3, 4)
    ]
    with office.app.database.writing() as conn:
        conversations.set_offers(conn, upcoming.uid, slots)

    browser = save(recording(office, meeting), **an_action())

    assert "Monday, 6 April" in browser.text
    assert browser.text.count('name="start"') == 3


def four_letters(office: Office, meeting: Meeting, to: Email) -> None:
    letters = [Letter(NOW, LetterKind.MOVED, to, meeting.uid, n) for n in range(4)]
    effects = [booking.letter_of(letter, b"sealed") for letter in letters]
    hour = timedelta(hours=1)
    with office.app.database.writing() as conn:
        for claim in outbox.claim_letters(conn, effects, "w", NOW, hour):
            outbox.settle(conn, claim, Done(), NOW)


def test_nobody_is_promised_a_fifth_letter(office: Office) -> None:
    meeting = a_talk_that_is_over(office)
    four_letters(office, meeting, EVA)

    browser = save(recording(office, meeting), **an_action())

    assert "You both get the actions by mail" not in browser.text
    assert "Eva has had four letters about this talk" in browser.text
    assert "Max has had" not in browser.text


def test_without_a_next_date_the_window_is_told(office: Office) -> None:
    browser = save(recording(office, a_talk_that_is_over(office)), **an_action())

    assert "between Wednesday, 1 April and Thursday, 16 April" in browser.text
