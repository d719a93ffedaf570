"""A roster file as a table: encodings, separators, header, cells, whatever made the file."""

import codecs
import csv
import re
from collections import Counter
from dataclasses import dataclass

from daemon.config.mistakes import nearest
from daemon.core.domain import Problem
from daemon.core.ports import Trouble

REQUIRED = ("email", "name", "manager")
COLUMNS = (
    *REQUIRED,
    *("time_zone", "working_hours", "country", "language", "start_date", "leave", "role"),
    *("calendar_url", "unit"),
)


@dataclass(frozen=True, slots=True)
class Table:
    """The rows with their line numbers, cells by column, and what is wrong with the file."""

    rows: list[tuple[int, dict[str, str]]]
    problems: list[Problem]


def decoded(content: bytes, shown: str) -> tuple[str, list[Problem]]:
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


def table(text: str, shown: str) -> Table:
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
    found = Table([], problems)
    for line, words in rest:
        where = f"{shown}:{line}"
        cells = _cells(words, by, where, problems)
        if cells is not None and _fits(cells, header, where, problems):
            found.rows.append((line, dict(zip(header, cells, strict=False))))
    return found


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
