"""A person's calendars: the words for them, and how they are read from a server's answers."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from connectors._dav_accounts import Account
from connectors._dav_hours import hours_in, zone_in
from connectors._dav_words import C, D, Entry, S, inside
from daemon.core.domain import Email, Hours, email

CALENDAR = (
    f"{D}resourcetype",
    f"{D}displayname",
    f"{D}sync-token",
    f"{D}current-user-privilege-set",
    f"{S}getctag",
    f"{C}supported-calendar-component-set",
    f"{C}schedule-calendar-transp",
    f"{C}calendar-timezone",
)
_WRITING = (f"{D}all", f"{D}write", f"{D}write-content", f"{D}bind")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a person is to the server. Addresses are URLs; empty: there is none."""

    url: str
    home: str
    inbox: str = ""
    outbox: str = ""
    addresses: tuple[str, ...] | None = None
    """The mail addresses it knows them by; None: it does not say."""
    default: str = ""
    """The calendar that invitations go to."""
    hours: str = ""
    """Their VAVAILABILITY, as it stands on the server."""


@dataclass(frozen=True, slots=True)
class Collection:
    """One calendar as it is now."""

    url: str
    name: str
    mark: str
    """Changes whenever anything in it does; empty: the server does not tell."""
    token: str
    """Where a sync begins; empty: the server does not sync."""
    counts: bool = True
    """Its events make busy."""
    writable: bool = True
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Home:
    """A person's calendars, and as whom they are reached."""

    who: Email
    account: Account
    principal: Principal
    calendars: tuple[Collection, ...]
    target: Collection
    """The one our meetings are written to."""

    @property
    def zone(self) -> ZoneInfo | None:
        """The zone of that calendar."""
        return zone_in(self.target.zone)

    @property
    def hours(self) -> Hours | None:
        """The working hours the server holds."""
        return hours_in(self.principal.hours)


def place_of(home: Home, uid: str) -> str:
    """The address our event gets in this person's calendar: always the same."""
    return inside(home.target.url, f"{uid}.ics")


def addresses(entry: Entry) -> tuple[str, ...] | None:
    """The mail addresses a principal is known by; None: the server does not say."""
    name = f"{C}calendar-user-address-set"
    if name not in entry.props:
        return None
    said = [(each.text or "").strip() for each in entry.props[name].iter(f"{D}href")]
    mails = tuple(email(each) for each in said if each.lower().startswith("mailto:"))
    return mails if mails or not said else None


def is_calendar(entry: Entry) -> bool:
    """Tell a calendar that takes events from whatever else stands in a home."""
    if not entry.holds(f"{D}resourcetype", f"{C}calendar"):
        return False
    kinds = entry.props.get(f"{C}supported-calendar-component-set")
    names = {each.get("name", "").upper() for each in kinds} if kinds is not None else set()
    return not names or "VEVENT" in names


def collection(entry: Entry) -> Collection:
    """Read a calendar from its entry."""
    token, ctag = entry.text(f"{D}sync-token"), entry.text(f"{S}getctag")
    rights = f"{D}current-user-privilege-set"
    return Collection(
        url=entry.url if entry.url.endswith("/") else f"{entry.url}/",
        name=entry.text(f"{D}displayname"),
        mark=f"{ctag} {token}".strip(),
        token=token,
        counts=not entry.holds(f"{C}schedule-calendar-transp", f"{C}transparent"),
        writable=rights not in entry.props or any(entry.holds(rights, x) for x in _WRITING),
        zone=entry.text(f"{C}calendar-timezone"),
    )
