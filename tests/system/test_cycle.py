"""The whole cycle on the embedded default, seen from the outside."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from daemon.loop.standing import status
from tests.system import humans
from tests.system.company import Company, Somebody, found
from tests.system.playing import opened, play, turn

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
"""A Monday, three weeks before the clocks change in Europe."""


@pytest.fixture
def small(tmp_path) -> Company:
    """Six pairs, one team, with time to spare."""
    return found(tmp_path / "acme", pairs=6, start=START.date(), days=140, taken=(0.1, 0.2))


def after(days: int) -> datetime:
    return START + timedelta(days=days)


def test_a_company_is_served_for_a_hundred_days(tmp_path):
    company = found(tmp_path / "acme", pairs=12, start=START.date(), days=100, seed=7)

    books = play(company, START, 100, twice=True)

    books.check_times()
    books.check_rhythm()
    books.check_letters(settled_before=after(96))
    assert books.faults == []
    assert len(books.held) >= 12 * 2


def test_a_first_meeting_stands_after_the_first_turn(small):
    books = play(small, START, 1)

    assert len(books.events) == 6
    assert {next(iter(c.values())).minutes for c in books.events.values()} == {60}


class Played:
    """A company played up to some day, and further at will."""

    def __init__(self, company: Company, days: int) -> None:
        self.company, self.day = company, days
        self.books = play(company, START, days)

    def on(self, days: int = 1) -> None:
        """Take some more turns, a day apart."""
        app = opened(self.company)
        for _ in range(days):
            turn(app, after(self.day))
            self.books.look(after(self.day))
            self.day += 1
        app.database.close()

    def event(self, employee: str):
        return humans.event_of(self.books, employee, self.company.people[employee].manager)

    def row(self, employee: str):
        app = opened(self.company)
        rows = status(app, after(self.day - 1)).pairs
        app.database.close()
        return next(r for r in rows if r.pair.employee == employee)

    def letters(self, uid: str):
        return [(p.kind, p.to) for p in self.books.posts if p.uid == uid]


@pytest.fixture
def played(small) -> Played:
    """A day after everybody's first meeting was booked."""
    return Played(small, 1)


def a_free_hour(company: Company, event, days: int) -> datetime:
    """A time some days on at which neither of the two is busy."""
    for minutes in range(0, 8 * 60, 15):
        start = event.start.replace(hour=8, minute=0) + timedelta(days=days, minutes=minutes)
        end = start + (event.end - event.start)
        busy = [span for who in event.attendees for span in company.people[who].busy]
        if not any(a < end and start < b for a, b in busy):
            return start
    raise AssertionError("no free hour")


def a_later_event(played: Played):
    """An event at least four days ahead."""
    ahead = (next(iter(c.values())) for c in played.books.events.values())
    return next(e for e in ahead if e.start > after(played.day + 3))


def test_a_dragged_event_is_adopted_in_both_calendars(played):
    event = a_later_event(played)
    manager = next(iter(event.attendees - {event.organizer}))
    there = a_free_hour(played.company, event, 1)

    humans.drag(played.company, manager, event, there)
    played.on()

    copies = played.books.events[event.uid]
    assert {copy.start for copy in copies.values()} == {there}
    assert played.books.faults == []
    assert ("moved", manager) not in played.letters(event.uid)


def test_a_deleted_event_is_booked_anew_under_another_identity(played):
    event = a_later_event(played)

    humans.delete(played.company, event.organizer, event)
    played.on()

    again = played.event(event.organizer)
    assert again.uid != event.uid
    assert again.start != event.start
    assert event.uid not in played.books.events
    assert played.books.faults == []


def test_a_deleted_event_is_a_move_with_a_reason(played):
    event = a_later_event(played)

    humans.delete(played.company, event.organizer, event)
    played.on()

    again = played.event(event.organizer)
    moved = [p for p in played.books.posts if p.kind == "moved"]
    assert {p.uid for p in moved} == {again.uid}
    assert sorted(p.to for p in moved) == sorted(again.attendees)
    assert all("removed from a calendar" in " ".join(p.text.split()) for p in moved)
    assert again.start.date() != event.start.date()


def test_who_deletes_again_and_again_is_asked_like_who_declines(played):
    employee = a_later_event(played).organizer

    for _ in range(4):
        humans.delete(played.company, employee, played.event(employee))
        played.on()

    assert all(employee not in copies for copies in played.books.events.values())
    assert [p.to for p in played.books.posts if p.kind == "overdue"] == [employee]


def test_each_no_is_answered_with_another_day_and_told_to_both(small):
    played = Played(small, 1)
    employee = a_later_event(played).organizer
    manager = small.people[employee].manager
    days = [played.event(employee).start.date()]

    for _ in range(3):
        humans.decline(small, manager, played.event(employee))
        played.on()
        days.append(played.event(employee).start.date())

    told = [p.to for p in played.books.posts if p.kind == "moved"]
    assert len(set(days)) == 4
    assert (told.count(employee), told.count(manager)) == (3, 3)
    assert played.books.faults == []


def test_an_event_moved_for_the_fourth_time_is_another_one_whose_letters_are_its_own(small):
    played = Played(small, 1)
    employee = a_later_event(played).organizer
    uids = []

    for number in range(5):
        event = played.event(employee)
        uids.append(event.uid)
        small.make_busy(employee, event.start, event.end, f"meeting-{number}")
        played.on()

    assert [uids.count(uid) for uid in dict.fromkeys(uids)] == [4, 1]
    assert max(Counter((p.uid, p.to) for p in played.books.posts).values()) <= 4
    assert played.books.faults == []


def test_a_drag_is_told_by_the_calendar_and_not_by_a_letter(played):
    event = a_later_event(played)
    while after(played.day) < event.start - timedelta(days=4):
        played.on()
    manager = next(iter(event.attendees - {event.organizer}))
    assert ("prep", event.organizer) in played.letters(event.uid)

    humans.drag(played.company, manager, event, a_free_hour(played.company, event, 1))
    played.on()

    assert "moved" not in {kind for kind, _ in played.letters(event.uid)}
    assert played.books.faults == []


def test_another_zone_after_booking_moves_what_lies_outside_the_hours_there(played):
    event = a_later_event(played)
    person = played.company.people[event.organizer]
    abroad = "Pacific/Auckland" if "America" in person.zone else "America/Los_Angeles"
    boss = played.company.people[person.manager]
    for who in (person, boss):
        who.zone = abroad
    played.company.write_roster()

    played.on()

    again = played.event(event.organizer)
    hour = again.start.astimezone(ZoneInfo(abroad)).hour
    moved = [p for p in played.books.posts if p.kind == "moved" and p.uid == event.uid]
    assert 9 <= hour < 17
    assert {p.to for p in moved} == event.attendees
    assert all("time zone" in " ".join(p.text.split()) for p in moved)


def test_a_first_talk_leaves_the_days_of_its_preparation(played):
    starts = [next(iter(c.values())).start for c in played.books.events.values()]

    assert min(starts) >= START + timedelta(days=4, hours=12)


def test_a_declined_event_moves_and_both_are_told_why(played):
    event = a_later_event(played)
    manager = next(iter(event.attendees - {event.organizer}))

    humans.decline(played.company, manager, event)
    played.on()

    again = played.event(event.organizer)
    assert again.uid == event.uid
    assert again.start != event.start
    moved = [x for x in played.letters(event.uid) if x[0] == "moved"]
    assert sorted(to for _, to in moved) == sorted(event.attendees)
    played.on()
    assert played.event(event.organizer) == again


def test_after_too_many_refusals_the_employee_is_asked_and_nothing_more_is_booked(played):
    employee = a_later_event(played).organizer
    manager = played.company.people[employee].manager

    for _ in range(4):
        humans.decline(played.company, manager, played.event(employee))
        played.on()

    assert all(employee not in copies for copies in played.books.events.values())
    asked = [p for p in played.books.posts if p.kind == "overdue"]
    assert [p.to for p in asked] == [employee]
    played.on(3)
    assert len([p for p in played.books.posts if p.kind == "overdue"]) == 1
    assert "declined or deleted" in played.row(employee).problem.lower()


def test_a_new_appointment_moves_the_meeting_and_not_inside_the_freeze(played):
    event = a_later_event(played)

    played.company.make_busy(event.organizer, event.start, event.end, "dentist")
    played.on()

    again = played.event(event.organizer)
    assert again.uid == event.uid
    assert not (again.start < event.end and event.start < again.end)
    assert [x[0] for x in played.letters(event.uid)].count("moved") == 2
    assert played.books.faults == []


def test_a_conflict_inside_the_freeze_is_left_to_people(played):
    event = min(
        (next(iter(c.values())) for c in played.books.events.values()), key=lambda e: e.start
    )
    while after(played.day) + timedelta(days=1) < event.start:
        played.on()
    left = event.start - after(played.day)
    assert timedelta() < left < timedelta(hours=24)

    played.company.make_busy(event.organizer, event.start, event.end, "emergency")
    played.on()

    still = played.books.events[event.uid]
    assert {copy.start for copy in still.values()} == {event.start}
    assert ("moved", event.organizer) not in played.letters(event.uid)
    assert "overlaps" in played.row(event.organizer).problem


def test_a_leave_entered_after_booking_moves_the_meeting(played):
    event = a_later_event(played)
    day = event.start.date()

    played.company.people[event.organizer].leave.append((day, day + timedelta(days=1)))
    played.company.write_roster()
    played.on()

    again = played.event(event.organizer)
    assert not day <= again.start.date() <= day + timedelta(days=1)
    played.books.check_times()
    assert played.books.faults == []


def test_a_new_manager_gets_a_first_meeting_and_the_old_one_a_cancellation(played):
    event = a_later_event(played)
    employee = played.company.people[event.organizer]
    old = employee.manager
    new = next(p for p in played.company.people.values() if p.manager == old and p is not employee)

    played.company.people[employee.email] = replace(employee, manager=new.email)
    played.company.write_roster()
    played.on()

    assert event.uid not in played.books.events
    again = played.event(employee.email)
    assert again.attendees == {employee.email, new.email}
    assert again.minutes == 60
    played.on(30)
    assert all(p.to != old or p.uid != again.uid for p in played.books.posts)


def test_a_manager_who_comes_back_gets_a_new_first_meeting_under_a_new_identity(played):
    event = a_later_event(played)
    employee = played.company.people[event.organizer]
    others = (p for p in played.company.people.values() if p.manager == employee.manager)
    other = next(p for p in others if p is not employee)

    for manager in (other.email, employee.manager):
        played.company.people[employee.email] = replace(employee, manager=manager)
        played.company.write_roster()
        played.on()

    again = played.event(employee.email)
    assert again.uid != event.uid
    assert again.minutes == 60
    assert played.books.faults == []


def test_a_leaver_has_no_events_and_gets_no_letters(played):
    event = a_later_event(played)
    before = len(played.books.posts)

    del played.company.people[event.organizer]
    played.company.write_roster()
    played.on(20)

    assert event.uid not in played.books.events
    assert all(p.to != event.organizer for p in played.books.posts[before:])


def test_a_roster_that_loses_many_at_once_is_not_believed(played):
    events = set(played.books.events)
    staff = dict(played.company.people)
    for who in list(staff)[-4:]:
        del played.company.people[who]
    played.company.write_roster()

    app = opened(played.company)
    report = turn(app, after(played.day))
    app.database.close()
    played.books.look(after(played.day))

    assert set(played.books.events) == events
    assert any("missing from the roster" in p.what for p in report.problems)


def test_a_typo_in_somebodys_row_does_not_make_them_a_leaver(played):
    event = a_later_event(played)
    roster = played.company.root / "people.csv"
    manager = played.company.people[event.organizer].manager
    lines = [
        line.replace(manager, "nobody@acme.example") if line.startswith(event.organizer) else line
        for line in roster.read_text().splitlines()
    ]
    roster.write_text("\n".join(lines))

    app = opened(played.company)
    report = turn(app, after(played.day))
    app.database.close()
    played.books.look(after(played.day))

    assert event.uid in played.books.events
    assert any("nobody@acme.example" in problem.what for problem in report.problems)


def test_an_unreadable_calendar_is_never_free_and_stops_nobody_else(small):
    broken = next(p for p in small.people.values() if p.manager)
    folder = small.root / "calendars" / broken.email
    (folder / "export.ics").write_text("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:soon\r\n")

    played = Played(small, 1)

    assert all(broken.email not in copies for copies in played.books.events.values())
    assert len(played.books.events) == 5
    assert "export.ics" in played.row(broken.email).problem


def test_a_week_without_the_service_causes_no_burst_and_no_stale_letter(small):
    played = Played(small, 20)
    sent = len(played.books.posts)

    played.day += 8
    played.on()

    fresh = played.books.posts[sent:]
    now = after(played.day - 1)
    for post in fresh:
        event = played.books.held.get(post.uid)
        if post.kind in ("prep", "nudge", "brief", "moved"):
            assert event is None or event.start > now
    per_person: dict[tuple[str, str], int] = {}
    for post in fresh:
        per_person[post.to, post.uid] = per_person.get((post.to, post.uid), 0) + 1
    assert max(per_person.values(), default=0) <= 2
    played.books.check_times()
    assert played.books.faults == []


def test_yesterdays_backup_books_nothing_twice(small):
    played = Played(small, 3)
    (small.root / "state.db").rename(small.root / "kept.db")
    for extra in small.root.glob("state.db-*"):
        extra.unlink()
    state = (small.root / "kept.db").read_bytes()
    (small.root / "state.db").write_bytes(state)
    played.on(40)
    letters = [p.message_id for p in played.books.posts]
    for extra in small.root.glob("state.db*"):
        extra.unlink()
    (small.root / "state.db").write_bytes(state)
    (small.root / "state.db").chmod(0o600)

    played.on()

    again = [p.message_id for p in played.books.posts]
    assert played.books.faults == []
    assert len(set(again)) == len(again)
    assert len(again) >= len(letters)


def test_an_empty_store_finds_the_meetings_that_are_there(played):
    events = {uid: next(iter(c.values())) for uid, c in played.books.events.items()}
    for extra in played.company.root.glob("state.db*"):
        extra.unlink()

    played.on()

    found_ = {uid: next(iter(c.values())) for uid, c in played.books.events.items()}
    assert found_.keys() == events.keys()
    assert {u: e.start for u, e in found_.items()} == {u: e.start for u, e in events.items()}


def test_a_pair_that_cannot_meet_is_explained(small):
    someone = next(p for p in small.people.values() if p.manager)
    small.make_busy(someone.email, START, START + timedelta(days=60), "expedition")

    played = Played(small, 1)

    assert "No time between" in played.row(someone.email).problem
    played.on(16)
    assert [p.to for p in played.books.posts if p.kind == "overdue"] == [someone.email]


def somebody_new(company: Company) -> Somebody:
    boss = next(p.manager for p in company.people.values() if p.manager)
    return Somebody("new@acme.example", "New", boss, company.people[boss].zone)


def test_a_newcomer_is_booked_on_the_next_turn(played):
    newcomer = somebody_new(played.company)
    (played.company.root / "calendars" / newcomer.email).mkdir()
    played.company.people[newcomer.email] = newcomer
    played.company.write_roster()

    played.on()

    assert played.event(newcomer.email).minutes == 60


def test_books_notice_a_time_told_that_is_not_the_calendars(small):
    """The checker itself again."""
    books = play(small, START, 12)
    told = {p.uid: p for p in books.posts if p.kind == "prep"}
    uid = next(uid for uid in told if uid in books.events and uid not in books.held)
    event = next(iter(books.events[uid].values()))
    books.posts.append(replace(told[uid], text="Your talk is on Monday, 2 March, 10:00–11:00"))

    books._check_told(event.start - timedelta(minutes=1))

    assert any(uid in fault and "told by" in fault for fault in books.faults)


def test_books_notice_what_is_wrong(small):
    """The checker itself: it must not be blind."""
    books = play(small, START, 1)
    uid, copies = next(iter(books.events.items()))
    owner, event = next(iter(copies.items()))
    small.people[owner].busy.append((event.start, event.end))

    books.check_times()

    assert any("over busy time" in fault for fault in books.faults)
    assert uid in books.faults[0]
