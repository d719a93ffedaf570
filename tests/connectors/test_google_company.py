"""A company on Google Workspace, played through whole cycles: the real turn against a local Google.

Nothing is read from careloop's own rows: what counts is what stands in Google's books.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from daemon.config.load import load
from daemon.config.model import Service
from daemon.core.domain import Interval, Reply, Uid
from daemon.wiring import App, open_app
from tests.doubles.google import GoogleDouble, google_on_loopback
from tests.doubles.google_books import Stored
from tests.doubles.google_sign_in import key_file
from tests.system.playing import turn

START = datetime(2027, 3, 1, 6, tzinfo=UTC)
SERVICE, ADMIN = "careloop@acme.example", "admin@acme.example"
ZONES = ("Europe/Berlin", "Europe/London", "Africa/Cairo")
PAIRS, DAYS = 8, 75
WORK = {
    "workingHoursEnabled": True,
    "availableTimes": [
        {"dayOfWeek": day, "periodStart": 9 * 60, "periodEnd": 17 * 60}
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday")
    ],
}
CONFIG = """[organization]
name = "Acme"
[people]
kind = "google"
[calendar]
kind = "google"
[mail]
kind = "google"
sender = "careloop@acme.example"
[google]
subject = "careloop@acme.example"
admin = "admin@acme.example"
people_query = "orgUnitPath='/Staff'"
service_account = "file:google.json"
endpoint = "{url}"
token_endpoint = "{url}/token"
mails_per_minute = 100000
per_user_per_minute = 100000
organizer = "{organizer}"
"""


@pytest.fixture
def double() -> Iterator[GoogleDouble]:
    with google_on_loopback() as served:
        served.people.admins.add(ADMIN)
        for who in (SERVICE, ADMIN):
            served.books.open_account(who)
        yield served
        assert served.complaints == []


@pytest.fixture(params=["employee", "service"])
def app(double: GoogleDouble, tmp_path: Path, request: Any) -> Iterator[App]:
    _staff(double, PAIRS)
    for name, secret in (("google.json", key_file()), ("secret.key", "s" * 40)):
        (tmp_path / name).write_text(secret)
        (tmp_path / name).chmod(0o600)
    text = CONFIG.format(url=double.url, organizer=request.param)
    (tmp_path / "config.toml").write_text(text)
    opened = open_app(load(tmp_path / "config.toml"))
    yield opened
    opened.database.close()


def _staff(double: GoogleDouble, pairs: int) -> None:
    """Teams of six, each with a manager; a third of everybody's mornings is taken."""
    for number in range(pairs):
        boss, who = f"boss{number // 6}@acme.example", f"worker{number}@acme.example"
        for address, manager in ((boss, None), (who, boss)):
            if address not in double.books.accounts:
                relations = [{"type": "manager", "value": manager}] if manager else []
                double.books.open_account(
                    address,
                    zone=ZONES[number // 6 % 3],
                    working_hours=WORK,
                    profile={"relations": relations},
                )
                _appointments(double, address, number)


def _appointments(double: GoogleDouble, who: str, seed: int) -> None:
    for day in range(DAYS + 60):
        for hour in {(seed + day) % 8 + 8, (seed * 3 + day * 5) % 8 + 8}:
            start = START.replace(hour=hour) + timedelta(days=day)
            double.calendars.add(who, Interval(start, start + timedelta(minutes=60)), "Own")


def ours(double: GoogleDouble) -> list[Stored]:
    """Our events that stand, each once."""
    found = {
        stored.body["id"]: stored
        for stored in double.books.events.values()
        if stored.body["status"] == "confirmed" and "extendedProperties" in stored.body
    }
    return list(found.values())


def pair_of(stored: Stored) -> tuple[str, ...]:
    return tuple(guest["email"] for guest in stored.body["attendees"])


def span_of(stored: Stored) -> Interval:
    start, end = (
        datetime.fromisoformat(stored.body[name]["dateTime"]).astimezone(UTC)
        for name in ("start", "end")
    )
    return Interval(start, end)


def uid_in(stored: Stored) -> Uid:
    return Uid(stored.body["extendedProperties"]["private"]["careloop-uid"])


def faults(double: GoogleDouble, now: datetime, excused: set[str]) -> list[str]:
    """Everything that must never be seen in the books."""
    found = []
    ahead = Counter(pair_of(one) for one in ours(double) if span_of(one).start > now)
    found += [
        f"{now}: {pair} has {many} meetings ahead" for pair, many in ahead.items() if many > 1
    ]
    for stored in ours(double):
        when = span_of(stored)
        if when.start < now or stored.body["id"] in excused:
            continue
        for who in pair_of(stored):
            local = when.start.astimezone(ZoneInfo(double.books.accounts[who].zone))
            if local.weekday() > 4 or not 9 <= local.hour < 17:
                found.append(f"{now}: {who} does not work at {local}")
            found += [
                f"{now}: {who} meets over {other.body['summary']} at {local}"
                for other in double.calendars.standing(who)
                if other is not stored and span_of(other).overlaps(when)
            ]
    return found


def letters(double: GoogleDouble) -> Counter[tuple[str, str, str]]:
    """Name, meeting and reader of every letter that went out, and how often."""
    said = [message_from_bytes(message.content) for message in double.mailboxes.sent]
    return Counter(
        (str(one["Message-ID"]), str(one["X-Careloop-Meeting"]), str(one["To"])) for one in said
    )


def humans(double: GoogleDouble, day: int, now: datetime, excused: set[str]) -> None:
    """One person a day does something to one of our events that lies some days ahead."""
    ahead = sorted(
        (one for one in ours(double) if span_of(one).start > now + timedelta(days=3)),
        key=lambda one: one.body["id"],
    )
    if day % 3 or not ahead:
        return
    stored = ahead[day % len(ahead)]
    employee, manager = pair_of(stored)
    uid, when = uid_in(stored), span_of(stored)
    act = ("move", "decline", "delete", "conflict", "leave")[day // 3 % 5]
    if act == "move":
        excused.add(stored.body["id"])
        there = Interval(when.start + timedelta(hours=1), when.end + timedelta(hours=1))
        double.calendars.move(stored.organizer, uid, there)
    elif act == "decline":
        double.calendars.answer(manager, uid, Reply.DECLINED)
    elif act == "delete":
        double.calendars.delete(stored.organizer, uid)
    elif act == "conflict":
        double.calendars.add(manager, when, "Board")
    else:
        away = Interval(when.start - timedelta(hours=4), when.start + timedelta(days=3))
        double.calendars.add(employee, away, "Leave", eventType="outOfOffice")


@pytest.mark.slow
def test_a_company_lives_on_google_for_many_weeks(app: App, double: GoogleDouble) -> None:
    found: list[str] = []
    excused: set[str] = set()

    for day in range(DAYS):
        now = START + timedelta(days=day)
        humans(double, day, now, excused)
        turn(app, now)
        found += faults(double, now, excused)
        if day % 3 == 0:
            done = _done(double)
            turn(app, now)
            found += [f"{now}: a second turn did something"] if _done(double) != done else []

    assert found == []
    _check_rhythm(double, excused)
    often = letters(double)
    assert {key: many for key, many in often.items() if many > 1} == {}
    per_reader = Counter((meeting, to) for _, meeting, to in often)
    assert max(per_reader.values()) <= 4


def _done(double: GoogleDouble) -> list[int]:
    """How often something was changed at Google."""
    changes = ("insert", "patch", "delete")
    counts = [double.count(f"calendar.events.{change}") for change in changes]
    return [*counts, len(double.mailboxes.sent)]


def _check_rhythm(double: GoogleDouble, excused: set[str]) -> None:
    """Everybody met, and again 30 to 45 (late: 55) days later."""
    met: dict[tuple[str, ...], list[datetime]] = defaultdict(list)
    for stored in ours(double):
        met[pair_of(stored)].append(span_of(stored).start)
    assert len(met) == PAIRS
    for times in met.values():
        gaps = [later - one for one, later in zip(sorted(times), sorted(times)[1:], strict=False)]
        assert len(times) >= 2
        assert all(timedelta(days=29) <= gap <= timedelta(days=58) for gap in gaps), gaps


@pytest.mark.parametrize("trouble", ["scope", "disabled", "key"])
def test_a_refused_connection_is_one_line_and_passes_by_itself(
    app: App, double: GoogleDouble, trouble: str
) -> None:
    turn(app, START)
    before = {one.body["id"] for one in ours(double)}
    app.reconfigure(app.config.model_copy(update={"service": Service(log="json")}), app.letters)
    if trouble == "scope":
        double.sign_in.allowed = frozenset()
    elif trouble == "disabled":
        double.sign_in.disabled = True
    else:
        double.sign_in.trusted_key = 1

    refused = turn(app, START + timedelta(days=1))

    assert refused.credentials_refused
    assert any("Google does not let careloop act as" in one.what for one in refused.problems)
    assert all("\n" not in one.what for one in refused.problems)
    assert {one.body["id"] for one in ours(double)} == before


def test_a_closed_account_blocks_nobody_else(app: App, double: GoogleDouble) -> None:
    double.books.accounts["worker1@acme.example"].without_calendar = True
    double.books.accounts["worker1@acme.example"].hidden = True

    report = turn(app, START)

    booked = {pair_of(one)[0] for one in ours(double)}
    others = {f"worker{number}@acme.example" for number in range(PAIRS) if number != 1}
    assert others <= booked
    assert not report.credentials_refused
