"""What `run --once` says about pairs that could not be served."""

from pathlib import Path

import pytest

from tests.cli.support import Command

TUESDAY = "2026-12-01T08:00:00+01:00"


def test_the_last_line_counts_the_pairs_with_a_problem(careloop: Command, company: Path) -> None:
    torn = company.parent / "calendars" / "omar@acme.example" / "torn.ics"
    torn.write_text("not a calendar at all\n")

    answer = careloop("run", "--once", "--now", TUESDAY, "--config", company)

    last = answer.err.strip().splitlines()[-1]
    assert last.startswith("2 pairs: booked 1")
    assert last.endswith("1 with a problem (careloop status)")


@pytest.mark.parametrize("ill", ["calendars/omar@acme.example/torn.ics", "people.csv"])
def test_a_plan_has_the_exit_code_of_the_turn_it_tells(
    careloop: Command, company: Path, ill: str
) -> None:
    with (company.parent / ill).open("a") as file:
        file.write("no line of such a file\n")

    planned = careloop("plan", "--now", TUESDAY, "--config", company)
    done = careloop("run", "--once", "--now", TUESDAY, "--config", company)

    assert (planned.code, done.code) == (3, 3)


def test_a_turn_without_problems_says_nothing_of_them(careloop: Command, company: Path) -> None:
    answer = careloop("run", "--once", "--now", TUESDAY, "--config", company)

    assert "problem" not in answer.err.strip().splitlines()[-1]
