"""Promises of the kept conversation: sealed words, figures without a key, links, the audit."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect, select, text, update

from daemon.core.agreement import About, Change, Record, Resource, Side, Statement, Verb
from daemon.core.checklist import load_checklist
from daemon.core.conversation import Answer, Mark, Row
from daemon.core.domain import (
    Accord,
    Action,
    Email,
    Interval,
    Kind,
    Meeting,
    Owner,
    ResourceKind,
    Talk,
    email,
)
from daemon.store import (
    access,
    agreements,
    answers,
    conversations,
    handover,
    helpers,
    meetings,
    pairs,
)
from daemon.store.access import Entry, Session
from daemon.store.database import Database
from daemon.store.helpers import HelperState, Request, TooMany
from daemon.store.schema import metadata
from daemon.store.schema_conversation import audit
from daemon.store.vault import Unreadable, Vault
from tests.factories import NOW, a_meeting, a_pair

SECRET = b"0" * 32
CANARY = "The canary sings only for Eva"
PAIR = a_pair()
EVA, MAX = PAIR.employee, PAIR.manager
CHECKLIST = load_checklist(Path("templates/checklist.toml").read_text("utf-8"), "en")


@pytest.fixture
def database(opened: Database) -> Database:
    """A store, on either engine, where Eva talks with Max and could talk with Mia."""
    with opened.writing() as conn:
        for pair in (PAIR, a_pair(manager="mia@acme.example")):
            pairs.begin(conn, pair, NOW.date())
    return opened


@pytest.fixture
def vault() -> Vault:
    return Vault([SECRET])


def a_saved_meeting(database: Database) -> Meeting:
    meeting = a_meeting()
    with database.writing() as conn:
        meetings.save(conn, [meeting])
    return meeting


def an_action(what: str = "Write", **fields: object) -> Action:
    action = Action("a" + what, what, Owner.EMPLOYEE, date(2026, 4, 1), ResourceKind.NOTHING)
    return replace(action, **fields)  # type: ignore[arg-type]


def a_request(number: int = 1, **fields: object) -> Request:
    asked = Request(
        id=helpers.new_id(),
        uid=a_meeting().uid,
        pair=PAIR,
        number=number,
        email=email("coach@else.example"),
        state=HelperState.ASKED,
        asked_at=NOW,
        expires_at=NOW + helpers.LIFE,
        name="Carla",
        questions=("What should I do more of?",),
    )
    return replace(asked, **fields)  # type: ignore[arg-type]


def test_the_migrations_make_the_tables_the_code_knows(database: Database) -> None:
    with database.reading() as conn:
        seen = inspect(conn)
        made = {t: {c["name"] for c in seen.get_columns(t)} for t in seen.get_table_names()}

    known = {t.name: {c.name for c in t.columns} for t in metadata.sorted_tables}
    assert {name: made.get(name) for name in known} == known


def test_an_answer_comes_back_whole(database: Database, vault: Vault) -> None:
    answer = Answer(
        "role",
        NOW,
        "words",
        {"Opens": Mark.UNCLEAR},
        ("d1", ""),
        (Row("A course", "HR", date(2026, 5, 1), ResourceKind.TRAINING), Row("b")),
        "b4515",
        True,
    )

    with database.writing() as conn:
        box = vault.make(conn, PAIR, NOW)
        answers.save(conn, box, PAIR, Side.EMPLOYEE, answer)

    with database.reading() as conn:
        again = answers.of(conn, vault.box(conn, PAIR), PAIR, Side.EMPLOYEE)
        managers = answers.of(conn, vault.box(conn, PAIR), PAIR, Side.MANAGER)
    assert again == {"role": answer}
    assert managers == {}


def test_an_emptied_answer_is_forgotten(database: Database, vault: Vault) -> None:
    with database.writing() as conn:
        box = vault.make(conn, PAIR, NOW)
        for words in ("something", " "):
            answers.save(conn, box, PAIR, Side.EMPLOYEE, Answer("role", NOW, words))

        assert answers.of(conn, box, PAIR, Side.EMPLOYEE) == {}


def test_no_word_lies_readable_in_the_file(database: Database, vault: Vault) -> None:
    meeting = a_saved_meeting(database)
    with database.writing() as conn:
        box = vault.make(conn, PAIR, NOW)
        answers.save(conn, box, PAIR, Side.EMPLOYEE, Answer("role", NOW, CANARY))
        answers.add_paper(conn, box, PAIR, "feedback", f"{CANARY}.pdf", CANARY.encode(), NOW)
        record = Record(
            (Statement("s", "", CANARY, differs={Side.EMPLOYEE: CANARY}),),
            (an_action(CANARY, id="x", note=CANARY, resource=CANARY),),
            (Resource("r", ResourceKind.PEOPLE, CANARY, CANARY),),
        )
        agreements.save(conn, box, PAIR, meeting.uid, record, Side.EMPLOYEE, NOW)
        helpers.ask(conn, box, a_request(questions=(CANARY,), note=CANARY))

    assert CANARY not in dump(database)


def dump(database: Database) -> str:
    """Everything the store holds: each row, and on SQLite every byte of its files."""
    with database.reading() as conn:
        tables = metadata.sorted_tables
        rows = [
            bytes_as_text(value)
            for t in tables
            for row in conn.execute(t.select())
            for value in row
        ]
    files = database.file.parent.iterdir() if database.file else ()
    return "".join((*rows, *(bytes_as_text(f.read_bytes()) for f in files if f.is_file())))


def bytes_as_text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def test_another_secret_opens_nothing_and_says_so(database: Database, vault: Vault) -> None:
    with database.writing() as conn:
        vault.make(conn, PAIR, NOW)

        with pytest.raises(Unreadable, match="secret"):
            Vault([b"1" * 32]).box(conn, PAIR)


def test_a_new_secret_takes_over_without_losing_a_word(database: Database, vault: Vault) -> None:
    both = Vault([b"1" * 32, SECRET])
    with database.writing() as conn:
        sealed = vault.make(conn, PAIR, NOW).seal({"a": "ü"})

        turned = both.rotate(conn)
        box = Vault([b"1" * 32]).box(conn, PAIR)

    assert turned == 1
    assert box is not None
    assert box.open(sealed) == {"a": "ü"}


def test_a_forgotten_key_makes_words_unreadable(database: Database, vault: Vault) -> None:
    with database.writing() as conn:
        sealed = vault.make(conn, PAIR, NOW).seal("x")
        vault.forget(conn, PAIR)

        with pytest.raises(Unreadable):
            vault.make(conn, PAIR, NOW).open(sealed)


def test_each_save_is_a_revision_and_the_figures_need_no_key(
    database: Database, vault: Vault
) -> None:
    meeting = a_saved_meeting(database)
    half = Record((Statement("s", "t", "Ship", {Side.EMPLOYEE: NOW}),), (an_action(),))
    full = Record((Statement("s", "t", "Ship", dict.fromkeys(Side, NOW)),), (an_action(),))
    with database.writing() as conn:
        box = vault.make(conn, PAIR, NOW)
        answers.prepared(conn, meeting.uid, NOW)
        first = agreements.save(conn, box, PAIR, meeting.uid, half, Side.EMPLOYEE, NOW)
        lacking = conversations.accords(conn)
        later = NOW + timedelta(hours=1)
        second = agreements.save(conn, box, PAIR, meeting.uid, full, Side.MANAGER, later)

        assert (first, second) == (1, 2)
        assert lacking == {PAIR: Accord(1, 1, NOW)}
        assert conversations.accords(conn) == {PAIR: Accord(1, 0, later)}
        assert conversations.talks(conn) == {meeting.uid: Talk(True, 2, later)}
        assert agreements.current(conn, box, PAIR) == full
        assert [r.record for r in agreements.revisions(conn, box, PAIR)] == [half, full]


def test_differing_on_both_sides_leaves_nothing_open(database: Database, vault: Vault) -> None:
    with database.writing() as conn:
        box = vault.make(conn, PAIR, NOW)
        differing = Statement("s", "t", "Ship", differs=dict.fromkeys(Side, "because"))
        agreements.keep(conn, box, PAIR, Record((differing,)))

        assert conversations.accords(conn) == {PAIR: Accord(1, 0, None)}


def test_the_summary_tells_agreed_differing_and_what_changed(
    database: Database, vault: Vault
) -> None:
    meeting = a_saved_meeting(database)
    agreed = Statement("1", "", "Ship weekly", dict.fromkeys(Side, NOW))
    differing = Statement("2", "", "Lead", differs={Side.MANAGER: "next year"})
    waiting = Statement("3", "", "Learn", {Side.EMPLOYEE: NOW})
    late = an_action("late", due=date(2026, 2, 1))
    with database.writing() as conn:
        box = vault.make(conn, PAIR, NOW)
        for record in (
            Record((agreed,), (an_action(),)),
            Record((agreed, differing, waiting), (an_action(), late)),
        ):
            agreements.save(conn, box, PAIR, meeting.uid, record, Side.EMPLOYEE, NOW)

        told = conversations.for_summary(conn, vault, PAIR, meeting.uid, 2, NOW.date(), since=1)

    assert [a.what for a in told.actions] == ["late", "Write"]
    assert told.agreed == ("Ship weekly",)
    assert told.differing == (conversations.Differing("Lead", "", "next year"),)
    assert told.open == ("Learn",)
    assert Change(About.ACTION, Verb.ADDED, "late") in told.changes
    assert len(told.changes) == 3


def test_the_brief_holds_shared_items_and_the_managers_promises_only(
    database: Database, vault: Vault
) -> None:
    with database.writing() as conn:
        box = vault.make(conn, PAIR, NOW)
        for answer in (
            Answer("direction", NOW, CANARY),
            Answer("expectations", NOW, "Weekly", shared=True),
        ):
            answers.save(conn, box, PAIR, Side.EMPLOYEE, answer)
        promise = an_action("Ask HR", owner=Owner.MANAGER)
        agreements.keep(conn, box, PAIR, Record(actions=(an_action(), promise)))

        brief = conversations.for_brief(conn, vault, PAIR, CHECKLIST, NOW.date())

    assert [point.text for point in brief.points] == ["Weekly"]
    assert brief.promises == (promise,)
    assert CANARY not in repr(brief)


def test_the_preparation_letter_asks_less_in_a_follow_up(database: Database, vault: Vault) -> None:
    with database.writing() as conn:
        first = conversations.for_prep(conn, vault, PAIR, Kind.FIRST, CHECKLIST, {}, NOW)
        box = vault.make(conn, PAIR, NOW)
        for item in CHECKLIST.items:
            answers.save(conn, box, PAIR, Side.EMPLOYEE, Answer(item.id, NOW, "x"))
        later = conversations.for_prep(conn, vault, PAIR, Kind.FOLLOW_UP, CHECKLIST, {}, NOW)

    assert len(first.points) == len(CHECKLIST.items)
    assert 0 < len(later.points) <= 3


def test_offers_keep_their_order_and_are_replaced_whole(database: Database) -> None:
    slots = [Interval(NOW + timedelta(days=d), NOW + timedelta(days=d, hours=1)) for d in (3, 1)]
    uid = a_meeting().uid
    with database.writing() as conn:
        changed = [conversations.set_offers(conn, uid, slots) for _ in range(2)]

        assert conversations.offers(conn, uid) == tuple(slots)
        assert changed == [True, False]
        assert conversations.set_offers(conn, uid, [])
        assert conversations.offers(conn, uid) == ()


# --- helpers --------------------------------------------------------------------------------


def test_a_helper_answers_once(database: Database, vault: Vault) -> None:
    request = a_request()
    answered = replace(request, state=HelperState.ANSWERED, answers=("More of it",))
    with database.writing() as conn:
        box = vault.make(conn, PAIR, NOW)
        helpers.ask(conn, box, request)
        invited = helpers.owed(conn, NOW)
        first, again = (helpers.answer(conn, box, answered) for _ in range(2))

        assert [one.id for one in invited] == [request.id]
        assert (first, again) == (True, False)
        assert helpers.by_id(conn, vault, request.id) == answered
        assert helpers.owed(conn, NOW) == ()


def test_three_people_at_a_time_are_enough(database: Database, vault: Vault) -> None:
    with database.writing() as conn:
        box = vault.make(conn, PAIR, NOW)
        for _ in range(3):
            helpers.ask(conn, box, a_request())

        with pytest.raises(TooMany):
            helpers.ask(conn, box, a_request())


def test_requests_expire_and_are_forgotten(database: Database, vault: Vault) -> None:
    request = a_request()
    with database.writing() as conn:
        helpers.ask(conn, vault.make(conn, PAIR, NOW), request)

        assert request.open_at(NOW)
        assert not request.open_at(request.expires_at)
        assert helpers.owed(conn, request.expires_at) == ()
        assert helpers.forget_old(conn, request.expires_at - timedelta(seconds=1)) == 0
        assert helpers.forget_old(conn, request.expires_at) == 1


# --- a new manager --------------------------------------------------------------------------


def test_a_new_manager_gets_open_actions_and_only_what_the_employee_chose(
    database: Database, vault: Vault
) -> None:
    new = a_pair(manager="mia@acme.example")
    kept = Statement("s1", "success_work", "Ship", dict.fromkeys(Side, NOW))
    left = Statement("s2", "success_self", "Grow", dict.fromkeys(Side, NOW))
    with database.writing() as conn:
        box = vault.make(conn, PAIR, NOW)
        answers.save(conn, box, PAIR, Side.EMPLOYEE, Answer("direction", NOW, "Up", shared=True))
        answers.save(conn, box, PAIR, Side.EMPLOYEE, Answer("role", NOW, "Bake", shared=True))
        answers.add_paper(conn, box, PAIR, "feedback", "a.txt", b"well done", NOW)
        agreements.keep(conn, box, PAIR, Record((kept, left), (an_action(),)))

        did = [handover.hand_over(conn, vault, PAIR, new, NOW) for _ in range(2)]
        known = handover.of(conn, new)
        assert known is not None
        before = answers.of(conn, vault.box(conn, new), new, Side.EMPLOYEE)
        handover.choose(conn, vault, known, ["role"], ["s1"], NOW)

        after = answers.of(conn, vault.box(conn, new), new, Side.EMPLOYEE)
        record = agreements.current(conn, vault.box(conn, new), new)
        papers = answers.papers(conn, vault.box(conn, new), new)
        old = agreements.current(conn, box, PAIR)
    assert did == [True, False]
    assert not any(answer.shared for answer in before.values())
    assert {item for item, answer in after.items() if answer.shared} == {"role"}
    assert [(s.text, s.ticks) for s in record.statements] == [("Ship", {})]
    assert [a.what for a in record.actions] == ["Write"]
    assert [(p.name, p.shared) for p in papers] == [("a.txt", False)]
    assert old.statements == (kept, left)


def test_erasing_a_pair_leaves_figures_and_no_word(database: Database, vault: Vault) -> None:
    meeting = a_saved_meeting(database)
    with database.writing() as conn:
        box = vault.make(conn, PAIR, NOW)
        answers.save(conn, box, PAIR, Side.EMPLOYEE, Answer("role", NOW, "x"))
        agreements.save(conn, box, PAIR, meeting.uid, Record(), Side.EMPLOYEE, NOW)
        conversations.erase(conn, vault, PAIR)

        assert vault.box(conn, PAIR) is None
        assert agreements.revisions(conn, vault.make(conn, PAIR, NOW), PAIR) == ()
        assert agreements.last_revision(conn, meeting.uid) == 1
        assert conversations.talks(conn)[meeting.uid].revision == 1
        assert meetings.by_uid(conn, meeting.uid) == meeting


# --- access ---------------------------------------------------------------------------------


def test_a_session_is_known_by_its_token_until_it_expires(database: Database) -> None:
    mine = Session("employee", EVA, "about")
    with database.writing() as conn:
        token = access.open_session(conn, mine, NOW, timedelta(hours=8))
        stored = list(conn.scalars(text("SELECT id FROM sessions")))

        assert access.session(conn, token, NOW) == mine
        assert access.session(conn, token, NOW + timedelta(hours=8)) is None
        assert access.session(conn, token[:-1], NOW) is None
        assert token not in stored


def test_revoking_a_person_ends_their_sessions_and_raises_their_version(
    database: Database,
) -> None:
    with database.writing() as conn:
        tokens = {
            who: access.open_session(conn, Session("manager", who, ""), NOW, timedelta(hours=8))
            for who in (EVA, MAX)
        }
        access.revoke(conn, MAX)

        assert (access.version(conn, MAX), access.version(conn, EVA)) == (1, 0)
        assert access.session(conn, tokens[MAX], NOW) is None
        assert access.session(conn, tokens[EVA], NOW) is not None


def test_a_sign_in_is_used_once_by_the_one_who_asked(database: Database) -> None:
    hana = Email("hana@acme.example")
    with database.writing() as conn:
        access.ask_sign_in(conn, hana, NOW)
        access.ask_sign_in(conn, hana, NOW)
        (asked,) = conversations.sign_ins_owed(conn, NOW)

        assert not access.use_sign_in(conn, asked.id, EVA, NOW)
        assert not access.use_sign_in(conn, asked.id, hana, NOW + access.SIGN_IN_LIFE)
        assert access.use_sign_in(conn, asked.id, hana, NOW)
        assert not access.use_sign_in(conn, asked.id, hana, NOW)
        access.ask_sign_in(conn, hana, NOW)
        assert [one.number for one in access.sign_ins_owed(conn, NOW)] == [2]


def test_the_audit_shows_a_changed_and_a_missing_line(database: Database) -> None:
    with database.writing() as conn:
        for did in ("saw", "changed", "exported"):
            access.note(conn, Entry(NOW, MAX, did, "record"), PAIR)
        whole = access.broken(conn)
        conn.execute(update(audit).where(audit.c.number == 2).values(person="eve"))
        changed = access.broken(conn)
        conn.execute(audit.delete().where(audit.c.number == 2))
        missing = access.broken(conn)

    assert (whole, changed, missing) == (None, 2, 3)


def test_looking_twice_a_day_is_one_line(database: Database) -> None:
    with database.writing() as conn:
        for hours in (0, 23, 25):
            entry = Entry(NOW + timedelta(hours=hours), MAX, "saw", "record")
            if not access.noted(conn, entry, PAIR):
                access.note(conn, entry, PAIR)

        assert len(access.seen(conn, EVA)) == 2
        assert conn.scalars(select(audit.c.did)).all() == ["saw", "saw"]
