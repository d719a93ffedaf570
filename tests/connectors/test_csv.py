"""The roster as a CSV file, as spreadsheets and people write it."""

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors.csv import directory
from daemon.config.model import Config, Organization, People
from daemon.core.domain import Email, Leave, Person, Roster
from daemon.core.ports import Trouble
from daemon.core.roster import parse_hours

HEADER = (
    "email,name,manager,time_zone,working_hours,country,language,start_date,leave,role,"
    "calendar_url,unit"
)
TOP = "maria@acme.example,Maria Lind,"
ANNA, MARIA = Email("anna@acme.example"), Email("maria@acme.example")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    ours = Organization(
        name="Acme",
        time_zone="Europe/Berlin",
        country="DE",
        language="de",
        working_hours="Mon-Thu 08:00-16:00",
    )
    return Config(root=tmp_path, organization=ours, people=People(path=Path("people.csv")))


def read(config: Config, *lines: str, end: str = "\n", encoding: str = "utf-8") -> Roster:
    text = end.join([*lines, ""])
    config.at(Path("people.csv")).write_bytes(text.encode(encoding))
    return directory(config).people()


def one(roster: Roster) -> tuple[str, str]:
    """The only problem: where and everything said."""
    (problem,) = roster.problems
    return problem.where, f"{problem.what} | {problem.cure}"


# --- what a row gives -----------------------------------------------------------------------


def test_every_column_is_read(config: Config) -> None:
    row = (
        "Anna@Acme.example,Anna Weber,maria@acme.example,Asia/Kolkata,Mon-Fri 10:00-18:00,in,fr-CA,"
        "2026-05-01,2026-12-21..2027-01-03; 2027-02-01,engineer,https://cal.example/a.ics,Lab"
    )

    roster = read(config, HEADER, TOP, row)

    assert roster.problems == ()
    assert roster.people[1] == Person(
        email=ANNA,
        name="Anna Weber",
        manager=MARIA,
        zone=ZoneInfo("Asia/Kolkata"),
        hours=parse_hours("Mon-Fri 10:00-18:00"),
        country="IN",
        language="fr-CA",
        start_date=date(2026, 5, 1),
        leave=(
            Leave(date(2026, 12, 21), date(2027, 1, 3)),
            Leave(date(2027, 2, 1), date(2027, 2, 1)),
        ),
        role="engineer",
        unit="Lab",
        calendar_url="https://cal.example/a.ics",
        stated=frozenset(
            {
                *("zone", "hours", "country", "language", "start_date", "leave", "role", "unit"),
                "calendar_url",
            }
        ),
    )


def test_what_a_row_leaves_out_the_organization_states(config: Config) -> None:
    roster = read(config, "email,name,manager", TOP)

    assert roster.people == (
        Person(
            MARIA,
            "Maria Lind",
            None,
            ZoneInfo("Europe/Berlin"),
            parse_hours("Mon-Thu 08:00-16:00"),
            "DE",
            "de",
        ),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("by", [",", ";", "\t"])
def test_a_file_may_come_from_any_spreadsheet(
    config: Config, encoding: str, end: str, by: str
) -> None:
    lines = (
        f"Email{by}Name{by}Manager{by}Working Hours",
        "",
        "# the top of the house, with no manager",
        f"{MARIA}{by}Märia Lind{by}{by}",
        by * 3,
        f'{ANNA}{by}"Weber, Anna ""Anni"""{by}{MARIA}{by}"Mon-Fri 09:00-12:00, 13:00-17:00"',
    )

    roster = read(config, *lines, end=end, encoding=encoding)

    assert roster.problems == ()
    assert [person.name for person in roster.people] == ["Märia Lind", 'Weber, Anna "Anni"']
    assert roster.people[1].manager == MARIA


def test_an_old_encoding_is_read_and_told(config: Config) -> None:
    roster = read(
        config, "email,name,manager", TOP, f"{ANNA},Änna Weßer,{MARIA}", encoding="cp1252"
    )

    where, said = one(roster)
    assert where == "people.csv:3"
    assert "CSV UTF-8" in said
    assert roster.people[1].name == "Änna Weßer"


# --- what is wrong with the file ------------------------------------------------------------


def test_a_missing_file_is_trouble_that_names_it_and_the_cure(config: Config) -> None:
    with pytest.raises(Trouble, match=r"people\.csv: .*No such file.*; create it, or correct"):
        directory(config).people()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((), "people.csv:1: the roster is empty"),
        (("# nothing but words",), "people.csv:1: the roster is empty"),
        (("", "email,name,managr", TOP), "people.csv:2: the column `manager` is missing; `managr`"),
        (("anna,weber", TOP), "`email`, `name`, `manager` is missing"),
        (('email,"name,manager', TOP), "people.csv:1: the line with the names"),
    ],
)
def test_a_missing_column_is_trouble_with_file_line_and_cure(
    config: Config, lines: tuple[str, ...], said: str
) -> None:
    with pytest.raises(Trouble) as trouble:
        read(config, *lines)

    assert said in trouble.value.reason


def test_an_unknown_column_is_told_with_the_nearest_and_everybody_is_served(
    config: Config,
) -> None:
    roster = read(config, "email,name,manager,time_zon,shoe", f"{TOP},Europe/Paris,42")

    assert [problem.where for problem in roster.problems] == ["people.csv:1"] * 2
    assert "`time_zon` is unknown" in roster.problems[0].what
    assert roster.problems[0].cure == "did you mean `time_zone`?"
    assert len(roster.people) == 1


# --- what is wrong with a row ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (f"{ANNA},Anna,", None),
        (f",Anna,{MARIA}", "`email` is empty"),
        (f"anna,Anna,{MARIA}", "'anna' is not a mail address"),
        (f"a b@acme.example,Anna,{MARIA}", "not a mail address"),
        (f"{ANNA},,{MARIA}", "`name` is empty"),
        (f"{ANNA},Anna,mario@acme.example", "did you mean maria@acme.example?"),
        (f"{ANNA},Anna,maria", "'maria' is not a mail address"),
        (f"{ANNA},Anna,{ANNA.upper()}", "their own manager"),
        (f"{ANNA},Anna,{MARIA},Europe/Berln", "did you mean Europe/Berlin?"),
        (f"{ANNA},Anna,{MARIA},../etc/passwd", "not a known zone"),
        (f"{ANNA},Anna,{MARIA},,Mon-Fri 17:00-09:00", "ends before it starts"),
        (f"{ANNA},Anna,{MARIA},,,Germany", "did you mean DE?"),
        (f"{ANNA},Anna,{MARIA},,,DE-XX", "DE has no such part"),
        (f"{ANNA},Anna,{MARIA},,,,,01.05.2026", "write days like"),
        (f"{ANNA},Anna,{MARIA},,,,,2026-02-30", "not a day of the calendar"),
        (f"{ANNA},Anna,{MARIA},,,,,,2027-01-03..2026-12-21", "ends before it starts"),
        (f'{ANNA},"=HYPERLINK(""x"")",{MARIA}', "looks like a formula"),
        (f"{ANNA},Anna,{MARIA},,,,,,,@SUM(A1)", "looks like a formula"),
        (f"{ANNA},An\x07na,{MARIA}", "control character"),
        (f"{ANNA},Anna\u202e,{MARIA}", "control character"),
        (f'{ANNA},"Anna,{MARIA}', "quotation mark"),
        (f"{ANNA},Anna,{MARIA},,,,,,,,,,,,surplus", "15 cells, but 12 columns"),
    ],
)
def test_a_bad_row_is_told_with_line_value_and_cure_and_the_rest_is_served(
    config: Config, row: str, said: str | None
) -> None:
    roster = read(config, HEADER, TOP, "# a comment", row, f"zoe@acme.example,Zoe,{MARIA}")

    served = {person.email for person in roster.people if person.manager == MARIA}
    assert served == {"zoe@acme.example"}
    if said is None:
        assert roster.problems == ()
    else:
        where, words = one(roster)
        assert where == "people.csv:4"
        assert said in words
        assert words.endswith("| ") is False
        assert roster.refused <= {ANNA}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (f"{ANNA},Anna,{MARIA},,,,it", "Letters are written in en, de, fr, es"),
        (f"{ANNA},Anna,{MARIA},,,,english", "not one careloop writes in"),
        (f"{ANNA},Anna,{MARIA},,,,,,,,file:///etc/passwd", "not a web address"),
    ],
)
def test_what_can_do_no_harm_is_told_and_the_person_is_served(
    config: Config, row: str, said: str
) -> None:
    roster = read(config, HEADER, TOP, row)

    where, words = one(roster)
    assert (where, said in words) == ("people.csv:3", True)
    assert [person.email for person in roster.people] == [MARIA, ANNA]
    assert (roster.people[1].language, roster.people[1].calendar_url) == ("de", "")


def test_twins_are_refused_both_however_they_are_written(config: Config) -> None:
    roster = read(
        config,
        "email,name,manager",
        TOP,
        f"{ANNA},Anna,{MARIA}",
        f"ANNA@ACME.EXAMPLE,Anna W,{MARIA}",
        f"bob@acme.example,Bob,{ANNA}",
        f"zoe@acme.example,Zoe,{MARIA}",
    )

    assert [person.email for person in roster.people if person.manager] == ["zoe@acme.example"]
    twins, report = roster.problems
    assert (twins.where, "(lines 3, 4)" in twins.what) == ("people.csv:3", True)
    assert (report.where, report.cure) == ("people.csv:5", "mend people.csv:4")
    assert roster.refused == {ANNA, "bob@acme.example"}


def test_every_problem_is_told_in_one_pass_in_the_order_of_the_file(config: Config) -> None:
    roster = read(
        config,
        f"{HEADER},extra",
        TOP,
        f"{ANNA},Anna,{MARIA},Nowhere,Mon 9,Germany,,soon",
        "b@acme.example,B,c@acme.example",
        "c@acme.example,C,b@acme.example",
        f",,{MARIA}",
    )

    assert [problem.where for problem in roster.problems] == [
        *["people.csv:1"],
        *["people.csv:3"] * 4,
        *["people.csv:4"],
        *["people.csv:6"] * 2,
    ]
    assert all(problem.cure for problem in roster.problems)


def test_ten_thousand_rows_are_read_quickly(config: Config) -> None:
    rows = [f"p{n}@acme.example,P {n},p{n // 8}@acme.example" for n in range(1, 10_001)]

    roster = read(config, "email,name,manager", "p0@acme.example,Top,", *rows)

    assert len(roster.people) == 10_001
    assert roster.problems == ()
