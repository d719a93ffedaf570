"""The days between the talks of a pair, as the cycle counts them (product rules 2 and 9)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from daemon.core.domain import Kind


@dataclass(frozen=True, slots=True)
class Gap:
    """From the day the clock started to the day of the next talk of the cycle."""

    since: date
    day: date
    kind: Kind
    """What the later talk was: one that opens a cycle anew owes nothing to the one before."""

    @property
    def days(self) -> int:
        """How many."""
        return (self.day - self.since).days


def gaps(talks: Iterable[tuple[date, Kind]], least: int) -> Iterator[Gap]:
    """Tell the gaps between talks that were held, oldest first; one day is one talk.

    A talk about a missing tick ends no gap. It starts the clock anew if the two agreed in it, and
    then the next talk of the cycle is never booked sooner than `least` days later.
    """
    clock: list[date] = []  # the last talk of the cycle, and those about a missing tick since
    for day, kind in sorted(talks, key=_in_order):
        if kind is Kind.ALIGNMENT:
            clock += [day] if clock else []
        elif not clock or clock[0] != day:
            if clock:
                agreed = (one for one in reversed(clock) if (day - one).days >= least)
                yield Gap(next(agreed, clock[0]), day, kind)
            clock = [day]


def _in_order(talk: tuple[date, Kind]) -> tuple[date, bool, Kind]:
    day, kind = talk
    return day, kind is Kind.ALIGNMENT, kind
