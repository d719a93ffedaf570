"""When people are busy: by their events where those can be read, else by the blocks a scheduling
outbox tells of many people at once, else by each calendar's own free/busy.

Which way is open to whom is found out once and remembered for a day. Events tell which are ours;
out of anonymous blocks ours are cut.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from connectors._answers import NoAnswer
from connectors._dav import Dav
from connectors._dav_discovery import DAY
from connectors._dav_homes import Home
from connectors._dav_outbox import answers, question
from connectors._dav_shelves import Shelves, of_content, whole_months
from connectors._dav_words import NotDav
from connectors._readings import Readings, Shelf
from daemon.core.domain import Availability, Email, Interval, Meeting, Person
from daemon.core.intervals import merge
from daemon.core.ports import Permanent, Unknown

Answers = dict[Email, Availability | Unknown]
Homes = Mapping[Email, Home | NoAnswer]
EVENTS, OUTBOX, BLOCKS = "query", "outbox", "report"
WAYS = {"auto": (EVENTS, OUTBOX, BLOCKS), EVENTS: (EVENTS,), OUTBOX: (OUTBOX,), BLOCKS: (BLOCKS,)}
_OUTBOX = {"Content-Type": "text/calendar; charset=utf-8"}


class Availabilities:
    """Busy times by person."""

    def __init__(self, dav: Dav, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._dav, self._clock = dav, clock
        self._shelves = Shelves(dav)
        self._events = Readings(folder / "caldav-events.db")
        self._blocks = Readings(folder / "caldav-blocks.db")
        self._closed: dict[tuple[str, Email], tuple[float, str]] = {}
        """Ways that were refused to us, about whom: until when, and why."""

    @property
    def parsed(self) -> int:
        """How many contents were parsed so far."""
        return self._events.parsed + self._blocks.parsed

    def busy(
        self, people: Sequence[Person], within: Interval, ours: Collection[Meeting], homes: Homes
    ) -> Answers:
        """Tell when each is busy; whoever no way is open to is unknown."""
        told: Answers = {}
        for way in WAYS[self._dav.settings.free_busy]:
            rest = [person for person in people if person.email not in told]
            open_ = [person for person in rest if self._open(way, person.email)]
            told |= self._ask(way, open_, within, homes) if open_ else {}
            if way != EVENTS:
                told = self._without_ours(told, open_, within, ours, homes)
        return {person.email: self._complete(person.email, told, homes) for person in people}

    def _ask(self, way: str, people: Sequence[Person], within: Interval, homes: Homes) -> Answers:
        if way == OUTBOX:
            return self._through_outbox(people, within, homes)
        shelve = self._shelves.of_events if way == EVENTS else self._shelves.of_blocks
        asked = [(p, home) for p in people if isinstance(home := homes.get(p.email), Home)]
        found = self._dav.each(lambda row: shelve(row[1], row[0], within), asked)
        shelves = [shelf for shelf in found if isinstance(shelf, Shelf)]
        told = (self._events if way == EVENTS else self._blocks).busy(shelves, within)
        for (person, _), shelf in zip(asked, found, strict=True):
            if isinstance(shelf, NoAnswer):
                told |= self._refused(way, person.email, shelf)
        return told

    def _refused(self, way: str, who: Email, error: NoAnswer) -> Answers:
        """A way that is closed leaves the next one; one that fails for now leaves us waiting."""
        if not isinstance(error.result, Permanent):
            return {who: Unknown(error.reason)}
        self._close(way, who, error.reason)
        return {}

    # --- the outbox -------------------------------------------------------------------------

    def _through_outbox(self, people: Sequence[Person], within: Interval, homes: Homes) -> Answers:
        askers = [home for home in homes.values() if isinstance(home, Home)]
        asker = next((home for home in askers if home.principal.outbox), None)
        if asker is None:
            return {}
        size = self._dav.settings.people_per_query
        chunks = [people[first : first + size] for first in range(0, len(people), size)]
        shelves: list[Shelf] = []
        lost: Answers = {}
        found = self._dav.each(lambda chunk: self._posted(asker, chunk, within), chunks)
        for chunk, said in zip(chunks, found, strict=True):
            for person in chunk:
                if isinstance(said, NoAnswer):
                    lost |= self._refused(OUTBOX, person.email, said)
                elif person.email in said:
                    shelves.append(of_content(person, said[person.email]))
                else:
                    self._close(OUTBOX, person.email, "the outbox does not tell of them")
        return {**lost, **self._blocks.busy(shelves, within)}

    def _posted(
        self, asker: Home, chunk: Sequence[Person], within: Interval
    ) -> Mapping[Email, bytes]:
        """Nobody, where the server has an outbox that cannot be asked."""
        body = question(asker.who, [person.email for person in chunk], whole_months(within))
        url = asker.principal.outbox
        answer = self._dav.ask(asker.account, "POST", url, _OUTBOX, body, again=False)
        try:
            return answers(answer.body) if answer.ok else {}
        except NotDav:
            return {}

    # --- ours -------------------------------------------------------------------------------

    def _without_ours(
        self,
        told: Answers,
        people: Sequence[Person],
        within: Interval,
        ours: Collection[Meeting],
        homes: Homes,
    ) -> Answers:
        """Look into blocks that touch a meeting of ours, or cut ours out where nobody lets us."""
        mine = by_person(ours)
        doubtful = [
            person
            for person in people
            if isinstance(answer := told.get(person.email), Availability)
            and any(one.overlaps(two) for one in answer.busy for two in mine.get(person.email, ()))
        ]
        curious = [person for person in doubtful if self._open(EVENTS, person.email)]
        seen = self._ask(EVENTS, curious, within, homes) if curious else {}
        for person in doubtful:
            answer = told[person.email]
            assert isinstance(answer, Availability)
            cut = replace(answer, busy=minus(answer.busy, mine[person.email]))
            better = seen.get(person.email)
            told[person.email] = better if isinstance(better, Availability) else cut
        return told

    # --- the end ----------------------------------------------------------------------------

    def _complete(self, who: Email, told: Answers, homes: Homes) -> Availability | Unknown:
        home = homes.get(who)
        answer = told.get(who)
        if answer is None:
            why = home.reason if isinstance(home, NoAnswer) else self._why_closed(who)
            return Unknown(why)
        if isinstance(answer, Availability) and isinstance(home, Home):
            return replace(answer, zone=home.zone, hours=home.hours)
        return answer

    def _open(self, way: str, who: Email) -> bool:
        return self._closed.get((way, who), (0.0, ""))[0] <= self._clock()

    def _close(self, way: str, who: Email, why: str) -> None:
        self._closed[way, who] = (self._clock() + DAY, why)

    def _why_closed(self, who: Email) -> str:
        reasons = [why for (_, about), (_, why) in self._closed.items() if about == who]
        said = "; ".join(dict.fromkeys(reasons))
        return said or f"the calendar server does not tell when {who} is busy"


def by_person(ours: Iterable[Meeting]) -> dict[Email, list[Interval]]:
    """The times of our meetings by who takes part."""
    mine: dict[Email, list[Interval]] = {}
    for meeting in ours:
        for who in (meeting.pair.employee, meeting.pair.manager):
            mine.setdefault(who, []).append(meeting.when)
    return mine


def minus(blocks: Iterable[Interval], ours: Iterable[Interval]) -> tuple[Interval, ...]:
    """What of some blocks lies outside our meetings."""
    left = list(blocks)
    for one in merge(ours):
        left = [piece for block in left for piece in _around(block, one)]
    return tuple(left)


def _around(block: Interval, one: Interval) -> Iterable[Interval]:
    if not block.overlaps(one):
        return (block,)
    parts = Interval(block.start, one.start), Interval(one.end, block.end)
    return tuple(part for part in parts if part.start < part.end)
