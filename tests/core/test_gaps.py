"""Gaps are counted from talk to talk of the cycle, or from the talk in which the two agreed."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from daemon.core.domain import Kind
from daemon.core.gaps import gaps

DAY = date(2026, 9, 1)
FIRST, FOLLOW, ALIGN = Kind.FIRST, Kind.FOLLOW_UP, Kind.ALIGNMENT


def lengths(*talks: tuple[int, Kind]) -> list[int]:
    return [gap.days for gap in gaps([(DAY + timedelta(days=n), kind) for n, kind in talks], 30)]


@pytest.mark.parametrize(
    ("talks", "expected"),
    [
        ([(0, FIRST)], []),
        ([(0, FIRST), (35, FOLLOW), (75, FOLLOW)], [35, 40]),
        ([(0, FIRST), (2, ALIGN), (6, ALIGN), (10, ALIGN)], []),
        ([(0, FIRST), (20, ALIGN), (35, FOLLOW)], [35]),
        ([(0, FIRST), (10, ALIGN), (50, FOLLOW)], [40]),
        ([(0, FIRST), (4, ALIGN), (10, ALIGN), (50, FOLLOW)], [40]),
        ([(0, FIRST), (35, FOLLOW), (35, FOLLOW), (75, FOLLOW)], [35, 40]),
        ([(0, FIRST), (35, ALIGN), (35, FOLLOW)], [35]),
        ([(5, ALIGN), (40, FOLLOW)], []),
    ],
)
def test_only_talks_of_the_cycle_end_a_gap(talks, expected):
    assert lengths(*talks) == expected


kinds = some.sampled_from([FIRST, FOLLOW, ALIGN])


@given(some.lists(some.tuples(some.integers(0, 400), kinds), max_size=12))
def test_gaps_never_go_back_and_never_overlap_whatever_the_order(talks):
    days = [(DAY + timedelta(days=n), kind) for n, kind in talks]

    found = list(gaps(days, 30))

    assert found == list(gaps(reversed(days), 30))
    assert all(gap.since < gap.day for gap in found)
    assert all(one.day <= two.since for one, two in itertools.pairwise(found))
