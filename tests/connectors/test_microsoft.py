"""Microsoft 365 keeps the promises of every calendar and every mailer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors._graph_calendar import GraphCalendar
from connectors._graph_mail import GraphMailer
from tests.connectors.contract import CalendarContract, MailerContract
from tests.connectors.microsoft_world import World
from tests.doubles.microsoft import Double


class CalendarWorld(World):
    """The world as the calendar contract wants it."""

    def reopen(self) -> GraphCalendar:
        return GraphCalendar(self.graph())


class MailWorld(World):
    """The world as the mailer contract wants it."""

    def reopen(self) -> GraphMailer:
        return GraphMailer(self.graph())


class TestCalendar(CalendarContract):
    @pytest.fixture
    def world(self, tenant: Double, tmp_path: Path) -> Iterator[CalendarWorld]:
        world = CalendarWorld(tenant, tmp_path)
        yield world
        world.close()


class TestMailer(MailerContract):
    @pytest.fixture
    def world(self, tenant: Double, tmp_path: Path) -> Iterator[MailWorld]:
        world = MailWorld(tenant, tmp_path)
        yield world
        world.close()
