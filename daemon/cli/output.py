"""How verbs print: JSON as it is, tables as columns, rich only on a terminal."""

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def plain(text: str) -> str:
    """Text without control characters: names and addresses may come from anywhere."""
    return "".join(one if one.isprintable() or one == "\n" else " " for one in text)


def print_json(value: Any) -> None:
    """Print a value as JSON; dataclasses as objects, times as RFC 3339."""
    click.echo(json.dumps(value, default=_jsonable, ensure_ascii=False, indent=2))


def _jsonable(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under headings: a table on a terminal, columns elsewhere."""
    clean = [[plain(cell).replace("\n", " ") for cell in row] for row in rows]
    if sys.stdout.isatty():
        _rich_table(headings, clean)
        return
    widths = [max(map(len, column)) for column in zip(headings, *clean, strict=True)]
    for row in (headings, *clean):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def _rich_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console  # rich takes its time, and pipes do not need it
    from rich.table import Table
    from rich.text import Text

    table = Table(*headings, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
