"""Microsoft's words for time: zones by Windows names, seven digits after the second, hours."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from connectors._zones import known
from daemon.core.domain import Hours

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = 24 * 60


def zone_named(name: str) -> ZoneInfo | None:
    """Read a Windows or IANA name; None where it names no one zone (empty, "Customized Time
    Zone")."""
    return known(WINDOWS_TO_OLSON.get(name.strip(), name)) if name.strip() else None


def wire_zone(name: str) -> str:
    """The Windows name of an IANA zone; "UTC" where Microsoft has none that is the same."""
    return _windows_names().get(name, "UTC")


@cache
def _windows_names() -> Mapping[str, str]:
    return {iana: windows for windows, iana in WINDOWS_TO_OLSON.items()}


def moment(said: object) -> datetime | None:
    """Read a dateTimeTimeZone as UTC; None where time or zone cannot be read."""
    if not isinstance(said, Mapping):
        return None
    zone = zone_named(str(said.get("timeZone") or "UTC"))
    try:
        read = datetime.fromisoformat(_six_digits(str(said.get("dateTime"))))
    except ValueError:
        return None
    if read.tzinfo:
        return read.astimezone(UTC)
    return read.replace(tzinfo=zone).astimezone(UTC) if zone else None


def on_wire(when: datetime, zone: str = "UTC") -> dict[str, str]:
    """Write an instant as a dateTimeTimeZone, on the wall clock of an IANA zone where Microsoft
    knows that zone; a time the clock shows twice is written in UTC."""
    named = wire_zone(zone)
    local = when.astimezone(ZoneInfo(zone) if named != "UTC" else UTC).replace(fold=0)
    if named != "UTC" and local.astimezone(UTC) != when:
        return on_wire(when)
    return {"dateTime": local.replace(tzinfo=None).isoformat(timespec="seconds"), "timeZone": named}


def working_hours(said: object) -> tuple[Hours | None, ZoneInfo | None]:
    """Read workingHours of getSchedule; None for what it does not say.

    Hours that end before they begin go over midnight.
    """
    if not isinstance(said, Mapping):
        return None, None
    named = said.get("timeZone")
    zone = zone_named(str(named.get("name") or "")) if isinstance(named, Mapping) else None
    first, last = (_minute(said.get(key)) for key in ("startTime", "endTime"))
    listed = said.get("daysOfWeek")
    days = {str(day).lower() for day in listed} if isinstance(listed, list) else set()
    if first is None or last is None or first == last or not days & set(_DAYS):
        return None, zone
    return Hours(tuple(_day(number, days, first, last or _DAY) for number in range(7))), zone


def _day(number: int, days: set[str], first: int, last: int) -> tuple[tuple[int, int], ...]:
    today, yesterday = _DAYS[number] in days, _DAYS[number - 1] in days
    if first < last:
        return ((first, last),) if today else ()
    morning = ((0, last),) if yesterday else ()
    return (*morning, *(((first, _DAY),) if today else ()))


def _minute(said: object) -> int | None:
    try:
        hours, minutes = str(said).split(":")[:2]
        minute = int(hours) * 60 + int(minutes)
    except ValueError:
        return None
    return minute if 0 <= minute <= _DAY else None


def _six_digits(text: str) -> str:
    whole, dot, digits = text.partition(".")
    fraction = digits.rstrip("Z")
    return whole + dot + fraction[:6] + digits[len(fraction) :]
