"""Microsoft 365 in figures: requests of a cold cycle beside the least possible, and their time.

A cold cycle of N pairs: read when everybody is busy, book N meetings, look at them, send three
letters a pair. The least counts a letter as two calls (draft, send), since that is what makes a
lost answer mendable. The server is a local Graph in a process of its own that answers after 50 ms.
"""

import logging
import math
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import structlog

from connectors._graph_calendar import GraphCalendar
from connectors._graph_mail import GraphMailer
from connectors._graph_session import Graph
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
from tests.doubles.microsoft import microsoft

LATENCY = 0.050
IN_FLIGHT = 4
SENDER = Email("careloop@acme.example")
START = datetime(2027, 3, 2, 8, tzinfo=UTC)
LETTERS = ("prep", "summary", "summary for the manager")


def run() -> None:
    """Print requests and times for 10, 100 and 1,000 pairs."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    print("   N  stage: requests                                   total  least  ratio"
          "   seconds  least  ratio")  # fmt: skip
    for number in (10, 100, 1000):
        pairs = [_pair(index) for index in range(number)]
        _print(pairs, _measured(pairs))


def least(number: int, people: int) -> dict[str, int]:
    """The fewest requests of each stage: batches of twenty, twenty people a getSchedule."""
    return {
        "token": 1,
        "busy": math.ceil(math.ceil(people / 20) / 20),
        "book": math.ceil(number / 20),
        "look": math.ceil(number / 20),
        "send": 2 * math.ceil(len(LETTERS) * number / 20),
    }


Stages = dict[str, tuple[int, float]]


def _measured(pairs: Sequence[Pair]) -> Stages:
    here, there = multiprocessing.Pipe()
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = spawn.Process(target=_serve, args=(there, folder, _people(pairs)), daemon=True)
        server.start()
        graph = Graph(here.recv(), folder)
        stages = _cycle(graph, pairs, lambda: _count(here))
        graph.close()
        here.send("over")
        server.join()
    return stages


def _cycle(graph: Graph, pairs: Sequence[Pair], count: Callable[[], int]) -> Stages:
    """One cold cycle and a second turn that has nothing to do; requests and seconds by stage."""
    calendar, mailer = GraphCalendar(graph), GraphMailer(graph)
    people = [Person(who, "Somebody") for who in _people(pairs)]
    within = Interval(START, START + timedelta(days=45))
    invites = [_invite(pair, index) for index, pair in enumerate(pairs)]
    meetings = [_meeting(invite) for invite in invites]
    mails = [_mail(pair, name) for pair in pairs for name in LETTERS]
    stages: Stages = {}

    def stage(name: str, call: Callable[..., Any], *given: object) -> Any:
        began = time.perf_counter()
        answer = call(*given)
        stages[name] = (count(), time.perf_counter() - began)
        return answer

    stage("token", graph._tokens.bearer)
    busy = stage("busy", calendar.busy, people, within, [])
    _demand(stage("book", calendar.put, invites))
    seen = stage("look", calendar.look, meetings)
    _demand(stage("send", mailer.send, mails))
    _demand(stage("again", calendar.put, [replace(one, fresh=False) for one in invites]))
    assert len(busy) == len(people)
    assert all(one.present for one in seen.values())
    return stages


def _demand(results: Mapping[Any, object]) -> None:
    assert all(isinstance(result, Done) and not result.found for result in results.values())


def _print(pairs: Sequence[Pair], stages: Stages) -> None:
    """Discovery is one call a process and not counted; `again` is the unchanged second turn."""
    bounds = least(len(pairs), len(_people(pairs)))
    requests = {name: stages[name][0] - (name == "token") for name in bounds}
    total, bound = sum(requests.values()), sum(bounds.values())
    floor = sum(_rounds(name, count) for name, count in requests.items()) * LATENCY
    seconds = sum(stages[name][1] for name in bounds) - LATENCY
    said = ", ".join(f"{name} {count}" for name, count in requests.items())
    said += f", again {stages['again'][0]}"
    print(f"{len(pairs):4}  {said:50}  {total:5}  {bound:5}  {total / bound:5.2f}"
          f"   {seconds:7.2f}  {floor:5.2f}  {seconds / floor:5.2f}")  # fmt: skip


def _rounds(stage: str, requests: int) -> int:
    """How often one has to wait for an answer: no letter is sent before its draft is written."""
    steps = [requests - requests // 2, requests // 2] if stage == "send" else [requests]
    return sum(math.ceil(step / IN_FLIGHT) for step in steps)


def _serve(asked: Connection, folder: Path, people: Sequence[Email]) -> None:
    with microsoft(folder) as double:
        for address in (SENDER, *people):
            double.books.mailbox(address)
        double.latency = LATENCY
        asked.send(double.settings(folder / "secret", in_flight=IN_FLIGHT))
        while asked.recv() == "count":
            asked.send(len(double.requests()))
            double.asked.clear()


def _count(server: Connection) -> int:
    server.send("count")
    return int(server.recv())


def _people(pairs: Sequence[Pair]) -> list[Email]:
    return sorted({who for pair in pairs for who in (pair.employee, pair.manager)})


def _pair(index: int) -> Pair:
    return Pair(Email(f"e{index:04}@acme.example"), Email(f"m{index // 10:03}@acme.example"))


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


def _mail(pair: Pair, name: str) -> Mail:
    mark = f"<{name.replace(' ', '.')}.{pair.employee}>"
    head = f"From: {SENDER}\r\nTo: {pair.employee}\r\nSubject: {name}\r\nMessage-ID: {mark}"
    content = f"{head}\r\n\r\nHello\r\n".encode()
    return Mail(Key(f"letter:{name}:{pair.employee}"), SENDER, pair.employee, mark, content)
