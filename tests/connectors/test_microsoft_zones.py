"""Microsoft's words for time are read for sure or not at all."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from connectors._graph_zones import moment, on_wire, wire_zone, working_hours, zone_named
from daemon.core.domain import Hours

ZONES = sorted(available_timezones() - {"localtime", "Factory"})


@pytest.mark.parametrize("name", sorted(WINDOWS_TO_OLSON))
def test_every_windows_name_is_a_zone_and_comes_back(name: str) -> None:
    zone = zone_named(name)

    assert zone == ZoneInfo(WINDOWS_TO_OLSON[name])
    assert wire_zone(WINDOWS_TO_OLSON[name]) == name


@pytest.mark.parametrize(
    "name",
    ["", " ", "Customized Time Zone", "tzone://Microsoft/Custom", "Mars/Olympus", "../etc/passwd"],
)
def test_what_names_no_zone_is_none(name: str) -> None:
    assert zone_named(name) is None


def test_iana_names_are_read_and_strange_ones_written_as_utc() -> None:
    assert zone_named("Europe/Vienna") == ZoneInfo("Europe/Vienna")
    assert wire_zone("Europe/Vienna") == "UTC"
    assert wire_zone("Europe/Berlin") == "W. Europe Standard Time"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"dateTime": "2026-12-01T08:00:00.0000000", "timeZone": "UTC"}, 8),
        ({"dateTime": "2026-12-01T08:00:00.1234567Z", "timeZone": "UTC"}, 8),
        ({"dateTime": "2026-12-01T08:00:00", "timeZone": "W. Europe Standard Time"}, 7),
        ({"dateTime": "2026-12-01T08:00:00+02:00", "timeZone": "UTC"}, 6),
        ({"dateTime": "2026-12-01T08:00:00"}, 8),
    ],
)
def test_moments_are_read_as_utc(said: dict[str, str], meant: int) -> None:
    read = moment(said)

    assert read is not None
    assert read.replace(microsecond=0) == datetime(2026, 12, 1, meant, tzinfo=UTC)


@pytest.mark.parametrize(
    "said",
    [
        None,
        {},
        "2026",
        {"dateTime": "soon", "timeZone": "UTC"},
        {"dateTime": "2026-12-01T08:00:00", "timeZone": "Customized Time Zone"},
    ],
)
def test_what_is_no_moment_is_none(said: object) -> None:
    assert moment(said) is None


@given(
    st.sampled_from(ZONES),
    st.integers(1_577_836_800, 2_051_222_400),
)
def test_an_instant_comes_back_whatever_the_zone_and_the_clock_change(
    zone: str, seconds: int
) -> None:
    when = datetime.fromtimestamp(seconds, UTC)

    assert moment(on_wire(when, zone)) == when


def test_the_hour_a_clock_shows_twice_is_written_in_utc() -> None:
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)

    assert on_wire(second - timedelta(hours=1), "Europe/Berlin")["timeZone"] != "UTC"
    assert on_wire(second, "Europe/Berlin")["timeZone"] == "UTC"


def said_hours(first: str, last: str, *days: str, zone: str = "UTC") -> dict[str, object]:
    return {
        "daysOfWeek": list(days),
        "startTime": first,
        "endTime": last,
        "timeZone": {"name": zone},
    }


def test_hours_without_a_zone_we_know_are_still_hours() -> None:
    said = said_hours("08:00:00.0000000", "12:00:00", "Monday", zone="Customized Time Zone")

    assert working_hours(said) == (Hours((((480, 720),),) + ((),) * 6), None)


def test_a_night_shift_goes_over_midnight() -> None:
    hours, _ = working_hours(said_hours("22:00:00", "06:00:00", "sunday"))

    assert hours == Hours((((0, 360),),) + ((),) * 5 + (((1320, 1440),),))


def test_a_day_may_end_at_midnight() -> None:
    hours, _ = working_hours(said_hours("16:00:00", "00:00:00", "friday"))

    assert hours is not None
    assert hours.days[4] == ((960, 1440),)
    assert hours.days[5] == ()


@pytest.mark.parametrize(
    "said",
    [
        None,
        {},
        said_hours("x", "17:00", "monday"),
        said_hours("09:00", "09:00", "monday"),
        said_hours("09:00", "17:00"),
        said_hours("09:00", "99:00", "monday"),
    ],
)
def test_hours_without_sense_are_none(said: object) -> None:
    assert working_hours(said)[0] is None


@given(
    st.dictionaries(
        st.sampled_from(["daysOfWeek", "startTime", "endTime", "timeZone"]),
        st.none() | st.text() | st.integers() | st.lists(st.text()),
    )
)
def test_no_working_hours_break_us(said: dict[str, object]) -> None:
    hours, zone = working_hours(said)

    assert hours is None or len(hours.days) == 7
    assert zone is None
