"""CalDAV on real servers: the contract on Radicale (both ways in) and on Xandikos."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.connectors.caldav_world import World
from tests.connectors.contract import CalendarContract
from tests.doubles.dav_servers import Radicale, Xandikos, running

_NUMBERS = count(1)


@pytest.fixture(scope="module")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    with running(Radicale(tmp_path_factory.mktemp("radicale"))) as server:
        assert isinstance(server, Radicale)
        yield server


@pytest.fixture(scope="module")
def xandikos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Xandikos]:
    with running(Xandikos(tmp_path_factory.mktemp("xandikos"))) as server:
        assert isinstance(server, Xandikos)
        yield server


class TestRadicaleWithEverybodysOwnPassword(CalendarContract):
    @pytest.fixture
    def world(self, radicale: Radicale, tmp_path: Path) -> Iterator[World]:
        world = World(radicale, tmp_path)
        yield world
        world.close()


class TestRadicaleWithOneServiceAccount(CalendarContract):
    @pytest.fixture
    def world(self, radicale: Radicale, tmp_path: Path) -> Iterator[World]:
        world = World(radicale, tmp_path, service=True)
        yield world
        world.close()


class TestXandikosThatInvites(CalendarContract):
    @pytest.fixture
    def world(self, xandikos: Xandikos, tmp_path: Path) -> Iterator[World]:
        world = World(xandikos, tmp_path, number=next(_NUMBERS))
        yield world
        world.close()
