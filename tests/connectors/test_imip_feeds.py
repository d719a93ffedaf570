"""Busy time from `calendar_url`: asked seldom, read once, and never a way into our own network."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors._imip_feeds import Feeds
from connectors.imip import Imip
from daemon.config.imip import Imip as ImipSection
from daemon.config.model import Config, Organization
from daemon.config.smtp import Smtp as SmtpSection
from daemon.core.domain import Availability, Interval, Person
from daemon.core.ports import Unknown
from tests.connectors.contract import EMPLOYEE, MANAGER, a_meeting, an_invite, at, intervals
from tests.doubles.programs import feed

SPAN = Interval(at(0).start, at(0, day=30).start)
BUSY = at(10)


def feeds(root: Path, *, minutes: int = 0, allow: tuple[str, ...] = ("localhost",)) -> Feeds:
    return Feeds(root / "cache.db", allow_private=allow, minutes=minutes)


def somebody(url: str) -> Person:
    return replace(EMPLOYEE, calendar_url=url)


def ask(feeds: Feeds, url: str, *ours: Interval) -> Availability | Unknown:
    return feeds.busy([somebody(url)], SPAN, {EMPLOYEE.email: ours})[EMPLOYEE.email]


def why(feeds: Feeds, url: str) -> str:
    answer = ask(feeds, url)
    assert isinstance(answer, Unknown)
    return answer.reason


class Published:
    """A calendar on the web that counts who asks."""

    def __init__(self, web: HTTPServer) -> None:
        self.content = feed([(BUSY.start, BUSY.end)])
        self.statuses: list[int] = []
        self.heads: list[dict[str, str]] = []
        web.expect_request("/emma.ics").respond_with_handler(self._answer)
        self.url = web.url_for("/emma.ics")

    def _answer(self, request: Request) -> Response:
        etag = f'"{hash(self.content)}"'
        status = 304 if request.headers.get("If-None-Match") == etag else 200
        self.statuses.append(status)
        self.heads.append(dict(request.headers))
        return Response(self.content if status == 200 else b"", status, {"ETag": etag})


@pytest.fixture
def published(httpserver: HTTPServer) -> Published:
    return Published(httpserver)


# --- seldom and once ------------------------------------------------------------------------


def test_a_feed_that_has_not_changed_is_neither_sent_nor_read_again(
    published: Published, tmp_path: Path
) -> None:
    first = feeds(tmp_path)
    answers = [ask(first, published.url), ask(first, published.url)]

    again = feeds(tmp_path)
    answers.append(ask(again, published.url))

    assert [intervals(each) for each in answers] == [(BUSY,)] * 3
    assert published.statuses == [200, 304, 304]
    assert (first._readings.parsed, again._readings.parsed) == (1, 0)


def test_a_feed_that_changed_is_read_again(published: Published, tmp_path: Path) -> None:
    mine = feeds(tmp_path)
    ask(mine, published.url)
    published.content = feed([(at(14).start, at(14).end)])

    assert intervals(ask(mine, published.url)) == (at(14),)


def test_a_feed_is_left_alone_for_a_while(published: Published, tmp_path: Path) -> None:
    ask(feeds(tmp_path, minutes=15), published.url)

    ask(feeds(tmp_path, minutes=15), published.url)

    assert published.statuses == [200]


def test_a_later_span_is_read_from_a_feed_that_has_not_changed(
    published: Published, tmp_path: Path
) -> None:
    mine = feeds(tmp_path)
    ask(mine, published.url)
    later = Interval(at(0).start, at(0, day=400).start)

    answer = mine.busy([somebody(published.url)], later, {})[EMPLOYEE.email]

    assert intervals(answer) == (BUSY,)


def test_another_address_is_another_feed(
    published: Published, httpserver: HTTPServer, tmp_path: Path
) -> None:
    mine = feeds(tmp_path, minutes=15)
    ask(mine, published.url)
    httpserver.expect_request("/new.ics").respond_with_data(feed([]))

    assert intervals(ask(mine, httpserver.url_for("/new.ics"))) == ()


# --- our own meetings -----------------------------------------------------------------------


def test_our_own_meeting_in_an_anonymous_feed_does_not_make_busy(
    published: Published, tmp_path: Path
) -> None:
    mine = feeds(tmp_path)

    assert intervals(ask(mine, published.url, BUSY)) == ()
    assert intervals(ask(mine, published.url, at(10, 30))) == (BUSY,)


def test_a_feed_that_names_our_events_is_taken_at_its_word(
    published: Published, tmp_path: Path
) -> None:
    ours = an_invite(BUSY)
    named = f"BEGIN:VEVENT\r\nUID:{ours.uid}\r\nDTSTART:20270302T100000Z\r\nEND:VEVENT\r\n"
    published.content = published.content.replace(b"END:VCAL", named.encode() + b"END:VCAL")

    assert intervals(ask(feeds(tmp_path), published.url, BUSY)) == (BUSY,)


def test_people_without_a_feed_are_what_the_setting_says(tmp_path: Path) -> None:
    ours = [a_meeting(an_invite(BUSY))]

    free = a_calendar(tmp_path).busy([MANAGER], SPAN, ours)[MANAGER.email]
    unknown = a_calendar(tmp_path, without_feed="unknown").busy([MANAGER], SPAN, ours)

    assert free == Availability(())
    assert isinstance(unknown[MANAGER.email], Unknown)


def a_calendar(root: Path, **settings: str) -> Imip:
    return Imip(
        Config(
            root=root,
            organization=Organization(name="Acme"),
            smtp=SmtpSection(host="127.0.0.1", port=9, tls="none"),
            imip=ImipSection(**settings),  # type: ignore[arg-type]
        )
    )


# --- hostile feeds --------------------------------------------------------------------------


@pytest.fixture
def hostile(httpserver: HTTPServer) -> Iterator[HTTPServer]:
    """Answers nobody should believe."""
    over = threading.Event()
    endless = feed([]).replace(
        b"END:VCAL",
        b"BEGIN:VEVENT\r\nUID:x\r\nDTSTART:19700101T000000Z\r\nRRULE:FREQ=SECONDLY\r\n"
        b"END:VEVENT\r\nEND:VCAL",
    )
    for path, content in {
        "/login": b"<html><form>Sign in</form></html>",
        "/endless": endless,
        "/huge": b"X" * (17 * 2**20),
        "/cut": feed([(BUSY.start, BUSY.end)])[:-40],
        "/empty": b"",
    }.items():
        httpserver.expect_request(path).respond_with_data(content)
    httpserver.expect_request("/gone").respond_with_data("", 404)
    httpserver.expect_request("/away").respond_with_data(
        "", 302, {"Location": "http://127.0.0.1:9/emma.ics"}
    )
    yield httpserver
    over.set()


@pytest.mark.parametrize("path", ["login", "endless", "huge", "cut", "empty", "gone", "away"])
def test_a_feed_that_cannot_be_believed_makes_its_owner_unknown_and_nobody_else(
    hostile: HTTPServer, published: Published, tmp_path: Path, path: str
) -> None:
    people = [
        replace(EMPLOYEE, calendar_url=hostile.url_for(f"/{path}")),
        replace(MANAGER, calendar_url=published.url),
    ]

    answer = feeds(tmp_path).busy(people, SPAN, {})

    assert isinstance(answer[EMPLOYEE.email], Unknown)
    assert intervals(answer[MANAGER.email]) == (BUSY,)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.1", "[::ffff:127.0.0.1]", "0x7f000001", "0.0.0.0"]
)
def test_an_address_does_not_lead_into_our_own_network(
    published: Published, tmp_path: Path, host: str
) -> None:
    mine = feeds(tmp_path, allow=())

    reason = why(mine, published.url.replace("localhost", host))

    assert published.statuses == []
    assert "private network" in reason or "no connection" in reason


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://localhost/x", "emma.ics", "//x"])
def test_only_the_web_is_asked(tmp_path: Path, url: str) -> None:
    assert "web address" in why(feeds(tmp_path), url)


def test_an_address_that_is_a_secret_is_never_told(tmp_path: Path, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/private-c0ffee/basic.ics").respond_with_data("no calendar")
    told = [
        why(feeds(tmp_path / "a"), httpserver.url_for("/private-c0ffee/basic.ics")),
        why(feeds(tmp_path / "b", allow=()), httpserver.url_for("/private-c0ffee/basic.ics")),
        why(feeds(tmp_path / "c"), httpserver.url_for("/private-c0ffee/missing.ics")),
    ]

    kept = b"".join(f.read_bytes() for f in tmp_path.rglob("*") if f.is_file())
    assert not any("c0ffee" in each for each in told)
    assert b"c0ffee" not in kept
    assert all(EMPLOYEE.email in each for each in told)


def test_a_name_and_password_in_the_address_go_into_a_header(
    published: Published, tmp_path: Path
) -> None:
    url = published.url.replace("http://", "http://emma:p%40ss@")

    answer = ask(feeds(tmp_path), url)

    assert intervals(answer) == (BUSY,)
    assert published.heads[0]["Authorization"] == "Basic ZW1tYTpwQHNz"
