"""One manager's meetings spread over the days: each new one along the cheapest chain of moves."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from daemon.core.desk import Load
from daemon.core.intervals import Span
from daemon.core.packing import fits
from daemon.core.preferences import COMPANY, UNPLACED
from daemon.core.request import SCALE, Option, Request


class Step(NamedTuple):
    """A request that needs a place, because the one before it in the chain takes its own."""

    request: Request
    cost: int
    before: "Step | None" = None
    takes: Option | None = None
    """What `before` takes here."""
    met: frozenset[Span] = frozenset()
    """The days the chain has touched; it touches each once."""

    def chain(self) -> Iterator["Step"]:
        """This step and those that led to it."""
        step: Step | None = self
        while step:
            yield step
            step = step.before


class Assignment:
    """Which of a manager's requests stands on which day; counted in the manager's load."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._on: dict[Span, list[Request]] = defaultdict(list)
        self._tight = False
        """Something did not fit, so that a chain may have been missed."""

    def days(self) -> Iterator[Sequence[Request]]:
        """The requests of each day."""
        return (found for found in self._on.values() if found)

    def settle(self, requests: Sequence[Request]) -> None:
        """Give every request the best place; where days were tight, move some again while that
        helps."""
        for request in sorted(requests, key=lambda one: one.due.minutes):
            self._insert(request, UNPLACED * SCALE)
        while self._tight and sum(self._improve(request) for request in requests):
            pass

    def _improve(self, request: Request) -> bool:
        option = request.chosen
        if option is None:
            return self._insert(request, UNPLACED * SCALE)
        paid = option.cost + COMPANY * SCALE * (self._count(option.span) - 1)
        if paid < SCALE:
            return False
        self._leave(request)
        if self._insert(request, paid):
            return True
        self._take(request, option)
        return False

    def _insert(self, request: Request, below: int) -> bool:
        """Place a request along the cheapest chain, if that costs less than `below`."""
        found = self._search(request, below)
        if found is None:
            return False
        step, option = found
        moves = []
        for one in step.chain():
            moves.append((one.request, option))
            option = one.takes
            if one.before:
                self._leave(one.request)
        for moved, to in moves:
            if to:
                self._take(moved, to)
        return True

    def _search(self, request: Request, below: int) -> tuple[Step, Option | None] | None:
        """Find the cheapest chain, if it costs less than `below`: a label-correcting search over
        the requests that are displaced."""
        found: tuple[Step, Option | None] | None = None
        cheapest = {request: 0}
        queue = [Step(request, 0)]
        for step in queue:
            if step.cost > cheapest[step.request]:
                continue
            if step.before and step.cost + UNPLACED * SCALE < below:
                below, found = step.cost + UNPLACED * SCALE, (step, None)
            if end := self._end(step, below):
                below, found = end[0], (step, end[1])
            queue += self._displaced(step, cheapest, below)
        return found

    def _end(self, step: Step, below: int) -> tuple[int, Option] | None:
        """The cheapest day with room where the chain can end."""
        found: tuple[int, Option] | None = None
        request, paid, met = step.request, step.cost, step.met
        number = 0
        while option := request.option(number, below - paid):
            number += 1
            company = paid + COMPANY * SCALE * self._count(option.span)
            if option.price + company >= below or option.span in met:
                continue
            total = option.cost + company
            if total < below and self._room(option.span) and self._fits(option):
                below, found = total, (total, option)
        return found

    def _displaced(self, step: Step, cheapest: dict[Request, int], below: int) -> Iterator[Step]:
        """The chains that go on by taking somebody's place.

        Whoever gives way had no better place to go to, or would be there: going on costs at
        least what company the day has without them.
        """
        below = below // SCALE * SCALE  # nobody gives way for a wish
        paid, met = step.cost, step.met
        for option in step.request.found:
            if paid + option.price >= below:
                break
            span = option.span
            if not (on := self._on.get(span)) or span in met:
                continue
            if paid + option.price + COMPANY * SCALE * (self._count(span) - 1) >= below:
                continue
            for other in on:
                if other.chosen is None or other is step.request:
                    continue
                cost = paid + option.cost - other.chosen.cost
                if cost < cheapest.get(other, below) and self._fits(option, other):
                    cheapest[other] = cost
                    yield Step(other, cost, step, option, met | {span})

    def _count(self, span: Span) -> int:
        return self._load.days[span.day]

    def _room(self, span: Span) -> bool:
        if self._load.day_is_full(span.day):
            return False
        full = self._load.week_is_full(span.day)
        self._tight |= full
        return not full

    def _fits(self, option: Option, instead: Request | None = None) -> bool:
        on = self._on.get(option.span, ())
        items = [one.chosen.item for one in on if one.chosen and one is not instead]
        if not items:
            return True
        fit = fits([option.item, *items])
        self._tight |= not fit
        return fit

    def _take(self, request: Request, option: Option) -> None:
        request.chosen = option
        self._on[option.span].append(request)
        self._load.add(option.span.day)

    def _leave(self, request: Request) -> None:
        if request.chosen:
            self._on[request.chosen.span].remove(request)
            self._load.add(request.chosen.span.day, -1)
            request.chosen = None
