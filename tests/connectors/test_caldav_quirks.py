"""The contract on servers that each do something differently, as servers in the field do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.connectors.caldav_double_world import DoubleWorld
from tests.connectors.contract import CalendarContract
from tests.doubles.caldav import Quirks, caldav_double

ODD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "without etags": ({"etags": "none"}, {}),
    "weak etags": ({"etags": "weak", "schedules": True}, {}),
    "overwrites what exists": ({"overwrites": True}, {}),
    "no marks at all": ({"marks": False}, {}),
    "forgets every token": ({"token_refusal": 410}, {}),
    "answers an old token with everything": ({"token_refusal": 207}, {}),
    "fails to delete": ({"delete": 500, "schedules": True}, {}),
    "invites, but must not": ({"schedules": True}, {"scheduling": "own"}),
    "an outbox for everybody": ({"outbox": "all"}, {"free_busy": "outbox"}),
    "free/busy only": ({}, {"free_busy": "report"}),
}


@pytest.mark.parametrize("odd", ODD)
class TestOddServers(CalendarContract):
    @pytest.fixture
    def world(self, odd: str, tmp_path: Path) -> Iterator[DoubleWorld]:
        quirks, settings = ODD[odd]
        with caldav_double() as double:
            double.quirks = Quirks(**quirks)
            world = DoubleWorld(double, tmp_path, **settings)
            yield world
            world.close()
