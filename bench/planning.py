"""Planning: how near to the optimum, how much cheaper than a scan and than an exact solver."""

import gc
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
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
    print(f"{'pairs':>7} {'':9} {'unplaced':>8} {'late':>5} {'days+company':>12} {'CPU s':>9}")
    for pairs in (100, 1_000):
        _compare(pairs)
    for pairs in (1_000, 10_000, 100_000):
        subprocess.run([sys.executable, "-m", "bench.planning", str(pairs)], check=True)


def _compare(pairs: int) -> None:
    company = a_company(pairs)
    answers, seconds = _timed(lambda: _place(company))
    ours = _by_manager(company, answers)
    _row(pairs, "planner", _total(ours), seconds)
    best, exact = _optimum(company, ours, every=pairs <= 1_000)
    _row(pairs, "HiGHS", best, exact)
    few = Company(company.people, company.busy, company.dues[:SCANNED])
    greedy, slow = _timed(lambda: scan(_world(few), few.dues))
    _, quick = _timed(lambda: _place(few))
    slow *= pairs / len(few.dues)
    print(f"{pairs:>7} {'scan':9} {'':8} {'':5} {'':12} {slow:9.2f}  (of {len(few.dues)} pairs)")
    missed = sum(start is None for start in greedy.values())
    print(
        f"        days+company {_ratio(_total(ours).rest, best.rest)} x the optimum, "
        f"CPU 1/{slow / seconds:.0f} of the scan, 1/{exact / seconds:.0f} of HiGHS; "
        f"first {len(few.dues)} pairs: scan leaves {missed} out, planner "
        f"{sum(isinstance(one, NoSlot) for one in _place(few).values())}, CPU 1/"
        f"{slow / pairs * len(few.dues) / quick:.0f}",
        flush=True,
    )


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    gc.collect()
    begun = time.process_time()
    done = work()
    return done, time.process_time() - begun


def _place(company: Company) -> Mapping[Pair, Slot | NoSlot]:
    return place(
        company.dues, company.people, company.busy, (), company.cadence, company.closed,
        company.now,
    )  # fmt: skip


def _world(company: Company) -> World:
    return World(company.people, company.busy, company.cadence, company.closed, company.now)


def _by_manager(company: Company, answers: Mapping[Pair, Slot | NoSlot]) -> dict[Email, Cost]:
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


def _optimum(company: Company, ours: Mapping[Email, Cost], every: bool) -> tuple[Cost, float]:
    """The sum of the managers' optima and the solver's CPU. Unless `every` manager is asked for,
    starts are regarded only where days alone leave a question."""
    theirs: dict[Email, list[Due]] = defaultdict(list)
    for due in company.dues:
        theirs[due.pair.manager].append(due)
    desk = Desk(
        company.dues, company.people, company.busy, (), company.cadence, company.closed, company.now
    )
    costs, seconds = [], 0.0
    for manager, dues in theirs.items():
        found, took = _timed_quietly(desk, dues, every)
        if found.total != ours[manager].total and not every:
            found, more = _timed_quietly(desk, dues, by_start=True)
            took += more
        assert found.total <= ours[manager].total, manager
        costs.append(found)
        seconds += took
    return sum(costs, Cost(0, 0, 0)), seconds


def _timed_quietly(desk: Desk, dues: Sequence[Due], by_start: bool) -> tuple[Cost, float]:
    begun = time.process_time()
    found = optimum(desk, dues, by_start)
    return found, time.process_time() - begun


def _total(costs: Mapping[Email, Cost]) -> Cost:
    return sum(costs.values(), Cost(0, 0, 0))


def _row(pairs: int, name: str, cost: Cost, seconds: float) -> None:
    print(
        f"{pairs:>7} {name:9} {cost.unplaced:>8} {cost.late:>5} {cost.rest:>12} {seconds:9.2f}",
        flush=True,
    )


def _ratio(ours: int, best: int) -> str:
    return f"{ours / best:.4f}" if best else "1.0000"


def _alone(pairs: int) -> None:
    """Plan one company in a process of its own, for its memory."""
    company = a_company(pairs)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    _, seconds = _timed(lambda: _place(company))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{pairs:>7} pairs alone: {seconds:.2f} s CPU, {seconds / pairs * 1e6:.0f} us a pair, "
        f"peak {after:.0f} MB of which {before:.0f} MB is the company itself",
        flush=True,
    )


if __name__ == "__main__":
    _alone(int(sys.argv[1]))
