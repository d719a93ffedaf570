"""careloop demo: three of the invented people live a whole cycle through the real pages."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from daemon.cli.stage import company
from daemon.cli.stage.forms import forms_of
from daemon.cli.stage.play import News, link_of
from daemon.cli.stage.setting import Stage, open_stage
from daemon.core.domain import Kind, State
from tests.cli.support import Command

LISTEN, LOOPBACK = "0A", "0100007F"
"""As /proc/net/tcp writes them."""

FEW = tuple(one for one in company.STAFF if one.name.split()[0] in ("Ines", "Jonas", "Priya"))


@dataclass(frozen=True, slots=True)
class Played:
    """A demo that is over, with its pages still up."""

    stage: Stage
    news: tuple[News, ...]
    home: Path


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Play once for all tests."""
    home = tmp_path_factory.mktemp("demo") / "lumen"
    with open_stage(home, 7, FEW) as stage:
        news = tuple(one for _, day in stage.play.days() for one in day)
        yield Played(stage, news, home)


def test_everybody_has_a_first_hour_and_a_follow_up(played: Played) -> None:
    held = [m for m in played.stage.play.meetings.values() if m.state is State.HELD]
    kinds = Counter((m.pair.employee, m.kind) for m in held)

    assert played.stage.play.finished
    assert len(kinds) == 4
    assert all(kinds[one, Kind.FIRST] == 1 for one, _ in kinds)
    assert all(kinds[one, Kind.FOLLOW_UP] >= 1 for one, _ in kinds)


def test_each_talk_has_its_letters_before_and_after(played: Played) -> None:
    letters = Counter(str(one["X-Careloop-Letter"]) for one in played.stage.play.letters)

    assert letters["prep"] >= 4
    assert letters["brief"] >= 4
    assert letters["summary"] >= 8


def test_people_prepare_and_record_on_the_real_pages(played: Played) -> None:
    deeds = Counter(one.about for one in played.news)

    assert deeds["prepares"] >= 4
    assert deeds["records what they agreed"] >= 4
    told = [one for one in played.stage.play.letters if one["X-Careloop-Letter"] == "summary"]
    words = "\n".join(str(one.get_body(("plain",))) for one in told)
    assert any(deed.split()[0] in words for deed in ("Sit beside", "Write down", "Ask the", "Hand"))


def test_the_window_shows_calendar_and_letters(played: Played) -> None:
    home = requests.get(played.stage.address, timeout=10)
    letter = requests.get(played.stage.address + "letter/0", timeout=10)

    assert "Ines Falk" in home.text
    assert "first, held" in home.text
    assert "http-equiv" not in home.text
    assert letter.status_code == 200
    assert "<iframe sandbox" in letter.text
    assert requests.get(played.stage.address + "letter/9999", timeout=10).status_code == 404


def test_a_letters_link_opens_its_page(played: Played) -> None:
    newest = next(
        one for one in reversed(played.stage.play.letters) if one["X-Careloop-Letter"] == "summary"
    )

    page = requests.get(link_of(newest), timeout=10)

    assert page.status_code == 200
    assert any("a.ids" in form.fields for form in forms_of(page.text))


def test_the_pages_are_offered_to_this_machine_alone(played: Played) -> None:
    port = int(played.stage.address.split(":")[2].split("/")[0])
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]

    listening = [row[1] for row in rows if row[3] == LISTEN and row[1].endswith(f":{port:04X}")]

    assert listening == [f"{LOOPBACK}:{port:04X}"]


def test_it_says_where_everything_lies(played: Played) -> None:
    for name in ("outbox/new", "calendars/ines@lumen.example", "config.toml", "demo.log"):
        assert (played.home / name).exists()


def test_a_folder_with_something_in_it_is_refused(careloop: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    answer = careloop("demo", "--dir", tmp_path)

    assert answer.code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_form_is_read_as_a_browser_would_send_it() -> None:
    page = """<form action="/a"><input name="t" value="x &amp; y"><input type="hidden" name="h"
    value="1"><input type="checkbox" name="c" value="2"><input type="checkbox" name="d" checked>
    <textarea name="w">two
    lines</textarea><select name="s"><option value="a"><option value="b" selected></select>
    <input type="radio" name="r" value="1"><input type="radio" name="r" value="2" checked>
    <button name="held" value="yes"></form><input name="outside" value="no">"""

    (form,) = forms_of(page)

    assert form.action == "/a"
    assert form.fields == {
        "t": "x & y",
        "h": "1",
        "d": "on",
        "w": form.fields["w"],
        "s": "b",
        "r": "2",
    }
    assert form.fields["w"].split() == ["two", "lines"]
    assert form.offered["r"] == ["1", "2"]
    assert form.buttons == [("held", "yes")]
