"""Servers on loopback that several files of this folder share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.microsoft_world import World
from tests.doubles.microsoft import Double, microsoft


@pytest.fixture(scope="module")
def _microsoft(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Double]:
    with microsoft(tmp_path_factory.mktemp("tls")) as double:
        yield double


@pytest.fixture
def tenant(_microsoft: Double) -> Double:
    """An empty Microsoft 365 tenant."""
    return _microsoft.renewed()


@pytest.fixture
def office(tenant: Double, tmp_path: Path) -> Iterator[World]:
    """The tenant with `PEOPLE` in it, and connectors to it."""
    world = World(tenant, tmp_path)
    yield world
    world.close()
