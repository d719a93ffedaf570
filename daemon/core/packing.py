"""Whether several meetings fit into one day, one after the other, and at which starts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

BEAM = 256
"""How many partial orders are followed; exact for up to eight meetings a day."""


@dataclass(frozen=True, slots=True)
class Item:
    """A meeting that wants a place: its possible starts and its length with room, in slots."""

    mask: int
    length: int


def fits(items: Sequence[Item]) -> bool:
    """Tell whether all can take place without touching each other.

    Among the ways to hold the same meetings, the one that is over first leaves most room; so it
    is enough to keep, for every set of meetings, when they can be over.
    """
    if roomy(items):
        return True
    over = {0: 0}
    for _ in items:
        over = _one_more(over, items)
        if not over:
            return False
    return True


def roomy(items: Sequence[Item]) -> bool:
    """Tell whether there is so much room that any order and any starts would do."""
    blocked = 0
    for number, item in enumerate(sorted(items, key=lambda item: item.mask.bit_count())):
        if item.mask.bit_count() <= blocked + number * (item.length - 1):
            return False
        blocked += item.length
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
