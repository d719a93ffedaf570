"""Which time zone data is used: the newer of the system's and the packaged one."""

import os
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import tzdata


@dataclass(frozen=True, slots=True)
class ZoneData:
    """The versions found (`2026f`); `system` is empty where the machine does not say."""

    system: str
    packaged: str

    @property
    def newest(self) -> str:
        """The version that is used."""
        return max(self.system, self.packaged)


def found() -> ZoneData:
    """Look at both."""
    return ZoneData(_system(zoneinfo.TZPATH), tzdata.IANA_VERSION)


def use_newest() -> ZoneData:
    """Let zoneinfo, here and in child processes, read the newer data. Call before any zone is
    used: Python itself prefers the system's, however old."""
    data = found()
    if data.packaged > data.system and zoneinfo.TZPATH:
        os.environ["PYTHONTZPATH"] = ""
        zoneinfo.reset_tzpath(to=())
        zoneinfo.ZoneInfo.clear_cache()
    return data


def _system(folders: tuple[str, ...]) -> str:
    for folder in folders:
        try:
            with Path(folder, "tzdata.zi").open(encoding="utf-8") as file:
                return file.readline().removeprefix("# version").strip()
        except OSError:
            continue
    return ""


def released(version: str) -> datetime:
    """About when a version (`2026f`) came out: its year tells more than its letter, of which there
    are three to nine a year."""
    year, letter = version[:4], version[4:5]
    if not year.isdecimal():
        return datetime.min.replace(tzinfo=UTC)
    month = min(12, 1 + 2 * max(0, ord(letter or "a") - ord("a")))
    return datetime(int(year), month, 1, tzinfo=UTC)
