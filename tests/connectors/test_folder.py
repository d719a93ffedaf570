"""Calendars in folders: the contract, and what programs and people do to files."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import icalendar
import pytest

from connectors._vdir import settled
from connectors.folder import Folder, calendar
from daemon.config.model import CalendarSection, Config, Organization
from daemon.core.domain import Availability, Email, Interval, Observed, Person, Reply, Uid
from daemon.core.ports import Done, Permanent, Temporary, Trouble, Unknown
from tests.connectors.contract import (
    EMPLOYEE,
    MANAGER,
    OTHER,
    PEOPLE,
    CalendarContract,
    Seen,
    a_meeting,
    an_invite,
    at,
    done,
    moved,
    withdrawn,
)

DAY = Interval(at(0).start, at(24).start)


class FolderWorld:
    """Three people, a folder each; they act the way a calendar program rewrites its files."""

    def __init__(self, root: Path) -> None:
        self.root = root / "calendars"
        self.config = Config(
            root=root,
            organization=Organization(name="Acme"),
            calendar=CalendarSection(path=Path("calendars")),
        )
        for person in PEOPLE:
            (self.root / person.email).mkdir(parents=True)
        self.calendar: Folder = self.reopen()

    def reopen(self) -> Folder:
        opened = calendar(self.config)
        assert isinstance(opened, Folder)
        return opened

    def folder(self, person: Email) -> Path:
        return self.root / person

    def file(self, person: Email, uid: Uid) -> Path:
        return self.folder(person) / f"{uid}.ics"

    def write(self, person: Email, name: str, *lines: str) -> Path:
        """Put a calendar of these lines into a person's folder."""
        path = self.folder(person) / name
        text = "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *lines, "END:VCALENDAR", ""])
        path.write_bytes(text.encode())
        return path

    def event(self, person: Email, name: str, *lines: str) -> Path:
        return self.write(person, name, "BEGIN:VEVENT", f"UID:{name}", *lines, "END:VEVENT")

    def add(self, person: Email, when: Interval, summary: str = "Dentist") -> None:
        number = len(list(self.folder(person).iterdir()))
        times = (f"DTSTART:{stamp(when.start)}", f"DTEND:{stamp(when.end)}")
        self.event(person, f"own-{number}.ics", *times, f"SUMMARY:{summary}")

    def rewrite(self, person: Email, uid: Uid, *changes: tuple[str, str]) -> None:
        """Replace whole lines of our event by the beginning of their name."""
        path = self.file(person, uid)
        lines = path.read_bytes().decode().replace("\r\n ", "").split("\r\n")
        for start, line in changes:
            lines = [line if each.startswith(start) else each for each in lines]
        path.write_bytes("\r\n".join(lines).encode())

    def move(self, person: Email, uid: Uid, to: Interval) -> None:
        self.rewrite(
            person,
            uid,
            ("DTSTART", f"DTSTART:{stamp(to.start)}"),
            ("DTEND", f"DTEND:{stamp(to.end)}"),
        )

    def delete(self, person: Email, uid: Uid) -> None:
        self.file(person, uid).unlink()

    def answer(self, person: Email, uid: Uid, reply: Reply) -> None:
        path = self.file(person, uid)
        text = path.read_bytes().decode().replace("\r\n ", "")
        mine = next(x for x in text.split("\r\n") if x.startswith("ATTENDEE") and person in x)
        path.write_bytes(text.replace(mine, f"ATTENDEE;PARTSTAT={reply}:mailto:{person}").encode())

    def sees(self, person: Email) -> list[Seen]:
        return [seen for path in sorted(self.folder(person).glob("*.ics")) for seen in events(path)]

    def spoil(self, person: Email) -> None:
        (self.folder(person) / "broken.ics").write_bytes(b"<html>Sign in</html>")


def events(path: Path) -> Iterator[Seen]:
    """What another program finds in a file."""
    found = icalendar.Calendar.from_ical(path.read_bytes())
    for event in found.events:
        invited = event.get("ATTENDEE", [])
        yield Seen(
            str(event["UID"]),
            event.DTSTART.astimezone(UTC),
            event.DTEND.astimezone(UTC),
            str(event.get("SUMMARY", "")),
            str(event.get("ORGANIZER", "")).removeprefix("mailto:"),
            frozenset(each.removeprefix("mailto:") for each in invited),
            int(event.get("SEQUENCE", 0)),
        )


def stamp(when: datetime) -> str:
    return when.strftime("%Y%m%dT%H%M%SZ")


@pytest.fixture
def world(tmp_path: Path) -> FolderWorld:
    return FolderWorld(tmp_path)


class TestFolderKeepsTheContract(CalendarContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> FolderWorld:
        return FolderWorld(tmp_path)


def asked(world: FolderWorld, person: Person = EMPLOYEE, within: Interval = DAY) -> object:
    return world.calendar.busy([person], within, [])[person.email]


# --- where a calendar stands ----------------------------------------------------------------


def test_a_person_without_a_folder_is_unknown_and_told_the_cure(world: FolderWorld) -> None:
    stranger = Person(Email("new@acme.example"), "New")

    answer = asked(world, stranger)

    assert isinstance(answer, Unknown)
    assert "calendars/new@acme.example" in answer.reason
    assert "create the folder" in answer.reason


def test_a_missing_root_is_trouble_that_names_the_path(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "calendars", tmp_path / "cache.db")

    with pytest.raises(Trouble, match="calendars: No such file"):
        folder.busy([EMPLOYEE], DAY, [])


def test_a_single_file_is_read_and_our_events_go_into_a_folder(world: FolderWorld) -> None:
    world.add(MANAGER.email, at(9))
    (own,) = world.folder(MANAGER.email).iterdir()
    own.rename(world.root / f"{MANAGER.email.upper()}.ics")
    world.folder(MANAGER.email).rmdir()

    world.calendar.put([an_invite(at(10))])

    assert asked(world, MANAGER) == Availability((at(9),))
    assert len(world.sees(MANAGER.email)) == 1


def test_folder_names_do_not_mind_case(world: FolderWorld) -> None:
    world.add(EMPLOYEE.email, at(9))
    world.folder(EMPLOYEE.email).rename(world.root / "Emma@Acme.Example")
    invite = an_invite(at(12))

    result = world.calendar.put([invite])

    assert isinstance(result[invite.uid], Done)
    assert asked(world) == Availability((at(9),))
    assert (world.root / "Emma@Acme.Example" / f"{invite.uid}.ics").exists()


def test_what_is_no_calendar_file_is_not_read(world: FolderWorld) -> None:
    world.spoil(EMPLOYEE.email)
    (broken,) = world.folder(EMPLOYEE.email).iterdir()
    broken.rename(broken.with_name(".broken.ics"))
    (world.folder(EMPLOYEE.email) / "notes.txt").write_text("hello")

    assert asked(world) == Availability(())


@pytest.mark.parametrize("kind", ["pipe", "directory", "dangling link"])
def test_what_only_looks_like_a_file_makes_unknown(world: FolderWorld, kind: str) -> None:
    path = world.folder(EMPLOYEE.email) / "odd.ics"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to("nowhere")

    answer = asked(world)

    assert isinstance(answer, Unknown)
    assert "odd.ics" in answer.reason or "no such" in answer.reason


# --- what makes busy ------------------------------------------------------------------------

MORNING = ("DTSTART:20270302T090000Z", "DTEND:20270302T100000Z")


@pytest.mark.parametrize(
    "line",
    [
        "STATUS:CANCELLED",
        "TRANSP:TRANSPARENT",
        f"ATTENDEE;PARTSTAT=DECLINED:MAILTO:{EMPLOYEE.email.upper()}",
    ],
)
def test_what_takes_no_time_is_free(world: FolderWorld, line: str) -> None:
    world.event(EMPLOYEE.email, "a.ics", *MORNING, line)

    assert asked(world) == Availability(())


@pytest.mark.parametrize(
    "line",
    [
        "STATUS:TENTATIVE",
        f"ATTENDEE;PARTSTAT=TENTATIVE:mailto:{EMPLOYEE.email}",
        f"ATTENDEE;PARTSTAT=DECLINED:mailto:{MANAGER.email}",
        f"ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:{EMPLOYEE.email}",
    ],
)
def test_what_may_take_time_is_busy(world: FolderWorld, line: str) -> None:
    world.event(EMPLOYEE.email, "a.ics", *MORNING, line)

    assert asked(world) == Availability((at(9),))


def test_a_whole_day_is_a_day_of_the_owners_zone(world: FolderWorld) -> None:
    world.event(EMPLOYEE.email, "a.ics", "DTSTART;VALUE=DATE:20270302")
    there = replace(EMPLOYEE, zone=ZoneInfo("America/New_York"))

    answer = asked(world, there, Interval(at(0).start, at(48).start))

    assert answer == Availability((Interval(at(5).start, at(29).start),))


def test_floating_times_are_at_the_calendars_zone_else_the_owners(world: FolderWorld) -> None:
    there = replace(EMPLOYEE, zone=ZoneInfo("America/New_York"))
    times = ("DTSTART:20270302T090000", "DTEND:20270302T100000")
    world.event(EMPLOYEE.email, "a.ics", *times)
    event = ("BEGIN:VEVENT", "UID:b", *times, "END:VEVENT")
    world.write(EMPLOYEE.email, "b.ics", "X-WR-TIMEZONE:Europe/Berlin", *event)

    assert asked(world, there) == Availability((at(8), at(14)))


def test_a_changed_occurrence_of_a_series_counts_at_its_new_time(world: FolderWorld) -> None:
    world.write(
        EMPLOYEE.email,
        "series.ics",
        "BEGIN:VEVENT",
        "UID:weekly",
        "DTSTART;TZID=W. Europe Standard Time:20270105T100000",
        "DTEND;TZID=W. Europe Standard Time:20270105T110000",
        "RRULE:FREQ=WEEKLY",
        "EXDATE;TZID=W. Europe Standard Time:20270309T100000",
        "END:VEVENT",
        "BEGIN:VEVENT",
        "UID:weekly",
        "RECURRENCE-ID;TZID=W. Europe Standard Time:20270302T100000",
        "DTSTART;TZID=W. Europe Standard Time:20270302T150000",
        "DTEND;TZID=W. Europe Standard Time:20270302T153000",
        "END:VEVENT",
    )

    answer = asked(world, within=Interval(at(0).start, at(0, day=22).start))

    assert answer == Availability((at(14, 30), at(9, day=14), at(9, day=21)))


def test_published_busy_time_counts_and_published_free_time_does_not(world: FolderWorld) -> None:
    world.write(
        EMPLOYEE.email,
        "fb.ics",
        "BEGIN:VFREEBUSY",
        "FREEBUSY:20270302T090000Z/PT1H,20270302T120000Z/20270302T130000Z",
        "FREEBUSY;FBTYPE=FREE:20270302T150000Z/PT1H",
        "END:VFREEBUSY",
    )

    assert asked(world) == Availability((at(9), at(12)))


@pytest.mark.parametrize("method", ["CANCEL", "REPLY", "COUNTER"])
def test_a_message_about_an_event_is_not_an_event(world: FolderWorld, method: str) -> None:
    event = ("BEGIN:VEVENT", "UID:a", *MORNING, "END:VEVENT")
    world.write(EMPLOYEE.email, "a.ics", f"METHOD:{method}", *event)

    assert asked(world) == Availability(())


# --- what is not understood -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "line", "why"),
    [
        (("DTSTART:2027-03-02",), 5, "not a date"),
        (("DTSTART;TZID=Atlantis/Center:20270302T090000",), 5, "Atlantis/Center"),
        (("DTSTART:20270302T090000Z", "DTEND:20270302T080000Z"), 5, "ends before it starts"),
        (("DTSTART:20270302T090000Z", "DTEND20270302T100000Z"), 6, "not a date"),
        (("DTSTART:20270302T090000Z", "RRULE:FREQ=MINUTELY"), 6, "not daily or rarer"),
        (("DTSTART:20270302T090000Z", "RRULE:FREQ=WEEKLY;BYDAY=XX"), 6, "RRULE"),
        (("SUMMARY:when?",), 3, "no DTSTART"),
    ],
)
def test_what_is_not_understood_makes_unknown_with_file_and_line(
    world: FolderWorld, lines: tuple[str, ...], line: int, why: str
) -> None:
    world.add(EMPLOYEE.email, at(12))
    world.event(EMPLOYEE.email, "odd.ics", *lines)

    answer = asked(world)

    assert isinstance(answer, Unknown)
    assert f"calendars/{EMPLOYEE.email}/odd.ics:{line}: " in answer.reason
    assert why in answer.reason


def test_what_is_not_understood_elsewhere_in_time_does_no_harm(world: FolderWorld) -> None:
    world.add(EMPLOYEE.email, at(12))
    world.event(EMPLOYEE.email, "odd.ics", "DTSTART;TZID=Atlantis:20270205T090000")

    assert asked(world) == Availability((at(12),))


def test_a_file_cut_off_makes_unknown(world: FolderWorld) -> None:
    path = world.event(EMPLOYEE.email, "cut.ics", *MORNING)
    path.write_bytes(path.read_bytes()[:-20])

    assert isinstance(asked(world), Unknown)


def test_a_rule_that_never_ends_costs_its_owner_only(world: FolderWorld) -> None:
    bomb = ("DTSTART:19700101T000000Z", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")
    world.event(EMPLOYEE.email, "bomb.ics", *bomb)
    times = ",".join(str(each) for each in range(60))
    rule = f"RRULE:FREQ=DAILY;BYHOUR={times[:61]};BYMINUTE={times};BYSECOND={times}"
    world.event(EMPLOYEE.email, "more.ics", "DTSTART:19700101T000000Z", rule)
    world.add(MANAGER.email, at(9))

    answer = world.calendar.busy([EMPLOYEE, MANAGER], DAY, [])

    assert isinstance(answer[EMPLOYEE.email], Unknown)
    assert answer[MANAGER.email] == Availability((at(9),))


def test_a_costly_file_is_not_tried_again_until_it_changes(world: FolderWorld) -> None:
    times = ",".join(str(each) for each in range(60))
    rule = f"RRULE:FREQ=DAILY;BYHOUR=1,2,3,4,5,6;BYMINUTE={times};BYSECOND={times}"
    path = world.event(EMPLOYEE.email, "bomb.ics", "DTSTART:19700101T000000Z", rule)

    first = asked(world)
    started = os.times()
    second = asked(world)
    spent = os.times().children_user - started.children_user
    path.unlink()
    third = asked(world)

    assert isinstance(first, Unknown)
    assert "2 s" in first.reason
    assert second == first
    assert spent < 0.5
    assert third == Availability(())


def test_a_file_that_swells_in_memory_makes_its_owner_unknown(world: FolderWorld) -> None:
    path = world.event(EMPLOYEE.email, "swells.ics", *MORNING, "ATTENDEE:x\r\n" * 1_300_000)
    assert path.stat().st_size < 16 * 2**20

    answer = asked(world)

    assert isinstance(answer, Unknown)
    assert "swells.ics" in answer.reason


def test_a_huge_file_makes_unknown(world: FolderWorld) -> None:
    path = world.event(EMPLOYEE.email, "huge.ics", *MORNING)
    with path.open("ab") as target:
        target.truncate(50 * 2**20)

    answer = asked(world)

    assert isinstance(answer, Unknown)
    assert "larger than" in answer.reason


# --- what is remembered ---------------------------------------------------------------------


def test_unchanged_files_are_not_read_again_not_even_by_a_new_process(world: FolderWorld) -> None:
    world.add(EMPLOYEE.email, at(9))
    world.add(EMPLOYEE.email, at(12))
    first = asked(world)

    again, later = asked(world), world.reopen()
    answer = later.busy([EMPLOYEE], DAY, [])[EMPLOYEE.email]

    assert first == again == answer == Availability((at(9), at(12)))
    assert (world.calendar.parsed, later.parsed) == (2, 0)


def test_only_what_changed_is_read(world: FolderWorld) -> None:
    world.add(EMPLOYEE.email, at(9))
    world.add(EMPLOYEE.email, at(12))
    asked(world)

    world.add(EMPLOYEE.email, at(15))
    world.write(EMPLOYEE.email, "own-0.ics")

    assert asked(world) == Availability((at(12), at(15)))
    assert world.calendar.parsed == 4


def test_a_touched_file_is_not_parsed(world: FolderWorld) -> None:
    path = world.event(EMPLOYEE.email, "a.ics", *MORNING)
    asked(world)
    os.utime(path, ns=(0, 0))

    assert asked(world) == Availability((at(9),))
    assert world.calendar.parsed == 1


def test_another_zone_reads_anew(world: FolderWorld) -> None:
    world.event(EMPLOYEE.email, "a.ics", "DTSTART;VALUE=DATE:20270302")
    asked(world)

    answer = asked(world, replace(EMPLOYEE, zone=ZoneInfo("Asia/Tokyo")))

    assert answer == Availability((Interval(at(0).start, at(15).start),))


def test_a_damaged_cache_is_thrown_away(world: FolderWorld, tmp_path: Path) -> None:
    world.add(EMPLOYEE.email, at(9))
    asked(world)
    cache = tmp_path / ".cache" / "calendars.db"
    for damage in (b"", b"not a database" * 1000, cache.read_bytes().replace(b"[1804", b"[1805")):
        cache.write_bytes(damage)

        answer = world.reopen().busy([EMPLOYEE], DAY, [])[EMPLOYEE.email]

        assert answer == Availability((at(9),))


# --- our events -----------------------------------------------------------------------------


def test_the_bytes_of_an_event_are_always_the_same(world: FolderWorld, tmp_path: Path) -> None:
    invite = an_invite(at(10))
    other = FolderWorld(tmp_path / "other")

    world.calendar.put([invite])
    other.calendar.put([invite])

    first = world.file(EMPLOYEE.email, invite.uid).read_bytes()
    assert first == world.file(MANAGER.email, invite.uid).read_bytes()
    assert first == other.file(MANAGER.email, invite.uid).read_bytes()


def test_a_crash_between_the_two_folders_is_mended_by_the_repeat(world: FolderWorld) -> None:
    invite = an_invite(at(10))
    world.calendar.put([invite])
    world.file(MANAGER.email, invite.uid).unlink()
    (world.folder(MANAGER.email) / f".{invite.uid}.ics.tmp").write_bytes(b"BEGIN:VCAL")

    result = world.reopen().put([invite])

    assert done(result[invite.uid]).found is None
    assert len(world.sees(MANAGER.email)) == 1
    assert [path.name for path in world.folder(MANAGER.email).iterdir()] == [f"{invite.uid}.ics"]


def test_a_crash_between_two_updates_is_no_move_of_a_person(world: FolderWorld) -> None:
    invite = an_invite(at(10))
    world.calendar.put([invite])
    old = world.file(MANAGER.email, invite.uid).read_bytes()
    later = moved(invite, at(14))
    world.calendar.put([later])
    world.file(MANAGER.email, invite.uid).write_bytes(old)

    observed = world.reopen().look([a_meeting(later)])[invite.uid]
    world.calendar.put([later])

    assert isinstance(observed, Observed)
    assert (observed.start, observed.by) == (at(14).start, None)
    assert [seen.start for seen in world.sees(MANAGER.email)] == [at(14).start]


def test_what_a_person_moved_is_adopted_in_both_folders(world: FolderWorld) -> None:
    invite = an_invite(at(10))
    world.calendar.put([invite])
    world.move(MANAGER.email, invite.uid, at(16))
    observed = world.calendar.look([a_meeting(invite)])[invite.uid]
    adopted = moved(invite, at(16))

    before = world.calendar.look([a_meeting(adopted)])[invite.uid]
    result = world.calendar.put([adopted])
    after = world.calendar.look([a_meeting(adopted)])[invite.uid]

    assert isinstance(observed, Observed)
    assert (observed.start, observed.by) == (at(16).start, MANAGER.email)
    assert done(result[invite.uid]).found is None
    for seen in (before, after):
        assert isinstance(seen, Observed)
        assert (seen.start, seen.by) == (at(16).start, None)
    assert [seen.start for seen in world.sees(EMPLOYEE.email)] == [at(16).start]


def test_of_two_moves_the_later_one_counts(world: FolderWorld) -> None:
    invite = an_invite(at(10))
    world.calendar.put([invite])
    world.move(EMPLOYEE.email, invite.uid, at(15))
    world.move(MANAGER.email, invite.uid, at(16))
    os.utime(world.file(MANAGER.email, invite.uid), ns=(10**9, 10**9))

    by_file = world.calendar.look([a_meeting(invite)])[invite.uid]
    world.rewrite(MANAGER.email, invite.uid, ("SEQUENCE", "SEQUENCE:1"))
    by_sequence = world.calendar.look([a_meeting(invite)])[invite.uid]

    assert isinstance(by_file, Observed)
    assert isinstance(by_sequence, Observed)
    assert (by_file.start, by_file.by) == (at(15).start, EMPLOYEE.email)
    assert (by_sequence.start, by_sequence.by) == (at(16).start, MANAGER.email)


def test_times_with_a_zone_or_without_are_understood(world: FolderWorld) -> None:
    invite = an_invite(at(10))
    world.calendar.put([invite])
    zoned = "TZID=W. Europe Standard Time:20270302T"
    world.rewrite(
        EMPLOYEE.email,
        invite.uid,
        ("DTSTART", f"DTSTART;{zoned}110000"),
        ("DTEND", "DTEND:20270302T120000"),
    )

    observed = world.calendar.look([a_meeting(invite)])[invite.uid]

    assert isinstance(observed, Observed)
    assert (observed.start, observed.end, observed.by) == (at(10).start, at(10).end, None)


def test_a_file_renamed_by_a_program_is_found_by_its_uid(world: FolderWorld) -> None:
    invite = an_invite(at(10))
    world.calendar.put([invite])
    file = world.file(EMPLOYEE.email, invite.uid)
    file.rename(file.with_name("1234-ABCD.ics"))

    observed = world.calendar.look([a_meeting(invite)])[invite.uid]
    world.calendar.put([moved(invite, at(14))])

    assert isinstance(observed, Observed)
    assert observed.present
    assert [seen.start for seen in world.sees(EMPLOYEE.email)] == [at(14).start]
    assert isinstance(world.calendar.cancel([withdrawn(invite)])[invite.uid], Done)
    assert world.sees(EMPLOYEE.email) == []


@pytest.mark.parametrize("person", [EMPLOYEE, MANAGER])
def test_a_cancelled_or_deleted_copy_of_either_is_told(world: FolderWorld, person: Person) -> None:
    deleted, cancelled = an_invite(at(10)), an_invite(at(12), number=2)
    world.calendar.put([deleted, cancelled])
    world.delete(person.email, deleted.uid)
    world.rewrite(person.email, cancelled.uid, ("STATUS", "STATUS:CANCELLED"))

    answer = world.calendar.look([a_meeting(deleted), a_meeting(cancelled)])

    for observed in answer.values():
        assert observed == Observed(present=False, by=person.email)


def test_a_folder_that_vanished_is_unknown_not_a_deletion(world: FolderWorld) -> None:
    invite = an_invite(at(10))
    world.calendar.put([invite])
    world.folder(MANAGER.email).rename(world.root / "elsewhere")

    observed = world.calendar.look([a_meeting(invite)])[invite.uid]
    written = world.calendar.put([moved(invite, at(14))])[invite.uid]

    assert isinstance(observed, Unknown)
    assert MANAGER.email in observed.reason
    assert isinstance(written, Temporary)


def test_a_copy_that_cannot_be_understood_is_unknown_with_file_and_line(world: FolderWorld) -> None:
    invite = an_invite(at(10))
    world.calendar.put([invite])
    world.rewrite(EMPLOYEE.email, invite.uid, ("DTSTART", "DTSTART:soon"))

    observed = world.calendar.look([a_meeting(invite)])[invite.uid]

    assert isinstance(observed, Unknown)
    assert f"{invite.uid}.ics:8: DTSTART 'soon'" in observed.reason
    assert observed.who == EMPLOYEE.email


def test_the_managers_own_word_counts_over_what_stands_elsewhere(world: FolderWorld) -> None:
    invite = an_invite(at(10))
    world.calendar.put([invite])
    rewritten = f"ATTENDEE;PARTSTAT=DECLINED:mailto:{MANAGER.email}"
    world.rewrite(EMPLOYEE.email, invite.uid, ('ATTENDEE;CN="Mara', rewritten))
    elsewhere = world.calendar.look([a_meeting(invite)])[invite.uid]

    world.answer(MANAGER.email, invite.uid, Reply.ACCEPTED)
    own = world.calendar.look([a_meeting(invite)])[invite.uid]

    assert isinstance(elsewhere, Observed)
    assert isinstance(own, Observed)
    assert elsewhere.replies[MANAGER.email] is Reply.DECLINED
    assert own.replies[MANAGER.email] is Reply.ACCEPTED


def test_answers_are_kept_only_while_the_time_stays(world: FolderWorld) -> None:
    invite = an_invite(at(10))
    world.calendar.put([invite])
    world.answer(MANAGER.email, invite.uid, Reply.ACCEPTED)
    reworded = replace(moved(invite, at(10)), summary="Our talk")
    world.calendar.put([reworded])
    kept = world.calendar.look([a_meeting(reworded)])[invite.uid]

    later = moved(reworded, at(14))
    world.calendar.put([later])
    asked_again = world.calendar.look([a_meeting(later)])[invite.uid]

    assert isinstance(kept, Observed)
    assert isinstance(asked_again, Observed)
    assert [seen.summary for seen in world.sees(EMPLOYEE.email)] == ["Our talk"]
    assert kept.replies[MANAGER.email] is Reply.ACCEPTED
    assert asked_again.replies[MANAGER.email] is Reply.NEEDS_ACTION


def test_a_program_that_counts_on_by_itself_is_outnumbered(world: FolderWorld) -> None:
    invite = an_invite(at(10))
    world.calendar.put([invite])
    world.rewrite(EMPLOYEE.email, invite.uid, ("SEQUENCE", "SEQUENCE:7"))

    world.calendar.put([moved(invite, at(14))])

    assert [seen.sequence for seen in world.sees(EMPLOYEE.email)] == [8]
    assert [seen.sequence for seen in world.sees(MANAGER.email)] == [8]


def test_a_file_that_holds_more_than_our_event_is_left_alone(world: FolderWorld) -> None:
    invite = an_invite(at(10))
    world.calendar.put([invite])
    path = world.file(EMPLOYEE.email, invite.uid)
    own = b"BEGIN:VEVENT\r\nUID:x\r\nDTSTART:20270302T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR"
    path.write_bytes(path.read_bytes().replace(b"END:VCALENDAR", own))

    moving = world.calendar.put([moved(invite, at(14))])[invite.uid]
    cancelling = world.calendar.cancel([withdrawn(invite)])[invite.uid]

    assert isinstance(moving, Permanent)
    assert isinstance(cancelling, Permanent)
    assert b"UID:x" in path.read_bytes()


def test_a_name_that_is_taken_by_something_else_is_not_written_over(world: FolderWorld) -> None:
    invite = an_invite(at(10))
    path = world.event(EMPLOYEE.email, f"{invite.uid}.ics", *MORNING)
    path.write_bytes(path.read_bytes().replace(invite.uid.encode(), b"foreign"))
    before = path.read_bytes()

    result = world.calendar.put([invite])[invite.uid]

    assert isinstance(result, Temporary)
    assert path.read_bytes() == before


def test_an_unwritable_folder_is_temporary_and_the_others_are_written(world: FolderWorld) -> None:
    (world.root / f"{MANAGER.email}").rmdir()
    (world.root / f"{MANAGER.email}.ics").write_bytes(b"")
    (world.root / f"{MANAGER.email}").write_bytes(b"in the way")
    blocked = an_invite(at(10))
    fine = an_invite(at(12), EMPLOYEE, OTHER)

    answer = world.calendar.put([blocked, fine])

    assert isinstance(answer[blocked.uid], Temporary)
    assert isinstance(answer[fine.uid], Done)


def test_looking_again_at_what_has_not_changed_opens_no_file(
    world: FolderWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    invite = an_invite(at(10))
    world.calendar.put([invite])
    while not settled(world.file(MANAGER.email, invite.uid).stat()):
        pass  # for some milliseconds a change would not show in the file's times
    first = world.calendar.look([a_meeting(invite)])

    def opened(*_: object) -> bytes:
        raise AssertionError("a file was opened")

    monkeypatch.setattr("connectors._copies.load", opened)
    assert world.calendar.look([a_meeting(invite)]) == first


def test_busy_may_be_asked_across_a_quarter(world: FolderWorld) -> None:
    world.add(EMPLOYEE.email, at(9))
    world.add(EMPLOYEE.email, at(9, day=60))

    answer = asked(world, within=Interval(at(0).start, at(0, day=70).start))

    assert answer == Availability((at(9), at(9, day=60)))
    assert asked(world, within=Interval(at(0).start, at(0).start + timedelta(days=1)))
