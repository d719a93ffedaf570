"""The lines of an iCalendar file as components and properties, each with its line number.

Linear in the size of the file and never recursive: safe to use on anything (RFC 5545 section 3.1).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

# fmt: off
KEPT = frozenset({
    "ATTENDEE", "COMMENT", "DTEND", "DTSTAMP", "DTSTART", "DURATION", "EXDATE", "EXRULE",
    "FREEBUSY", "LAST-MODIFIED", "METHOD", "ORGANIZER", "RDATE", "RECURRENCE-ID", "RRULE",
    "SEQUENCE", "STATUS", "TRANSP", "TZID", "TZOFFSETFROM", "TZOFFSETTO", "UID",
    "X-CARELOOP-TIME", "X-LIC-LOCATION", "X-WR-TIMEZONE",
})
# fmt: on
"""The properties anybody here asks for; the others are passed over."""

_NAME = re.compile(r"[A-Za-z0-9-]+")
_PARAMETER = re.compile(r';([A-Za-z0-9-]+)=((?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)')


class Unreadable(Exception):
    """Something that cannot be understood for sure: the line it stands in, and why."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line
        self.why = why


class Property(NamedTuple):
    """One unfolded content line."""

    line: int
    name: str
    parameters: str
    """As written, from the first `;` to before the `:`."""
    value: str

    def parameter(self, name: str) -> str:
        """The value of a parameter without its quotes; empty when there is none."""
        if not self.parameters:
            return ""
        for key, value in _PARAMETER.findall(self.parameters):
            if key.upper() == name:
                return str(value).strip('"')
        return ""


@dataclass(slots=True)
class Component:
    """What stands between a BEGIN and its END."""

    name: str
    line: int
    properties: dict[str, list[Property]] = field(default_factory=dict)
    children: list["Component"] = field(default_factory=list)

    def first(self, name: str) -> Property | None:
        """The first property of that name."""
        found = self.properties.get(name)
        return found[0] if found else None

    def text(self, name: str) -> str:
        """The value of the first property of that name, trimmed; empty when there is none."""
        found = self.properties.get(name)
        return found[0].value.strip() if found else ""


def components(content: bytes) -> Component:
    """Read a file into one nameless component that holds the top ones.

    Raises `Unreadable` where the structure breaks: not iCalendar, cut off, wrongly nested.
    """
    root = Component("", 1)
    stack = [root]
    for number, line in _unfolded(_text(content)):
        name, parameters, value = _split(line)
        if name == "BEGIN":
            stack.append(_opened(stack[-1], value, number))
        elif name == "END":
            _close(stack, value, number)
        elif len(stack) == 1:
            raise Unreadable(number, "this is not iCalendar: no BEGIN before it")
        elif name in KEPT:
            kept = Property(number, name, parameters, value)
            stack[-1].properties.setdefault(name, []).append(kept)
    if len(stack) > 1:
        raise Unreadable(stack[-1].line, f"{stack[-1].name or 'this'} begins here and never ends")
    if not root.children:
        raise Unreadable(1, "there is no iCalendar component in it")
    return root


def calendars(root: Component) -> list[Component]:
    """The calendars of a file; events that stand outside any are one more."""
    return [*(each for each in root.children if each.name == "VCALENDAR"), root]


def _text(content: bytes) -> str:
    """Bytes as text with plain line ends; what is not UTF-8 does not matter to times."""
    text = content.decode("utf-8", errors="replace").removeprefix("\ufeff")
    text = text.replace("\r\n", "\n")
    return text.replace("\r", "\n").rstrip("\x00\x1a\n\t ")


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines with the number of their first physical one (RFC 5545 section 3.1)."""
    start, parts = 0, [""]
    for number, line in enumerate(text.split("\n"), 1):
        if line[:1] in {" ", "\t"}:
            parts.append(line[1:])
            continue
        if parts[0]:
            yield start, "".join(parts) if len(parts) > 1 else parts[0]
        start, parts = number, [line]
    if parts[0]:
        yield start, "".join(parts)


def _split(line: str) -> tuple[str, str, str]:
    """Name, parameters and value of a content line; a line without a value keeps its name."""
    head, colon, value = line.partition(":")
    if ";" not in head:
        return (head.strip().upper() if colon else _guess(line)), "", value
    name, _, _ = head.partition(";")
    name = name.strip().upper()
    if name not in KEPT:
        return name, "", ""
    if '"' in head:
        head, colon, value = _outside_quotes(line)
    return (name if colon else _guess(line)), head[len(name) :], value


def _outside_quotes(line: str) -> tuple[str, str, str]:
    """Cut at the first colon that no quotation marks enclose."""
    quoted = False
    for place, sign in enumerate(line):
        if sign == '"':
            quoted = not quoted
        elif sign == ":" and not quoted:
            return line[:place], ":", line[place + 1 :]
    return line, "", ""


def _guess(line: str) -> str:
    """The name a line without a colon seems to mean: a mangled DTEND must not vanish."""
    name = _NAME.match(line.upper())
    said = name.group() if name else ""
    return next((known for known in _MATTERS if said.startswith(known)), "")


_MATTERS = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "RECURRENCE-ID", "FREEBUSY")


def _opened(parent: Component, value: str, line: int) -> Component:
    child = Component(value.strip().upper(), line)
    if child.name == "VEVENT" and parent.name not in {"", "VCALENDAR"}:
        raise Unreadable(parent.line, f"{parent.name[:40] or 'this'} begins here and never ends")
    parent.children.append(child)
    return child


def _close(stack: list[Component], value: str, line: int) -> None:
    name = value.strip().upper()
    if len(stack) == 1 or stack[-1].name != name:
        raise Unreadable(line, f"END:{name[:40]} has no BEGIN that fits")
    stack.pop()
