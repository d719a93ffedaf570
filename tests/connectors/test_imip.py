"""Calendars by mail keep the calendars' word, and what only mail can do wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from tests.connectors.contract import CalendarContract
from tests.connectors.mail_world import US, World
from tests.doubles.mailboxes import MISSING, Mailboxes, mailboxes
from tests.doubles.smtp import smtp

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)


@pytest.fixture(scope="module")
def boxes() -> Iterator[Mailboxes]:
    with mailboxes() as served:
        yield served


@pytest.fixture
def world(boxes: Mailboxes, httpserver: HTTPServer, tmp_path: Path) -> Iterator[World]:
    boxes.forget(US)
    with smtp() as server:
        yield World(server, boxes, httpserver, tmp_path)


class TestContract(CalendarContract):
    @pytest.fixture
    def world(self, world: World) -> World:
        return world
