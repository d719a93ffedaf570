"""Where the links of a letter lead: its button, and the reader's own page."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.core.domain import Email, Letter, LetterKind
from daemon.links import Purpose
from daemon.loop.facts import Errand, facts
from daemon.store import people
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
