"""The whole cycle on Microsoft 365, with people who move, decline, propose, delete and fall ill."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.doubles.microsoft import Double, microsoft
from tests.system.cloud import Scene
from tests.system.company import found
from tests.system.microsoft_tenant import MicrosoftTenant

START = datetime(2027, 3, 1, 6, tzinfo=UTC)
"""A Monday, two weeks before the clocks change in America and four before they do in Europe."""
PAIRS, DAYS = 8, 80


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Double]:
    with microsoft(tmp_path) as double:
        yield double


@pytest.mark.slow
def test_eighty_days_on_microsoft_365(tmp_path: Path, tenant: Double) -> None:
    company = found(
        tmp_path / "acme", pairs=PAIRS, start=START.date(), days=DAYS, seed=3, taken=(0.1, 0.3)
    )
    scene = Scene(MicrosoftTenant(company, tenant), START)

    scene.play(DAYS)

    scene.check(DAYS)
    assert scene.books.faults == []
    assert len(scene.books.held) >= PAIRS * 2
    assert set(scene.did) == {"drag", "decline", "delete", "conflict", "propose", "leave"}
    made = [uid for _, uid in tenant.books.created]
    assert len(set(made)) == len(made)
