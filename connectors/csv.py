"""The roster as a CSV file: every problem of it in one pass, and everybody whose row is sound."""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from connectors._readings import LARGEST, NotLoaded
from connectors._vdir import load
from daemon.config.checks import countries, is_address, known_part, known_zone
from daemon.config.mistakes import nearest
from daemon.config.model import Config
from daemon.core.domain import Email, Hours, Person, Problem, Roster, email
from daemon.core.ports import Directory, Trouble
from daemon.core.roster import check_reporting_lines, parse_day, parse_hours, parse_leave

REQUIRED = ("email", "name", "manager")
COLUMNS = (
    *REQUIRED,
    *("time_zone", "working_hours", "country", "language", "start_date", "leave", "role"),
    *("calendar_url", "unit"),
)
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
        table = _table(text, self._shown)
        problems = [*doubts, *table.problems]
        rows = [_Row(line, cells, self._shown) for line, cells in table.rows]
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
        return _decoded(content, self._shown)

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


# --- the file -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Table:
    rows: list[tuple[int, dict[str, str]]]
    problems: list[Problem]


def _decoded(content: bytes, shown: str) -> tuple[str, list[Problem]]:
    """The text of a file as spreadsheets write it."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace"), []
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        what = f"byte 0x{content[error.start]:02x} is not UTF-8; the file was read as Windows-1252"
        problem = Problem(f"{shown}:{line}", what, 'save it as "CSV UTF-8"')
        return content.decode("cp1252", errors="replace"), [problem]


def _table(text: str, shown: str) -> _Table:
    """Header and rows; blank lines and those that begin with `#` are passed over."""
    lines = [
        (number, line)
        for number, line in enumerate(re.split(r"\r\n|\n|\r", text), 1)
        if line.strip(' ,;\t"') and not line.lstrip(' "').startswith("#")
    ]
    if lines and lines[0][1].lower().startswith("sep="):
        del lines[0]
    if not lines:
        raise Trouble(f"{shown}:1: the roster is empty; its first line is {','.join(COLUMNS)}")
    (number, head), *rest = lines
    by = max(",;\t", key=head.count)
    header, problems = _header(head, by, f"{shown}:{number}")
    table = _Table([], problems)
    for line, words in rest:
        where = f"{shown}:{line}"
        cells = _cells(words, by, where, problems)
        if cells is not None and _fits(cells, header, where, problems):
            table.rows.append((line, dict(zip(header, cells, strict=False))))
    return table


def _cells(words: str, by: str, where: str, problems: list[Problem]) -> list[str] | None:
    """The cells of one line: no cell of a roster has a line break in it."""
    try:
        (cells,) = csv.reader([words], delimiter=by, strict=True)
    except (csv.Error, ValueError):
        cure = 'write a cell with quotation marks as "say ""hello""", all on one line'
        problems.append(Problem(where, "a quotation mark is not closed or stands alone", cure))
        return None
    return [cell.strip() for cell in cells]


def _fits(cells: list[str], header: list[str], where: str, problems: list[Problem]) -> bool:
    if not any(cells[len(header) :]):
        return True
    what = f"there are {len(cells)} cells, but {len(header)} columns"
    problems.append(
        Problem(where, what, 'put a cell that holds the separator in "quotation marks"')
    )
    return False


def _header(head: str, by: str, where: str) -> tuple[list[str], list[Problem]]:
    problems: list[Problem] = []
    cells = _cells(head, by, where, problems)
    if cells is None:
        raise Trouble(f"{where}: the line with the names of the columns cannot be read")
    names = [re.sub(r"[\s-]+", "_", cell.lower()) for cell in cells]
    while names and not names[-1]:
        del names[-1]
    _require(names, where)
    unknown = [name for name in names if name not in COLUMNS]
    problems += (_unknown_column(name, names, where) for name in unknown)
    problems += (
        Problem(where, f"the column `{name}` stands there {count} times", "keep one")
        for name, count in Counter(names).items()
        if count > 1 and name in COLUMNS
    )
    return [_once(names, place) for place in range(len(names))], problems


def _once(names: list[str], place: int) -> str:
    """Of columns with the same name the first one counts."""
    return "" if names[place] in names[:place] else names[place]


def _require(names: list[str], where: str) -> None:
    missing = [name for name in REQUIRED if name not in names]
    if not missing:
        return
    near = {name: nearest(name, [x for x in names if x not in COLUMNS]) for name in missing}
    hints = [f"`{found[0]}` may be meant as `{name}`" for name, found in near.items() if found]
    hints.append(f"a roster has at least the columns {', '.join(REQUIRED)}")
    named = ", ".join(f"`{name}`" for name in missing)
    raise Trouble(f"{where}: the column {named} is missing; {'; '.join(hints)}")


def _unknown_column(name: str, names: list[str], where: str) -> Problem:
    near = nearest(name, [column for column in COLUMNS if column not in names])
    cure = f"did you mean `{near[0]}`?" if near else f"known columns: {', '.join(COLUMNS)}"
    return Problem(where, f"the column `{name[:60]}` is unknown and not read", cure)


# --- the rows -------------------------------------------------------------------------------


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
