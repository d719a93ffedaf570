"""A CalDAV server that can be told to misbehave the way servers in the field do.

Its books are plain dictionaries a test may read and write; `Quirks` are what it does differently
all the time, `Fault`s what it does to the next request of a kind.
"""

import itertools
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote
from xml.etree.ElementTree import Element, fromstring
from xml.sax.saxutils import escape

D, C = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"
_SPACES = (
    'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/"'
)


@dataclass
class Quirks:
    """How this server differs from the book."""

    schedules: bool = False
    etags: str = "strong"
    """strong, weak or none (in answers to PUT and GET; listings always have one)."""
    overwrites: bool = False
    """`If-None-Match: *` is ignored."""
    token_refusal: int = 0
    """Status a token that is not today's gets; 207: the full list, without what is gone."""
    marks: bool = True
    """Calendars have a ctag and a sync token."""
    free_busy: int = 200
    queries: int = 207
    outbox: str = ""
    """Empty: none; `all`: tells of everybody; `self`: of its owner only; `broken`: answers 500."""
    delete: int = 204
    """With 500 a deletion fails and nothing is gone."""
    delivery: str = "2.0"
    """The SCHEDULE-STATUS attendees get."""
    hours: str = ""
    zone: str = ""
    home_url: str = ""
    """Another place the principal's calendars are said to be."""
    entity_bomb: bool = False


@dataclass
class Fault:
    """What happens to the next request with this method: a status instead of work, a connection
    that breaks before or after the work, or silence."""

    method: str
    kind: str
    """before, after, silent, slow, or a status."""
    times: int = 1
    location: str = ""


@dataclass
class Item:
    """One resource in a calendar."""

    text: str
    version: int


@dataclass
class Books:
    """What the server holds: per user and name, and every change in order."""

    items: dict[str, dict[str, Item]] = field(default_factory=dict)
    changes: list[tuple[str, str]] = field(default_factory=list)
    heard: list[tuple[str, str]] = field(default_factory=list)
    """Method and path of every request that came."""
    invited: list[tuple[str, str]] = field(default_factory=list)
    """Who was invited to which text, by the server."""


class Double:
    """The server: one calendar /dav/<user>/cal/ for each user, whose password is `secret`."""

    def __init__(self) -> None:
        self.quirks = Quirks()
        self.books = Books()
        self.faults: list[Fault] = []
        self.lock = threading.RLock()
        self.over = threading.Event()
        self.url = ""
        self._versions = itertools.count(1)

    def welcome(self, *users: str) -> None:
        for user in users:
            self.books.items[user] = {}

    def store(self, user: str, name: str, text: str) -> Item:
        """Write a resource, as a person's own program or the server itself would."""
        with self.lock:
            self.books.items[user][name] = Item(text, next(self._versions))
            self.books.changes.append((user, name))
            return self.books.items[user][name]

    def remove(self, user: str, name: str) -> None:
        with self.lock:
            del self.books.items[user][name]
            self.books.changes.append((user, name))

    def texts(self, user: str) -> list[str]:
        """Everything in a calendar, unfolded."""
        items = self.books.items[user].values()
        return [re.sub(r"\r?\n[ \t]", "", item.text) for item in items]

    def count(self, method: str) -> int:
        return sum(said == method for said, _ in self.books.heard)

    def fault(self, method: str) -> Fault | None:
        with self.lock:
            for each in self.faults:
                if each.method == method and each.times > 0:
                    each.times -= 1
                    return each
        return None

    # --- the work ---------------------------------------------------------------------------

    def put(self, user: str, name: str, text: str, headers: dict[str, str]) -> tuple[int, str]:
        with self.lock:
            old = self.books.items[user].get(name)
            if old and headers.get("if-none-match") == "*" and not self.quirks.overwrites:
                return 412, ""
            known = headers.get("if-match") or headers.get("if-schedule-tag-match")
            if known and (old is None or known not in (_etag(old), _tag(old))):
                return 412, ""
            if self.quirks.schedules and "ORGANIZER" in text:
                text = self._deliver(user, text)
            item = self.store(user, name, text)
            return (204 if old else 201), _etag(item)

    def _deliver(self, user: str, text: str) -> str:
        """Invite whoever else takes part, unless the client said that it does so itself."""
        plain = re.sub(r"\r?\n[ \t]", "", text)
        organizer = re.search(r"^ORGANIZER.*mailto:(\S+)", plain, re.MULTILINE)
        if organizer is None or organizer[1].partition("@")[0] != user:
            return text
        uid = re.findall(r"^UID:(\S+)", plain, re.MULTILINE)[0]
        for line in re.findall(r"^ATTENDEE.*$", plain, re.MULTILINE):
            who = line.rpartition("mailto:")[2].strip().partition("@")[0]
            if who == user or "SCHEDULE-AGENT" in line:
                continue
            if self.quirks.delivery.startswith(("1", "2")) and who in self.books.items:
                self.books.invited.append((who, plain))
                self.store(who, f"delivered-{uid[:8]}.ics", text)
            said = line.strip().replace(
                "ATTENDEE", f'ATTENDEE;SCHEDULE-STATUS="{self.quirks.delivery}"'
            )
            plain = plain.replace(line.strip(), said)
        return plain

    def delete(self, user: str, name: str) -> int:
        with self.lock:
            if name not in self.books.items[user]:
                return 404
            if self.quirks.delete < 300:
                text = self.books.items[user][name].text
                self.remove(user, name)
                self._call_off(user, text)
            return self.quirks.delete

    def _call_off(self, user: str, text: str) -> None:
        """The organizer's event is gone: take it from the others, too."""
        uid = re.findall(r"^UID:(\S+)", text, re.MULTILINE)[0]
        organizer = re.search(r"ORGANIZER.*?mailto:([^@\s]+)", re.sub(r"\r?\n[ \t]", "", text))
        if self.quirks.schedules and organizer and organizer[1] == user:
            for other, items in self.books.items.items():
                if other != user and f"delivered-{uid[:8]}.ics" in items:
                    self.remove(other, f"delivered-{uid[:8]}.ics")

    def token(self, user: str) -> str:
        return f"urn:token:{user}:{sum(who == user for who, _ in self.books.changes)}"

    def changed_since(self, user: str, token: str) -> tuple[int, list[str]]:
        """The names to tell of, or the status the token is refused with."""
        names = [name for who, name in self.books.changes if who == user]
        known = token.rpartition(":")[2]
        if self.quirks.token_refusal and token != self.token(user):
            every = list(self.books.items[user])
            return (
                (207, every)
                if self.quirks.token_refusal == 207
                else (self.quirks.token_refusal, [])
            )
        return 207, list(dict.fromkeys(names[int(known) :])) if known.isdigit() else []


def _etag(item: Item) -> str:
    return f'"{item.version}"'


def _tag(item: Item) -> str:
    return f'"t{item.version}"'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 2**16  # an answer in one piece: in two it would wait for an acknowledgement
    double: Double

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (TimeoutError, ConnectionError):
            self.close_connection = True

    def __getattr__(self, name: str) -> object:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        double, method = self.double, self.command
        double.books.heard.append((method, unquote(self.path)))
        fault = double.fault(method)
        if fault and fault.kind == "silent":
            double.over.wait(30)
            self.close_connection = True
            return
        if fault and fault.kind == "before":
            self.close_connection = True
            return
        if fault and fault.kind == "slow":
            self._drip()
            return
        if fault and fault.kind.isdigit():
            place = {"Location": fault.location} if fault.location else {}
            self._say(int(fault.kind), "", place)
            return
        if "Authorization" not in self.headers:
            self._say(401, "")
            return
        answer = self._answer(method, body)
        if fault and fault.kind == "after":
            self.close_connection = True
            return
        self._say(*answer)

    def _drip(self) -> None:
        """One byte at a time, without end."""
        self.wfile.write(b"HTTP/1.1 207 Multi-Status\r\nContent-Length: 1000000\r\n\r\n")
        while not self.double.over.wait(0.05):
            self.wfile.write(b" ")
            self.wfile.flush()

    def _say(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    # --- answers ----------------------------------------------------------------------------

    def _answer(self, method: str, body: bytes) -> tuple[int, str, dict[str, str]]:
        parts = [part for part in unquote(self.path).split("/") if part]
        user = parts[1] if len(parts) > 1 else ""
        name = parts[3] if len(parts) > 3 else ""
        double = self.double
        if method == "OPTIONS":
            auto = ", calendar-auto-schedule" if double.quirks.schedules else ""
            return 200, "", {"DAV": f"1, calendar-access{auto}"}
        if method == "PROPFIND":
            return self._propfind(parts, user)
        if user not in double.books.items:
            return 404, "", {}
        if method == "POST":
            return self._outbox(user, body.decode())
        if method == "REPORT":
            return self._report(user, fromstring(body))
        if method == "GET":
            item = double.books.items[user].get(name)
            return (404, "", {}) if item is None else (200, item.text, self._etags(item))
        if method == "PUT":
            headers = {key.lower(): value for key, value in self.headers.items()}
            status, etag = double.put(user, name, body.decode(), headers)
            item = double.books.items[user].get(name)
            return status, "", self._etags(item) if etag and item else {}
        if method == "DELETE":
            return double.delete(user, name), "", {}
        return 405, "", {}

    def _etags(self, item: Item) -> dict[str, str]:
        quirks = self.double.quirks
        tags = {"Schedule-Tag": _tag(item)} if quirks.schedules else {}
        plain = {"strong": {"ETag": _etag(item)}, "weak": {"ETag": f"W/{_etag(item)}"}, "none": {}}
        return tags | plain[quirks.etags]

    def _propfind(self, parts: list[str], user: str) -> tuple[int, str, dict[str, str]]:
        quirks = self.double.quirks
        if quirks.entity_bomb:
            bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
            return 207, f'{bomb}<multistatus xmlns="DAV:">&b;</multistatus>', {}
        me = self._user()
        if len(parts) <= 1 or parts[0] == ".well-known":
            own = f"<current-user-principal><href>/dav/{me}/</href></current-user-principal>"
            return self._listing([("/dav/", own)])
        if user not in self.double.books.items:
            return 404, "", {}
        if len(parts) == 2:
            rows = [(f"/dav/{user}/", self._principal(user))]
            if self.headers.get("Depth") == "1":
                rows.append((f"/dav/{user}/cal/", self._calendar(user)))
            return self._listing(rows)
        if parts[2] == "inbox":
            hours = f"<C:calendar-availability>{escape(quirks.hours)}</C:calendar-availability>"
            return self._listing([(f"/dav/{user}/inbox/", hours if quirks.hours else "")])
        return self._listing([(f"/dav/{user}/cal/", self._calendar(user))])

    def _user(self) -> str:
        import base64

        said = self.headers["Authorization"].partition(" ")[2]
        return base64.b64decode(said).decode().partition(":")[0]

    def _principal(self, user: str) -> str:
        quirks = self.double.quirks
        home = quirks.home_url or f"/dav/{user}/"
        box = f"<C:schedule-inbox-URL><href>/dav/{user}/inbox/</href></C:schedule-inbox-URL>"
        out = f"<C:schedule-outbox-URL><href>/dav/{user}/outbox/</href></C:schedule-outbox-URL>"
        address = f"<href>mailto:{user}@acme.example</href>"
        return (
            f"<C:calendar-home-set><href>{home}</href></C:calendar-home-set>{box}"
            f"<C:calendar-user-address-set>{address}</C:calendar-user-address-set>"
            f"{out if quirks.outbox else ''}"
        )

    def _calendar(self, user: str) -> str:
        quirks, token = self.double.quirks, self.double.token(user)
        marks = f"<S:getctag>{token}</S:getctag><sync-token>{token}</sync-token>"
        zone = f"<C:calendar-timezone>{escape(quirks.zone)}</C:calendar-timezone>"
        return (
            f"<resourcetype><collection/><C:calendar/></resourcetype>"
            f"<displayname>Work of {user}</displayname>"
            f"{marks if quirks.marks else ''}{zone if quirks.zone else ''}"
        )

    def _listing(
        self, rows: list[tuple[str, str]], token: str = ""
    ) -> tuple[int, str, dict[str, str]]:
        entries = "".join(
            f"<response><href>{escape(href)}</href><status>HTTP/1.1 404 Gone</status></response>"
            if props is None
            else f"<response><href>{escape(href)}</href><propstat><prop>{props}</prop>"
            f"<status>HTTP/1.1 200 OK</status></propstat></response>"
            for href, props in rows
        )
        end = f"<sync-token>{token}</sync-token>" if token else ""
        return 207, f"<multistatus {_SPACES}>{entries}{end}</multistatus>", {}

    def _outbox(self, user: str, text: str) -> tuple[int, str, dict[str, str]]:
        double, quirks = self.double, self.double.quirks
        if quirks.outbox in ("", "broken"):
            return 500, "", {}
        rows = []
        for who in re.findall(r"ATTENDEE:mailto:(\S+)", text):
            name = who.partition("@")[0]
            tells = quirks.outbox == "all" or (quirks.outbox == "self" and name == user)
            known = tells and name in double.books.items
            status = "2.0;Success" if known else "3.7;Invalid calendar user"
            data = f"<C:calendar-data>{self._blocks(name)}</C:calendar-data>" if known else ""
            rows.append(
                f"<C:response><C:recipient><href>mailto:{who}</href></C:recipient>"
                f"<C:request-status>{status}</C:request-status>{data}</C:response>"
            )
        body = "".join(rows)
        return 200, f"<C:schedule-response {_SPACES}>{body}</C:schedule-response>", {}

    def _blocks(self, user: str) -> str:
        lines = []
        for text in self.double.texts(user):
            start, end = (
                re.findall(rf"^{key}:(\S+)", text, re.MULTILINE) for key in ("DTSTART", "DTEND")
            )
            lines.append(f"FREEBUSY;FBTYPE=BUSY:{start[0]}/{end[0]}\r\n")
        body = f"BEGIN:VFREEBUSY\r\n{''.join(lines)}END:VFREEBUSY\r\n"
        return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{body}END:VCALENDAR\r\n"

    def _report(self, user: str, asked: Element) -> tuple[int, str, dict[str, str]]:
        double, quirks = self.double, self.double.quirks
        if asked.tag == f"{C}free-busy-query":
            good = quirks.free_busy == 200
            return quirks.free_busy, self._blocks(user) if good else "", {}
        if asked.tag == f"{D}sync-collection":
            status, names = double.changed_since(user, asked.findtext(f"{D}sync-token") or "")
            if status != 207:
                return status, "", {}
            rows = [(f"/dav/{user}/cal/{name}", self._item(user, name)) for name in names]
            return self._listing(rows, double.token(user))
        if asked.tag == f"{C}calendar-multiget":
            names = [unquote(each.text or "").rpartition("/")[2] for each in asked.iter(f"{D}href")]
        else:
            if quirks.queries != 207:
                return quirks.queries, "", {}
            uid = asked.findtext(f".//{C}text-match") or ""
            items = double.books.items[user].items()
            names = [name for name, item in items if uid in re.sub(r"\r?\n[ \t]", "", item.text)]
        return self._listing([(f"/dav/{user}/cal/{n}", self._item(user, n)) for n in names])

    def _item(self, user: str, name: str) -> str | None:
        item = self.double.books.items[user].get(name)
        if item is None:
            return None
        data = f"<C:calendar-data>{escape(item.text)}</C:calendar-data>"
        weak = "W/" if self.double.quirks.etags == "weak" else ""
        tag = (
            f"<C:schedule-tag>{_tag(item)}</C:schedule-tag>" if self.double.quirks.schedules else ""
        )
        return f"<getetag>{weak}{_etag(item)}</getetag>{tag}{data}"


@contextmanager
def caldav_double() -> Iterator[Double]:
    """Serve a double on a free port of loopback."""
    double = Double()
    handler = type("Handler", (_Handler,), {"double": double})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    double.url = f"http://127.0.0.1:{server.server_address[1]}/dav/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield double
    finally:
        double.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
