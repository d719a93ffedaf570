"""The verbs on a small company: what each prints, and that looking changes nothing."""

import hashlib
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from daemon.config.load import load
from daemon.core.domain import Kind, Letter, LetterKind, State, email
from daemon.store import meetings, outbox, pairs
from daemon.wiring import open_app
from tests.cli.support import Answer, Command
from tests.factories import a_meeting

TUESDAY = "2026-12-01T08:05:00+01:00"
ANNA, MARIA, OMAR = "anna@acme.example", "maria@acme.example", "omar@acme.example"


@pytest.fixture
def booked(careloop: Command, company: Path) -> Path:
    """A company whose first turn was on a Tuesday morning; the path of its configuration."""
    text = company.read_text().replace('time_zone = "', 'time_zone = "Europe/Berlin" # "', 1)
    company.write_text(text)
    assert careloop("run", "--once", "--now", TUESDAY, "--config", company).code == 0
    return company


def _contents(folder: Path) -> dict[str, str]:
    """Every file by a hash of its content; what SQLite keeps beside its own and what is only
    remembered of calendars do not count."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not path.name.endswith(("-wal", "-shm"))
        and ".cache" not in path.parts
    }


def _first_pair(answer: Answer) -> dict[str, str | None]:
    pair: dict[str, str | None] = answer.json["pairs"][0]
    return pair


def test_a_turn_books_and_says_so_in_figures(careloop: Command, company: Path) -> None:
    answer = careloop("run", "--once", "--now", TUESDAY, "--json", "--config", company)

    assert answer.code == 0
    assert answer.json["pairs"] == 2
    assert answer.json["booked"] == 2
    assert answer.json["problems"] == []


def test_a_second_turn_at_the_same_moment_has_nothing_to_do(
    careloop: Command, booked: Path
) -> None:
    before = _contents(booked.parent)

    answer = careloop("run", "--once", "--now", TUESDAY, "--config", booked)

    assert answer.code == 0
    assert "nothing to do" in answer.err
    assert _contents(booked.parent) == before


def test_a_broken_calendar_is_exit_code_3_and_the_others_are_served(
    careloop: Command, company: Path
) -> None:
    company.with_name("people.csv").write_text(
        "email,name,manager\n"
        "maria@acme.example,Maria,\n"
        "anna@acme.example,Anna,maria@acme.example\n"
        "omar@acme.example,Omar,maria@acme.example\n"
        "broken@acme.example\n"
    )

    answer = careloop("run", "--once", "--now", TUESDAY, "--json", "--config", company)

    assert answer.code == 3
    assert answer.json["booked"] == 2
    assert "people.csv:5" in answer.err


def test_status_has_the_promised_shape(careloop: Command, booked: Path) -> None:
    pair = _first_pair(careloop("status", "--json", "--config", booked))

    assert (pair["employee"], pair["manager"]) == (ANNA, MARIA)
    assert pair["state"] == "booked"
    assert pair["last_held"] is None
    assert pair["problem"] is None
    assert date.fromisoformat(str(pair["due_from"])) <= date.fromisoformat(str(pair["due_to"]))
    assert datetime.fromisoformat(str(pair["next"])).utcoffset() is not None


def test_status_without_json_is_a_table_on_stdout(careloop: Command, booked: Path) -> None:
    answer = careloop("status", "--config", booked)

    headings, first, second = answer.out.splitlines()
    assert headings.split()[:3] == ["employee", "manager", "state"]
    assert first.startswith(ANNA)
    assert second.startswith(OMAR)
    assert "2 pairs" in answer.err


def test_status_says_how_sure_it_is_that_the_last_talk_was_held(
    careloop: Command, booked: Path
) -> None:
    start = _first_pair(careloop("status", "--json", "--config", booked))["next"]
    shown = []
    for hours in (2, 100):
        then = datetime.fromisoformat(str(start)) + timedelta(hours=hours)
        careloop("run", "--once", "--now", then.isoformat(), "--config", booked)
        evidence = _first_pair(careloop("status", "--json", "--config", booked))["evidence"]
        shown.append((evidence, careloop("status", "--config", booked).out.splitlines()[1]))

    day = str(start)[:10]
    assert [evidence for evidence, _ in shown] == ["not_told", "inferred"]
    assert f"{day} (not told yet)" in shown[0][1]
    assert f"{day} (inferred)" in shown[1][1]


def test_status_shows_a_talk_to_align_beside_the_next_one(careloop: Command, booked: Path) -> None:
    before = _first_pair(careloop("status", "--json", "--config", booked))
    app = open_app(load(booked))
    with app.database.writing() as conn:
        (history,) = (h for p, h in pairs.histories(conn).items() if p.employee == ANNA)
        start = datetime.fromisoformat("2026-12-11T14:00:00+01:00")
        talk = a_meeting(history.pair, start, zone="Europe/Berlin", kind=Kind.ALIGNMENT)
        meetings.save(conn, [talk])
    app.database.close()

    after = _first_pair(careloop("status", "--json", "--config", booked))
    line = careloop("status", "--config", booked).out.splitlines()[1]

    assert before["alignment"] is None
    assert after == {**before, "alignment": "2026-12-11T14:00:00+01:00"}
    assert "CET, alignment Fri 2026-12-11 14:00 CET  " in line


def test_plan_has_the_promised_shape_and_tells_what_the_turn_does(
    careloop: Command, company: Path
) -> None:
    planned = careloop("plan", "--json", "--now", TUESDAY, "--config", company)
    ahead = careloop("plan", "--json", "--days", "14", "--now", TUESDAY, "--config", company)
    careloop("run", "--once", "--now", TUESDAY, "--config", company)
    done = careloop("status", "--json", "--config", company)

    booking, letter = planned.json["bookings"][0], ahead.json["letters"][0]
    assert set(booking) == {"employee", "manager", "kind", "start", "end", "reason"}
    assert set(letter) == {"kind", "to", "at", "employee"}
    assert (booking["kind"], letter["kind"]) == ("first", "prep")
    starts = {datetime.fromisoformat(pair["next"]) for pair in done.json["pairs"]}
    assert {datetime.fromisoformat(one["start"]) for one in planned.json["bookings"]} == starts


@pytest.mark.parametrize(
    "looking",
    [
        ("plan", "--days", "5", "--now", TUESDAY),
        ("status",),
        ("status", "--json"),
        ("check",),
        ("preview", "prep", "--pair", ANNA),
        ("simulate", "--days", "3"),
    ],
)
def test_looking_changes_nothing(careloop: Command, booked: Path, looking: tuple[str, ...]) -> None:
    before = _contents(booked.parent)

    answer = careloop(*looking, "--config", booked)

    assert answer.code == 0
    assert _contents(booked.parent) == before


def test_a_pause_lasts_until_its_day_and_ends_with_resume(careloop: Command, booked: Path) -> None:
    paused = careloop("pause", ANNA, "--until", "2030-01-31", "--config", booked)
    during = _first_pair(careloop("status", "--json", "--config", booked))
    resumed = careloop("resume", ANNA.upper(), "--config", booked)
    after = _first_pair(careloop("status", "--json", "--config", booked))

    assert (paused.code, resumed.code) == (0, 0)
    assert during["state"] == "paused"
    assert after["state"] == "booked"


def test_a_pause_that_is_over_is_refused(careloop: Command, booked: Path) -> None:
    answer = careloop("pause", ANNA, "--until", "2026-11-30", "--config", booked)
    today = careloop("pause", ANNA, "--until", "2026-12-01", "--config", booked)

    assert answer.code == 2
    assert "2026-11-30 is over" in answer.err
    assert today.code == 0


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_who_has_talks_as_a_manager_only_is_told_whom_to_name(
    careloop: Command, booked: Path, verb: str
) -> None:
    answer = careloop(verb, MARIA, "--config", booked)

    assert answer.code == 2
    assert answer.err.strip().endswith(f"name the employee, one of {ANNA}, {OMAR}")


@pytest.mark.parametrize("asked", [("explain", ANNA), ("pause", ANNA), ("status",)])
def test_before_the_first_turn_it_says_that_none_was_taken(
    careloop: Command, company: Path, asked: tuple[str, ...]
) -> None:
    answer = careloop(*asked, "--config", company)

    assert "no turn has been taken yet" in answer.err
    assert "careloop run --once" in answer.err


def test_resuming_somebody_who_was_not_paused_is_said(careloop: Command, booked: Path) -> None:
    assert "was not paused" in careloop("resume", ANNA, "--config", booked).err


@pytest.mark.parametrize("verb", ["pause", "resume", "export"])
def test_an_unknown_address_is_a_usage_error_with_the_nearest(
    careloop: Command, booked: Path, verb: str
) -> None:
    answer = careloop(verb, "anna@acme.exmple", "--config", booked)

    assert answer.code == 2
    assert ANNA in answer.err


def test_a_preview_shows_real_people_and_no_real_words(careloop: Command, booked: Path) -> None:
    answer = careloop("preview", "prep", "--pair", ANNA, "--config", booked)

    assert answer.code == 0
    assert answer.out.startswith("Subject: ")
    assert "Maria" in answer.out
    assert "/l/" not in answer.out


@pytest.mark.parametrize(("kind", "promise"), [("prep", "Still open"), ("brief", "you promised")])
def test_a_preview_of_a_first_talk_looks_back_on_nothing(
    careloop: Command, booked: Path, kind: str, promise: str
) -> None:
    answer = careloop("preview", kind, "--pair", ANNA, "--config", booked)

    assert promise not in answer.out
    assert promise in careloop("preview", kind, "--config", booked).out


def test_a_preview_says_what_is_invented_and_links_to_the_own_address(
    careloop: Command, booked: Path
) -> None:
    real = careloop("preview", "overdue", "--html", "--pair", ANNA, "--config", booked)
    invented = careloop("preview", "overdue", "--config", booked)

    assert "careloop.example" not in real.out
    assert "http://127.0.0.1:8080/an-invented-link/pause" in real.out
    assert "invented" in real.err
    assert "everything in this letter is invented" in invented.err


def test_the_invented_next_talk_is_at_the_same_time_of_day(careloop: Command, booked: Path) -> None:
    start = datetime.fromisoformat(
        str(_first_pair(careloop("status", "--json", "--config", booked))["next"])
    )

    answer = careloop("preview", "summary", "--pair", ANNA, "--config", booked)

    _, _, following = answer.out.partition("Next talk:")
    assert f"{start.hour}:{start.minute:02}" in following


@pytest.mark.parametrize("kind", ["prep", "brief", "summary", "overdue", "sign_in"])
def test_a_preview_needs_no_state_at_all(careloop: Command, company: Path, kind: str) -> None:
    answer = careloop("preview", kind, "--json", "--config", company)

    assert set(answer.json) == {"subject", "text", "html"}
    assert not company.with_name("state.db").exists()


def test_the_gallery_has_every_letter_in_every_language(
    careloop: Command, company: Path, tmp_path: Path
) -> None:
    answer = careloop("preview", "--all", tmp_path / "letters", "--config", company)

    names = {path.name for path in (tmp_path / "letters").iterdir()}
    assert answer.code == 0
    assert {"index.html", "prep.de.html", "summary.fr.eml", "brief.es.html"} <= names


def test_a_backup_comes_back_as_it_was(careloop: Command, booked: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    assert careloop("backup", copy, "--config", booked).code == 0
    careloop("pause", ANNA, "--config", booked)

    answer = careloop("restore", copy, "--config", booked)

    assert answer.code == 0
    assert _first_pair(careloop("status", "--json", "--config", booked))["state"] == "booked"
    assert list(booked.parent.glob("state.db.replaced-*"))


def test_restoring_what_is_no_backup_fails_and_changes_nothing(
    careloop: Command, booked: Path, tmp_path: Path
) -> None:
    (tmp_path / "other.db").write_text("no database")
    before = _contents(booked.parent)

    answer = careloop("restore", tmp_path / "other.db", "--config", booked)

    assert answer.code == 1
    assert "Traceback" not in answer.err
    assert _contents(booked.parent) == before


def test_an_export_is_json_and_noted_in_the_audit(careloop: Command, booked: Path) -> None:
    careloop("export", ANNA, "--config", booked)

    again = careloop("export", ANNA, "--config", booked)

    assert again.json["employee"] == ANNA
    assert [one["did"] for one in again.json["seen"]] == ["exported"]


def test_erasing_asks_first(careloop: Command, booked: Path) -> None:
    before = _contents(booked.parent)

    answer = careloop("erase", ANNA, "--config", booked)

    assert answer.code == 2
    assert "--yes" in answer.err
    assert _contents(booked.parent) == before


def test_erasing_keeps_the_figures(careloop: Command, booked: Path) -> None:
    answer = careloop("erase", ANNA, "--yes", "--config", booked)

    assert answer.code == 0
    assert _first_pair(careloop("status", "--json", "--config", booked))["next"] is not None


def test_a_simulation_is_the_same_for_the_same_seed(
    careloop: Command, booked: Path, tmp_path: Path
) -> None:
    asked = ("simulate", "--days", "20", "--from", "2026-12-01", "--config", booked)

    printed = careloop(*asked, "--json")
    written = careloop(*asked, "--json", tmp_path / "report.json")

    assert printed.json["pairs"] == 2
    assert (tmp_path / "report.json").read_text() == printed.out
    assert "pairs" in written.out


def test_a_simulation_says_what_people_do_in_it(careloop: Command, booked: Path) -> None:
    asked = ("simulate", "--days", "3", "--from", "2026-12-01", "--config", booked)

    usual = careloop(*asked)
    calm = careloop(*asked, "--calm")
    data = careloop(*asked, "--ill", "5", "--json").json

    assert "people move 42% of the talks and decline or delete 30%" in usual.err
    assert "played: nobody moves" in calm.err
    assert data["played"] == {"moved": 0.42, "cancelled": 0.3, "ill": 5, "leaves": 0.1, "seed": 1}


def test_a_simulation_may_play_another_roster(
    careloop: Command, company: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.csv"
    other.write_text("email,name,manager\na@x.example,A,\nb@x.example,B,a@x.example\n")

    answer = careloop(
        *("simulate", "--days", "5", "--calm", "--json", "--people", other, "--config", company)
    )

    assert answer.json["pairs"] == 1


def test_explain_tells_window_rules_and_the_booked_time(careloop: Command, booked: Path) -> None:
    words = careloop("explain", ANNA, "--now", TUESDAY, "--config", booked)
    data = careloop("explain", ANNA, "--now", TUESDAY, "--json", "--config", booked)

    (pair,) = data.json["pairs"]
    assert words.code == 0
    assert "Maria" in words.out
    assert "booked: " in words.out
    assert (pair["employee"], pair["manager"]) == (ANNA, MARIA)
    assert pair["left"][0]["starts"] >= pair["left"][-1]["starts"] > 0
    assert pair["why"][0] in ("best", "full")
    assert bool(pair["nearer"]) is (pair["why"][0] == "full")
    assert datetime.fromisoformat(pair["booked"]).tzinfo is not None


def test_a_manager_is_told_about_each_of_their_pairs(careloop: Command, booked: Path) -> None:
    answer = careloop("explain", MARIA, "--now", TUESDAY, "--json", "--config", booked)

    assert [pair["employee"] for pair in answer.json["pairs"]] == [ANNA, OMAR]


def _six_people(config: Path) -> Path:
    roster = config.with_name("people.csv")
    for number in range(5):
        (config.parent / "calendars" / f"p{number}@acme.example").mkdir()
    rows = [f"p{number}@acme.example,P{number},maria@acme.example" for number in range(5)]
    roster.write_text("\n".join(["email,name,manager", "maria@acme.example,Maria,", *rows]) + "\n")
    return roster


def test_a_roster_that_lost_many_is_acted_on_once_it_is_accepted(
    careloop: Command, company: Path
) -> None:
    roster = _six_people(company)
    turn = ("run", "--once", "--now", TUESDAY, "--json", "--config", company)
    careloop(*turn)
    roster.write_text("\n".join(roster.read_text().splitlines()[:3]) + "\n")

    before = careloop(*turn)
    doubted = careloop("check", "--config", company)
    accepted = careloop("check", "--accept-roster", "--config", company)
    after = careloop(*turn)

    assert (before.code, before.json["withdrawn"]) == (3, 0)
    assert "--accept-roster" in before.err
    assert "4 of 6 people are missing" in doubted.out
    assert "all is well" not in doubted.err
    assert accepted.code == 0
    assert (after.code, after.json["withdrawn"]) == (0, 4)
    assert "missing" not in careloop("check", "--config", company).out


def test_a_roster_with_a_broken_row_can_be_accepted_too(careloop: Command, company: Path) -> None:
    roster = _six_people(company)
    turn = ("run", "--once", "--now", TUESDAY, "--json", "--config", company)
    careloop(*turn)
    kept = roster.read_text().splitlines()[:3]
    roster.write_text("\n".join([*kept, "p1@acme.example,,maria@acme.example"]) + "\n")

    careloop("check", "--accept-roster", "--config", company)

    assert careloop(*turn).json["withdrawn"] == 3


def test_resume_starts_the_search_again_after_too_many_refusals(
    careloop: Command, booked: Path
) -> None:
    app = open_app(load(booked))
    with app.database.writing() as conn:
        (history,) = (h for p, h in pairs.histories(conn).items() if p.employee == ANNA)
        spent = replace(history.meetings[-1], state=State.CANCELLED, moves=9)
        meetings.save(conn, [spent])
    app.database.close()
    careloop("run", "--once", "--now", TUESDAY, "--config", booked)
    asked = _first_pair(careloop("status", "--json", "--config", booked))

    resumed = careloop("resume", ANNA, "--config", booked)
    careloop("run", "--once", "--now", TUESDAY, "--config", booked)

    assert asked["state"] == "asked"
    assert "resumes with the next turn" in resumed.err
    assert _first_pair(careloop("status", "--json", "--config", booked))["state"] == "booked"


@pytest.mark.parametrize(("choice", "left"), [("send", "owed"), ("drop", "lapsed")])
def test_the_operator_decides_about_letters_held_back(
    careloop: Command, booked: Path, choice: str, left: str
) -> None:
    now = datetime.fromisoformat(TUESDAY)
    app = open_app(load(booked))
    with app.database.writing() as conn:
        (history,) = (h for p, h in pairs.histories(conn).items() if p.employee == ANNA)
        letter = Letter(now, LetterKind.RECORD, email(ANNA), history.meetings[-1].uid, 7)
        effect = outbox.Effect(letter.key, outbox.Action.LETTER, letter.uid, 7, letter.to, b"x")
        outbox.owe(conn, [effect], now)
        lease = timedelta(minutes=5)
        (claim,) = outbox.claim(conn, outbox.Action.LETTER, app.worker, now, lease, 9)
        outbox.hold(conn, claim, "the answer was lost", now)
    app.database.close()
    held = careloop("status", "--json", "--config", booked)

    answer = careloop("resume", "--held-letters", choice, "--config", booked)

    after = careloop("status", "--json", "--config", booked)
    assert held.json["held_back"] == 1
    assert answer.code == 0
    assert after.json["held_back"] == 0
    assert after.json["outbox"][f"letter.{left}"] == 1


def test_resume_needs_somebody_or_something(careloop: Command, booked: Path) -> None:
    assert careloop("resume", "--config", booked).code == 2
