"""What one key alone cannot tell: zones, countries, addresses, figures that belong together."""

import re
import zoneinfo
from collections.abc import Iterator
from datetime import date
from functools import cache
from importlib import resources
from urllib.parse import urlsplit

from daemon.config.mistakes import Finding, nearest, shown
from daemon.config.model import Config
from daemon.config.secrets import is_reference
from daemon.core.roster import parse_hours

EMBEDDED = frozenset({"csv", "folder", "maildir"})
SECTIONS = {"imip": ("smtp", "imap")}
"""Where a kind's settings stand when not in the section of its own name alone."""
_ADDRESS = re.compile(r"[^@\s<>,;:\"()\[\]\\]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def findings(config: Config) -> Iterator[Finding]:
    """Everything that is wrong or doubtful about a configuration whose types are right."""
    for check in (_organization, _cadence, _kinds, _mail, _people_team, _web, _state):
        yield from check(config)


def known_zone(name: str) -> bool:
    """Tell whether this is an IANA zone."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@cache
def countries() -> dict[str, str]:
    """ISO 3166 code to English name, as shipped with the zone data."""
    table = resources.files("tzdata.zoneinfo").joinpath("iso3166.tab").read_text("utf-8")
    rows = (line.split("\t", 1) for line in table.splitlines() if not line.startswith("#"))
    return dict(rows)


def known_part(land: str, part: str) -> bool:
    """Tell whether a country has this part (`DE`, `BY`), as far as its holidays know."""
    import holidays  # slow to load: only where a part of a country is named

    try:
        holidays.country_holidays(land, subdiv=part)
    except NotImplementedError:
        return False
    return True


def _organization(config: Config) -> Iterator[Finding]:
    ours = config.organization
    if not ours.name.strip():
        yield Finding(("organization", "name"), "[organization] name is empty", 'name = "Acme"')
    if not known_zone(ours.time_zone):
        yield _unknown_zone(ours.time_zone)
    if ours.country:
        yield from _country(ours.country)
    yield from _hours(ours.working_hours)
    for day in ours.closed_days:
        if not _is_day(day):
            yield Finding(
                ("organization", "closed_days"),
                f"[organization] closed_days: {shown(day)} is not a day",
                'write days like "2026-12-24"',
            )


def _hours(text: str) -> Iterator[Finding]:
    try:
        parse_hours(text)
    except ValueError as error:
        what, _, cure = str(error).partition("; ")
        yield Finding(
            ("organization", "working_hours"),
            f"[organization] working_hours = {shown(text)}: {what}",
            cure or 'write for example working_hours = "Mon-Fri 09:00-17:00"',
        )


def _unknown_zone(name: str) -> Finding:
    near = nearest(name, zoneinfo.available_timezones()) or ["Europe/Berlin"]
    return Finding(
        ("organization", "time_zone"),
        f"[organization] time_zone = {shown(name)} is not a known zone",
        f'write for example time_zone = "{near[0]}"',
    )


def _country(code: str) -> Iterator[Finding]:
    key = ("organization", "country")
    land, _, part = code.partition("-")
    what = f"[organization] country = {shown(code)}"
    if land not in countries():
        by_name = nearest(code, countries().values(), cutoff=0.8)
        codes = [one for one, name in countries().items() if name in by_name]
        near = codes or [one for one in (land.upper(), land[:2].upper()) if one in countries()]
        hint = f'did you mean "{near[0]}"? ' if near else ""
        yield Finding(
            key, f"{what} is not a country code", f'{hint}write ISO 3166, such as "DE" or "DE-BY"'
        )
    elif part and not known_part(land, part):
        yield Finding(
            key, f"{what}: {land} has no part {shown(part)}", f'write "{land}" or a part it has'
        )


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _cadence(config: Config) -> Iterator[Finding]:
    rules = config.cadence
    if rules.min_days > rules.max_days:
        yield Finding(
            ("cadence", "min_days"),
            f"[cadence] min_days = {rules.min_days} is more than max_days = {rules.max_days}",
            "write for example min_days = 30 and max_days = 45",
        )
    elif not rules.min_days <= rules.preferred_days <= rules.max_days:
        yield Finding(
            ("cadence", "preferred_days"),
            f"[cadence] preferred_days = {rules.preferred_days} lies outside "
            f"min_days = {rules.min_days} and max_days = {rules.max_days}",
            f"write for example preferred_days = {(rules.min_days + rules.max_days) // 2}",
        )
    if not 15 <= rules.follow_up_minutes <= 20:
        yield Finding(
            ("cadence", "follow_up_minutes"),
            f"[cadence] follow_up_minutes = {rules.follow_up_minutes}: "
            "a follow-up is meant to take 15 to 20 minutes",
            "write for example follow_up_minutes = 20",
            warning=True,
        )
    if rules.max_per_day > rules.max_per_week:
        yield Finding(
            ("cadence", "max_per_week"),
            f"[cadence] max_per_week = {rules.max_per_week} is less than "
            f"max_per_day = {rules.max_per_day}",
            f"write for example max_per_week = {rules.max_per_day * 3}",
        )


def _kinds(config: Config) -> Iterator[Finding]:
    """A kind that reaches out has the sections it needs."""
    used = {
        "people": config.people.kind,
        "calendar": config.calendar.kind,
        "mail": config.mail.kind,
    }
    for role, kind in used.items():
        if kind in EMBEDDED:
            continue
        needed = sections_of(kind)
        missing = [one for one in needed if getattr(config, one, None) is None]
        if kind not in Config.model_fields:
            yield Finding(
                (role, "kind"),
                f'[{role}] kind = "{kind}" is not part of this version',
                f"choose {', '.join(_choices(role))}",
            )
        elif missing:
            named = " and ".join(f"[{one}]" for one in missing)
            yield Finding(
                (role, "kind"),
                f'[{role}] kind = "{kind}" needs a section {named}',
                f"add {named} with its settings; config.example.toml shows them",
            )


def sections_of(kind: str) -> tuple[str, ...]:
    """The sections that hold what a kind needs to reach its servers."""
    return SECTIONS.get(kind, (kind,))


def _choices(role: str) -> list[str]:
    possible = Config.model_fields[role].annotation.model_fields["kind"].annotation.__args__  # type: ignore[union-attr]
    return [f'"{one}"' for one in possible if one in EMBEDDED or one in Config.model_fields]


def _mail(config: Config) -> Iterator[Finding]:
    if not is_address(config.mail.sender):
        yield Finding(
            ("mail", "sender"),
            f"[mail] sender = {shown(config.mail.sender)} is not a mail address",
            'write for example sender = "careloop@acme.example"',
        )
    if re.search(r"[\r\n]", config.mail.sender_name):
        yield Finding(
            ("mail", "sender_name"),
            "[mail] sender_name has a line break",
            'write for example sender_name = "careloop"',
        )


def is_address(text: str) -> bool:
    """Tell whether this looks like one mail address."""
    return _ADDRESS.fullmatch(text) is not None


def _people_team(config: Config) -> Iterator[Finding]:
    for member in config.people_team.members:
        if not is_address(member):
            yield Finding(
                ("people_team", "members"),
                f"[people_team] members: {shown(member)} is not a mail address",
                'write for example members = ["hr@acme.example"]',
            )


def _web(config: Config) -> Iterator[Finding]:
    url = config.web.url
    if not _is_base_url(url):
        yield Finding(
            ("web", "url"),
            f"[web] url = {shown(url)} is not an address a browser can open",
            'write for example url = "https://careloop.acme.example"',
        )
    elif url.startswith("http:") and not _on_loopback(urlsplit(url).hostname or ""):
        yield Finding(
            ("web", "url"),
            f"[web] url = {shown(url)}: links in letters would travel unencrypted",
            "put a proxy with TLS in front and write https://",
            warning=True,
        )
    if not re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\s/]+):\d{1,5}", config.web.bind) or (
        int(config.web.bind.rpartition(":")[2]) > 65535
    ):
        yield Finding(
            ("web", "bind"),
            f"[web] bind = {shown(config.web.bind)} is not HOST:PORT",
            'write for example bind = "127.0.0.1:8080"',
        )


def _is_base_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or parts.username) and not re.search(r"\s", url)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and plain and port != 0


def _on_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _state(config: Config) -> Iterator[Finding]:
    url = config.state.url
    if is_reference(url) or url.startswith(
        ("sqlite:///", "postgresql://", "postgresql+psycopg://")
    ):
        return
    scheme = url.partition("://")[0] if "://" in url else ""  # the rest may hold a password
    yield Finding(
        ("state", "url"),
        f"[state] url is not the URL of a database careloop can use ({scheme or 'no scheme'})",
        'write url = "sqlite:///state.db" or "postgresql://USER@HOST/NAME"',
    )
