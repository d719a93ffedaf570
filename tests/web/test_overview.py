"""Promises to the people team, and about them: figures only, a link that opens once."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from daemon.core.domain import Kind, Meeting, Pair, Person, State, Uid, email
from daemon.core.followup import attest, infer
from daemon.links import Purpose
from daemon.store import access, meetings, pairs, people
from daemon.store.figures import Overview, overview
from daemon.store.schema_conversation import CONTENT
from daemon.web.overview import safe_cell
from tests.factories import NOW, a_cadence, a_meeting, a_pair, a_person
from tests.web.office import EVA, HANA, MAX, Browser, Office, staff

TODAY = NOW.date()


def a_company(office: Office, **units: int) -> list[Pair]:
    """So many people in each unit, all with Max, whose last talk was ten days ago."""
    folk = [
        a_person(f"{unit}{n}@acme.example", manager=MAX, unit=unit)
        for unit, count in units.items()
        for n in range(count)
    ]
    return employed(office, folk)


def employed(office: Office, folk: list[Person]) -> list[Pair]:
    theirs = [a_pair(person.email) for person in folk]
    with office.app.database.writing() as conn:
        people.remember(conn, [*staff(), *folk], NOW)
        for pair in theirs:
            pairs.begin(conn, pair, TODAY - timedelta(days=100))
            meetings.save(conn, [held(pair, 10)])
    return theirs


def held(pair: Pair, days_ago: int, number: int = 1, kind: Kind = Kind.FOLLOW_UP) -> Meeting:
    meeting = a_meeting(pair, NOW - timedelta(days=days_ago), number=number, kind=kind)
    return attest(meeting, pair.employee, None, NOW)


def figures(office: Office) -> Overview:
    with office.app.database.reading() as conn:
        return overview(conn, office.app.config.cadence.rules(), NOW)


def signed_in(office: Office) -> Browser:
    with office.app.database.writing() as conn:
        access.ask_sign_in(conn, HANA, office.clock.now)
        (request,) = access.sign_ins_owed(conn, office.clock.now)
    browser = office.opened(Purpose.SIGN_IN, HANA, Uid(request.id))
    return browser.send(browser.path)


# --- figures --------------------------------------------------------------------------------


def test_where_a_pair_stands_follows_from_the_day_it_last_met(office: Office) -> None:
    bakers = a_company(office, bakery=6, lab=4)
    with office.app.database.writing() as conn:
        meetings.save(conn, [held(bakers[0], 40), held(bakers[1], 46), held(bakers[2], 29)])
        pairs.pause(conn, bakers[3], TODAY)

    (unit,) = [group for group in figures(office).units if group.name == "bakery"]

    counts = (unit.pairs, unit.in_window, unit.due, unit.overdue, unit.paused, unit.share)
    assert counts == (6, 3, 1, 1, 1, 80)


def test_groups_of_fewer_than_five_cannot_be_worked_out(office: Office) -> None:
    a_company(office, bakery=6, lab=4, shop=9)

    shown = figures(office)

    assert [(group.name, group.pairs) for group in shown.units] == [
        ("bakery", 6),
        ("shop", 9),
        ("", 6),
    ]
    assert shown.everybody is not None
    assert shown.everybody.pairs == 21


def test_a_rest_too_small_to_show_takes_a_larger_unit_with_it(office: Office) -> None:
    a_company(office, bakery=6, shop=9)

    shown = figures(office)

    assert [(group.name, group.pairs) for group in shown.units] == [("shop", 9), ("", 8)]


def test_a_company_of_four_is_not_shown_at_all(office: Office) -> None:
    a_company(office, bakery=2)

    assert figures(office).everybody is None
    assert figures(office).units == ()
    assert "Fewer than five pairs" in signed_in(office).text


def test_months_show_share_and_median_gap_from_five_talks_on(office: Office) -> None:
    bakers = a_company(office, bakery=6)
    with office.app.database.writing() as conn:
        for place, pair in enumerate(bakers):
            first = held(pair, 45 + place * 3, number=2)
            meetings.save(conn, [first])

    february = next(month for month in figures(office).months if month.first.month == 2)

    assert february.held == 6
    assert february.share == round(100 * 4 / 6)
    assert february.gap == 42.5


def test_talks_about_a_missing_tick_are_no_gap(office: Office) -> None:
    bakers = a_company(office, bakery=6)
    before = figures(office)
    with office.app.database.writing() as conn:
        for pair in bakers:
            several = [held(pair, ago, number=10 - ago, kind=Kind.ALIGNMENT) for ago in (6, 4, 2)]
            meetings.save(conn, several)

    after = figures(office)

    assert after.everybody is not None
    assert after.everybody.gap is None
    assert [(m.share, m.gap) for m in after.months] == [(m.share, m.gap) for m in before.months]
    assert sum(m.held or 0 for m in after.months) == 24


def test_one_day_is_one_talk_however_often_it_was_said(office: Office) -> None:
    bakers = a_company(office, bakery=6)
    with office.app.database.writing() as conn:
        meetings.save(conn, [held(pair, 10, number=2) for pair in bakers])

    assert [month.gap for month in figures(office).months if month.gap is not None] == []


def test_talks_that_nobody_confirmed_are_counted_apart(office: Office) -> None:
    bakers = a_company(office, bakery=6)
    with office.app.database.writing() as conn:
        for pair in bakers[:2]:
            over = a_meeting(pair, NOW - timedelta(days=10), number=1)
            meetings.save(conn, [infer(over, NOW, a_cadence())])

    found = figures(office)

    assert found.everybody is not None
    assert (found.everybody.talks, found.everybody.inferred) == (6, 2)
    assert sum(month.inferred or 0 for month in found.months) == 2


def test_what_is_not_held_does_not_count(office: Office) -> None:
    bakers = a_company(office, bakery=5)
    missed = a_meeting(bakers[0], NOW - timedelta(days=1), number=2, state=State.MISSED)
    before = figures(office)

    with office.app.database.writing() as conn:
        meetings.save(conn, [missed])

    assert figures(office) == before


# --- pages ----------------------------------------------------------------------------------


def test_the_overview_shows_a_chart_with_its_table_beneath(office: Office) -> None:
    a_company(office, bakery=6)

    browser = signed_in(office)

    assert browser.path == "/overview"
    assert browser.text.index('<svg class="chart"') < browser.text.index("<table>")
    assert EVA not in browser.text


def test_the_csv_holds_the_same_figures_and_no_formula(office: Office) -> None:
    folk = [a_person(f"f{n}@acme.example", manager=MAX, unit='=HYPERLINK("x")') for n in range(5)]
    employed(office, [*folk, *(a_person(f"l{n}@acme.example", unit="lab") for n in range(4))])

    text = signed_in(office).open("/overview/figures.csv").text

    rows = list(csv.reader(io.StringIO(text)))
    assert rows[1][:2] == ['\'=HYPERLINK("x")', "5"]
    assert {len(row) for row in rows} == {10}


def test_the_csv_says_on_time_of_the_same_pairs_as_the_page(office: Office) -> None:
    bakers = a_company(office, bakery=6, lab=4)
    with office.app.database.writing() as conn:
        meetings.save(conn, [held(bakers[0], 40), held(bakers[1], 46)])

    page = signed_in(office)
    rows = csv.DictReader(io.StringIO(page.open("/overview/figures.csv").text))

    (bakery,) = (row for row in rows if row["unit"] == "bakery")
    counted = (bakery["on time"], bakery["on time (%)"], bakery["of these due"])
    assert counted == ("5", "83", "1")
    assert f"<td>{bakery['on time (%)']} %</td>" in page.open("/overview").text


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\tx", "\rx", "|x", "%x"])
def test_no_cell_starts_a_formula(cell: str) -> None:
    assert safe_cell(cell) == "'" + cell


def test_a_plain_name_stays_as_it_is() -> None:
    assert safe_cell("Bakery = bread") == "Bakery = bread"


@contextmanager
def tables_touched() -> Iterator[list[str]]:
    """Every statement any engine runs meanwhile."""
    said: list[str] = []

    def hear(conn: object, cursor: object, statement: str, *rest: object) -> None:
        said.append(statement.lower())

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        event.remove(Engine, "before_cursor_execute", hear)


def test_no_query_of_the_people_team_touches_a_table_with_content(office: Office) -> None:
    a_company(office, bakery=6)
    meeting = office.meeting()

    with tables_touched() as said:
        browser = signed_in(office)
        reached = [browser.open(path).status for path in every_page(office, meeting)]

    content = {table.name for table in CONTENT}
    words = {word for statement in said for word in statement.replace('"', " ").split()}
    bare = {word.strip("(),.") for word in words} | {word.partition(".")[0] for word in words}
    assert "meetings" in bare
    assert not content & bare
    assert 200 in reached


def every_page(office: Office, meeting: Meeting) -> list[str]:
    names = {"<ref>": "x" * 16, "<meeting>": meeting.uid.partition("@")[0], "<step>": "clarity"}
    rules = (rule for rule in office.flask.url_map.iter_rules() if "GET" in (rule.methods or ()))
    paths = (re.sub("<[a-z]+>", lambda name: names.get(name[0], "x"), str(rule)) for rule in rules)
    return [path for path in paths if not path.startswith("/static/")]


# --- signing in -----------------------------------------------------------------------------


def test_asking_for_a_link_says_the_same_to_everybody(office: Office) -> None:
    answers = []
    for person in (HANA, EVA, email("nobody@else.example")):
        browser = office.browser().open("/overview")
        browser.send("/overview/sign-in", data={"email": str(person)})
        answers.append(browser.text.replace(browser.token(), ""))

    assert len(set(answers)) == 1
    with office.app.database.reading() as conn:
        owed = access.sign_ins_owed(conn, NOW)
    assert [request.person for request in owed] == [HANA]


def test_a_sign_in_link_opens_once_and_scanners_do_not_use_it_up(office: Office) -> None:
    with office.app.database.writing() as conn:
        access.ask_sign_in(conn, HANA, NOW)
        (request,) = access.sign_ins_owed(conn, NOW)
    link = office.link(Purpose.SIGN_IN, HANA, Uid(request.id))
    for _ in range(20):
        office.browser().open(link)

    first = office.browser().open(link)
    first.send(first.path)
    second = office.browser().open(link)
    second.send(second.path)

    assert first.path == "/overview"
    assert second.status == 404


def test_somebody_who_left_the_people_team_sees_nothing_from_that_moment(office: Office) -> None:
    a_company(office, bakery=6)
    browser = signed_in(office)
    team = office.app.config.people_team.model_copy(update={"members": ()})
    office.app.config = office.app.config.model_copy(update={"people_team": team})

    browser.open("/overview")

    assert "By month" not in browser.text
    assert browser.open("/overview/figures.csv").status == 404


def test_an_employees_session_opens_no_overview(office: Office) -> None:
    meeting = office.meeting()
    browser = office.opened(Purpose.PREPARE, EVA, meeting.uid)

    assert "By month" not in browser.open("/overview").text
    assert browser.open("/overview/figures.csv").status == 404
