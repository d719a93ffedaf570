"""HTTP stays bounded, polite and honest, whatever the server does."""

import gzip
import socket
import struct
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from connectors._http import Answer, Http, Limits, NoAnswer, Request, demand, verdict
from connectors._limits import Allowance, Crowded, Limiter, retry_after
from daemon.core.ports import Ambiguous, CredentialsRefused, Permanent, Temporary, Trouble
from tests.doubles.wire import Wire, reply, says, wire

QUICK = Limits(connect=1, read=0.3, call=0.6, size=100_000, attempts=1, floor=0.001)


def silent(served: Wire, peer: socket.socket) -> None:
    served.read(peer)
    served.over.wait(5)


def drop(served: Wire, peer: socket.socket) -> None:
    served.read(peer)


def reset(served: Wire, peer: socket.socket) -> None:
    served.read(peer)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def drip(start: bytes) -> object:
    def behave(served: Wire, peer: socket.socket) -> None:
        served.read(peer)
        peer.sendall(start)
        while not served.over.wait(0.1):
            peer.sendall(b"x")

    return behave


def test_an_answer_comes_with_status_headers_and_body() -> None:
    with wire(says(reply(404, b'{"a": 1}', X_Seen="yes"))) as server:
        answer = Http().ask(Request("GET", server.url + "/thing"))

    assert (answer.status, answer.json(), answer.headers["x-seen"]) == (404, {"a": 1}, "yes")
    assert server.heard[0].startswith(b"GET /thing HTTP/1.1\r\n")


def test_a_connection_is_kept_for_the_next_call_of_the_thread() -> None:
    connections = []

    def behave(served: Wire, peer: socket.socket) -> None:
        connections.append(peer)
        says(reply())(served, peer)

    with wire(behave) as server:
        http = Http(limits=QUICK)
        for _ in range(5):
            http.ask(Request("GET", server.url))

    assert len(connections) == 1


@pytest.mark.parametrize(
    "behaviour",
    [
        silent,
        drip(b""),
        drip(b"HTTP/1.1 200 OK\r\nX-Long: "),
        drip(b"HTTP/1.1 200 OK\r\n\r\n"),
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"),
        drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ],
    ids=["silent", "status", "header", "open end", "length", "chunked"],
)
def test_a_server_that_never_ends_is_left_at_the_deadline(behaviour: object) -> None:
    with wire(behaviour) as server:  # type: ignore[arg-type]
        began = time.monotonic()

        with pytest.raises(NoAnswer) as caught:
            Http(limits=QUICK).ask(Request("GET", server.url))

    assert isinstance(caught.value.result, Temporary)
    assert time.monotonic() - began < 1.5


def test_a_kept_connection_is_cut_at_the_deadline_too() -> None:
    def behave(served: Wire, peer: socket.socket) -> None:
        served.read(peer)
        peer.sendall(reply())
        drip(b"HTTP/1.1 200 OK\r\nX: ")(served, peer)  # type: ignore[operator]

    with wire(behave) as server:
        http = Http(limits=QUICK)
        http.ask(Request("GET", server.url))

        with pytest.raises(NoAnswer, match="no whole answer"):
            http.ask(Request("GET", server.url))


@pytest.mark.parametrize("behaviour", [silent, drop, reset], ids=["silent", "drop", "reset"])
def test_a_lost_answer_is_ambiguous_only_where_a_repeat_would_not_be_safe(
    behaviour: object,
) -> None:
    with wire(behaviour) as server:  # type: ignore[arg-type]
        http = Http(limits=QUICK)

        results = []
        for method, repeatable in (("POST", None), ("POST", True), ("PUT", None), ("PUT", False)):
            with pytest.raises(NoAnswer) as caught:
                http.ask(Request(method, server.url, body=b"{}", repeatable=repeatable))
            results.append(type(caught.value.result))

    assert results == [Ambiguous, Temporary, Temporary, Ambiguous]


def test_a_truncated_answer_to_a_post_is_ambiguous() -> None:
    def behave(served: Wire, peer: socket.socket) -> None:
        served.read(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    with wire(behave) as server, pytest.raises(NoAnswer) as caught:
        Http(limits=QUICK).ask(Request("POST", server.url, body=b"x"))

    assert isinstance(caught.value.result, Ambiguous)


def test_a_server_that_cannot_be_reached_did_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"

    with pytest.raises(NoAnswer) as caught:
        Http(limits=QUICK).ask(Request("POST", url, body=b"x"))

    assert caught.value.result == Temporary("127.0.0.1: no connection")


def test_a_plain_server_behind_https_did_nothing() -> None:
    with wire(says(reply())) as server, pytest.raises(NoAnswer) as caught:
        Http(limits=QUICK).ask(Request("POST", server.url.replace("http", "https"), body=b"x"))

    assert isinstance(caught.value.result, Temporary)


def test_a_post_is_never_sent_twice_by_itself() -> None:
    with wire(drop) as server, pytest.raises(NoAnswer):
        Http(limits=replace(QUICK, attempts=5)).ask(Request("POST", server.url, body=b"x"))

    assert len(server.heard) == 1


def test_a_lost_get_is_asked_again() -> None:
    def behave(served: Wire, peer: socket.socket) -> None:
        served.read(peer)
        if len(served.heard) == 3:
            peer.sendall(reply(body=b"third"))

    with wire(behave) as server:
        answer = Http(limits=replace(QUICK, attempts=3)).ask(Request("GET", server.url))

    assert answer.body == b"third"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_after_a_post_is_ambiguous_and_not_repeated(status: int) -> None:
    with wire(says(reply(status))) as server:
        answer = Http(limits=replace(QUICK, attempts=5)).ask(Request("POST", server.url, body=b"x"))

    assert isinstance(verdict(answer, repeatable=False), Ambiguous)
    assert isinstance(verdict(answer, repeatable=True), Temporary)
    assert len(server.heard) == 1


def test_a_throttled_post_is_repeated_because_nothing_was_done() -> None:
    with wire(says(reply(429, Retry_After="0"), reply(201))) as server:
        answer = Http(limits=replace(QUICK, attempts=2)).ask(Request("POST", server.url, body=b"x"))

    assert (answer.status, len(server.heard)) == (201, 2)


@pytest.mark.parametrize(
    ("stated", "least", "most"),
    [
        ("0", 2, 2),
        ("7", 7, 7),
        ("1000000000", 60, 60),
        ("Mon, 01 Jan 1990 00:00:00 GMT", 2, 2),
        ("soon", 2, 2),
        ("-5", 2, 2),
        ("", 2, 2),
        ("9" * 400, 60, 60),
    ],
)
def test_retry_after_is_honoured_within_our_own_bounds(
    stated: str, least: float, most: float
) -> None:
    limits = replace(QUICK, floor=2, ceiling=60)
    with wire(says(reply(429, Retry_After=stated))) as server:
        answer = Http(limits=limits).ask(Request("GET", server.url))

    assert answer.pause is not None
    assert least <= answer.pause.total_seconds() <= most


def test_everybody_waits_when_one_call_was_throttled() -> None:
    with wire(says(reply(429, Retry_After="30"), reply())) as server:
        http = Http(limits=QUICK)
        http.ask(Request("GET", server.url))

        with pytest.raises(NoAnswer) as caught:
            http.ask(Request("GET", server.url))

    assert caught.value.retry_after is not None
    assert timedelta(seconds=29) < caught.value.retry_after <= timedelta(seconds=30)
    assert len(server.heard) == 1


def test_the_pause_before_another_try_follows_the_other_side_and_adds_jitter() -> None:
    slept: list[float] = []
    limits = replace(QUICK, attempts=3, call=60, floor=1)
    limiter = Limiter(clock=lambda: 100.0 + 10 * len(slept))
    with wire(says(reply(503, Retry_After="5"), reply(503, Retry_After="5"), reply())) as server:
        http = Http(limits=limits, limiter=limiter, sleep=slept.append)

        answer = http.ask(Request("GET", server.url))

    assert answer.ok
    assert 5 <= slept[0] <= 7
    assert 5 <= slept[1] <= 9


def test_a_pause_longer_than_the_call_is_left_to_the_caller() -> None:
    with wire(says(reply(503, Retry_After="40"))) as server:
        answer = Http(limits=replace(QUICK, attempts=5)).ask(Request("GET", server.url))

    assert verdict(answer, repeatable=True) == Temporary(
        "127.0.0.1 answered 503", timedelta(seconds=40)
    )


@pytest.mark.parametrize("stated", [True, False], ids=["length", "open end"])
def test_fifty_megabytes_are_not_taken(stated: bool) -> None:
    sent = []

    def behave(served: Wire, peer: socket.socket) -> None:
        served.read(peer)
        length = b"Content-Length: 52428800\r\n" if stated else b""
        peer.sendall(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n")
        for _ in range(50):
            peer.sendall(b"x" * 2**20)
            sent.append(2**20)

    with wire(behave) as server, pytest.raises(NoAnswer) as caught:
        Http(limits=replace(QUICK, call=10, read=5)).ask(Request("GET", server.url))

    assert isinstance(caught.value.result, Permanent)
    assert "larger than 100000 bytes" in caught.value.reason
    assert len(sent) < 50


def test_a_gzip_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(gzip.compress(b"\0" * 200_000_000))
    body = reply(body=bomb, Content_Encoding="gzip, gzip")
    with wire(says(body)) as server, pytest.raises(NoAnswer) as caught:
        Http(limits=replace(QUICK, call=10)).ask(Request("GET", server.url))

    assert len(bomb) < 20_000
    assert isinstance(caught.value.result, Permanent)


def test_broken_gzip_is_no_answer() -> None:
    body = reply(body=b"not gzip at all", Content_Encoding="gzip")
    with wire(says(body)) as server, pytest.raises(NoAnswer) as caught:
        Http(limits=QUICK).ask(Request("GET", server.url))

    assert isinstance(caught.value.result, Temporary)


def test_a_redirect_to_another_host_is_refused_and_never_visited() -> None:
    with wire(says(reply())) as elsewhere:
        moved = reply(302, Location=elsewhere.url + "/x")
        with wire(says(moved)) as server, pytest.raises(NoAnswer) as caught:
            Http(limits=QUICK).ask(Request("GET", server.url, redirects=3))

    assert isinstance(caught.value.result, Permanent)
    assert elsewhere.heard == []


def test_a_redirect_on_the_same_host_is_followed_without_credentials() -> None:
    with wire(says(reply(302, Location="/new"), reply(body=b"there"))) as server:
        request = Request("GET", server.url, {"Authorization": "Bearer abc"}, redirects=3)
        answer = Http(limits=QUICK).ask(request)

    assert answer.body == b"there"
    assert b"abc" in server.heard[0]
    assert b"abc" not in server.heard[1]


def test_redirects_end() -> None:
    with wire(says(reply(302, Location="/again"))) as server:
        answer = Http(limits=QUICK).ask(Request("GET", server.url, redirects=3))

    assert (answer.status, len(server.heard)) == (302, 4)


def test_only_named_hosts_are_spoken_to() -> None:
    with wire(says(reply())) as server:
        http = Http(limits=QUICK, hosts=("graph.example",))

        with pytest.raises(NoAnswer, match="not one of the hosts") as caught:
            http.ask(Request("GET", server.url))

    assert isinstance(caught.value.result, Permanent)
    assert server.heard == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://a/b",
        "http://",
        "",
        "a",
        "http://[",
        "//127.0.0.1/",
        "http://127.0.0.1\\@graph.example/",
        "https://graph.example:99999/",
    ],
)
def test_what_is_no_web_address_or_another_host_is_refused(url: str) -> None:
    with pytest.raises(NoAnswer) as caught:
        Http(limits=QUICK, hosts=("graph.example",)).ask(Request("GET", url))

    assert isinstance(caught.value.result, Permanent)


def test_private_addresses_are_refused_where_others_gave_the_url() -> None:
    with wire(says(reply())) as server:
        http = Http(limits=QUICK, public_only=True)

        with pytest.raises(NoAnswer, match="private network") as caught:
            http.ask(Request("GET", server.url))

    assert isinstance(caught.value.result, Permanent)
    assert server.heard == []


def test_credentials_need_tls_beyond_loopback() -> None:
    request = Request("GET", "http://calendar.example/", {"Authorization": "Basic abc"})

    with pytest.raises(NoAnswer, match="without TLS"):
        Http(limits=QUICK).ask(request)


def test_cookies_and_netrc_add_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password abc\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with wire(says(reply(Set_Cookie="seen=1; Path=/"))) as server:
        http = Http(limits=QUICK)
        http.ask(Request("GET", server.url))
        http.ask(Request("GET", server.url))

    assert b"cookie" not in server.heard[1].lower()
    assert b"authorization" not in server.heard[0].lower()


def test_the_log_names_the_request_and_no_secret() -> None:
    with wire(says(reply(403, Request_Id="r-17"))) as server:
        url = server.url.replace("http://", "http://me:s3cret@") + "/feed/s3cret?key=s3cret"
        with structlog.testing.capture_logs() as lines:
            Http(limits=QUICK).ask(Request("GET", url, {"X": "Bearer s3cret"}, what="feed"))

    assert [line["request_id"] for line in lines] == ["r-17"]
    assert "s3cret" not in str(lines)


def test_a_failure_is_told_without_the_url() -> None:
    logged = structlog.testing.capture_logs()
    with wire(drop) as server, logged as lines, pytest.raises(NoAnswer) as caught:
        Http(limits=QUICK).ask(Request("GET", server.url + "/s3cret?key=s3cret"))

    assert len(lines) == 1
    assert "s3cret" not in str(lines) + caught.value.reason


def test_a_header_cannot_be_injected() -> None:
    with wire(says(reply())) as server, pytest.raises(NoAnswer) as caught:
        Http(limits=QUICK).ask(Request("GET", server.url, {"X": "a\r\nY: b"}))

    assert isinstance(caught.value.result, Permanent)
    assert server.heard == []


def an_answer(status: int) -> Answer:
    return Answer(status, {}, b"", "https://x.example/secret")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 412, 413, 418, 501])
def test_other_errors_are_permanent(status: int) -> None:
    assert verdict(an_answer(status), repeatable=False) == Permanent(f"x.example answered {status}")


def test_a_success_has_no_verdict() -> None:
    assert verdict(an_answer(204), repeatable=False) is None
    assert demand(an_answer(204)).status == 204


def test_a_connection_that_is_refused_is_trouble() -> None:
    with pytest.raises(CredentialsRefused, match="renew the secret"):
        demand(an_answer(401), "renew the secret")
    with pytest.raises(Trouble) as caught:
        demand(an_answer(503))

    assert not isinstance(caught.value, CredentialsRefused)


@pytest.fixture
def crowd() -> Limiter:
    return Limiter(in_flight=2)


def test_no_more_calls_at_once_than_allowed() -> None:
    most, now, lock = 0, 0, threading.Lock()

    def behave(served: Wire, peer: socket.socket) -> None:
        nonlocal most, now
        served.read(peer)
        with lock:
            now += 1
            most = max(most, now)
        served.over.wait(0.02)
        with lock:
            now -= 1
        peer.sendall(reply(Connection="close"))

    with wire(behave) as server:
        http = Http(limits=replace(QUICK, call=5), limiter=Limiter(in_flight=3))
        ask = lambda: http.ask(Request("GET", server.url))  # noqa: E731
        threads = [threading.Thread(target=ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(server.heard) == 12
    assert most == 3


def test_a_place_is_free_again_after_a_failure(crowd: Limiter) -> None:
    for _ in range(5):
        with pytest.raises(RuntimeError), crowd.place(0.1):
            raise RuntimeError

    with crowd.place(0), crowd.place(0), pytest.raises(Crowded), crowd.place(0.01):
        pytest.fail("a third place")


def test_starts_keep_to_the_rate() -> None:
    now = [0.0]
    limiter = Limiter(in_flight=9, per_minute=60, clock=lambda: now[0])

    for _ in range(10):
        with limiter.place(0):
            pass
    with pytest.raises(Crowded) as caught, limiter.place(0.5):
        pytest.fail("too early")
    now[0] = 1.0

    assert caught.value.wait == pytest.approx(1)
    with limiter.place(0):
        pass


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 50)), max_size=40))
def test_an_allowance_never_grants_more_than_its_rate(steps: list[tuple[float, int]]) -> None:
    now = [0.0]
    allowance = Allowance(30, burst=5, clock=lambda: now[0])
    granted = 0

    for passed, wanted in steps:
        now[0] += passed
        granted += allowance.take(wanted)

    assert granted <= 5 + now[0] * 0.5 + 1e-6


def test_a_retry_after_date_counts_from_now() -> None:
    now = datetime(2026, 12, 1, 9, tzinfo=UTC)
    later = format_datetime(now + timedelta(seconds=90), usegmt=True)

    assert retry_after(later, now) == 90
    assert retry_after(None, now) is None


@given(st.text())
def test_no_retry_after_breaks_us(stated: str) -> None:
    seconds = retry_after(stated, datetime(2026, 12, 1, tzinfo=UTC))

    assert seconds is None or seconds >= 0
