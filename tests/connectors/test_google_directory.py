"""The Workspace directory as a roster: who works here, for whom, and what cannot be used."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors._google_directory import GoogleDirectory
from daemon.core.domain import Email, Person, Roster
from daemon.core.ports import Trouble
from tests.connectors.google_setting import a_config, a_workspace
from tests.doubles.google import GoogleDouble, google_on_loopback
from tests.factories import some_hours

ADMIN = "admin@acme.example"
HOURS = some_hours(("08:00", "16:00"))


@pytest.fixture
def double() -> Iterator[GoogleDouble]:
    with google_on_loopback() as served:
        served.books.open_account(ADMIN)
        served.people.admins.add(ADMIN)
        yield served
        assert served.complaints == []


def read(double: GoogleDouble, root: Path, **settings: Any) -> Roster:
    """What the directory says now."""
    workspace = a_workspace(double, root, **settings)
    organization = a_config(double, root).organization
    return GoogleDirectory(workspace, organization, HOURS).people()


def hire(double: GoogleDouble, who: str, manager: str | None = None, **profile: Any) -> None:
    """Enter a user; `manager` is what the relation says, whatever that is."""
    if manager is not None:
        profile["relations"] = [
            {"type": "assistant", "value": "someone@acme.example"},
            {"type": "manager", "value": manager},
        ]
    double.books.open_account(f"{who}@acme.example", profile=profile)


def named(roster: Roster, name: str) -> Person:
    """One person of a roster."""
    (found,) = [person for person in roster.people if person.email == f"{name}@acme.example"]
    return found


def test_a_user_becomes_a_person_with_the_organizations_defaults(
    double: GoogleDouble, tmp_path: Path
) -> None:
    hire(double, "mara")
    hire(double, "emma", "mara@acme.example", name={"fullName": "Emma Müller"})

    roster = read(double, tmp_path)

    emma = named(roster, "emma")
    assert (emma.name, emma.manager) == ("Emma Müller", Email("mara@acme.example"))
    assert (emma.zone, emma.hours) == (ZoneInfo("Europe/Berlin"), HOURS)
    assert (emma.country, emma.language, emma.stated) == ("DE", "en", frozenset())
    assert roster.problems == ()


def test_what_the_user_entry_says_is_taken(double: GoogleDouble, tmp_path: Path) -> None:
    hire(
        double,
        "emma",
        organizations=[
            {"title": "Old role"},
            {"title": "Engineer", "department": "Research", "primary": True},
        ],
        addresses=[{"type": "home", "countryCode": "us"}, {"type": "work", "countryCode": "fr"}],
        languages=[{"languageCode": "en"}, {"languageCode": "fr", "preference": "preferred"}],
    )

    emma = named(read(double, tmp_path), "emma")

    assert (emma.role, emma.unit) == ("Engineer", "Research")
    assert (emma.country, emma.language) == ("FR", "fr")
    assert emma.stated == {"country", "language"}


@pytest.mark.parametrize("said", ["Mara@Acme.Example", "m.alias@acme.example", "old@acme.example"])
def test_a_manager_is_found_by_any_of_their_addresses(
    double: GoogleDouble, tmp_path: Path, said: str
) -> None:
    hire(
        double,
        "mara",
        aliases=["m.alias@acme.example"],
        emails=[{"address": "Old@acme.example", "type": "work"}],
    )
    hire(double, "emma", said)

    assert named(read(double, tmp_path), "emma").manager == Email("mara@acme.example")


@pytest.mark.parametrize("said", ["Mara Manager", "gone@acme.example"])
def test_a_manager_nobody_knows_is_reported_and_the_last_good_entry_holds(
    double: GoogleDouble, tmp_path: Path, said: str
) -> None:
    hire(double, "emma", said)
    hire(double, "otto", ADMIN)

    roster = read(double, tmp_path)

    (problem,) = roster.problems
    assert "emma@acme.example" in problem.where
    assert said.lower() in problem.what
    assert roster.refused == {"emma@acme.example"}
    assert named(roster, "otto").manager == ADMIN


def test_circles_and_people_who_manage_themselves_are_reported(
    double: GoogleDouble, tmp_path: Path
) -> None:
    hire(double, "anna", "bert@acme.example")
    hire(double, "bert", "anna@acme.example")
    hire(double, "carl", "carl@acme.example")
    hire(double, "dora", ADMIN)

    roster = read(double, tmp_path)

    assert len(roster.problems) == 2
    assert named(roster, "dora").manager == ADMIN


def test_several_managers_are_reported_and_the_first_is_taken(
    double: GoogleDouble, tmp_path: Path
) -> None:
    hire(double, "mara")
    twice = [{"type": "manager", "value": who} for who in (ADMIN, "mara@acme.example")]
    hire(double, "emma", relations=twice)

    roster = read(double, tmp_path)

    assert named(roster, "emma").manager == ADMIN
    assert "several managers" in roster.problems[0].what


def test_suspended_and_archived_users_are_left_out(double: GoogleDouble, tmp_path: Path) -> None:
    hire(double, "emma")
    hire(double, "left", suspended=True)
    hire(double, "gone", archived=True)

    roster = read(double, tmp_path)

    assert {person.email for person in roster.people} == {ADMIN, "emma@acme.example"}


def test_a_large_company_is_read_in_pages_of_five_hundred(
    double: GoogleDouble, tmp_path: Path
) -> None:
    for number in range(1001):
        hire(double, f"p{number:04}", ADMIN)

    roster = read(double, tmp_path)

    assert len(roster.people) == 1002
    assert double.count("directory.users.list") == 3
    assert roster.problems == ()


def test_the_operators_query_narrows_the_directory(double: GoogleDouble, tmp_path: Path) -> None:
    read(double, tmp_path, people_query="orgUnitPath='/Staff'")

    assert double.people.queries == ["orgUnitPath='/Staff'"]


@pytest.mark.parametrize("status", [400, 404, 429, 503])
def test_a_directory_that_cannot_be_read_is_trouble_and_never_an_empty_company(
    double: GoogleDouble, tmp_path: Path, status: int
) -> None:
    double.fail("directory.users.list", status, "backendError", times=9)

    with pytest.raises(Trouble, match="directory"):
        read(double, tmp_path)


def test_a_page_lost_on_the_way_makes_the_whole_reading_fail(
    double: GoogleDouble, tmp_path: Path
) -> None:
    for number in range(501):
        hire(double, f"p{number:04}")
    real, pages = double.answer, []

    def second_page_is_garbage(asked: Any) -> Any:
        told = real(asked)
        pages.append(asked.target)
        if "pageToken" in asked.target and told is not None:
            return type(told)(200, b"{", told.headers)
        return told

    double.answer = second_page_is_garbage  # type: ignore[method-assign]

    with pytest.raises(Trouble):
        read(double, tmp_path)

    assert len(pages) >= 3


def test_an_empty_answer_is_trouble_and_never_an_empty_company(
    double: GoogleDouble, tmp_path: Path
) -> None:
    double.fail("directory.users.list", 200, body=b"{}")

    with pytest.raises(Trouble, match="names nobody"):
        read(double, tmp_path)


def test_paging_that_never_ends_is_trouble(double: GoogleDouble, tmp_path: Path) -> None:
    endless = b'{"users": [{"primaryEmail": "a@acme.example"}], "nextPageToken": "again"}'
    double.fail("directory.users.list", 200, body=endless, times=999)

    with pytest.raises(Trouble, match="does not come to an end"):
        read(double, tmp_path)
