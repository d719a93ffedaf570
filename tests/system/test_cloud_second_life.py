"""A store younger than the calendars: events of an earlier life are found, and none is doubled."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.doubles.google import google_on_loopback
from tests.doubles.microsoft import microsoft
from tests.system.cloud import Scene, Tenant
from tests.system.company import Company, found
from tests.system.google_tenant import GoogleTenant
from tests.system.microsoft_tenant import MicrosoftTenant
from tests.system.playing import opened, turn

START = datetime(2027, 3, 1, 6, tzinfo=UTC)
PAIRS = 4
KINDS = ("google", "google-service", "microsoft")


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return found(
        tmp_path / "acme", pairs=PAIRS, start=START.date(), days=60, seed=5, taken=(0.1, 0.2)
    )


@pytest.fixture(params=KINDS)
def tenant(request: pytest.FixtureRequest, company: Company, tmp_path: Path) -> Iterator[Tenant]:
    if request.param == "microsoft":
        with microsoft(tmp_path) as double:
            yield MicrosoftTenant(company, double)
        return
    organizer = "service" if request.param.endswith("service") else "employee"
    with google_on_loopback() as served:
        yield GoogleTenant(company, served, organizer)


def lose_the_store(company: Company) -> None:
    """The state is gone, as after a crash without a backup."""
    for file in company.root.glob("state.db*"):
        file.unlink()


def one_turn(company: Company, now: datetime) -> None:
    app = opened(company)
    turn(app, now)
    app.database.close()


def test_the_first_turn_of_a_new_store_finds_every_event_that_stands(
    company: Company, tenant: Tenant
) -> None:
    scene = Scene(tenant, START)
    scene.play(1)
    before = tenant.events()
    lose_the_store(company)

    one_turn(company, START + timedelta(hours=3))

    assert tenant.events() == before
    scene.books.look(START + timedelta(hours=3))
    assert scene.books.faults == []


def test_what_a_person_moved_before_the_store_was_lost_stays_where_they_put_it(
    company: Company, tenant: Tenant
) -> None:
    scene = Scene(tenant, START)
    scene.play(1)
    event = next(scene.ahead(START))
    there = scene.another_time(event, START)
    assert there is not None
    tenant.drag(event.organizer, event, there)
    lose_the_store(company)

    for hour in (3, 4):
        one_turn(company, START + timedelta(hours=hour))

    copies = tenant.events()[event.uid]
    assert {copy.start for copy in copies.values()} == {there.start}
    scene.books.look(START + timedelta(hours=4))
    assert scene.books.faults == []


def test_a_store_lost_after_weeks_doubles_no_event_and_no_meeting(
    company: Company, tenant: Tenant
) -> None:
    scene = Scene(tenant, START)
    scene.play(24)
    before = follow_ups(tenant)
    lose_the_store(company)

    for day in range(24, 30):
        now = START + timedelta(days=day)
        one_turn(company, now)
        scene.books.look(now)
        scene.check_one_ahead(now)

    assert len(before) == PAIRS
    assert follow_ups(tenant) == before
    assert scene.books.faults == []


def follow_ups(tenant: Tenant) -> set[tuple[str, datetime]]:
    """The short talks that stand, and when."""
    events = (next(iter(copies.values())) for copies in tenant.events().values())
    return {(one.uid, one.start) for one in events if one.minutes == 20}
