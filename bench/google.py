"""Google in figures: requests of a cold cycle beside the least possible, and the time they take.

A cold cycle of N pairs with one service organizer: read when 1.1 N people are busy, book N
meetings, look at them, send three letters a pair. The server is a local Google in a process of
its own that answers after 50 ms. `closer` is the daily look, as each person, at what stands beside
our meetings, tokens and all; `idle` a turn with nothing to do, looks aside; `+hours` is what
reading everybody's working hours and zone adds once a day where the roster does not give them;
`cpu` is what this process worked itself.
"""

import logging
import math
import multiprocessing
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import structlog

from connectors._google_calendar import GoogleCalendar
from connectors._google_mail import GoogleMailer
from connectors.google import open_workspace
from daemon.config.google import Google
from daemon.config.model import CalendarSection, Config, MailSection, Organization
from daemon.core.domain import (
    Email,
    Interval,
    Invite,
    Key,
    Kind,
    Mail,
    Meeting,
    Pair,
    Party,
    Person,
    uid_of,
)
from daemon.core.ports import Done
from tests.doubles.google import google_on_loopback
from tests.doubles.google_sign_in import key_file

LATENCY = 0.050
AT_ONCE = 8
SERVICE = "careloop@acme.example"
START = datetime(2027, 3, 2, 8, tzinfo=UTC)


@dataclass(frozen=True)
class Company:
    """N pairs, ten of them to a manager."""

    pairs: tuple[Pair, ...]

    @property
    def people(self) -> list[Email]:
        """Everybody once."""
        return sorted({who for pair in self.pairs for who in (pair.employee, pair.manager)})


def run() -> None:
    """Print requests and times for 10, 100 and 1,000 pairs."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    print(f"   N    B  {'requests by stage':66}  total  least  ratio   seconds  least  ratio  cpu")
    for number in (10, 100, 1000):
        for size in (1000, 50):
            _measure(a_company(number), size)


def a_company(number: int) -> Company:
    """Invent one."""
    return Company(
        tuple(
            Pair(Email(f"e{index:04}@acme.example"), Email(f"m{index // 10:03}@acme.example"))
            for index in range(number)
        )
    )


def least(number: int, people: int, size: int) -> int:
    """The fewest requests: a token, availability, bookings, one look, letters by fifties."""
    queries = math.ceil(people / 50)
    availability = math.ceil(queries / size)
    look = math.ceil(number / max(size, 2500))
    return 1 + availability + math.ceil(number / size) + look + math.ceil(3 * number / 50)


def _measure(company: Company, size: int) -> None:
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(there, company.people), daemon=True
    )
    server.start()
    with tempfile.TemporaryDirectory() as folder:
        config = _config(*here.recv(), Path(folder), size)
        began = time.process_time()
        stages = _cycle(config, company, here)
        cpu = time.process_time() - began
    here.send("over")
    server.join()
    _print(company, size, stages, cpu)


def _cycle(config: Config, company: Company, server: Connection) -> dict[str, tuple[int, float]]:
    """One cold cycle; requests and seconds by stage."""
    workspace = open_workspace(config)
    calendar, mailer = GoogleCalendar(workspace), GoogleMailer(workspace)
    spoken = frozenset({"zone", "hours"})
    people = [Person(who, "Somebody", stated=spoken) for who in company.people]
    silent = [Person(who, "Somebody") for who in company.people]
    within = Interval(START, START + timedelta(days=45))
    invites = [_invite(pair, index) for index, pair in enumerate(company.pairs)]
    mails = [_mail(pair, name) for pair in company.pairs for name in ("prep", "sum", "brief")]
    stages = {}

    def stage(name: str, *call: Any) -> Any:
        began = time.perf_counter()
        answer = call[0](*call[1:])
        seconds = time.perf_counter() - began
        server.send("count")
        stages[name] = (sum(Counter(server.recv()).values()), seconds)
        return answer

    busy = stage("busy", calendar.busy, people, within, [])
    booked = stage("book", calendar.put, invites)
    seen = stage("look", calendar.look, [_meeting(invite) for invite in invites])
    sent = stage("send", mailer.send, mails)
    ours = [_meeting(one) for one in invites]
    stage("closer", calendar.busy, people, within, ours)
    idle = stage("idle", calendar.busy, people, within, ours)
    hours = stage("+hours", calendar.busy, silent, within, ours)
    stages["+hours"] = (stages["+hours"][0] - stages["idle"][0], 0.0)
    assert len(busy) == len(idle) == len(hours) == len(people)
    assert all(isinstance(result, Done) for result in [*booked.values(), *sent.values()])
    assert all(observed.present for observed in seen.values())
    return stages


def _print(company: Company, size: int, stages: dict[str, tuple[int, float]], cpu: float) -> None:
    number = len(company.pairs)
    cold = {name: stages[name] for name in ("busy", "book", "look", "send")}
    total = sum(requests for requests, _ in cold.values())
    seconds = sum(spent for _, spent in cold.values())
    bound = least(number, len(company.people), size)
    said = ", ".join(f"{name} {requests}" for name, (requests, _) in stages.items())
    floor = sum(math.ceil(requests / AT_ONCE) for requests, _ in cold.values()) * LATENCY
    floor += LATENCY  # the token comes before everything else
    print(f"{number:4} {size:4}  {said:66}  {total:5}  {bound:5}  {total / bound:5.2f}"
          f"   {seconds:7.2f}  {floor:5.2f}  {seconds / floor:5.2f}  {cpu:4.2f}")  # fmt: skip


def _serve(asked: Connection, people: list[Email]) -> None:
    with google_on_loopback() as double:
        for address in (SERVICE, *people):
            double.books.open_account(address)
        double.latency, double.strict = LATENCY, False
        asked.send((double.url, key_file()))
        while asked.recv() == "count":
            asked.send(double.arrived)
            double.arrived = []
        assert not double.complaints, double.complaints[:3]


def _config(url: str, secret: str, folder: Path, size: int) -> Config:
    key = folder / "google.json"
    key.write_text(secret)
    key.chmod(0o600)
    google = Google(
        subject=SERVICE,
        service_account="file:google.json",
        endpoint=url,
        token_endpoint=f"{url}/token",
        organizer="service",
        batch_size=size,
        in_flight=AT_ONCE,
        per_minute=10**6,
        per_user_per_minute=10**6,
        mails_per_minute=10**6,
    )
    return Config(
        root=folder,
        organization=Organization(name="Acme"),
        calendar=CalendarSection(kind="google"),
        mail=MailSection(kind="google", sender=SERVICE),
        google=google,
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
    )


def _meeting(invite: Invite) -> Meeting:
    assert invite.pair is not None
    return Meeting(invite.uid, invite.pair, 1, 0, Kind.FIRST, invite.start, invite.end, invite.zone)


def _mail(pair: Pair, name: str) -> Mail:
    content = f"From: {SERVICE}\r\nTo: {pair.employee}\r\nSubject: {name}\r\n\r\nHello\r\n"
    key = Key(f"letter:{name}:{pair.employee}")
    return Mail(key, Email(SERVICE), pair.employee, f"<{name}.{pair.employee}>", content.encode())
