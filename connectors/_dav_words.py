"""The words of WebDAV and CalDAV: bodies of questions, and answers as plain entries.

RFC 4918 (WebDAV), 4791 (CalDAV), 6578 (sync), 6638 (scheduling), 7953 (availability).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote, urljoin, urlsplit
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from daemon.core.domain import Interval

D = "{DAV:}"
C = "{urn:ietf:params:xml:ns:caldav}"
S = "{http://calendarserver.org/ns/}"
_SPACES = (
    'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/"'
)
_PREFIX = {D: "D:", C: "C:", S: "S:"}


class NotDav(Exception):
    """What came is not an answer of a WebDAV server; the message says what it is instead."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource in an answer: its absolute URL, its status, and the properties it has."""

    url: str
    status: int
    props: Mapping[str, Element]

    def text(self, name: str) -> str:
        """The text of a property, trimmed; empty when there is none."""
        found = self.props.get(name)
        return (found.text or "").strip() if found is not None else ""

    def urls(self, name: str) -> list[str]:
        """The addresses a property holds, absolute."""
        found = self.props.get(name)
        hrefs = found.iter(f"{D}href") if found is not None else ()
        return [absolute(self.url, (each.text or "").strip()) for each in hrefs if each.text]

    def holds(self, name: str, child: str) -> bool:
        """Tell whether a property contains an element of that name."""
        found = self.props.get(name)
        return found is not None and next(found.iter(child), None) is not None


@dataclass(frozen=True, slots=True)
class Multistatus:
    """A whole answer: its entries and, where it has one, the new sync token."""

    entries: tuple[Entry, ...]
    token: str = ""


def multistatus(body: bytes, base: str) -> Multistatus:
    """Read a 207 answer to a question put to `base`. Raises `NotDav`."""
    root = parsed(body)
    if root.tag != f"{D}multistatus":
        raise NotDav("the answer is not a multistatus; is the address that of a CalDAV server?")
    found = tuple(_entries(root, base))
    return Multistatus(found, (root.findtext(f"{D}sync-token") or "").strip())


def parsed(body: bytes) -> Element:
    """Read XML without entities and document types. Raises `NotDav`."""
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise NotDav("the answer is not XML; is the address that of a CalDAV server?") from None
    return root


def _entries(root: Element, base: str) -> Iterator[Entry]:
    for response in root.findall(f"{D}response"):
        props: dict[str, Element] = {}
        for group in response.findall(f"{D}propstat"):
            if _status(group) == 200:
                props |= {each.tag: each for each in group.findall(f"{D}prop/*")}
        for href in response.findall(f"{D}href"):
            url = absolute(base, (href.text or "").strip())
            yield Entry(url, _status(response) or 200, props)


def _status(element: Element) -> int:
    said = (element.findtext(f"{D}status") or "").split()
    return int(said[1]) if len(said) > 1 and said[1].isdigit() else 0


def absolute(base: str, href: str) -> str:
    """An address as one spelling, however a server escapes it."""
    parts = urlsplit(urljoin(base, href))
    path = "/".join(quote(unquote(each), safe="@:!$&'()*+,;=~") for each in parts.path.split("/"))
    return parts._replace(path=path, fragment="").geturl()


def inside(folder: str, name: str) -> str:
    """The address of a resource in a collection."""
    return absolute(folder if folder.endswith("/") else f"{folder}/", quote(name, safe="@"))


# --- questions ------------------------------------------------------------------------------


def propfind(names: Iterable[str]) -> bytes:
    """Ask for properties."""
    return _document("D:propfind", _prop(names))


def event_query(*, uid: str = "", within: Interval | None = None, data: bool = True) -> bytes:
    """Ask for events by (a part of) their uid, or by time (RFC 4791 section 7.8)."""
    inner = ""
    if within:
        inner += _range(within)
    if uid:
        match = f"<C:text-match>{escape(uid)}</C:text-match>"
        inner += f'<C:prop-filter name="UID">{match}</C:prop-filter>'
    event = f'<C:comp-filter name="VEVENT">{inner}</C:comp-filter>'
    wanted = f'<C:filter><C:comp-filter name="VCALENDAR">{event}</C:comp-filter></C:filter>'
    return _document("C:calendar-query", _prop(_event_names(data)) + wanted)


def multiget(urls: Iterable[str]) -> bytes:
    """Ask for events by their addresses (RFC 4791 section 7.9)."""
    hrefs = "".join(f"<D:href>{escape(urlsplit(url).path)}</D:href>" for url in urls)
    return _document("C:calendar-multiget", _prop(_event_names(True)) + hrefs)


def sync(token: str) -> bytes:
    """Ask what changed since a token (RFC 6578)."""
    asked = f"<D:sync-token>{escape(token)}</D:sync-token><D:sync-level>1</D:sync-level>"
    return _document("D:sync-collection", asked + _prop([f"{D}getetag"]))


def free_busy(within: Interval) -> bytes:
    """Ask when a calendar is busy (RFC 4791 section 7.10)."""
    return _document("C:free-busy-query", _range(within))


def _event_names(data: bool) -> list[str]:
    return [f"{D}getetag", f"{C}schedule-tag", *([f"{C}calendar-data"] if data else [])]


def _prop(names: Iterable[str]) -> str:
    return "<D:prop>" + "".join(f"<{_short(name)}/>" for name in names) + "</D:prop>"


def _short(name: str) -> str:
    space, _, local = name.partition("}")
    return _PREFIX[space + "}"] + local


def _range(within: Interval) -> str:
    return f'<C:time-range start="{stamp(within.start)}" end="{stamp(within.end)}"/>'


def _document(name: str, content: str) -> bytes:
    head = '<?xml version="1.0" encoding="utf-8"?>'
    return f"{head}<{name} {_SPACES}>{content}</{name}>".encode()


def stamp(moment: datetime) -> str:
    """An instant as iCalendar writes it."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
