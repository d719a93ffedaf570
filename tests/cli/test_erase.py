"""careloop erase: what it says, what it waits for, and what it leaves."""

from pathlib import Path

import pytest

from tests.cli.support import Command

TUESDAY, WEDNESDAY = "2026-12-01T08:05:00+01:00", "2026-12-02T08:05:00+01:00"
MARIA, OMAR = "maria@acme.example", "omar@acme.example"


@pytest.fixture
def booked(careloop: Command, company: Path) -> Path:
    """A company whose first talks are booked; the path of its configuration."""
    assert careloop("run", "--once", "--now", TUESDAY, "--config", company).code == 0
    return company


def without(company: Path, who: str) -> None:
    """Take somebody off the roster."""
    roster = company.with_name("people.csv")
    lines = roster.read_text().splitlines(keepends=True)
    roster.write_text("".join(line for line in lines if not line.startswith(who)))


def owned(company: Path) -> bytes:
    """Every byte careloop keeps for itself."""
    files = [*company.parent.glob("state.db*"), *(company.parent / ".cache").glob("*")]
    return b"".join(file.read_bytes() for file in files)


def test_somebody_on_the_roster_is_told_to_keep_name_and_meetings(
    careloop: Command, booked: Path
) -> None:
    answer = careloop("erase", OMAR, "--yes", "--config", booked)

    status = careloop("status", "--json", "--config", booked).json
    assert answer.code == 0
    assert "on the roster" in answer.err
    assert "erase once more" in answer.err
    assert OMAR in {pair["employee"] for pair in status["pairs"] if pair["next"]}


def test_a_leaver_is_not_known_any_more_after_an_erasure(careloop: Command, booked: Path) -> None:
    without(booked, OMAR)
    careloop("run", "--once", "--now", WEDNESDAY, "--config", booked)
    before = owned(booked)

    answer = careloop("erase", OMAR, "--yes", "--config", booked)

    assert answer.code == 0
    assert "no word, name or address" in answer.err
    assert OMAR.encode() in before
    assert b"Omar Haddad" in before
    assert OMAR.encode() not in owned(booked)
    assert b"Omar Haddad" not in owned(booked)
    assert MARIA.encode() in owned(booked)
    assert careloop("erase", OMAR, "--yes", "--config", booked).code == 2


@pytest.mark.parametrize(("flags", "code"), [((), 3), (("--anyway",), 0)])
def test_a_name_waits_for_the_calendars_unless_told_not_to(
    careloop: Command, booked: Path, flags: tuple[str, ...], code: int
) -> None:
    calendars = booked.with_name("calendars")
    calendars.rename(booked.with_name("elsewhere"))  # nothing can be withdrawn
    without(booked, OMAR)
    careloop("run", "--once", "--now", WEDNESDAY, "--config", booked)

    answer = careloop("erase", OMAR, "--yes", *flags, "--config", booked)

    assert answer.code == code
    assert ("--anyway" in answer.err) is (code == 3)
    assert (OMAR.encode() in owned(booked)) is (code == 3)


def test_an_erasure_that_waited_is_done_after_the_next_turn(
    careloop: Command, booked: Path
) -> None:
    calendars = booked.with_name("calendars")
    calendars.rename(booked.with_name("elsewhere"))
    without(booked, OMAR)
    careloop("run", "--once", "--now", WEDNESDAY, "--config", booked)
    careloop("erase", OMAR, "--yes", "--config", booked)
    booked.with_name("elsewhere").rename(calendars)
    later = "2026-12-02T18:05:00+01:00"
    careloop("run", "--once", "--now", later, "--config", booked)

    answer = careloop("erase", OMAR, "--yes", "--config", booked)

    assert answer.code == 0
    assert not [file for file in calendars.rglob("*.ics") if OMAR in file.read_text()]
    assert OMAR.encode() not in owned(booked)


def test_a_manager_the_roster_still_names_is_told_of(careloop: Command, booked: Path) -> None:
    without(booked, MARIA)
    careloop("run", "--once", "--now", WEDNESDAY, "--config", booked)

    answer = careloop("erase", MARIA, "--yes", "--config", booked)

    assert answer.code == 0
    assert f"still names {MARIA}" in answer.err
    assert OMAR in answer.err
