"""A reader's language: translated words, and dates and times as they read them at home."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time, get_timezone_location

from daemon.core.domain import Interval, Person

LANGUAGES = ("en", "de", "fr", "es")
LOCALES = Path(__file__).parents[1] / "templates" / "locale"
EUROPEAN_ENGLISH = "en_150"
"""For a reader of English whose country nobody stated: 24 hours, the day before the month."""
YEAR = re.compile(r"(,| 'de')? y$")


@dataclass(frozen=True, slots=True)
class Language:
    """Words and formats of one reader. `tag` is one of LANGUAGES."""

    tag: str
    locale: Locale
    words: NullTranslations

    def day(self, on: date, today: date) -> str:
        """The weekday and the day; the year only where it is another one."""
        pattern = self.locale.date_formats["full"].pattern
        shown = pattern if on.year != today.year else YEAR.sub("", pattern)
        return format_date(on, shown, locale=self.locale)

    def short_day(self, on: date) -> str:
        """The same, short enough for a subject."""
        return format_skeleton("MMMEd", on, locale=self.locale)

    def clock(self, at: datetime) -> str:
        """The time of day on the wall, of an aware time in the reader's zone."""
        return format_time(at.replace(tzinfo=None), "short", locale=self.locale).replace(
            "\u202f", "\u00a0"
        )

    def zone(self, zone: ZoneInfo) -> str:
        """The zone by its city, as in `Berlin time`."""
        city = get_timezone_location(zone, locale=self.locale, return_city=True)
        if "/" not in zone.key or zone.key.startswith("Etc/"):
            return zone.key.removeprefix("Etc/")
        return self.words.gettext("%(city)s time") % {"city": city}

    def when(self, time: Interval, zone: ZoneInfo, now: datetime) -> Mapping[str, str | int]:
        """A meeting's time in every form a letter shows, in the reader's zone."""
        start, end = time.start.astimezone(zone), time.end.astimezone(zone)
        gap = "–" if self.clock(start)[-1].isdigit() else " – "
        return {
            "day": self.day(start.date(), now.astimezone(zone).date()),
            "short_day": self.short_day(start.date()),
            "start": self.clock(start),
            "span": f"{self.clock(start)}{gap}{self.clock(end)}",
            "zone": self.zone(zone),
            "zone_id": zone.key,
            "offset": offset(start.utcoffset() or timedelta()),
            "minutes": int((time.end - time.start).total_seconds() // 60),
        }


def offset(gap: timedelta) -> str:
    """`UTC+5:30`: the distance from UTC, without needless zeros."""
    minutes = int(gap.total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else "+"
    return "UTC" if not minutes else f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "")


def language_of(person: Person) -> Language:
    """The language a person reads, formatted as in their country."""
    return language(person.language, person.country)


@lru_cache(maxsize=256)
def language(tag: str, country: str = "") -> Language:
    """Find the words for a tag such as `de` or `fr-CA`; English for one we do not speak."""
    wanted, _, region = tag.replace("_", "-").partition("-")
    known = wanted.lower() if wanted.lower() in LANGUAGES else "en"
    return Language(
        known, _locale(known, (region or country.partition("-")[0]).upper()), _words(known)
    )


def _locale(tag: str, region: str) -> Locale:
    fallback = Locale.parse(EUROPEAN_ENGLISH if tag == "en" else tag)
    try:
        return Locale.parse(f"{tag}_{region}") if region else fallback
    except (UnknownLocaleError, ValueError):
        return fallback


@lru_cache(maxsize=len(LANGUAGES))
def _words(tag: str) -> NullTranslations:
    compiled = LOCALES / tag / "LC_MESSAGES" / "letters.mo"
    if not compiled.is_file():
        return NullTranslations()
    with compiled.open("rb") as file:
        return GNUTranslations(file)
