"""Planning: how near to the optimum, how much cheaper than a scan and than an exact solver."""

import gc
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.companies import Company, a_company
from bench.optimum import Cost, optimum
from bench.scan import World, scan
from daemon.core.desk import Desk
from daemon.core.domain import Due, Email, NoSlot, Pair, Slot
from daemon.core.planner import place
from daemon.core.preferences import COMPANY, LATE, price

SCANNED = 300
"""The scan is timed on this many pairs of a company; it takes the same for each."""


def run() -> None:
    """Print quality and CPU for 100, 1,000 and 10,000 pairs, time and memory for 100,000."""
    print(
        f"{'pairs':>7} {'':9} {'unplaced':>8} {'late':>5} {'days+company':>12} "
        f"{'objective':>14} {'CPU s':>9}"
    )
    for pairs in (100, 1_000, 10_000):
        _compare(pairs)
    for pairs in (1_000, 10_000, 100_000):
        subprocess.run([sys.executable, "-m", "bench.planning", str(pairs)], check=True)


def _compare(pairs: int) -> None:
    company = a_company(pairs)
    answers, seconds = _timed(lambda: planned(company))
    costs = by_manager(company, answers)
    ours = _total(costs)
    _row(pairs, "planner", ours, seconds)
    yardstick = Yardstick(company, costs)
    best = yardstick.together(yardstick.apart(every=pairs <= 1_000))
    _row(pairs, "optimum", best, yardstick.seconds)
    few = Company(company.people, company.busy, company.dues[:SCANNED])
    _, slow = _timed(lambda: scan(_world(few), few.dues))
    slow *= pairs / len(few.dues)
    print(f"{pairs:>7} {'scan':9} {'':42} {slow:9.2f}  (timed on {len(few.dues)} pairs)")
    print(
        f"        objective {ours.total / best.total:.4f} x the optimum, "
        f"days and company alone {ours.rest / best.rest:.4f} x; "
        f"CPU 1/{slow / seconds:.0f} of the scan, 1/{yardstick.seconds / seconds:.0f} of HiGHS",
        flush=True,
    )


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    gc.collect()
    begun = time.process_time()
    done = work()
    return done, time.process_time() - begun


def planned(company: Company) -> Mapping[Pair, Slot | NoSlot]:
    """Plan a whole company."""
    return place(
        company.dues, company.people, company.busy, (), company.cadence, company.closed,
        company.now,
    )  # fmt: skip


def _world(company: Company) -> World:
    return World(company.people, company.busy, company.cadence, company.closed, company.now)


def by_manager(company: Company, answers: Mapping[Pair, Slot | NoSlot]) -> dict[Email, Cost]:
    """What each manager's meetings cost."""
    found: dict[Email, list[Slot | NoSlot]] = defaultdict(list)
    for pair, answer in answers.items():
        found[pair.manager].append(answer)
    return {manager: _cost(company, theirs) for manager, theirs in found.items()}


def _cost(company: Company, answers: Sequence[Slot | NoSlot]) -> Cost:
    slots = [answer for answer in answers if isinstance(answer, Slot)]
    late = sum(slot.late for slot in slots)
    rest = -LATE * late
    crowd: dict[object, int] = defaultdict(int)
    for slot in slots:
        zones = [
            company.people[who].zone for who in (slot.due.pair.employee, slot.due.pair.manager)
        ]
        day, theirs = (slot.start.astimezone(zone).date() for zone in zones)
        rest += price(slot.due.window, day) + COMPANY * crowd[theirs]
        crowd[theirs] += 1
    return Cost(len(answers) - len(slots), late, rest)


class Yardstick:
    """The optimum of a company, and the solver's CPU for it.

    Managers are solved apart: what somebody's own meeting with their manager takes from their
    team is left out, so the sum is a bound below the optimum. Where it is below our answer,
    the managers concerned are solved again together with their neighbours.
    """

    def __init__(self, company: Company, ours: Mapping[Email, Cost]) -> None:
        self._desk = Desk(
            company.dues, company.people, company.busy, (), company.cadence, company.closed,
            company.now,
        )  # fmt: skip
        self._ours = ours
        self._theirs: dict[Email, list[Due]] = defaultdict(list)
        for due in company.dues:
            self._theirs[due.pair.manager].append(due)
        self._lead = {due.pair.employee: due.pair.manager for due in company.dues}
        self.seconds = 0.0

    def apart(self, every: bool) -> dict[Email, Cost]:
        """Each manager's optimum; unless `every` start is asked for, starts are regarded only
        where days alone leave a question."""
        found: dict[Email, Cost] = {}
        for manager in self._theirs:
            if not every:
                found[manager] = self._solve([manager], by_start=False)
            if every or found[manager].total < self._ours[manager].total:
                found[manager] = self._solve([manager], by_start=True)
        return found

    def together(self, apart: Mapping[Email, Cost]) -> Cost:
        """The sum of the optima, neighbours in question solved together."""
        total = Cost(0, 0, 0)
        for group in self._groups(apart):
            best = sum((apart[one] for one in group), Cost(0, 0, 0))
            ours = sum((self._ours[one] for one in group), Cost(0, 0, 0))
            if len(group) > 1 and best.total < ours.total:
                best = self._solve(group, by_start=True)
            assert best.total <= ours.total, group
            total += best
        return total

    def _groups(self, apart: Mapping[Email, Cost]) -> list[list[Email]]:
        group = {manager: manager for manager in apart}

        def root(manager: Email) -> Email:
            while group[manager] != manager:
                manager = group[manager]
            return manager

        for manager, best in apart.items():
            in_question = best.total < self._ours[manager].total
            if (best.unplaced or in_question) and manager in self._lead:
                group[root(manager)] = root(self._lead[manager])
            for due in self._theirs[manager] if in_question else ():
                below = due.pair.employee
                if below in apart and apart[below].unplaced:
                    group[root(below)] = root(manager)
        members: dict[Email, list[Email]] = defaultdict(list)
        for manager in apart:
            members[root(manager)].append(manager)
        return list(members.values())

    def _solve(self, managers: Sequence[Email], by_start: bool) -> Cost:
        dues = [due for manager in managers for due in self._theirs[manager]]
        begun = time.process_time()
        found = optimum(self._desk, dues, by_start)
        self.seconds += time.process_time() - begun
        self._desk.close()
        return found


def _total(costs: Mapping[Email, Cost]) -> Cost:
    return sum(costs.values(), Cost(0, 0, 0))


def _row(pairs: int, name: str, cost: Cost, seconds: float) -> None:
    print(
        f"{pairs:>7} {name:9} {cost.unplaced:>8} {cost.late:>5} {cost.rest:>12} "
        f"{cost.total:>14} {seconds:9.2f}",
        flush=True,
    )


def _alone(pairs: int) -> None:
    """Plan one company in a process of its own, for its memory."""
    company = a_company(pairs)
    gc.collect()
    before = _peak()
    _, seconds = _timed(lambda: planned(company))
    after = _peak()
    print(
        f"{pairs:>7} pairs alone: {seconds:.2f} s CPU, {seconds / pairs * 1e6:.0f} us a pair, "
        f"peak {after} MB of which {before} MB is the company itself",
        flush=True,
    )


def _peak() -> int:
    """The most memory this process has had, in MB. (What `getrusage` tells includes what the
    process that started this one had.)"""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) // 1024


if __name__ == "__main__":
    _alone(int(sys.argv[1]))
