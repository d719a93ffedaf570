"""People and managers from Entra ID: in full once, then by what changed."""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors._graph_calendar import GraphCalendar
from connectors._graph_directory import GraphDirectory
from daemon.config.model import Organization
from daemon.core.domain import Availability, Email, Person, Roster
from daemon.core.ports import CredentialsRefused, Done, Permanent, Trouble
from tests.connectors.contract import EMPLOYEE, an_invite, at
from tests.connectors.microsoft_world import World
from tests.doubles.microsoft import Fault
from tests.doubles.microsoft_books import Books, Reply
from tests.factories import ALWAYS

ACME = Organization(name="Acme", time_zone="Europe/Berlin", country="DE", language="de")


@pytest.fixture
def books(office: World) -> Books:
    office.double.books.hire("mara@acme.example")
    office.double.books.hire("emma@acme.example", "mara@acme.example")
    return office.double.books


@pytest.fixture
def directory(office: World, books: Books) -> GraphDirectory:
    return GraphDirectory(office.graph(), ACME, ALWAYS)


def managers(roster: Roster) -> dict[str, str | None]:
    return {person.email: person.manager for person in roster.people}


def one(roster: Roster, address: str) -> Person:
    return next(person for person in roster.people if person.email == address)


def test_people_come_with_their_managers(directory: GraphDirectory) -> None:
    roster = directory.people()

    assert managers(roster) == {"emma@acme.example": "mara@acme.example", "mara@acme.example": None}
    assert roster.problems == ()


def test_what_entra_says_counts_and_the_organization_fills_the_rest(
    directory: GraphDirectory, books: Books
) -> None:
    books.hire(
        "jo@acme.example",
        displayName="Jo Doe",
        preferredLanguage="fr-CA",
        jobTitle="engineer",
        department="R&D",
        usageLocation="CA",
        employeeHireDate="2026-11-01T00:00:00Z",
    )

    roster = directory.people()

    jo, emma = one(roster, "jo@acme.example"), one(roster, "emma@acme.example")
    assert (jo.name, jo.language, jo.country, jo.role) == ("Jo Doe", "fr-CA", "CA", "engineer")
    assert jo.unit == "R&D"
    assert jo.start_date is not None
    assert jo.start_date.isoformat() == "2026-11-01"
    assert jo.stated == {"language", "country"}
    assert (emma.language, emma.country, emma.start_date) == ("de", "DE", None)
    assert (emma.zone, emma.hours) == (ZoneInfo("Europe/Berlin"), ALWAYS)
    assert emma.stated == frozenset()


@pytest.mark.parametrize(
    "fields", [{"accountEnabled": False}, {"userType": "Guest"}, {"mail": None}, {"mail": ""}]
)
def test_the_disabled_guests_and_people_without_mail_are_left_out(
    directory: GraphDirectory, books: Books, fields: dict[str, Any]
) -> None:
    books.hire("x@acme.example", "mara@acme.example", **fields)

    assert Email("x@acme.example") not in managers(directory.people())


def test_a_manager_who_is_left_out_is_a_problem(directory: GraphDirectory, books: Books) -> None:
    books.users["id-mara@acme.example"]["accountEnabled"] = False

    roster = directory.people()

    assert managers(roster) == {"emma@acme.example": None}
    (problem,) = roster.problems
    assert "emma@acme.example" in problem.where
    assert "disabled" in problem.what
    assert roster.refused == {"emma@acme.example"}


def test_people_who_report_to_each_other_are_reported(
    directory: GraphDirectory, books: Books
) -> None:
    books.users["id-mara@acme.example"]["boss"] = "id-emma@acme.example"

    roster = directory.people()

    assert roster.refused == {"emma@acme.example", "mara@acme.example"}
    assert "circle" in roster.problems[0].what


def test_one_address_twice_is_a_problem_and_one_person(
    directory: GraphDirectory, books: Books
) -> None:
    books.hire("x@acme.example", mail="EMMA@acme.example")

    roster = directory.people()

    assert sorted(managers(roster)) == ["emma@acme.example", "mara@acme.example"]
    assert "two users" in roster.problems[0].what


def test_many_people_come_over_several_pages(directory: GraphDirectory, books: Books) -> None:
    for number in range(2100):
        books.hire(f"p{number}@acme.example", "mara@acme.example")

    assert len(directory.people().people) == 2102


class TestLaterReadings:
    @pytest.fixture(autouse=True)
    def read_once(self, directory: GraphDirectory, office: World) -> None:
        directory.people()
        self.before = len(office.double.requests())

    def later(self, office: World) -> list[str]:
        return [asked.path for asked in office.double.requests()[self.before :]]

    def test_only_changes_are_asked_for(self, directory: GraphDirectory, office: World) -> None:
        roster = directory.people()

        assert len(roster.people) == 2
        assert ["delta" in path for path in self.later(office)] == [True]

    def test_joiners_leavers_and_new_managers_are_taken_in(
        self, directory: GraphDirectory, books: Books
    ) -> None:
        books.hire("nina@acme.example", "mara@acme.example")
        books.hire("otto@acme.example", "nina@acme.example")
        books.users["id-emma@acme.example"]["boss"] = "id-nina@acme.example"
        books.changes += ["id-emma@acme.example", "id-emma@acme.example"]

        changed = managers(directory.people())
        del books.users["id-otto@acme.example"]
        books.changes.append("id-otto@acme.example")
        after = managers(directory.people())

        assert changed["emma@acme.example"] == "nina@acme.example"
        assert changed["otto@acme.example"] == "nina@acme.example"
        assert sorted(after) == ["emma@acme.example", "mara@acme.example", "nina@acme.example"]

    @pytest.mark.parametrize(
        "refusal", [(410, "resyncRequired"), (400, "syncStateNotFound"), (410, "")]
    )
    def test_an_expired_token_means_a_full_reading_at_once(
        self,
        directory: GraphDirectory,
        books: Books,
        office: World,
        refusal: tuple[int, str],
    ) -> None:
        books.expired_before, books.expired_as = 10**6, refusal
        books.hire("nina@acme.example")

        roster = directory.people()

        assert Email("nina@acme.example") in managers(roster)
        assert any(path.startswith("/users?") for path in self.later(office))

    def test_a_reading_that_broke_off_is_begun_anew(
        self, directory: GraphDirectory, books: Books, office: World
    ) -> None:
        for number in range(6):
            books.hire(f"p{number}@acme.example")
        calls: list[str] = []

        def hurt(asked: Any) -> Fault | None:
            calls.append(asked.path)
            return Fault(503) if len(calls) in (2, 3) else None

        office.double.hurt = hurt
        with pytest.raises(Trouble):
            directory.people()
        roster = directory.people()

        assert len(roster.people) == 8
        assert any(path.startswith("/users?") for path in calls)


def test_missing_consent_is_refused_with_the_cure(directory: GraphDirectory, books: Books) -> None:
    books.may_read_users = False

    with pytest.raises(CredentialsRefused, match=r"grant User\.Read\.All"):
        directory.people()


def test_a_group_narrows_the_people(office: World, books: Books) -> None:
    books.groups["staff"] = {"id-emma@acme.example"}

    roster = GraphDirectory(office.graph(group="staff"), ACME, ALWAYS).people()

    assert managers(roster) == {"emma@acme.example": None}
    assert "not in the group" in roster.problems[0].what


def test_pages_that_never_end_are_trouble(
    directory: GraphDirectory, office: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    endless = Reply(200, {"value": [], "@odata.nextLink": "ROOT/users/delta?$deltatoken=1"})
    monkeypatch.setattr(office.double.books, "answer", lambda *_: endless)

    with pytest.raises(Trouble, match="does not end"):
        directory.people()


def test_a_page_elsewhere_never_gets_our_token(
    directory: GraphDirectory, office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = Reply(200, {"value": [], "@odata.nextLink": "https://evil.example/users"})
    monkeypatch.setattr(office.double.books, "answer", lambda *_: strange)

    with pytest.raises(Trouble, match="not one of the hosts"):
        directory.people()


def test_people_whose_sign_in_name_differs_are_reached_by_their_id(
    office: World, books: Books
) -> None:
    books.signs_in_otherwise.add(EMPLOYEE.email)
    graph = office.graph()
    GraphDirectory(graph, ACME, ALWAYS).people()

    invite = an_invite(at(10))
    put = GraphCalendar(graph).put([invite])
    busy = GraphCalendar(graph).busy([EMPLOYEE], at(8, 600), [])

    assert isinstance(put[invite.uid], Done)
    assert isinstance(busy[EMPLOYEE.email], Availability)


def test_without_the_directory_the_cure_names_the_sign_in_name(office: World) -> None:
    office.double.books.signs_in_otherwise.add(EMPLOYEE.email)

    (result,) = office.calendar.put([an_invite(at(10))]).values()

    assert isinstance(result, Permanent)
    assert "sign-in name" in result.reason
