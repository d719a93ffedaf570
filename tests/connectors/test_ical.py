"""iCalendar in and out: what we write any program reads, and both ways of counting agree."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from connectors._ical import Unreadable, busy, read, write
from connectors._ical_library import library
from connectors._ical_lines import Component, components
from connectors._ical_recur import NotPlain, plain
from connectors._ical_values import frame
from connectors._zones import SpeltOut, Zones, known, utc
from daemon.core.domain import Email, Interval, Party, Reply
from tests.connectors.contract import EMPLOYEE, MANAGER, an_invite, at, moved

BERLIN = ZoneInfo("Europe/Berlin")
WORDS = st.text(max_size=200)

# --- out ------------------------------------------------------------------------------------


@settings(deadline=None)
@given(WORDS, WORDS, WORDS)
def test_no_words_can_leave_their_line(summary: str, name: str, description: str) -> None:
    party = Party(EMPLOYEE.email, name)
    invite = replace(
        an_invite(at(10)),
        summary=summary,
        description=description,
        organizer=party,
        attendees=(party, Party(MANAGER.email, name)),
    )

    content = write(invite, method="REQUEST")

    names = [line.split(b":")[0].split(b";")[0] for line in unfolded(content)]
    known_names = [
        *(line.split(b":")[0].split(b";")[0] for line in unfolded(write(an_invite(at(10))))),
        b"METHOD",
    ]
    assert set(names) <= set(known_names)
    (event,) = read(content).events
    assert event.when == at(10)
    assert event.organizer == EMPLOYEE.email
    assert event.replies == {
        EMPLOYEE.email: Reply.ACCEPTED,
        MANAGER.email: Reply.NEEDS_ACTION,
    }


@settings(deadline=None)
@given(WORDS)
def test_another_program_reads_the_words_as_they_were(words: str) -> None:
    plain = "".join(sign if sign.isprintable() else " " for sign in words)

    content = write(replace(an_invite(at(10)), summary=plain))

    (event,) = icalendar.Calendar.from_ical(content).events
    assert str(event["SUMMARY"]) == plain


@settings(deadline=None)
@given(st.text(alphabet="aä€😀", min_size=60, max_size=120))
def test_lines_are_folded_at_75_octets_and_never_inside_a_sign(words: str) -> None:
    content = write(replace(an_invite(at(10)), summary=words))

    lines = content.split(b"\r\n")
    assert max(len(line) for line in lines) <= 75
    assert [line.decode() for line in lines]
    assert f"SUMMARY:{words}".encode() in unfolded(content)


def unfolded(content: bytes) -> list[bytes]:
    return content.replace(b"\r\n ", b"").split(b"\r\n")[:-1]


@pytest.mark.parametrize(
    "odd", ['"quoted"@acme.example', "jörg@acme.example", "a%b;c@acme.example"]
)
def test_odd_addresses_come_back_as_they_were(odd: str) -> None:
    invite = an_invite(at(10))
    party = Party(Email(odd), "Odd")

    (event,) = read(write(replace(invite, attendees=(invite.organizer, party)))).events

    assert set(event.replies) == {EMPLOYEE.email, odd}


def test_an_event_at_rest_has_no_method_no_recurrence_and_utc_times() -> None:
    lines = unfolded(write(an_invite(at(10))))

    assert b"DTSTART:20270302T100000Z" in lines
    assert b"SEQUENCE:0" in lines
    assert b"CLASS:PRIVATE" in lines
    assert not [line for line in lines if line.startswith((b"METHOD", b"RRULE", b"RDATE"))]


def test_a_cancellation_says_so_in_both_places() -> None:
    parcel = read(
        write(replace(moved(an_invite(at(10)), at(12)), comment="It fell."), method="CANCEL")
    )

    (event,) = parcel.events
    assert parcel.method == "CANCEL"
    assert (event.cancelled, event.sequence, event.comment) == (True, 1, "It fell.")


def test_who_acts_for_the_organizer_is_named() -> None:
    content = write(an_invite(at(10)), method="REQUEST", sent_by=Email("careloop@acme.example"))

    (line,) = [line for line in unfolded(content) if line.startswith(b"ORGANIZER")]
    assert b'SENT-BY="mailto:careloop@acme.example"' in line
    assert read(content).events[0].organizer == EMPLOYEE.email


# --- in -------------------------------------------------------------------------------------


def calendar(*lines: str) -> bytes:
    return "\r\n".join(["BEGIN:VCALENDAR", *lines, "END:VCALENDAR", ""]).encode()


def test_an_answer_by_mail_may_state_no_time() -> None:
    parcel = read(
        calendar(
            "METHOD:REPLY",
            "BEGIN:VEVENT",
            "UID:abc@careloop",
            "SEQUENCE:3",
            'ATTENDEE;CN="Mara: the; manager, too";PARTSTAT=declined:MAILTO:Mara@acme.example',
            "COMMENT:cannot",
            "END:VEVENT",
        )
    )

    (event,) = parcel.events
    assert (parcel.method, event.when, event.sequence) == ("REPLY", None, 3)
    assert event.replies == {MANAGER.email: Reply.DECLINED}


def test_one_event_is_read_though_another_is_broken() -> None:
    content = calendar(
        *("BEGIN:VEVENT", "UID:bad", "DTSTART:soon", "END:VEVENT"),
        *("BEGIN:VEVENT", "UID:good", "DTSTART:20270302T100000Z", "DURATION:PT1H", "END:VEVENT"),
    )

    (event,) = read(content, uid="good").events

    assert event.when == at(10)
    with pytest.raises(Unreadable, match="line 4: DTSTART 'soon'"):
        read(content)


@pytest.mark.parametrize("name", sorted(WINDOWS_TO_OLSON))
def test_every_windows_name_is_a_zone(name: str) -> None:
    assert known(name) or name in {"Kamchatka Standard Time", "Mid-Atlantic Standard Time"}


def test_paths_that_end_in_a_zone_are_that_zone() -> None:
    zone = known("/freeassociation.sourceforge.net/Tzfile/America/Argentina/Buenos_Aires")

    assert zone == ZoneInfo("America/Argentina/Buenos_Aires")


@pytest.mark.parametrize("name", ["", "Europe", "../../etc/passwd", "/etc/localtime", "Nowhere"])
def test_what_is_no_zone_is_none(name: str) -> None:
    assert known(name) is None


@settings(deadline=None)
@given(st.datetimes(datetime(2008, 1, 1), datetime(2036, 1, 1)))  # noqa: DTZ001 - wall clock
def test_a_zone_spelt_out_is_the_zone(wall: datetime) -> None:
    zone = Zones(berlin().children).named("Anywhere")

    assert isinstance(zone, SpeltOut)
    assert utc(wall, zone) == utc(wall, BERLIN)


def berlin() -> Component:
    """What Outlook writes for Berlin."""
    content = calendar(
        *("BEGIN:VTIMEZONE", "TZID:Anywhere"),
        *("BEGIN:STANDARD", "DTSTART:16011028T030000", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100"),
        *("RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", "END:STANDARD"),
        *("BEGIN:DAYLIGHT", "DTSTART:16010325T020000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200"),
        *("RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3", "END:DAYLIGHT", "END:VTIMEZONE"),
    )
    return components(content).children[0]


@pytest.mark.parametrize("count", [61, 1])
def test_a_zone_with_too_much_to_say_is_none(count: int) -> None:
    rules = ["RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=MO,TU,WE,TH,FR,SA,SU"] * count
    content = calendar(
        *("BEGIN:VTIMEZONE", "TZID:Odd", "BEGIN:STANDARD", "DTSTART:16010101T000000"),
        *("TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", *rules, "END:STANDARD", "END:VTIMEZONE"),
    )

    assert Zones(components(content).children[0].children).named("Odd") is None


# --- two ways of counting agree -------------------------------------------------------------

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
RULES = st.one_of(
    st.builds("FREQ=DAILY;INTERVAL={}".format, st.integers(1, 9)),
    st.builds(
        "FREQ=WEEKLY;INTERVAL={};BYDAY={}".format,
        st.integers(1, 4),
        st.lists(st.sampled_from(DAYS), min_size=1, unique=True).map(",".join),
    ),
    st.builds("FREQ=MONTHLY;BYMONTHDAY={}".format, st.integers(-3, 28).filter(bool)),
    st.builds(
        "FREQ=MONTHLY;BYDAY={}{}".format, st.integers(-2, 4).filter(bool), st.sampled_from(DAYS)
    ),
    st.builds("FREQ=YEARLY;INTERVAL={}".format, st.integers(1, 2)),
)
ENDS = st.one_of(
    st.just(""), st.integers(1, 40).map(";COUNT={}".format), st.just(";UNTIL=20270101T080000Z")
)


WITHIN = Interval(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))


def a_series(rule: str, start: datetime, minutes: int, changed: bool) -> Component:
    """A series in New York with an exclusion, and perhaps one changed occurrence."""
    zoned = "TZID=America/New_York:%Y%m%dT%H%M%S"
    lines = [
        "BEGIN:VEVENT",
        "UID:a",
        f"DTSTART;{start.strftime(zoned)}",
        f"DTEND;{(start + timedelta(minutes=minutes)).strftime(zoned)}",
        f"RRULE:{rule}",
        f"EXDATE;{(start + timedelta(days=7)).strftime(zoned)}",
        "END:VEVENT",
    ]
    if changed:
        later = start + timedelta(days=14)
        lines += ["BEGIN:VEVENT", "UID:a", f"RECURRENCE-ID;{later.strftime(zoned)}"]
        lines += [f"DTSTART;{(later + timedelta(hours=5)).strftime(zoned)}", "DURATION:PT45M"]
        lines += ["END:VEVENT"]
    return components(calendar(*lines)).children[0]


@settings(deadline=None, max_examples=150)
@given(RULES, ENDS, st.integers(0, 400), st.integers(0, 23), st.integers(15, 3000), st.booleans())
def test_plain_counting_is_what_the_library_counts(
    rule: str, end: str, day: int, hour: int, minutes: int, changed: bool
) -> None:
    start = datetime(2025, 10, 1, hour, 30, tzinfo=UTC) + timedelta(days=day)
    series = a_series(rule + end, start, minutes, changed)
    master, *others = series.children
    place = frame(series, BERLIN)

    try:
        counts = counted(plain(master, others, place, WITHIN))
    except NotPlain:
        return

    assert counts == counted(library(master, others, place, WITHIN))


@pytest.mark.parametrize("rule", ["FREQ=WEEKLY", "FREQ=DAILY;COUNT=500", "FREQ=MONTHLY"])
def test_ordinary_rules_are_counted_plainly(rule: str) -> None:
    series = a_series(rule, datetime(2026, 1, 6, 10, tzinfo=UTC), 60, changed=True)
    master, *others = series.children

    assert counted(plain(master, others, frame(series, BERLIN), WITHIN))


def counted(found: Iterable[tuple[Component, Interval]]) -> set[Interval]:
    return {when for _, when in found if when.overlaps(WITHIN)}


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_make_anybody_free_by_accident(noise: bytes) -> None:
    within = Interval(at(0).start, at(24).start)

    for content in (noise, b"BEGIN:VCALENDAR\n" + noise, calendar("BEGIN:VEVENT") + noise):
        reading = busy(content, EMPLOYEE.email, BERLIN, within)

        assert reading.faults


@settings(deadline=None)
@given(st.integers(0, 330))
def test_a_file_cut_off_anywhere_is_never_free(length: int) -> None:
    event = ("BEGIN:VEVENT", "UID:a", "DTSTART:20270302T090000Z", "DTEND:20270302T100000Z")
    content = calendar("VERSION:2.0", *event, "SUMMARY:Talk", "END:VEVENT")
    within = Interval(at(0).start, at(24).start)

    reading = busy(content[: min(length, len(content) - 4)], EMPLOYEE.email, BERLIN, within)

    assert reading.faults
