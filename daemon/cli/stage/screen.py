"""The demo in the terminal: news as they come, and a line that tells how far it is."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

import click

from daemon.cli.output import plain
from daemon.cli.stage.play import News

Show = Callable[[date, list[News], float], None]

COLOURS = {"booked": "cyan", "letter": "green", "held": "bold", "moved": "yellow", "missed": "red"}


@contextmanager
def screen() -> Iterator[Show]:
    """Yield what shows one day: its news, and how much of the cycle is over."""
    if not sys.stdout.isatty():
        yield _in_lines
        return
    from rich.console import Console  # rich takes its time, and pipes do not need it
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.text import Text

    columns = (
        TextColumn("{task.description}"),
        BarColumn(None),
        TextColumn("{task.percentage:>3.0f} %"),
    )
    with Progress(*columns, console=Console(highlight=False)) as progress:
        task = progress.add_task("", total=1.0)

        def show(day: date, news: list[News], part: float) -> None:
            for one in news:
                line = Text(f"{one.at:%d %b}  ")
                line.append(f"{one.what:<24}", _colour(one.what))
                line.append(plain(one.about))
                progress.console.print(line, soft_wrap=True)
            progress.update(task, completed=part, description=f"{day:%a %d %b %Y}")

        yield show


def _in_lines(_: date, news: list[News], __: float) -> None:
    for one in news:
        click.echo(plain(f"{one.at:%Y-%m-%d}  {one.what:<24}{one.about}"))


def _colour(what: str) -> str:
    return next((colour for word, colour in COLOURS.items() if word in what), "")
