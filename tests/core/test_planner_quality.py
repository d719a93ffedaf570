"""As good as the optimum: the planner beside an exact solver, and packing beside brute force."""

from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.companies import a_company
from bench.planning import Yardstick, by_manager, planned
from bench.scan import World, broken
from daemon.core.domain import Interval, Slot
from daemon.core.packing import Item, fits, pack


@pytest.mark.parametrize("seed", [5, 6, 18, 57])
def test_the_objective_is_within_two_percent_of_the_optimum(seed: int):
    company = a_company(150, seed, hard=0.1)
    ours = by_manager(company, planned(company))

    yardstick = Yardstick(company, ours)
    best = yardstick.together(yardstick.apart(every=False))

    total = sum(cost.total for cost in ours.values())
    assert best.total <= total <= 1.02 * best.total
    assert sum(cost.unplaced for cost in ours.values()) == best.unplaced


def test_a_company_with_hard_managers_breaks_no_rule():
    company = a_company(300, seed=7, hard=0.1)
    slots = [answer for answer in planned(company).values() if isinstance(answer, Slot)]

    world = World(company.people, company.busy, company.cadence, company.closed, company.now)
    for slot in slots:
        assert broken(world, slot.due, slot.start) is None
        world.enter(slot.due.pair, Interval(slot.start, slot.end))
    assert len(slots) > 200


items = st.builds(
    Item,
    mask=st.sets(st.integers(0, 14), max_size=5).map(lambda some: sum(1 << one for one in some)),
    length=st.integers(1, 6),
)


def holds(some: list[Item]) -> bool:
    """Try every order, each meeting as early as it can be after the one before."""
    for order in permutations(some):
        end = 0
        for item in order:
            later = item.mask >> end
            if not later:
                break
            end += (later & -later).bit_length() - 1 + item.length
        else:
            return True
    return False


@given(st.lists(items, min_size=1, max_size=5))
def test_meetings_fit_into_a_day_exactly_if_some_order_of_them_does(some: list[Item]):
    assert fits(some) == holds(some)


@given(st.lists(items, min_size=1, max_size=5))
def test_the_starts_of_a_day_are_apart_and_all_found_if_they_fit(some: list[Item]):
    starts = pack(some, [lambda mask: mask.bit_length() - 1] * len(some))

    taken = [
        (start, start + item.length)
        for start, item in zip(starts, some, strict=True)
        if start is not None
    ]
    assert all(item.mask >> start & 1 for start, item in zip(starts, some, strict=True) if start)
    taken.sort()
    assert all(one[1] <= two[0] for one, two in pairwise(taken))
    assert (None not in starts) == holds(some)


def test_forty_short_meetings_in_one_day_are_still_told_apart():
    crowd = [Item((1 << 96) - 1, 2) for _ in range(40)]

    starts = pack(crowd, [lambda mask: (mask & -mask).bit_length() - 1] * 40)

    assert sorted(start for start in starts if start is not None) == list(range(0, 80, 2))
