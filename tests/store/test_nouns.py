"""Promises of people, pairs, meetings, problems and settings, on both engines."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, StatementError

from daemon.core.domain import (
    Accord,
    Because,
    Email,
    Evidence,
    Interval,
    Kind,
    Leave,
    Meeting,
    Pair,
    Person,
    Reason,
    Reply,
    State,
    Talk,
)
from daemon.store import meetings, pairs, people, problems, settings
from daemon.store.database import Database
from tests.factories import MONDAY, NOW, a_meeting, a_pair, a_person, held, some_hours

LATER = NOW + timedelta(days=3)


def begin(database: Database, *wanted: Pair) -> None:
    with database.writing() as conn:
        for pair in wanted:
            pairs.begin(conn, pair, MONDAY)


def save(database: Database, *wanted: Meeting) -> int:
    with database.writing() as conn:
        return meetings.save(conn, wanted)


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The SELECT, INSERT, UPDATE and DELETE statements of the block."""
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.split(maxsplit=1)[0] in ("SELECT", "INSERT", "UPDATE", "DELETE"):
            seen.append(statement)

    event.listen(database._engine, "before_cursor_execute", note)
    yield seen
    event.remove(database._engine, "before_cursor_execute", note)


# --- people -----------------------------------------------------------------------------------

FULL = Person(
    email=Email("zoë@acme.example"),
    name="Zoë „Z“ O'Neill; DROP TABLE people",
    manager=Email("max@acme.example"),
    zone=ZoneInfo("Asia/Kathmandu"),
    hours=some_hours(("08:00", "12:15"), ("13:00", "24:00"), days=(0, 2, 5)),
    country="DE-BY",
    language="fr-CA",
    start_date=date(2026, 2, 28),
    leave=(Leave(date(2026, 12, 21), date(2027, 1, 3)), Leave(date(2027, 2, 1), date(2027, 2, 1))),
    role="Engineer",
    unit="Research",
    calendar_url="https://calendar.example/zoe.ics?key=1",
    stated=frozenset({"zone", "hours", "leave"}),
)


def test_a_person_comes_back_exactly(opened: Database) -> None:
    with opened.writing() as conn:
        people.remember(conn, [FULL, a_person()], NOW)

    with opened.reading() as conn:
        roster = people.roster(conn)

    assert roster == {FULL.email: FULL, a_person().email: a_person()}


def test_an_unchanged_roster_writes_nothing(opened: Database) -> None:
    with opened.writing() as conn:
        first = people.remember(conn, [FULL, a_person()], NOW)

    with counted(opened) as statements, opened.writing() as conn:
        again = people.remember(conn, [a_person(), FULL], LATER)

    assert (first, again) == (True, False)
    assert [s for s in statements if not s.startswith("SELECT")] == []


def test_whoever_is_absent_has_left_on_the_day_of_their_own_zone(opened: Database) -> None:
    tokyo = a_person("jun@acme.example", zone="Asia/Tokyo")
    evening = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
    with opened.writing() as conn:
        people.remember(conn, [tokyo, a_person()], NOW)
        changed = people.remember(conn, [a_person()], evening)

    with opened.reading() as conn:
        assert set(people.roster(conn)) == {a_person().email}
        assert people.everybody(conn)[tokyo.email] == tokyo
        assert people.left(conn) == {tokyo.email: date(2026, 3, 3)}
    assert changed


def test_whoever_returns_is_back(opened: Database) -> None:
    with opened.writing() as conn:
        people.remember(conn, [FULL], NOW)
        people.remember(conn, [], NOW)
        people.remember(conn, [replace(FULL, role="Lead")], LATER)

    with opened.reading() as conn:
        assert people.roster(conn) == {FULL.email: replace(FULL, role="Lead")}
        assert people.left(conn) == {}


# --- pairs ------------------------------------------------------------------------------------


def test_a_pair_begins_once(opened: Database) -> None:
    with opened.writing() as conn:
        first = pairs.begin(conn, a_pair(), MONDAY)
        again = pairs.begin(conn, a_pair(), date(2027, 1, 1))

    with opened.reading() as conn:
        history = pairs.history(conn, a_pair())
    assert (first, again) == (True, False)
    assert history is not None
    assert history.since == MONDAY


def test_a_pair_that_ended_is_told_only_when_asked(opened: Database) -> None:
    begin(opened, a_pair(), a_pair("udo@acme.example"))
    reason = Reason(Because.NEW_MANAGER, {"manager": "mia@acme.example"})
    with opened.writing() as conn:
        ended = pairs.end(conn, a_pair(), MONDAY, reason)
        again = pairs.end(conn, a_pair(), date(2027, 1, 1), Reason(Because.LEFT))

    with opened.reading() as conn:
        current, all_ = pairs.histories(conn), pairs.histories(conn, ended=True)
        why = pairs.ends(conn)

    assert (ended, again) == (True, False)
    assert set(current) == {a_pair("udo@acme.example")}
    assert all_[a_pair()].ended == MONDAY
    assert why == {a_pair(): reason}


def test_a_pair_that_begins_again_goes_on_in_its_row(opened: Database) -> None:
    begin(opened, a_pair())
    save(opened, a_meeting(number=7))
    with opened.writing() as conn:
        pairs.pause(conn, a_pair(), date.max)
        pairs.restart(conn, a_pair(), MONDAY)
        pairs.end(conn, a_pair(), MONDAY, Reason(Because.LEFT))
        pairs.begin(conn, a_pair(), date(2026, 9, 1))

    with opened.reading() as conn:
        history = pairs.histories(conn)[a_pair()]
    assert history.since == date(2026, 9, 1)
    assert (history.ended, history.paused_until, history.restart_from) == (None, None, None)
    assert [meeting.number for meeting in history.meetings] == [7]


@pytest.mark.parametrize("until", [date(2026, 5, 1), date.max])
def test_a_pause_lasts_until_it_is_lifted(opened: Database, until: date) -> None:
    begin(opened, a_pair())

    with opened.writing() as conn:
        pairs.pause(conn, a_pair(), until)
    with opened.reading() as conn:
        paused = pairs.histories(conn)[a_pair()].paused_until
    with opened.writing() as conn:
        pairs.pause(conn, a_pair(), None)
    with opened.reading() as conn:
        lifted = pairs.histories(conn)[a_pair()].paused_until

    assert (paused, lifted) == (until, None)


def test_histories_carry_what_the_caller_knows_of_the_talks(opened: Database) -> None:
    begin(opened, a_pair())
    meeting = a_meeting()
    save(opened, meeting)
    talks = {meeting.uid: Talk(prepared=True), a_meeting(number=9).uid: Talk(revision=3)}

    with opened.reading() as conn:
        told = pairs.histories(conn, talks=talks, accords={a_pair(): Accord(3, 1)})

    assert told[a_pair()].talks == {meeting.uid: Talk(prepared=True)}
    assert told[a_pair()].accord == Accord(3, 1)


def test_histories_take_two_queries_however_many_pairs_there_are(opened: Database) -> None:
    many = [a_pair(f"e{number}@acme.example") for number in range(50)]
    begin(opened, *many)
    save(opened, *(a_meeting(pair, number=n) for pair in many for n in (1, 2, 3)))

    with counted(opened) as statements, opened.reading() as conn:
        told = pairs.histories(conn)

    assert len(statements) == 2
    assert [len(history.meetings) for history in told.values()] == [3] * 50


# --- meetings ---------------------------------------------------------------------------------


def test_a_meeting_comes_back_exactly(opened: Database) -> None:
    begin(opened, a_pair())
    full = held(
        a_meeting(
            sequence=4,
            moves=2,
            refused=(Interval(NOW, LATER), Interval(LATER, LATER + timedelta(microseconds=1))),
            late=True,
            reason=Reason(Because.CONFLICT, {"with": "Dentist „ß“", "at": "10:00"}),
            zone="America/Santiago",
            booked_at=NOW,
            moved_from=NOW,
            moved_at=LATER,
            evidence=Evidence.ATTESTED,
            replies={a_pair().employee: Reply.ACCEPTED, a_pair().manager: Reply.DECLINED},
        )
    )
    plain = a_meeting(number=3)

    save(opened, full, plain)

    with opened.reading() as conn:
        assert meetings.by_uid(conn, full.uid) == full
        assert meetings.of(conn, a_pair()) == (full, plain)


def test_only_changed_meetings_are_written(opened: Database) -> None:
    begin(opened, a_pair())
    first, second = a_meeting(number=1), a_meeting(number=2)
    save(opened, first, second)

    with counted(opened) as statements:
        unchanged = save(opened, first, second)
    changed = save(opened, first, replace(second, state=State.CANCELLED, sequence=1))

    assert (unchanged, changed) == (0, 1)
    assert [s for s in statements if not s.startswith("SELECT")] == []
    with opened.reading() as conn:
        assert [m.state for m in meetings.of(conn, a_pair())] == [State.BOOKED, State.CANCELLED]


def test_meetings_since_a_moment_are_those_not_over_by_then(opened: Database) -> None:
    begin(opened, a_pair())
    past, now, future = (
        a_meeting(number=n, start=NOW + timedelta(hours=hours), minutes=60)
        for n, hours in ((1, -1), (2, 0), (3, 5))
    )
    save(opened, past, now, future)

    with opened.reading() as conn:
        found = meetings.since(conn, NOW)

    assert found == (now, future)


def test_a_meeting_needs_its_pair(opened: Database) -> None:
    with pytest.raises(IntegrityError):
        save(opened, a_meeting())


def test_a_time_without_a_zone_is_refused_and_nothing_is_written(opened: Database) -> None:
    begin(opened, a_pair())
    naive = replace(a_meeting(), start=datetime(2026, 3, 9, 10))  # noqa: DTZ001 - the point

    with pytest.raises(StatementError, match="no time zone"):
        save(opened, a_meeting(number=5), naive)

    with opened.reading() as conn:
        assert meetings.of(conn, a_pair()) == ()


moments = st.integers(0, 3 * 10**15).map(
    lambda microseconds: datetime(1990, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)
spans = st.tuples(moments, moments).map(lambda ends: Interval(min(ends), max(ends)))
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@profile(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.builds(
        Meeting,
        uid=words,
        pair=st.just(a_pair()),
        number=st.integers(0, 2**31 - 1),
        generation=st.integers(0, 2**31 - 1),
        kind=st.sampled_from(Kind),
        start=moments,
        end=moments,
        zone=words,
        state=st.sampled_from(State),
        sequence=st.integers(0, 2**31 - 1),
        moves=st.integers(0, 2**31 - 1),
        refused=st.lists(spans, max_size=3).map(tuple),
        late=st.booleans(),
        reason=st.builds(
            Reason, st.sampled_from(Because), st.dictionaries(words, words, max_size=2)
        ),
        booked_at=st.none() | moments,
        moved_from=st.none() | moments,
        moved_at=st.none() | moments,
        held_on=st.none() | st.dates(),
        evidence=st.none() | st.sampled_from(Evidence),
        replies=st.dictionaries(words, st.sampled_from(Reply), max_size=2),
    )
)
def test_any_meeting_comes_back_exactly(opened: Database, meeting: Meeting) -> None:
    begin(opened, a_pair())
    with opened.writing() as conn:
        conn.exec_driver_sql("DELETE FROM meetings")

    save(opened, meeting)

    with opened.reading() as conn:
        assert meetings.by_uid(conn, meeting.uid) == meeting


# --- problems and settings --------------------------------------------------------------------


def test_problems_are_replaced_as_a_whole_and_keep_their_first_day(opened: Database) -> None:
    udo = a_pair("udo@acme.example")
    with opened.writing() as conn:
        problems.replace(conn, {a_pair(): ("no_slot", {"until": "1"}), udo: ("left", {})}, NOW)
        changed = problems.replace(conn, {a_pair(): ("no_slot", {"until": "2"})}, LATER)

    with opened.reading() as conn:
        assert problems.all(conn) == {a_pair(): ("no_slot", {"until": "2"})}
        assert problems.since(conn) == {a_pair(): NOW}
    assert changed


def test_unchanged_problems_write_nothing(opened: Database) -> None:
    standing = {a_pair(): ("no_slot", {"busy": "12"})}
    with opened.writing() as conn:
        problems.replace(conn, standing, NOW)

    with counted(opened) as statements, opened.writing() as conn:
        changed = problems.replace(conn, standing, LATER)

    assert not changed
    assert len(statements) == 1


@pytest.mark.parametrize("value", ["text", 0, False, 1.5, ["a", {"b": None}], {"k": "Ü"}])
def test_a_setting_is_kept_until_it_is_forgotten(opened: Database, value: object) -> None:
    with opened.writing() as conn:
        put, again = settings.put(conn, "name", value), settings.put(conn, "name", value)
        kept = settings.get(conn, "name")
        settings.put(conn, "name", None)
        forgotten = settings.get(conn, "name")

    assert (put, again, kept, forgotten) == (True, False, value, None)
