"""Interval arithmetic, wall clocks on days the clocks change, and sets of starts as bits."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from daemon.core.domain import Interval
from daemon.core.intervals import (
    GRID,
    a_span,
    against,
    ambiguous,
    bits,
    days,
    indexes,
    inside,
    instant,
    merge,
)
from tests.factories import MONDAY, an_interval, at

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")

minutes = st.integers(0, 2000)


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    start = at("2026-03-01 20:00") + timedelta(
        minutes=draw(minutes), seconds=draw(st.integers(0, 59))
    )
    return Interval(start, start + timedelta(minutes=draw(st.integers(0, 300))))


def test_what_touches_or_overlaps_becomes_one():
    given = [
        an_interval("2026-03-02 11:00", "12:00"),
        an_interval("2026-03-02 09:00", "10:00"),
        an_interval("2026-03-02 10:00", "10:30"),
        an_interval("2026-03-02 09:15", "09:30"),
    ]

    assert merge(given) == [
        an_interval("2026-03-02 09:00", "10:30"), an_interval("2026-03-02 11:00", "12:00"),
    ]  # fmt: skip


@given(st.lists(intervals(), max_size=12), intervals())
def test_merging_changes_nothing_about_what_is_taken(taken: list[Interval], probe: Interval):
    merged = merge(taken)

    assert all(one.end < two.start for one, two in pairwise(merged))
    if probe.start < probe.end:
        real = [one for one in taken if one.start < one.end]
        assert any(one.overlaps(probe) for one in merged if one.start < one.end) == any(
            one.overlaps(probe) for one in real
        )


def test_a_wall_clock_time_the_clock_skips_is_the_instant_of_the_change():
    assert instant(BERLIN, SPRING, 2 * 60 + 30) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_a_wall_clock_time_shown_twice_is_the_first():
    assert instant(BERLIN, AUTUMN, 2 * 60 + 30) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_the_last_minute_of_a_day_is_the_next_midnight():
    assert instant(BERLIN, MONDAY, 1440) == instant(BERLIN, MONDAY + timedelta(days=1), 0)


def test_a_day_has_as_many_slots_as_it_has_time():
    hours = {day: a_span(BERLIN, day).slots / 12 for day in (MONDAY, SPRING, AUTUMN)}

    assert hours == {MONDAY: 24, SPRING: 23, AUTUMN: 25}


def test_a_day_whose_clock_changes_by_half_an_hour():
    assert a_span(LORD_HOWE, date(2026, 4, 5)).slots == 24 * 12 + 6


def test_a_span_knows_the_instants_of_its_bits():
    span = a_span(BERLIN, MONDAY)

    assert span.at(span.index(at("2026-03-02 09:00", "Europe/Berlin"))) == at("2026-03-02 08:00")
    assert span.index(at("2026-03-02 08:01")) == span.index(at("2026-03-02 08:05"))


@given(st.sets(st.integers(0, 300)))
def test_a_set_lists_its_bits_in_order(numbers: set[int]):
    assert list(indexes(sum(1 << number for number in numbers))) == sorted(numbers)


def test_bits_from_a_to_b_leave_out_b():
    assert list(indexes(bits(3, 6))) == [3, 4, 5]
    assert bits(6, 3) == 0


def test_days_count_both_ends():
    assert list(days(MONDAY, MONDAY + timedelta(days=1))) == [date(2026, 3, 2), date(2026, 3, 3)]


def test_a_meeting_inside_a_stretch_ends_with_it_at_the_latest():
    span = a_span(ZoneInfo("UTC"), MONDAY)

    starts = [
        span.at(one)
        for one in indexes(inside([an_interval("2026-03-02 09:02", "09:30")], 20, span))
    ]

    assert starts == [at("2026-03-02 09:05"), at("2026-03-02 09:10")]


@given(st.lists(intervals(), max_size=8), st.sampled_from((5, 17, 20, 60)), st.integers(0, 20))
def test_starts_that_come_too_near_are_those_that_overlap_with_room(
    taken: list[Interval], length: int, room: int
):
    span, pad = a_span(ZoneInfo("UTC"), MONDAY), timedelta(minutes=room)
    merged = merge(taken)

    found = against(merged, length, pad, span)

    for index in range(span.slots):
        when = Interval(span.at(index), span.at(index) + timedelta(minutes=length)).widened(pad)
        assert bool(found >> index & 1) == any(one.overlaps(when) for one in merged)


@given(
    st.sampled_from(
        (BERLIN, LORD_HOWE, ZoneInfo("Africa/Casablanca"), ZoneInfo("America/Santiago"))
    ),
    st.integers(0, 364),
    st.sampled_from((20, 60)),
)
def test_a_time_the_clock_shows_twice_is_told_for_start_and_end(
    zone: ZoneInfo, number: int, length: int
):
    def twice(moment: datetime) -> bool:
        local = moment.astimezone(zone)
        return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()

    span = a_span(ZoneInfo("UTC"), date(2026, 1, 1) + timedelta(days=number))

    found = ambiguous(zone, length, span)

    for index in range(span.slots):
        start = span.at(index)
        expected = twice(start) or twice(start + timedelta(minutes=length))
        assert bool(found >> index & 1) == expected


def test_the_hour_berlin_shows_twice_is_found():
    span = a_span(BERLIN, AUTUMN)

    found = [span.at(one) for one in indexes(ambiguous(BERLIN, 20, span))]

    assert found[0] == datetime(2026, 10, 24, 23, 40, tzinfo=UTC)
    assert found[-1] == datetime(2026, 10, 25, 1, 55, tzinfo=UTC)
    assert len(found) == (2 * 60 + 20) * timedelta(minutes=1) // GRID
