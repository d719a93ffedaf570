"""Busy times and working hours out of getSchedule (Graph, calendar: getSchedule)."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connectors._graph_events import path
from connectors._graph_parts import Outcome, Part, Said
from connectors._graph_session import Graph
from connectors._graph_words import DENIED, code_of, meaning, unreadable
from connectors._graph_zones import moment, on_wire, working_hours
from daemon.core.domain import (
    Availability,
    Email,
    Hours,
    Interval,
    Meeting,
    Person,
    Reply,
    email,
)
from daemon.core.intervals import merge
from daemon.core.ports import CredentialsRefused, Unknown

PEOPLE = 20
"""The most people one call may ask about."""
LONGEST = timedelta(days=60)
"""Calls have to stay below 62 days."""
STEP = 15
"""Minutes a character of availabilityView stands for."""
WEIGHT = 4
"""Five calls a batch: twenty would answer with all that four hundred people do in two months."""
HOSTS = 3
"""How many mailboxes of a call are tried as the one that asks."""

_CONSENT = (
    "Microsoft lets the app into no calendar: grant Calendars.ReadWrite as an application "
    "permission with admin consent, or give it a scope by RBAC for Applications"
)
_FREE = frozenset({"free", "workingelsewhere"})
_FREE_VIEW = "04"


@dataclass(frozen=True, slots=True)
class Call:
    """One getSchedule: about whom, when, and through whose mailbox."""

    people: tuple[Email, ...]
    within: Interval
    host: int = 0

    @property
    def part(self) -> Part:
        """The same as a part of a batch."""
        body = {
            "schedules": list(self.people),
            "startTime": on_wire(self.within.start),
            "endTime": on_wire(self.within.end),
            "availabilityViewInterval": STEP,
        }
        url = path(self.people[self.host], "calendar/getSchedule")
        return Part("POST", url, body, weight=WEIGHT)


def busy(
    graph: Graph, people: Collection[Person], within: Interval, ours: Collection[Meeting]
) -> dict[Email, Availability | Unknown]:
    """Tell when each is busy, our own meetings left out. Raises `Trouble`, `CredentialsRefused`."""
    addresses = [person.email for person in people]
    answered = _ask(
        graph, [Call(some, span) for some in _twenties(addresses) for span in _spans(within)]
    )
    return {address: _joined(address, answered, within, ours) for address in addresses}


def _ask(graph: Graph, calls: Sequence[Call]) -> list[tuple[Call, Outcome]]:
    """Make the calls; where the mailbox that asked is refused, let another of the call ask."""
    answered: list[tuple[Call, Outcome]] = []
    while calls:
        came = list(zip(calls, graph.batch([c.part for c in calls], "getSchedule"), strict=True))
        again = [call for call, said in came if _refused(said) and _others(call)]
        answered += [(call, said) for call, said in came if call not in again]
        calls = [Call(call.people, call.within, call.host + 1) for call in again]
    _demand_consent(answered)
    return answered


def _demand_consent(answered: Sequence[tuple[Call, Outcome]]) -> None:
    """Raise where not one mailbox let us ask, and enough were tried: the app may read nobody."""
    denied = all(isinstance(said, Said) and code_of(said.body) in DENIED for _, said in answered)
    if denied and sum(call.host + 1 for call, _ in answered) >= HOSTS:
        raise CredentialsRefused(_CONSENT)


def _refused(said: Outcome) -> bool:
    return isinstance(said, Said) and not said.ok


def _others(call: Call) -> bool:
    return call.host + 1 < min(HOSTS, len(call.people))


def _joined(
    person: Email,
    answered: Sequence[tuple[Call, Outcome]],
    within: Interval,
    ours: Collection[Meeting],
) -> Availability | Unknown:
    """Put together what the calls say of one person; any doubt makes it unknown."""
    taken: Counter[Interval] = Counter()
    hours, zone = None, None
    for call, said in answered:
        if person not in call.people:
            continue
        entry = _entry(person, said)
        items = entry if isinstance(entry, Unknown) else _items(person, entry, call.within)
        if isinstance(entry, Unknown) or isinstance(items, Unknown):
            return entry if isinstance(entry, Unknown) else items  # type: ignore[return-value]
        taken |= Counter(items)  # what crosses the border of two calls is in both
        hours, zone = _more(hours, zone, entry)
    _leave_out(taken, person, ours, within)
    clipped = (_clipped(item, within) for item in taken if item.overlaps(within))
    return Availability(tuple(merge(clipped)), zone, hours)


def _more(
    hours: Hours | None, zone: ZoneInfo | None, entry: Mapping[str, Any]
) -> tuple[Hours | None, ZoneInfo | None]:
    stated, place = working_hours(entry.get("workingHours"))
    return hours or stated, zone or place


def _entry(person: Email, said: Outcome) -> Mapping[str, Any] | Unknown:
    """What an answer says of one person."""
    if not isinstance(said, Said):
        return Unknown(said.reason)
    if not said.ok:
        return Unknown(meaning(said.status, said.body, person).reason)
    listed = said.body.get("value") if isinstance(said.body, Mapping) else None
    for one in listed or []:
        if isinstance(one, Mapping) and email(str(one.get("scheduleId"))) == person:
            return Unknown(unreadable(code_of(one), person)) if one.get("error") else one
    return Unknown(f"{person}: Microsoft said nothing about this person")


def _items(person: Email, entry: Mapping[str, Any], within: Interval) -> list[Interval] | Unknown:
    """The stretches that are not free, from the items or, where they are kept back, the view."""
    listed, view = entry.get("scheduleItems"), str(entry.get("availabilityView") or "")
    if not listed and set(view) - set(_FREE_VIEW):
        return list(_blocks(view, within.start))
    if listed is None and not view:
        return Unknown(unreadable("", person))
    taken = [one for one in listed or [] if str(one.get("status")).lower() not in _FREE]
    spans = [(moment(one.get("start")), moment(one.get("end"))) for one in taken]
    read = [Interval(start, end) for start, end in spans if start and end]
    return read if len(read) == len(spans) else Unknown(unreadable("a time without sense", person))


def _blocks(view: str, start: datetime) -> Iterator[Interval]:
    step = timedelta(minutes=STEP)
    for number, mark in enumerate(view):
        if mark not in _FREE_VIEW:
            yield Interval(start + number * step, start + (number + 1) * step)


def _leave_out(
    taken: Counter[Interval], person: Email, ours: Collection[Meeting], within: Interval
) -> None:
    """Take our own meetings out, each once: another appointment at the very same time stays."""
    for meeting in ours:
        here = person in (meeting.pair.employee, meeting.pair.manager)
        if not here or meeting.replies.get(person) is Reply.DECLINED:
            continue  # declined, it takes no time: what stands there is something else
        for when in (meeting.when, _clipped(meeting.when, within)):
            if taken[when] > 0:
                taken[when] -= 1
                break
    taken += Counter()  # drops what has come to nothing


def _clipped(item: Interval, within: Interval) -> Interval:
    return Interval(max(item.start, within.start), min(item.end, within.end))


def _twenties(people: Sequence[Email]) -> list[tuple[Email, ...]]:
    return [tuple(people[at : at + PEOPLE]) for at in range(0, len(people), PEOPLE)]


def _spans(within: Interval) -> Iterator[Interval]:
    start = within.start
    while start < within.end:
        yield Interval(start, min(start + LONGEST, within.end))
        start += LONGEST
