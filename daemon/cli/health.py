"""What `careloop doctor` examines: each examination yields what ails, why, and what mends it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from daemon.config import zonedata
from daemon.config.model import Config
from daemon.config.secrets import SecretProblem, is_reference, read, web_secret
from daemon.core.domain import Interval

LEAST_FREE = 200 * 1024 * 1024
SPAN = timedelta(days=62)
"""How far ahead calendars are read: as far as a turn reads at least."""
OLD_CLOCK = datetime(2026, 11, 1, tzinfo=UTC)
"""This version did not exist before: a clock that shows an earlier day is wrong."""


@dataclass(frozen=True, slots=True)
class Ailment:
    """Something out of order: what, why it matters, the command that mends it."""

    what: str
    why: str
    mend: str
    refused: bool = False
    """Credentials were refused: an administrator has to act (exit code 12)."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is examined, and when."""

    config: Config
    now: datetime


Examination = Callable[[Case], Iterator[Ailment]]


def state(case: Case) -> Iterator[Ailment]:
    """The file of the state: there, whole, and nobody else's to read."""
    from daemon.store import files  # the store is loaded only by who looks at it
    from daemon.store.trouble import StoreTrouble

    file = state_file(case.config)
    if file is None:
        return
    if not file.exists():
        return  # before the first turn there is nothing to ail
    mode = file.stat().st_mode & 0o777
    if mode & 0o077:
        yield Ailment(
            f"{file} can be read by others (mode {mode:04o})",
            "it tells who meets whom and when",
            f"chmod 600 {file}",
        )
    try:
        files.check(file)
    except StoreTrouble as trouble:
        yield Ailment(str(trouble), "nothing can be recorded", "careloop restore FILE")


def disk(case: Case) -> Iterator[Ailment]:
    """Room for the state and the letters."""
    places = (case.config.root, state_file(case.config) or case.config.root)
    for folder in sorted({_existing(place) for place in places}):
        free = shutil.disk_usage(folder).free
        if free < LEAST_FREE:
            yield Ailment(
                f"{free // 1024 // 1024} MiB are free at {folder}",
                "on a full disk nothing is recorded, and nothing is booked or sent",
                f"df -h {folder}",
            )


def clock(case: Case) -> Iterator[Ailment]:
    """The machine's time: plausible, and kept by something."""
    if case.now < OLD_CLOCK:
        yield Ailment(
            f"the clock shows {case.now:%Y-%m-%d}, before this version was made",
            "meetings would be booked in the past",
            "timedatectl set-ntp true",
        )
    if _synchronised() is False:
        yield Ailment(
            "nothing keeps the clock right",
            "letters go out at 08:00 of this clock",
            "timedatectl set-ntp true",
        )


def zones(case: Case) -> Iterator[Ailment]:
    """The age of the time zone data that is used."""
    newest = zonedata.found().newest
    if zonedata.released(newest) < case.now - timedelta(days=540):
        yield Ailment(
            f"the time zone data is of {newest}",
            "after a country changes its clocks, meetings there would be an hour off",
            "pip install --upgrade tzdata",
        )


def secrets(case: Case) -> Iterator[Ailment]:
    """Every secret the configuration refers to: there, private, long enough."""
    for name, reference in _references(case.config):
        try:
            if name == "[web] secret":
                web_secret(reference, case.config.root)
            else:
                read(reference, case.config.root)
        except SecretProblem as problem:
            yield Ailment(f"{name}: {problem.what}", "careloop does not start", problem.cure)


def folders(case: Case) -> Iterator[Ailment]:
    """A write test wherever files stand in for a calendar or a mailbox."""
    wanted = []
    if case.config.calendar.kind == "folder":
        top = case.config.at(case.config.calendar.path)
        wanted += [(top, "meetings could not be booked")]
        wanted += [
            (one, "this person's meetings could not be booked")
            for one in (sorted(top.iterdir()) if top.is_dir() else [])
            if one.is_dir() and not one.name.startswith(".")
        ]
    if case.config.mail.kind == "maildir":
        wanted += [(case.config.at(case.config.mail.path), "letters could not be delivered")]
    for folder, why in wanted:
        refusal = _write_test(folder)
        if refusal:
            yield Ailment(f"{folder}: {refusal}", why, f"chown -R $(id -un) {_existing(folder)}")


def templates(case: Case) -> Iterator[Ailment]:
    """The operator's own templates."""
    from daemon.wiring import letters_for  # brings the template engine

    for problem in letters_for(case.config).problems():
        yield Ailment(
            f"{problem.where}: {problem.what}",
            "the built-in template is used instead",
            problem.cure or f"edit {problem.where.partition(':')[0]}",
        )


def connections(case: Case) -> Iterator[Ailment]:
    """Roster, calendars and mail, each asked whether it would work."""
    import connectors  # brings the libraries of the providers in use
    from daemon.core.ports import CredentialsRefused, Trouble

    openings: tuple[tuple[str, str, Callable[[Config], Any]], ...] = (
        ("people", case.config.people.kind, connectors.directory),
        ("calendar", case.config.calendar.kind, connectors.calendar),
        ("mail", case.config.mail.kind, connectors.mailer),
    )
    for role, kind, opening in openings:
        section = f'[{role}] kind = "{kind}"'
        try:
            opened = opening(case.config)
            problems = list(opened.doctor()) if hasattr(opened, "doctor") else []
            if role == "people":
                problems += opened.people().problems
        except (Trouble, SecretProblem) as trouble:
            yield Ailment(
                f"{section}: {trouble}",
                "nothing gets through",
                "careloop check",
                refused=isinstance(trouble, CredentialsRefused),
            )
            continue
        for problem in problems:
            yield Ailment(f"{problem.where}: {problem.what}", f"asked by {section}", problem.cure)


def calendars(case: Case) -> Iterator[Ailment]:
    """The calendars of everybody who has talks, read as a turn reads them; where a whole
    connection is out of order, `connections` tells."""
    import connectors  # brings the libraries of the providers in use
    from daemon.core.ports import Trouble, Unknown

    ahead = Interval(case.now, case.now + SPAN)
    try:
        staff = connectors.directory(case.config).people().people
        managers = {person.manager for person in staff}
        talking = [person for person in staff if person.manager or person.email in managers]
        found = connectors.calendar(case.config).busy(talking, ahead, ())
    except (Trouble, SecretProblem):
        return
    for person in talking:
        answer = found.get(person.email, Unknown("the calendar gave no answer"))
        if isinstance(answer, Unknown):
            yield Ailment(
                f"{person.email}: {answer.reason}",
                "unknown is never free: nothing is booked for them, and clashes are not seen",
                "mend what it names, then: careloop doctor",
            )


EXAMINATIONS: dict[str, Examination] = {
    "state": state,
    "disk": disk,
    "clock": clock,
    "time zone data": zones,
    "secrets": secrets,
    "folders": folders,
    "templates": templates,
    "connections": connections,
    "calendars": calendars,
}


def state_file(config: Config) -> Path | None:
    """The SQLite file; None on PostgreSQL or behind a reference."""
    url = config.state.url
    if not url.startswith("sqlite:///"):
        return None
    return config.root / url.removeprefix("sqlite:///")


def _existing(path: Path) -> Path:
    """The path itself, or the nearest folder above it that exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _write_test(folder: Path) -> str:
    """Write and remove a file; what was refused, or nothing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".careloop-doctor-", dir=folder)
        os.close(handle)
        Path(name).unlink()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _synchronised() -> bool | None:
    """Whether the system keeps its clock right; None: it does not say."""
    program = shutil.which("timedatectl")
    if program is None:
        return None
    try:
        asked = subprocess.run(  # noqa: S603 - a fixed command
            [program, "show", "--property=NTPSynchronized", "--value"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except OSError:
        return None
    return {"yes": True, "no": False}.get(asked.stdout.strip())


def _references(config: Config) -> Iterator[tuple[str, str]]:
    """Every setting that refers to a secret, by its name in the file."""
    for section in type(config).model_fields:
        settings = getattr(config, section)
        if not isinstance(settings, BaseModel):
            continue
        for key in type(settings).model_fields:
            value = getattr(settings, key)
            if isinstance(value, str) and is_reference(value):
                yield f"[{section}] {key}", value
