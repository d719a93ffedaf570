"""Whether several meetings fit into one day, one after the other, and at which starts."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

BEAM = 256
"""How many partial orders are followed; exact for up to eight meetings a day."""


class Item(NamedTuple):
    """A meeting that wants a place: its possible starts and its length with room, in slots."""

    mask: int
    length: int


def fits(items: Sequence[Item]) -> bool:
    """Tell whether all can take place without touching each other.

    Among the ways to hold the same meetings, the one that is over first leaves most room; so it
    is enough to keep, for every set of meetings, when they can be over.
    """
    urgent = sorted(items, key=lambda item: item.mask.bit_length())
    if in_turn(urgent) or in_turn(reversed(urgent)):
        return True
    if len(items) <= 2:
        return False
    over = {0: 0}
    for _ in items:
        over = _one_more(over, items)
        if not over:
            return False
    return True


def in_turn(items: Iterable[Item]) -> bool:
    """Tell whether all can take place in this order, each as early as it can."""
    end = 0
    for mask, length in items:
        later = mask >> end
        if not later:
            return False
        end += (later & -later).bit_length() - 1 + length
    return True


def _one_more(over: dict[int, int], items: Sequence[Item]) -> dict[int, int]:
    longer: dict[int, int] = {}
    for chosen, end in over.items():
        for number, item in enumerate(items):
            later = item.mask >> end
            if chosen >> number & 1 or not later:
                continue
            done = end + (later & -later).bit_length() - 1 + item.length
            key = chosen | 1 << number
            if done < longer.get(key, done + 1):
                longer[key] = done
    if len(longer) <= BEAM:
        return longer
    return dict(sorted(longer.items(), key=lambda one: (one[1], one[0]))[:BEAM])


def beside(item: Item, start: int, length: int) -> Item:
    """The same item without the starts that touch a meeting of this length at `start`."""
    first, last = max(start - item.length + 1, 0), start + length
    return Item(item.mask & ~(((1 << (last - first)) - 1) << first), item.length)


def pack(items: Sequence[Item], best: Sequence[Callable[[int], int]]) -> list[int | None]:
    """Choose the starts: each item in turn takes the best that leaves room for those after it.

    `best[i]` picks one bit of a set for item `i`. None stands for one that found no room, which
    happens only if the items do not fit.
    """
    starts: list[int | None] = []
    left = list(items)
    for choose in best:
        item, *left = left
        start, left = _first(item, choose, left)
        starts.append(start)
    return starts


def _first(
    item: Item, choose: Callable[[int], int], others: list[Item]
) -> tuple[int | None, list[Item]]:
    """The best start that leaves room for the others, and what it leaves them."""
    mask = item.mask
    while mask:
        start = choose(mask)
        left = [beside(other, start, item.length) for other in others]
        if not left or fits(left):
            return start, left
        mask &= ~(1 << start)
    return None, others
