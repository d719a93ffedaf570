"""Where the links of a letter lead, and what the letters of a talk to align say it is about."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.core.agreement import Record, Side, Statement
from daemon.core.domain import Email, Kind, Letter, LetterKind
from daemon.links import Purpose
from daemon.loop.facts import Errand, facts
from daemon.store import agreements, people
from tests.factories import NOW
from tests.web.office import EVA, MAX, PAIR, Office, an_office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = an_office(tmp_path)
    yield opened
    opened.app.database.close()


@pytest.mark.parametrize(
    ("kind", "to", "button", "page"),
    [
        (LetterKind.PREP, EVA, Purpose.PREPARE, Purpose.MY_PAGE),
        (LetterKind.BRIEF, MAX, Purpose.BRIEF, Purpose.BRIEF),
        (LetterKind.RECORD, EVA, Purpose.RECORD, Purpose.MY_PAGE),
        (LetterKind.RECORD, MAX, Purpose.RECORD, Purpose.BRIEF),
        (LetterKind.MOVED, EVA, Purpose.MY_PAGE, Purpose.MY_PAGE),
        (LetterKind.MOVED, MAX, Purpose.BRIEF, Purpose.BRIEF),
    ],
)
def test_the_button_leads_to_the_matter_and_the_foot_to_ones_own_page(
    office: Office, kind: LetterKind, to: Email, button: Purpose, page: Purpose
) -> None:
    meeting = office.meeting()
    errand = Errand(Letter(NOW, kind, to, meeting.uid), PAIR, meeting)

    with office.app.database.reading() as conn:
        said = facts(office.app, conn, errand, people.everybody(conn), NOW)

    assert said.link == office.app.links.make(button, to, meeting.uid, NOW)
    assert said.page == office.app.links.make(page, to, meeting.uid, NOW)


@pytest.mark.parametrize("letter", [LetterKind.PREP, LetterKind.NUDGE])
@pytest.mark.parametrize(
    ("kind", "lacking"),
    [(Kind.ALIGNMENT, (1, 2)), (Kind.FIRST, (0, 0)), (Kind.FOLLOW_UP, (0, 0))],
)
def test_the_letters_of_a_talk_to_align_count_the_ticks_that_are_missing(
    office: Office, letter: LetterKind, kind: Kind, lacking: tuple[int, int]
) -> None:
    half = [
        Statement(name, "", "Full shelves", {Side.EMPLOYEE: NOW}) for name in ("1" * 16, "2" * 16)
    ]
    other = Statement("3" * 16, "", "A warm oven", {Side.MANAGER: NOW})
    meeting = office.meeting(kind=kind)
    with office.app.database.writing() as conn:
        box = office.app.vault.make(conn, PAIR, NOW)
        agreements.keep(conn, box, PAIR, Record((*half, other)))

    errand = Errand(Letter(NOW, letter, EVA, meeting.uid), PAIR, meeting)
    with office.app.database.reading() as conn:
        said = facts(office.app, conn, errand, people.everybody(conn), NOW)

    assert said.lacking == lacking
