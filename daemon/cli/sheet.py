"""A simulation as one self-contained HTML page: charts with their tables beneath."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

if TYPE_CHECKING:
    from daemon.loop.fate import Rates
    from daemon.loop.simulation import Simulation

TEMPLATES = Path(__file__).parent.parent / "templates"
FIVE = 5
"""Days, and minutes, that share a bar."""

Rows = list[tuple[str, int]]


def write(found: "Simulation", rates: "Rates", seed: int, file: Path) -> None:
    """Write the page. Raises OSError where the file cannot be written."""
    pages = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
    )
    page = pages.get_template("simulation.html").render(
        s=found,
        rates=rates,
        seed=seed,
        gaps=_binned(gap.days for gap in found.gaps),
        reasons=list(found.reasons.items()),
        moves=list(found.moves.items()),
        letters=sorted((kind.value, count) for kind, count in found.letters.items()),
        minutes=_binned(int(m) for m in found.manager_minutes_per_week.values()),
    )
    file.write_text(page, "utf-8")


def _binned(numbers: Iterable[int]) -> Rows:
    """Count numbers by fives, nothing left out in between."""
    count = Counter(number // FIVE for number in numbers)
    if not count:
        return []
    return [
        (f"{one * FIVE} to {one * FIVE + FIVE - 1}", count[one])
        for one in range(min(count), max(count) + 1)
    ]
