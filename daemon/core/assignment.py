"""One manager's meetings spread over the days: each new one along the cheapest chain of moves."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from daemon.core.desk import Load
from daemon.core.intervals import Span
from daemon.core.packing import Item, fits
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
        self._on: dict[Span, dict[Request, Option]] = defaultdict(dict)
        self._fit: dict[tuple[Item, ...], bool] = {}
        self._rest: dict[Request, int] = {}
        """What another place for a request costs at least, learnt from the searches before; it
        only rises while meetings are added."""
        self._tight = False
        """Something did not fit, so that a chain may have been missed."""

    def days(self) -> Iterator[Collection[Request]]:
        """The requests of each day."""
        return (found.keys() for found in self._on.values() if found)

    def settle(self, requests: Sequence[Request]) -> None:
        """Give every request the best place; where days were tight, move some again while that
        helps."""
        self._insert_all(sorted(requests, key=lambda one: one.due.minutes))
        if not all(request.chosen for request in requests):
            self._start_over(requests)
        while self._tight and sum(self._improve(request) for request in requests):
            pass

    def _insert_all(self, requests: Sequence[Request]) -> None:
        for request in requests:
            self._insert(request, UNPLACED * SCALE)

    def _start_over(self, requests: Sequence[Request]) -> None:
        """Not everybody found a place: try whether more do if those with the least choice come
        first."""
        before = self._clear(requests)
        self._insert_all(sorted(requests, key=lambda one: one.choice()))
        if sum(one.chosen is not None for one in requests) <= len(before):
            self._clear(requests)
            for request, option in before:
                self._take(request, option)

    def _clear(self, requests: Sequence[Request]) -> list[tuple[Request, Option]]:
        """Take all of them off their days; tell which those were."""
        before = [(request, request.chosen) for request in requests if request.chosen]
        for request in requests:
            self._leave(request)
        self._rest.clear()
        return before

    def _improve(self, request: Request) -> bool:
        option = request.chosen
        if option is None:
            return self._insert(request, UNPLACED * SCALE)
        paid = option.cost + COMPANY * SCALE * (self._load.days[option.span.day] - 1)
        if paid < SCALE:
            return False
        self._leave(request)
        self._rest.clear()
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
        self._learn(queue, below // SCALE * SCALE)
        return found

    def _learn(self, steps: Sequence[Step], cheapest: int) -> None:
        """No chain through these steps costs less than the cheapest one."""
        for step in steps:
            if cheapest - step.cost > self._rest.get(step.request, 0):
                self._rest[step.request] = cheapest - step.cost

    def _end(self, step: Step, below: int) -> tuple[int, Option] | None:
        """The cheapest day with room where the chain can end."""
        best: tuple[int, Option] | None = None
        request, paid, met, crowd = step.request, step.cost, step.met, self._load.days
        found, number = request.found, 0
        while number < len(found) or request.look_on(below - paid):
            option = found[number]
            number += 1
            if paid + option.price >= below:
                break
            company = paid + COMPANY * SCALE * crowd[option.span.day]
            if company + option.price >= below or option.span in met:
                continue
            total = option.cost + company
            if total < below and self._room(option.span) and self._fits(option):
                below, best = total, (total, option)
        return best

    def _displaced(self, step: Step, cheapest: dict[Request, int], below: int) -> Iterator[Step]:
        """The chains that go on by taking somebody's place.

        Whoever gives way had no better place to go to, or would be there: going on costs at
        least what company the day has without them.
        """
        below = below // SCALE * SCALE  # nobody gives way for a wish
        paid, met, crowd = step.cost, step.met, self._load.days
        for option in step.request.found:
            if paid + option.price >= below:
                break
            span = option.span
            if not (on := self._on.get(span)) or span in met:
                continue
            if paid + option.price + COMPANY * SCALE * (crowd[span.day] - 1) >= below:
                continue
            so_far = paid + option.cost
            for other, stands in on.items():
                cost = so_far - stands.cost
                if cost >= cheapest.get(other, below) or cost + self._rest.get(other, 0) >= below:
                    continue
                if other is not step.request and self._fits(option, other):
                    cheapest[other] = cost
                    yield Step(other, cost, step, option, met | {span})

    def _room(self, span: Span) -> bool:
        if self._load.day_is_full(span.day):
            return False
        full = self._load.week_is_full(span.day)
        self._tight |= full
        return not full

    def _fits(self, option: Option, instead: Request | None = None) -> bool:
        """Tell whether the day has room for one more, or for one instead of another."""
        on = self._on.get(option.span)
        if not on or (len(on) == 1 and instead in on):
            return True
        others = [stands.item for one, stands in on.items() if one is not instead]
        items = (option.item, *others)
        if (fit := self._fit.get(items)) is None:
            fit = self._fit[items] = fits(items)
        self._tight |= not fit
        return fit

    def _take(self, request: Request, option: Option) -> None:
        request.chosen = option
        self._on[option.span][request] = option
        self._load.add(option.span.day)

    def _leave(self, request: Request) -> None:
        if request.chosen:
            del self._on[request.chosen.span][request]
            self._load.add(request.chosen.span.day, -1)
            request.chosen = None
