"""Public holidays and the organization's own closed days, by country code."""

from collections.abc import Iterable
from datetime import date
from functools import cache


def closed_days(
    countries: Iterable[str], own: Iterable[str], years: tuple[int, ...]
) -> dict[str, frozenset[date]]:
    """Tell on which days nobody works, for each country code (`DE`, `DE-BY`; empty: none).

    An unknown code has no holidays; `careloop check` has said so already.
    """
    extra = frozenset(date.fromisoformat(day) for day in own)
    return {code: public_holidays(code, years) | extra for code in {"", *countries}}


@cache
def public_holidays(code: str, years: tuple[int, ...]) -> frozenset[date]:
    """The public holidays of a country or one of its parts (ISO 3166-1, 3166-2)."""
    if not code:
        return frozenset()
    import holidays  # slow to import, and needed only where a country is set

    country, _, part = code.partition("-")
    try:
        return frozenset(holidays.country_holidays(country, subdiv=part or None, years=years))
    except NotImplementedError:
        return frozenset()
