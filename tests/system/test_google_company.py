"""The whole cycle on Google Workspace, with people who move, decline, delete and fall ill."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.doubles.google import GoogleDouble, google_on_loopback
from tests.system.cloud import Scene
from tests.system.company import found
from tests.system.google_tenant import GoogleTenant

START = datetime(2027, 3, 1, 6, tzinfo=UTC)
"""A Monday, two weeks before the clocks change in America and four before they do in Europe."""
PAIRS, DAYS = 8, 80


@pytest.fixture
def google() -> Iterator[GoogleDouble]:
    with google_on_loopback() as served:
        yield served


@pytest.mark.slow
@pytest.mark.parametrize("organizer", ["employee", "service"])
def test_eighty_days_on_google(tmp_path: Path, google: GoogleDouble, organizer: str) -> None:
    company = found(
        tmp_path / "acme", pairs=PAIRS, start=START.date(), days=DAYS, seed=3, taken=(0.1, 0.3)
    )
    scene = Scene(GoogleTenant(company, google, organizer), START)

    scene.play(DAYS)

    scene.check(DAYS)
    assert scene.books.faults == []
    assert google.complaints == []
    assert len(scene.books.held) >= PAIRS * 2
    assert set(scene.did) == {"drag", "decline", "delete", "conflict", "leave"}
