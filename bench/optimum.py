"""The exact optimum of some meetings by HiGHS (scipy.optimize.milp): the yardstick."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from daemon.core.desk import Desk
from daemon.core.domain import Cadence, Due, Email, Pair
from daemon.core.intervals import indexes
from daemon.core.preferences import COMPANY, LATE, UNPLACED, price
from daemon.core.request import Option, Request


@dataclass(frozen=True)
class Cost:
    """The objective in its parts: how many are without a meeting, how many late, and the rest:
    days from the preferred day and company."""

    unplaced: int
    late: int
    rest: int

    @property
    def total(self) -> int:
        """The objective."""
        return UNPLACED * self.unplaced + LATE * self.late + self.rest

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.unplaced + other.unplaced, self.late + other.late, self.rest + other.rest)


class Model:
    """A mixed integer program that grows by columns and rows."""

    def __init__(self) -> None:
        self.costs: list[float] = []
        self.whole: list[int] = []
        self.rows: list[tuple[dict[int, float], float, float]] = []

    def column(self, cost: float, whole: bool = True) -> int:
        """Add a variable between 0 and 1."""
        self.costs.append(cost)
        self.whole.append(int(whole))
        return len(self.costs) - 1

    def row(self, columns: Sequence[int], at_most: float, at_least: float = -np.inf) -> None:
        """Bound the sum of some variables."""
        self.rows.append((dict.fromkeys(columns, 1.0), at_least, at_most))

    def solve(self) -> np.ndarray:
        """The cheapest assignment."""
        entries = [(n, c, v) for n, (row, _, _) in enumerate(self.rows) for c, v in row.items()]
        rows, columns, values = zip(*entries, strict=True)
        matrix = csr_array((values, (rows, columns)), shape=(len(self.rows), len(self.costs)))
        limits = LinearConstraint(
            matrix, [low for _, low, _ in self.rows], [high for _, _, high in self.rows]
        )
        found = milp(
            self.costs, integrality=self.whole, bounds=Bounds(0, 1), constraints=limits,
            options={"mip_rel_gap": 0},
        )  # fmt: skip
        assert found.success, found.message
        return np.asarray(found.x)


Chosen = list[tuple[int, Request, Option | None, int]]
"""Columns: what they stand for, an option of a request at one of its starts; None: unplaced."""


def optimum(desk: Desk, dues: Sequence[Due], by_start: bool) -> Cost:
    """The cheapest way to place these meetings.

    `by_start` regards every start, so that no two meetings touch; without it only days and
    limits count, which is far cheaper to solve and never a dearer answer.
    """
    model = Model()
    chosen: Chosen = []
    for request in map(desk.request, dues):
        mine: Chosen = [(model.column(UNPLACED), request, None, 0)]
        for option in request.options():
            cost = price(request.due.window, option.at.day)
            starts = indexes(option.mask) if by_start else iter((0,))
            mine += [(model.column(cost), request, option, start) for start in starts]
        model.row([column for column, *_ in mine], 1, 1)
        chosen += mine
    _limit(model, chosen, desk.cadence)
    if by_start:
        _keep_apart(model, chosen)
    solution = model.solve()
    return _cost([one[1:3] for one in chosen if solution[one[0]] > 0.5])


def _limit(model: Model, chosen: Chosen, cadence: Cadence) -> None:
    days, weeks = defaultdict(list), defaultdict(list)
    for column, request, option, _ in chosen:
        if option:
            manager, day = request.due.pair.manager, option.span.day
            days[manager, day].append(column)
            weeks[manager, day.isocalendar()[:2]].append(column)
    for columns in weeks.values():
        model.row(columns, cadence.max_per_week)
    for columns in days.values():
        model.row(columns, cadence.max_per_day)
        more = {
            model.column(COMPANY * number, whole=False): -1.0
            for number in range(1, cadence.max_per_day)
        }
        model.rows.append((dict.fromkeys(columns, 1.0) | more, -np.inf, 1))


def _keep_apart(model: Model, chosen: Chosen) -> None:
    """At most one meeting covers any point of anybody's grid."""
    covering: dict[tuple[Email, datetime], list[int]] = defaultdict(list)
    pairs: dict[tuple[Email, datetime], set[Pair]] = defaultdict(set)
    for column, request, option, start in chosen:
        if option:
            pair = request.due.pair
            for cell in range(start, start + request.length):
                for who in (pair.employee, pair.manager):
                    covering[who, option.span.at(cell)].append(column)
                    pairs[who, option.span.at(cell)].add(pair)
    for key, columns in covering.items():
        if len(pairs[key]) > 1:
            model.row(columns, 1)


def _cost(found: Sequence[tuple[Request, Option | None]]) -> Cost:
    placed = [(request.due, option) for request, option in found if option]
    late = sum(option.at.day > due.window.latest for due, option in placed)
    crowd: dict[object, int] = defaultdict(int)
    rest = -LATE * late
    for due, option in placed:
        day = (due.pair.manager, option.span.day)
        rest += price(due.window, option.at.day) + COMPANY * crowd[day]
        crowd[day] += 1
    return Cost(len(found) - len(placed), late, rest)
