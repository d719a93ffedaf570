"""When people are busy: freebusy for many at once, with our own meetings left out."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from connectors._google_events import blocks, event_id, when
from connectors._google_hours import Profiles
from connectors._google_transport import Call, Reply, Workspace
from connectors._google_words import UNREADABLE, Failure
from daemon.core.domain import Availability, Email, Interval, Meeting, Person
from daemon.core.intervals import merge
from daemon.core.ports import Unknown

CALENDARS = 50
"""Calendars in one freebusy query (calendarExpansionMax)."""
SPAN = timedelta(days=60)
"""The longest stretch asked for at once; Google refuses ones that are much longer."""
LISTED = 250
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SOON = timedelta(days=3)

_FIELDS = (
    "timeZone,nextPageToken,items(id,status,start,end,transparency,eventType,"
    "attendees(self,responseStatus))"
)

Blocks = dict[Email, list[Interval] | Unknown]


class Availabilities:
    """Busy times, working hours and zones, read as one account and, where that account is shut
    out, as the person."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._surface = workspace.calendar()
        self._reader = Email(workspace.settings.subject)
        self._profiles = Profiles(self._surface, workspace.clock)
        self._seen: dict[tuple[Email, Interval], tuple[datetime, list[Interval]]] = {}
        """What stands in blocks beside our meetings, and when (by the asked span) it was seen."""

    def busy(
        self, people: Collection[Person], within: Interval, ours: Collection[Meeting]
    ) -> Mapping[Email, Availability | Unknown]:
        """See `Calendar.busy`."""
        everybody = sorted({person.email for person in people})
        curious = self._profiles.stale(people)
        taken, shut_out = self._as_reader(everybody, curious, within)
        taken |= self._as_themselves(shut_out, curious, within)
        self._leave_out(taken, within, ours)
        return {one.email: self._told(one, taken[one.email], within) for one in people}

    def _as_reader(
        self, everybody: Sequence[Email], curious: Sequence[Email], within: Interval
    ) -> tuple[Blocks, list[Email]]:
        """Ask for everybody at once; the second answer names whom the reader may not see."""
        asked = [
            (chunk, span) for chunk in _chunks(everybody, CALENDARS) for span in _spans(within)
        ]
        calls = [self._query(self._reader, chunk, span) for chunk, span in asked]
        calls += [self._profiles.call(self._reader, who) for who in curious]
        replies = self._workspace.run(self._surface, calls) if calls else []
        self._profiles.learn(zip(curious, replies[len(asked) :], strict=True))
        taken: Blocks = {}
        shut_out: set[Email] = set()
        for (chunk, _), reply in zip(asked, replies, strict=False):
            for who in chunk:
                found, hidden = _blocks_of(who, reply)
                taken[who] = _joined(taken.get(who, []), found)
                shut_out |= {who} if hidden else set()
        return taken, sorted(shut_out)

    def _as_themselves(
        self, people: Sequence[Email], curious: Sequence[Email], within: Interval
    ) -> Blocks:
        asked = [(who, span) for who in people for span in _spans(within)]
        curious = [who for who in people if who in curious]
        calls = [self._query(who, [who], span) for who, span in asked]
        calls += [self._profiles.call(who, who) for who in curious]
        replies = self._quietly(calls)
        self._profiles.learn(zip(curious, replies[len(asked) :], strict=True))
        taken: Blocks = {}
        for (who, _), reply in zip(asked, replies, strict=False):
            found, _hidden = _blocks_of(who, reply)
            taken[who] = _joined(taken.get(who, []), found)
        return taken

    def _leave_out(self, taken: Blocks, within: Interval, ours: Collection[Meeting]) -> None:
        """Take our own meetings out: a block that touches one of ours may hide somebody else's
        event, even where it is just as long, so its events are looked at."""
        mine = _ours_by_person(ours)
        doubts: list[tuple[Email, Interval]] = []
        for who, found in taken.items():
            if isinstance(found, list):
                kept, doubtful = parted(found, mine.get(who, ()))
                taken[who] = kept
                doubts += [(who, block) for block in doubtful]
        self._look_closer(doubts, within.start, {event_id(meeting.uid) for meeting in ours})
        for who, block in doubts:
            rest = taken[who]
            assert isinstance(rest, list)
            seen = self._seen.get((who, block))
            rest += seen[1] if seen else _minus(block, mine[who])

    def _look_closer(
        self, doubts: Iterable[tuple[Email, Interval]], now: datetime, ids: Collection[str]
    ) -> None:
        """Learn what else a block consists of, where that was not learned within the hour (or,
        of one that lies days ahead, within the day): each look may cost a token, too."""
        self._seen = {
            (who, block): (at, others)
            for (who, block), (at, others) in self._seen.items()
            if at <= now < at + (HOUR if block.start < now + SOON else DAY)
        }
        new = [doubt for doubt in dict.fromkeys(doubts) if doubt not in self._seen]
        replies = self._quietly([self._listing(who, block) for who, block in new])
        for (who, block), reply in zip(new, replies, strict=True):
            others = _others(reply, block, ids)
            if others is not None:
                self._seen[who, block] = (now, others)

    def _quietly(self, calls: Sequence[Call]) -> list[Reply]:
        """Make calls as people who may all be refused without that being our trouble."""
        return self._workspace.run(self._surface, calls, ours=False) if calls else []

    def _query(self, subject: Email, people: Sequence[Email], span: Interval) -> Call:
        asked = {
            "timeMin": _stamp(span.start),
            "timeMax": _stamp(span.end),
            "timeZone": "UTC",
            "calendarExpansionMax": CALENDARS,
            "items": [{"id": who} for who in people],
        }
        return Call(subject, self._surface.api.freebusy.query(body=asked), "calendars")

    def _listing(self, who: Email, block: Interval) -> Call:
        asked = self._surface.api.events.list(
            calendarId="primary",
            timeMin=_stamp(block.start),
            timeMax=_stamp(block.end),
            singleEvents=True,
            maxResults=LISTED,
            fields=_FIELDS,
        )
        return Call(who, asked, "items")

    def _told(
        self, person: Person, found: list[Interval] | Unknown, within: Interval
    ) -> Availability | Unknown:
        if isinstance(found, Unknown):
            return found
        profile = self._profiles.known(person)
        if isinstance(profile, Unknown):
            return profile
        inside = [
            Interval(max(one.start, within.start), min(one.end, within.end))
            for one in found
            if one.overlaps(within)
        ]
        return Availability(tuple(merge(inside)), profile.zone, profile.hours)


def parted(
    found: Iterable[Interval], ours: Collection[Interval]
) -> tuple[list[Interval], list[Interval]]:
    """Part busy blocks into those that have nothing to do with our meetings, and the others."""
    kept: list[Interval] = []
    doubtful: list[Interval] = []
    for block in found:
        (doubtful if any(one.overlaps(block) for one in ours) else kept).append(block)
    return kept, doubtful


def _others(reply: Reply, block: Interval, ids: Collection[str]) -> list[Interval] | None:
    """What of a block others occupy; None: it could not be found out."""
    if isinstance(reply, Failure) or reply.get("nextPageToken"):
        return None
    zone = str(reply.get("timeZone") or "UTC")
    try:
        events = [one for one in reply["items"] if one["id"] not in ids]
        times = [when(one, zone) for one in events if blocks(one)]
    except UNREADABLE:
        return None
    return [
        Interval(max(one.start, block.start), min(one.end, block.end))
        for one in times
        if one.overlaps(block)
    ]


def _minus(block: Interval, ours: Iterable[Interval]) -> list[Interval]:
    """What of a block lies outside our meetings."""
    rest = []
    start = block.start
    for one in merge(one for one in ours if one.overlaps(block)):
        rest.append(Interval(start, max(start, one.start)))
        start = max(start, one.end)
    rest.append(Interval(start, max(start, block.end)))
    return [one for one in rest if one.start < one.end]


def _blocks_of(who: Email, reply: Reply) -> tuple[list[Interval] | Unknown, bool]:
    """One person's part of a freebusy answer; the second answer: ask again as the person."""
    if isinstance(reply, Failure):
        return Unknown(reply.result.reason), False
    try:
        calendars = {str(name).lower(): said for name, said in reply["calendars"].items()}
        said = calendars.get(who, {"errors": [{"reason": "notFound"}]})
        if said.get("errors"):
            code = str(said["errors"][0].get("reason", "unknown"))
            return Unknown(f"Google does not tell when {who} is busy ({code}): {_CURE}"), True
        return [_interval(one) for one in said["busy"]], False
    except UNREADABLE:
        return Unknown(f"Google's answer for {who} could not be read"), False


_CURE = "share free/busy within the organisation, or correct the address in the roster"


def _interval(said: Mapping[str, str]) -> Interval:
    start, end = (datetime.fromisoformat(said[name]) for name in ("start", "end"))
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("a time without an offset")
    return Interval(start.astimezone(UTC), end.astimezone(UTC))


def _joined(
    one: list[Interval] | Unknown, other: list[Interval] | Unknown
) -> list[Interval] | Unknown:
    """Two spans of one person; unknown in one is unknown."""
    if isinstance(one, Unknown):
        return one
    return other if isinstance(other, Unknown) else one + other


def _ours_by_person(ours: Iterable[Meeting]) -> dict[Email, list[Interval]]:
    mine: dict[Email, list[Interval]] = {}
    for meeting in ours:
        for who in (meeting.pair.employee, meeting.pair.manager):
            mine.setdefault(who, []).append(meeting.when)
    return mine


def _spans(within: Interval) -> Iterator[Interval]:
    start = within.start
    while start < within.end:
        yield Interval(start, min(start + SPAN, within.end))
        start += SPAN


def _chunks(people: Sequence[Email], size: int) -> Iterator[Sequence[Email]]:
    for start in range(0, len(people), size):
        yield people[start : start + size]


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
