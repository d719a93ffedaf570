"""The files `careloop init` lays down: made only where there is none."""

import os
import pwd
import re
import secrets
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

PEOPLE = """\
email,name,manager,time_zone,working_hours,country,language,start_date,leave,role,calendar_url
maria@acme.example,Maria Lind,,,,,,,,,
anna@acme.example,Anna Weber,maria@acme.example,,Mon-Thu 08:30-16:30; Fri 09:00-14:00,,,,\
2026-12-21..2027-01-03,engineer,
omar@acme.example,Omar Haddad,maria@acme.example,,,,,,,engineer,
"""
SAMPLE = ("maria@acme.example", "anna@acme.example", "omar@acme.example")

ROOT = "root"

ROLE = """\
# Engineer

One line is one responsibility or competency. While preparing, the employee marks each line as
clear, unclear or not mine.

- Builds and maintains the parts of the product the team owns
- Reviews colleagues' work within a working day
- Explains decisions in words that customers understand
- Learns from incidents and shares what was learned
"""


@dataclass(frozen=True, slots=True)
class Answers:
    """What init was told."""

    name: str
    time_zone: str
    country: str
    language: str
    sender: str
    url: str


def lay(folder: Path, answers: Answers) -> tuple[list[Path], list[Path]]:
    """Write every file that is not there yet; returns what was made and what was kept."""
    made: list[Path] = []
    kept: list[Path] = []
    folder.mkdir(parents=True, exist_ok=True)
    fresh = not (folder / "people.csv").exists()
    files: Mapping[str, tuple[str, int]] = {
        "config.toml": (config_text(answers), 0o644),
        "people.csv": (PEOPLE, 0o640),
        "secret.key": (secrets.token_urlsafe(48) + "\n", 0o600),
        "hr/engineer.md": (ROLE, 0o644),
        "careloop.service": (unit_text(folder.resolve(), owner_of(folder)), 0o644),
    }
    for name, (text, mode) in files.items():
        (made if _write(folder / name, text, mode) else kept).append(folder / name)
    for address in SAMPLE if fresh else ():
        (folder / "calendars" / address).mkdir(parents=True, exist_ok=True)
    (folder / "calendars").mkdir(exist_ok=True)
    return made, kept


def _write(path: Path, text: str, mode: int) -> bool:
    """Write a new file with its mode from the first byte; False: something was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return False
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(text)
    return True


def config_text(answers: Answers) -> str:
    """The commented example with the answers in their places."""
    text = resources.files("daemon.config").joinpath("example.toml").read_text("utf-8")
    country = "" if answers.country == "-" else answers.country
    for key, value in {
        "name": answers.name,
        "time_zone": answers.time_zone,
        "country": country,
        "language": answers.language,
        "sender": answers.sender,
        "url": answers.url,
    }.items():
        text = _set(text, key, value)
    return text


def _set(text: str, key: str, value: str) -> str:
    """Give the first `key` of the example its value; what the comment says stays."""
    plain = "".join(char if char.isprintable() else " " for char in value)
    quoted = '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
    said = f"{key} = {quoted}"
    return re.sub(
        rf'^(?:# )?{key} = "[^"]*"(?: +(#))?',
        lambda found: f"{said} ".ljust(len(found[0]) - 1) + "#" if found[1] else said,
        text,
        count=1,
        flags=re.MULTILINE,
    )


def unit_text(folder: Path, owner: str) -> str:
    """The hardened unit with this installation's paths; it may write to `folder` alone.

    In /var/lib root's folder becomes that of a user who exists only while the service runs;
    elsewhere the service runs as the owner, and never as root (`user_for`).
    """
    unit = resources.files("daemon.cli").joinpath("careloop.service").read_text("utf-8")
    command = Path(sys.executable).with_name("careloop")
    unit = unit.replace("/opt/careloop/bin/careloop", _word(command))
    unit = unit.replace("/var/lib/careloop/config.toml", _word(folder / "config.toml"))
    if kept_by_systemd(folder, owner):
        unit = unit.replace("; /var/lib/careloop becomes", f"; {folder} becomes")
        unit = unit.replace("StateDirectory=careloop", f"StateDirectory={_word(Path(folder.name))}")
        return unit.replace("=/var/lib/careloop", f"={_whole(folder)}")
    unit = unit.replace("/var/lib/careloop", _whole(folder))
    home = "ProtectHome=tmpfs\nBindPaths=" + _word(folder)
    unit = unit.replace("ProtectHome=yes", home if _in_a_home(folder) else "ProtectHome=yes")
    return re.sub(
        r"^# A user of its own.*\nDynamicUser=yes\n(?:.*\n)*?StateDirectoryMode=.*\n",
        lambda _: _as_user(folder, owner),
        unit,
        flags=re.MULTILINE,
    )


def _as_user(folder: Path, owner: str) -> str:
    said = "".join(f"#   {command}\n" for command in preparing(folder, owner, known=False))
    first = f"# This user has to exist and own the folder:\n{said}" if said else ""
    return f"{first}User={user_for(owner)}\nReadWritePaths={_word(folder)}\n"


def kept_by_systemd(folder: Path, owner: str) -> bool:
    """Tell whether systemd can give the folder to a user it makes up (StateDirectory=)."""
    return owner == ROOT and folder.parent == Path("/var/lib")


def user_for(owner: str) -> str:
    """Who the service runs as: the folder's owner, but not root."""
    return "careloop" if owner == ROOT else owner


def preparing(folder: Path, owner: str, *, known: bool) -> list[str]:
    """The commands root has to run before the unit can start: make its user (unless `known`), and
    give them the folder. Nothing where the unit runs as somebody who owns it already."""
    if owner != ROOT or kept_by_systemd(folder, owner):
        return []
    user = user_for(owner)
    made = f"useradd --system --no-create-home --shell /usr/sbin/nologin {user}"
    given = f"chown -R {user}: {shlex.quote(str(folder))}"
    return [given] if known else [made, given]


def owner_of(folder: Path) -> str:
    """Whose folder it is, by name, or by number where there is no name."""
    try:
        return folder.owner()
    except KeyError:
        return str(folder.stat().st_uid)


def user_exists(name: str) -> bool:
    """Tell whether this machine knows a user of that name."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _word(path: Path) -> str:
    """A path as one word of a unit file."""
    text = str(path).replace("%", "%%")
    if not re.search(r"[\s\"'\\]", text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _whole(path: Path) -> str:
    """A path where the rest of the line is the value."""
    return str(path).replace("%", "%%")


def _in_a_home(folder: Path) -> bool:
    return any(folder.is_relative_to(home) for home in ("/home", "/root", "/run/user"))


def found_zone() -> str:
    """The zone this machine is set to; UTC where it does not say."""
    named = os.environ.get("TZ", "").lstrip(":")
    if "/" in named and not named.startswith("/"):
        return named
    where = os.path.realpath("/etc/localtime")
    return where.partition("/zoneinfo/")[2].removeprefix("posix/") or "UTC"


def found_country(zone: str) -> str:
    """The country a zone lies in (tzdata's zone.tab); `-` where it lies in none."""
    table = resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return next((row[0] for row in rows if len(row) > 2 and row[2] == zone), "-")


def found_language() -> str:
    """The language this machine speaks, where careloop speaks it too."""
    spoken = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return spoken[:2] if spoken[:2] in ("de", "fr", "es") else "en"
