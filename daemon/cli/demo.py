"""careloop demo: an invented company lives one full cycle on a fast clock, on this machine."""

import os
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.cli.group import FAILED, OK, config_option

if TYPE_CHECKING:
    from daemon.cli.stage.play import Play

PACE = 0.35
"""Seconds a day takes at least, so that one can watch."""


@click.command()
@config_option
@click.option(
    *("--dir", "folder"),
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the company shall lie [default: a new temporary folder].",
)
@click.option("--keep", is_flag=True, help="Leave the pages up at the end, until Ctrl-C.")
@click.option("--no-browser", is_flag=True, help="Open no browser.")
@click.option("--no-pause", is_flag=True, help="Play as fast as the machine can.")
@click.option(
    "--seed", type=int, default=7, show_default=True, help="Another one, another company."
)
def command(folder: Path | None, keep: bool, no_browser: bool, no_pause: bool, seed: int) -> int:
    """An invented company lives one full cycle; nothing leaves the machine."""
    home = folder or Path(tempfile.mkdtemp(prefix="careloop-demo-"))
    if home.exists() and any(home.iterdir()):
        raise click.UsageError(f"{home} is not empty: name a new folder")
    from daemon.cli.stage.setting import open_stage  # brings everything, and only for this verb

    with open_stage(home, seed) as stage:
        click.echo(f"Lumen, an invented company, lies in {home}", err=True)
        click.echo(f"watch it in the browser: {stage.address}", err=True)
        if not no_browser:
            _open(stage.address)
        _watch(stage.play, 0.0 if no_pause else PACE)
        _farewell(stage.play, home)
        if keep:
            click.echo(f"\nThe pages stay up until Ctrl-C: {stage.address}", err=True)
            _until_interrupted()
    return OK if stage.play.finished else FAILED


def _watch(play: "Play", pace: float) -> None:
    from daemon.cli.stage.screen import screen

    with screen() as show:
        for day, news in play.days():
            began = time.monotonic()
            show(day, news, play.part)
            time.sleep(max(0.0, pace - (time.monotonic() - began)))


def _farewell(play: "Play", home: Path) -> None:
    kinds = Counter(str(letter["X-Careloop-Letter"]) for letter in play.letters)
    sent = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    click.echo(f"\n{len(play.meetings)} meetings, {len(play.letters)} letters ({sent}).", err=True)
    for what, where in (
        ("the letters", "outbox"),
        ("the calendars", "calendars"),
        ("the configuration", "config.toml"),
        ("the log", "demo.log"),
    ):
        click.echo(f"  {what:<18}{home / where}", err=True)
    click.echo("Your own company: careloop init DIR", err=True)


def _open(address: str) -> None:
    """Open the browser where there is a screen; never a text browser in this terminal."""
    if sys.stdout.isatty() and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        import webbrowser  # only where there is one

        webbrowser.open(address)


def _until_interrupted() -> None:
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo("", err=True)
