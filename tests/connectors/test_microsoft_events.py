"""What stands in Outlook is what was meant, and what stands there is read as it is."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors import microsoft
from connectors._graph_calendar import GraphCalendar
from connectors._graph_directory import GraphDirectory
from connectors._graph_events import read_event, read_events
from connectors._graph_mail import GraphMailer
from connectors._graph_session import shared
from daemon.config.microsoft import Microsoft
from daemon.config.model import Config, Organization
from daemon.core.domain import Interval, Party
from daemon.core.ports import Done, Trouble
from tests.connectors.contract import EMPLOYEE, MANAGER, a_meeting, an_invite, at, moved
from tests.connectors.microsoft_world import World
from tests.doubles.microsoft import Double

INVITE = an_invite(at(10))
GIVEN = {"tenant": "acme.example", "client_id": "app"}


def only_event(office: World) -> object:
    (event,) = office.double.books.mailbox(EMPLOYEE.email).events.values()
    return event


def test_words_are_escaped_and_the_link_is_there(office: World) -> None:
    words = 'a <b>&"c"\nsecond line'
    office.calendar.put([replace(INVITE, description=words, url='https://x.example/?a=1&b="2"')])

    body = only_event(office).body  # type: ignore[attr-defined]

    assert "a &lt;b&gt;&amp;&quot;c&quot;<br>second line" in body
    assert 'href="https://x.example/?a=1&amp;b=&quot;2&quot;"' in body
    assert "<b>" not in body


def test_an_organizer_is_not_their_own_guest(office: World) -> None:
    office.calendar.put([INVITE])

    assert set(only_event(office).attendees) == {MANAGER.email}  # type: ignore[attr-defined]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Europe/Vienna", "Asia/Kolkata", "UTC"])
def test_the_time_is_the_same_in_every_zone(office: World, zone: str) -> None:
    (result,) = office.calendar.put([replace(INVITE, zone=zone)]).values()

    assert isinstance(result, Done)
    assert result.found is None
    assert only_event(office).start == INVITE.start  # type: ignore[attr-defined]


def test_with_teams_the_text_that_holds_the_link_is_left_alone(office: World) -> None:
    calendar = GraphCalendar(office.graph(teams=True))
    calendar.put([INVITE])

    (result,) = calendar.put([moved(INVITE, at(14))]).values()

    assert isinstance(result, Done)
    event = only_event(office)
    assert event.online  # type: ignore[attr-defined]
    assert event.start == at(14).start  # type: ignore[attr-defined]


def test_new_words_at_the_same_time_are_written(office: World) -> None:
    office.calendar.put([INVITE])
    same = replace(moved(INVITE, at(10)), summary="Another title")

    office.calendar.put([same])

    assert only_event(office).subject == "Another title"  # type: ignore[attr-defined]


def test_an_older_revision_changes_nothing(office: World) -> None:
    office.calendar.put([INVITE])
    office.calendar.put([moved(INVITE, at(14))])

    (result,) = office.calendar.put([INVITE]).values()

    assert isinstance(result, Done)
    assert only_event(office).start == at(14).start  # type: ignore[attr-defined]


def test_a_proposed_new_time_is_seen_with_its_author(office: World) -> None:
    office.calendar.put([INVITE])
    event = only_event(office)
    wish = at(15)
    event.attendees[MANAGER.email]["proposedNewTime"] = {  # type: ignore[attr-defined]
        name: {"dateTime": when.strftime("%Y-%m-%dT%H:%M:%S.0000000"), "timeZone": "UTC"}
        for name, when in (("start", wish.start), ("end", wish.end))
    }

    seen = office.calendar.look([a_meeting(INVITE)])[INVITE.uid]

    assert seen.proposed == Interval(wish.start, wish.end)  # type: ignore[union-attr]
    assert seen.by == MANAGER.email  # type: ignore[union-attr]


def test_names_lose_their_line_breaks(office: World) -> None:
    office.calendar.put(
        [replace(INVITE, attendees=(INVITE.organizer, Party(MANAGER.email, "a\r\nb")))]
    )

    (guest,) = only_event(office).attendees.values()  # type: ignore[attr-defined]
    assert guest["emailAddress"]["name"] == "a b"


@pytest.mark.parametrize(
    "body", [None, [], {}, {"start": 1, "end": 2}, {"start": {"dateTime": "x"}, "end": None}]
)
def test_what_is_no_event_is_none(body: object) -> None:
    assert read_event(body) is None


@pytest.mark.parametrize("body", [None, {}, {"value": None}, {"value": [{"isCancelled": True}]}])
def test_no_events_are_none(body: object) -> None:
    assert read_events(body) == []


class TestSection:
    def test_the_three_roles_open_over_one_connection(self, tenant: Double, tmp_path: Path) -> None:
        settings = tenant.settings(tmp_path / "secret")
        config = Config(root=tmp_path, organization=Organization(name="A"), microsoft=settings)

        opened = (microsoft.directory(config), microsoft.calendar(config), microsoft.mailer(config))

        directory, calendar, mailer = opened
        assert isinstance(directory, GraphDirectory)
        assert isinstance(calendar, GraphCalendar)
        assert isinstance(mailer, GraphMailer)
        assert directory.graph is calendar.graph is mailer.graph
        shared.cache_clear()

    def test_working_hours_without_sense_are_trouble(self, tenant: Double, tmp_path: Path) -> None:
        ours = Organization(name="A", working_hours="Mon-Fri late")
        settings = tenant.settings(tmp_path / "secret")

        with pytest.raises(Trouble, match="working_hours"):
            microsoft.directory(Config(root=tmp_path, organization=ours, microsoft=settings))

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"secret": "file:a", "certificate": "file:b"},
            {"secret": "hunter2"},
            {"secret": "file:a", "tenant": "../common"},
            {"secret": "file:a", "group": "a'b"},
            {"secret": "file:a", "authority": "http://127.0.0.1"},
            {"secret": "file:a", "graph_url": "ftp://x"},
        ],
    )
    def test_wrong_settings_are_refused(self, fields: dict[str, str]) -> None:
        with pytest.raises(ValidationError):
            Microsoft(**GIVEN | fields)  # type: ignore[arg-type]

    def test_a_national_cloud_asks_for_its_own_scope(self) -> None:
        cloud = {"graph_url": "https://graph.example.cn/v1.0/", "secret": "env:A"}

        section = Microsoft(**GIVEN | cloud)  # type: ignore[arg-type]

        assert section.scopes == ["https://graph.example.cn/.default"]
        assert section.endpoint == "https://graph.example.cn/v1.0"

    def test_the_example_shows_every_option(self) -> None:
        text = Path(__file__).parents[2].joinpath("config.example.toml").read_text()
        block = re.search(r"^#\[microsoft\]\n(?:#\w.*\n?)+", text, re.MULTILINE)
        assert block is not None

        shown = tomllib.loads(re.sub(r"^#", "", block[0], flags=re.MULTILINE))["microsoft"]

        assert shown.keys() == Microsoft.model_fields.keys()
        Microsoft(**{name: value for name, value in shown.items() if name != "secret"})
