"""CalDAV in figures: requests of a cold cycle beside the least possible, and of a turn in which
nothing changed, on a local server that may or may not invite by itself.

A cold cycle of N pairs, ten to a manager: read when everybody is busy, book N meetings, and a turn
later look at them and read again what changed. The least is that of somebody who knows everything
beforehand: one free/busy question for 50 people, one PUT for each copy, one sync for each calendar
that was written. `find` is the discovery, once a day: who people are and what the server can.
"""

import logging
import math
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from connectors.caldav import Caldav
from daemon.config.caldav import Caldav as Section
from daemon.config.model import CalendarSection, Config, Organization
from daemon.core.domain import (
    Availability,
    Email,
    Interval,
    Invite,
    Kind,
    Meeting,
    Pair,
    Party,
    Person,
    uid_of,
)
from daemon.core.ports import Done
from tests.doubles.caldav import Double, caldav_double

START = datetime(2027, 3, 2, 8, tzinfo=UTC)
MONTH = Interval(START, START + timedelta(days=45))


@dataclass(frozen=True)
class Stage:
    """What one step asked for, and how long it took."""

    requests: int
    seconds: float


def run() -> None:
    """Print requests for 10 and 100 pairs, with and without a server that invites."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    print("   N  who invites  requests: find | busy + book + follow    least  ratio"
          "   idle turn  least   seconds")  # fmt: skip
    for number in (10, 100):
        for schedules in (True, False):
            _measure(number, schedules)


def _measure(number: int, schedules: bool) -> None:
    pairs = [Pair(Email(f"e{n:04}@acme.example"), Email(f"m{n // 10:03}@acme.example"))
             for n in range(number)]  # fmt: skip
    staff = sorted({who for pair in pairs for who in (pair.employee, pair.manager)})
    with caldav_double() as double, tempfile.TemporaryDirectory() as folder:
        double.quirks.schedules, double.quirks.outbox = schedules, "all"
        double.welcome(*(who.partition("@")[0] for who in staff))
        calendar = Caldav(_config(double, Path(folder), staff))
        stages = _cycle(calendar, double, pairs, staff)
        calendar.close()
    _print(number, len(staff), schedules, stages)


def _cycle(
    calendar: Caldav, double: Double, pairs: list[Pair], staff: list[Email]
) -> dict[str, Stage]:
    people = [Person(who, "Somebody") for who in staff]
    invites = [_invite(pair, index) for index, pair in enumerate(pairs)]
    meetings = [_meeting(invite) for invite in invites]
    stages: dict[str, Stage] = {}

    def stage(name: str, call: Any) -> Any:
        double.books.heard.clear()
        began = time.perf_counter()
        answer = call()
        seconds = time.perf_counter() - began
        stages[name] = Stage(len(double.books.heard), seconds)
        return answer

    def turn() -> Any:
        seen = calendar.look(meetings)
        return seen, calendar.busy(people, MONTH, meetings)

    busy = stage("busy", lambda: calendar.busy(people, MONTH, []))
    asked = [path for method, path in double.books.heard if method == "PROPFIND"]
    found = len(asked) - len(people)
    stages["find"] = Stage(found, 0.0)
    stages["busy"] = Stage(stages["busy"].requests - found, stages["busy"].seconds)
    booked = stage("book", lambda: calendar.put(invites))
    seen, again = stage("follow", turn)
    stage("idle", turn)
    _verify(double, pairs, booked)
    answers = [*busy.values(), *again.values()]
    assert all(isinstance(answer, Availability) for answer in answers)
    assert all(observed.present for observed in seen.values())
    return stages


def _verify(double: Double, pairs: list[Pair], booked: Any) -> None:
    """The books of the server: each meeting stands once with either of the two."""
    assert all(isinstance(result, Done) for result in booked.values()), booked
    held = Counter(len(items) for items in double.books.items.values())
    assert sum(size * times for size, times in held.items()) == 2 * len(pairs)


def _print(number: int, people: int, schedules: bool, stages: dict[str, Stage]) -> None:
    owners = number if schedules else people
    copies = number if schedules else 2 * number
    least = math.ceil(people / 50) + copies + owners
    cold = [stages[name] for name in ("busy", "book", "follow")]
    total = sum(stage.requests for stage in cold)
    said = f"{stages['find'].requests} | " + " + ".join(str(stage.requests) for stage in cold)
    seconds = sum(stage.seconds for stage in stages.values())
    who = "the server" if schedules else "careloop"
    print(f"{number:4}  {who:11}  {said:40} {least:8}  {total / least:5.2f}"
          f"   {stages['idle'].requests:9}  {owners:5}   {seconds:7.2f}")  # fmt: skip


def _config(double: Double, folder: Path, staff: list[Email]) -> Config:
    (folder / "secret").write_text("secret")
    (folder / "secret").chmod(0o600)
    lines = (f"{who} {who.partition('@')[0]} file:secret\n" for who in staff)
    (folder / "accounts.txt").write_text("".join(lines))
    return Config(
        root=folder,
        organization=Organization(name="Acme"),
        calendar=CalendarSection(kind="caldav"),
        caldav=Section(url=double.url, credentials=Path("accounts.txt")),
    )


def _invite(pair: Pair, index: int) -> Invite:
    start = START + timedelta(hours=index % 200)
    employee, manager = Party(pair.employee, "E"), Party(pair.manager, "M")
    return Invite(
        uid=uid_of(pair, 1, 0),
        sequence=0,
        organizer=employee,
        attendees=(employee, manager),
        start=start,
        end=start + timedelta(minutes=20),
        zone="Europe/Berlin",
        summary="Performance connection",
        description="A talk the employee leads.",
        stamp=START,
        pair=pair,
        fresh=True,
    )


def _meeting(invite: Invite) -> Meeting:
    assert invite.pair is not None
    return Meeting(invite.uid, invite.pair, 1, 0, Kind.FIRST, invite.start, invite.end, invite.zone)
