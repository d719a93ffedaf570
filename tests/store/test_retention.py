"""Promises about forgetting: what has had its time goes, what two have agreed stays."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from daemon.core.agreement import Record, Side, Statement
from daemon.core.checklist import Checklist, load_checklist
from daemon.core.conversation import Answer
from daemon.core.domain import Action, Because, Owner, Progress, Reason, ResourceKind, email
from daemon.store import access, agreements, answers, meetings, pairs, retention, trainings
from daemon.store.access import Entry
from daemon.store.database import Database, open_database
from daemon.store.schema_conversation import audit, records
from daemon.store.vault import Vault
from tests.factories import NOW, a_meeting, a_pair

PAIR = a_pair()
VAULT = Vault([b"a secret of thirty-two bytes....."])
KEEP = retention.keeping(drafts_days=90, shared_months=24, audit_months=24)
TWO_YEARS = timedelta(days=733)
CHECKLIST: Checklist = load_checklist(Path("templates/checklist.toml").read_text("utf-8"), "en")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database("sqlite:///state.db", tmp_path)
    with opened.writing() as conn:
        pairs.begin(conn, PAIR, NOW.date())
    yield opened
    opened.close()


def written(database: Database, item: str, *, shared: bool = False) -> None:
    with database.writing() as conn:
        box = VAULT.make(conn, PAIR, NOW)
        said = Answer(item, NOW, f"My {item}", shared=shared)
        answers.save(conn, box, PAIR, Side.EMPLOYEE, said)


def left(database: Database, later: timedelta) -> set[str]:
    """Which answers are there after so long a time, and a day's forgetting."""
    forget(database, NOW + later)
    with database.reading() as conn:
        return set(answers.of(conn, VAULT.box(conn, PAIR), PAIR, Side.EMPLOYEE))


def forget(database: Database, now: datetime) -> None:
    with database.writing() as conn:
        retention.forget(conn, VAULT, CHECKLIST, KEEP, now)


def test_a_private_draft_goes_ninety_days_after_it_would_be_asked_again(database: Database) -> None:
    written(database, "agenda")  # asked before every talk
    written(database, "direction")  # asked again after 180 days

    kept = [left(database, timedelta(days=days)) for days in (90, 91, 270, 271)]

    assert kept == [{"agenda", "direction"}, {"direction"}, {"direction"}, set()]


def test_what_was_shared_stays_for_two_years(database: Database) -> None:
    written(database, "agenda", shared=True)

    assert left(database, timedelta(days=720)) == {"agenda"}
    assert left(database, TWO_YEARS) == set()


def test_agreed_words_and_open_actions_stay_while_old_records_go(database: Database) -> None:
    meeting = a_meeting()
    action = Action("a" * 16, "Visit", Owner.EMPLOYEE, NOW.date(), ResourceKind.NOTHING)
    done = replace(action, id="b" * 16, progress=Progress.DONE)
    said = Statement("c" * 16, "focus", "Bread", dict.fromkeys(Side, NOW))
    with database.writing() as conn:
        meetings.save(conn, [meeting])
        box = VAULT.make(conn, PAIR, NOW)
        record = Record((said,), (action, done))
        agreements.save(conn, box, PAIR, meeting.uid, record, Side.EMPLOYEE, NOW)

    forget(database, NOW + TWO_YEARS)

    with database.reading() as conn:
        kept = agreements.current(conn, VAULT.box(conn, PAIR), PAIR)
        assert conn.scalar(select(func.count()).select_from(records)) == 0
    assert kept == Record((said,), (action,))


def test_a_pair_that_ended_two_years_ago_has_no_words_and_no_key(database: Database) -> None:
    written(database, "direction", shared=True)
    with database.writing() as conn:
        pairs.end(conn, PAIR, NOW.date(), Reason(Because.LEFT))

    forget(database, NOW + timedelta(days=700))
    with database.reading() as conn:
        before = VAULT.box(conn, PAIR)
    forget(database, NOW + TWO_YEARS)

    with database.reading() as conn:
        assert before is not None
        assert VAULT.box(conn, PAIR) is None


def test_the_audit_goes_after_two_years_and_what_follows_still_holds_together(
    database: Database,
) -> None:
    def noted(days: int) -> None:
        with database.writing() as conn:
            entry = Entry(NOW + timedelta(days=days), PAIR.manager, "saw", "record")
            access.note(conn, entry, PAIR)

    for days in (0, 10, 700):
        noted(days)
    forget(database, NOW + TWO_YEARS + timedelta(days=20))
    noted(760)

    with database.reading() as conn:
        assert [row.number for row in conn.execute(select(audit))] == [3, 4]
        assert access.broken(conn) is None
    forget(database, NOW + 3 * TWO_YEARS)
    noted(2200)
    with database.writing() as conn:
        assert access.broken(conn) is None
        conn.execute(audit.update().values(person="somebody@else.example"))
        assert access.broken(conn) == 5


def test_training_counts_from_five_people_for_a_year_and_knows_no_names(
    database: Database,
) -> None:
    people = [a_pair(email(f"p{n}@acme.example")) for n in range(5)]
    counted = []
    with database.writing() as conn:
        for pair in people:
            trainings.keep(conn, VAULT, pair, {"Writing"}, NOW)
            trainings.keep(conn, VAULT, pair, {"Writing"}, NOW)
            counted.append(dict(trainings.counts(conn, NOW)))
        later = trainings.counts(conn, NOW + timedelta(days=365))
        dump = "".join(map(str, conn.exec_driver_sql("SELECT * FROM training_topics").all()))

    assert counted == [{}, {}, {}, {}, {"Writing": 5}]
    assert later == {}
    assert "p1@acme" not in dump
