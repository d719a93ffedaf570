"""Folders of calendar files (vdir): finding what is somebody's, and writing so that a crash at any
point leaves either the old file or the new one."""

import errno
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from connectors._readings import LARGEST, NotLoaded
from daemon.core.domain import Email

_TICK = 20_000_000
"""Nanoseconds; a kernel notes times every four to ten milliseconds."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one person's calendar stands: a folder of files, a single file, or both."""

    folder: Path
    """It may not exist yet where there is a single file."""
    folders: tuple[Path, ...] = ()
    """Those that exist: several where names differ in case only."""
    files: tuple[Path, ...] = ()

    def listed(self) -> Iterator[os.DirEntry[str]]:
        """Every calendar file in the folders. Raises OSError."""
        for folder in self.folders:
            with os.scandir(folder) as entries:
                yield from (each for each in entries if is_calendar(each.name))


def is_calendar(name: str) -> bool:
    """Tell a calendar file by its name; hidden ones are somebody's unfinished writing."""
    return name[-4:].lower() == ".ics" and not name.startswith(".")


def places(root: Path) -> dict[Email, Place]:
    """Everybody who has a calendar under `root`, by address in lower case. Raises OSError."""
    folders: dict[str, list[Path]] = {}
    files: dict[str, list[Path]] = {}
    with os.scandir(root) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            if entry.is_dir():
                folders.setdefault(entry.name.lower(), []).append(Path(entry.path))
            elif is_calendar(entry.name):
                files.setdefault(entry.name[:-4].lower(), []).append(Path(entry.path))
    return {
        Email(who): Place(
            folders.get(who, [root / who])[0],
            tuple(folders.get(who, ())),
            tuple(files.get(who, ())),
        )
        for who in folders.keys() | files.keys()
    }


def mark(found: os.stat_result) -> str:
    """What changes whenever a file's content does."""
    return f"{found.st_mtime_ns}:{found.st_ctime_ns}:{found.st_size}:{found.st_ino}"


def settled(found: os.stat_result) -> bool:
    """Tell whether a later change would show in the mark: clocks of file systems tick slowly."""
    return abs(time.time_ns() - found.st_ctime_ns) > _TICK


def fresh_mark(found: os.stat_result) -> str:
    """The mark, made unlike any other as long as the file may change without showing it."""
    return mark(found) if settled(found) else f"{mark(found)}:{time.monotonic_ns()}"


def load(path: str | Path) -> bytes:
    """The bytes of a regular file, at most one more than `LARGEST`. Raises OSError, `NotLoaded`."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as source:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise NotLoaded("it is not a regular file")
        return source.read(LARGEST + 1)


def make(folder: Path) -> None:
    """Make a person's folder where they only have a single file."""
    if not folder.is_dir():
        folder.mkdir(exist_ok=True)
        _settle(folder.parent)


def create(path: Path, content: bytes) -> bool:
    """Write a file that must not exist yet, whole or not at all; False where the name is taken."""
    draft = _drafted(path, content)
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.ENOTSUP, errno.EMLINK}:
            raise
        return _create_without_links(path, content)
    finally:
        draft.unlink(missing_ok=True)
    _settle(path.parent)
    return True


def _create_without_links(path: Path, content: bytes) -> bool:
    try:
        with path.open("xb") as target:
            _poured(target.fileno(), content)
    except FileExistsError:
        return False
    _settle(path.parent)
    return True


def replace(path: Path, content: bytes, known: str) -> bool:
    """Put new content in the place of what was `known` (a mark); False where it changed since."""
    draft = _drafted(path, content)
    try:
        if mark(path.stat()) != known:
            return False
        draft.replace(path)
    except FileNotFoundError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    _settle(path.parent)
    return True


def remove(path: Path) -> None:
    """Remove a file for good; one that is gone is fine."""
    path.unlink(missing_ok=True)
    _settle(path.parent)


def _drafted(path: Path, content: bytes) -> Path:
    """The content under a hidden name that a repeat uses again, safe on the disk."""
    draft = path.with_name(f".{path.name}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(draft, flags, 0o666)
    try:
        _poured(handle, content)
    finally:
        os.close(handle)
    return draft


def _poured(handle: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]
    os.fsync(handle)


def _settle(folder: Path) -> None:
    """Make a new name survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
