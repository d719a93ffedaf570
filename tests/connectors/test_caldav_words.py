"""WebDAV's answers, a server's hours, and blocks with ours cut out: what is read from bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._dav_busy import minus
from connectors._dav_hours import hours_in, zone_in
from connectors._dav_outbox import answers, question
from connectors._dav_words import C, D, NotDav, absolute, event_query, inside, multistatus, parsed
from daemon.core.domain import Email, Interval
from daemon.core.intervals import merge
from tests.connectors.contract import at

BASE = "https://dav.example/emma/"


def an_answer(inner: str) -> bytes:
    return f'<multistatus xmlns="DAV:">{inner}</multistatus>'.encode()


def test_only_properties_that_exist_are_told() -> None:
    body = an_answer(
        "<response><href>/emma/cal/</href>"
        "<propstat><prop><displayname> Work </displayname></prop>"
        "<status>HTTP/1.1 200 OK</status></propstat>"
        "<propstat><prop><owner/></prop><status>HTTP/1.1 404 Not Found</status></propstat>"
        "</response>"
    )

    (entry,) = multistatus(body, BASE).entries

    assert (entry.url, entry.status) == ("https://dav.example/emma/cal/", 200)
    assert entry.text(f"{D}displayname") == "Work"
    assert set(entry.props) == {f"{D}displayname"}


def test_what_is_gone_is_told_with_its_status_and_the_new_token() -> None:
    body = an_answer(
        "<response><href>a%40b.ics</href><status>HTTP/1.1 404 Not Found</status></response>"
        "<sync-token>urn:7</sync-token>"
    )

    found = multistatus(body, BASE)

    assert [(each.url, each.status) for each in found.entries] == [(f"{BASE}a@b.ics", 404)]
    assert found.token == "urn:7"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Sign in</body></html>",
        b"not XML at all",
        b"<multistatus xmlns='DAV:'>",
        b"<!DOCTYPE m [<!ENTITY a 'x'>]><multistatus xmlns='DAV:'>&a;</multistatus>",
        b"<?xml version='1.0' encoding='no-such-code'?><multistatus xmlns='DAV:'/>",
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_multistatus_is_refused(body: bytes) -> None:
    with pytest.raises(NotDav):
        multistatus(body, BASE)


@given(st.binary(max_size=300))
def test_no_bytes_do_more_than_be_refused(body: bytes) -> None:
    try:
        multistatus(body, BASE)
    except NotDav:
        return


def test_an_address_has_one_spelling_however_it_is_escaped() -> None:
    assert absolute(BASE, "/emma/a%40b%20c.ics") == absolute(BASE, "a@b%20c.ics")
    assert inside(BASE, "x@careloop.ics") == f"{BASE}x@careloop.ics"


def test_a_name_cannot_lead_out_of_its_collection() -> None:
    assert inside(BASE, "../up/x.ics") == f"{BASE}..%2Fup%2Fx.ics"
    assert absolute(BASE, "/emma/..%2Fup/x.ics") == f"{BASE}..%2Fup/x.ics"


def test_words_in_a_question_cannot_leave_their_place() -> None:
    body = event_query(uid='</C:text-match><evil a="1"/>')

    match = parsed(body).find(f".//{C}text-match")

    assert match is not None
    assert match.text == '</C:text-match><evil a="1"/>'


# --- outbox ---------------------------------------------------------------------------------


def test_an_outbox_is_asked_about_many_at_once() -> None:
    body = question(Email("a@x.example"), [Email("b@x.example"), Email("c@x.example")], at(8))

    lines = body.decode().split("\r\n")

    assert "METHOD:REQUEST" in lines
    assert "ORGANIZER:mailto:a@x.example" in lines
    assert [x for x in lines if x.startswith("ATTENDEE")] == [
        "ATTENDEE:mailto:b@x.example",
        "ATTENDEE:mailto:c@x.example",
    ]


def test_only_those_the_server_tells_of_are_answered() -> None:
    data = "BEGIN:VCALENDAR\nBEGIN:VFREEBUSY\nEND:VFREEBUSY\nEND:VCALENDAR"
    rows = "".join(
        f"<C:response><C:recipient><D:href>mailto:{who}</D:href></C:recipient>"
        f"<C:request-status>{status}</C:request-status>{said}</C:response>"
        for who, status, said in (
            ("B@x.example", "2.0;Success", f"<C:calendar-data>{data}</C:calendar-data>"),
            ("c@x.example", "3.7;Invalid", ""),
            ("d@x.example", "2.0;Success", ""),
        )
    )
    spaces = 'xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"'

    told = answers(f"<C:schedule-response {spaces}>{rows}</C:schedule-response>".encode())

    assert set(told) == {"b@x.example"}


# --- hours and zone -------------------------------------------------------------------------


def availability(*parts: str) -> str:
    lines = "".join(f"BEGIN:AVAILABLE\n{part}\nEND:AVAILABLE\n" for part in parts)
    return f"BEGIN:VCALENDAR\nBEGIN:VAVAILABILITY\n{lines}END:VAVAILABILITY\nEND:VCALENDAR\n"


def part(start: str, end: str, rule: str) -> str:
    return f"DTSTART;TZID=Europe/Berlin:{start}\nDTEND;TZID=Europe/Berlin:{end}\nRRULE:{rule}"


def test_weekly_hours_are_read_day_by_day() -> None:
    text = availability(
        part("20260105T090000", "20260105T123000", "FREQ=WEEKLY;BYDAY=MO,WE"),
        part("20260105T133000", "20260105T180000", "FREQ=WEEKLY;BYDAY=MO"),
        part("20260109T080000", "20260109T120000", "FREQ=WEEKLY"),
    )

    hours = hours_in(text)

    assert hours is not None
    assert hours.days[0] == ((540, 750), (810, 1080))
    assert hours.days[2] == ((540, 750),)
    assert hours.days[4] == ((480, 720),)
    assert hours.days[1] == hours.days[3] == hours.days[5] == hours.days[6] == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no calendar",
        availability(),
        availability(part("20260105T090000", "20260105T120000", "FREQ=MONTHLY;BYDAY=1MO")),
        availability(part("20260105T090000", "20260105T120000", "FREQ=WEEKLY;INTERVAL=2")),
        availability(part("20260105T090000", "20260105T120000", "FREQ=WEEKLY;UNTIL=20260301")),
        availability(part("20260105T220000", "20260107T120000", "FREQ=WEEKLY")),
        availability("DTSTART:20260105T090000Z\nDTEND:20260105T170000Z\nRRULE:FREQ=WEEKLY"),
        availability("RRULE:FREQ=WEEKLY"),
        availability(part("20260105T090000", "20260105T120000", "FREQ=WEEKLY;BYDAY=XX")),
    ],
)
def test_hours_that_are_no_plain_week_are_not_guessed(text: str) -> None:
    assert hours_in(text) is None


def test_a_zone_is_known_by_its_name_or_not_at_all() -> None:
    zone = "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:{}\nEND:VTIMEZONE\nEND:VCALENDAR\n"

    assert str(zone_in(zone.format("Asia/Kolkata"))) == "Asia/Kolkata"
    assert str(zone_in(zone.format("W. Europe Standard Time"))) == "Europe/Berlin"
    assert zone_in(zone.format("Ours")) is None
    assert zone_in("") is None


# --- ours cut out ---------------------------------------------------------------------------

SPANS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 8)).map(
        lambda x: Interval(at(0, 15 * x[0]).end, at(0, 15 * (x[0] + x[1])).end)
    ),
    max_size=6,
)


@given(SPANS, SPANS)
def test_what_is_left_of_blocks_is_what_they_cover_and_ours_do_not(
    blocks: list[Interval], ours: list[Interval]
) -> None:
    left = minus(merge(blocks), ours)

    quarters = [Interval(at(0, 15 * n).end, at(0, 15 * (n + 1)).end) for n in range(60)]
    for quarter in quarters:
        busy = any(quarter.overlaps(each) for each in blocks)
        mine = any(quarter.overlaps(each) for each in ours)
        assert any(quarter.overlaps(each) for each in left) == (busy and not mine)
