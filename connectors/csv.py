"""The roster as a CSV file: every problem of it in one pass, and everybody whose row is sound."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from connectors._csv_table import COLUMNS, REQUIRED, decoded, table
from connectors._readings import LARGEST, NotLoaded
from connectors._vdir import load
from daemon.config.checks import countries, is_address, known_part, known_zone
from daemon.config.mistakes import nearest
from daemon.config.model import Config
from daemon.core.domain import Email, Hours, Person, Problem, Roster, email
from daemon.core.ports import Directory, Trouble
from daemon.core.roster import check_reporting_lines, parse_day, parse_hours, parse_leave

LANGUAGES = ("en", "de", "fr", "es")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.IGNORECASE)
_FORMULA = ("=", "+", "-", "@")


def directory(config: Config) -> Directory:
    """Open the roster `[people] path`."""
    return CsvRoster(config)


class CsvRoster:
    """People from a file; an empty cell means what the organization states."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._path = config.at(config.people.path)
        self._shown = str(config.people.path)

    def people(self) -> Roster:
        """Read everybody. Raises `Trouble` where the file or a required column is missing."""
        text, doubts = self._text()
        found = table(text, self._shown)
        problems = [*doubts, *found.problems]
        rows = [_Row(line, cells, self._shown) for line, cells in found.rows]
        problems += _twins(rows)
        staff = [person for row in rows if (person := row.person(self._defaults()))]
        problems += (problem for row in rows for problem in row.problems)
        where = {row.email: row.where for row in rows if row.email}
        checked = check_reporting_lines(staff, where)
        refused = checked.refused | (where.keys() - {person.email for person in staff})
        everything = sorted([*problems, *checked.problems], key=_line)
        return Roster(checked.people, tuple(everything), frozenset(refused))

    def _text(self) -> tuple[str, list[Problem]]:
        try:
            content = load(self._path)
        except (OSError, NotLoaded) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            cure = "create it, or correct [people] path"
            raise Trouble(f"{self._path}: the roster cannot be read: {why}; {cure}") from None
        if len(content) > LARGEST:
            raise Trouble(f"{self._path}: the roster is larger than {LARGEST >> 20} MiB")
        return decoded(content, self._shown)

    def _defaults(self) -> Person:
        ours = self._config.organization
        try:
            hours = parse_hours(ours.working_hours)
        except ValueError as error:
            raise Trouble(f"[organization] working_hours: {error}") from None
        return Person(
            Email(""), "", None, ours.zone, hours, country=ours.country, language=ours.language
        )


def _line(problem: Problem) -> int:
    return int(problem.where.rpartition(":")[2])


@dataclass(slots=True)
class _Row:
    """One person's line: what it states, and what is wrong with it."""

    line: int
    cells: Mapping[str, str]
    shown: str
    problems: list[Problem] = field(default_factory=list)
    sound: bool = True
    """Whether the person can be served."""

    @property
    def where(self) -> str:
        return f"{self.shown}:{self.line}"

    @property
    def email(self) -> Email | None:
        """The address, where it is one."""
        text = email(self.cells.get("email", ""))
        return text if is_address(text) else None

    def person(self, defaults: Person) -> Person | None:
        """The person, or None where something stands in the way; adds to `problems`."""
        self._check_plainness()
        who = self._required("email", self._address)
        name = self._required("name", str)
        manager = self._address(self.cells["manager"]) if self.cells.get("manager") else None
        stated = {name: value for name, value in self._stated() if value is not None}
        if not self.sound or not who or not name:
            return None
        values: dict[str, Any] = {
            "zone": defaults.zone,
            "hours": defaults.hours,
            "country": defaults.country,
            "language": defaults.language,
            **stated,
        }
        return Person(who, name, manager, **values, stated=frozenset(stated))

    def _stated(self) -> Iterator[tuple[str, object]]:
        """The optional fields the row gives, by their names in `Person`."""
        readers: Sequence[tuple[str, str, Callable[[str], object]]] = (
            ("zone", "time_zone", self._zone),
            ("hours", "working_hours", self._hours),
            ("country", "country", self._country),
            ("language", "language", self._language),
            ("start_date", "start_date", lambda text: self._try("start_date", parse_day, text)),
            ("leave", "leave", lambda text: self._try("leave", parse_leave, text)),
            ("role", "role", str),
            ("unit", "unit", str),
            ("calendar_url", "calendar_url", self._url),
        )
        for name, column, read in readers:
            if text := self.cells.get(column, ""):
                yield name, read(text)

    def _wrong(self, what: str, cure: str, serious: bool = True) -> None:
        self.problems.append(Problem(self.where, what, cure))
        self.sound = self.sound and not serious

    def _check_plainness(self) -> None:
        for column, text in self.cells.items():
            if _CONTROLS.search(text):
                self._wrong(f"`{column}` holds a control character", "type the cell anew")
            elif text.startswith(_FORMULA) and column in COLUMNS:
                what = f"`{column}` = {text[:40]!r} looks like a formula"
                self._wrong(what, f"a cell does not begin with {text[0]}")

    def _required(self, column: str, read: Callable[[str], Any]) -> Any:
        text = self.cells.get(column, "")
        if not text:
            self._wrong(f"`{column}` is empty", f"every row has {' and '.join(REQUIRED[:2])}")
            return None
        return read(text)

    def _address(self, text: str) -> Email | None:
        if is_address(text):
            return email(text)
        self._wrong(f"{text[:60]!r} is not a mail address", "write it like anna@acme.example")
        return None

    def _try(self, column: str, read: Callable[[str], object], text: str) -> object:
        try:
            return read(text)
        except ValueError as error:
            what, _, cure = str(error).partition("; ")
            self._wrong(f"`{column}`: {what}", cure or "correct it, or leave the cell empty")
            return None

    def _hours(self, text: str) -> Hours | None:
        hours = self._try("working_hours", parse_hours, text)
        return hours if isinstance(hours, Hours) else None

    def _zone(self, text: str) -> ZoneInfo | None:
        if known_zone(text):
            return ZoneInfo(text)
        near = nearest(text, available_timezones()) or ["Europe/Berlin"]
        self._wrong(f"`time_zone` = {text[:60]!r} is not a known zone", f"did you mean {near[0]}?")
        return None

    def _country(self, text: str) -> str | None:
        land, _, part = text.upper().partition("-")
        if land not in countries():
            self._wrong(f"`country` = {text[:60]!r} is not a country code", _country_cure(text))
            return None
        if part and not known_part(land, part):
            self._wrong(f"`country` = {text[:60]!r}: {land} has no such part", f"write {land}")
            return None
        return text.upper()

    def _language(self, text: str) -> str | None:
        if _TAG.fullmatch(text) and text.lower().partition("-")[0] in LANGUAGES:
            return text
        near = nearest(text, LANGUAGES)
        hint = f"did you mean {near[0]}? " if near else ""
        cure = (
            f"{hint}Letters are written in {', '.join(LANGUAGES)}; until then the default is used"
        )
        self._wrong(
            f"`language` = {text[:60]!r} is not one careloop writes in", cure, serious=False
        )
        return None

    def _url(self, text: str) -> str | None:
        try:
            parts = urlsplit(text)
            fits = parts.scheme in {"http", "https", "webcal"} and bool(parts.hostname)
        except ValueError:
            fits = False
        if fits and not re.search(r"\s", text):
            return text
        cure = "write the address of a calendar feed, such as https://cal.example/anna.ics"
        self._wrong(f"`calendar_url` = {text[:60]!r} is not a web address", cure, serious=False)
        return None


def _country_cure(text: str) -> str:
    by_name = nearest(text, countries().values(), cutoff=0.8)
    codes = [code for code, name in countries().items() if name in by_name]
    near = codes or [code for code in (text[:2].upper(),) if code in countries()]
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}Write ISO 3166, such as DE or DE-BY"


def _twins(rows: Sequence[_Row]) -> Iterator[Problem]:
    """Addresses that stand on several rows, however written: nobody can say which one holds."""
    stands: dict[Email, list[_Row]] = {}
    for row in rows:
        if row.email:
            stands.setdefault(row.email, []).append(row)
    for address, twins in stands.items():
        if len(twins) > 1:
            for row in twins:
                row.sound = False
            lines = ", ".join(str(row.line) for row in twins)
            what = f"{address} stands on {len(twins)} rows (lines {lines})"
            yield Problem(twins[0].where, what, "keep one of them; none is used until then")
