"""Promises about erasing people, on both engines: no table names them, and figures still count."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from daemon.core.agreement import Record, Side, Statement
from daemon.core.conversation import Answer
from daemon.core.domain import (
    Action,
    Because,
    Email,
    LetterKind,
    Owner,
    Pair,
    Reason,
    ResourceKind,
    email,
)
from daemon.core.domain import Letter as Owed
from daemon.store import (
    access,
    agreements,
    answers,
    erasing,
    handover,
    helpers,
    meetings,
    outbox,
    pairs,
    people,
    problems,
    settings,
)
from daemon.store.access import Entry, Session
from daemon.store.database import Database
from daemon.store.helpers import HelperState, Request
from daemon.store.schema import metadata
from daemon.store.vault import Vault
from tests.factories import NOW, a_meeting, a_pair, a_person

VAULT = Vault([b"0" * 32])
PAIR = a_pair()
EVA, MAX = PAIR.employee, PAIR.manager
MIA, TOM = email("mia@acme.example"), email("tom@acme.example")
LATER, TOMS = Pair(EVA, MIA), Pair(TOM, MAX)
NAMES = {EVA: "Eva Öhl", MAX: "Max Grün", MIA: "Mia Lang", TOM: "Tom Kurz"}
HELP = "a" * 32


@pytest.fixture
def database(opened: Database) -> Database:
    """Eva led talks with Max and now with Mia, Tom leads talks with Max; each wrote and was
    written to, and all of it stands in some table."""
    with opened.writing() as conn:
        staff = [a_person(who, name=name, manager=MAX) for who, name in NAMES.items()]
        people.remember(conn, staff, NOW)
        for pair in (PAIR, LATER, TOMS):
            pairs.begin(conn, pair, NOW.date())
            meeting = a_meeting(pair, reason=Reason(Because.MOVED_BY_PERSON, {"by": pair.manager}))
            meetings.save(conn, [meeting])
            box = VAULT.make(conn, pair, NOW)
            for side in Side:
                answers.save(conn, box, pair, side, Answer("role", NOW, f"{side} of {pair}"))
            said = Statement("c" * 16, "focus", "Bread", {}, dict.fromkeys(Side, "Cake"))
            helped = Action("d" * 16, "Sail", Owner.SPHERE, NOW.date(), ResourceKind.NOTHING)
            helped = replace(helped, helper_name=NAMES[MIA], helper_email=MIA)
            record = Record((said,), (helped,))
            agreements.save(conn, box, pair, meeting.uid, record, Side.EMPLOYEE, NOW)
            for who in (pair.employee, pair.manager):
                letter = Owed(NOW, LetterKind.SUMMARY, who, meeting.uid, 1)
                effect = outbox.Effect(letter.key, outbox.Action.LETTER, meeting.uid, 1, who, b"x")
                outbox.skip(conn, effect, f"{who}: the mailbox of {NAMES[who]} is full", NOW)
                access.note(conn, Entry(NOW, who, "saw", "record"), pair)
                access.open_session(
                    conn, Session("employee", who, f"{who} x"), NOW, timedelta(days=1)
                )
        pairs.end(conn, PAIR, NOW.date(), Reason(Because.NEW_MANAGER))
        handover.hand_over(conn, VAULT, PAIR, LATER, NOW)
        problems.replace(conn, {TOMS: ("no_slot", {"who": MAX})}, NOW)
        settings.put(conn, "last_turn", {"problems": [[f"{EVA}: {NAMES[EVA]} has no calendar"]]})
        access.ask_sign_in(conn, MAX, NOW)
        helpers.ask(conn, VAULT.make(conn, TOMS, NOW), _request())
    return opened


def _request() -> Request:
    uid = a_meeting(TOMS).uid
    state = HelperState.ASKED
    return Request(HELP, uid, TOMS, 0, EVA, state, NOW, NOW + helpers.LIFE, questions=("How?",))


def erase(database: Database, *gone: Email) -> None:
    with database.writing() as conn:
        erasing.words(conn, VAULT, gone)
        erasing.names(conn, VAULT, gone, NOW)


def dump(database: Database) -> str:
    """Every cell of every table; what is sealed is told as it is."""
    with database.reading() as conn:
        rows = [row for table in metadata.sorted_tables for row in conn.execute(select(table))]
    return "\n".join(str(tuple(row)) for row in rows)


@pytest.mark.parametrize("gone", [(EVA,), (MAX,), (MIA,), (EVA, MAX)])
def test_no_table_names_who_was_erased(database: Database, gone: tuple[Email, ...]) -> None:
    before = dump(database)

    erase(database, *gone)

    after = dump(database)
    for who in gone:
        for word in (who, NAMES[who], json.dumps(NAMES[who])[1:-1]):
            assert word not in after
        assert who in before
    assert all(who in after for who in NAMES if who not in gone)


def test_an_uid_that_can_be_worked_out_from_addresses_goes_too(database: Database) -> None:
    known = [a_meeting(pair).uid for pair in (PAIR, LATER)]

    erase(database, EVA)

    after = dump(database)
    assert not [uid for uid in known if uid in after]
    assert a_meeting(TOMS).uid in after


def test_an_erased_manager_leaves_the_employees_words(database: Database) -> None:
    erase(database, MAX)

    with database.reading() as conn:
        old = handover.of(conn, LATER)
        assert old is not None
        box = VAULT.box(conn, old.old)
        mine = answers.of(conn, box, old.old, Side.EMPLOYEE)
        theirs = answers.of(conn, box, old.old, Side.MANAGER)
        (said,) = agreements.current(conn, box, old.old).statements
        (saved,) = agreements.revisions(conn, box, old.old)
    assert (mine["role"].text, theirs) == (f"employee of {PAIR}", {})
    assert said.differs == {Side.EMPLOYEE: "Cake", Side.MANAGER: ""}
    assert saved.record.statements == (said,)
    assert said.settled


def test_an_erased_helper_is_taken_out_of_sealed_actions(database: Database) -> None:
    erase(database, MIA)

    with database.reading() as conn:
        record = agreements.current(conn, VAULT.box(conn, TOMS), TOMS)
    (action,) = record.actions
    assert (action.what, action.helper_name, action.helper_email) == ("Sail", "", None)


def test_the_audit_holds_together_after_an_erasure_and_still_shows_a_forged_line(
    database: Database,
) -> None:
    with database.reading() as conn:
        whole = access.broken(conn)
    erase(database, EVA)
    with database.writing() as conn:
        after = access.broken(conn)
        access.note(conn, Entry(NOW, TOM, "saw", "record"), TOMS)
        longer = access.broken(conn)
        conn.exec_driver_sql("UPDATE audit SET did = 'changed' WHERE number = 2")
    erase(database, MAX)
    with database.reading() as conn:
        forged = access.broken(conn)

    assert (whole, after, longer, forged) == (None, None, None, 2)


def test_numbers_of_an_erased_pair_are_not_used_twice_and_name_nobody(database: Database) -> None:
    erase(database, EVA)

    with database.reading() as conn:
        spent = erasing.spent(conn, VAULT, [PAIR, LATER, TOMS])
        other = erasing.spent(conn, Vault([b"1" * 32]), [PAIR])
    assert spent == {PAIR: a_meeting(PAIR).number, LATER: a_meeting(LATER).number}
    assert other == {}


def test_pairs_of_the_erased_are_figures_and_no_histories(database: Database) -> None:
    erase(database, EVA)

    with database.reading() as conn:
        assert list(pairs.histories(conn, ended=True)) == [TOMS]
        assert len(conn.execute(select(metadata.tables["pairs"])).all()) == 3
        assert len(conn.execute(select(metadata.tables["meetings"])).all()) == 3
        assert conn.execute(select(metadata.tables["sessions"])).all()
